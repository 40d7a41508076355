"""How far an address reaches, by IANA's registries of special-purpose addresses and names.

The registries are data beside this module, the same on every Python (`ipaddress` has those of its own release):
`special_purpose.csv` has the blocks of addresses as of 2025-10-09, `special_names.csv` the domains as of 2026-05-22,
and the reverse zones that resolvers answer themselves (RFC 6303, RFC 7793).
Of several blocks or domains around an address the smallest counts. An address in none is global;
in IPv6 that can only be in 2000::/3, since the registry of the address space has all else.

The scope of a row is this library's reading. What is not globally reachable, but forwarded inside of a network,
is private to it, as segment identifiers (5f00::/16) are. What is no destination, or forwarded only to be dropped
(100::/64), is reserved, and so is what was given back.

Only the front of an address is looked at, so that of a relayed one the relay's scope is found.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from enum import Enum
from functools import cache
from typing import NamedTuple

from multiaddr_py import Component, Multiaddr
from multiaddr_py.codecs.ip import MAPPED
from multiaddr_py.net._names import fault_of_name
from multiaddr_py.net._stacks import NO_SOCKET, read_front

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import SourceFileLoader
    from typing import Final
    from zipimport import zipimporter

    from multiaddr_py.net._stacks import Front
    from multiaddr_py.net.sockaddr import AddressLike


class Scope(Enum):
    """How far an address reaches, or why it reaches nothing."""

    GLOBAL = "global"
    """The whole Internet."""
    PRIVATE = "private"
    """One site or provider: RFC 1918, unique local and site-local addresses, and names for such networks."""
    SHARED = "shared"
    """A provider and its customers: 100.64.0.0/10, behind carrier-grade NAT."""
    LOOPBACK = "loopback"
    """This machine, by IP."""
    LINK_LOCAL = "link-local"
    """One link, and names that are looked up on it."""
    MULTICAST = "multicast"
    """All that listen to a group."""
    BROADCAST = "broadcast"
    """All on the link: 255.255.255.255."""
    DOCUMENTATION = "documentation"
    """Examples in texts, never a network."""
    BENCHMARKING = "benchmarking"
    """Test beds of network devices."""
    RESERVED = "reserved"
    """Nothing that one may count on: set aside, not allocated, given back, or no proper name."""
    UNSPECIFIED = "unspecified"
    """No address, or all of a machine's own: what a listener binds to."""
    HOST = "host"
    """This machine or process, not by IP: a Unix socket, memory."""
    OVERLAY = "overlay"
    """An overlay network such as Tor's or I2P's, and only through it."""
    UNKNOWN = "unknown"
    """The address does not say where."""


class RegistryRow(NamedTuple):
    """A row of a registry: a block of addresses, or a domain, of which the registry says no more than the reference.

    What the registry leaves open, or calls not applicable, is None.
    """

    registry: str
    """IANA's name of the registry, as in `https://www.iana.org/assignments/NAME`; `icann-board` for `internal`,
    which ICANN's board reserved, and which is in none of IANA's registries."""
    block: str
    """A prefix such as `10.0.0.0/8`, or a domain such as `home.arpa`."""
    scope: Scope
    """How far the block reaches by itself: this library's reading, not the registry's."""
    reference: str
    """The documents that define the block."""
    name: str | None = None
    """What the registry calls a block of addresses."""
    allocation: str | None = None
    """The month, as `2006-02`."""
    termination: str | None = None
    """The month in which the block was given back."""
    source: bool | None = None
    """Whether packets may come from the block, through a router."""
    destination: bool | None = None
    """Whether packets may go to the block, through a router."""
    forwardable: bool | None = None
    """Whether routers may forward packets to the block."""
    globally_reachable: bool | None = None
    """Whether they may do so beyond one administrative domain."""
    reserved_by_protocol: bool | None = None
    """Whether implementations of IP must treat the block as something special."""

    def __repr__(self) -> str:
        told = {name: cell for name, cell in self._asdict().items() if cell is not None}
        return f"RegistryRow({', '.join(f'{name}={cell!r}' for name, cell in told.items())})"


class Finding(NamedTuple):
    """How far an address reaches, and by what that was decided."""

    scope: Scope
    reason: str
    """A phrase that quotes nothing of the address but numbers, so that it can be shown."""
    row: RegistryRow | None
    """The registry's row that decided, where one did."""


