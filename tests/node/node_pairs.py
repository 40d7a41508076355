"""Two ends of a channel in one loop, and waiting for what comes to be."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from node.channel import Channel, secure_inbound, secure_outbound
from node.identity import new_identity

PATIENCE: Final = 60.0  # seconds, of a test that hangs
ALICE, BOB = sorted([new_identity(), new_identity()], key=lambda identity: identity.peer_id)


@asynccontextmanager
async def channel_pair() -> AsyncIterator[tuple[Channel, Channel]]:
    """Have the two ends of a channel, Alice's and Bob's, which are ended at the end."""
    a, b = [await asyncio.open_connection(sock=sock) for sock in socket.socketpair()]
    try:
        alice, bob = await asyncio.gather(secure_outbound(*a, ALICE, BOB.peer_id), secure_inbound(*b, BOB))
        yield alice, bob
    finally:
        for _, writer in (a, b):
            if not writer.is_closing():
                writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for _, writer in (a, b)), return_exceptions=True)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test, which leaves no task behind."""

    async def within_patience() -> None:
        async with asyncio.timeout(PATIENCE):
            await work
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(within_patience(), debug=False)  # which takes half of the time


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    while not condition():
        await asyncio.sleep(0.005)
