"""Messages to addresses, whatever is in between: a socket for datagrams, a connection, or a server that passes them on.

An address says which: one of `udp` is reached through the socket, one of `tcp` through a connection that was made
before, and one with `p2p-circuit` in it through the server in front of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, Final, NamedTuple, TypeAlias

from multiaddr_py import Multiaddr
from multiaddr_py.net import is_relayed
from multiaddr_py.net.asyncio import DatagramSocket
from punching.candidates import CIRCUIT, circuit, is_candidate, is_udp_port, split_circuit
from punching.fields import TOKEN_SIZE, MessageError, Token
from punching.messages import ANSWERS, LARGEST, Message, Question, Relay, decode, encode

PAUSE: Final = 0.1  # seconds, where the socket cannot be read

Handler: TypeAlias = Callable[[Any, Multiaddr], Awaitable[None]]
"""What is done about a message, and who has sent it."""


class Asked(NamedTuple):
    """A question that waits for its answer."""

    question: Question
    to: Multiaddr
    answer: asyncio.Future[Message]


class Transport:
    """What carries the messages of one peer."""

    def __init__(self, sock: DatagramSocket, random: Random) -> None:
        self.sock = sock
        self.server: Multiaddr | None = None
        """Who may pass messages of others on."""
        self.keys: tuple[bytes, bytes] = (b"", b"")
        """What seals the messages that go out, and those that come in."""
        self.handlers: dict[type[Message], Handler] = {}
        self.unclaimed: Callable[[bytes, Multiaddr], Awaitable[None]] | None = None
        """What deals with the datagrams that are nothing to this peer."""
        self.connections: dict[Multiaddr, asyncio.StreamWriter] = {}
        """Those to who may, or may not, be the other peer."""
        self._random = random
        self._asked: dict[Token, Asked] = {}

    def token(self) -> Token:
        """Return a new token."""
        return Token(self._random.randbytes(TOKEN_SIZE))

    async def send(self, message: Message, to: Multiaddr) -> None:
        """Send a message; it may get lost, and does so where there is no way to the address."""
        await self.carry(encode(message, self.keys[0]), to)

    async def carry(self, datagram: bytes, to: Multiaddr) -> None:
        """Send the bytes of a message."""
        if is_relayed(to):
            server, _ = split_circuit(to)
            await self.carry(encode(Relay(to, datagram)), server)
        elif "tcp" in to:
            writer = self.connections.get(to)
            # Who does not read what is sent gets no more of it: as good as lost.
            if writer is not None and writer.transport.get_write_buffer_size() <= LARGEST:
                writer.write(len(datagram).to_bytes(2) + datagram)
        else:
            with suppress(OSError):  # there is no route, or a firewall of this machine's: as good as lost
                await self.sock.send(datagram, to)

    async def ask(self, question: Question, to: Multiaddr, *, every: float, patience: float) -> Message:
        """Send a question every so many seconds until it is answered by whom it was asked; return the answer.

        Raises `TimeoutError`.
        """
        asked = Asked(question, to, asyncio.get_running_loop().create_future())
        self._asked[question.token] = asked
        datagram = encode(question, self.keys[0])
        try:
            async with asyncio.timeout(patience):
                while not asked.answer.done():
                    await self.carry(datagram, to)
                    await asyncio.wait([asked.answer], timeout=every)
            return asked.answer.result()
        finally:
            del self._asked[question.token]

    async def run(self) -> None:
        """Deal with all that comes to the socket."""
        while True:
            try:
                datagram, sender = await self.sock.receive()
            except OSError:  # Windows says here that something sent did not arrive
                await asyncio.sleep(PAUSE)
            else:
                await self.take(datagram, sender)

    async def take(self, datagram: bytes, sender: Multiaddr) -> None:
        """Deal with what came to the socket, from where it can be answered."""
        if not is_udp_port(sender):
            return
        if not await self.deliver(datagram, sender) and self.unclaimed is not None:
            await self.unclaimed(datagram, sender)

    async def deliver(self, datagram: bytes, sender: Multiaddr) -> bool:
        """Deal with a message, and say whether it was one for this peer."""
        try:
            message = decode(datagram, self.keys[1])
        except MessageError:
            return False
        if isinstance(message, Relay):
            if self.server is None or sender != self.server:
                return False
            if message.address.startswith(CIRCUIT) and is_candidate(message.address[1:], self.server):
                await self.deliver(message.payload, circuit(self.server, message.address[1:]))
            return True
        asked = self._asked.get(message.token)
        if asked is not None and sender == asked.to and isinstance(message, ANSWERS[type(asked.question)]):
            if not asked.answer.done():
                asked.answer.set_result(message)
            return True
        if type(message) not in self.handlers:
            return False
        await self.handlers[type(message)](message, sender)
        return True
