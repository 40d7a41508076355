"""Discovery: whom a node knows, and how it gets to know others.

Who pings is answered, and is pinged back if it has not yet shown that it is where it seems to be. It has once it
repeats the hash of a ping that was sent there: so what comes from a forged address stays without effect. Contacts that
others tell are pinged likewise before they are believed. Only who has shown where it is gets neighbours told; another
gets a ping instead, and the neighbours once it has answered that.

A source of too many datagrams is not listened to, which others do not notice; a source is a network of the Internet,
or else an address with its port, since many nodes may share a machine. All that is kept has a bound.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from multiaddr_py import Multiaddr, MultiaddrError, PeerId
from multiaddr_py.net.asyncio import resolve

from .allowances import Allowances
from .buckets import KEY_BITS, Buckets, Contact, K, key_of
from .datagrams import Datagrams
from .fields import MessageError
from .identity import Identity
from .lookup import Found, look_up
from .packets import (
    TOKEN_SIZE,
    FindNode,
    Neighbours,
    Packet,
    Ping,
    Pong,
    Signed,
    fitting,
    packet_hash,
    read_packet,
    write_neighbours,
    write_packet,
)
from .proofs import Proofs
from .reach import dial_of, is_of_use, is_place, source_of

REFRESH: Final = 7.2  # seconds from one refresh to the next
ANSWER: Final = 1.0  # seconds for an answer to come
TICK: Final = 0.25  # seconds between looks at what was not answered
NAME: Final = 5.0  # seconds to look a name up
TRIES: Final = 2  # more pings, where a lost one would mean something
MOST_PINGS: Final = 512  # that wait for their answers
MOST_GREETINGS: Final = 64  # that wait to be pinged
MOST_ENTRIES: Final = 16  # that are greeted again as long as nobody is known
OF_A_SOURCE: Final = (50.0, 200.0)  # datagrams a second, and at once
PINGS_BACK: Final = (64.0, 128.0)
PINGS_BACK_TO_A_SOURCE: Final = (4.0, 16.0)


@dataclass
class _Asked:
    """A ping that waits for its answer."""

    datagram: bytes
    until: float
    tries: int
    """How many times it can be sent again."""
    doubted: Contact | None
    """Who is silent if nothing comes."""
    answer: asyncio.Future[Contact]
    question: Signed | None = None
    """What waits for the proof that the answer is."""


@dataclass
class _Question:
    """A question for neighbours."""

    contact: Contact
    datagram: bytes
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    parts: int = 0
    told: int = 0
    contacts: dict[PeerId, Contact] = field(default_factory=dict)


class Discovery:
    """What keeps the `buckets` of a node, and looks for others.

    `addresses` returns the own ones that are told, `clock` the seconds of Unix. The `seeds`, addresses of UDP with
    whatever follows, are greeted as long as nobody is known. `found` is called with each contact that has shown where
    it is, the first time, and when its addresses have changed. All goes on while `run` does.
    """

    def __init__(
        self,
        identity: Identity,
        transport: Datagrams,
        *,
        addresses: Callable[[], tuple[Multiaddr, ...]],
        clock: Callable[[], float],
        random: Random,
        refresh: Literal["random", "own"] = "random",
        found: Callable[[Contact], None],
        seeds: Iterable[Multiaddr] = (),
    ) -> None:
        self.key = key_of(identity.peer_id)
        self.buckets = Buckets(self.key)
        self.sent = self.received = self.refused = 0
        """Datagrams."""
        self._identity = identity
        self._transport = transport
        self._addresses = addresses
        self._clock = clock
        self._random = random
        self._towards = refresh
        self._found = found
        self._proofs = Proofs()
        self._pings: dict[Multiaddr, _Asked] = {}
        self._questions: dict[bytes, _Question] = {}
        self._greetings: asyncio.Queue[Multiaddr] = asyncio.Queue(MOST_GREETINGS)
        self._seeds = tuple(seeds)
        self._entries: deque[Multiaddr] = deque(maxlen=MOST_ENTRIES)  # apart, since strangers tell them
        self._met = asyncio.Event()
        self._listens = Allowances(*OF_A_SOURCE)
        self._pings_back = Allowances(*PINGS_BACK)
        self._pings_back_to_a_source = Allowances(*PINGS_BACK_TO_A_SOURCE)

    async def run(self) -> None:
        """Take part, until this is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for work in (self._receive(), self._greet(), self._enter(), self._watch(), self._refresh()):
                tasks.create_task(work)

    def greet(self, address: Multiaddr) -> None:
        """Ping who may be at an address of UDP, with whatever follows it; a name is looked up.

        Nothing is done about it where too many wait already. As long as nobody is known the last few are greeted again.
        """
        if address not in self._entries:
            self._entries.append(address)
        if not self._greetings.full():
            self._greetings.put_nowait(address)

    async def look_up(self, target: bytes) -> Found:
        """Find the nodes that are closest to a key of 32 bytes."""
        return await look_up(target, self.buckets.closest(target), self._ask)

    # What is done by itself

    async def _greet(self) -> None:
        while True:
            await self._ping_name(await self._greetings.get())

    async def _enter(self) -> None:
        """Greet the seeds, and the last few others, as long as nobody is known."""
        while True:
            for address in () if self.buckets else (*self._seeds, *self._entries):
                await self._ping_name(address)
            await asyncio.sleep(REFRESH)

    async def _ping_name(self, address: Multiaddr) -> None:
        """Ping who is at an address that may be a name."""
        try:
            async with asyncio.timeout(NAME):
                endpoints = await resolve(address)
        except (MultiaddrError, OSError):  # of which `TimeoutError` is one
            return
        for endpoint in endpoints:
            await self._ping(endpoint.address, tries=TRIES)

    async def _refresh(self) -> None:
        """Look for others again and again, at first for anybody; each time see whether one contact is still there."""
        loop = asyncio.get_running_loop()
        turn = 0
        while True:
            due = loop.time() + REFRESH
            if not self.buckets:
                turn = 0
                self._met.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._met.wait()
            else:
                await self._refresh_once(turn)
                turn += 1
                await asyncio.sleep(due - loop.time())

    async def _refresh_once(self, turn: int) -> None:
        rows = self.buckets.rows()
        _, bucket = rows[turn % len(rows)]
        await self._doubt(bucket[0])
        # Who is close to a newcomer is found out by itself only, whichever way is taken later.
        target = self.key if turn == 0 or self._towards == "own" else self._random.randbytes(KEY_BITS // 8)
        for contact in (await self.look_up(target)).contacts:
            if self.buckets.get(contact.peer_id) is None and self.buckets.has_room(contact):
                await self._ping(contact.address)

    async def _watch(self) -> None:
        """Ping again who has not answered, and forget who has been silent."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK)
            for address, asked in [item for item in self._pings.items() if item[1].until <= loop.time()]:
                if self._pings.get(address) is not asked:  # it was answered while another one was sent
                    continue
                if asked.tries:
                    asked.tries -= 1
                    asked.until = loop.time() + ANSWER
                    await self._send(asked.datagram, address)
                else:
                    del self._pings[address]
                    if asked.doubted is not None:
                        self.buckets.silent(asked.doubted)

    # What is asked

    async def _ping(self, address: Multiaddr, *, tries: int = 0, doubted: Contact | None = None) -> _Asked:
        """Ping who is at an address, and `tries` times more; return what waits for the answer, which may not come.

        If who is `doubted` does not, it is silent.
        """
        asked = self._pings.get(address)
        if asked is None:
            loop = asyncio.get_running_loop()
            told = fitting(own for own in self._addresses() if is_of_use(own, address))
            datagram = self._written(Ping(self._token(), told))
            asked = _Asked(datagram, loop.time() + ANSWER, 0, None, loop.create_future())
            if len(self._pings) >= MOST_PINGS or not is_place(address):
                return asked  # nobody is asked, as if it got lost
            self._pings[address] = asked
            await self._send(datagram, address)
        asked.tries = max(asked.tries, tries)
        asked.doubted = doubted or asked.doubted
        return asked

    async def _doubt(self, contact: Contact) -> None:
        """See whether a contact is still there, which takes some time; nothing is said about it here."""
        await self._ping(contact.address, tries=TRIES, doubted=contact)

    async def _ask(self, contact: Contact, target: bytes) -> tuple[Contact, ...]:
        """Ask a contact for those that it knows close to a key; raises `TimeoutError`."""
        try:
            async with asyncio.timeout(ANSWER):
                if not self._is_proven(contact.peer_id, contact.address):
                    asked = await self._ping(contact.address)
                    if (await asyncio.shield(asked.answer)).peer_id != contact.peer_id:
                        raise TimeoutError(f"{contact.peer_id} is not at {contact.address}")
            return await self._neighbours(contact, target)
        except TimeoutError:
            if self.buckets.get(contact.peer_id) == contact:
                await self._doubt(contact)
            raise

    async def _neighbours(self, contact: Contact, target: bytes) -> tuple[Contact, ...]:
        question = _Question(contact, self._written(FindNode(self._token(), target)))
        known_by = packet_hash(question.datagram)
        self._questions[known_by] = question
        try:
            await self._send(question.datagram, contact.address)
            async with asyncio.timeout(ANSWER):
                await question.complete.wait()
        except TimeoutError:
            if not question.parts:
                raise
        finally:
            del self._questions[known_by]
        return tuple(question.contacts.values())

    # What comes

    async def _receive(self) -> None:
        while True:
            datagram, sender = await self._transport.receive()
            self.received += 1
            try:
                await self._take(datagram, sender)
            except MessageError:
                self.refused += 1

    async def _take(self, datagram: bytes, sender: Multiaddr) -> None:
        """Deal with a datagram; raises `MessageError` for one that is to have no effect."""
        if not is_place(sender):
            raise MessageError(f"{sender} cannot be answered")
        if not self._listens.take(source_of(sender), asyncio.get_running_loop().time()):
            raise MessageError(f"too much comes from {sender}")
        signed = read_packet(datagram, self._clock())
        if signed.sender == self._identity.peer_id:
            raise MessageError("this is an own datagram")
        match signed.packet:
            case Ping() as ping:
                await self._on_ping(signed, ping, sender)
            case Pong() as pong:
                await self._on_pong(signed, pong, sender)
            case FindNode():
                await self._on_find_node(signed, sender)
            case Neighbours() as answer:
                self._on_neighbours(signed, answer, sender)

    async def _on_ping(self, signed: Signed, ping: Ping, sender: Multiaddr) -> None:
        told = fitting(own for own in self._addresses() if is_of_use(own, sender))
        await self._send(self._written(Pong(signed.packet_hash, sender, told)), sender)
        if not self._is_proven(signed.sender, sender):
            await self._ping_back(sender)
            return
        contact = Contact(signed.sender, sender, dial_of(ping.addresses, sender))
        await self._meet(contact, is_news=self._proofs.change(contact))

    async def _on_pong(self, signed: Signed, pong: Pong, sender: Multiaddr) -> None:
        asked = self._pings.get(sender)
        if asked is None or packet_hash(asked.datagram) != pong.ping_hash:
            raise MessageError("nothing was asked that this answers")
        del self._pings[sender]
        contact = Contact(signed.sender, sender, dial_of(pong.addresses, sender))
        if asked.doubted is not None and asked.doubted.peer_id != signed.sender:  # another one has taken its address
            self.buckets.silent(asked.doubted)
        await self._meet(contact, is_news=self._proofs.add(contact, self._clock()))
        asked.answer.set_result(contact)
        if asked.question is not None and asked.question.sender == signed.sender:
            await self._tell(asked.question, sender)

    async def _on_find_node(self, signed: Signed, sender: Multiaddr) -> None:
        if self._is_proven(signed.sender, sender):
            await self._tell(signed, sender)
            return
        await self._ping_back(sender)
        if sender in self._pings:
            self._pings[sender].question = signed

    async def _tell(self, signed: Signed, sender: Multiaddr) -> None:
        """Answer a question for neighbours."""
        assert isinstance(signed.packet, FindNode)
        known = [
            contact
            for contact in self.buckets.closest(signed.packet.target)
            if contact.peer_id != signed.sender and is_of_use(contact.address, sender)
        ]
        for datagram in write_neighbours(self._identity, signed.packet_hash, known, self._clock()):
            await self._send(datagram, sender)

    def _on_neighbours(self, signed: Signed, answer: Neighbours, sender: Multiaddr) -> None:
        question = self._questions.get(answer.question_hash)
        if question is None or (question.contact.peer_id, question.contact.address) != (signed.sender, sender):
            raise MessageError("nothing was asked that this answers")
        question.parts += 1
        question.told += len(answer.contacts)
        for contact in answer.contacts:
            if len(question.contacts) == K:
                break
            known = self.buckets.get(contact.peer_id)
            if known is not None and known.address == contact.address:  # hearsay adds nothing to that
                question.contacts[contact.peer_id] = known
            elif (
                contact.peer_id != self._identity.peer_id
                and is_place(contact.address)
                and is_of_use(contact.address, sender)
            ):
                question.contacts[contact.peer_id] = contact._replace(dial=dial_of(contact.dial, sender))
        if question.told >= answer.total:
            question.complete.set()

    async def _ping_back(self, stranger: Multiaddr) -> None:
        """Ping who has not shown yet where it is, if that is not asked for too often."""
        now = asyncio.get_running_loop().time()
        if (
            stranger not in self._pings
            and self._pings_back_to_a_source.take(source_of(stranger), now)
            and self._pings_back.take(b"", now)
        ):
            await self._ping(stranger)

    async def _meet(self, contact: Contact, *, is_news: bool) -> None:
        """Take note of who is there, and has shown that."""
        doubted = self.buckets.add(contact)
        if doubted is not None:
            await self._doubt(doubted)
        self._met.set()
        if is_news:
            self._found(contact)

    def _is_proven(self, peer_id: PeerId, address: Multiaddr) -> bool:
        return self._proofs.has(peer_id, address, self._clock())

    def _token(self) -> bytes:
        return self._random.randbytes(TOKEN_SIZE)

    def _written(self, packet: Packet) -> bytes:
        return write_packet(self._identity, packet, self._clock())

    async def _send(self, datagram: bytes, to: Multiaddr) -> None:
        self.sent += 1
        await self._transport.send(datagram, to)
