"""Long and hostile inputs of any size: what a stranger may send to whoever reads addresses."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DNS, UNIX, P2P, CERTHASH, HTTP_PATH, GARLIC32 = (
    b"\x35",
    b"\x90\x03",
    b"\xa5\x03",
    b"\xd2\x03",
    b"\xe1\x03",
    b"\xbf\x03",
)
UDT = b"\xad\x02"  # a protocol without a value


def varint(number: int) -> bytes:
    """Write a varint."""
    head = b""
    while number >= 0x80:
        head += bytes([number & 0x7F | 0x80])
        number >>= 7
    return head + bytes([number])


def filled(unit: str, size: int) -> str:
    """Return a text of about `size` characters."""
    return unit * (size // len(unit))


def value(code: bytes, raw: bytes) -> bytes:
    """Return a component with a length-prefixed value."""
    return code + varint(len(raw)) + raw


def multihash(size: int) -> bytes:
    """Return an identity multihash with a digest of `size` bytes."""
    return b"\0" + varint(size) + bytes(size)


def base64url(raw: bytes) -> str:
    """Return bytes in multibase, as a certhash is written."""
    return "u" + base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


TEXTS: dict[str, Callable[[int], str]] = {
    "p2p, base 58": lambda size: "/p2p/Qm" + "z" * size,
    "p2p, base 58, ones": lambda size: "/p2p/" + "1" * size,
    "p2p, multibase base 36": lambda size: "/p2p/k" + "z" * size,
    "p2p, multibase base 32": lambda size: "/p2p/b" + "a" * size,
    "certhash, base 58": lambda size: "/certhash/z" + "z" * size,
    "tcp, a huge number": lambda size: "/tcp/" + "9" * size,
    "tcp, zeros in front": lambda size: "/tcp/" + "0" * size + "80",
    "ip4, digits": lambda size: "/ip4/" + "1" * size,
    "ip4, dots": lambda size: "/ip4/" + "." * size,
    "ip6, groups": lambda size: "/ip6/" + filled("1:", size),
    "http-path, bare percent signs": lambda size: "/http-path/" + "%" * size,
    "slashes": lambda size: "/" * size,
    "an unknown name": lambda size: "/" + "x" * size,
    "no first slash": lambda size: "x" * size,
    "onion3, a long address": lambda size: "/onion3/" + "a" * size + ":80",
    "components without a value": lambda size: filled("/udt", size),
    "components without a value, then an error": lambda size: filled("/udt", size) + "/x",
    "components with a value": lambda size: filled("/tcp/80", size),
    "many names": lambda size: filled("/dns/a", size),
    "many certhashes": lambda size: filled("/certhash/uAAA", size),
    "many short peer IDs": lambda size: filled("/p2p/11", size),
    "nested /unix/a": lambda size: filled("/unix/a", size),
    "nested /unix/a, then an error": lambda size: filled("/unix/a", size) + "/tcp/99999",
    "nested /unix/a, then what no path can hold": lambda size: filled("/unix/a", size) + "/\ud800",
    "nested /unix, every other name missing": lambda size: filled("/unix/a/b", size),
    "dns": lambda size: "/dns/" + "a" * size,
    "http-path": lambda size: "/http-path/" + filled("%2F", size),
    "unix, an old path": lambda size: "/unix/" + filled("a/", size),
    "certhash, base 64": lambda size: "/certhash/" + base64url(multihash(3 * size // 4)),
    "ech, base 32": lambda size: "/ech/b" + "a" * (size // 8 * 8),
    "ech, base 16": lambda size: "/ech/f" + "a" * (size // 2 * 2),
    "garlic32": lambda size: "/garlic32/" + "a" * (size // 8 * 8),
    "garlic64": lambda size: "/garlic64/" + "A" * (size // 4 * 4),
}

BYTES: dict[str, Callable[[int], bytes]] = {
    "an endless varint": lambda size: b"\xff" * size,
    "an endless length": lambda size: DNS + b"\x80" * size,
    "a length past the end": lambda size: DNS + varint(1 << 62) + b"a" * size,
    "p2p, a long digest": lambda size: value(P2P, multihash(size)),
    "text instead of bytes": lambda size: b"/ip4/1.2.3.4" + b"/udt" * (size // 4),
    "components without a value": lambda size: UDT * (size // 2),
    "components without a value, then an error": lambda size: UDT * (size // 2) + b"\xff",
    "components with a value": lambda size: b"\x06\0\x50" * (size // 3),
    "many names": lambda size: value(DNS, b"a") * (size // 3),
    "many unix paths": lambda size: value(UNIX, b"/") * (size // 4),
    "dns": lambda size: value(DNS, b"a" * size),
    "dns, not UTF-8 at the end": lambda size: value(DNS, b"a" * size + b"\xff"),
    "http-path": lambda size: value(HTTP_PATH, b"/" * size),
    "certhash": lambda size: value(CERTHASH, multihash(size)),
    "garlic32": lambda size: value(GARLIC32, bytes(size)),
}

CASES: dict[str, Callable[[int], str | bytes]] = {
    **{f"text: {name}": make for name, make in TEXTS.items()},
    **{f"bytes: {name}": make for name, make in BYTES.items()},
}
"""What makes an input of about so many characters or bytes, by what it is."""
