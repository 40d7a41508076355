"""Multibase, bytes as text whose first character names the base, and the bases themselves.

`base58` reads and writes base 58, behind the checks that it lacks.
The bases of 2^n characters follow one rule that no library has: bits left over at the end are ignored when read
and zero when written, and a character more than the bytes need is refused.
https://github.com/multiformats/multibase
"""

from __future__ import annotations

import binascii

from multiaddr_py._digits import digits32, digits58
from multiaddr_py.errors import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_BASE16 = _DIGITS + "abcdefABCDEF"
_BASE36 = _DIGITS + _LOWER + _UPPER
_BASE58BTC = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58FLICKR = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


def _base32(characters: str, digits: str) -> tuple[str, bytes]:
    """Return the characters of a base 32, and what turns them into the digits that `int` has."""
    return characters, bytes.maketrans(characters.encode(), digits.encode())


_DIGITS32 = (_DIGITS + _LOWER)[:32]
_BASE32 = _base32(_LOWER + "234567" + _UPPER, _DIGITS32 + _DIGITS32[:26])
_BASE32HEX = _base32(_DIGITS32 + _UPPER[:22], _DIGITS32 + _UPPER[:22])
_ZBASE32 = _base32("ybndrfg8ejkmcpqxot1uwisza345h769", _DIGITS32)

_LETTERS32 = bytes.maketrans(bytes(range(32)), _BASE32[0][:32].encode())
_LETTERS58 = bytes.maketrans(bytes(range(58)), _BASE58BTC.encode())

_MOST_CHARACTERS = 1024
"""Of a base that is no power of two, prefix included: there reading costs the square of the length."""


def decode_multibase(text: str) -> bytes:
    """Read multibase text."""
    read = _BASES.get(text[:1])
    if read is None:
        raise ValueError(f"{quote(text[:1])} is no multibase prefix; those read are {' '.join(_BASES)}")
    return read(text[1:])


def read_base16(text: str) -> bytes:
    """Read hex in any case."""
    _check_characters(text, _BASE16)  # `fromhex` would skip blanks
    if len(text) % 2:
        raise ValueError("hex takes two characters for a byte")
    return bytes.fromhex(text)


def read_base32(text: str, alphabet: tuple[str, bytes] = _BASE32) -> bytes:
    """Read base 32 without padding."""
    characters, digits = alphabet
    _check_characters(text, characters)
    size, left_over = divmod(5 * len(text), 8)
    _check_left_over(left_over, 5)
    # The base is a power of two: `int` reads it in linear time, in any length.
    return (int(text.encode().translate(digits) or b"0", 32) >> left_over).to_bytes(size)


def write_base32(raw: bytes) -> str:
    """Write base 32 in lower case without padding."""
    # `base64` does it in a loop, and takes longer to import than this package.
    blocks = [raw[start : start + 40].ljust(40, b"\0") for start in range(0, len(raw), 40)]
    digits = b"".join([digits32(int.from_bytes(block)) for block in blocks])
    return digits[: -(-8 * len(raw) // 5)].translate(_LETTERS32).decode()


def read_base36(text: str) -> bytes:
    """Read base 36 in any case; as in base 58, each leading zero is a byte."""
    _check_length(text)
    _check_characters(text, _BASE36)
    # In two halves, since an interpreter may be set to refuse numbers of more than 640 digits.
    middle = len(text) // 2
    number: int = int(text[:middle] or "0", 36) * 36 ** (len(text) - middle) + int(text[middle:] or "0", 36)
    return _leading(text, "0") + _shortest(number)


def write_base36(raw: bytes) -> str:
    """Write base 36 in lower case."""
    number = int.from_bytes(raw)
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = (_DIGITS + _LOWER)[digit] + text
    return "0" * (len(raw) - len(raw.lstrip(b"\0"))) + text


def read_base58(text: str, alphabet: str = _BASE58BTC) -> bytes:
    """Read base 58, with Bitcoin's alphabet unless told otherwise."""
    import base58  # late: it takes longer to import than this package

    _check_length(text)
    _check_characters(text, alphabet)  # the library would strip white space at the end
    # Not `b58decode`, which makes the bytes out of the number one by one.
    return _leading(text, alphabet[0]) + _shortest(base58.b58decode_int(text, alphabet.encode()))


def write_base58(raw: bytes) -> str:
    """Write up to 46 bytes in base 58 with Bitcoin's alphabet."""
    # Digit by digit, as the library does it, it would be half of the time of writing an address with a peer ID.
    zeros = len(raw) - len(raw.lstrip(b"\0"))
    digits = digits58(int.from_bytes(raw)).lstrip(b"\0")
    return (bytes(zeros) + digits).translate(_LETTERS58).decode()


def read_base64(text: str, last: str = "+/") -> bytes:
    """Read base 64 without padding; `last` are the characters that stand for 62 and 63."""
    _check_characters(text, _UPPER + _LOWER + _DIGITS + last)
    _check_left_over(6 * len(text) % 8, 6)
    standard = text.replace(last[0], "+").replace(last[1], "/")
    return binascii.a2b_base64(standard + "=" * (-len(text) % 4))


def write_base64(raw: bytes, last: str = "+/") -> str:
    """Write base 64 with padding."""
    standard = binascii.b2a_base64(raw, newline=False).decode()
    return standard.replace("+", last[0]).replace("/", last[1])


def without_padding(text: str, quantum: int) -> str:
    """Cut off the `=` that fill `text` up to a multiple of `quantum` characters, exactly."""
    bare = text.rstrip("=")
    if len(text) - len(bare) != -len(bare) % quantum:
        raise ValueError(f"padding has to fill up {quantum} characters")
    return bare


def _leading(text: str, zero: str) -> bytes:
    """Return a zero byte for each leading zero of a text."""
    return bytes(len(text) - len(text.lstrip(zero)))


def _shortest(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _check_characters(text: str, alphabet: str) -> None:
    strange = text.strip(alphabet)
    if strange:
        raise ValueError(f"{quote(strange[0])} is no character of this base")


def _check_left_over(bits: int, bits_a_character: int) -> None:
    if bits >= bits_a_character:
        raise ValueError("there is a character more than the bytes need")


def _check_length(text: str) -> None:
    if len(text) >= _MOST_CHARACTERS:
        raise ValueError(f"in this base at most {_MOST_CHARACTERS} characters are read")


_BASES: dict[str, Callable[[str], bytes]] = {
    "f": read_base16,
    "F": read_base16,
    "b": read_base32,
    "B": read_base32,
    "c": lambda text: read_base32(without_padding(text, 8)),
    "C": lambda text: read_base32(without_padding(text, 8)),
    "v": lambda text: read_base32(text, _BASE32HEX),
    "V": lambda text: read_base32(text, _BASE32HEX),
    "t": lambda text: read_base32(without_padding(text, 8), _BASE32HEX),
    "T": lambda text: read_base32(without_padding(text, 8), _BASE32HEX),
    "h": lambda text: read_base32(text, _ZBASE32),
    "k": read_base36,
    "K": read_base36,
    "z": read_base58,
    "Z": lambda text: read_base58(text, _BASE58FLICKR),
    "m": read_base64,
    "M": lambda text: read_base64(without_padding(text, 4)),
    "u": lambda text: read_base64(text, "-_"),
    "U": lambda text: read_base64(without_padding(text, 4), "-_"),
}
