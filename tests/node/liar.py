"""A peer that lies: it is as the node is as far as it has to be, so that its lies are listened to."""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import Server, open_connection, start_server
from node.channel import Channel, ChannelError, secure_inbound, secure_outbound
from node.fields import MessageError
from node.identity import Identity, new_identity
from node.messages import PROTOCOL, Message, Version, read_message, to_frame
from node.peer import Left, hear_version

PATIENCE = 60.0  # seconds, after which what was to come never will
ENDS = (ChannelError, OSError, MessageError, Left)
"""How a conversation with an honest node ends."""


class Liar:
    """Somebody, with a key, and without shame."""

    def __init__(self, identity: Identity | None = None) -> None:
        self.identity = new_identity() if identity is None else identity
        self.channel: Channel
        self.reader: StreamReader
        self.writer: StreamWriter

    @asynccontextmanager
    async def connected(self, address: Multiaddr) -> AsyncIterator[Liar]:
        """Have a connection without a handshake."""
        self.reader, self.writer = await open_connection(address)
        try:
            yield self
        finally:
            self.writer.transport.abort()

    @asynccontextmanager
    async def channelled(self, address: Multiaddr) -> AsyncIterator[Liar]:
        """Have a channel, and no version said."""
        async with asyncio.timeout(PATIENCE):
            reader, self.writer = await open_connection(address)
            self.channel = await secure_outbound(reader, self.writer, self.identity, address.peer_id)
        try:
            yield self
        finally:
            self.channel.abort()

    @asynccontextmanager
    async def talking(
        self, address: Multiaddr, *own: Multiaddr, height: int = 0, protocol: int = PROTOCOL
    ) -> AsyncIterator[Liar]:
        """Have versions said, and own addresses with them."""
        async with self.channelled(address):
            self.say(Version(protocol, height, own, None))
            async with asyncio.timeout(PATIENCE):
                await hear_version(self.channel)
            yield self

    def say(self, *messages: Message) -> None:
        self.channel.write(b"".join(map(to_frame, messages)))

    async def hear(self, kind: type[Message]) -> Message:
        """Return the next message of a kind."""
        async with asyncio.timeout(PATIENCE):
            while not isinstance(message := await read_message(self.channel), kind):
                pass
        return message

    async def is_hung_up(self) -> bool:
        """Wait until the other end has ended a connection that has become no channel; say whether it has."""
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while await self.reader.read(1_000):
                    pass
        return True

    async def is_dropped(self) -> bool:
        """Wait until the other end has ended the connection; say whether it has."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await read_message(self.channel)
        except TimeoutError:
            return False
        except ENDS:
            return True

    async def flood(self, messages: Iterable[Message], *, takes: bool) -> int:
        """Say messages without an end until nobody listens; return how many. Answers are taken, or not."""
        taking = asyncio.create_task(self.is_dropped()) if takes else None
        count = 0
        try:
            for message in messages:
                self.say(message)
                await self.channel.drain()
                count += 1
                if not count % 64:
                    await asyncio.sleep(0)
        except ENDS:
            pass
        finally:
            if taking is not None:
                taking.cancel()
                await asyncio.wait([taking])
        return count


@asynccontextmanager
async def listening(liar: Liar, *lies: Message) -> AsyncIterator[Server]:
    """Accept connections meanwhile, prove who it is, and answer each version with messages instead of an own one."""
    tasks: set[asyncio.Task[None]] = set()

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            channel = await secure_inbound(reader, writer, liar.identity)
            await read_message(channel)
            channel.write(b"".join(map(to_frame, lies)))
            await read_message(channel)
        except ENDS:
            pass
        finally:
            writer.transport.abort()

    def accept(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(answer(reader, writer))
        tasks.add(task)
        task.add_done_callback(lambda _: writer.transport.abort())

    async with await start_server(accept, "/ip4/127.0.0.1/tcp/0") as server:
        try:
            yield server
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)


def nobody_at() -> Multiaddr:
    """Return an address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return Multiaddr(f"/ip4/127.0.0.1/tcp/{sock.getsockname()[1]}")
