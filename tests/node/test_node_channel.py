"""What is read from a channel was written at its other end, in that order, and all else ends it."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from pathlib import Path

import pytest
from channel_ends import ALICE, BOB, both, by_hand, channel_pair, connection, has_ended, run
from hypothesis import given, settings
from hypothesis import strategies as st

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import open_connection, start_server
from node import channel as channels
from node.channel import LARGEST_CONTENT, Channel, ChannelError, secure_inbound, secure_outbound

FEW = settings(max_examples=max(settings().max_examples // 3, 1))


# What is written is read


@FEW
@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 400), max_size=12))
def test_what_is_written_in_any_pieces_is_read_in_any_others(pieces: list[bytes], sizes: list[int]) -> None:
    async def talk() -> None:
        async with channel_pair() as (a, b):
            for piece in pieces:
                a.write(piece)
            await a.close()
            content, found = b"".join(pieces), b""
            for size in sizes:
                if size <= len(content) - len(found):
                    found += await b.read(size)
            found += await b.read(len(content) - len(found))
            assert found == content
            with pytest.raises(ChannelError, match="has ended"):
                await b.read(1)

    run(talk())


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_million_bytes_go_in_both_directions_at_once(kind: str, tmp_path: Path) -> None:
    address = "/ip4/127.0.0.1/tcp/0" if kind == "tcp" else str(Multiaddr(f"/unix{tmp_path}/s"))
    sizes = [1, LARGEST_CONTENT - 1, LARGEST_CONTENT, LARGEST_CONTENT + 1, 1_000_000]

    async def swap(channel: Channel, letter: bytes, other: bytes) -> None:
        async def say() -> None:
            for size in sizes:
                channel.write(letter * size)
                await channel.drain()

        async def hear() -> None:
            for size in sizes:
                assert await channel.read(size) == other * size

        await asyncio.gather(say(), hear())
        await channel.close()

    async def talk() -> None:
        served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def serve(reader: StreamReader, writer: StreamWriter) -> None:
            channel = await secure_inbound(reader, writer, BOB)
            assert channel.peer_id == ALICE.peer_id
            await swap(channel, b"b", b"a")
            served.set_result(None)

        async with await start_server(serve, address) as server:
            channel = await secure_outbound(*await open_connection(server.address), ALICE, BOB.peer_id)
            assert channel.peer_id == BOB.peer_id
            await swap(channel, b"a", b"b")
            await served

    run(talk())


def test_a_read_that_is_given_up_within_a_frame_loses_nothing() -> None:
    async def talk() -> None:
        async with by_hand() as (channel, hand, sending, _):
            frame = sending.encrypt(b"hello")
            whole = len(frame).to_bytes(2) + frame
            for place in range(len(whole)):
                reading = asyncio.create_task(channel.read(5))
                await asyncio.sleep(0)
                hand.writer.write(whole[place : place + 1])
                await asyncio.sleep(0.001)  # it arrives; and where it does not, the test only sees less
                if place == len(whole) - 1:
                    assert await reading == b"hello"
                reading.cancel()
                await asyncio.wait([reading])

    run(talk())


# What goes wrong later

FRAMES: list[tuple[str, Callable[[list[bytes]], list[bytes]], bytes]] = [
    ("none", lambda frames: frames, b"onetwothree"),
    ("replayed", lambda frames: [frames[0], *frames], b"one"),
    ("reordered", lambda frames: [frames[0], frames[2], frames[1]], b"one"),
    ("dropped", lambda frames: [frames[0], frames[2]], b"one"),
    ("added", lambda frames: [frames[0], bytes(40), *frames[1:]], b"one"),
    ("empty", lambda frames: [frames[0], b"", *frames[1:]], b"one"),
    ("too short", lambda frames: [frames[0], bytes(15), *frames[1:]], b"one"),
    ("short", lambda frames: [frames[0], frames[1][:-1], frames[2]], b"one"),
    ("long", lambda frames: [frames[0], frames[1] + b"\0", frames[2]], b"one"),
    ("large", lambda frames: [frames[0], bytes(0xFFFF), *frames[1:]], b"one"),
    ("flipped", lambda frames: [frames[0], bytes([frames[1][0] ^ 1]) + frames[1][1:], frames[2]], b"one"),
    ("tag flipped", lambda frames: [frames[0], frames[1][:-1] + bytes([frames[1][-1] ^ 0x80]), frames[2]], b"one"),
]


@pytest.mark.parametrize(("change", "whole"), [row[1:] for row in FRAMES], ids=[row[0] for row in FRAMES])
def test_frames_that_are_not_those_that_were_sent_end_the_channel(
    change: Callable[[list[bytes]], list[bytes]], whole: bytes
) -> None:
    async def talk() -> None:
        async with by_hand() as (channel, hand, sending, _):
            for frame in change([sending.encrypt(content) for content in (b"one", b"two", b"three")]):
                hand.send(frame)
            assert await channel.read(len(whole)) == whole
            if len(whole) == 3:
                for _ in range(3):  # what follows may be right: nobody gets to see it
                    with pytest.raises(ChannelError, match="not the other end's"):
                        await channel.read(1)
                assert await has_ended(hand.reader)

    run(talk())


def test_an_empty_frame_ends_the_channel() -> None:
    async def talk() -> None:
        async with by_hand() as (channel, hand, sending, _):
            for content in (b"one", b"", b"two"):
                hand.send(sending.encrypt(content))
            assert await channel.read(3) == b"one"
            for _ in range(2):  # what follows is right: nobody gets to see it
                with pytest.raises(ChannelError, match="empty"):
                    await channel.read(1)
            assert await has_ended(hand.reader)

    run(talk())


def test_others_have_their_turn_at_each_frame_that_has_come_already() -> None:
    async def talk() -> None:
        async with by_hand() as (channel, hand, sending, _):
            for _ in range(1_000):
                hand.send(sending.encrypt(b"x"))
            await hand.writer.drain()
            reading = asyncio.create_task(channel.read(1_000))
            turns = 0
            while not reading.done():
                turns += 1
                await asyncio.sleep(0)
            assert await reading == b"x" * 1_000
            assert turns >= 1_000

    run(talk())


def test_what_one_end_has_said_is_not_taken_back_from_the_other() -> None:
    async def talk() -> None:
        async with by_hand() as (channel, hand, _, _receiving):
            channel.write(b"hello")
            hand.send(await hand.receive())
            with pytest.raises(ChannelError, match="not the other end's"):
                await channel.read(5)

    run(talk())


def test_a_connection_that_is_cut_gives_what_came_and_then_an_error() -> None:
    async def talk() -> None:
        async with by_hand() as (channel, hand, sending, _):
            hand.send(sending.encrypt(b"one"))
            hand.writer.write((40).to_bytes(2) + bytes(39))
            hand.writer.close()
            with pytest.raises(ChannelError, match="has ended"):
                await channel.read(4)
            assert await channel.read(3) == b"one"
            with pytest.raises(ChannelError, match="has ended"):
                await channel.read(1)

    run(talk())


@pytest.mark.parametrize("direction", ["cipher_state_encrypt", "cipher_state_decrypt"])
def test_a_key_is_not_used_more_often_than_it_may_be(direction: str) -> None:
    async def talk() -> None:
        async with channel_pair() as (a, b):
            # Nobody lives to see it: this is as if 2**64 - 1 frames had been sent.
            getattr(a._noise._noise.noise_protocol, direction).n = 2**64 - 1
            b.write(b"x")
            if direction == "cipher_state_encrypt":
                with pytest.raises(ChannelError, match="all has been said"):
                    a.write(b"x")
            else:
                with pytest.raises(ChannelError, match="all has been said"):
                    await a.read(1)

    run(talk())


# The end


def test_closing_sends_what_is_unsent_to_who_reads_it() -> None:
    async def talk() -> None:
        async with channel_pair() as (a, b):
            a.write(bytes(3_000_000))
            assert 0 < a.unsent() < 3_100_000
            content, _, _ = await asyncio.gather(b.read(3_000_000), a.close(), a.close())
            assert content == bytes(3_000_000)
            assert a.unsent() == 0
            await a.close()
            with pytest.raises(ChannelError, match="has ended"):
                await a.read(1)
            a.write(b"nobody hears this")
            with pytest.raises(ChannelError, match="has ended"):
                await a.drain()

    run(talk())


def test_closing_does_not_wait_for_who_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "PATIENCE", 0.05)

    async def talk() -> None:
        async with channel_pair() as (a, _):
            a.write(bytes(3_000_000))
            await a.close()
            await a.close()
            assert a.unsent() == 0

    run(talk())


def test_closing_that_is_given_up_ends_the_connection_all_the_same() -> None:
    async def talk() -> None:
        async with connection() as (a, b):
            mine, _ = await both(secure_outbound(*a, ALICE, BOB.peer_id), secure_inbound(*b, BOB))
            mine.write(bytes(3_000_000))
            closing = asyncio.create_task(mine.close())
            await asyncio.sleep(0)
            closing.cancel()
            await asyncio.wait([closing])
            assert closing.cancelled()
            assert await has_ended(b[0])

    run(talk())


def test_aborting_ends_the_connection_for_both() -> None:
    async def talk() -> None:
        async with channel_pair() as (a, b):
            waiting = [asyncio.create_task(channel.read(1)) for channel in (a, b)]
            await asyncio.sleep(0)
            a.abort()
            for error in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(error, ChannelError)
            with pytest.raises(ChannelError):
                await a.drain()
            await b.close()

    run(talk())


def test_waiting_for_who_reads_nothing_ends_with_the_connection() -> None:
    async def talk() -> None:
        async with channel_pair() as (a, b):
            a.write(bytes(3_000_000))
            waiting = asyncio.create_task(a.drain())
            await asyncio.sleep(0)
            assert not waiting.done()
            b.abort()
            with pytest.raises(ChannelError, match="has ended"):
                await waiting

    run(talk())


def test_what_was_said_last_arrives_though_the_other_end_goes_on_talking() -> None:
    """Who closes a connection while something comes has the system reset it, and what was sent last is gone."""

    async def work() -> None:
        async with channel_pair() as (alice, bob):
            bob.write(bytes(100_000))
            alice.write(b"so long")
            parting = asyncio.create_task(alice.part())
            await asyncio.sleep(0.01)
            bob.write(b"wait!")
            assert await bob.read(7) == b"so long"
            with pytest.raises(ChannelError):
                await bob.read(1)
            await bob.close()
            await parting
            alice.write(b"nobody hears this")

    run(work())


def test_who_does_not_part_is_not_waited_for() -> None:
    async def work() -> None:
        async with channel_pair() as (alice, bob):
            await alice.part()
            bob.write(b"still here")

    run(work())
