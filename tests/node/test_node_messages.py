"""Messages are read as they were written, and any bytes are refused or understood."""

from __future__ import annotations

import pytest
from channel_ends import channel_pair
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import run

from multiaddr_py import Component, Multiaddr
from node.fields import LARGEST_ITEM, LONGEST_TEXT, MOST_ADDRESS_BYTES, MOST_ADDRESSES, MessageError
from node.messages import (
    COMMAND_SIZE,
    COMMANDS,
    MOST_HASHES,
    MOST_TOLD,
    PROTOCOL,
    Addr,
    Bye,
    GetAddr,
    GetData,
    GetInv,
    Inv,
    Item,
    Message,
    NotFound,
    Ping,
    Pong,
    Version,
    read_message,
    to_frame,
)

FEW = settings(max_examples=max(settings().max_examples // 2, 1), deadline=None)

TCP = Multiaddr("/ip4/192.0.2.1/tcp/4001")
RAW_TCP = "04c00002010" + "60fa1"
HASH = bytes(range(32))
RAW_HASH = "c420" + HASH.hex()

# Each frame in hexadecimal digits: the command, the size, and the payload, which is an array of MessagePack.
FRAMES: dict[str, tuple[Message, str]] = {
    "version": (
        Version(PROTOCOL, 300, (TCP,), TCP),
        "76657273696f6e 0000000000 0000001a 94 01 cd012c 91 c408" + RAW_TCP + "c408" + RAW_TCP,
    ),
    "version to nobody": (Version(7, 0, (), None), "76657273696f6e 0000000000 00000005 94 07 00 90 c0"),
    "bye": (Bye("no"), "627965 000000000000000000 00000005 92 a26e6f 90"),
    "bye with others": (Bye("", (TCP,)), "627965 000000000000000000 0000000d 92 a0 91 c408" + RAW_TCP),
    "ping": (Ping(0), "70696e67 0000000000000000 00000002 91 00"),
    "pong": (Pong(0xFFFFFFFF), "706f6e67 0000000000000000 00000006 91 ceffffffff"),
    "getinv": (GetInv(1000), "676574696e76 000000000000 00000004 91 cd03e8"),
    "inv": (Inv((HASH,), 0), "696e76 000000000000000000 00000025 92 91 " + RAW_HASH + "00"),
    "inv of news": (Inv((HASH,), None), "696e76 000000000000000000 00000025 92 91 " + RAW_HASH + "c0"),
    "getdata": (GetData(HASH), "67657464617461 0000000000 00000023 91 " + RAW_HASH),
    "item": (Item(b"hi"), "6974656d 0000000000000000 00000005 91 c4026869"),
    "notfound": (NotFound(HASH), "6e6f74666f756e64 00000000 00000023 91 " + RAW_HASH),
    "getaddr": (GetAddr(), "67657461646472 0000000000 00000001 90"),
    "addr": (Addr((TCP,)), "61646472 0000000000000000 0000000c 91 91 c408" + RAW_TCP),
}


LONGEST = Multiaddr("/unix/" + "a" * (MOST_ADDRESS_BYTES - 4))  # of the code two bytes, of the size two
MOST = 0xFFFFFFFF
LARGEST: list[Message] = [
    Version(MOST, MOST, (LONGEST,) * MOST_ADDRESSES, LONGEST),
    Bye("\N{GRINNING FACE}" * LONGEST_TEXT, (LONGEST,) * MOST_TOLD),
    Ping(MOST),
    Pong(MOST),
    GetInv(MOST),
    Inv((HASH,) * MOST_HASHES, MOST),
    GetData(HASH),
    Item(bytes(LARGEST_ITEM)),
    NotFound(HASH),
    GetAddr(),
    Addr((LONGEST,) * MOST_TOLD),
]

# Payloads that are well-formed MessagePack, and say more, less or something else than their command does.
NOT_SAID = {
    "nothing": (b"ping", b""),
    "no array": (b"ping", b"\0"),
    "a map": (b"ping", b"\x81\xa5token\0"),
    "no field": (b"ping", b"\x90"),
    "one more field": (b"ping", b"\x92\0\0"),
    "bytes behind it": (b"ping", b"\x91\0\0"),
    "a part of it": (b"ping", b"\x91\xcd\0"),
    "less than 0": (b"ping", b"\x91\xff"),
    "more than 32 bits": (b"ping", b"\x91\xcf\0\0\0\1\0\0\0\0"),
    "a fraction": (b"ping", b"\x91\xcb\x3f\xe0\0\0\0\0\0\0"),
    "no": (b"ping", b"\x91\xc2"),
    "a text for a hash": (b"getdata", b"\x91\xd9\x20" + b"a" * 32),
    "a short hash": (b"getdata", b"\x91\xc4\x1f" + bytes(31)),
    "a long hash": (b"getdata", b"\x91\xc4\x21" + bytes(33)),
    "an empty item": (b"item", b"\x91\xc4\0"),
    "a byte too much of an item": (b"item", b"\x91\xc6\0\1\0\1" + bytes(65_537)),
    "an address too much": (b"addr", b"\x91\xdc\0\x41" + b"\xc4\x05\x04\1\1\1\1" * 65),
    "an empty address": (b"addr", b"\x91\x91\xc4\0"),
    "half of an address": (b"addr", b"\x91\x91\xc4\x07\x04\xc0\0\2\1\x06\x0f"),
    "an address as text": (b"addr", b"\x91\x91\xae/ip4/192.0.2.1"),
    "a long text": (b"bye", b"\x92\xd9\xc9" + b"a" * 201 + b"\x90"),
    "a text that is none": (b"bye", b"\x92\xa1\xff\x90"),
    "a deep array": (b"inv", b"\x91" * 34_000),
    "an array of more than there are": (b"inv", b"\x92\xdd\xff\xff\xff\xff"),
    "bytes of more than there are": (b"item", b"\x91\xc6\xff\xff\xff\xff"),
}

ADDRESSES = st.builds(
    lambda host, port: Multiaddr([Component("ip4" if len(host) == 4 else "ip6", host), Component("tcp", port)]),
    st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16),
    st.binary(min_size=2, max_size=2),
) | st.sampled_from([TCP, LONGEST])
NUMBERS = st.integers(0, MOST)
HASHES = st.binary(min_size=32, max_size=32)
TEXTS = st.text(max_size=LONGEST_TEXT)
TOLD = st.lists(ADDRESSES, max_size=MOST_TOLD).map(tuple)
MESSAGES: dict[type[Message], st.SearchStrategy[Message]] = {
    Version: st.builds(
        Version, NUMBERS, NUMBERS, st.lists(ADDRESSES, max_size=MOST_ADDRESSES).map(tuple), ADDRESSES | st.none()
    ),
    Bye: st.builds(Bye, TEXTS, TOLD),
    Ping: st.builds(Ping, NUMBERS),
    Pong: st.builds(Pong, NUMBERS),
    GetInv: st.builds(GetInv, NUMBERS),
    Inv: st.builds(Inv, st.lists(HASHES, max_size=20).map(tuple), NUMBERS | st.none()),
    GetData: st.builds(GetData, HASHES),
    Item: st.builds(Item, st.binary(min_size=1, max_size=400)),
    NotFound: st.builds(NotFound, HASHES),
    GetAddr: st.just(GetAddr()),
    Addr: st.builds(Addr, TOLD),
}
ANY = st.one_of(*MESSAGES.values())


def framed(name: bytes, payload: bytes, size: int | None = None) -> bytes:
    return name.ljust(COMMAND_SIZE, b"\0") + (len(payload) if size is None else size).to_bytes(4) + payload


def read(content: bytes) -> Message:
    """Read the first message of bytes that come over a channel, which has to be done with what there is."""
    found: list[Message] = []

    async def talk() -> None:
        async with channel_pair() as (alice, bob):
            alice.write(content)
            found.append(await read_message(bob))

    run(talk())
    return found[0]


def test_every_command_is_in_every_table() -> None:
    kinds = [command.kind for command in COMMANDS.values()]
    assert [type(message) for message in LARGEST] == kinds == [*MESSAGES]
    assert {type(message) for message, _ in FRAMES.values()} == {*kinds}


@pytest.mark.parametrize(("message", "frame"), FRAMES.values(), ids=FRAMES)
def test_a_frame_has_these_bytes(message: Message, frame: str) -> None:
    assert to_frame(message) == bytes.fromhex(frame)
    assert read(bytes.fromhex(frame)) == message


@FEW
@given(st.lists(ANY, max_size=10))
def test_messages_are_read_as_they_were_written(messages: list[Message]) -> None:
    async def talk() -> None:
        async with channel_pair() as (alice, bob):
            for message in messages:
                alice.write(to_frame(message))
            assert [await read_message(bob) for _ in messages] == messages

    run(talk())


@pytest.mark.parametrize("message", LARGEST, ids=lambda message: type(message).__name__)
def test_the_largest_message_of_a_kind_is_within_its_limit(message: Message) -> None:
    assert read(to_frame(message)) == message


@pytest.mark.parametrize("name", COMMANDS)
def test_a_payload_is_not_waited_for_that_is_a_byte_too_large(name: bytes) -> None:
    most = COMMANDS[name].most
    error = f"a payload of {most + 1} bytes is too large for {name.decode()}, which may have {most}"
    with pytest.raises(MessageError, match=error):
        read(framed(name, b"", most + 1))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_payload_of_the_limit_is_read(name: bytes) -> None:
    most = COMMANDS[name].most
    with pytest.raises(MessageError, match=f"this is no {name.decode()}"):
        read(framed(name, bytes(most)))


@pytest.mark.parametrize(
    "name",
    [b"", b"pin", b"pings", b"PING", b" ping", b"\0ping", b"pi\0ng", b"ping\0x", b"p" * 12, b"\xff" * 12, b"verack"],
)
def test_there_are_no_other_commands(name: bytes) -> None:
    with pytest.raises(MessageError, match="there is no command b"):
        read(framed(name, b"\x91\0"))


@pytest.mark.parametrize(("name", "payload"), NOT_SAID.values(), ids=NOT_SAID)
def test_a_payload_has_the_fields_of_its_command(name: bytes, payload: bytes) -> None:
    assert len(payload) <= COMMANDS[name].most
    with pytest.raises(MessageError):
        read(framed(name, payload))


def understood(content: bytes) -> bool:
    """Say whether bytes are a message, which means what is written of it."""
    try:
        message = read(content)
    except MessageError:
        return False
    assert read(to_frame(message)) == message
    return True


@FEW
@given(st.binary(min_size=COMMAND_SIZE + 4))
def test_any_bytes_are_refused(content: bytes) -> None:
    assert not understood(content)


@FEW
@given(st.sampled_from([*COMMANDS]), st.binary(max_size=100))
def test_any_payload_is_refused_or_understood(name: bytes, payload: bytes) -> None:
    understood(framed(name, payload[: COMMANDS[name].most]))


@FEW
@given(ANY, st.data())
def test_any_change_of_a_frame_is_refused_or_understood(message: Message, data: st.DataObject) -> None:
    frame = bytearray(to_frame(message))
    for place in data.draw(st.lists(st.integers(COMMAND_SIZE + 4, len(frame) - 1), min_size=1, max_size=4)):
        frame[place] = data.draw(st.integers(0, 255))
    understood(bytes(frame))
