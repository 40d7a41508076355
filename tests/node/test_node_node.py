"""Nodes keep the peers that they should, and no others, whatever others do."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path

import pytest
from channel_ends import ALICE, BOB
from living_nodes import Living, living, stranger
from waiting import run, until

from multiaddr_py import Multiaddr
from node import node as nodes
from node.book import Source
from node.channel import ChannelError
from node.identity import new_identity
from node.messages import (
    Addr,
    Bye,
    GetAddr,
    GetData,
    NotFound,
    read_message,
    to_frame,
)
from node.node import PACE
from node.peer import Left

NOBODY = Multiaddr("/ip4/127.0.0.1/tcp/1")
STREAM = (socket.AF_INET, socket.SOCK_STREAM, 0)


@pytest.mark.parametrize("kind", ["seeds", "static"])
def test_two_who_dial_each_other_at_the_same_time_have_one_connection(kind: str, tmp_path: Path) -> None:
    """It is the same one for both: what either of them says over it arrives."""

    async def work(number: int) -> None:
        async with AsyncExitStack() as stack:
            start = asyncio.Event()  # their ports are known before
            ends = [
                await stack.enter_async_context(
                    living(tmp_path / f"{name}{number}", identity=identity, random=number, start=start)
                )
                for name, identity in (("a", ALICE), ("b", BOB))
            ]
            a, b = ends
            source = Source.SEED if kind == "seeds" else Source.STATIC
            a.node.book.add(b.address, source)
            b.node.book.add(a.address, source)
            start.set()
            await until(lambda: a.talks_to(b) and b.talks_to(a))
            hashes = [end.node.exchange.put(b"of %d" % place) for place, end in enumerate(ends)]
            await until(lambda: all(end.node.store.has(digest) for end in ends for digest in hashes))
            [to_b], [to_a] = a.node.peers.values(), b.node.peers.values()
            assert to_b.is_dialled is not to_a.is_dialled
            for end in ends:
                assert len(end.told("peer")) - len(end.told("gone")) == 1
                reasons.update(end.reasons("gone") + end.reasons("refused"))

    reasons: set[str] = set()

    async def several() -> None:
        for number in range(5):
            await work(number)
        assert any("there is another connection" in reason for reason in reasons)  # they were fast enough

    run(several())


def has_lost(one: Living, count: int) -> bool:
    return len(one.told("gone")) == count


def test_who_is_lost_is_dialled_again(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "b") as b, living(tmp_path / "a", seeds=(b.address[:-1],)) as a:
            for count in range(1, 3):
                await until(lambda: a.talks_to(b) and b.talks_to(a))
                b.node.peers[a.node.peer_id].end("enough")
                await until(partial(has_lost, a, count))
            await until(lambda: a.talks_to(b))
            assert a.reasons("gone") == ["it said: enough"] * 2

    run(work())


def test_what_was_reached_is_dialled_after_a_restart(tmp_path: Path) -> None:
    async def work() -> None:
        identity = new_identity()
        async with living(tmp_path / "b") as b:
            async with living(tmp_path / "a", identity=identity, static=(b.address[:-1],)) as a:
                await until(lambda: a.talks_to(b))
            async with living(tmp_path / "a", identity=identity) as a:
                await until(lambda: a.talks_to(b))
            await until(lambda: b.told("gone"))

    run(work())


def test_a_static_peer_is_static_after_a_restart(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "b") as b:
            for _ in range(2):
                async with living(tmp_path / "a", static=(b.address,)) as a:
                    await until(lambda: a.talks_to(b))
                    assert [entry.source for entry in a.node.book] == [Source.STATIC]

    run(work())


# Places


def test_there_are_places_for_some_who_dial_and_the_others_hear_of_them(tmp_path: Path) -> None:
    """The third one is told of the second one in the `bye` of the first, and connects with it instead."""

    async def work() -> None:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            first = await enter(living(tmp_path / "first", most_peers=2))
            second = await enter(living(tmp_path / "second", seeds=(first.address,)))
            # A look shows that the second one is where it says; it is told from then on.
            await until(lambda: first.talks_to(second) and any(entry.is_reached for entry in first.node.book))
            third = await enter(living(tmp_path / "third", seeds=(first.address,)))
            await until(lambda: third.talks_to(second))
            assert "all places are taken" in first.reasons("refused")
            assert third.reasons("refused")[0] == "it said: all places are taken"
            await until(lambda: second.talks_to(first, third))

    run(work())


def test_no_more_are_dialled_than_there_are_places_for(tmp_path: Path) -> None:
    async def work() -> None:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            others = [await enter(living(tmp_path / f"{number}")) for number in range(4)]
            seeds = tuple(other.address for other in others)
            one = await enter(living(tmp_path / "one", seeds=seeds, most_peers=3))
            await until(lambda: len(one.node.peers) == 2)
            await until_looked_around(one)
            assert len(one.node.peers) == 2

    run(work())


def test_static_peers_need_no_place(tmp_path: Path) -> None:
    """Neither where they are dialled nor where they dial."""

    async def work() -> None:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            dialled = [await enter(living(tmp_path / f"dialled{number}")) for number in range(3)]
            dialler = new_identity()
            port = (await enter(living(tmp_path / "gone"))).address  # where nobody is after the next line
            static = (*(other.address for other in dialled), port[:-1] / f"/p2p/{dialler.peer_id}")
            one = await enter(living(tmp_path / "one", static=static, most_peers=2))
            async with stranger(one):  # has the only place of those who dial
                with pytest.raises(Left, match="all places are taken"):
                    async with stranger(one):
                        pass
                async with stranger(one, dialler):
                    await until(lambda: len(one.node.peers) == 5)

    run(work())


async def until_looked_around(one: Living) -> None:
    """Wait until a node has looked some times whom to dial."""
    begun = time.monotonic()
    await until(lambda: time.monotonic() > begun + 3 * PACE)


def test_a_node_dials_itself_once(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            a.node.book.add(a.address[:-1], Source.STATIC)
            [entry] = a.node.book
            await until(lambda: a.told("refused"))
            await until(lambda: time.monotonic() > entry.due > 0)
            await until_looked_around(a)
            assert a.reasons("refused")[0] == "that is this node itself"
            assert len(a.told("refused")) <= 2  # once at each end
            assert not a.told("peer")
            assert a.node.book.told(NOBODY / f"/p2p/{BOB.peer_id}", 9) == []

    run(work())


def test_who_is_expected_is_who_is_talked_to(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            wrong = a.address[:-1] / f"/p2p/{BOB.peer_id}"
            async with living(tmp_path / "b", static=(wrong,)) as b:
                await until(lambda: b.told("refused"))
                assert b.reasons("refused") == [f"this is {a.node.peer_id}, not {BOB.peer_id}"]
                assert not b.node.store.addresses()

    run(work())


# Addresses


def test_heard_addresses_are_looked_at_before_they_are_told(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "b") as b, living(tmp_path / "a", most_peers=1) as a:
            ghost = NOBODY / f"/p2p/{BOB.peer_id}"
            a.node.book.hear([ghost, b.address], NOBODY / f"/p2p/{ALICE.peer_id}")
            await until(lambda: any(entry.is_reached for entry in a.node.book))
            await until(lambda: any(entry.failures for entry in a.node.book if entry.address == ghost))
            assert a.node.book.told(NOBODY / f"/p2p/{ALICE.peer_id}", 9) == [b.address]
            assert a.node.store.addresses() == [b.address]

    run(work())


def test_a_peer_is_asked_for_addresses_and_believed_as_far_as_it_was_asked(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            async with stranger(a) as (channel, _):
                assert await read_message(channel) == GetAddr()
                for port in (1, 2):
                    channel.write(to_frame(Addr((Multiaddr(f"/ip4/127.0.0.1/tcp/{port}/p2p/{BOB.peer_id}"),))))
                assert await read_message(channel) == Bye("its addr was not asked for")
            assert [entry.address[1].value for entry in a.node.book] == ["1"]

    run(work())


def test_addresses_are_told_once_in_a_while(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a, living(tmp_path / "b", static=(a.address,)) as b:
            await until(lambda: b.talks_to(a))
            async with stranger(b) as (channel, _):
                assert await read_message(channel) == GetAddr()
                channel.write(to_frame(GetAddr()) * 3)
                assert [await read_message(channel) for _ in range(3)] == [Addr((a.address,)), Addr(()), Addr(())]

    run(work())


def test_addresses_that_are_of_use_are_said(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            a.node.addresses = (*a.node.addresses, Multiaddr("/ip4/10.0.0.1/tcp/1"))
            async with stranger(a) as (_, version):
                assert (version.addresses, version.height) == (a.node.addresses, 0)
                assert version.seen is not None
                assert "127.0.0.1" in str(version.seen)
            assert a.node.addresses_for(Multiaddr("/ip4/203.0.114.1/tcp/1")) == ()

    run(work())


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 20])
def test_a_node_can_end_at_any_moment(turns: int, tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "b") as b, living(tmp_path / "a", seeds=(b.address,)):
            for _ in range(turns):
                await asyncio.sleep(0)

    run(work())


# Items


def test_items_go_through_nodes_that_are_connected(tmp_path: Path) -> None:
    async def work() -> None:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            a = await enter(living(tmp_path / "a"))
            a.node.exchange.put(b"before")
            b = await enter(living(tmp_path / "b", static=(a.address,), most_peers=2))
            c = await enter(living(tmp_path / "c", static=(b.address,), most_peers=2))
            await until(lambda: c.node.store.height == 1)
            digest = c.node.exchange.put(bytes(65_536))
            await until(lambda: a.node.store.has(digest))
            assert [event.fields["size"] for event in a.told("item")] == [6, 65_536]

    run(work())


def test_messages_are_counted_also_of_those_who_have_gone(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            for count in (1, 2):
                async with stranger(a) as (channel, _):
                    channel.write(to_frame(GetAddr()))
                    assert [await read_message(channel) for _ in range(2)] == [GetAddr(), Addr(())]
                await until(lambda: not a.node.peers)
                assert a.node.traffic() == (3 * count, 2 * count)

    run(work())


def test_a_node_that_has_gone_is_no_peer(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a", alive=0.2) as a:
            async with stranger(a):
                await until(lambda: a.told("gone"))  # since it does not answer
                assert a.reasons("gone") == ["it was silent for 0.4 s"]
            with pytest.raises((ChannelError, OSError)):
                async with stranger(a._replace(address=NOBODY)):
                    pass

    run(work())


def test_a_store_that_ails_costs_a_conversation_and_not_the_node(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a, living(tmp_path / "b", static=(a.address,)) as b:
            await until(lambda: b.talks_to(a))
            [[damaged]] = [b.node.store.hashes(0, 1) for _ in [b.node.exchange.put(b"whole")]]
            await until(lambda: a.node.store.height == 1)
            with closing(sqlite3.connect(":memory:")) as broken:
                kept, b.node.store._database = b.node.store._database, broken  # it has no tables: each question fails
                async with stranger(b) as (channel, _):
                    assert await read_message(channel) == GetAddr()
                    channel.write(to_frame(GetData(damaged)))
                    assert await read_message(channel) == NotFound(damaged)
                a.node.exchange.put(b"more")
                await until(lambda: len(b.told("gone")) == 2)
                b.node.store._database = kept
            assert "no such table" in b.reasons("gone")[-1]
            await until(lambda: a.told("gone"))
            assert a.reasons("gone") == ["it said: this node can keep no more items"]

    run(work())


def test_a_name_reaches_as_far_as_what_it_stands_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node in a private network that knows another one by name is told the addresses that are in there."""
    monkeypatch.setattr(nodes, "CURIOSITY", 1.0)
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, port, *__, **___: [(*STREAM, "", ("127.0.0.1", port))])

    async def work() -> None:
        async with living(tmp_path / "a") as a:
            seed = Multiaddr(f"/dns4/alice.example.org{str(a.address)[len('/ip4/127.0.0.1') :]}")
            async with living(tmp_path / "b", seeds=(seed,)) as b, living(tmp_path / "c", seeds=(seed,)) as c:
                await until(lambda: a.talks_to(b, c) and b.talks_to(a, c) and c.talks_to(a, b))
                assert {str(event.fields["address"]) for event in b.told("peer")} >= {str(seed)}

    run(work())


