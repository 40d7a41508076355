"""Back from what `socket` and `ipaddress` say to addresses, and from addresses to networks."""

from __future__ import annotations

import ipaddress
import os
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from multiaddr_py import REGISTRY, Component, ConversionError, Multiaddr, ParseError
from multiaddr_py.codecs.ip import MAPPED
from multiaddr_py.net._stacks import IPPROTO_MPTCP, IPPROTO_SCTP, TRANSPORTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket
    from collections.abc import Callable
    from typing import Any, Final, TypeAlias

    from multiaddr_py import Registry

    Sockaddr: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | str | bytes
    """An address as `socket` has it: of IPv4, of IPv6 with flow and scope ID, or of a Unix socket."""
    SocketLike: TypeAlias = socket.socket | TransportSocket
    """A socket, or what asyncio shows of one."""


AddressLike: TypeAlias = Multiaddr | str | bytes | bytearray | memoryview
"""What is read as an address: one, its text, or its bytes."""

_IP: Final = (socket.AF_INET, socket.AF_INET6)
_TRANSPORT_NAMES: Final = {
    **{(kind, 0): name for name, (kind, _) in reversed(list(TRANSPORTS.items()))},  # of several the first counts
    **{kind_and_proto: name for name, kind_and_proto in TRANSPORTS.items()},
    (socket.SOCK_SEQPACKET, IPPROTO_SCTP): "sctp",
    (socket.SOCK_STREAM, IPPROTO_MPTCP): "tcp",
}


def from_sockaddr(
    family: int,
    sockaddr: Sockaddr,
    type: int = socket.SOCK_STREAM,  # noqa: A002  `socket` calls it so
    proto: int = 0,
    *,
    registry: Registry = REGISTRY,
) -> Multiaddr:
    """Return the address that `sockaddr` is for sockets of a family, type and protocol.

    An IPv4 address that an IPv6 socket sees as `::ffff:192.0.2.7` is one of `ip4`; a scope ID becomes an `ip6zone`.
    Raises `ConversionError` where there is no address: for an unnamed Unix socket, or another family or type.

    >>> from_sockaddr(socket.AF_INET6, ("::ffff:192.0.2.7", 4001, 0, 0))
    Multiaddr('/ip4/192.0.2.7/tcp/4001')
    """
    if family not in _READERS:
        raise ConversionError(f"no protocol is for sockets of {_name(family)}", sockaddr)
    try:
        if isinstance(sockaddr, tuple) != (family in _IP):
            raise TypeError("of IP it is a tuple, of Unix sockets a path")
        values = _READERS[family](sockaddr)
        if family not in _IP and type != socket.SOCK_STREAM:
            raise ConversionError(f"unix is for streams, not for sockets of type {type}", sockaddr)
        if isinstance(sockaddr, tuple):
            values[_TRANSPORT_NAMES[type, proto]] = sockaddr[1]
        parts = [Component(name, value, registry=registry) for name, value in values.items()]
    except KeyError:
        raise ConversionError(f"no protocol is for sockets of type {type} and protocol {proto}", sockaddr) from None
    except ParseError as error:
        raise ConversionError(error.reason, sockaddr, error.hint) from error
    except (AttributeError, IndexError, OverflowError, TypeError) as error:
        raise TypeError(f"this is no address of a socket of {_name(family)}: {sockaddr!r}") from error
    return Multiaddr(parts, registry=registry)


def _name(family: int) -> str:
    return getattr(family, "name", f"family {family}")


def _read_ip4(sockaddr: Any) -> dict[str, object]:
    return {"ip4": sockaddr[0]}


def _read_ip6(sockaddr: Any) -> dict[str, object]:
    host, _, zone = sockaddr[0].partition("%")
    raw = Component("ip6", host).raw_value
    if raw.startswith(MAPPED):
        return {"ip4": raw[len(MAPPED) :]}
    scope_id = sockaddr[3] if len(sockaddr) > 3 else 0
    if scope_id:
        zone = zone_name(scope_id)
    return {"ip6zone": zone, "ip6": raw} if zone else {"ip6": raw}


def zone_name(scope_id: int) -> str:
    """Return the name of an interface, or its number in text."""
    try:
        return socket.if_indextoname(scope_id)
    except OSError:  # the interface is gone; RFC 4007, section 11.2, has numbers as well
        return str(scope_id)


