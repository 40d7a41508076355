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
from punching.candidates import CIRCUIT, NO_PORT, circuit, is_candidate, split_circuit
from punching.fields import TOKEN_SIZE, MessageError, Token
from punching.messages import ANSWERS, Message, Question, Relay, decode, encode
from punching.rendezvous import Rendezvous

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
        self.rendezvous: Rendezvous | None = None
        """What deals with the questions that a server is asked, if this peer is one."""
        self.connections: dict[Multiaddr, asyncio.StreamWriter] = {}
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
            if to in self.connections:
                self.connections[to].write(len(datagram).to_bytes(2) + datagram)
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
                await self.deliver(datagram, sender)

    async def deliver(self, datagram: bytes, sender: Multiaddr) -> None:
        """Deal with a message; what is none is passed over, and so is what nobody could answer."""
        if sender[-1].raw_value == NO_PORT:
            return
        try:
            message = decode(datagram, self.keys[1])
        except MessageError:
            return
        if isinstance(message, Relay) and self.server is not None and sender == self.server:
            if message.address.startswith(CIRCUIT) and is_candidate(message.address[1:], self.server):
                await self.deliver(message.payload, circuit(self.server, message.address[1:]))
            return
        asked = None if isinstance(message, Relay) else self._asked.get(message.token)
        if asked is not None and sender == asked.to and isinstance(message, ANSWERS[type(asked.question)]):
            if not asked.answer.done():
                asked.answer.set_result(message)
        elif type(message) in self.handlers:
            await self.handlers[type(message)](message, sender)
        elif self.rendezvous is not None and is_candidate(sender, sender):  # over the socket, not what is in between
            for outgoing in self.rendezvous.receive(datagram, sender):
                await self.carry(outgoing.datagram, outgoing.to)
