"""What is written can be read, in one way only; all else is refused, and so is what the other peer has not sealed."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Any

import pytest
from any_messages import MESSAGES, NAMES, TOKENS, VALUES, messages, sealed, unsealed
from hypothesis import given, settings
from hypothesis import strategies as st

from multiaddr_py import Multiaddr
from punching.fields import FIELDS, Addresses, MessageError, Name, Padding, Text, Token, to_name, to_text
from punching.messages import (
    CLASSES,
    LARGEST,
    MAGIC,
    QUESTION_SIZE,
    SEALED,
    Ask,
    Bye,
    Heard,
    Hello,
    Leave,
    Meet,
    Message,
    Order,
    Probe,
    Punch,
    Refused,
    Register,
    Relay,
    Say,
    Seen,
    Waiting,
    decode,
    encode,
    padded,
)
from punching.nat import Kind
from punching.session import seal

FEW = settings(max_examples=max(settings().max_examples // 3, 1))
"""Of laws that are tried for each class."""

ONE, TWO = Token(bytes(range(16))), Token(bytes(range(16, 32)))
KEY, KEY_BACK = seal(ONE, TWO), seal(TWO, ONE)
IP4 = Multiaddr("/ip4/203.0.113.7/udp/5000")
IP6 = Multiaddr("/ip6/2001:db8::7/udp/5000")
T1 = "000102030405060708090a0b0c0d0e0f"
T2 = "101112131415161718191a1b1c1d1e1f"
A4 = "09 04cb007107 91021388"
A6 = "15 2920010db8000000000000000000000007 91021388"

# Every class, as it goes over the wire; the tags are those of the key of the direction from `ONE` to `TWO`.
VECTORS: list[tuple[Message, str]] = [
    (Hello(ONE, probe=True, padding=Padding(3)), f"01 {T1} 01 0003 000000"),
    (
        Register(
            *(ONE, TWO, Name("alice"), Name("b\xf6b"), ONE, (IP4, IP6), Kind.PORT_RESTRICTED),
            ready=True,
            relay=False,
            padding=Padding(2),
        ),
        f"02 {T1} {T2} 05 616c696365 04 62c3b662 {T1} 02 {A4} {A6} 07 01 00 0002 0000",
    ),
    (Ask(ONE, TWO, ONE), f"03 {T1} {T2} {T1}"),
    (Leave(ONE, TWO), f"04 {T1} {T2}"),
    (
        Relay(Multiaddr.join(IP4, Multiaddr("/p2p-circuit"), IP6), b"sealed"),
        f"05 20 {A4[3:]} a202 {A6[3:]} 0006 7365616c6564",
    ),
    (Seen(ONE, IP6, TWO, (IP4,)), f"11 {T1} {A6} {T2} 01 {A4}"),
    (Probe(ONE), f"12 {T1}"),
    (Waiting(ONE, present=False, stranger=True), f"13 {T1} 00 01"),
    (Order(ONE, IP4, TWO), f"14 {T1} {A4} {T2}"),
    (Meet(ONE, TWO, IP4, (), Kind.UNKNOWN, relay=True), f"15 {T1} {T2} {A4} 00 00 01"),
    (Refused(ONE, Text("no")), f"16 {T1} 0002 6e6f"),
    (Punch(ONE, chosen=True), f"81 {T1} 01 TAG"),
    (Heard(ONE, IP4), f"82 {T1} {A4} TAG"),
    (Say(ONE, 258, Text("h\xe9")), f"83 {T1} 00000102 0003 68c3a9 TAG"),
    (Bye(ONE), f"84 {T1} TAG"),
]
TAGS: dict[type[Message], str] = {
    Punch: "deec48dfc57f525bf7b0071d6ecdd60e",
    Heard: "3dbd74d3ae683d8fe6d77ae483bbf74d",
    Say: "c50a006c02d1c57a9528be81cbee04bb",
    Bye: "9c4f1b600780f5f8a68df0bd3529f1c7",
}
SEALED_VECTORS = [message for message, _ in VECTORS if type(message) in TAGS]


@pytest.mark.parametrize(("message", "text"), VECTORS)
def test_the_format_is_that_of_the_vectors(message: Message, text: str) -> None:
    datagram = bytes.fromhex("6d617031" + text.replace("TAG", TAGS.get(type(message), "")))
    assert encode(message, KEY) == datagram
    assert decode(datagram, KEY) == message


def test_there_is_a_vector_for_each_class_and_each_kind_of_nat() -> None:
    assert [type(message) for message, _ in VECTORS] == list(CLASSES.values())
    assert {type(message) for message, _ in VECTORS if type(message) in TAGS} == {
        kind for number, kind in CLASSES.items() if number & SEALED
    }
    assert [FIELDS[Kind].write(kind)[0] for kind in Kind] == list(range(9))
    assert [kind.value for kind in Kind] == [
        *("unknown", "open", "firewall", "full cone", "full cone or address-restricted", "address-restricted"),
        *("address-restricted or port-restricted", "port-restricted", "symmetric"),
    ]


def test_a_seal_is_a_keyed_hash_of_all_before_it() -> None:
    datagram = encode(Bye(ONE), KEY)
    assert KEY == blake2b(bytes(range(32)), digest_size=32).digest()
    assert datagram[-16:] == blake2b(b"map1\x84" + ONE, digest_size=16, key=KEY).digest()


# Laws


def test_values_of_every_type_of_field_are_drawn() -> None:
    assert VALUES.keys() == FIELDS.keys()


@pytest.mark.parametrize("kind", CLASSES.values())
def test_reading_what_was_written_gives_it_back(kind: type[Message]) -> None:
    @given(messages(kind))
    @FEW
    def check(message: Message) -> None:
        again = decode(encode(message, KEY), KEY)
        assert (type(again), again) == (type(message), message)

    check()


def with_bit_flipped(datagram: bytes, bit: int) -> bytes:
    """Flip a bit, of which the first is the largest of the first byte."""
    return (int.from_bytes(datagram) ^ 1 << (8 * len(datagram) - 1 - bit)).to_bytes(len(datagram))


def read_or_refuse(datagram: bytes) -> None:
    try:
        message = decode(datagram, KEY)
    except MessageError as error:
        assert str(error)
        return
    assert encode(message, KEY) == datagram


NUMBERED = st.builds(
    lambda number, rest: MAGIC + bytes([number]) + rest,
    st.sampled_from([*CLASSES, *CLASSES, 0, 6, 0x80, 0x85, 0xFF]),
    st.binary(max_size=120),
)
DAMAGED = st.builds(
    lambda body, place, junk, cut: body[: 5 + place % (len(body) - 4)] + junk + body[5 + place % len(body) + cut :],
    MESSAGES.map(lambda message: unsealed(encode(message, KEY))),
    st.integers(0, 300),
    st.binary(max_size=3),
    st.integers(0, 3),
)


@given(st.one_of(st.binary(), st.binary(max_size=40).map(lambda rest: MAGIC + rest), NUMBERED, DAMAGED))
def test_any_bytes_are_read_or_refused(datagram: bytes) -> None:
    read_or_refuse(datagram)
    if len(datagram) > len(MAGIC):
        read_or_refuse(sealed(datagram, KEY))


@given(MESSAGES, st.data())
def test_a_message_that_is_cut_off_or_goes_on_is_refused(message: Message, data: st.DataObject) -> None:
    body = unsealed(encode(message, KEY))
    for other in (
        body[: data.draw(st.integers(5, len(body) - 1))],
        body + data.draw(st.binary(min_size=1, max_size=9)),
    ):
        with pytest.raises(MessageError):
            decode(sealed(other, KEY), KEY)


@pytest.mark.parametrize("message", [message for message, _ in VECTORS])
def test_every_prefix_of_a_message_is_refused(message: Message) -> None:
    datagram = encode(message, KEY)
    for size in range(len(datagram)):
        with pytest.raises(MessageError):
            decode(datagram[:size], KEY)


@pytest.mark.parametrize("message", SEALED_VECTORS)
def test_a_sealed_message_of_which_any_bit_is_flipped_is_none_any_more(message: Message) -> None:
    """It may be something that needs no seal, where the bit is the one that says so."""
    datagram = encode(message, KEY)
    for bit in range(8 * len(datagram)):
        flipped = with_bit_flipped(datagram, bit)
        if flipped[len(MAGIC)] & SEALED or not flipped.startswith(MAGIC):
            with pytest.raises(MessageError):
                decode(flipped, KEY)
        else:
            read_or_refuse(flipped)


@given(st.one_of([messages(type(message)) for message in SEALED_VECTORS]), st.data())
def test_a_sealed_message_is_the_senders_or_refused(message: Message, data: st.DataObject) -> None:
    datagram = encode(message, KEY)
    for key in (b"", KEY_BACK, data.draw(st.binary(max_size=64).filter(lambda key: key != KEY))):
        with pytest.raises(MessageError) as caught:
            decode(datagram, key)
        assert str(caught.value) == "the seal is not the sender's"
    behind_the_number = 8 * (len(MAGIC) + 1)
    with pytest.raises(MessageError):
        decode(with_bit_flipped(datagram, data.draw(st.integers(behind_the_number, 8 * len(datagram) - 1))), KEY)


@pytest.mark.parametrize("number", [number for number in CLASSES if number & SEALED])
def test_the_hash_that_anyone_can_make_is_no_seal(number: int) -> None:
    body = MAGIC + bytes([number]) + ONE
    for key in (b"", KEY):
        with pytest.raises(MessageError):
            decode(sealed(body, b""), key)


# Sizes

LONGEST4, LONGEST6 = Multiaddr("/ip4/255.255.255.255/udp/65535"), Multiaddr(f"/ip6/{'ffff:' * 7}ffff/udp/65535")
EIGHT = (LONGEST6,) * 8
ANSWERS = {
    "Hello, a server of eight addresses": [Seen(ONE, LONGEST6, TWO, EIGHT[1:]), *[Probe(ONE)] * 7],
    "Register, the wrong cookie": [Seen(ONE, LONGEST6, TWO, EIGHT[1:])],
    "Register, two that meet": [Meet(ONE, TWO, LONGEST6, EIGHT, Kind.SYMMETRIC, relay=True)],
    "Register, a stranger": [Order(ONE, LONGEST6, TWO)],
    "Register, nobody there": [Waiting(ONE, present=True, stranger=True)],
}


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
def test_no_answer_is_longer_than_a_question(answers: list[Message]) -> None:
    assert sum(len(encode(answer)) for answer in answers) <= QUESTION_SIZE


def test_an_answer_is_no_longer_than_a_question_that_is_not_padded() -> None:
    assert len(encode(Waiting(ONE, present=True, stranger=True))) < len(encode(Ask(ONE, TWO, ONE)))


@given(st.one_of(messages(Hello), messages(Register)))
def test_a_padded_question_is_long_enough_and_else_the_same(question: Any) -> None:
    again = padded(question)
    assert len(encode(again)) >= QUESTION_SIZE
    assert replace(again, padding=question.padding) == question
    assert len(encode(again)) == max(QUESTION_SIZE, len(encode(question)))


@given(NAMES, NAMES, TOKENS)
def test_a_question_of_a_peer_is_as_long_as_any_other(name: Name, meet: Name, token: Token) -> None:
    """So that who listens on the way does not see how many addresses a peer has."""
    said: Addresses
    for said in ((), (LONGEST4,), EIGHT):
        register = Register(token, token, name, meet, token, said, Kind.OPEN, ready=False, relay=True)
        assert len(encode(padded(register))) == QUESTION_SIZE


def test_the_longest_message_fits_one_packet_and_no_byte_more() -> None:
    size = LARGEST - len(encode(Relay(LONGEST6, b"")))
    longest = Relay(LONGEST6, bytes(size))
    assert decode(encode(longest)) == longest
    with pytest.raises(MessageError) as caught:
        encode(Relay(LONGEST6, bytes(size + 1)))
    assert str(caught.value) == "a message of 1233 bytes is too long: it may have 1232"
    too_long = MAGIC + b"\x05" + FIELDS[Multiaddr].write(LONGEST6) + (size + 1).to_bytes(2) + bytes(size + 1)
    assert len(too_long) == LARGEST + 1
    with pytest.raises(MessageError):
        decode(too_long)


def test_the_longest_text_can_be_relayed() -> None:
    """What the sender seals is a message in another one, with the longest of addresses."""
    say = encode(Say(ONE, 0xFFFF_FFFF, Text("t" * 1024)), KEY)
    assert len(encode(Relay(Multiaddr.join(LONGEST6, Multiaddr("/p2p-circuit"), LONGEST6), say))) <= LARGEST


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Probe(Token(bytes(15))), "a token has 16 bytes, not 15"),
        (Probe(Token(bytes(17))), "a token has 16 bytes, not 17"),
        (Hello(ONE, probe=False, padding=Padding(1300)), "a message of 1324 bytes is too long: it may have 1232"),
        (Hello(ONE, probe=False, padding=Padding(70_000)), "70000 bytes are too many for a field of a message"),
        (Relay(IP4, bytes(70_000)), "70000 bytes are too many for a field of a message"),
        (Relay(Multiaddr("/unix/" + "a" * 300), b""), "304 bytes are too many for a field of a message"),
        (Seen(ONE, IP4, TWO, (IP4,) * 9), "a message has at most 8 addresses, not 9"),
        (Refused(ONE, Text("t" * 1025)), "a text of 1025 bytes is too long: it may have 1024"),
        (Refused(ONE, Text("\N{GRINNING FACE}" * 257)), "a text of 1028 bytes is too long: it may have 1024"),
        (Refused(ONE, Text("\ud800")), r"'\ud800' is no text"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(message: Message, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        encode(message)
    assert str(caught.value) == reason


@pytest.mark.parametrize("name", ["", "\n", "a b", "a:", "\N{RIGHT-TO-LEFT OVERRIDE}", "n" * 33, "\xf6" * 17, "\ud800"])
def test_a_name_that_cannot_be_shown_or_is_too_long_is_refused(name: str) -> None:
    with pytest.raises(MessageError):
        to_name(name)
    raw = name.encode(errors="surrogatepass")
    body = encode(Register(ONE, TWO, Name("alice"), Name("bob"), ONE, (), Kind.OPEN, ready=True, relay=True))
    written = FIELDS[Name].write("alice")
    assert body.count(written) == 1
    with pytest.raises(MessageError):
        decode(body.replace(written, bytes([len(raw)]) + raw))


# What is written otherwise than by `encode`


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "this is no message"),
        ("6d6170", "this is no message"),
        ("6d617032 12" + T1, "this is no message"),
        ("6d617031", "there is no message number 0"),
        ("6d617031 00", "there is no message number 0"),
        ("6d617031 7f", "there is no message number 127"),
        (f"6d617031 92 {T1}", "there is no message number 146"),
        ("6d617031 81", "the seal is not the sender's"),
        ("6d617031 84" + T1, "the seal is not the sender's"),
        (f"6d617031 13 {T1} 00 02", "there is no choice 2 of 2"),
        (f"6d617031 15 {T1} {T2} {A4} 00 09 01", "there is no choice 9 of 9"),
        (f"6d617031 15 {T1} {T2} {A4} 09 {A4 * 9} 00 01", "a message has at most 8 addresses, not 9"),
        (f"6d617031 01 {T1} 01 0003 000100", "padding is zeros"),
        (f"6d617031 01 {T1} 01 0003 0000", "the message is cut off"),
        (f"6d617031 01 {T1} 01 0003 00000000", "something follows the message"),
        (f"6d617031 16 {T1} 0401 {'74' * 1025}", "a text of 1025 bytes is too long: it may have 1024"),
    ],
)
def test_what_breaks_a_rule_is_told(text: str, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode(bytes.fromhex(text), KEY)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "text",
    [
        f"16 {T1} 0002 c0af",  # UTF-8 with a byte too many
        f"16 {T1} 0003 eda080",  # a surrogate
        f"16 {T1} 0001 ff",
        f"14 {T1} 0a 8400cb007107 91021388 {T2}",  # a code with a byte too many
        f"14 {T1} 08 04cb007107 910213 {T2}",  # half a port
        f"14 {T1} 01 7f {T2}",  # a code that nothing has
    ],
)
def test_a_text_or_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        decode(bytes.fromhex("6d617031" + text))


def test_a_text_and_a_name_may_be_so_long() -> None:
    assert to_text("t" * 1024) == "t" * 1024
    assert to_name("\xf6" * 16) == "\xf6" * 16
