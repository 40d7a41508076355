"""A peer, from its first word to its server until the other peer or the user goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Final

from multiaddr_py import Multiaddr
from multiaddr_py.net import is_relayed
from multiaddr_py.net.asyncio import bind, resolve
from punching.candidates import ANY, circuit, direct_candidates, own_addresses, tcp_twin
from punching.connection import Connections
from punching.events import PunchError, Report
from punching.fields import Name, Text
from punching.messages import Meet
from punching.nat import Kind, Nat, Observations, decide, why_not
from punching.registration import Registration, Wish
from punching.rendezvous import Rendezvous
from punching.session import Session
from punching.tasks import first_of
from punching.transport import Transport

# Together below ten seconds, with what it takes to find out about the NAT.
PATIENCE: Final = 3.0  # seconds until a direct path is given up
RELAY_PATIENCE: Final = 2.5  # seconds until the server is, which was to pass everything on
GRACE: Final = 0.5  # seconds for a choice that is on its way
PAUSE: Final = 0.5  # seconds between the end of a connection and the word of it
NO_ANSWER: Final = f"no answer within {PATIENCE:g} s"


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
        own = found if self._options.listen is None else [(await resolve(self._options.listen))[0].address]
        family = own[0][0].name
        servers = [server for server in dict.fromkeys(found) if server[0].name == family]  # for one socket
        if not servers:
            raise PunchError(f"a socket of {family} does not reach the server, which has {found[0]}")
        with await bind(own[0] if self._options.listen else f"/{family}/{ANY[family]}/udp/0") as sock:
            transport = Transport(sock, self._random)
            await first_of(transport.run(), self._introduce(transport, servers))

    async def _introduce(self, transport: Transport, servers: list[Multiaddr]) -> None:
        """Make this peer known to the server, and wait for the other one."""
        own = own_addresses(transport.sock, servers[0])
        for address in own:
            self._report("listening", address=address)
        registration = Registration(transport, servers, Observations(frozenset(own)))
        seen = await registration.look()
        wish = Wish(self._options.name, self._options.meet, transport.token(), own, self._options.relay)
        try:
            await registration.register(wish, ready=False)
            self._report("registered", name=wish.name, address=seen)
            if not registration.is_open():
                self._report_nat(registration.observations)
            self._report("waiting", name=wish.meet)
            try:
                async with asyncio.timeout(self._options.wait):
                    meet = await registration.meet(wish)
            except TimeoutError:
                raise PunchError(f"{wish.meet} has not come within {self._options.wait:g} s") from None
            finally:
                self._report_nat(registration.observations)
            await self._reach(transport, registration, wish, meet)
        finally:
            await registration.leave()

    async def _reach(self, transport: Transport, registration: Registration, wish: Wish, meet: Meet) -> None:
        """Find a path to the other peer, and talk over it."""
        server, observations = registration.server, registration.observations
        session = Session(transport, wish.secret, meet.secret, name=wish.meet, heard=self._hear)
        transport.server = server
        kind = decide(observations).kind
        started = monotonic()
        try:
            try:
                path = await session.find_path(
                    direct_candidates(meet, server, wish.said),
                    patience=PATIENCE,
                    last_resort=circuit(server, meet.seen) if meet.relay else None,
                    relay_patience=RELAY_PATIENCE,
                    grace=GRACE,
                )
            except TimeoutError:
                raise PunchError(f"no path to {wish.meet}: {reason(kind, meet, wish)}") from None
            seconds = round(monotonic() - started, 3)
            if is_relayed(path):
                why = why_not(kind, meet.kind) or NO_ANSWER
                self._report("relayed", name=wish.meet, address=path, reason=why, seconds=seconds)
                session.talks = True
                await first_of(registration.stay(wish), self._talk(session, path, lambda: path, lambda _: None))
            else:
                self._report("direct", name=wish.meet, address=path, seconds=seconds)
                session.talks = True
                if session.seen[path] not in observations.own:  # the other one has seen this peer from outside
                    observations.seen[path] = session.seen[path]
                    self._report_nat(observations)
                await registration.leave()
                await self._keep(transport, session, path)
            self._report("left", name=wish.meet)
        finally:
            await session.leave()

    async def _keep(self, transport: Transport, session: Session, path: Multiaddr) -> None:
        """Talk over a direct path, or over a connection beside it; and be a server for others."""
        rendezvous = Rendezvous([transport.sock.address], clock=monotonic, report=self._report_guest, relays=False)

        async def serve(datagram: bytes, sender: Multiaddr) -> None:
            for outgoing in rendezvous.receive(datagram, sender):
                await transport.carry(outgoing.datagram, outgoing.to)

        transport.unclaimed = serve
        connections = Connections(transport, session, self._random)
        try:
            await first_of(
                self._connect(connections, session, path),
                self._talk(session, path, lambda: connections.route() or path, connections.hang_up),
            )
        finally:
            await connections.close()

    async def _connect(self, connections: Connections, session: Session, path: Multiaddr) -> None:
        """Try for a connection, and say what became of it."""
        address = tcp_twin(path)
        try:
            address = await connections.attempt(path)
            self._report("tcp", name=self._options.meet, address=address)
            await connections.ended()
            session.doubted.set()
            await asyncio.sleep(PAUSE)  # the other peer's last word may be on its way
            raise PunchError("it has ended")
        except PunchError as error:
            self._report("tcp", name=self._options.meet, address=address, reason=str(error))
        await asyncio.Event().wait()  # until this is cancelled

    async def _talk(
        self,
        session: Session,
        path: Multiaddr,
        route: Callable[[], Multiaddr],
        failed: Callable[[Multiaddr], None],
    ) -> None:
        """Say what there is to say, until the other peer goes."""

        async def speak() -> None:
            while True:
                await session.say(await self._texts.get(), route, failed)

        await first_of(speak(), session.stay(path, self._options.alive), session.left.wait())

    def _hear(self, text: str) -> None:
        self._report("message", name=self._options.meet, text=text)

    def _report_guest(self, name: str, address: Multiaddr) -> None:
        self._report("guest", name=name, address=address)

    def _report_nat(self, observations: Observations) -> None:
        """Say what the NAT is, if that was not said yet."""
        nat = decide(observations)
        if nat != self._nat:
            self._nat = nat
            self._report("nat", kind=nat.kind.value, mapping=nat.mapping, filtering=nat.filtering)


def reason(kind: Kind, meet: Meet, wish: Wish) -> str:
    """Say why there is no path, as far as that can be known."""
    said = why_not(kind, meet.kind) or NO_ANSWER
    if meet.relay:
        return f"{said}; and the server has not passed anything on"
    if not wish.relay:
        return f"{said}; with --relay on both the server would pass on what they say"
    return f"{said}; and {wish.meet} has not asked for a relay"
