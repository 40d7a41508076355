"""Which addresses are of use to whom: what is told to a peer, or believed of one, goes by how far both reach."""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Final

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py.net import Endpoint, Scope, scope

_REACH: Final = {
    Scope.HOST: 0,
    Scope.LOOPBACK: 0,
    Scope.LINK_LOCAL: 1,
    Scope.PRIVATE: 2,
    Scope.SHARED: 2,
    Scope.GLOBAL: 3,
}
"""How far scopes reach; nobody is at an address of any other."""


@lru_cache(4096)  # it takes as long as a signature, and the same few addresses come again and again
def is_of_use(address: Multiaddr, peer: Multiaddr) -> bool:
    """Say whether somebody at the address `peer` can do anything with an address, or be at it.

    A node on the Internet is neither told nor believed what is inside of a house.

    >>> is_of_use(Multiaddr("/ip4/10.0.0.1/tcp/1"), Multiaddr("/ip4/127.0.0.1/tcp/2"))
    True
    >>> is_of_use(Multiaddr("/ip4/10.0.0.1/tcp/1"), Multiaddr("/ip4/203.0.114.1/tcp/2"))
    False
    """
    reach = _REACH.get(scope(address).scope)
    there = scope(peer).scope if peer else Scope.HOST  # a client of a Unix socket has no address
    return reach is not None and reach >= _REACH.get(there, _REACH[Scope.GLOBAL])


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