def _read_unix(sockaddr: Any) -> dict[str, object]:
    path = os.fsencode(sockaddr)
    if not path:
        raise ConversionError("an unnamed Unix socket has no address", sockaddr, "bind it to a path to give it one")
    return {"unix": path}


_READERS: Final[dict[int, Callable[[Any], dict[str, object]]]] = {
    socket.AF_INET: _read_ip4,
    socket.AF_INET6: _read_ip6,
    getattr(socket, "AF_UNIX", -1): _read_unix,  # Windows has none
}


def from_socket(sock: SocketLike, *, peer: bool = False, registry: Registry = REGISTRY) -> Multiaddr:
    """Return the address that a socket is bound to, or that of the other end.

    A server's `writer.get_extra_info("socket")` of asyncio will do, too.
    Raises `ConversionError` as `from_sockaddr` does, and `OSError` where there is no other end.
    """
    sockaddr = sock.getpeername() if peer else sock.getsockname()
    return from_sockaddr(sock.family, sockaddr, sock.type, sock.proto, registry=registry)


def from_ip(ip: str | IPv4Address | IPv6Address | IPv4Network | IPv6Network) -> Multiaddr:
    """Return the address of an IP address, a network or an interface, said as such or in text.

    A scope becomes an `ip6zone`, a prefix length an `ipcidr`. Raises `ConversionError` for text that is none of these.

    >>> from_ip("fe80::1%eth0"), from_ip("192.0.2.0/24")
    (Multiaddr('/ip6zone/eth0/ip6/fe80::1'), Multiaddr('/ip4/192.0.2.0/ipcidr/24'))
    """
    if isinstance(ip, str):
        try:
            ip = ipaddress.ip_interface(ip) if "/" in ip else ipaddress.ip_address(ip)
        except ValueError as error:
            raise ConversionError("it is neither an IP address nor one with a prefix length", ip) from error
    if not isinstance(ip, (IPv4Address, IPv6Address, IPv4Network, IPv6Network)):
        raise TypeError(f"an IP address, a network or its text is wanted, not {type(ip).__name__}")
    host = ip.network_address if isinstance(ip, (IPv4Network, IPv6Network)) else ip
    parts = [Component(f"ip{ip.version}", host.packed)]
    if isinstance(host, IPv6Address) and host.scope_id is not None:
        try:
            parts.insert(0, Component("ip6zone", host.scope_id))
        except ParseError as error:
            raise ConversionError(error.reason, str(ip), error.hint) from error
    network = getattr(ip, "network", ip)  # an interface is an address that has one
    if isinstance(network, (IPv4Network, IPv6Network)):
        parts.append(Component("ipcidr", network.prefixlen))
    return Multiaddr(parts)


def to_ip_network(address: AddressLike, *, strict: bool = True) -> IPv4Network | IPv6Network:
    """Return the network that `/ip4/ADDRESS/ipcidr/LENGTH` is, or the same of `ip6`.

    Raises `ConversionError` for any other address, for a prefix that is too long,
    and, unless `strict` is false, for bits that are set behind the prefix.

    >>> to_ip_network("/ip4/192.0.2.0/ipcidr/24")
    IPv4Network('192.0.2.0/24')
    """
    address = Multiaddr(address)
    text = str(address)
    names = [component.name for component in address]
    if names in (["ip4"], ["ip6"]):
        longest = len(address[0].raw_value) * 8
        raise ConversionError("it says no prefix length", text, f"put /ipcidr/{longest} behind it for this one address")
    if names not in (["ip4", "ipcidr"], ["ip6", "ipcidr"]):
        raise ConversionError("a network is /ip4 or /ip6, then /ipcidr, and nothing else", text)
    host, (prefix,) = address[0].raw_value, address[1].raw_value
    try:
        network = ipaddress.ip_network((host, prefix), strict=False)
    except ValueError as error:
        raise ConversionError(f"no prefix of {names[0]} has {prefix} bits", text) from error
    if strict and network.network_address.packed != host:
        raise ConversionError("bits are set behind the prefix", text, f"write {from_ip(network)}")
    return network
