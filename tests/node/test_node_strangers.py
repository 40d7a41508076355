"""Strangers who do not behave are let go, and others do not notice them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from living_nodes import living, stranger
from waiting import run, until

from multiaddr_py.net.asyncio import open_connection
from node import node as nodes
from node.channel import secure_outbound
from node.gate import MOST_OF_HOST
from node.identity import new_identity
from node.messages import (
    PROTOCOL,
    Bye,
    GetAddr,
    Item,
    Message,
    Version,
    read_message,
    to_frame,
)
from node.peer import Left


def lies() -> dict[str, Message]:
    version = Version(PROTOCOL, 0, (), None)
    return {"an item that nobody wants": Item(b"buy"), "the version again": version}


@pytest.mark.parametrize("lie", lies().values(), ids=lies())
def test_who_lies_is_not_talked_to_for_a_while(lie: Message, tmp_path: Path) -> None:
    async def work() -> None:
        liar = new_identity()
        async with living(tmp_path / "a") as a:
            async with stranger(a, liar) as (channel, _):
                channel.write(to_frame(lie))
                await until(lambda: a.told("gone"))
            with pytest.raises(Left, match="it has lied"):
                async with stranger(a, liar):
                    pass
            async with stranger(a):
                pass
            assert a.node.store.height == 0

    run(work())


FIRST_WORDS = {
    "nothing": b"",
    "HTTP": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303"),
    "the longest frame": b"\xff\xff" + bytes(65_535),
    "empty frames": bytes(200),
}


@pytest.mark.parametrize("words", FIRST_WORDS.values(), ids=FIRST_WORDS)
def test_strangers_with_other_protocols_are_refused(
    words: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "PATIENCE", 0.3)

    async def work() -> None:
        async with living(tmp_path / "a") as a:
            reader, writer = await open_connection(a.address[:-1])
            writer.write(words)
            await until(lambda: a.told("refused"))
            with suppress(ConnectionError):  # as what is aborted ends
                assert len(await reader.read()) < 1_000
            writer.close()
            assert not a.node.peers

    run(work())


def test_a_flood_of_one_host_has_no_more_handshakes_than_it_may(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            flood = [await open_connection(a.address[:-1]) for _ in range(MOST_OF_HOST + 2)]
            await until(lambda: len(a.told("refused")) == 2)
            assert {*a.reasons("refused")} == {f"{MOST_OF_HOST} connections of one host are in their handshakes"}
            for _, writer in flood:
                writer.transport.abort()
            async with stranger(a):
                await until(lambda: len(a.node.peers) == 1)

    run(work())


def test_the_second_connection_of_one_dialler_takes_the_place_of_the_first(tmp_path: Path) -> None:
    async def work() -> None:
        identity = new_identity()
        async with living(tmp_path / "a", most_peers=2) as a, stranger(a, identity) as (first, _):
            await until(lambda: a.node.peers)
            async with stranger(a, identity) as (second, _):
                await until(lambda: a.told("gone"))
                assert a.reasons("gone") == ["there is another connection"]
                assert len(a.node.peers) == 1
                assert await read_message(second) == GetAddr()
                assert await read_message(first) == GetAddr()
                assert await read_message(first) == Bye("there is another connection")

    run(work())


def test_who_hangs_up_after_its_version_leaves_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            for _ in range(5):
                reader, writer = await open_connection(a.address[:-1])
                channel = await secure_outbound(reader, writer, new_identity(), a.node.peer_id)
                channel.write(to_frame(Version(PROTOCOL, 5, (), None)))
                channel.abort()
            async with stranger(a):
                await until(lambda: len(a.node.peers) == 1)
            await until(lambda: not a.node.peers)
            assert len(a.told("peer")) == len(a.told("gone"))

    run(work())


def test_who_comes_when_the_node_ends_is_let_go(tmp_path: Path) -> None:
    async def work() -> None:
        async with living(tmp_path / "a") as a:
            connections = [await open_connection(a.address[:-1]) for _ in range(5)]
        for reader, writer in connections:
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()

    run(work())
