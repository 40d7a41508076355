"""How many connections may be in their handshakes at the same time, and how often: a flood costs whoever sends it.

A handshake takes this node a millisecond, and whoever begins it 34 bytes, so a host has an allowance of them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from multiaddr_py import Multiaddr

from .allowances import Allowances
from .reach import host_of

MOST: Final = 128
MOST_OF_HOST: Final = 24
OF_A_HOST: Final = (20.0, 500.0)  # handshakes a second, and at once: a machine, or what is behind a NAT, has many nodes


class GateError(Exception):
    """There are too many connections."""


class Gate:
    """Who is in a handshake; the clock's seconds are from whenever."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hosts: Counter[Multiaddr] = Counter()
        self._begins = Allowances(*OF_A_HOST)

    @contextmanager
    def passing(self, address: Multiaddr) -> Iterator[None]:
        """Count a connection from an address as long as its handshakes last; raises `GateError`."""
        host = host_of(address)
        if self._hosts.total() >= MOST:
            raise GateError(f"there are {MOST} connections in their handshakes")
        if self._hosts[host] >= MOST_OF_HOST:
            raise GateError(f"{MOST_OF_HOST} connections of one host are in their handshakes")
        # Who has no address has come to a Unix socket, or was reset before it was looked at: one such flood from the
        # Internet would else keep out whoever is at that socket.
        if host and not self._begins.take(bytes(host), self._clock()):
            raise GateError("connections of one host come too fast")
        self._hosts[host] += 1
        try:
            yield
        finally:
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]
