"""A peer, from its first word to its server until the other peer or the user goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from time import monotonic
from typing import Final

from multiaddr_py import Multiaddr
from multiaddr_py.net import is_relayed
from multiaddr_py.net.asyncio import bind, resolve
from punching.candidates import circuit, direct_candidates, own_addresses, tcp_twin
from punching.connection import Connections
from punching.events import Report
from punching.fields import Name, Text
from punching.messages import Meet
from punching.nat import Nat, Observations, decide, why_not
from punching.registration import ANY, PunchError, Registration, Wish
from punching.rendezvous import Rendezvous
from punching.session import Session
from punching.transport import Transport

PATIENCE: Final = 4.0  # seconds until a direct path is given up
GRACE: Final = 0.5  # seconds for a choice that is on its way


@dataclass(frozen=True)
class Options:
    """What a peer is told to do."""

    name: Name
    meet: Name
    servers: list[Multiaddr]
    listen: Multiaddr | None
    """Where its socket is bound, or any port of all interfaces."""
    relay: bool
    wait: float | None
    """Seconds until the other peer has to be there, or no limit."""
    alive: float
    """Seconds between two signs of life, which keep the way through the NATs open."""


class Peer:
    """A peer that meets another one, and says to it what is in `texts`."""

    def __init__(self, options: Options, texts: asyncio.Queue[Text], report: Report, random: Random) -> None:
        self._options = options
        self._texts = texts
        self._report = report
        self._random = random
        self._nat: Nat | None = None

    async def run(self) -> None:
        """Meet the other peer, and talk until it goes. Raises `PunchError`, or the `OSError` of a socket or a name."""
        found = [endpoint.address for server in self._options.servers for endpoint in await resolve(server)]
        family = (self._options.listen or found[0])[0].name
        servers = [server for server in dict.fromkeys(found) if server[0].name == family]  # for one socket
        if not servers:
            raise PunchError(f"a socket of {family} does not reach the server, which has {found[0]}")
        with await bind(self._options.listen or f"/{family}/{ANY[family]}/udp/0") as sock:
            transport = Transport(sock, self._random)
            async with running(transport.run()):
                await self._introduce(transport, servers)

    async def _introduce(self, transport: Transport, servers: list[Multiaddr]) -> None:
        """Make this peer known to the server, and wait for the other one."""
        own = own_addresses(transport.sock, servers[0])
        for address in own:
            self._report("listening", address=address)
        observations = Observations(frozenset(own))
        registration = Registration(transport, servers, observations)
        seen = await registration.look()
        wish = Wish(self._options.name, self._options.meet, transport.token(), own, self._options.relay)
        try:
            self._report("registered", name=wish.name, address=seen)
            self._report("waiting", name=wish.meet)
            try:
                async with asyncio.timeout(self._options.wait):
                    meet = await registration.meet(wish)
            except TimeoutError:
                raise PunchError(f"{wish.meet} has not come within {self._options.wait:g} s") from None
            finally:
                self._report_nat(observations)
            await self._reach(transport, registration, wish, meet)
        finally:
            await registration.leave()

    async def _reach(self, transport: Transport, registration: Registration, wish: Wish, meet: Meet) -> None:
        """Find a path to the other peer, and talk over it."""
        server, observations = registration.server, registration.observations
        session = Session(transport, wish.secret, meet.secret, partial(self._report, "message", name=wish.meet))
        transport.server = server
        candidates = direct_candidates(meet, server, wish.said)
        last_resort = circuit(server, meet.seen) if meet.relay else None
        reason = why_not(decide(observations).kind, meet.kind) or f"no answer within {PATIENCE:g} s"
        started = monotonic()
        try:
            path = await session.find_path(candidates, patience=PATIENCE, last_resort=last_resort, grace=GRACE)
        except TimeoutError:
            if wish.relay and not meet.relay:
                reason += f"; and {wish.meet} has not asked for a relay"
            raise PunchError(f"no path to {wish.meet}: {reason}") from None
        seconds = round(monotonic() - started, 3)
        try:
            if is_relayed(path):
                self._report("relayed", name=wish.meet, address=path, reason=reason, seconds=seconds)
                await self._talk(transport, session, path, registration.stay(wish))
            else:
                if path not in meet.said:  # the other one has seen this peer from outside
                    observations.seen[path] = session.seen[path]
                    self._report_nat(observations)
                self._report("direct", name=wish.meet, address=path, seconds=seconds)
                await registration.leave()
                await self._talk(transport, session, path, self._improve(transport, session, path))
            self._report("left", name=wish.meet)
        finally:
            if not session.left.is_set():
                await session.leave(path)

    async def _talk(
        self, transport: Transport, session: Session, path: Multiaddr, keep: Coroutine[object, object, None]
    ) -> None:
        """Say what there is to say until the other peer goes, and do beside that what keeps the path."""

        def route() -> Multiaddr:
            return next(iter(transport.connections), path)

        async def speak() -> None:
            while True:
                await session.say(await self._texts.get(), route)

        await first_of(keep, speak(), session.stay(path, self._options.alive), session.left.wait())

    async def _improve(self, transport: Transport, session: Session, path: Multiaddr) -> None:
        """Be a server for others, and try for a connection to the other peer."""
        transport.rendezvous = Rendezvous([transport.sock.address], clock=monotonic, report=self._report_guest)
        connections = Connections(transport, session, self._random)
        try:
            try:
                self._report("tcp", name=self._options.meet, address=await connections.attempt(path))
            except PunchError as error:
                self._report("tcp", name=self._options.meet, address=tcp_twin(path), reason=str(error))
            await asyncio.Event().wait()  # until this is cancelled
        finally:
            await connections.close()

    def _report_guest(self, name: str, address: Multiaddr) -> None:
        self._report("registered", name=name, address=address)

    def _report_nat(self, observations: Observations) -> None:
        """Say what the NAT is, if that was not said yet."""
        nat = decide(observations)
        if nat != self._nat:
            self._nat = nat
            self._report("nat", kind=nat.kind.value, mapping=nat.mapping, filtering=nat.filtering)


@asynccontextmanager
async def running(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Have something run beside what is done in the meantime."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def first_of(*works: Coroutine[object, object, object]) -> None:
    """Run several things until one of them ends, and end as it does."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
