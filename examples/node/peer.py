"""A peer: who is at the other end of a connection, after both handshakes.

The first one, of `channel.py`, proves who it is. In the second one who dials says its version first,
and who accepts answers with its own one, or says why there is no place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from multiaddr_py import Multiaddr, PeerId

from .channel import Channel
from .fields import LARGEST_ITEM, LONGEST_TEXT, MessageError
from .messages import PROTOCOL, Bye, Message, Ping, Pong, Version, read_message, to_frame

MOST_OWED: Final = 20 * LARGEST_ITEM  # bytes that wait for who has asked for them; no node asks for more at once
MOST_UNSENT: Final = 2 * MOST_OWED  # bytes that a peer has not taken, after which it gets no more


class PeerError(Exception):
    """A peer contradicts itself, or lies."""


class Left(Exception):  # noqa: N818 # it is no error
    """The other end has said why it ends the connection, and where others may be."""

    def __init__(self, bye: Bye) -> None:
        super().__init__(bye.reason)
        self.others = bye.others


class Peer:
    """A connection to a node whose identity is proven, and what that said of itself."""

    def __init__(
        self,
        channel: Channel,
        address: Multiaddr,
        version: Version,
        *,
        is_dialled: bool,
        place: Multiaddr | None = None,
    ) -> None:
        self.address = address
        """Where it was dialled, or where it came from, with its peer ID."""
        self.place = address if place is None else place
        """As the address, but where that is a name it is what the name stands for."""
        self.version = version
        self.is_dialled = is_dialled
        self.since = asyncio.get_running_loop().time()
        self.heard = self.since
        """When it has said the last thing."""
        self.sent = self.received = 1  # the version
        self._channel = channel
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.has_left = asyncio.Event()
        """Set when all has been done that its end asks for."""

    @property
    def peer_id(self) -> PeerId:
        """Who it is."""
        return self._channel.peer_id

    def send(self, message: Message) -> None:
        """Send a message; who does not read what was sent is gone."""
        if self._channel.unsent() > MOST_UNSENT:
            self.end("it does not read what it is sent")
        elif not self._ended.done():
            self.sent += 1
            self._channel.write(to_frame(message))

    def say_bye(self, reason: str) -> None:
        """Say why the conversation ends, if that may still be read."""
        if self._channel.unsent() <= MOST_UNSENT:
            self._channel.write(to_frame(Bye(reason[:LONGEST_TEXT])))

    def end(self, reason: str) -> None:
        """Have the conversation end."""
        if not self._ended.done():
            self._ended.set_result(reason)

    async def converse(self, handle: Callable[[Peer, Message], None], alive: float) -> str:
        """Handle what the peer says until it has to go; return the reason, which it is told.

        Raises `Left` where the peer says why it goes, `MessageError` for what is no message, `PeerError` for a lie,
        and what the channel raises.
        """
        tasks = [asyncio.create_task(self._listen(handle)), asyncio.create_task(self._watch(alive))]
        ends: set[asyncio.Future[Any]] = {*tasks, self._ended}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            # Asked for also where this is cancelled: asyncio would complain of an error that nobody has seen.
            failures = [task.exception() for task in tasks if not task.cancelled()]
        for failure in failures:
            if failure is not None:
                raise failure
        return self._ended.result()

    async def _listen(self, handle: Callable[[Peer, Message], None]) -> None:
        while not self._ended.done():
            message = await read_message(self._channel)
            self.received += 1
            self.heard = asyncio.get_running_loop().time()
            match message:
                case Bye():
                    raise Left(message)
                case Version():
                    raise PeerError("it has said its version already")
                case Ping(token):
                    self.send(Pong(token))
                case Pong():
                    pass
                case _:
                    handle(self, message)
            if self._channel.unsent() > MOST_OWED:  # else two that wait for each other's answers would wait for ever
                await self._channel.drain()  # who does not read what it asked for is not listened to
            await asyncio.sleep(0)  # where messages come faster than they are handled, others have their turn, too

    async def _watch(self, alive: float) -> None:
        """Ask whether the peer is there whenever it is silent, and end the conversation where it stays so."""
        loop = asyncio.get_running_loop()
        while not self._ended.done():
            silence = loop.time() - self.heard
            if silence >= 2 * alive:
                self.end(f"it was silent for {2 * alive:g} s")
            elif silence >= alive:
                self.send(Ping(0))
                await asyncio.sleep(2 * alive - silence)
            else:
                await asyncio.sleep(alive - silence)


async def say_version(channel: Channel, version: Version) -> Version:
    """Say this node's version to whom it has dialled; return the other's, or raise `Left` with what it says instead."""
    channel.write(to_frame(version))
    await channel.drain()
    return await hear_version(channel)


async def hear_version(channel: Channel) -> Version:
    """Return the version that the other end says first; raises `MessageError`, `Left`, or what the channel raises."""
    message = await read_message(channel)
    if isinstance(message, Bye):
        raise Left(message)
    if not isinstance(message, Version):
        raise MessageError(f"a {type(message).__name__.lower()} came before the version")
    if message.protocol != PROTOCOL:
        raise MessageError(f"it speaks version {message.protocol} of the protocol, not {PROTOCOL}")
    return message
