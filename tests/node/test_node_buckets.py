"""Buckets do what a list of contacts for each would do, in the way that their module says."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from node_town import identity_of

from multiaddr_py import Multiaddr, PeerId
from node.buckets import Buckets, Contact, distance, key_of
from node.reach import network_of

RANDOM = Random(7)
OWN = identity_of(RANDOM).peer_id
PEERS = [OWN, *(identity_of(RANDOM).peer_id for _ in range(24))]
K = 3
HOSTS = ("198.41.0.1", "198.41.0.2", "198.41.1.1", "127.0.0.1", "10.0.0.1")
ADDRESSES = [Multiaddr(f"/ip4/{host}/udp/{port}") for host in HOSTS for port in (1, 2)]
DIALS = [(), (Multiaddr("/ip4/127.0.0.1/tcp/1"),)]
CONTACTS = st.builds(Contact, st.sampled_from(PEERS), st.sampled_from(ADDRESSES), st.sampled_from(DIALS))


def common_bits(peer_id: PeerId) -> int:
    both = zip(*(f"{int.from_bytes(key_of(one)):0256b}" for one in (OWN, peer_id)), strict=True)
    return next((place for place, (one, other) in enumerate(both) if one != other), 256)


class BucketsLikeLists(RuleBasedStateMachine):
    """The model: a list for each number of common bits, and who waits for whom."""

    def __init__(self) -> None:
        super().__init__()
        self.buckets = Buckets(key_of(OWN), K)
        self.lists: dict[int, list[Contact]] = {common_bits(peer_id): [] for peer_id in PEERS}
        self.waiting: dict[PeerId, Contact] = {}

    def is_welcome(self, contact: Contact) -> bool:
        network = network_of(contact.address)
        everybody = [one for contacts in self.lists.values() for one in contacts]
        in_bucket = [network_of(one.address) for one in self.lists[common_bits(contact.peer_id)]]
        in_all = [network_of(one.address) for one in everybody]
        return network is None or (in_bucket.count(network) < 2 and in_all.count(network) < 10)

    @rule(contact=CONTACTS)
    def add(self, contact: Contact) -> None:
        doubted = self.buckets.add(contact)
        if contact.peer_id == OWN:
            assert doubted is None
            return
        contacts = self.lists[common_bits(contact.peer_id)]
        known = next((one for one in contacts if one.peer_id == contact.peer_id), None)
        expected = None
        if known is not None and known.address == contact.address:
            contacts.remove(known)
            contacts.append(contact)
            self.waiting.pop(contact.peer_id, None)
        elif known is None and not self.is_welcome(contact):
            pass
        elif known is None and len(contacts) < K:
            contacts.append(contact)
        else:
            asked = known or contacts[0]
            if asked.peer_id not in self.waiting:
                self.waiting[asked.peer_id] = contact
                expected = asked
        assert doubted == expected

    @rule(data=st.data())
    def silent(self, data: st.DataObject) -> None:
        known = [one for contacts in self.lists.values() for one in contacts]
        contact = data.draw(st.sampled_from(known) if known else CONTACTS)
        if not known:
            assert self.buckets.silent(contact) is None
            return
        contacts = self.lists[common_bits(contact.peer_id)]
        contacts.remove(contact)
        newcomer = self.waiting.pop(contact.peer_id, None)
        if newcomer is not None:
            is_known = newcomer.peer_id in [one.peer_id for one in contacts]
            if is_known or len(contacts) == K or not self.is_welcome(newcomer):
                newcomer = None
            else:
                contacts.append(newcomer)
        assert self.buckets.silent(contact) == newcomer

    @rule(contact=CONTACTS)
    def silent_elsewhere(self, contact: Contact) -> None:
        known = self.buckets.get(contact.peer_id)
        if known is None or known.address != contact.address:
            assert self.buckets.silent(contact) is None

    @rule(key=st.binary(min_size=32, max_size=32), count=st.integers(0, 20))
    def closest(self, key: bytes, count: int) -> None:
        everybody = [one for contacts in self.lists.values() for one in contacts]
        everybody.sort(key=lambda one: distance(key_of(one.peer_id), key))
        assert self.buckets.closest(key, count) == everybody[:count]

    @invariant()
    def the_rows_are_the_lists(self) -> None:
        rows = [(common, tuple(contacts)) for common, contacts in sorted(self.lists.items()) if contacts]
        assert self.buckets.rows() == rows
        everybody = [one for _, contacts in rows for one in contacts]
        assert sorted(self.buckets) == sorted(everybody)
        assert len(self.buckets) == len(everybody)

    @invariant()
    def who_waits_does_so_for_somebody_who_is_there(self) -> None:
        assert all(self.buckets.get(peer_id) is not None for peer_id in self.waiting)

    @invariant()
    def no_network_has_too_many(self) -> None:
        networks = Counter(network_of(one.address) for one in self.buckets)
        assert all(number <= 10 for network, number in networks.items() if network is not None)


TestBucketsLikeLists = BucketsLikeLists.TestCase


def contacts_of(network: str, count: int) -> list[Contact]:
    random = Random(11)
    return [
        Contact(identity_of(random).peer_id, Multiaddr(f"/ip4/{network}.{number}/udp/1"), ())
        for number in range(1, count + 1)
    ]


def test_a_network_of_the_internet_has_ten_places_and_two_in_a_bucket() -> None:
    buckets = Buckets(key_of(OWN))
    for contact in contacts_of("198.41.0", 200):
        assert buckets.add(contact) is None
    assert max(len(contacts) for _, contacts in buckets.rows()) == 2
    assert 2 < len(buckets) <= 10


def test_a_private_network_has_as_many_places_as_there_are() -> None:
    buckets = Buckets(key_of(OWN))
    for contact in contacts_of("10.0.0", 200):
        buckets.add(contact)
    assert len(buckets.rows()[0][1]) == 16


def test_a_network_of_ip6_is_one_of_64_bits() -> None:
    one, same, other = (
        network_of(Multiaddr(f"/ip6/{host}/udp/1"))
        for host in ("2001:500:2:3::c", "2001:500:2:3:4::c", "2001:500:2:4::c")
    )
    assert one == same != other
    assert one is not None


def test_a_peer_stays_where_it_answers_and_moves_when_it_does_not() -> None:
    buckets = Buckets(key_of(OWN))
    old, new = (Contact(PEERS[1], address, ()) for address in ADDRESSES[:2])
    buckets.add(old)
    assert buckets.add(new) == old
    assert list(buckets) == [old]
    buckets.add(old)  # it has answered
    assert buckets.add(new) == old
    assert buckets.silent(old) == new
    assert list(buckets) == [new]
