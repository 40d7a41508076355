"""Print what hostile and long inputs cost at three sizes, and by how much the cost grows.

What is read, or refused at its end, may take four times as long where it is four times as long, not sixteen times.
What is refused by its length takes next to nothing. Nothing is asserted: the figures are for whoever looks.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from multiaddr_py import Multiaddr, MultiaddrError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SIZES = [1 << 18, 1 << 19, 1 << 20]  # in characters, bytes or components
REPEATS = 3

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
    "nested /unix/a": lambda size: filled("/unix/a", size),
    "nested /unix/a, then an error": lambda size: filled("/unix/a", size) + "/tcp/99999",
    "nested /unix, every other name missing": lambda size: filled("/unix/a/b", size),
    "dns": lambda size: "/dns/" + "a" * size,
    "http-path": lambda size: "/http-path/" + filled("%2F", size),
    "unix, an old path": lambda size: "/unix/" + filled("a/", size),
    "certhash, base 64": lambda size: "/certhash/" + certhash_text(size),
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
    "unix": lambda size: value(UNIX, b"/") * (size // 4),
    "dns": lambda size: value(DNS, b"a" * size),
    "dns, not UTF-8 at the end": lambda size: value(DNS, b"a" * size + b"\xff"),
    "http-path": lambda size: value(HTTP_PATH, b"/" * size),
    "certhash": lambda size: value(CERTHASH, multihash(size)),
    "garlic32": lambda size: value(GARLIC32, bytes(size)),
}

COMPONENTS: dict[str, Callable[[int], str | bytes]] = {
    "/tls": lambda count: "/tls" * count,
    "/tcp/80": lambda count: "/tcp/80" * count,
    "/dns/a": lambda count: "/dns/a" * count,
    "/certhash/uAAA": lambda count: "/certhash/uAAA" * count,
    "/p2p/11": lambda count: "/p2p/11" * count,  # the slowest: base 58
    "/unix/a": lambda count: "/unix/a" * count,
    "/unix/a, then an error": lambda count: "/unix/a" * count + "/x",
    "/unix/a, then what no path can hold": lambda count: "/unix/a" * count + "/\ud800",
    "/tls, then an error": lambda count: "/tls" * count + "/x",
    "/tls in bytes": lambda count: b"\xc0\x03" * count,
    "/tls in bytes, then an error": lambda count: b"\xc0\x03" * count + b"\xff",
    "/dns/a in bytes": lambda count: value(DNS, b"a") * count,
}


def certhash_text(size: int) -> str:
    """Return the text of a certhash of about `size` characters."""
    return str(Multiaddr(value(CERTHASH, multihash(3 * size // 4)))).rpartition("/")[2]


def read(source: str | bytes) -> bool:
    """Read an address, or write the error where it is refused; return whether it was read."""
    try:
        Multiaddr(source)
    except MultiaddrError as error:
        str(error)
        return False
    return True


def best_of(action: Callable[[], object]) -> float:
    """Return the least time of some runs, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return 1e3 * min(times)


def print_table(title: str, makers: Mapping[str, Callable[[int], str | bytes]]) -> None:
    """Print a row for each kind of input."""
    sizes = "".join(f"{size / SIZES[-1]:>8g} M" for size in SIZES)
    print(f"{title + ', milliseconds':48}{sizes}{'growth':>10}")
    for name, make in makers.items():
        sources = [make(size) for size in SIZES]
        times = [best_of(partial(read, source)) for source in sources]
        verdict = "read" if read(sources[-1]) else "refused"
        print(f"{name:40}{verdict:>8}{''.join(f'{cell:10.3f}' for cell in times)}{times[-1] / times[0]:10.1f}")
    print()


def main() -> None:
    """Print everything; linear is a growth of 4 from the first size to the last."""
    print_table("text", TEXTS)
    print_table("bytes", BYTES)
    print_table("components", COMPONENTS)


if __name__ == "__main__":
    main()
