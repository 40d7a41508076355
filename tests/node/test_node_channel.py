"""A channel has the peer at its other end that has the key of its peer ID, and what is read there was written here."""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noise_by_hand import PATTERN, ByHand, Cipher, field, payload, public_key, varint

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import open_connection, start_server
from node import channel as channels
from node.channel import LARGEST_CONTENT, LARGEST_OF_HANDSHAKE, Channel, ChannelError, secure_inbound, secure_outbound
from node.identity import Identity, IdentityError, new_identity

Connection: TypeAlias = tuple[StreamReader, StreamWriter]
Change: TypeAlias = Callable[[bytes], bytes]

FEW = settings(max_examples=max(settings().max_examples // 3, 1))
PATIENCE = 60.0  # seconds, of a test that hangs
ALICE, BOB, MALLORY = new_identity(), new_identity(), new_identity()

# Of go-libp2p-noise and its successors: keys, payloads and messages of the handshake, then of either direction.
STATIC = (bytes(range(0x20)), bytes(range(0x01, 0x21)))
EPHEMERAL = (bytes(range(0x20, 0x40)), bytes(range(0x41, 0x61)))
VECTOR = [
    (b"test_msg_0", "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254746573745f6d73675f30"),
    (
        b"test_msg_1",
        (
            "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484663414af878d3e46a2f58911a816d6e834"
            "6d4ea17a6f2a0bb4ef4ed56c133cff4572e7a2ba5123ac30618b3d205f5c2d17f50cbca216483ac56bcc78e33bf52030"
            "3278db641e5e731b2e3a"
        ),
    ),
    (
        b"test_msg_2",
        (
            "87f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d9f27e318e43ba630594c4d08eeb3b36d9"
            "7c7377a2f4f9144b2f0c8095ad92140505b2ab53eff244b14138"
        ),
    ),
]
THERE = (b"yellowsubmarine", "a52ef02ba60e12696d1d6b9ef4245c88fca757b6134ad6e76b56e310a6adf6")
BACK = (b"submarineyellow", "2445aa438ebd649281c636cc7269ca82f1d9023d72520943aeabf909cdf521")

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


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test, which leaves no task behind but those that end by themselves."""

    async def within_patience() -> None:
        async with asyncio.timeout(PATIENCE):
            await work
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)

    asyncio.run(within_patience(), debug=False)  # which takes half of the time


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[Connection, Connection]]:
    """Have the two ends of a connection, which are ended at the end."""
    ends = [await asyncio.open_connection(sock=sock) for sock in socket.socketpair()]
    try:
        yield ends[0], ends[1]
    finally:
        for _, writer in ends:
            if not writer.is_closing():
                writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for _, writer in ends), return_exceptions=True)


@asynccontextmanager
async def channel_pair() -> AsyncIterator[tuple[Channel, Channel]]:
    """Have the two ends of a channel."""
    async with connection() as (a, b):
        yield await both(secure_outbound(*a, ALICE, BOB.peer_id), secure_inbound(*b, BOB))


@asynccontextmanager
async def by_hand(*, initiator: bool = True) -> AsyncIterator[tuple[Channel, ByHand, Cipher, Cipher]]:
    """Have a channel of Bob's, and its other end, which Alice does by hand."""
    async with connection() as (a, b):
        hand = ByHand(initiator=initiator, connection=a)
        bob = secure_inbound(*b, BOB) if initiator else secure_outbound(*b, BOB, ALICE.peer_id)
        channel, _ = await asyncio.gather(bob, hand.shake(payload(ALICE, hand.static)))
        yield channel, hand, *hand.ciphers()


async def both(outbound: Awaitable[Channel], inbound: Awaitable[Channel]) -> tuple[Channel, Channel]:
    a, b = await asyncio.gather(outbound, inbound)
    return a, b


async def outcome(work: Awaitable[Channel]) -> Channel | BaseException:
    (found,) = await asyncio.gather(work, return_exceptions=True)
    return found


async def has_ended(reader: StreamReader) -> bool:
    """Wait for the end of a connection, however it is told."""
    try:
        while await reader.read(1 << 16):
            pass
    except ConnectionError:
        pass
    return True


# What is computed


def test_by_hand_gives_the_messages_of_the_vector() -> None:
    ends = [ByHand(initiator=not place, static=STATIC[place], ephemeral=EPHEMERAL[place]) for place in (0, 1)]
    for number, (content, message) in enumerate(VECTOR):
        writer, reader = ends[number % 2], ends[1 - number % 2]
        assert writer.write(content).hex() == message
        assert reader.read(bytes.fromhex(message)) == content
    (there, back), (back_there, there_back) = ends[0].ciphers(), ends[1].ciphers()
    assert there.encrypt(THERE[0]).hex() == THERE[1]
    assert there_back.decrypt(bytes.fromhex(THERE[1])) == THERE[0]
    assert back_there.encrypt(BACK[0]).hex() == BACK[1]
    assert back.decrypt(bytes.fromhex(BACK[1])) == BACK[0]


@pytest.mark.parametrize("initiator", [True, False])
def test_a_channel_and_an_end_by_hand_understand_each_other(initiator: bool) -> None:
    async def talk() -> None:
        async with by_hand(initiator=initiator) as (channel, hand, sending, receiving):
            assert channel.peer_id == ALICE.peer_id
            for content in (b"hello", b"", b"again"):
                hand.send(sending.encrypt(content))
            assert await channel.read(10) == b"helloagain"
            channel.write(b"yes")
            channel.write(b"")  # which is nothing, also on the wire
            channel.write(b"no")
            assert [receiving.decrypt(await hand.receive()) for _ in range(2)] == [b"yes", b"no"]

    run(talk())


@pytest.mark.parametrize("initiator", [True, False])
def test_what_an_end_proves_is_that_its_identity_has_signed_its_static_key(initiator: bool) -> None:
    async def talk() -> None:
        async with connection() as (a, b):
            hand = ByHand(initiator=initiator, connection=a)
            bob = secure_inbound(*b, BOB) if initiator else secure_outbound(*b, BOB, None)
            _, proof = await asyncio.gather(bob, hand.shake(payload(ALICE, hand.static)))
            assert proof == payload(BOB, hand.remote["s"])

    run(talk())


def test_every_connection_has_keys_of_its_own() -> None:
    async def talk() -> None:
        keys = set()
        for _ in range(2):
            async with connection() as (a, b):
                hand = ByHand(initiator=True, connection=a)
                await asyncio.gather(secure_inbound(*b, BOB), hand.shake(payload(ALICE, hand.static)))
                keys |= {hand.remote["s"], hand.remote["e"]}
        assert len(keys) == 4

    run(talk())


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


# Who is there


def test_someone_with_another_key_is_refused_and_does_not_learn_who_dialled() -> None:
    async def talk() -> None:
        async with connection() as (a, b):
            hand = ByHand(initiator=False, connection=b)
            refused = asyncio.create_task(outcome(secure_outbound(*a, ALICE, BOB.peer_id)))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await hand.shake(payload(MALLORY, hand.static))
            error = await refused
            assert isinstance(error, IdentityError)
            assert str(error) == f"this is {MALLORY.peer_id}, not {BOB.peer_id}"
        async with connection() as (a, b):
            ends = [secure_outbound(*a, ALICE, BOB.peer_id), secure_inbound(*b, MALLORY)]
            found = await asyncio.gather(*map(outcome, ends))
            assert [type(error) for error in found] == [IdentityError, ChannelError]

    run(talk())


def test_who_expects_nobody_takes_whoever_there_is() -> None:
    async def talk() -> None:
        async with connection() as (a, b):
            mine, _ = await both(secure_outbound(*a, ALICE, None), secure_inbound(*b, MALLORY))
            assert mine.peer_id == MALLORY.peer_id

    run(talk())


def signature(identity: Identity, static: bytes) -> bytes:
    return field(2, identity.sign(b"noise-libp2p-static-key:", static))


def key_of(identity: Identity) -> bytes:
    return field(1, bytes(identity.peer_id)[2:])


OTHER_STATIC = STATIC[0]
REFUSED: list[tuple[str, Callable[[bytes], bytes], type[Exception], str]] = [
    ("a signature of another key", lambda s: payload(ALICE, OTHER_STATIC), IdentityError, "has not signed this"),
    ("another's", lambda s: key_of(ALICE) + signature(MALLORY, s), IdentityError, "has not signed this"),
    ("of the bare key", lambda s: key_of(ALICE) + field(2, ALICE.sign(b"", s)), IdentityError, "has not signed this"),
    ("none", lambda s: key_of(ALICE), IdentityError, "has not signed this"),
    ("short", lambda s: key_of(ALICE) + signature(ALICE, s)[:1] + b"\x00", IdentityError, "has not signed this"),
    ("no point", lambda s: field(1, public_key(1, b"\x02" + bytes(31))) + field(2, bytes(64)), IdentityError, "signed"),
    ("RSA", lambda s: field(1, public_key(0, bytes(294))) + field(2, bytes(256)), IdentityError, "a key of RSA,"),
    ("secp256k1", lambda s: field(1, public_key(2, bytes(33))) + field(2, bytes(70)), IdentityError, "of Secp256k1,"),
    ("ECDSA", lambda s: field(1, public_key(3, bytes(91))) + field(2, bytes(70)), IdentityError, "a key of ECDSA,"),
    ("of tomorrow", lambda s: field(1, public_key(4, bytes(32))) + signature(ALICE, s), IdentityError, "no public key"),
    ("31 bytes", lambda s: field(1, public_key(1, bytes(31))) + signature(ALICE, s), IdentityError, "no public key"),
    ("33 bytes", lambda s: field(1, b"\x08\x01\x12\x20" + bytes(33)), IdentityError, "no public key"),
    ("no key", lambda s: signature(ALICE, s), IdentityError, "no public key"),
    ("nothing", lambda s: b"", IdentityError, "no public key"),
    ("a number for a key", lambda s: b"\x08\x01" + signature(ALICE, s), IdentityError, "no public key"),
    ("cut off", lambda s: payload(ALICE, s)[:-1], ChannelError, "cut off"),
    ("cut off in a tag", lambda s: payload(ALICE, s) + b"\x80", ChannelError, "cut off"),
    ("cut off in a size", lambda s: payload(ALICE, s) + b"\x1a\x80", ChannelError, "cut off"),
    ("cut off before a size", lambda s: payload(ALICE, s) + b"\x1a", ChannelError, "cut off"),
    ("cut off in a number", lambda s: payload(ALICE, s) + b"\x18", ChannelError, "cut off"),
    ("cut off in 8 bytes", lambda s: payload(ALICE, s) + b"\x19" + bytes(7), ChannelError, "cut off"),
    ("cut off in 4 bytes", lambda s: payload(ALICE, s) + b"\x1d" + bytes(3), ChannelError, "cut off"),
    ("a huge field", lambda s: payload(ALICE, s) + b"\x1a" + varint((1 << 64) - 1), ChannelError, "cut off"),
    ("an endless number", lambda s: payload(ALICE, s) + b"\x18" + b"\x80" * 10 + b"\0", ChannelError, "too large"),
    ("a group", lambda s: payload(ALICE, s) + b"\x1b\x1c", ChannelError, "a type that there is not"),
]
TAKEN: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("in another order", lambda s: signature(ALICE, s) + key_of(ALICE)),
    ("the last one counts", lambda s: payload(MALLORY, OTHER_STATIC) + payload(ALICE, s)),
    ("extensions", lambda s: field(4, field(2, b"/yamux/1.0.0")) + payload(ALICE, s)),
    ("a number", lambda s: b"\x18" + varint((1 << 64) - 1) + payload(ALICE, s)),
    ("8 bytes", lambda s: b"\x19" + bytes(8) + payload(ALICE, s)),
    ("4 bytes", lambda s: payload(ALICE, s) + b"\x1d" + bytes(4)),
    ("a field with a large number", lambda s: payload(ALICE, s) + varint(1000 << 3 | 2) + b"\x01x"),
    ("a key of another type", lambda s: b"\x08\x01" + payload(ALICE, s)),
]


async def with_payload(said: Callable[[bytes], bytes], *, initiator: bool) -> Channel | BaseException:
    """Return what Bob makes of a payload."""
    async with connection() as (a, b):
        hand = ByHand(initiator=initiator, connection=a)
        bob = secure_inbound(*b, BOB) if initiator else secure_outbound(*b, BOB, None)
        shaking = asyncio.create_task(hand.shake(said(hand.static)))
        found = await outcome(bob)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await shaking
        if not isinstance(found, Channel):
            assert await has_ended(hand.reader)
        return found


@pytest.mark.parametrize("initiator", [True, False])
@pytest.mark.parametrize(("said", "kind", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_payload_that_proves_nothing_is_refused(
    said: Callable[[bytes], bytes], kind: type[Exception], message: str, initiator: bool
) -> None:
    async def talk() -> None:
        found = await with_payload(said, initiator=initiator)
        assert type(found) is kind
        assert message in str(found)

    run(talk())


@pytest.mark.parametrize("initiator", [True, False])
@pytest.mark.parametrize("said", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_a_payload_may_say_more_than_is_needed(said: Callable[[bytes], bytes], initiator: bool) -> None:
    async def talk() -> None:
        found = await with_payload(said, initiator=initiator)
        assert isinstance(found, Channel)
        assert found.peer_id == ALICE.peer_id

    run(talk())


@FEW
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(field, st.integers(0, 15), st.binary(max_size=200)),
            st.just(key_of(ALICE)),
            st.builds(varint, st.integers(0, 1 << 70)),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_any_other_payload_is_refused(parts: list[bytes], initiator: bool) -> None:
    async def talk() -> None:
        found = await with_payload(lambda _: b"".join(parts), initiator=initiator)
        assert isinstance(found, ChannelError | IdentityError)

    run(talk())


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