def test_who_calls_at_a_unix_socket_is_told_and_believed_what_is_on_this_machine(tmp_path: Path) -> None:
    async def work() -> None:
        path = Multiaddr(f"/unix/{str(tmp_path / 's').replace('/', '%2F')}")
        there = Multiaddr("/ip4/127.0.0.1/tcp/9")
        async with living(tmp_path / "a", listen=path) as a, stranger(a, addresses=(there,)) as (_, version):
            assert version.addresses == (path,)
            await until(lambda: len(a.told("peer")) == 1)
            assert [entry.address[:-1] for entry in a.node.book] == [there]

    run(work())


def test_who_greets_and_leaves_is_dialled_more_and_more_rarely(tmp_path: Path) -> None:
    async def work() -> None:
        start = asyncio.Event()
        async with living(tmp_path / "a") as a, living(tmp_path / "b", seeds=(a.address,), start=start) as b:
            b.node.addresses = ()  # or it would be dialled itself
            start.set()
            [entry] = b.node.book
            for count in range(1, 4):
                await until(lambda: len(b.told("peer")) == count)  # noqa: B023 # at once
                b.node.peers[a.node.peer_id].end("so long")
                await until(lambda: entry.vain == count)  # noqa: B023
            assert entry.due > time.monotonic() + 1.0

    run(work())


