"""Strategies for texts that are not canonical, made from the bytes of an address, never by reading one."""

from __future__ import annotations

from base64 import b32encode, b32hexencode, b64encode
from struct import unpack
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from multiaddr_py import CODECS, REGISTRY, Multiaddr, Registry
from multiaddr_py.strategies._addresses import multiaddrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from hypothesis.strategies import DrawFn, SearchStrategy

    from multiaddr_py import Component
    from multiaddr_py.registry import Key
    from multiaddr_py.strategies._checks import Values

    Spell: TypeAlias = Callable[[DrawFn, bytes, str], str]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_BASE32 = _LETTERS + "234567"
_BASE64 = _LETTERS.upper() + _LETTERS + "0123456789-_"
_GARLIC64 = _BASE64[:-2] + "-~"
_BASE36 = "0123456789" + _LETTERS
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58FLICKR = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_TO_ZBASE32 = str.maketrans(_BASE32, "ybndrfg8ejkmcpqxot1uwisza345h769")


class Spelling(NamedTuple):
    """A way to write an address, and the canonical one."""

    text: str
    canonical: str


def _base32(raw: bytes) -> str:
    return b32encode(raw).decode().lower()


def _base32hex(raw: bytes) -> str:
    return b32hexencode(raw).decode().lower()


def _base64(raw: bytes) -> str:
    return b64encode(raw, b"-_").decode()


def _digits(raw: bytes, alphabet: str) -> str:
    """Write bytes in a base that is no power of two: a leading zero for each byte of them."""
    number, text = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return alphabet[0] * (len(raw) - len(raw.lstrip(b"\0"))) + text


def _with_left_over(text: str, alphabet: str) -> str:
    """Set the bits that are left over at the end: they are zero when written and ignored when read."""
    bits = len(alphabet).bit_length() - 1
    left_over = bits * len(text) % 8
    return text[:-1] + alphabet[alphabet.index(text[-1]) | (1 << left_over) - 1]


_BINARY_BASES: tuple[Callable[[bytes], str], ...] = (
    lambda raw: "u" + _base64(raw).rstrip("="),
    lambda raw: "u" + _with_left_over(_base64(raw).rstrip("="), _BASE64),
    lambda raw: "U" + _base64(raw),
    lambda raw: "f" + raw.hex(),
    lambda raw: "F" + raw.hex().upper(),
    lambda raw: "b" + _base32(raw).rstrip("="),
    lambda raw: "b" + _with_left_over(_base32(raw).rstrip("="), _BASE32),
    lambda raw: "B" + _base32(raw).rstrip("=").upper(),
    lambda raw: "c" + _base32(raw),
    lambda raw: "C" + _base32(raw).upper(),
    lambda raw: "v" + _base32hex(raw).rstrip("="),
    lambda raw: "V" + _base32hex(raw).rstrip("=").upper(),
    lambda raw: "t" + _base32hex(raw),
    lambda raw: "T" + _base32hex(raw).upper(),
    lambda raw: "h" + _base32(raw).rstrip("=").translate(_TO_ZBASE32),
)
"""Multibase that can stand in an address whatever the bytes: base 64 with a slash in its alphabet is not here."""
_BASES: tuple[Callable[[bytes], str], ...] = (
    *_BINARY_BASES,
    lambda raw: "k" + _digits(raw, _BASE36),
    lambda raw: "K" + _digits(raw, _BASE36).upper(),
    lambda raw: "z" + _digits(raw, _BASE58),
    lambda raw: "Z" + _digits(raw, _BASE58FLICKR),
)
_ZEROS = st.integers(1, 24).map("0".__mul__)  # more than a number of 64 bits has digits
_SHORT = 600  # bytes: in a base that is no power of two no more than 1,024 characters are read


def _multibase(draw: DrawFn, raw: bytes, canonical: str) -> str:
    write = draw(st.sampled_from(_BASES if len(raw) <= _SHORT else _BINARY_BASES))
    return write(raw)


def _peer_id(draw: DrawFn, raw: bytes, canonical: str) -> str:
    return _multibase(draw, b"\x01\x72" + raw, canonical)  # a CID of version 1 and codec libp2p-key


def _number(draw: DrawFn, raw: bytes, canonical: str) -> str:
    return draw(_ZEROS) + canonical


