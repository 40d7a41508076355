"""A node: its listeners, its peers, and whom it dials."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from math import inf
from random import Random
from typing import Final

from multiaddr_py import ConversionError, Multiaddr, PeerId
from multiaddr_py.net import Endpoint
from multiaddr_py.net.asyncio import open_connection, peer_address

from .book import Book, Entry, Source, with_peer
from .channel import Channel, ChannelError, secure_inbound, secure_outbound
from .config import Config
from .dialling import Dial, next_dial
from .events import Report
from .exchange import Exchange
from .fields import MOST_ADDRESSES, MessageError
from .gate import Gate, GateError
from .identity import IdentityError
from .messages import MOST_TOLD, PROTOCOL, Addr, Bye, GetAddr, Message, Version, to_frame
from .peer import Left, Peer, PeerError, hear_version, say_version
from .reach import is_of_use
from .store import Store, StoreError

PATIENCE: Final = 10.0  # seconds for both handshakes together
PACE: Final = 0.2  # seconds between two looks at whom to dial
CURIOSITY: Final = 10.0  # seconds between two questions for addresses
LASTING: Final = 30.0  # seconds of a conversation that was worth dialling for
REFUSED_FOR: Final = 600.0  # seconds in which nobody talks to who has lied
MOST_REFUSED: Final = 1_000
MOST_REFUSALS: Final = 10  # that are reported in a second

FAILURES: Final = (OSError, ConversionError, ChannelError, GateError, IdentityError, MessageError, PeerError, Left)
"""What ends a connection, and nothing else."""


class Node:
    """A node that runs, in tasks of a group."""

    def __init__(
        self,
        config: Config,
        store: Store,
        report: Report,
        *,
        group: asyncio.TaskGroup,
        random: Random,
    ) -> None:
        self.config = config
        self.peer_id = config.identity.peer_id
        self.store = store
        self.peers: dict[PeerId, Peer] = {}
        self.addresses: tuple[Multiaddr, ...] = ()
        """Where it accepts connections, and hears the datagrams of its discovery."""
        self.came: list[Callable[[Peer], None]] = []
        """What is called as a peer has come: whoever builds on a node adds its own."""
        self.went: list[Callable[[Peer, str], None]] = []
        """What is called as a peer has gone, with the reason."""
        self.book = Book(self.peer_id, random)
        self.exchange = Exchange(store, time.monotonic, self._tell_item)
        self.since = time.monotonic()
        self._past = (0, 0)
        """How many messages were sent to those who have gone, and received of them."""
        self._report = report
        self._random = random
        self._gate = Gate()
        self._group = group
        self._is_ending = False
        self._dialling: set[Dial] = set()
        self._refused: dict[PeerId, float] = {}
        self._curious: set[Peer] = set()
        """Who was asked for addresses, and has not answered."""
        self._told: set[Peer] = set()
        """Who was told addresses, and is not told any for a while."""
        self._refusals: deque[float] = deque([-inf] * MOST_REFUSALS, MOST_REFUSALS)
        """When somebody was refused, as far as that was reported."""
        for source, addresses in (
            (Source.STATIC, config.static),
            (Source.SEED, config.seeds),
            (Source.DIALLED, store.addresses()),
        ):
            for address in addresses:
                if Endpoint.from_multiaddr(address).type == socket.SOCK_STREAM:
                    self.book.add(address, source)

    async def run(self) -> None:
        """Dial and keep peers until this is cancelled; the tasks that were begun end with their group."""
        self._group.create_task(self._look_after())
        try:
            while True:
                self._dial_next()
                await asyncio.sleep(PACE)
        finally:
            self._is_ending = True

    def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Take up with somebody who has connected."""
        if self._is_ending:
            writer.transport.abort()
        else:
            task = self._group.create_task(self._welcome(reader, writer))

            def end(_: object) -> None:  # as no `finally` does of a task that is cancelled before it begins
                if not writer.is_closing():
                    writer.transport.abort()

            task.add_done_callback(end)

    def traffic(self) -> tuple[int, int]:
        """Return how many messages were sent and received, those of the second handshake among them."""
        peers = self.peers.values()
        return self._past[0] + sum(peer.sent for peer in peers), self._past[1] + sum(peer.received for peer in peers)

    def addresses_for(self, other: Multiaddr) -> tuple[Multiaddr, ...]:
        """Return the addresses of this node that are of use to somebody at an address."""
        return tuple(address for address in self.addresses if is_of_use(address, other))[:MOST_ADDRESSES]

    # A connection, from its handshakes to its end.

    async def _welcome(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Talk to somebody who has connected, if there is a place."""
        address = peer_address(writer)
        try:
            async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE) as limit:
                with self._gate.passing(address):
                    channel = await secure_inbound(reader, writer, self.config.identity)
                    stack.push_async_callback(channel.part)
                    address /= f"/p2p/{channel.peer_id}"
                    version = await hear_version(channel)
                self._check_place(channel, address, is_dialled=False)
                own = self._version(address)
                channel.write(to_frame(own))
                limit.reschedule(None)
                await self._talk(Peer(channel, address, version, is_dialled=False), own.height)
        except Left:  # it has only looked who is here
            pass
        except FAILURES as error:
            self._refuse(address, error)

    async def _dial(self, dial: Dial) -> None:
        """Talk to somebody at an address, or only look who is there."""
        entry = dial.entry
        is_first = not entry.vain
        is_there = False
        try:
            async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE) as limit:
                allow = None if entry.teller is None else partial(is_of_use, peer=entry.teller[:-1])
                reader, writer = await open_connection(entry.address, allow=allow)
                place = peer_address(writer)
                channel = await secure_outbound(reader, writer, self.config.identity, entry.address.peer_id)
                stack.push_async_callback(channel.part)
                is_there = True
                place /= f"/p2p/{channel.peer_id}"
                if dial.is_look or channel.peer_id == self.peer_id:
                    channel.write(to_frame(Bye("it has only looked who is here")))
                self._reached(entry, channel.peer_id)
                if dial.is_look:
                    return
                own = self._version(place)
                try:
                    version = await say_version(channel, own)
                except Left as left:
                    self.book.hear(left.others, place)
                    raise
                self._check_place(channel, place, is_dialled=True)
                limit.reschedule(None)
                self._dialling.discard(dial)
                peer = Peer(channel, with_peer(entry), version, is_dialled=True, place=place)
                await self._talk(peer, own.height)
                if asyncio.get_running_loop().time() - peer.since > LASTING:
                    entry.vain = 0
                    self._remember(entry)
        except FAILURES as error:
            if not is_there and self.book.failed(entry):
                self._forget(entry)
            if is_first and (is_there or entry.is_given or isinstance(error, IdentityError)):
                self._refuse(entry.address, error)
        finally:
            self._dialling.discard(dial)
            entry.postpone(time.monotonic(), self._random)

    def _refuse(self, address: Multiaddr, error: Exception) -> None:
        """Report that somebody is not talked to, if there are not too many such reports to be read.

        Of two connections with a peer it is no news that one is not used.
        """
        now = time.monotonic()
        if address.peer_id not in self.peers and now - self._refusals[0] > 1.0:
            self._refusals.append(now)
            self._report("refused", address=address, reason=words(error))

    def _reached(self, entry: Entry, peer_id: PeerId) -> None:
        """Take note of who is at an address."""
        if (forgotten := self.book.reached(entry, peer_id)) is not None:
            self._forget(forgotten)
        if peer_id == self.peer_id:
            entry.is_reached = False
            raise PeerError("that is this node itself")
        self._remember(entry)

    def _remember(self, entry: Entry) -> None:
        """Keep an address beyond this node's end, if that can be done: it goes on without."""
        with suppress(StoreError):
            self.store.remember(with_peer(entry), time.time())

    def _forget(self, entry: Entry) -> None:
        with suppress(StoreError):
            self.store.forget(entry.address)

    def _version(self, place: Multiaddr) -> Version:
        """Return what is said to somebody at a place."""
        return Version(PROTOCOL, self.store.height, self.addresses_for(place[:-1]), place[:-1] or None)

    def _check_place(self, channel: Channel, place: Multiaddr, *, is_dialled: bool) -> None:
        """Raise `PeerError` where there is no place for somebody, and say so."""
        reason = self._why_not(channel.peer_id, is_dialled=is_dialled)
        if reason is not None:
            others = self.book.told(place, MOST_TOLD // 4)
            channel.write(to_frame(Bye(reason, tuple(others))))
            raise PeerError(reason)

    def _why_not(self, peer_id: PeerId, *, is_dialled: bool) -> str | None:
        """Return why there is no place for somebody, or None."""
        if peer_id == self.peer_id:
            return "that is this node itself"
        if peer_id in self._refused:
            return "it has lied"
        if (other := self.peers.get(peer_id)) is not None:
            # If both dial at the same time, both keep the connection that the one with the smaller peer ID has begun.
            # Another node that dials a second time does not have the first connection any more.
            dialler = self.peer_id if is_dialled else peer_id
            is_second = is_dialled if other.is_dialled == is_dialled else dialler != min(self.peer_id, peer_id)
            if is_second:
                return "there is another connection"
        elif not is_dialled and self._places(is_dialled=False) <= 0 and peer_id not in self._static():
            return "all places are taken"
        return None

    def _places(self, *, is_dialled: bool) -> int:
        """Return how many places there are left for those who dial, or whom this node dials."""
        most = self.config.most_peers // 2
        most = self.config.most_peers - most if is_dialled else most
        static = self._static()
        return most - sum(
            peer.is_dialled is is_dialled and peer_id not in static for peer_id, peer in self.peers.items()
        )

    def _static(self) -> set[PeerId]:
        return {entry.peer_id for entry in self.book if entry.source is Source.STATIC and entry.peer_id is not None}

    async def _talk(self, peer: Peer, told: int) -> None:
        """Talk to a peer, which was told how many items there are here, until it goes or has to."""
        while (former := self.peers.get(peer.peer_id)) is not None:
            former.end("there is another connection")
            await former.has_left.wait()
        self.peers[peer.peer_id] = peer
        self._report("peer", address=peer.address)
        for hook in self.came:
            hook(peer)
        reason = said = "this node ends"
        try:
            own = [address / f"/p2p/{peer.peer_id}" for address in peer.version.addresses]
            self.book.hear(own, peer.place)
            self.exchange.begin(peer, told)
            self._ask_for_addresses(peer)
            reason = said = await peer.converse(self._handle, self.config.alive)
        except Left as left:
            reason = f"it said: {left}"
            self.book.hear(left.others, peer.place)
        except (MessageError, PeerError) as error:
            reason = said = str(error)
            self._refused[peer.peer_id] = time.monotonic() + REFUSED_FOR
        except (ChannelError, OSError) as error:
            reason = said = words(error)
        except StoreError as error:
            reason, said = str(error), "this node can keep no more items"
        finally:
            del self.peers[peer.peer_id]
            peer.has_left.set()
            self._past = (self._past[0] + peer.sent, self._past[1] + peer.received)
            self._curious.discard(peer)
            self._told.discard(peer)
            self.exchange.end(peer)
            peer.say_bye(said)
            self._report("gone", address=peer.address, reason=reason)
            for leave in self.went:
                leave(peer, reason)

    def _handle(self, peer: Peer, message: Message) -> None:
        """Deal with what a peer says."""
        match message:
            case GetAddr():
                told = [] if peer in self._told else self.book.told(peer.place, MOST_TOLD)
                self._told.add(peer)
                peer.send(Addr(tuple(told)))
            case Addr(addresses) if peer in self._curious:
                self._curious.discard(peer)
                self.book.hear(addresses, peer.place)
            case _:
                self.exchange.handle(peer, message)

    # What is done from time to time.

    def _dial_next(self) -> None:
        """Begin to dial all who are to be dialled now."""
        while dial := next_dial(
            self.book,
            now=time.monotonic(),
            peers={*self.peers, self.peer_id},  # some of the given addresses may be this node's
            dialling=self._dialling,
            places=self._places(is_dialled=True),
            refused=self._refused.keys(),
            random=self._random,
        ):
            self._dialling.add(dial)
            self._group.create_task(self._dial(dial))

    async def _look_after(self) -> None:
        """End what takes too long, and ask for addresses."""
        while True:
            for _ in range(int(CURIOSITY)):
                await asyncio.sleep(1.0)
                self.exchange.check_patience()
                now = time.monotonic()
                self._refused = dict(
                    [(peer_id, until) for peer_id, until in self._refused.items() if until > now][-MOST_REFUSED:]
                )
            self._told.clear()
            if self.peers:
                self._ask_for_addresses(self._random.choice(list(self.peers.values())))

    def _ask_for_addresses(self, peer: Peer) -> None:
        if peer not in self._curious:
            self._curious.add(peer)
            peer.send(GetAddr())

    def _tell_item(self, digest: bytes, size: int) -> None:
        self._report("item", hash=digest.hex(), size=size)


def words(error: Exception) -> str:
    """Return what an error says, for a person."""
    if isinstance(error, Left):
        return f"it said: {error}"
    if isinstance(error, OSError) and error.errno:
        # asyncio has words of its own for what the system says; those of names have numbers below 0
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE:g} s"
    return str(error)
