"""Where nodes can be: which addresses are of use to whom, and which of them are the same customer's.

What is told to a peer, or believed of one, goes by how far both reach.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Final

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py.net import Endpoint, Scope, scope

from .fields import Addresses

MOST_DIAL: Final = 3  # addresses for connections that are kept, and told, of a contact
NOBODY: Final = -1
INTERNET: Final = 3

_REACH: Final = {
    Scope.HOST: 0,
    Scope.LOOPBACK: 0,
    Scope.LINK_LOCAL: 1,
    Scope.PRIVATE: 2,
    Scope.SHARED: 2,
    Scope.GLOBAL: INTERNET,
}
"""How far scopes reach; nobody is at an address of any other."""


def reach_of(address: Multiaddr) -> int:
    """Return how far an address reaches: the `INTERNET`, or less far; where it is of no use to anybody, `NOBODY`."""
    host = address[:1]
    return _reach_of_host(address[:2] if "ip6zone" in host else host)


@lru_cache(4096)  # it takes as long as a signature; by the host, since a peer may have any number of ports
def _reach_of_host(host: Multiaddr) -> int:
    return _REACH.get(scope(host).scope, NOBODY)


def is_of_use(address: Multiaddr, peer: Multiaddr) -> bool:
    """Say whether somebody at the address `peer` can do anything with an address, or be at it.

    A node on the Internet is neither told nor believed what is inside of a house.

    >>> is_of_use(Multiaddr("/ip4/10.0.0.1/tcp/1"), Multiaddr("/ip4/127.0.0.1/tcp/2"))
    True
    >>> is_of_use(Multiaddr("/ip4/10.0.0.1/tcp/1"), Multiaddr("/ip4/203.0.114.1/tcp/2"))
    False
    """
    reach = reach_of(address)
    there = reach_of(peer) if peer else _REACH[Scope.HOST]  # a client of a Unix socket has no address
    return reach >= (INTERNET if there == NOBODY else there)


@lru_cache(4096)
def is_for(address: Multiaddr, kind: socket.SocketKind) -> bool:
    """Say whether an address is that of a socket for streams, or for datagrams, that can be reached.

    >>> is_for(Multiaddr("/ip4/127.0.0.1/tcp/0"), socket.SOCK_STREAM)
    False
    """
    try:
        endpoint = Endpoint.from_multiaddr(address)
    except ConversionError:
        return False
    return endpoint.type == kind and not endpoint.rest and endpoint.port != 0 and endpoint.zone is None


def is_place(address: Multiaddr) -> bool:
    """Say whether somebody can be at an address of UDP as it stands: no name, which would have to be looked up."""
    return is_for(address, socket.SOCK_DGRAM) and address[0].name in ("ip4", "ip6") and reach_of(address) != NOBODY


def dial_of(addresses: Addresses, teller: Multiaddr) -> Addresses:
    """Return where connections are accepted, of what somebody at an address says."""
    return tuple(one for one in addresses if is_for(one, socket.SOCK_STREAM) and is_of_use(one, teller))[:MOST_DIAL]


def host_of(address: Multiaddr) -> Multiaddr:
    """Return what stands for all addresses of one customer of the Internet: of IPv6 that is a network.

    >>> host_of(Multiaddr("/ip6/2001:db8:1:2:3::4/tcp/80"))
    Multiaddr('/ip6/2001:db8:1:2::')
    """
    host = address[:1]
    if "ip6" in host:
        return Multiaddr(bytes(host)[:-8] + bytes(8))
    return host


@lru_cache(4096)  # it takes a while, and is asked again and again
def network_of(address: Multiaddr) -> bytes | None:
    """Return the network of the Internet that an address is in, of /24 or, in IPv6, /64; None if it is in none.

    >>> network_of(Multiaddr("/ip4/8.8.8.8/udp/1")) == network_of(Multiaddr("/ip4/8.8.8.9/udp/2"))
    True
    >>> network_of(Multiaddr("/ip4/192.168.0.1/udp/1"))
    """
    if reach_of(address) != INTERNET:
        return None
    host = host_of(address)[0].raw_value
    return host[:3] if len(host) == 4 else host


def source_of(address: Multiaddr) -> bytes:
    """Return what is treated as one sender of datagrams: a network of the Internet, or else an address with its port,
    since many nodes may share a machine.
    """
    return network_of(address) or bytes(address)
