"""What is written is read as it was; all else is refused, and no larger than a message may be."""

from __future__ import annotations

import pickle

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiaddr_py import Multiaddr, PeerId
from node.fields import (
    MOST_ADDRESS_BYTES,
    MOST_ADDRESSES,
    Addresses,
    Fields,
    Hash,
    MessageError,
    Number,
    Text,
    decode,
    encode,
)

FEW = settings(max_examples=max(settings().max_examples // 2, 1))


class Part(Fields, frozen=True):
    """Fields within fields."""

    peer_id: PeerId
    addresses: Addresses


class Sample(Fields, frozen=True):
    """A field of every type."""

    hash: Hash
    number: Number
    text: Text
    address: Multiaddr
    part: Part
    parts: tuple[Part, ...]
    maybe: Hash | None
    flag: bool


class One(Fields, frozen=True):
    """A field of a type that bounds it."""

    number: Number


class Nothing(Fields, frozen=True):
    """No field."""


ADDRESSES = st.sampled_from(
    [
        Multiaddr("/ip4/203.0.113.7/tcp/4001"),
        Multiaddr("/ip6/2001:db8::1/udp/4001/quic-v1"),
        Multiaddr("/dns/example.org/tcp/443/tls/sni/example.org/ws"),
        Multiaddr("/unix/run/node"),
        Multiaddr("/ip4/127.0.0.1/tcp/1/p2p/12D3KooWQF6Q3i1QkziJQ9mkNNcyFD8GPQz6R6oEvT75wgsVXm4v/p2p-circuit"),
    ]
)
PEERS = st.builds(PeerId.from_key, st.just("Ed25519"), st.binary(min_size=32, max_size=32))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
PARTS = st.builds(Part, PEERS, st.lists(ADDRESSES, max_size=MOST_ADDRESSES).map(tuple))
HASHES = st.binary(min_size=32, max_size=32)
SAMPLES = st.builds(
    Sample,
    HASHES,
    st.integers(0, (1 << 32) - 1),
    TEXTS,
    ADDRESSES,
    PARTS,
    st.lists(PARTS, max_size=3).map(tuple),
    st.none() | HASHES,
    st.booleans(),
)
SAMPLE = Sample(
    hash=bytes(32),
    number=7,
    text="seven",
    address=Multiaddr("/ip4/192.0.2.1/tcp/1"),
    part=Part(PeerId.from_key("Ed25519", bytes(32)), ()),
    parts=(),
    maybe=None,
    flag=True,
)
VECTOR = (
    "98 c420" + "00" * 32 + "07 a5736576656e c408 04c0000201 06000192 c426 0024 08011220" + "00" * 32 + "90 90 c0 c3"
)


@given(SAMPLES)
def test_what_is_written_is_read_as_it_was(sample: Sample) -> None:
    assert decode(Sample, encode(sample)) == sample


def test_a_message_is_written_as_this_and_read_from_it() -> None:
    assert encode(SAMPLE).hex() == VECTOR.replace(" ", "")
    assert decode(Sample, bytes.fromhex(VECTOR)) == SAMPLE


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_an_error(payload: bytes) -> None:
    for kind in (Sample, Part, One, Nothing):
        try:
            message = decode(kind, payload)
        except MessageError as error:
            assert str(error).startswith(f"this is no {kind.__name__.lower()}: ")
        else:
            assert decode(kind, encode(message)) == message


@FEW
@given(SAMPLES, st.data())
def test_a_message_that_is_changed_is_a_message_or_an_error(sample: Sample, data: st.DataObject) -> None:
    payload = bytearray(encode(sample))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        message = decode(Sample, bytes(payload))
    except MessageError:
        return
    assert decode(Sample, encode(message)) == message


@FEW
@given(SAMPLES, st.binary(min_size=1, max_size=8))
def test_a_message_that_is_cut_or_goes_on_is_none(sample: Sample, more: bytes) -> None:
    payload = encode(sample)
    for wrong in (payload + more, payload[: -len(more)]):
        with pytest.raises(MessageError, match=r"^this is no sample: "):
            decode(Sample, wrong)


def changed(**fields: object) -> bytes:
    """Write a message as a liar would, with other fields."""
    written = [fields.get(name, getattr(SAMPLE, name)) for name in SAMPLE.__struct_fields__]
    return msgspec.msgpack.encode(written, enc_hook=bytes)


def with_addresses(*addresses: object) -> bytes:
    return changed(part=[bytes(SAMPLE.part.peer_id), addresses])


LONG = b"\x04\x7f\0\0\1\x06\0\1" * 32
WRONG = {
    "a short hash": changed(hash=bytes(31)),
    "a long hash": changed(hash=bytes(33)),
    "text for a hash": changed(hash="x" * 32),
    "a negative number": changed(number=-1),
    "a large number": changed(number=1 << 32),
    "a huge number": changed(number=(1 << 64) - 1),
    "a fraction": changed(number=0.5),
    "no number": changed(number=float("nan")),
    "a flag for a number": changed(number=True),
    "a long text": changed(text="x" * 201),
    "bytes for a text": changed(text=b"x"),
    "a text that is not UTF-8": encode(SAMPLE).replace(b"seven", b"seve\xff"),
    "a surrogate": encode(SAMPLE).replace(b"seven", b"\xed\xa0\x80en"),
    "no address": changed(address=b""),
    "text for an address": changed(address="/ip4/192.0.2.1/tcp/1"),
    "an address cut off": changed(address=b"\x04\xc0\0\2"),
    "an address of an unknown protocol": changed(address=b"\xff\xff\x03"),
    "a long address": changed(address=LONG),
    "a number for an address": changed(address=4),
    "a list for an address": changed(address=[4]),
    "no peer ID": changed(part=[b"", ()]),
    "another multihash": changed(part=[b"\x11\x01x", ()]),
    "a peer ID for an address": with_addresses(bytes(SAMPLE.part.peer_id)),
    "many addresses": with_addresses(*[b"\x04\xc0\0\2\1"] * (MOST_ADDRESSES + 1)),
    "an address of none": with_addresses(None),
    "a part with one field": changed(part=[b""]),
    "a part with three": changed(part=[bytes(SAMPLE.part.peer_id), (), 1]),
    "a map": msgspec.msgpack.encode({"number": 7}),
    "an extension": b"\xd4\x01\x00",
    "a time": changed(number=msgspec.msgpack.Ext(-1, bytes(4))),
    "an array that says to be huge": b"\xdd\xff\xff\xff\xff",
    "bytes that say to be huge": b"\x98\xc6\xff\xff\xff\xff",
    "text that says to be huge": changed()[:37].replace(b"\xa5", b"\xdb\xff\xff\xff\xff"),
    "deep": b"\x91" * 100_000,
    "deep in a field": changed()[:-2] + b"\x91" * 100_000,
    "deep maps": b"\x81" * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("payload", WRONG.values(), ids=WRONG)
def test_what_is_no_such_message_is_refused(payload: bytes) -> None:
    with pytest.raises(MessageError, match=r"^this is no sample: "):
        decode(Sample, payload)


def test_an_address_may_have_as_many_bytes_as_are_allowed_and_no_more() -> None:
    name = "a." * (MOST_ADDRESS_BYTES // 2 - 2)
    longest = Multiaddr(f"/dns/{name}a".ljust(5 + MOST_ADDRESS_BYTES - 3, "a"))
    while len(bytes(longest)) > MOST_ADDRESS_BYTES:
        longest = Multiaddr(str(longest)[:-1])
    assert len(bytes(longest)) == MOST_ADDRESS_BYTES
    assert decode(Sample, changed(address=bytes(longest))).address == longest
    with pytest.raises(MessageError, match="1 to 255 bytes are wanted"):
        decode(Sample, changed(address=bytes(Multiaddr(str(longest) + "a"))))


def test_a_message_without_fields_is_two_different_things_to_two_kinds() -> None:
    assert decode(Nothing, encode(Nothing())) == Nothing()
    with pytest.raises(MessageError, match=r"^this is no one: "):
        decode(One, encode(Nothing()))
    with pytest.raises(MessageError, match=r"^this is no nothing: "):
        decode(Nothing, encode(One(1)))


def test_a_message_cannot_be_changed_and_an_error_pickles() -> None:
    with pytest.raises(AttributeError):
        SAMPLE.number = 8  # type: ignore[misc]  # as is tested
    assert str(pickle.loads(pickle.dumps(MessageError("why")))) == "why"