def _ip6(draw: DrawFn, raw: bytes, canonical: str) -> str:
    """Write groups with leading zeros or without, in any case, the end dotted or not, any run of zeros as `::`."""
    style = draw(st.sampled_from(["04x", "x", "X", "04X"]))
    groups = [format(group, style) for group in unpack(">8H", raw)]
    if draw(st.booleans()):
        groups[6:] = [".".join(map(str, raw[12:]))]
    start = draw(st.integers(0, len(groups)))
    stop = start
    while stop < len(groups) and not groups[stop].strip("0"):
        stop += 1
    if start == stop:
        return ":".join(groups)
    return ":".join(groups[:start]) + "::" + ":".join(groups[stop:])


def _in_capitals(draw: DrawFn, raw: bytes, canonical: str) -> str:
    """Write base 32 in another case, and its port, if it has one, with zeros in front."""
    letters, colon, port = canonical.partition(":")
    letters = letters.upper() if draw(st.booleans()) else letters.capitalize()
    return letters + colon + (draw(_ZEROS) if colon else "") + port


def _without_padding(draw: DrawFn, raw: bytes, canonical: str) -> str:
    bare = canonical.rstrip("=")
    return _with_left_over(bare, _GARLIC64) if draw(st.booleans()) else bare


def _percent(draw: DrawFn, raw: bytes, canonical: str) -> str:
    """Write each byte as an escape, or all as they are but for what cannot be."""
    escapes = "".join(f"%{byte:02x}" for byte in raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return escapes
    bare = text.replace("%", "%25").replace("/", "%2f")
    return draw(st.sampled_from([escapes, escapes.upper(), bare]))


_SPELLINGS: Mapping[str, Spell] = {
    "ip6": _ip6,
    **dict.fromkeys(("uint8", "uint16", "uint64"), _number),
    "peer_id": _peer_id,
    **dict.fromkeys(("multihash", "multibase"), _multibase),
    **dict.fromkeys(("path", "percent"), _percent),
    **dict.fromkeys(("onion", "onion3", "garlic32"), _in_capitals),
    "garlic64": _without_padding,
}
"""How a value can be written otherwise, by the name of the codec; `ip4` and `text` have one way only."""


def _is_old_path(raw: bytes) -> bool:
    """Say whether a path can be the rest of an address as it stands."""
    try:
        path = raw.decode()
    except UnicodeDecodeError:
        return False
    return path.startswith("/") and path.strip("/") == path[1:] != ""


def _spell(draw: DrawFn, component: Component, names: list[str], *, is_last: bool) -> str:
    name = draw(st.sampled_from(names)) if len(names) > 1 else component.name
    codec = component.protocol.codec
    if codec is None:
        return f"/{name}"
    canonical = component.value or ""
    if codec.takes_rest and is_last and _is_old_path(component.raw_value) and draw(st.booleans()):
        # With a slash more it is a path whatever follows: an empty segment is no value.
        return f"/{name}/{component.raw_value.decode()}"
    spell = _SPELLINGS.get(codec.name) if CODECS.get(codec.name) is codec else None
    if spell is None or draw(st.integers(0, 4)) == 0:
        return f"/{name}/{canonical}"
    return f"/{name}/{spell(draw, component.raw_value, canonical)}"


@st.composite
def _spelled(draw: DrawFn, addresses: SearchStrategy[Multiaddr]) -> Spelling:
    address = draw(addresses)
    aliases = address.registry.aliases.items()
    last = len(address) - 1
    text = ""
    for place, component in enumerate(address):
        names = [component.name, *(alias for alias, meant in aliases if meant == component.protocol)]
        text += _spell(draw, component, names, is_last=place == last)
    return Spelling(text + "/" * draw(st.integers(0, 2)), str(address))


def multiaddr_texts(
    *,
    protocols: Iterable[Key] | None = None,
    min_size: int = 1,
    max_size: int | None = None,
    values: Values | None = None,
    registry: Registry = REGISTRY,
) -> SearchStrategy[Spelling]:
    """Draw texts that are read as an address, most of them not canonical, with the canonical one beside.

    Numbers have leading zeros, hashes and peer IDs another base, escapes another case, protocols another name;
    IPv6 addresses and paths their further forms, and there are slashes at the end.
    The arguments are those of `multiaddrs`; `min_size` is at least 1, since the empty address has no text.
    """
    if min_size == 0:
        raise InvalidArgument("min_size=0: the empty address has no text")
    addresses = multiaddrs(protocols=protocols, min_size=min_size, max_size=max_size, values=values, registry=registry)
    return _spelled(addresses)
