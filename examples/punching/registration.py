"""What a peer and its server say to each other: how the peer is seen, what kind of NAT that is, and where another is.

The order of the tests counts, since to send to an address opens the NAT for what comes from there. First the server's
other addresses send to the peer, which has not sent to them; then the peer sends to these as well, and is told as whom
they see it. If that leaves open whether hosts that are strangers are let in, one is asked to try, as soon as there is
one: another peer, who sends from a new socket, so that its own NAT is not opened by that for later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from multiaddr_py import Multiaddr
from multiaddr_py.net import is_unspecified
from multiaddr_py.net.asyncio import bind
from punching.candidates import ANY, is_candidate
from punching.events import PunchError
from punching.fields import TOKEN_SIZE, Addresses, Name, Token
from punching.messages import Ask, Hello, Leave, Meet, Order, Probe, Refused, Register, Seen, Waiting, encode, padded
from punching.nat import Kind, Observations, decide, possible_filtering
from punching.rendezvous import SILENCE
from punching.transport import Transport

SERVER_PATIENCE: Final = 5.0  # seconds until a server that does not answer is given up
EVERY: Final = 0.25  # seconds between two times that the same is asked
PROBES: Final = 8  # times that the server's other addresses are to try whether they are let in
PROBE_EVERY: Final = 0.15  # seconds between these
STRANGER_PATIENCE: Final = 2.0  # seconds for a stranger to do so, which first has to be told
STRANGER_PROBES: Final = 4  # times that a stranger tries, each time that it is told
COOKIES: Final = 5  # times that the server may want another cookie
OFTEN: Final = 0.25  # seconds between two looks at who is there, once the other peer is
SELDOM: Final = 0.75  # before it is; the server forgets who is silent for some times that


@dataclass(frozen=True)
class Wish:
    """What a peer says of itself, and of whom it wants to meet."""

    name: Name
    meet: Name
    secret: Token
    said: Addresses
    relay: bool

    def question(self, token: Token, cookie: Token, kind: Kind, *, ready: bool) -> Register:
        """Return what tells the server of it."""
        return padded(
            Register(token, cookie, self.name, self.meet, self.secret, self.said, kind, ready=ready, relay=self.relay)
        )


class Registration:
    """A peer's dealings with a server, which may have several addresses."""

    def __init__(self, transport: Transport, servers: list[Multiaddr], observations: Observations) -> None:
        self.observations = observations
        self._transport = transport
        self._servers = servers
        self._cookie = Token(bytes(TOKEN_SIZE))
        self._probe = transport.token()
        self._probed = asyncio.Event()
        self._asked: Token | None = None
        """The token of what a stranger was asked to send."""
        transport.handlers[Probe] = self._on_probe

    @property
    def server(self) -> Multiaddr:
        """The server's first address."""
        return self._servers[0]

    async def look(self) -> Multiaddr:
        """Find out how the server sees this peer, and what that says of the NAT; return the address."""
        seen = await self._greet()
        self._cookie = seen.cookie
        others = [other for other in map(self._absolute, seen.others) if is_candidate(other, self.server)]
        await self._see_who_is_let_in(others)
        near = [other for other in others if other[:1] == self.server[:1]]
        askable = dict.fromkeys([*self._servers[1:], *near])
        answers = [self._see(other, self._transport.token(), SERVER_PATIENCE / 2) for other in askable]
        await asyncio.gather(*answers, return_exceptions=True)
        return seen.address

    async def _greet(self) -> Seen:
        """Take that one of the server's addresses for the first which answers; return what it says."""
        patience = SERVER_PATIENCE / len(self._servers)
        for server in list(self._servers):
            with suppress(TimeoutError):
                return await self._see(server, self._probe, patience, probe=True)
            self._servers.remove(server)
            self._servers.append(server)
        tried = " and ".join(map(str, self._servers))
        raise PunchError(f"no answer from {tried} within {SERVER_PATIENCE:g} s")

    def _absolute(self, other: Multiaddr) -> Multiaddr:
        """Return where another of the server's addresses is, if it does not say its host."""
        return Multiaddr.join(self.server[:1], other[1:]) if is_unspecified(other) else other

    async def _see(self, server: Multiaddr, token: Token, patience: float, *, probe: bool = False) -> Seen:
        question = padded(Hello(token, probe))
        seen = await self._transport.ask(question, server, every=EVERY, patience=patience)
        assert isinstance(seen, Seen)
        self.observations.seen[server] = seen.address
        return seen

    async def _see_who_is_let_in(self, others: list[Multiaddr]) -> None:
        """Wait until all of the server's other addresses were let in that are, and the rest had its chances."""
        found = self.observations
        near = any(other[:1] == self.server[:1] for other in others)
        far = any(other[:1] != self.server[:1] for other in others)
        for chance in range(PROBES):
            if chance:
                await self._transport.send(padded(Hello(self._probe, probe=True)), self.server)
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_EVERY):
                    while (near and not found.other_port) or (far and not found.other_host):
                        await self._next_probe()
                    break
        if near:
            found.other_port = bool(found.other_port)
        if far:
            found.other_host = bool(found.other_host)

    async def _on_probe(self, probe: Probe, sender: Multiaddr) -> None:
        if probe.token not in (self._probe, self._asked) or sender == self.server:
            return
        # What comes later proves nothing: by then this peer may have sent to that address.
        if sender[:1] != self.server[:1]:
            if self.observations.other_host is None:
                self.observations.other_host = True
        elif self.observations.other_port is None:
            self.observations.other_port = True
        self._probed.set()

    async def _next_probe(self) -> None:
        self._probed.clear()
        await self._probed.wait()

    async def meet(self, wish: Wish) -> Meet:
        """Wait until the other peer is there, and say what the server says of it. Raises `PunchError`."""
        present = stranger = False
        errands: set[asyncio.Task[None]] = set()

        def begin(work: Coroutine[object, object, None]) -> None:
            errand = asyncio.create_task(work)
            errands.add(errand)
            errand.add_done_callback(errands.discard)

        try:
            while True:
                ready = not self.is_open() or (present and not stranger)
                answer = await self.register(wish, ready=ready)
                if isinstance(answer, Meet):
                    return answer
                if isinstance(answer, Order):
                    stranger = True  # who asks for this
                    begin(self._obey(answer))
                if isinstance(answer, Waiting):
                    present, stranger = answer.present, answer.stranger
                if stranger and self.is_open() and self._asked is None:
                    self._asked = self._transport.token()
                    begin(self._try_stranger(self._asked))
                await asyncio.sleep(OFTEN if present else SELDOM)
        finally:
            for errand in list(errands):
                errand.cancel()
            await asyncio.gather(*errands, return_exceptions=True)

    async def register(self, wish: Wish, *, ready: bool) -> Waiting | Order | Meet:
        """Tell the server of this peer; return what it knows of the other. Raises `PunchError`."""
        kind = decide(self.observations).kind
        for _ in range(COOKIES):
            question = wish.question(self._transport.token(), self._cookie, kind, ready=ready)
            try:
                answer = await self._transport.ask(question, self.server, every=EVERY, patience=SERVER_PATIENCE)
            except TimeoutError:
                raise PunchError(f"{self.server} no longer answers ({SERVER_PATIENCE:g} s)") from None
            if isinstance(answer, Refused):
                raise PunchError(f"{self.server} refuses: {answer.reason}")
            if not isinstance(answer, Seen):
                assert isinstance(answer, Waiting | Order | Meet)
                return answer
            self._cookie = answer.cookie  # the server is a new one, or the NAT has another address for this peer
        raise PunchError(f"{self.server} sees this peer at another address each time")

    async def stay(self, wish: Wish) -> None:
        """Remain registered, which who wants messages passed on has to be. Raises `PunchError`."""
        while True:
            await self.register(wish, ready=True)
            await asyncio.sleep(SILENCE / 3)

    async def leave(self) -> None:
        """Tell the server that it may forget this peer; it does so by itself, but later."""
        await self._transport.send(Leave(self._transport.token(), self._cookie), self.server)

    def is_open(self) -> bool:
        """Say whether a stranger's probe would tell anything about the NAT."""
        seen = self.observations
        if seen.other_host is not None or decide(seen).kind is Kind.SYMMETRIC:
            return False
        return len(possible_filtering(seen.other_port, seen.other_host)) > 1

    async def _try_stranger(self, probe: Token) -> None:
        """Have a stranger try whether it is let in, and note whether it was."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STRANGER_PATIENCE):
                while not self.observations.other_host:
                    question = Ask(self._transport.token(), self._cookie, probe)
                    await self._transport.ask(question, self.server, every=EVERY, patience=STRANGER_PATIENCE)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(2 * EVERY):
                            await self._next_probe()
        self.observations.other_host = bool(self.observations.other_host)

    async def _obey(self, order: Order) -> None:
        """Send a stranger what it has asked for."""
        if not is_candidate(order.address, self.server):
            return
        family = self.server[0].name
        with suppress(OSError), await bind(f"/{family}/{ANY[family]}/udp/0") as sock:
            for _ in range(STRANGER_PROBES):
                await sock.send(encode(Probe(order.probe)), order.address)
                await asyncio.sleep(EVERY / STRANGER_PROBES)
