"""The contacts that a node knows, in buckets by how far they are from it in Kademlia's sense.

Distance is the XOR of two keys. A bucket has those whose keys have so many first bits in common with the own one, `K`
of them at most, least recently seen first. Who has been there for long is likely to stay, so a newcomer takes nobody's
place who still answers: it waits while the least recently seen is asked. In the same way a peer that turns up at
another address waits until it does not answer at the one that is known: else who passes its datagrams on could have
its place.

Addresses are cheap for who has a network of them: one of the Internet has few places in a bucket, and in all.
No input or output here, and no clock: what comes in was proven before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from multiaddr_py import Multiaddr, PeerId

from .fields import Addresses
from .reach import network_of

K: Final = 16
MOST_OF_A_NETWORK: Final = 10
MOST_OF_A_NETWORK_IN_A_BUCKET: Final = 2
KEY_BITS: Final = 256


class Contact(NamedTuple):
    """A node that was heard of."""

    peer_id: PeerId
    address: Multiaddr
    """Where it hears datagrams."""
    dial: Addresses
    """Where it says that it accepts connections."""


def key_of(peer_id: PeerId) -> bytes:
    """Return the key of a peer ID, 32 bytes, as in libp2p's Kademlia."""
    return sha256(bytes(peer_id)).digest()


def distance(key: bytes, other: bytes) -> int:
    """Return how far two keys are from each other."""
    return int.from_bytes(key) ^ int.from_bytes(other)


class Buckets:
    """The contacts of the node that has a key."""

    def __init__(self, own_key: bytes, k: int = K) -> None:
        self._own_key = own_key
        self._k = k
        self._buckets: dict[int, dict[PeerId, Contact]] = {}  # by common bits; the last was seen last
        self._waiting: dict[PeerId, Contact] = {}  # who takes a contact's place if it is silent
        self._networks: Counter[bytes] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    def __iter__(self) -> Iterator[Contact]:
        for bucket in self._buckets.values():
            yield from bucket.values()

    def get(self, peer_id: PeerId) -> Contact | None:
        """Return a contact that is known."""
        return self._bucket(peer_id).get(peer_id)

    def rows(self) -> list[tuple[int, tuple[Contact, ...]]]:
        """Return the buckets: how many first bits they have in common with the own key, and who is in them."""
        return [(common, tuple(self._buckets[common].values())) for common in sorted(self._buckets)]

    def closest(self, target: bytes, count: int = K) -> list[Contact]:
        """Return the contacts that are closest to a key, the closest first."""
        return sorted(self, key=lambda contact: distance(key_of(contact.peer_id), target))[:count]

    def has_room(self, contact: Contact) -> bool:
        """Say whether a stranger can have a place without another one's losing it."""
        return len(self._bucket(contact.peer_id)) < self._k and self._is_welcome(contact)

    def add(self, contact: Contact) -> Contact | None:
        """Take note of who has just shown that it is at its address; return who is to be asked whether it still is.

        If that one is silent, say so, and the newcomer has its place.
        """
        common = self._common(contact.peer_id)
        if common == KEY_BITS:  # this node itself
            return None
        bucket = self._buckets.get(common, {})
        known = bucket.get(contact.peer_id)
        if known is not None and known.address == contact.address:
            del bucket[contact.peer_id]
            bucket[contact.peer_id] = contact
            self._waiting.pop(contact.peer_id, None)
            return None
        if known is None:
            if not self._is_welcome(contact):
                return None
            if len(bucket) < self._k:
                self._put(contact)
                return None
            known = next(iter(bucket.values()))
        if known.peer_id in self._waiting:  # it is being asked
            return None
        self._waiting[known.peer_id] = contact
        return known

    def silent(self, contact: Contact) -> Contact | None:
        """Forget who does not answer; return who has its place now."""
        known = self.get(contact.peer_id)
        if known is None or known.address != contact.address:
            return None
        common = self._common(known.peer_id)
        del self._buckets[common][known.peer_id]
        if not self._buckets[common]:
            del self._buckets[common]
        network = network_of(known.address)
        if network is not None:
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]
        newcomer = self._waiting.pop(known.peer_id, None)
        if newcomer is None or self.get(newcomer.peer_id) is not None or not self.has_room(newcomer):
            return None
        self._put(newcomer)
        return newcomer

    def _put(self, contact: Contact) -> None:
        self._buckets.setdefault(self._common(contact.peer_id), {})[contact.peer_id] = contact
        network = network_of(contact.address)
        if network is not None:
            self._networks[network] += 1

    def _common(self, peer_id: PeerId) -> int:
        """Return how many first bits a peer's key has in common with the own one."""
        return KEY_BITS - distance(self._own_key, key_of(peer_id)).bit_length()

    def _bucket(self, peer_id: PeerId) -> dict[PeerId, Contact]:
        return self._buckets.get(self._common(peer_id), {})

    def _is_welcome(self, contact: Contact) -> bool:
        """Say whether there are not too many of a contact's network yet."""
        network = network_of(contact.address)
        if network is None:
            return True
        neighbours = [one for one in self._bucket(contact.peer_id).values() if network_of(one.address) == network]
        return self._networks[network] < MOST_OF_A_NETWORK and len(neighbours) < MOST_OF_A_NETWORK_IN_A_BUCKET
