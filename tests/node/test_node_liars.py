"""Who lies to a node is dropped with a reason, and three honest nodes go on as if nobody had."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256

import pytest
from honest_nodes import ALIVE, Honest, honest_nodes, reason, refusal
from liar import Liar, listening, nobody_at
from node_program import fleet, stop_all

from multiaddr_py import Multiaddr
from node.door import AskStatus, ask
from node.fields import encode
from node.identity import Identity, new_identity
from node.messages import (
    Addr,
    Bye,
    GetAddr,
    GetData,
    Inv,
    Item,
    Message,
    NotFound,
    Ping,
    Pong,
    Version,
    to_frame,
)
from node.status import Status

HASH = sha256(b"nobody has this").digest()


@pytest.fixture(scope="module")
def honest() -> Iterator[Honest]:
    with honest_nodes() as nodes:
        yield nodes


@pytest.fixture(autouse=True)
def unharmed(honest: Honest) -> Iterator[None]:
    """After each lie the honest nodes exchange items as before, and have no more memory than before."""
    yield
    honest.check()


async def answer_with(liar: Liar, *messages: Message) -> None:
    """Offer an item, and answer the question for it with something else."""
    liar.say(Inv((HASH,), None))
    await liar.hear(GetData)
    liar.say(*messages)


def raw(payload: bytes) -> Callable[[Liar], Awaitable[None]]:
    async def send(liar: Liar) -> None:
        liar.channel.write(payload)

    return send


def says(*messages: Message) -> Callable[[Liar], Awaitable[None]]:
    async def send(liar: Liar) -> None:
        liar.say(*messages)

    return send


def frame(name: bytes, payload: bytes, size: int | None = None) -> bytes:
    return name.ljust(12, b"\0") + (len(payload) if size is None else size).to_bytes(4) + payload


async def forged(liar: Liar) -> None:
    liar.writer.write((100).to_bytes(2) + os.urandom(100))


async def unequal(liar: Liar) -> None:
    await answer_with(liar, Item(b"something else"))


async def offering(liar: Liar) -> None:
    """Tell the pages of a list that nobody has asked for."""
    for start in range(0, 10_000, 1_000):
        liar.say(Inv(tuple(sha256(n.to_bytes(4)).digest() for n in range(start, start + 1_000)), start + 1_000))


HELLO = Version(1, 0, (), None)
LIES: dict[str, tuple[Callable[[Liar], Awaitable[None]], str]] = {
    "garbage": (raw(os.urandom(5_000)), "there is no command"),
    "an endless payload": (
        raw(frame(b"item", b"", 0xFFFF_FFFF)),
        "a payload of 4294967295 bytes is too large for item",
    ),
    "a payload that is none": (raw(frame(b"ping", b"\xc1\xc1")), "this is no ping"),
    "a payload of arrays in arrays": (raw(frame(b"inv", b"\x91" * 30_000)), "this is no inv"),
    "an array that says it is large": (raw(frame(b"inv", b"\x92\xdd\xff\xff\xff\xff")), "this is no inv"),
    "an address that is none": (raw(frame(b"addr", encode(Addr(()))[:1] + b"\x91\xc4\x02\xff\xff")), "this is no addr"),
    "a frame of the channel that is none": (forged, "a frame is not the other end's"),
    "its version twice": (says(HELLO, HELLO), "it has said its version already"),
    "an item that nobody asked for": (says(Item(b"surprise")), "does not have the hash that was asked for"),
    "another content than its hash": (unequal, "does not have the hash that was asked for"),
    "that it does not have what nobody asked for": (says(NotFound(HASH)), "its notfound was not asked for"),
    "addresses that nobody asked for": (says(Addr(()), Addr(())), "its addr was not asked for"),
    "more than it is asked for": (offering, "it offers more than it is asked for"),
    "farewell": (says(Bye("\x1b[2J so long")), "it said: \x1b\\[2J so long"),
    "farewell again and again": (says(*[Bye("so long")] * 1_000), "it said: so long"),
}


@pytest.mark.parametrize("lie", LIES)
def test_who_says(honest: Honest, lie: str) -> None:
    """... what is no message, or a lie, is gone, and is told why; the one who lied is not talked to for a while."""
    tell, expected = LIES[lie]
    liar = Liar()
    past = len(honest.one.events)

    async def scenario() -> bool:
        async with liar.talking(honest.one.address):
            await tell(liar)
            return await liar.is_dropped()

    assert asyncio.run(scenario())
    assert re.search(expected, reason(honest.one, liar, past))


def test_who_has_lied_is_not_talked_to_again(honest: Honest) -> None:
    liar = Liar()

    async def scenario() -> None:
        async with liar.talking(honest.one.address):
            liar.say(Item(b"surprise"))
            assert await liar.is_dropped()
        async with liar.channelled(honest.one.address):
            liar.say(HELLO)
            bye = await liar.hear(Bye)
            assert isinstance(bye, Bye)
            assert bye.reason == "it has lied"

    past = len(honest.one.events)
    asyncio.run(scenario())
    refusal(honest.one, "it has lied", past)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param(Version(2, 0, (), None), "it speaks version 2 of the protocol, not 1", id="another protocol"),
        pytest.param(Ping(1), "a ping came before the version", id="a ping"),
        pytest.param(Item(b"?"), "a item came before the version", id="an item"),
    ],
)
def test_who_does_not_begin_with_a_version_of_this_protocol_is_refused(
    honest: Honest, first: Message, expected: str
) -> None:
    async def scenario() -> None:
        async with Liar().channelled(honest.one.address) as liar:
            liar.say(first)
            assert await liar.is_dropped()

    past = len(honest.one.events)
    asyncio.run(scenario())
    refusal(honest.one, expected, past)


@pytest.mark.parametrize(
    ("garbage", "expected"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", "a frame of 18245 bytes came", id="HTTP"),
        pytest.param(b"\x00\x00", "the other end's frame has no key", id="an empty frame"),
        pytest.param(b"\x00\x20" + bytes(32) + b"\x00\x60" + bytes(96), "no key that can be used", id="a key of zeros"),
        pytest.param(b"\x00\x20" + os.urandom(32) + b"\x00\x80" + bytes(128), "not the other end's", id="no cipher"),
        pytest.param(b"\xff\xff" + os.urandom(1 << 20), "a frame of 65535 bytes came", id="a megabyte"),
    ],
)
def test_who_speaks_another_protocol_is_refused(honest: Honest, garbage: bytes, expected: str) -> None:
    async def scenario() -> None:
        async with Liar().connected(honest.one.address) as liar:
            liar.writer.write(garbage)
            assert await liar.is_hung_up()

    past = len(honest.one.events)
    asyncio.run(scenario())
    refusal(honest.one, expected, past)


def test_nobody_can_be_somebody_else(honest: Honest) -> None:
    """Whoever claims another one's peer ID has not signed with its key, and that one's connection stays."""

    class Impostor(Identity):
        def __init__(self) -> None:
            own = new_identity()
            self._key = own._key
            self.peer_id = honest.all[1].peer_id

    async def scenario() -> None:
        async with Liar(Impostor()).channelled(honest.one.address) as liar:
            assert await liar.is_dropped()

    past = len(honest.one.events)
    asyncio.run(scenario())
    refusal(honest.one, f"{honest.all[1].peer_id} has not signed this", past)
    assert not honest.one.all("gone", past=past)


def test_addresses_that_are_lies_are_not_passed_on_and_are_forgotten(honest: Honest) -> None:
    """Of nobody, of somebody else, of the listener itself, of sockets that are none of a node's."""
    victim = honest.all[1]
    liar = Liar()
    own_id = liar.identity.peer_id
    someone = new_identity().peer_id
    at_victim, at_itself = victim.address[:-1], honest.one.address[:-1]
    nowhere = [nobody_at() for _ in range(4)]
    told = [address / f"/p2p/{someone}" for address in (at_victim, at_itself, *nowhere)]
    told += [Multiaddr(f"/ip4/0.0.0.0/tcp/1/p2p/{someone}"), Multiaddr(f"/ip4/255.255.255.255/tcp/1/p2p/{someone}")]
    told += [Multiaddr(f"/dns4/localhost/tcp/1/p2p/{someone}"), Multiaddr(f"/ip4/127.0.0.1/tcp/0/p2p/{someone}")]
    told += [Multiaddr(f"/unix/%2Fdev%2Fnull/p2p/{someone}"), Multiaddr("/ip4/127.0.0.1/tcp/9"), Multiaddr("/tcp/9")]

    async def heard() -> set[Multiaddr]:
        """Return what the node passes on to somebody who asks."""
        async with Liar().talking(honest.one.address) as asking:
            asking.say(GetAddr())
            addr = await asking.hear(Addr)
            assert isinstance(addr, Addr)
            return set(addr.addresses)

    async def lying() -> set[Multiaddr]:
        passed_on: set[Multiaddr] = set()
        status = await ask(honest.one.door, AskStatus(), Status)
        async with liar.talking(honest.one.address, at_victim, at_itself, nowhere[0]):
            await liar.hear(GetAddr)
            liar.say(Addr(tuple(told)))
            rows: set[Multiaddr] = set()
            seen: set[Multiaddr] = set()
            async with asyncio.timeout(120):
                while not seen or rows:
                    liar.say(Ping(0))  # to be alive
                    status = await ask(honest.one.door, AskStatus(), Status)
                    rows = {row.address for row in status.addresses if row.address.peer_id in (own_id, someone)}
                    seen |= rows
                    passed_on |= await heard()
                    await asyncio.sleep(0.3)
        assert {at_victim / f"/p2p/{own_id}", at_victim / f"/p2p/{someone}"} <= seen
        return passed_on

    past = len(honest.one.events)
    passed_on = asyncio.run(lying())
    assert victim.address in passed_on
    assert not {address for address in passed_on if address.peer_id in (own_id, someone)}
    refusal(honest.one, f"this is {victim.peer_id}, not ", past)