def scope(address: AddressLike) -> Finding:
    """Say how far an address reaches, by what it begins with: the `scope` of what is returned.

    >>> scope("/ip4/10.0.0.1/tcp/80").scope
    <Scope.PRIVATE: 'private'>

    An IPv6 address that carries an IPv4 address reaches as far as that one, as `embedded_ip4` finds it:

    >>> scope("/ip6/::ffff:127.0.0.1/tcp/80")[:2]
    (<Scope.LOOPBACK: 'loopback'>, 'IPv4-mapped address of 127.0.0.1: in 127.0.0.0/8, Loopback')
    >>> scope("/ip6/64:ff9b::a00:1/tcp/80").reason
    'NAT64 address of 10.0.0.1: in 10.0.0.0/8, Private-Use'

    A name is judged by its domain. It is global when nothing is known of it, which says nothing of the addresses
    that it has. A single label is private, since it is completed from the local search list.
    What is no host name is reserved, and has no endpoint either: one that ends in a number, which resolvers read
    as an IPv4 address, one with other characters than ASCII letters, digits, `-` and `_`, with empty or long labels.

    >>> scope("/dns4/0x7f000001/tcp/80")[:2]
    (<Scope.RESERVED: 'reserved'>, 'a host name does not end in a number')

    Raises `ParseError` for text or bytes that are no address, and nothing for an address.
    """
    return scope_of_front(read_front(address if isinstance(address, Multiaddr) else Multiaddr(address)))


def scope_of_front(front: Front) -> Finding:
    """Say how far an address reaches whose front was read already."""
    if front.host is None:
        return Finding(Scope.UNKNOWN, "no address" if front.zone is None else "a zone without an address", None)
    return _KINDS.get(front.host.name, _scope_of_other)(front.host)


def is_public(address: AddressLike) -> bool:
    """Say whether the scope is global, which of a name says only that nothing else is known of it."""
    return scope(address).scope is Scope.GLOBAL


def is_private(address: AddressLike) -> bool:
    """Say whether the scope is private; much else is not public either, so a filter wants `not is_public`."""
    return scope(address).scope is Scope.PRIVATE


def is_loopback(address: AddressLike) -> bool:
    """Say whether the scope is loopback; a Unix socket's is not, but host."""
    return scope(address).scope is Scope.LOOPBACK


def is_unspecified(address: AddressLike) -> bool:
    """Say whether the scope is unspecified."""
    return scope(address).scope is Scope.UNSPECIFIED


def is_thin_waist(address: AddressLike) -> bool:
    """Say whether an address begins with an IP address, and then ends, or goes on with TCP or UDP.

    Go's `manet.IsThinWaist` also takes an IP address behind the first one.
    """
    front = read_front(Multiaddr(address))
    if front.host is None or front.host.name not in ("ip4", "ip6"):
        return False
    return front.above is None if front.port is None else front.port.name in ("tcp", "udp")


def is_relayed(address: AddressLike) -> bool:
    """Say whether an address leads through a relay, wherever `p2p-circuit` stands in it."""
    return "p2p-circuit" in Multiaddr(address)


# IPv4 in IPv6


class _Carrier(NamedTuple):
    """A kind of IPv6 address that carries an IPv4 address."""

    prefix: bytes
    name: str
    place: slice
    mask: int
    """What the address is obscured with."""


_CARRIERS: Final = (
    _Carrier(MAPPED, "IPv4-mapped", slice(12, 16), 0),
    _Carrier(b"\x20\x02", "6to4", slice(2, 6), 0),
    # The server's address stands in the second group; packets go to the client's, RFC 4380 section 4.
    _Carrier(b"\x20\x01\x00\x00", "Teredo", slice(12, 16), 0xFFFFFFFF),
    _Carrier(b"\x00\x64\xff\x9b" + bytes(8), "NAT64", slice(12, 16), 0),
    # RFC 8215 leaves the length of the translator's prefix to the site: 96 bits are what nearly all have.
    _Carrier(b"\x00\x64\xff\x9b\x00\x01", "local NAT64", slice(12, 16), 0),
)


def embedded_ip4(raw: bytes) -> bytes | None:
    r"""Return the IPv4 address that packets to an IPv6 address end up at; None where it carries none.

    `raw` is 16 bytes; four, an IPv4 address, carry no other one.
    Read are IPv4-mapped addresses, 6to4, Teredo (the client's address), and NAT64
    with the well-known prefix and with the local one, of which the last 32 bits are taken.

    >>> embedded_ip4(Multiaddr("/ip6/64:ff9b::a00:1")[0].raw_value)
    b'\n\x00\x00\x01'
    """
    carrier = _carrier(raw)
    return None if carrier is None else _carried(carrier, raw)


def _carrier(raw: bytes) -> _Carrier | None:
    if len(raw) == 16:
        for carrier in _CARRIERS:
            if raw.startswith(carrier.prefix):
                return carrier
    return None


def _carried(carrier: _Carrier, raw: bytes) -> bytes:
    return (int.from_bytes(raw[carrier.place]) ^ carrier.mask).to_bytes(4)


# By kind of host


