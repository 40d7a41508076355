"""Two ends of a connection in one program, some of which talk as they should."""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

from noise_by_hand import ByHand, Cipher, payload

from node.channel import Channel, secure_inbound, secure_outbound
from node.identity import new_identity

Connection: TypeAlias = tuple[StreamReader, StreamWriter]

PATIENCE: Final = 60.0  # seconds, of a test that hangs
ALICE, BOB, MALLORY = sorted([new_identity() for _ in range(3)], key=lambda identity: identity.peer_id)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test, which leaves no task behind but those that end by themselves."""

    async def within_patience() -> None:
        async with asyncio.timeout(PATIENCE):
            await work
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)

    asyncio.run(within_patience(), debug=False)  # which takes half of the time


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[Connection, Connection]]:
    """Have the two ends of a connection, which are ended at the end."""
    ends = [await asyncio.open_connection(sock=sock) for sock in socket.socketpair()]
    try:
        yield ends[0], ends[1]
    finally:
        for _, writer in ends:
            if not writer.is_closing():
                writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for _, writer in ends), return_exceptions=True)


@asynccontextmanager
async def channel_pair() -> AsyncIterator[tuple[Channel, Channel]]:
    """Have the two ends of a channel."""
    async with connection() as (a, b):
        yield await both(secure_outbound(*a, ALICE, BOB.peer_id), secure_inbound(*b, BOB))


@asynccontextmanager
async def by_hand(*, initiator: bool = True) -> AsyncIterator[tuple[Channel, ByHand, Cipher, Cipher]]:
    """Have a channel of Bob's, and its other end, which Alice does by hand."""
    async with connection() as (a, b):
        hand = ByHand(initiator=initiator, connection=a)
        bob = secure_inbound(*b, BOB) if initiator else secure_outbound(*b, BOB, ALICE.peer_id)
        channel, _ = await asyncio.gather(bob, hand.shake(payload(ALICE, hand.static)))
        yield channel, hand, *hand.ciphers()


async def both(outbound: Awaitable[Channel], inbound: Awaitable[Channel]) -> tuple[Channel, Channel]:
    a, b = await asyncio.gather(outbound, inbound)
    return a, b


async def outcome(work: Awaitable[Channel]) -> Channel | BaseException:
    (found,) = await asyncio.gather(work, return_exceptions=True)
    return found


async def has_ended(reader: StreamReader) -> bool:
    """Wait for the end of a connection, however it is told."""
    try:
        while await reader.read(1 << 16):
            pass
    except ConnectionError:
        pass
    return True
