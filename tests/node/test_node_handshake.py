"""A handshake that anybody interferes with, or that is none, fails, and costs no more than its connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias

import pytest
from channel_ends import ALICE, BOB, connection, has_ended, outcome, run
from hypothesis import given, settings
from hypothesis import strategies as st
from noise_by_hand import PATTERN, ByHand, payload

from multiaddr_py.net.asyncio import open_connection, start_server
from node.channel import LARGEST_OF_HANDSHAKE, Channel, ChannelError, secure_inbound, secure_outbound

Change: TypeAlias = Callable[[bytes], bytes]

FEW = settings(max_examples=max(settings().max_examples // 3, 1))

# Every point of Curve25519 with which each secret is zero, as https://cr.yp.to/ecdh.html has them.
LOW_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    b"\xec" + b"\xff" * 30 + b"\x7f",
    b"\xed" + b"\xff" * 30 + b"\x7f",
    b"\xee" + b"\xff" * 30 + b"\x7f",
]


# What goes wrong on the way


async def shake_through(number: int, change: Change) -> None:
    """Have a handshake fail by a change to one of its messages, with its size, after which nothing follows."""
    async with connection() as (a, a_end), connection() as (b, b_end):
        ends = [secure_outbound(*a, ALICE, BOB.peer_id), secure_inbound(*b, BOB)]
        shaking = asyncio.gather(*map(outcome, ends))
        way = [a_end, b_end]
        for place in range(len(PATTERN)):
            (reader, _), (_, writer) = way[place % 2], way[1 - place % 2]
            try:
                size = await reader.readexactly(2)
                message = size + await reader.readexactly(int.from_bytes(size))
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            writer.write(change(message) if place == number else message)
            if place == number:
                writer.write_eof()
        for _, writer in way:
            writer.close()
        mine, other = await shaking
        assert isinstance(other, ChannelError), number
        if number < 2:
            assert isinstance(mine, ChannelError), number
        else:  # the dialler is done, and hears of it when it reads
            assert isinstance(mine, Channel)
            with pytest.raises(ChannelError):
                await mine.read(1)


SIZES = [32, 32 + 48 + 104 + 16, 48 + 104 + 16]
"""Of the messages, without their sizes."""


@pytest.mark.parametrize("number", range(3))
def test_a_flipped_bit_in_a_message_of_the_handshake_ends_it(number: int) -> None:
    def flipped(message: bytes, bit: int) -> bytes:
        assert len(message) == 2 + SIZES[number]
        return (int.from_bytes(message) ^ 1 << bit).to_bytes(len(message))

    async def shake() -> None:
        for place in range(2 + SIZES[number]):
            await shake_through(number, partial(flipped, bit=8 * place + place % 8))

    run(shake())


@pytest.mark.parametrize("number", range(3))
def test_a_message_of_the_handshake_that_is_cut_ends_it(number: int) -> None:
    def shortened(message: bytes, size: int) -> bytes:
        return size.to_bytes(2) + message[2 : 2 + size]

    def cut(message: bytes, size: int) -> bytes:
        return message[:size]

    async def shake() -> None:
        for size in range(SIZES[number]):
            await shake_through(number, partial(shortened, size=size))
        for size in [1, *range(0, 2 + SIZES[number], 7)]:
            await shake_through(number, partial(cut, size=size))

    run(shake())


@FEW
@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_no_other_message_is_one_of_the_handshake(message: bytes, outbound: bool, framed: bool) -> None:
    async def shake() -> None:
        async with connection() as ((reader, writer), b):
            writer.write(len(message).to_bytes(2) + message if framed else message)
            writer.write_eof()
            found = await outcome(secure_outbound(*b, BOB, None) if outbound else secure_inbound(*b, BOB))
            assert isinstance(found, ChannelError)
            assert await has_ended(reader)

    run(shake())


@pytest.mark.parametrize("outbound", [True, False])
@pytest.mark.parametrize("begins", [b"\xff\xff", (LARGEST_OF_HANDSHAKE + 1).to_bytes(2), b"GET / HTTP/1.1\r\n\r\n"])
def test_a_large_message_is_refused_before_it_has_come(begins: bytes, outbound: bool) -> None:
    async def shake() -> None:
        async with connection() as ((reader, writer), b):
            writer.write(begins)  # and no more
            found = await outcome(secure_outbound(*b, BOB, None) if outbound else secure_inbound(*b, BOB))
            assert isinstance(found, ChannelError)
            assert f"where {LARGEST_OF_HANDSHAKE} are the most" in str(found)
            assert await has_ended(reader)

    run(shake())


@pytest.mark.parametrize("outbound", [True, False])
def test_who_sends_without_end_is_not_listened_to(outbound: bool) -> None:
    async def shake() -> None:
        async with connection() as ((_, writer), b):

            async def flood() -> None:
                with suppress(ConnectionError):
                    while True:
                        writer.write(bytes([16, 0]) + bytes(1 << 16))
                        await writer.drain()

            flooding = asyncio.create_task(flood())
            found = await outcome(secure_outbound(*b, BOB, None) if outbound else secure_inbound(*b, BOB))
            assert isinstance(found, ChannelError)
            await flooding

    run(shake())


@pytest.mark.parametrize("outbound", [True, False])
@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_handshake_that_is_given_up_ends_its_connection(how: str, outbound: bool) -> None:
    async def shake() -> None:
        async with connection() as ((reader, _), b):
            shaking = asyncio.create_task(
                secure_outbound(*b, BOB, None) if outbound else secure_inbound(*b, BOB),
            )
            if how == "timeout":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await shaking
            else:
                await asyncio.sleep(0)
                shaking.cancel()
                await asyncio.wait([shaking])
            assert shaking.cancelled()
            assert await has_ended(reader)

    run(shake())


@pytest.mark.parametrize("point", LOW_ORDER, ids=bytes.hex)
@pytest.mark.parametrize("token", ["e", "s"])
@pytest.mark.parametrize("outbound", [True, False])
def test_a_key_with_which_every_secret_is_known_is_refused(point: bytes, token: str, outbound: bool) -> None:
    class Low(X25519Like):
        """A key whose public half is that point."""

        def public_bytes_raw(self) -> bytes:
            return point

    async def shake() -> None:
        async with connection() as (a, b):
            hand = ByHand(initiator=not outbound, connection=a)
            hand.keys[token] = Low()  # type: ignore[assignment]  # what is asked of it is there
            bob = asyncio.create_task(
                outcome(secure_outbound(*b, BOB, None) if outbound else secure_inbound(*b, BOB)),
            )
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await hand.shake(payload(ALICE, point))
            found = await bob
            assert isinstance(found, ChannelError)
            assert "no key that can be used" in str(found)

    run(shake())


class X25519Like:
    """A key that is none; its secrets are zeros, as those of the other end would be."""

    def public_key(self) -> X25519Like:
        return self

    def exchange(self, other: object) -> bytes:
        return bytes(32)


def test_a_connection_that_is_reset_is_one_that_has_ended() -> None:
    async def shake() -> None:
        def reset(reader: StreamReader, writer: StreamWriter) -> None:
            linger = struct.pack("ii", 1, 0)  # for no time: what is unread and unsent is gone at once
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

        async with await start_server(reset, "/ip4/127.0.0.1/tcp/0") as server:
            reader, writer = await open_connection(server.address)
            found = await outcome(secure_inbound(reader, writer, BOB))
            assert isinstance(found, ChannelError)
            assert isinstance(found.__cause__, ConnectionResetError)

    run(shake())
