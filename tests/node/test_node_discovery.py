"""Two nodes find each other over UDP; what is forged, repeated, late or somebody else's has no effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from time import time
from typing import NamedTuple, TypeVar

import pytest
from node_town import Post, Resident, Town, run_skipping, settle, unix_time

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py.net.asyncio import bind
from node.buckets import Contact, key_of
from node.datagrams import Datagrams, UdpSockets
from node.discovery import Discovery
from node.identity import Identity, new_identity
from node.packets import FindNode, Neighbours, Packet, Ping, Pong, Signed, packet_hash, read_packet, write_packet

P = TypeVar("P", bound=Packet)
PATIENCE = 60  # seconds, which nothing here takes but what has failed
TARGET = bytes(32)
HOSTS = ["/ip4/127.0.0.1/udp/0", "/ip6/::1/udp/0"]
TCP = Multiaddr("/ip4/127.0.0.1/tcp/4001")


class Node(NamedTuple):
    identity: Identity
    discovery: Discovery
    address: Multiaddr
    found: list[Contact]


@asynccontextmanager
async def node(*hosts: str) -> AsyncIterator[Node]:
    """Run a node with sockets of its own."""
    async with await UdpSockets.bound(*map(Multiaddr, hosts or HOSTS[:1])) as sockets:
        identity, found = new_identity(), list[Contact]()
        discovery = Discovery(
            identity,
            sockets,
            addresses=lambda: (TCP, *sockets.addresses()),
            clock=time,
            random=Random(),
            found=found.append,
        )
        async with running(discovery):
            yield Node(identity, discovery, sockets.addresses()[0], found)


@asynccontextmanager
async def running(discovery: Discovery) -> AsyncIterator[None]:
    task = asyncio.create_task(discovery.run())
    try:
        yield
    finally:
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])


class Speaker:
    """Who says what it likes, from an address of its own."""

    def __init__(self, transport: Datagrams, address: Multiaddr, clock: Callable[[], float] = time) -> None:
        self.identity = new_identity()
        self.transport = transport
        self.address = address
        self.clock = clock

    async def say(self, packet: Packet, to: Multiaddr, *, at: float | None = None) -> bytes:
        datagram = write_packet(self.identity, packet, self.clock() if at is None else at)
        await self.transport.send(datagram, to)
        return datagram

    async def hear(self, kind: type[P]) -> tuple[Signed, P]:
        """Return the next datagram, which is of a kind; nodes may ask what they like besides."""
        while True:
            signed = await self.hear_any()
            if isinstance(signed.packet, kind):
                return signed, signed.packet
            assert isinstance(signed.packet, Ping | FindNode)

    async def hear_any(self) -> Signed:
        """Return the next datagram."""
        async with asyncio.timeout(PATIENCE):
            datagram, _ = await self.transport.receive()
        return read_packet(datagram, self.clock())

    async def prove(self, to: Multiaddr) -> None:
        """Ping, and answer the ping that comes back."""
        ping = await self.say(Ping(bytes(8), (TCP,)), to)
        heard = dict[type[Packet], Signed]()
        while heard.keys() != {Ping, Pong}:  # in either order
            signed = await self.hear_any()
            heard[type(signed.packet)] = signed
        pong = heard[Pong].packet
        assert isinstance(pong, Pong)
        assert (pong.ping_hash, pong.seen) == (packet_hash(ping), self.address)
        await self.say(Pong(heard[Ping].packet_hash, to, (TCP,)), to)


@asynccontextmanager
async def speaker(host: str = HOSTS[0]) -> AsyncIterator[Speaker]:
    async with await UdpSockets.bound(Multiaddr(host)) as sockets:
        yield Speaker(sockets, sockets.addresses()[0])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@pytest.mark.parametrize("host", HOSTS)
def test_who_is_greeted_and_who_greets_know_each_other(host: str) -> None:
    async def check() -> None:
        async with node(host) as alice, node(host) as bob:
            alice.discovery.greet(bob.address)
            await until(lambda: alice.found and bob.found)
            assert list(alice.discovery.buckets) == alice.found == [Contact(bob.identity.peer_id, bob.address, (TCP,))]
            assert list(bob.discovery.buckets) == bob.found == [Contact(alice.identity.peer_id, alice.address, (TCP,))]
            found = await alice.discovery.look_up(TARGET)
            assert (found.contacts, found.rounds, found.asked) == (tuple(alice.found), 1, 1)

    run(check)


def test_a_name_is_looked_up_whatever_follows_its_port() -> None:
    async def check() -> None:
        async with node(*HOSTS) as alice, node() as bob:
            port = bob.address[-1].value
            for address in ("/dns/none.invalid/udp/1", "/ip4/127.0.0.1/tcp/1", "/p2p-circuit"):
                alice.discovery.greet(Multiaddr(address))
            alice.discovery.greet(Multiaddr(f"/dns4/localhost/udp/{port}/p2p/{bob.identity.peer_id}"))
            await until(lambda: alice.found and bob.found)

    run(check)


def test_sockets_of_two_families_are_one_transport() -> None:
    async def check() -> None:
        async with node(*HOSTS) as alice, node(HOSTS[0]) as bob, node(HOSTS[1]) as carol:
            for one in (bob, carol):
                alice.discovery.greet(one.address)
            await until(lambda: len(alice.found) == 2 and bob.found and carol.found)
        with pytest.raises(ConversionError, match="one socket of udp at most; use one of them"):
            await UdpSockets.bound(*map(Multiaddr, HOSTS[:1] * 2))
        with pytest.raises(ConversionError):
            await UdpSockets.bound(Multiaddr(HOSTS[0]), TCP)

    run(check)


def test_sockets_are_closed_also_by_who_cannot_wait() -> None:
    async def check() -> None:
        sock = await bind(HOSTS[0])
        sockets = UdpSockets(sock)
        receiving = asyncio.create_task(sockets.receive())
        await asyncio.sleep(0.01)
        closing = asyncio.create_task(sockets.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing, receiving])
        assert closing.cancelled()
        assert sock.socket.fileno() == -1

    run(check)


def test_what_cannot_be_sent_is_lost() -> None:
    async def check() -> None:
        async with await UdpSockets.bound(Multiaddr(HOSTS[0])) as sockets:
            for address in ("/ip6/::1/udp/1", "/ip4/255.255.255.255/udp/1", "/dns/localhost/udp/1"):
                await sockets.send(b"hello", Multiaddr(address))
            async with node() as other:
                await sockets.send(b"no datagram of ours", other.address)
                await until(lambda: other.discovery.refused)

    run(check)


def test_neighbours_are_told_only_to_who_has_shown_where_it_is() -> None:
    async def check() -> None:
        async with node() as alice, node() as bob, speaker() as mallory:
            alice.discovery.greet(bob.address)
            await until(lambda: alice.found)
            await mallory.say(FindNode(bytes(8), TARGET), alice.address)
            signed, _ = await mallory.hear(Ping)
            await mallory.say(FindNode(b"8 bytes.", TARGET), alice.address)
            question = await mallory.say(FindNode(bytes(8), TARGET), alice.address)  # the last one is answered
            await mallory.say(Ping(bytes(8), ()), alice.address)
            await mallory.hear(Pong)  # and nothing came before it
            await mallory.say(Pong(signed.packet_hash, alice.address, ()), alice.address)
            _, answer = await mallory.hear(Neighbours)
            assert (answer.question_hash, answer.total) == (packet_hash(question), 1)
            assert [contact.peer_id for contact in answer.contacts] == [bob.identity.peer_id]

    run(check)


def test_who_has_shown_where_it_is_is_not_asked_to_again_and_is_not_told_of_itself() -> None:
    async def check() -> None:
        async with node() as alice, speaker() as bob:
            await bob.prove(alice.address)
            for _ in range(3):
                await bob.say(FindNode(bytes(8), key_of(bob.identity.peer_id)), alice.address)
                _, answer = await bob.hear(Neighbours)
                assert (answer.total, answer.contacts) == (0, ())
            await until(lambda: alice.found)
            assert alice.found == [Contact(bob.identity.peer_id, bob.address, (TCP,))]

    run(check)


def test_a_pong_counts_only_from_where_the_ping_was_sent_to_and_only_once() -> None:
    async def check() -> None:
        async with node() as alice, speaker() as bob, speaker() as elsewhere:
            await bob.say(Ping(bytes(8), ()), alice.address)
            await bob.hear(Pong)
            signed, _ = await bob.hear(Ping)
            pong = write_packet(bob.identity, Pong(signed.packet_hash, alice.address, ()), time())
            refused = alice.discovery.refused
            await elsewhere.transport.send(pong, alice.address)
            await bob.say(Pong(bytes(32), alice.address, ()), alice.address)
            await until(lambda: alice.discovery.refused == refused + 2)
            assert not alice.found
            await bob.transport.send(pong, alice.address)
            await bob.transport.send(pong, alice.address)
            await until(lambda: alice.discovery.refused == refused + 3)
            assert len(alice.found) == 1

    run(check)


def test_a_proof_is_of_who_signs_it_whoever_was_expected() -> None:
    async def check() -> None:
        async with node() as alice, speaker() as mallory:
            alice.discovery.greet(mallory.address.encapsulate(f"/p2p/{new_identity().peer_id}"))
            signed, _ = await mallory.hear(Ping)
            await mallory.say(Pong(signed.packet_hash, alice.address, ()), alice.address)
            await until(lambda: alice.found)
            assert [contact.peer_id for contact in alice.found] == [mallory.identity.peer_id]

    run(check)


def test_what_has_expired_or_is_an_own_datagram_has_no_effect() -> None:
    async def check() -> None:
        async with node() as alice, speaker() as bob:
            await bob.say(Ping(bytes(8), ()), alice.address, at=time() - 60)
            await bob.say(Ping(bytes(8), ()), alice.address, at=time() + 600)
            own = write_packet(alice.identity, Ping(bytes(8), ()), time())
            await bob.transport.send(own, alice.address)
            await until(lambda: alice.discovery.refused == 3)
            assert (alice.discovery.sent, alice.discovery.received) == (0, 3)

    run(check)


def test_neighbours_that_nobody_asked_for_are_refused() -> None:
    async def check() -> None:
        async with node() as alice, speaker() as bob:
            await bob.prove(alice.address)
            contact = Contact(new_identity().peer_id, bob.address, ())
            await bob.say(Neighbours(bytes(32), 1, (contact,)), alice.address)
            await until(lambda: alice.discovery.refused)
            assert contact not in list(alice.discovery.buckets)

    run(check)


# On a clock that does not wait


def settled(town: Town, count: int) -> list[Resident]:
    return [settle(town, number, "random") for number in range(count)]


def test_hearsay_is_asked_before_it_is_believed_and_lies_lead_nowhere() -> None:
    async def check() -> None:
        town = Town()
        (alice,) = settled(town, 1)
        places = [Multiaddr(f"/ip4/127.0.0.1/udp/{port}") for port in (1, 2)]
        mallory, victim = (Speaker(Post(town, place), place, unix_time) for place in places)
        async with running(alice.discovery):
            await mallory.prove(alice.address)
            await until(lambda: alice.found)
            asking = asyncio.create_task(alice.discovery.look_up(TARGET))
            signed, question = await mallory.hear(FindNode)
            while question.target != TARGET:
                signed, question = await mallory.hear(FindNode)
            lies = [
                Contact(new_identity().peer_id, Multiaddr("/dns4/localhost/udp/1"), ()),
                Contact(new_identity().peer_id, Multiaddr("/ip4/127.0.0.1/tcp/1"), ()),
                Contact(new_identity().peer_id, Multiaddr("/ip4/224.0.0.1/udp/1"), ()),
                Contact(alice.identity.peer_id, victim.address, ()),
                Contact(victim.identity.peer_id, victim.address, ()),
            ]
            await mallory.say(Neighbours(signed.packet_hash, len(lies), tuple(lies)), alice.address)
            await victim.hear(Ping)  # which it does not answer
            found = await asking
            assert [contact.peer_id for contact in found.contacts] == [mallory.identity.peer_id]
            assert found.asked == 2
            assert len(alice.found) == 1

    run_skipping(check())


def test_a_silent_contact_is_forgotten_and_a_node_that_comes_back_elsewhere_is_found() -> None:
    async def check() -> None:
        town = Town()
        alice, bob = settled(town, 2)
        async with running(alice.discovery):
            async with running(bob.discovery):
                bob.discovery.greet(alice.address)
                await until(lambda: alice.found)
            again = Multiaddr("/ip4/10.0.0.9/udp/9")
            found = list[Contact]()
            back = Discovery(
                bob.identity,
                Post(town, again),
                addresses=tuple,
                clock=unix_time,
                random=Random(),
                found=found.append,
            )
            async with running(back):
                back.greet(alice.address)
                await until(lambda: [one.address for one in alice.discovery.buckets] == [again])
            await until(lambda: not alice.discovery.buckets)

    run_skipping(check())


def test_a_newcomer_has_the_place_of_a_silent_one_and_not_of_one_that_answers() -> None:
    async def check() -> None:
        town = Town()
        people = settled(town, 60)
        alice = people[0]
        far = [one for one in people[1:] if (key_of(one.identity.peer_id)[0] ^ alice.discovery.key[0]) & 0x80]
        assert len(far) > 17
        async with running(alice.discovery), asyncio.TaskGroup() as tasks:
            tasks_of = {}
            for one in far[:17]:
                tasks_of[one.identity.peer_id] = tasks.create_task(one.discovery.run())
                one.discovery.greet(alice.address)
                await asyncio.sleep(1)
            newcomer = far[16].identity.peer_id
            assert len(alice.discovery.buckets) == 16
            assert alice.discovery.buckets.get(newcomer) is None
            for one in far[:16]:
                tasks_of[one.identity.peer_id].cancel()
            await until(lambda: alice.discovery.buckets.get(newcomer) is not None)
            tasks_of[newcomer].cancel()

    run_skipping(check())


def test_a_source_that_sends_too_much_is_not_listened_to_and_others_are() -> None:
    async def check() -> None:
        town = Town()
        alice, bob = settled(town, 2)
        async with running(alice.discovery), running(bob.discovery):
            flood = Post(town, Multiaddr("/ip4/10.0.0.9/udp/9"))
            for _ in range(1000):
                await flood.send(bytes(200), alice.address)
            bob.discovery.greet(alice.address)
            await until(lambda: alice.found and bob.found)
            assert alice.discovery.refused == 1000

    run_skipping(check())


def test_forged_sources_have_few_pings_sent_to_others() -> None:
    async def check() -> None:
        town = Town()
        (alice,) = settled(town, 1)
        forger = new_identity()
        async with running(alice.discovery):
            for number in range(1000):
                place = Post(town, Multiaddr(f"/ip4/8.8.{number % 250}.{number // 250}/udp/53"))
                await place.send(write_packet(forger, Ping(bytes(8), ()), unix_time()), alice.address)
            await until(lambda: alice.discovery.received == 1000)
            assert 1000 < alice.discovery.sent < 1000 + 128 + 64

    run_skipping(check())


def test_no_number_of_strangers_has_a_seed_forgotten() -> None:
    async def check() -> None:
        town = Town()
        alice, bob = settled(town, 2)
        alone = Discovery(
            alice.identity,
            Post(town, alice.address),
            addresses=tuple,
            clock=unix_time,
            random=Random(),
            found=alice.found.append,
            seeds=(bob.address / f"/p2p/{bob.identity.peer_id}",),
        )
        async with running(alone):
            for number in range(200):
                alone.greet(Multiaddr(f"/ip4/10.9.9.{number}/udp/9"))
                await asyncio.sleep(0.5)
            async with running(bob.discovery):
                await until(lambda: alice.found and bob.found)
            await until(lambda: not alone.buckets)
            async with running(bob.discovery):
                await until(lambda: alone.buckets)

    run_skipping(check())


def test_as_long_as_nobody_is_known_the_entries_are_greeted_again() -> None:
    async def check() -> None:
        town = Town()
        alice, bob = settled(town, 2)
        async with running(alice.discovery):
            alice.discovery.greet(bob.address)
            await asyncio.sleep(60)
            async with running(bob.discovery):
                await until(lambda: alice.found and bob.found)

    run_skipping(check())