def test_whoever_is_dialled_and_lies_is_dropped_too(honest: Honest) -> None:
    async def dialled(*lies: Message) -> Liar:
        liar = Liar()
        async with listening(liar, *lies) as server, Liar().talking(honest.one.address) as accomplice:
            await accomplice.hear(GetAddr)
            accomplice.say(Addr((server.address / f"/p2p/{liar.identity.peer_id}",)))
            await asyncio.to_thread(
                honest.one.wait_for,
                "refused" if not isinstance(lies[0], Version) or lies[0].protocol != 1 else "gone",
                lambda event: str(liar.identity.peer_id) in event["address"],
            )
        return liar

    async def scenario() -> list[str]:
        liars = [
            await dialled(Version(7, 0, (), None)),
            await dialled(Item(b"?")),
            await dialled(Bye("no", ())),
            await dialled(HELLO, HELLO),
            await dialled(HELLO, Item(b"?")),
        ]
        return [str(liar.identity.peer_id) for liar in liars]

    peer_ids = asyncio.run(scenario())
    told = [
        next(e["reason"] for e in honest.one.events if p in e.get("address", "") and "reason" in e) for p in peer_ids
    ]
    expected = ["version 7", "a item came before", "it said: no", "its version already", "that was asked for"]
    assert all(part in words for part, words in zip(expected, told, strict=True)), told


