"""How many connections may be in their handshakes at the same time: a flood of them costs whoever sends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from multiaddr_py import Multiaddr

MOST: Final = 128
MOST_OF_HOST: Final = 24


class GateError(Exception):
    """There are too many connections."""


class Gate:
    """Who is in a handshake."""

    def __init__(self) -> None:
        self._hosts: Counter[Multiaddr] = Counter()

    @contextmanager
    def passing(self, address: Multiaddr) -> Iterator[None]:
        """Count a connection from an address as long as its handshakes last; raises `GateError`."""
        host = host_of(address)
        if self._hosts.total() >= MOST:
            raise GateError(f"there are {MOST} connections in their handshakes")
        if self._hosts[host] >= MOST_OF_HOST:
            raise GateError(f"{MOST_OF_HOST} connections of one host are in their handshakes")
        self._hosts[host] += 1
        try:
            yield
        finally:
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]


def host_of(address: Multiaddr) -> Multiaddr:
    """Return what stands for all addresses of one customer of the Internet: of IPv6 that is a network.

    >>> host_of(Multiaddr("/ip6/2001:db8:1:2:3::4/tcp/80"))
    Multiaddr('/ip6/2001:db8:1:2::')
    """
    host = address[:1]
    if "ip6" in host:
        return Multiaddr(bytes(host)[:-8] + bytes(8))
    return host
