"""The notations in which an address may stand on a command line or in a file, and telling which one it is."""

from __future__ import annotations

from contextlib import suppress

from multiaddr_py import Multiaddr, ParseError
from multiaddr_py._multibase import decode_multibase, read_base16, read_base64, without_padding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_HEX_DIGITS = "0123456789abcdefABCDEF"

_MISSING = (
    ("/", "an address begins with /"),
    ("/ip4/", "an IPv4 address is written with /ip4/ in front"),
    ("/ip6/", "an IPv6 address is written with /ip6/ in front"),
    ("/p2p/", "a peer ID is written with /p2p/ in front"),
)
"""What may be missing in front of an address, and what to say then."""


def read_address(source: str, notation: str | None = None) -> tuple[Multiaddr, str]:
    """Read an address in a notation, by default the one that it is in; return it and the notation.

    What begins with `/` is text, `0x` or an even number of hex digits is hex;
    anything else is multibase or base 64, whichever gives a valid address.
    """
    if notation is not None:
        return _read_in(notation, source), notation
    if source.startswith("/"):
        return Multiaddr(source), "text"
    if source[:2] in ("0x", "0X") or _is_hex(source):
        return _read_in("hex", source), "hex"
    found = []
    for candidate in ("multibase", "base64"):
        with suppress(ParseError):
            found.append((_read_in(candidate, source), candidate))
    if len(found) == 1:
        return found[0]
    if found:
        hint = f"say which with --from {{{','.join(NOTATIONS)}}}"
        raise ParseError("this is an address in multibase and another one in base64", source, 0, None, hint)
    reason = "this is no address: neither text, which begins with /, nor hex, multibase or base64"
    raise ParseError(reason, source, 0, None, _hint(source))


def _hint(source: str) -> str:
    for front, hint in _MISSING:
        with suppress(ParseError):
            Multiaddr(front + source)
            return hint
    digits = _without_separators(source)
    if digits and not digits.strip(_HEX_DIGITS):
        return "hex has an even number of digits"
    return "write it as in /ip4/127.0.0.1/tcp/80, or say with --from what it is"


def _read_in(notation: str, source: str) -> Multiaddr:
    decode = NOTATIONS[notation]
    if decode is None:
        return Multiaddr(source)
    try:
        raw = decode(source)
    except ValueError as error:
        raise ParseError(f"this is no {notation}: {error}", source, 0) from error
    return Multiaddr(raw)


def _is_hex(source: str) -> bool:
    digits = _without_separators(source)
    return len(digits) > 0 and len(digits) % 2 == 0 and not digits.strip(_HEX_DIGITS)


def _without_separators(source: str) -> str:
    return source.replace(" ", "").replace(":", "")


def _hex_to_bytes(source: str) -> bytes:
    raw = read_base16(_without_separators(source[2:] if source[:2] in ("0x", "0X") else source))
    if not raw:
        raise ValueError("there are no digits")
    return raw


def _base64_to_bytes(source: str) -> bytes:
    bare = without_padding(source, 4) if source.endswith("=") else source
    return read_base64(bare, "-_" if "-" in source or "_" in source else "+/")


NOTATIONS: dict[str, Callable[[str], bytes] | None] = {
    "text": None,
    "hex": _hex_to_bytes,
    "multibase": decode_multibase,
    "base64": _base64_to_bytes,
}
"""What turns each notation into bytes; text is read as it is."""