def test_a_peer_that_connects_anew_is_gone_before_it_has_come(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a, stranger(a, BOB):
            await until(lambda: len(a.told("peer")) == 1)
            async with stranger(a, BOB):
                await until(lambda: len(a.told("peer")) == 2)
                names = [event.name for event in a.events if event.name in ("peer", "gone")]
                assert names == ["peer", "gone", "peer"]
                assert a.reasons("gone") == ["there is another connection"]

    run(work())


def test_what_is_given_stays_so_though_it_was_dialled_before(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            given = (a.address, a.address[:-1])
            async with living(tmp_path / "b", static=given[:1], seeds=given[1:]) as b:
                await until(lambda: b.talks_to(a))
            async with living(tmp_path / "b", static=given[:1], seeds=given[1:]) as b:
                await until(lambda: b.talks_to(a))
                await asyncio.sleep(1.0)
                assert [event.name for event in b.events] == ["peer"]
                assert [entry.source for entry in b.node.book] == [Source.STATIC, Source.SEED]

    run(work())


def test_a_seed_of_the_discovery_is_not_dialled(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a", seeds=(Multiaddr("/ip4/127.0.0.1/udp/9"),)) as a:
            assert list(a.node.book) == []

    run(work())


def test_a_name_that_nobody_has_is_said_to_be_unknown(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a", seeds=(Multiaddr("/dns4/nobody.invalid/tcp/9"),)) as a:
            await until(lambda: bool(a.told("refused")))
            assert "Unknown error" not in a.reasons("refused")[0]

    run(work())
