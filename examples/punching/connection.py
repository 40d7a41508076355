"""The attempt at a TCP connection, between the two addresses that UDP goes over already.

Both peers listen and connect from one port, over and over: what leaves a NAT opens it for what the other one sends,
and two connections that meet on the way become one (a simultaneous open, RFC 9293, section 3.5). Where that port has
another number outside for TCP than it has for UDP, as behind some NATs, it does not work.
"""

from __future__ import annotations

import asyncio
import os
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from random import Random
from typing import Final

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import open_connection, peer_address, start_server
from punching.candidates import tcp_twin
from punching.events import PunchError
from punching.messages import LARGEST
from punching.session import PACE, Session
from punching.transport import Transport

PATIENCE: Final = 5.0  # seconds
AT_ONCE: Final = 4  # connections, of which only the other peer's is wanted


class Connections:
    """The attempt at a connection, and those that came up.

    What has connected may be anybody, and is only asked whether it is the other peer, until it has proven that.
    """

    def __init__(self, transport: Transport, session: Session, random: Random) -> None:
        self._transport = transport
        self._session = session
        self._random = random
        self._tasks: set[asyncio.Task[None]] = set()
        self._host: Multiaddr | None = None
        """Where connections are wanted from; None as long as none are."""
        self._proven: asyncio.Future[Multiaddr] = asyncio.get_running_loop().create_future()

    async def attempt(self, path: Multiaddr) -> Multiaddr:
        """Return the other end of a connection along a path; raises `PunchError` with the reason why there is none."""
        local, remote = tcp_twin(self._transport.sock.address), tcp_twin(path)
        self._host = path[:1]
        try:
            server = await start_server(self._start, local, reuse_port=True)
        except OSError as error:
            raise PunchError(f"nothing can listen at {local}: {error.strerror}") from error
        refused: list[str] = []
        connecting = asyncio.create_task(self._connect(local, remote, refused))
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._proven)
        except TimeoutError:
            raise PunchError(refused[0] if refused else f"no answer within {PATIENCE:g} s") from None
        finally:
            self._host = None
            connecting.cancel()
            await server.aclose()  # first, since this may be cancelled once more
            await asyncio.wait([connecting])
            for address in self._transport.connections:
                if not self._is_proven(address):
                    self.hang_up(address)
            # What was accepted just now reaches `_start` some turns of the loop later, and is ended there.
            await asyncio.sleep(PACE)

    def route(self) -> Multiaddr | None:
        """Return the address of the connection to the other peer, if there is one."""
        return next(filter(self._is_proven, self._transport.connections), None)

    def hang_up(self, address: Multiaddr) -> None:
        """End a connection, whatever was not sent yet."""
        if address in self._transport.connections:
            self._transport.connections[address].transport.abort()

    async def close(self) -> None:
        """End all connections."""
        for address in self._transport.connections:
            self.hang_up(address)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def ended(self) -> None:
        """Wait until all connections have ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _is_proven(self, address: Multiaddr) -> bool:
        return self._proven.done() and self._proven.result() == address

    async def _connect(self, local: Multiaddr, remote: Multiaddr, refused: list[str]) -> None:
        """Connect over and over, until a connection comes up; note why the first one did not."""
        while True:
            try:
                reader, writer = await open_connection(remote, local_addr=local, reuse_port=True)
            except OSError as error:  # nobody listens there yet, or the NAT says that nobody does
                refused.append(os.strerror(error.errno) if error.errno else str(error))
                # Each at times of its own: two that are refused at the same pace would never meet on the way.
                await asyncio.sleep(PACE * self._random.random())
            else:
                self._start(reader, writer)
                return

    def _start(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Begin to read what comes over a connection."""
        address = peer_address(writer)
        known = self._transport.connections
        if address[:1] != self._host or address in known or len(known) >= AT_ONCE:
            writer.close()
            return
        known[address] = writer
        task = asyncio.create_task(self._read(reader, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: StreamReader, address: Multiaddr) -> None:
        """Deal with the messages of a connection until it ends; it does when nothing proves that it is the peer's."""
        writer = self._transport.connections[address]
        proving = asyncio.create_task(self._prove(address))
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                while (size := int.from_bytes(await reader.readexactly(2))) <= LARGEST:
                    await self._transport.deliver(await reader.readexactly(size), address)
        finally:
            proving.cancel()
            del self._transport.connections[address]
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _prove(self, address: Multiaddr) -> None:
        """See whether the other peer is at the other end, and end the connection if it is not."""
        try:
            await self._session.knock(address, every=1.0, patience=PATIENCE)
        except TimeoutError:
            self.hang_up(address)
        else:
            if not self._proven.done():
                self._proven.set_result(address)
