"""A conversation ends for the reason for which it has to, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from channel_ends import ALICE, BOB, channel_pair
from waiting import run, until

from multiaddr_py import Multiaddr
from node.channel import Channel, ChannelError
from node.fields import LARGEST_ITEM, LONGEST_TEXT, MessageError
from node.messages import (
    PROTOCOL,
    Bye,
    GetAddr,
    GetData,
    GetInv,
    Item,
    Message,
    Ping,
    Pong,
    Version,
    read_message,
    to_frame,
)
from node.peer import MOST_OWED, MOST_UNSENT, Left, Peer, PeerError, hear_version, say_version

ALIVE = 60.0  # seconds: longer than a test
TCP = Multiaddr("/ip4/192.0.2.1/tcp/4001")
VERSION = Version(PROTOCOL, 3, (TCP,), None)


def ignore(_: Peer, __: Message) -> None:
    pass


def peer_of(channel: Channel) -> Peer:
    return Peer(channel, TCP / f"/p2p/{channel.peer_id}", VERSION, is_dialled=True)


@asynccontextmanager
async def talk(
    handle: Callable[[Peer, Message], None] = ignore, alive: float = ALIVE
) -> AsyncIterator[tuple[Channel, Peer, asyncio.Task[str]]]:
    """Have Bob's channel, and Alice's conversation with him, in which she is the node."""
    async with channel_pair() as (alice, bob):
        peer = peer_of(alice)
        conversation = asyncio.create_task(peer.converse(handle, alive))
        try:
            yield bob, peer, conversation
        finally:
            conversation.cancel()
            await asyncio.wait([conversation])


def test_a_peer_is_who_has_proven_to_be_that() -> None:
    async def work() -> None:
        async with channel_pair() as (alice, bob):
            assert (peer_of(alice).peer_id, peer_of(bob).peer_id) == (BOB.peer_id, ALICE.peer_id)

    run(work())


def test_what_is_said_is_handled_in_order_and_counted() -> None:
    said: list[Message] = [GetInv(1), GetAddr(), GetData(bytes(32)), Item(bytes(LARGEST_ITEM))]
    heard: list[Message] = []

    async def work() -> None:
        async with talk(lambda _, message: heard.append(message)) as (bob, peer, _):
            for message in said:
                bob.write(to_frame(message))
            await until(lambda: len(heard) == len(said))
            assert peer.received == 1 + len(said)  # and the version

    run(work())
    assert heard == said


def test_a_ping_is_answered_with_its_token_and_handled_by_nobody_else() -> None:
    heard: list[Message] = []

    async def work() -> None:
        async with talk(lambda _, message: heard.append(message)) as (bob, peer, _):
            for token in (0, 7, 0xFFFFFFFF):
                bob.write(to_frame(Ping(token)))
                assert await read_message(bob) == Pong(token)
            bob.write(to_frame(Pong(5)))  # that nobody has asked for
            await until(lambda: peer.received == 5)
            assert peer.sent == 4

    run(work())
    assert heard == []


def test_who_is_silent_is_asked_once_and_then_gone() -> None:
    async def work() -> None:
        async with talk(alive=0.05) as (bob, peer, conversation):
            assert await read_message(bob) == Ping(0)
            assert await conversation == "it was silent for 0.1 s"
            assert peer.sent == 2

    run(work())


def test_who_answers_is_not_gone() -> None:
    async def work() -> None:
        async with talk(alive=0.4) as (bob, peer, conversation):  # and as much to answer in, on a busy machine
            for _ in range(2):
                assert await read_message(bob) == Ping(0)
                bob.write(to_frame(Pong(0)))
            await until(lambda: peer.received == 3)
            assert not conversation.done()

    run(work())


def test_half_of_a_message_is_silence() -> None:
    async def work() -> None:
        async with talk(alive=0.05) as (bob, _, conversation):
            frame = to_frame(Item(bytes(1_000)))
            for place in range(len(frame) - 1):
                bob.write(frame[place : place + 1])
                await asyncio.wait([conversation], timeout=0.001)
                if conversation.done():
                    break
            assert await conversation == "it was silent for 0.1 s"

    run(work())


def test_who_does_not_read_gets_no_more() -> None:
    async def work() -> None:
        async with talk() as (_, peer, conversation):
            item = Item(bytes(LARGEST_ITEM))
            for _ in range(4 * MOST_UNSENT // LARGEST_ITEM):
                peer.send(item)
            assert await conversation == "it does not read what it is sent"
            sent = peer.sent
            assert sent < 4 * MOST_UNSENT // LARGEST_ITEM
            peer.send(item)
            peer.say_bye("it does not read")
            assert peer.sent == sent

    run(work())


def test_who_does_not_read_what_it_asks_for_is_not_listened_to() -> None:
    """The answers to a flood of questions take no more memory than is owed to one peer, and the last one."""
    item = Item(bytes(LARGEST_ITEM))
    most = 0

    def handle(peer: Peer, _: Message) -> None:
        nonlocal most
        peer.send(item)
        most = max(most, unsent())

    unsent: Callable[[], int] = int

    async def work() -> None:
        nonlocal unsent
        async with channel_pair() as (alice, bob):
            unsent = alice.unsent
            peer = peer_of(alice)
            conversation = asyncio.create_task(peer.converse(handle, 0.2))
            for _ in range(1_000):
                bob.write(to_frame(GetData(bytes(32))))
            assert await conversation == "it was silent for 0.4 s"
            assert peer.received < 1_000

    run(work())
    assert most <= MOST_OWED + 2 * LARGEST_ITEM


def test_bye_says_why_and_where_others_are() -> None:
    async def work() -> None:
        async with talk() as (bob, _, conversation):
            bob.write(to_frame(Bye("all places are taken", (TCP,))))
            with pytest.raises(Left, match="all places are taken") as left:
                await conversation
            assert left.value.others == (TCP,)

    run(work())


def test_what_comes_after_bye_is_not_handled() -> None:
    heard: list[Message] = []

    async def work() -> None:
        async with talk(lambda _, message: heard.append(message)) as (bob, _, conversation):
            bob.write(to_frame(Bye("no")) + to_frame(GetAddr()))
            with pytest.raises(Left):
                await conversation

    run(work())
    assert heard == []


def lie(_: Peer, __: Message) -> None:
    raise PeerError("it lies")


def end(peer: Peer, _: Message) -> None:
    peer.end("first")
    peer.end("second")


ENDS = {
    "its version again": (to_frame(VERSION), ignore, PeerError, "it has said its version already"),
    "no command": (b"hello, world" * 2, ignore, MessageError, "there is no command b'hello, world'"),
    "too large": (b"ping".ljust(12, b"\0") + b"\0\0\1\0", ignore, MessageError, "a payload of 256 bytes is too large"),
    "a lie": (to_frame(GetAddr()), lie, PeerError, "it lies"),
}


@pytest.mark.parametrize(("frames", "handle", "kind", "error"), ENDS.values(), ids=ENDS)
def test_what_nobody_says_ends_it(
    frames: bytes, handle: Callable[[Peer, Message], None], kind: type[Exception], error: str
) -> None:
    async def work() -> None:
        async with talk(handle) as (bob, _, conversation):
            bob.write(frames)
            with pytest.raises(kind, match=error):
                await conversation

    run(work())


def test_the_first_reason_to_end_is_the_reason() -> None:
    heard: list[Message] = []

    def handle(peer: Peer, message: Message) -> None:
        heard.append(message)
        end(peer, message)

    async def work() -> None:
        async with talk(handle) as (bob, peer, conversation):
            bob.write(to_frame(GetAddr()) * 3)
            assert await conversation == "first"
            peer.send(GetAddr())
            assert peer.sent == 1  # the version only

    run(work())
    assert heard == [GetAddr()]


@pytest.mark.parametrize("how", ["aborted", "closed"])
def test_the_end_of_the_connection_is_the_end(how: str) -> None:
    async def work() -> None:
        async with talk() as (bob, peer, conversation):
            if how == "aborted":
                bob.abort()
            else:
                await bob.close()
            with pytest.raises(ChannelError, match="the connection has ended"):
                await conversation
            peer.send(GetAddr())  # which nobody hears
            peer.say_bye("gone")

    run(work())


def test_two_who_end_it_at_the_same_time_have_both_ended_it() -> None:
    async def converse(peer: Peer, channel: Channel) -> str:
        try:
            reason = await peer.converse(ignore, ALIVE)
        except (Left, ChannelError) as error:
            reason = str(error)
        peer.say_bye(reason)
        await channel.close()
        return reason

    async def work() -> None:
        async with channel_pair() as channels:
            peers = [peer_of(channel) for channel in channels]
            tasks = [asyncio.create_task(converse(*pair)) for pair in zip(peers, channels, strict=True)]
            await asyncio.sleep(0)
            for peer in peers:
                peer.end("enough")
            assert await asyncio.gather(*tasks) == ["enough", "enough"]

    run(work())


@pytest.mark.parametrize("turns", range(4))
def test_a_conversation_that_is_cancelled_leaves_no_task(turns: int) -> None:
    async def work() -> None:
        async with channel_pair() as (alice, _):
            conversation = asyncio.create_task(peer_of(alice).converse(ignore, ALIVE))
            for _ in range(turns):
                await asyncio.sleep(0)
            conversation.cancel()
            with pytest.raises(asyncio.CancelledError):
                await conversation

    run(work())  # which looks for tasks


@pytest.mark.parametrize("reason", ["", "r" * LONGEST_TEXT, "\N{GRINNING FACE}" * 500])
def test_a_bye_of_any_length_is_understood(reason: str) -> None:
    async def work() -> None:
        async with channel_pair() as (alice, bob):
            peer_of(alice).say_bye(reason)
            assert await read_message(bob) == Bye(reason[:LONGEST_TEXT])

    run(work())


# The second handshake


def test_versions_are_swapped() -> None:
    other = Version(PROTOCOL, 9, (), TCP)

    async def work() -> None:
        async with channel_pair() as (alice, bob):
            said = asyncio.create_task(say_version(alice, VERSION))
            assert await hear_version(bob) == VERSION
            bob.write(to_frame(other))
            assert await said == other

    run(work())


ANSWERS: dict[str, tuple[Message, type[Exception], str]] = {
    "bye": (Bye("all places are taken", (TCP,)), Left, "all places are taken"),
    "another protocol": (Version(2, 0, (), None), MessageError, "it speaks version 2 of the protocol, not 1"),
    "anything else": (GetAddr(), MessageError, "a getaddr came before the version"),
}


@pytest.mark.parametrize(("message", "kind", "error"), ANSWERS.values(), ids=ANSWERS)
def test_nobody_is_talked_to_who_says_no_such_version(message: Message, kind: type[Exception], error: str) -> None:
    async def work() -> None:
        async with channel_pair() as (alice, bob):
            bob.write(to_frame(message))
            with pytest.raises(kind, match=error):
                await say_version(alice, VERSION)
        async with channel_pair() as (alice, bob):
            alice.write(to_frame(message))
            with pytest.raises(kind, match=error):
                await hear_version(bob)

    run(work())


def test_who_ends_the_connection_has_said_no_version() -> None:
    async def work() -> None:
        async with channel_pair() as (alice, bob):
            await bob.close()
            with pytest.raises(ChannelError, match="the connection has ended"):
                await say_version(alice, VERSION)

    run(work())
