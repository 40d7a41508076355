"""A channel has at its other end who has the key of its peer ID, and has signed with it what the handshake uses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from channel_ends import ALICE, BOB, MALLORY, both, by_hand, connection, has_ended, outcome, run
from hypothesis import given, settings
from hypothesis import strategies as st
from noise_by_hand import ByHand, field, payload, public_key, varint

from node.channel import Channel, ChannelError, secure_inbound, secure_outbound
from node.identity import Identity, IdentityError

FEW = settings(max_examples=max(settings().max_examples // 3, 1))
OTHER_STATIC = bytes(range(32))

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
            for content in (b"hello", b"again"):
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
