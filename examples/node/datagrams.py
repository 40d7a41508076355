"""What carries the datagrams of discovery: sockets, or whatever else can be addressed like them."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from typing import Final, Protocol, Self

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py.net.asyncio import DatagramSocket, bind

PAUSE: Final = 0.1  # seconds, where a socket cannot be read


class Datagrams(Protocol):
    """What carries datagrams; some get lost."""

    async def receive(self) -> tuple[bytes, Multiaddr]:
        """Wait for a datagram; return it, and the address of its sender."""
        ...

    async def send(self, datagram: bytes, to: Multiaddr) -> None:
        """Send a datagram; one to an address that cannot be reached is lost."""


def second_of_family(address: Multiaddr) -> ConversionError:
    """Return what is raised for an address in whose family there is a socket already."""
    everywhere = "/ip6/::" if "6" in address[0].name else "/ip4/0.0.0.0"
    hint = f"use one of them alone, or {everywhere}/udp/{address[-1].value} instead of both"
    return ConversionError("of each family of addresses there is one socket of udp at most", str(address), hint)


class UdpSockets:
    """Sockets for datagrams, one for each family of addresses, as `bound` returns them.

    As a context manager they are closed at the end.
    """

    def __init__(self, *sockets: DatagramSocket) -> None:
        """Take sockets over; raises `ConversionError` for two of one family."""
        self._sockets: dict[str, DatagramSocket] = {}
        for sock in sockets:
            if self._sockets.setdefault(sock.address[0].name, sock) is not sock:
                raise second_of_family(sock.address)
        self._receiving: dict[DatagramSocket, asyncio.Task[tuple[bytes, Multiaddr]]] = {}
        """The next datagram of each socket, first of the one that has waited longest for its turn."""

    @classmethod
    async def bound(cls, *addresses: Multiaddr) -> Self:
        """Return sockets that are bound to addresses of `udp`; raises what `bind` does."""
        with ExitStack() as stack:
            sockets = [stack.enter_context(await bind(address)) for address in addresses]
            sender = cls(*sockets)
            stack.pop_all()
        return sender

    def addresses(self) -> tuple[Multiaddr, ...]:
        """Return where the sockets can be reached: at each interface, if they are bound to all."""
        return tuple(address for sock in self._sockets.values() for address in sock.addresses())

    async def receive(self) -> tuple[bytes, Multiaddr]:
        """Wait for a datagram at any socket; return it, and the address of its sender."""
        if not self._sockets:  # as of a node that has Unix sockets only: nothing will ever come
            await asyncio.get_running_loop().create_future()
        while True:
            for sock in self._sockets.values():
                if sock not in self._receiving:
                    self._receiving[sock] = asyncio.create_task(sock.receive())
            await asyncio.wait(self._receiving.values(), return_when=asyncio.FIRST_COMPLETED)
            ready = next(sock for sock, task in self._receiving.items() if task.done())
            try:
                return self._receiving.pop(ready).result()
            except OSError:  # Windows says here that something sent did not arrive
                await asyncio.sleep(PAUSE)

    async def send(self, datagram: bytes, to: Multiaddr) -> None:
        """Send a datagram from the socket of the address' family; it is lost if there is none, or no way."""
        sock = self._sockets.get(to[0].name)
        if sock is not None:
            with suppress(OSError, ConversionError):  # no route, or a firewall of this machine's; an interface's name
                await sock.send(datagram, to)

    async def aclose(self) -> None:
        """Close the sockets, also where somebody cannot wait until nothing is received any more."""
        receiving = list(self._receiving.values())
        for task in receiving:
            task.cancel()
        try:
            await asyncio.gather(*receiving, return_exceptions=True)
        finally:
            for sock in self._sockets.values():
                sock.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()
