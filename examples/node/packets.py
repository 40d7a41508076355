"""The datagrams of discovery: who has sent one, until when it holds, and what it says.

    signature    64 bytes, Ed25519, of `CONTEXT` and all that follows
    key          32 bytes: the sender's public key, and with it the peer ID
    kind         one byte: 1 ping, 2 pong, 3 findnode, 4 neighbours
    expiry       four bytes, the largest first: seconds of Unix
    fields       an array of MessagePack, as the classes below have them

A datagram has at most `LARGEST` bytes. Questions have at least `QUESTION_SIZE`, and a pong has at most as many: so a
stranger, who may have forged where it is, can have no more than twice the bytes sent there that it spends itself, a
pong and a ping for its ping. Neighbours, which may be several times as large as the question, are told to nobody but
who has shown that it is where it asks from.

A datagram is known by its SHA-256, which an answer repeats. What is cheap is checked first, the signature after that,
and the fields of a stranger's datagram are not read before it has turned out to be the sender's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Annotated, Final, NamedTuple, TypeAlias

import msgspec

from multiaddr_py import Multiaddr, PeerId

from .buckets import Contact, K
from .fields import MOST_ADDRESSES, Addresses, Fields, Hash, MessageError, decode, encode
from .identity import KEY_TYPE, Identity, IdentityError, check_signature

LARGEST: Final = 1200  # bytes, which go through every network in one packet
QUESTION_SIZE: Final = 384
MOST_OWN_BYTES: Final = 160
"""Of the addresses in a ping or a pong, so that the latter is no longer than a question."""
LIFETIME: Final = 20  # seconds from being written to the expiry
FURTHEST: Final = 60  # seconds ahead that an expiry can be, since clocks differ
CONTEXT: Final = b"multiaddr-py/node/datagram/1\n"

_SIGNATURE: Final = slice(64)
_SIGNED: Final = slice(64, None)
_KEY: Final = slice(64, 96)
_KIND: Final = 96
_EXPIRY: Final = slice(97, 101)
_FIELDS: Final = 101

TOKEN_SIZE: Final = 8
Token: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=TOKEN_SIZE, max_length=TOKEN_SIZE)]
"""Bytes at random, by which no two questions are the same."""
Padding: TypeAlias = Annotated[bytes, msgspec.Meta(max_length=QUESTION_SIZE)]


class Ping(Fields, frozen=True):
    """Are you there? These are my own addresses, for connections and for datagrams."""

    token: Token
    addresses: Addresses
    padding: Padding = b""


class Pong(Fields, frozen=True):
    """I am, and these are mine; your ping came from the address `seen`."""

    ping_hash: Hash
    seen: Multiaddr
    addresses: Addresses


class FindNode(Fields, frozen=True):
    """Tell me whom you know that is close to a key."""

    token: Token
    target: Hash
    padding: Padding = b""


class Neighbours(Fields, frozen=True):
    """These, of `total` that I tell you in as many datagrams as it takes."""

    question_hash: Hash
    total: Annotated[int, msgspec.Meta(ge=0, le=K)]
    contacts: Annotated[tuple[Contact, ...], msgspec.Meta(max_length=K)]


Packet: TypeAlias = Ping | Pong | FindNode | Neighbours
_CLASSES: Final[dict[int, type[Packet]]] = {1: Ping, 2: Pong, 3: FindNode, 4: Neighbours}
_KINDS: Final = {packet: kind for kind, packet in _CLASSES.items()}


class Signed(NamedTuple):
    """A datagram that was read."""

    sender: PeerId
    packet: Packet
    packet_hash: bytes


def packet_hash(datagram: bytes) -> bytes:
    """Return what a datagram is known by."""
    return sha256(datagram).digest()


def write_packet(identity: Identity, packet: Packet, now: float) -> bytes:
    """Return the datagram of a packet, which is padded if it is a question. Raises `MessageError` if it is too long."""
    fields = encode(packet)
    if isinstance(packet, Ping | FindNode):
        missing = QUESTION_SIZE - _FIELDS - len(fields)
        fields = encode(msgspec.structs.replace(packet, padding=packet.padding + bytes(max(missing, 0))))
    expiry = int(now) + LIFETIME
    assert identity.peer_id.key is not None
    signed = b"".join((identity.peer_id.key[1], bytes([_KINDS[type(packet)]]), expiry.to_bytes(4), fields))
    datagram = identity.sign(CONTEXT, signed) + signed
    if len(datagram) > LARGEST:
        raise MessageError(f"a datagram has at most {LARGEST} bytes, not {len(datagram)}")
    return datagram


def read_packet(datagram: bytes, now: float) -> Signed:
    """Return what a datagram says, and who says so; raises `MessageError`."""
    if not _FIELDS < len(datagram) <= LARGEST:
        raise MessageError(f"a datagram has {_FIELDS + 1} to {LARGEST} bytes, not {len(datagram)}")
    packet = _CLASSES.get(datagram[_KIND])
    if packet is None:
        raise MessageError(f"there is no datagram of kind {datagram[_KIND]}")
    if packet in (Ping, FindNode) and len(datagram) < QUESTION_SIZE:
        raise MessageError(f"a question has at least {QUESTION_SIZE} bytes, not {len(datagram)}")
    ahead = int.from_bytes(datagram[_EXPIRY]) - now
    if not 0 <= ahead <= FURTHEST:
        raise MessageError(f"a datagram expires within {FURTHEST} s, not in {ahead:g} s")
    sender = PeerId.from_key(KEY_TYPE, datagram[_KEY])
    try:
        check_signature(sender, CONTEXT, datagram[_SIGNED], datagram[_SIGNATURE])
    except IdentityError as error:
        raise MessageError(str(error)) from error
    return Signed(sender, decode(packet, datagram[_FIELDS:]), packet_hash(datagram))


def fitting(addresses: Iterable[Multiaddr]) -> Addresses:
    """Return the first few of own addresses, as many as a ping and a pong have room for."""
    fits: list[Multiaddr] = []
    left = MOST_OWN_BYTES
    for address in addresses:
        size = len(bytes(address)) + 2
        if size <= left and len(fits) < MOST_ADDRESSES:
            fits.append(address)
            left -= size
    return tuple(fits)


def write_neighbours(identity: Identity, question: bytes, contacts: Iterable[Contact], now: float) -> Iterator[bytes]:
    """Return as many datagrams as it takes to tell contacts, at least one; `question` is the hash of the question."""
    told = list(contacts)
    room = LARGEST - _FIELDS - _size() - 2  # since an array of 16 begins with two bytes more
    parts: list[list[Contact]] = [[]]
    left = room
    for contact in told:
        size = _size(contact) - _size()
        if size > left:
            parts.append([])
            left = room
        parts[-1].append(contact)
        left -= size
    for part in parts:
        yield write_packet(identity, Neighbours(question, len(told), tuple(part)), now)


def _size(*contacts: Contact) -> int:
    return len(encode(Neighbours(bytes(32), K, contacts)))