def test_who_is_silent_where_something_was_to_come_is_dropped(honest: Honest) -> None:
    """All at the same time, since each takes as long as the nodes are patient."""
    past = len(honest.one.events)
    address = honest.one.address
    silent, keeping, greedy = Liar(), Liar(), Liar()
    item = honest.one.put(os.urandom(65_536))

    async def never_shakes_hands() -> None:
        async with Liar().connected(address) as liar:
            hung_up = asyncio.create_task(liar.is_hung_up())
            while not hung_up.done():
                liar.writer.write(b"\1")  # of a frame of 257 bytes, now and then one
                await asyncio.sleep(0.2)
            assert await hung_up

    async def says_half() -> None:
        async with silent.talking(address):
            silent.channel.write(to_frame(Ping(1))[:-1])
            assert await silent.is_dropped()

    async def never_gives() -> None:
        async with keeping.talking(address):
            keeping.say(Inv((HASH,), None))
            task = asyncio.create_task(keeping.is_dropped())
            while not task.done():
                keeping.say(Pong(0))
                await asyncio.sleep(0.2)
            assert await task

    async def never_reads() -> None:
        async with greedy.talking(address):
            greedy.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for _ in range(500):
                greedy.say(GetData(bytes.fromhex(item)))
            async with asyncio.timeout(60):
                await asyncio.to_thread(reason, honest.one, greedy, past)

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            for lie in (never_shakes_hands, says_half, never_gives, never_reads):
                group.create_task(lie())

    asyncio.run(scenario())
    refusal(honest.one, "no answer within 10 s", past)
    assert reason(honest.one, silent, past) == f"it was silent for {2 * ALIVE:g} s"
    assert reason(honest.one, keeping, past) == f"the item {HASH.hex()} has not come within 15 s"
    assert reason(honest.one, greedy, past) in (
        f"it was silent for {2 * ALIVE:g} s",
        "it does not read what it is sent",
    )


def test_a_second_connection_of_one_key_takes_the_place_of_the_first(honest: Honest) -> None:
    identity = new_identity()
    first, second = Liar(identity), Liar(identity)

    async def scenario() -> None:
        async with first.talking(honest.one.address), second.talking(honest.one.address):
            assert await first.is_dropped()
            second.say(Ping(7))
            assert await second.hear(Pong) == Pong(7)

    past = len(honest.one.events)
    asyncio.run(scenario())
    assert reason(honest.one, first, past) == "there is another connection"


def test_a_node_that_is_its_own_seed_does_not_talk_to_itself() -> None:
    with fleet() as here:
        node = here.node("self", is_strict=True)
        own = str(node.address[:-1])
        assert node.stop() == 0
        node.listen = [own]
        node.start("--seed", own)
        assert refusal(node, "that is this node itself", 0)["address"].startswith(own)
        assert not node.all("peer")
        assert node.stop() == 0


def test_two_nodes_that_have_one_key_do_not_talk_to_each_other(honest: Honest) -> None:
    with fleet() as here:
        one = here.node("one", is_strict=True).is_ready()
        (here.folder / "two").mkdir()
        (here.folder / "two" / "key").write_bytes((here.folder / "one" / "key").read_bytes())
        two = here.node("two", "--seed", str(one.address[:-1]), str(honest.one.address), is_strict=True)
        assert refusal(two, "that is this node itself", 0)
        two.wait_for("peer", lambda event: event["address"].endswith(str(honest.one.peer_id)))
        assert stop_all([one, two]) == [0, 0]