def _scope_of_ip(host: Component) -> Finding:
    raw = host.raw_value
    if len(raw) not in _blocks():  # under a registry of a user's own
        return _scope_of_other(host)
    outside = _scope_of_block(raw)
    carrier = _carrier(raw)
    if carrier is None:
        return outside
    ip4 = _carried(carrier, raw)
    inside = _scope_of_block(ip4)
    if inside.scope is Scope.GLOBAL and outside.scope is not Scope.GLOBAL:
        inside = outside  # a translator of one site, by which all of IPv4 is reached from there only
    of = ".".join(map(str, ip4))
    return Finding(inside.scope, f"{carrier.name} address of {of}: {inside.reason}", inside.row or outside.row)


def _scope_of_block(raw: bytes) -> Finding:
    starts, rows = _blocks()[len(raw)]
    row = rows[bisect_right(starts, int.from_bytes(raw)) - 1]
    if row is None:
        return Finding(Scope.GLOBAL, "in no block with a special purpose", None)
    return Finding(row.scope, f"in {row.block}, {row.name}", row)


def _scope_of_name(host: Component) -> Finding:
    name = host.raw_value.decode(errors="replace")  # under a registry of a user's own it may be anything
    fault = fault_of_name(name)
    if fault is not None:
        return Finding(Scope.RESERVED, fault[0], None)
    domain = name = name.removesuffix(".").lower()
    while domain:
        row = _domains().get(domain)
        if row is not None:
            return Finding(row.scope, f"in the domain {row.block}, {row.reference}", row)
        _, _, domain = domain.partition(".")
    if "." not in name:
        return Finding(Scope.PRIVATE, "a single label is looked up in the local domains", None)
    return Finding(Scope.GLOBAL, "in no special domain; only looking it up tells more", None)


_BEYOND_IP: Final = {
    **dict.fromkeys(("unix", "memory"), Scope.HOST),
    **dict.fromkeys(("onion", "onion3", "garlic64", "garlic32"), Scope.OVERLAY),
}
_REASONS: Final = {
    **{name: reason for name, (reason, _) in NO_SOCKET.items()},
    "unix": "a Unix socket is the inside of one machine",
}


def _scope_of_other(host: Component) -> Finding:
    reason = _REASONS.get(host.name, f"{host.name} does not say where")
    return Finding(_BEYOND_IP.get(host.name, Scope.UNKNOWN), reason, None)


_KINDS: Final = {
    **dict.fromkeys(("ip4", "ip6"), _scope_of_ip),
    **dict.fromkeys(("dns", "dns4", "dns6", "dnsaddr"), _scope_of_name),
}


# The registries


class _Blocks(NamedTuple):
    """The addresses of one version, cut where a block begins or ends."""

    starts: list[int]
    rows: list[RegistryRow | None]
    """The smallest block around what begins at each start."""


@cache
def _blocks() -> Mapping[int, _Blocks]:
    """Return the blocks by the length of an address in bytes."""
    rows = _read_rows("special_purpose.csv")
    return {
        4: _cut("ip4", 4, [row for row in rows if ":" not in row.block]),
        16: _cut("ip6", 16, [row for row in rows if ":" in row.block]),
    }


def _cut(protocol: str, size: int, rows: list[RegistryRow]) -> _Blocks:
    blocks = []
    for row in rows:
        text, _, length = row.block.partition("/")
        first = int.from_bytes(Component(protocol, text).raw_value)
        blocks.append((first, first + (1 << (8 * size - int(length))), row))
    blocks.sort(key=lambda block: block[0] - block[1])  # the largest first, so that smaller ones come to lie on it
    starts = sorted({0, *(first for first, _, _ in blocks), *(stop for _, stop, _ in blocks)})
    on_top: dict[int, RegistryRow | None] = dict.fromkeys(starts)
    for first, stop, row in blocks:
        on_top.update((start, row) for start in starts if first <= start < stop)
    return _Blocks(starts, [on_top[start] for start in starts])


@cache
def _domains() -> Mapping[str, RegistryRow]:
    return {row.block: row for row in _read_rows("special_names.csv")}


def _read_rows(file: str) -> list[RegistryRow]:
    # When it is first needed: `csv` takes as long to import as all of `multiaddr_py`.
    import csv

    # Through the module's own loader, which also reads from a zip; `importlib.resources` takes long to import.
    loader: SourceFileLoader | zipimporter = __spec__.loader  # type: ignore[assignment, unused-ignore] # never None
    lines = loader.get_data(os.path.join(os.path.dirname(__file__), file)).decode().splitlines()
    cells = {"": None, "True": True, "False": False}
    table = csv.DictReader(lines[1:], RegistryRow._fields, restval="")
    rows = [RegistryRow._make(cells.get(cell, cell) for cell in row.values()) for row in table]
    return [row._replace(scope=Scope(row.scope)) for row in rows]
