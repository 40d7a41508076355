"""A datagram says what was written, by whom it was signed; anything else is refused."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_town import START, identity_of

from multiaddr_py import Multiaddr, PeerId
from node.buckets import Contact
from node.fields import MessageError
from node.identity import new_identity
from node.packets import (
    CONTEXT,
    FURTHEST,
    LARGEST,
    LIFETIME,
    MOST_OWN_BYTES,
    QUESTION_SIZE,
    FindNode,
    Neighbours,
    Ping,
    Pong,
    fitting,
    packet_hash,
    read_packet,
    write_neighbours,
    write_packet,
)

ALICE = identity_of(Random(1))
HASH = bytes(range(32))
IP4 = Multiaddr("/ip4/198.41.0.4/udp/4001")
IP6 = Multiaddr("/ip6/2001:500:2::c/udp/4001")
TCP6 = Multiaddr("/ip6/2001:500:2::c/tcp/4001")

ADDRESSES = st.one_of(
    st.builds("/ip4/{}/udp/{}".format, st.ip_addresses(v=4), st.integers(0, 65535)),
    st.builds("/ip6/{}/tcp/{}".format, st.ip_addresses(v=6), st.integers(0, 65535)),
    st.sampled_from(["/dns/node.example/udp/1", "/unix/%2Ftmp", "/p2p-circuit"]),
).map(Multiaddr)
PEERS = st.binary(min_size=32, max_size=32).map(lambda key: PeerId.from_key("Ed25519", key))
DIAL = st.lists(ADDRESSES, max_size=3).map(tuple)
CONTACTS = st.builds(Contact, PEERS, ADDRESSES, DIAL)
HASHES = st.binary(min_size=32, max_size=32)
TOKENS = st.binary(min_size=8, max_size=8)
OWN = st.lists(ADDRESSES, max_size=12).map(fitting)
PACKETS: st.SearchStrategy[Any] = st.one_of(
    st.builds(Ping, TOKENS, OWN),
    st.builds(Pong, HASHES, ADDRESSES, OWN),
    st.builds(FindNode, TOKENS, HASHES),
    st.builds(Neighbours, HASHES, st.integers(0, 16), st.lists(CONTACTS, max_size=5).map(tuple)),
)


def plain(packet: Any) -> tuple[object, ...]:
    """Return the fields without the padding."""
    return tuple(getattr(packet, name) for name in packet.__struct_fields__ if name != "padding")


def signed_by_alice(rest: bytes) -> bytes:
    return ALICE.sign(CONTEXT, rest) + rest


@given(PACKETS)
def test_reading_what_was_written_gives_it_back(packet: Any) -> None:
    datagram = write_packet(ALICE, packet, START)
    sender, again, known_by = read_packet(datagram, START)
    assert (sender, type(again), plain(again)) == (ALICE.peer_id, type(packet), plain(packet))
    assert known_by == packet_hash(datagram)


@given(PACKETS, st.data())
def test_a_damaged_datagram_is_refused(packet: Any, data: st.DataObject) -> None:
    datagram = bytearray(write_packet(ALICE, packet, START))
    place = data.draw(st.integers(0, len(datagram) - 1))
    datagram[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(MessageError):
        read_packet(bytes(datagram), START)


@given(PACKETS, st.data())
def test_a_part_of_a_datagram_is_refused(packet: Any, data: st.DataObject) -> None:
    datagram = write_packet(ALICE, packet, START)
    with pytest.raises(MessageError):
        read_packet(datagram[: data.draw(st.integers(0, len(datagram) - 1))], START)
    with pytest.raises(MessageError):
        read_packet(datagram + data.draw(st.binary(min_size=1)), START)


@given(st.binary(max_size=LARGEST + 10))
def test_bytes_that_nobody_has_signed_are_refused(datagram: bytes) -> None:
    with pytest.raises(MessageError):
        read_packet(datagram, START)


@given(st.integers(0, 5), st.binary(max_size=600), st.integers(-30, 90))
def test_what_is_signed_is_understood_or_refused_whatever_it_is(kind: int, fields: bytes, ahead: int) -> None:
    assert ALICE.peer_id.key is not None
    rest = ALICE.peer_id.key[1] + bytes([kind]) + (int(START) + ahead).to_bytes(4) + fields
    try:
        _, packet, _ = read_packet(signed_by_alice(rest), START)
    except MessageError as error:
        assert str(error)
    else:
        assert 0 <= ahead <= FURTHEST
        assert type(packet) is (Ping, Pong, FindNode, Neighbours)[kind - 1]


def test_a_datagram_is_refused_once_it_has_expired_and_if_it_does_so_too_late() -> None:
    datagram = write_packet(ALICE, FindNode(bytes(8), HASH), START)
    read_packet(datagram, START + LIFETIME)
    read_packet(datagram, START + LIFETIME - FURTHEST)
    with pytest.raises(MessageError, match="a datagram expires within 60 s, not in -1 s"):
        read_packet(datagram, START + LIFETIME + 1)
    with pytest.raises(MessageError, match="a datagram expires within 60 s, not in 61 s"):
        read_packet(datagram, START + LIFETIME - FURTHEST - 1)


def test_what_is_too_long_or_short_is_refused_before_anything_else() -> None:
    with pytest.raises(MessageError, match="has 102 to 1200 bytes, not 1201"):
        read_packet(bytes(1201), START)
    with pytest.raises(MessageError, match="has 102 to 1200 bytes, not 101"):
        read_packet(bytes(101), START)
    with pytest.raises(MessageError, match="at most 1200 bytes"):
        write_packet(ALICE, Neighbours(HASH, 16, (Contact(ALICE.peer_id, IP6, (TCP6,) * 3),) * 16), START)


def test_a_signature_of_another_context_or_key_is_refused() -> None:
    rest = write_packet(ALICE, FindNode(bytes(8), HASH), START)[64:]
    for signature in (ALICE.sign(b"", rest), new_identity().sign(CONTEXT, rest)):
        with pytest.raises(MessageError, match="has not signed this"):
            read_packet(signature + rest, START)


def test_a_question_that_is_shorter_than_its_answer_may_be_is_refused() -> None:
    assert ALICE.peer_id.key is not None
    datagram = write_packet(ALICE, Ping(bytes(8), ()), START)
    short = datagram[64:101] + b"\x92\xc4\x08" + bytes(8) + b"\x90"  # the same without its padding
    with pytest.raises(MessageError, match="a question has at least 384 bytes"):
        read_packet(signed_by_alice(short), START)


@given(OWN, OWN)
def test_a_question_has_its_size_and_a_pong_is_no_longer_than_the_ping(own: Any, others: Any) -> None:
    ping = write_packet(ALICE, Ping(bytes(8), own), START)
    longest = Multiaddr("/ip6/2001:500:2::c/udp/65535")
    assert len(write_packet(ALICE, FindNode(bytes(8), HASH), START)) == QUESTION_SIZE
    assert len(ping) in (QUESTION_SIZE, QUESTION_SIZE + 1)  # as the length of some paddings takes a byte more
    assert len(write_packet(ALICE, Pong(HASH, longest, others), START)) <= len(ping)


@given(st.lists(ADDRESSES | st.just(Multiaddr("/dns/" + "n" * 200)), max_size=20))
def test_own_addresses_are_told_as_far_as_there_is_room(own: list[Multiaddr]) -> None:
    told = fitting(own)
    assert sum(len(bytes(address)) + 2 for address in told) <= MOST_OWN_BYTES
    assert len(told) <= 8
    if len(own) <= 3 and all(len(bytes(address)) < 50 for address in own):
        assert told == tuple(own)


@given(st.lists(CONTACTS, max_size=16))
def test_neighbours_come_in_as_few_datagrams_as_they_fit_in(contacts: list[Contact]) -> None:
    datagrams = list(write_neighbours(ALICE, HASH, contacts, START))
    assert all(len(datagram) <= LARGEST for datagram in datagrams)
    packets = [read_packet(datagram, START).packet for datagram in datagrams]
    assert [contact for packet in packets for contact in packet.contacts] == contacts  # type: ignore[union-attr]
    assert {(packet.question_hash, packet.total) for packet in packets} == {(HASH, len(contacts))}  # type: ignore[union-attr]
    for one, other in pairwise(datagrams):
        assert len(one) + len(other) > LARGEST


def test_sixteen_contacts_of_usual_size_fit_in_one_datagram_and_large_ones_in_two() -> None:
    usual = Contact(ALICE.peer_id, IP4, (Multiaddr("/ip4/198.41.0.4/tcp/4001"),))
    large = Contact(ALICE.peer_id, IP6, (TCP6,) * 3)
    sizes = [len(list(write_neighbours(ALICE, HASH, [contact] * 16, START))) for contact in (usual, large)]
    assert sizes == [1, 2]
