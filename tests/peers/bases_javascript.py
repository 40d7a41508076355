"""Text as JavaScript has it, in UTF-16 units, and the bases of npm's `multiformats`, faults and all."""

from __future__ import annotations

import re

from readings import RefusedError

BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE58FLICKR = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
BASE64URL = _LETTERS + "-_"
POWERS: dict[str, tuple[str, int, bool]] = {
    "0": ("01", 1, False),
    "7": ("01234567", 3, False),
    "f": ("0123456789abcdef", 4, True),
    "F": ("0123456789abcdef", 4, True),
    "b": (BASE32, 5, True),
    "B": (BASE32, 5, True),
    "c": (BASE32 + "=", 5, True),
    "C": (BASE32 + "=", 5, True),
    "v": (BASE32HEX, 5, True),
    "V": (BASE32HEX, 5, True),
    "t": (BASE32HEX + "=", 5, True),
    "T": (BASE32HEX + "=", 5, True),
    "h": ("ybndrfg8ejkmcpqxot1uwisza345h769", 5, False),
    "m": (_LETTERS + "+/", 6, False),
    "M": (_LETTERS + "+/=", 6, False),
    "u": (BASE64URL, 6, False),
    "U": (BASE64URL + "=", 6, False),
}
OTHERS: dict[str, tuple[str, bool]] = {
    "9": ("0123456789", False),
    "k": (BASE36, True),
    "K": (BASE36, True),
    "z": (BASE58, False),
    "Z": (BASE58FLICKR, False),
}


def units(text: str) -> list[str]:
    encoded = text.encode("utf-16-le", "surrogatepass")
    return [chr(int.from_bytes(encoded[at : at + 2], "little")) for at in range(0, len(encoded), 2)]


def from_units(units: list[str]) -> str:
    return joined("".join(units))


def joined(text: str) -> str:
    """Join the surrogates that stand side by side."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def utf8(text: str) -> bytes:
    return re.sub("[\ud800-\udfff]", "\ufffd", text).encode()


def read_multibase(text: str) -> bytes:
    prefix, rest = text[0], text[1:]
    if prefix in POWERS:
        alphabet, bits, any_case = POWERS[prefix]
        return read_rfc4648(rest, alphabet, bits, any_case=any_case)
    if prefix in OTHERS:
        alphabet, any_case = OTHERS[prefix]
        return read_big(rest, alphabet, any_case=any_case)
    if prefix == "\0":
        return utf8(rest)
    raise RefusedError


def read_rfc4648(text: str, alphabet: str, bits: int, *, any_case: bool) -> bytes:
    digits = {character: digit for digit, character in enumerate(alphabet)}
    if any_case:
        digits |= {character.upper(): digit for character, digit in digits.items()}
    text = text.rstrip("=")
    out, buffer, held = bytearray(), 0, 0
    for character in text:
        if character not in digits:
            raise RefusedError
        buffer = (buffer << bits | digits[character]) & 0xFFFFFFFF
        held += bits
        if held >= 8:
            held -= 8
            out.append(buffer >> held & 0xFF)
    if held >= bits or buffer << (8 - held) & 0xFF:
        raise RefusedError
    return bytes(out)


def write_rfc4648(raw: bytes, alphabet: str, bits: int) -> str:
    whole = "".join(f"{byte:08b}" for byte in raw)
    whole += "0" * (-len(whole) % bits)
    return "".join(alphabet[int(whole[at : at + bits], 2)] for at in range(0, len(whole), bits))


def read_big(text: str, alphabet: str, *, any_case: bool = False) -> bytes:
    """Read a base that is no power of two.

    A character beyond Latin-1 has no place in the peer's table, and is not refused:
    it sets the last byte to 0 and loses what was carried out of it.
    """
    digits = {character: digit for digit, character in enumerate(alphabet)}
    if any_case:
        digits |= {character.upper(): digit for character, digit in digits.items()}
    characters = units(text)
    zeros = 0
    while zeros < len(characters) and characters[zeros] == alphabet[0]:
        zeros += 1
    number: list[int] = []  # the lowest byte first
    for unit in characters[zeros:]:
        if ord(unit) > 255:
            carry, rest = 0, 1
            number[:1] = [0]
        elif unit in digits:
            carry, rest = digits[unit], 0
        else:
            raise RefusedError
        for at in range(rest, len(number)):
            carry += len(alphabet) * number[at]
            number[at] = carry & 0xFF
            carry >>= 8
        while carry:
            number.append(carry & 0xFF)
            carry >>= 8
    return bytes(zeros) + bytes(reversed(number)).lstrip(b"\0")


def write_big(raw: bytes, alphabet: str) -> str:
    number, text = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return alphabet[0] * (len(raw) - len(raw.lstrip(b"\0"))) + text


def multihash_of_cid(text: str) -> bytes:
    if text[0] not in "zbk":
        raise RefusedError
    cid = read_multibase(text)
    version, at = _cid_varint(cid, 0)
    if version != 1:
        raise RefusedError
    _, at = _cid_varint(cid, at)
    begin = at
    _, at = _cid_varint(cid, at)
    size, at = _cid_varint(cid, at)
    if at + size != len(cid):
        raise RefusedError
    return cid[begin:]


def _cid_varint(cid: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(cid[at : at + 9]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if place and not byte:
                raise RefusedError
            return number, at + place + 1
    raise RefusedError
