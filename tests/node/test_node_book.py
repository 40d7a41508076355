"""Addresses that were only heard of are told to nobody, and drive out nothing that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from multiaddr_py import Multiaddr, PeerId
from node import book as books
from node.book import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_PAUSE_OF_GIVEN,
    MOST_DIALLED,
    MOST_FAILURES,
    MOST_FAILURES_OF_HEARD,
    MOST_HEARD,
    MOST_HEARD_OF_HOST,
    MOST_OF_ONE_PEER,
    Book,
    Entry,
    Source,
    with_peer,
)
from node.gate import host_of


def peer(number: int) -> PeerId:
    return PeerId.from_key("Ed25519", number.to_bytes(32))


OWN, ALICE, BOB, MALLORY = (peer(number) for number in range(4))


def at(host: str, port: int, peer_id: PeerId | None = None) -> Multiaddr:
    address = Multiaddr(f"/ip{6 if ':' in host else 4}/{host}/tcp/{port}")
    return address if peer_id is None else address / f"/p2p/{peer_id}"


def public(number: int) -> str:
    """Return one of many hosts of the Internet."""
    return f"203.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def new_book() -> Book:
    return Book(OWN, Random(1))


def addresses(book: Book) -> list[Multiaddr]:
    return [entry.address for entry in book]


def entry_of(book: Book, address: Multiaddr) -> Entry:
    return next(entry for entry in book if entry.address == address)


def hear_and_reach(book: Book, address: Multiaddr, teller: Multiaddr) -> Entry:
    book.hear([address], teller)
    entry = entry_of(book, address)
    assert address.peer_id
    book.reached(entry, address.peer_id)
    return entry


TELLER = at("203.0.114.1", 1, ALICE)
HEARD = at("203.0.114.2", 2, BOB)


class Entries(RuleBasedStateMachine):
    """Any addresses are heard of anybody, and dialled or not, in a book with little room."""

    HOSTS = st.integers(0, 9).map(public)
    PORTS = st.integers(1, 9)
    PEERS = st.integers(0, 9).map(peer)

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        bounds = {"MOST_HEARD": 12, "MOST_HEARD_OF_HOST": 5, "MOST_DIALLED": 6, "MOST_OF_ONE_PEER": 3}
        for name, number in bounds.items():
            self.patch.setattr(books, name, number)
        self.book = new_book()
        self.given = {at(public(1), 1): Source.STATIC, at(public(2), 2, ALICE): Source.SEED}
        for address, source in self.given.items():
            self.book.add(address, source)

    def teardown(self) -> None:
        self.patch.undo()

    @rule(places=st.lists(st.tuples(HOSTS, PORTS, PEERS), max_size=8), host=HOSTS, port=PORTS, who=PEERS)
    def hear(self, places: list[tuple[str, int, PeerId]], host: str, port: int, who: PeerId) -> None:
        before = {entry for entry in self.book if entry.source is not Source.HEARD}
        self.book.hear([at(*place) for place in places], at(host, port, who))
        assert before <= {*self.book}

    @rule(random=st.randoms(use_true_random=False), who=PEERS)
    def reach(self, random: Random, who: PeerId) -> None:
        entry = random.choice([*self.book])
        assume(who == entry.address.peer_id or (entry.address.peer_id is None and who != OWN))
        gone = self.book.reached(entry, who)
        assert gone not in [*self.book]

    @rule(random=st.randoms(use_true_random=False))
    def fail(self, random: Random) -> None:
        entry = random.choice([*self.book])
        is_gone = self.book.failed(entry)
        assert is_gone == (entry not in [*self.book])

    @rule(to=st.sampled_from([TELLER, at("127.0.0.1", 1, BOB)]), count=st.integers(0, 5))
    def tell(self, to: Multiaddr, count: int) -> None:
        known = [entry for entry in self.book if entry.is_reached and entry.peer_id != to.peer_id]
        told = self.book.told(to, count)
        assert {*told} <= {with_peer(entry) for entry in known}
        assert len(told) == len({*told}) == min(count, len({with_peer(entry) for entry in known}))

    @invariant()
    def bounds_are_kept(self) -> None:
        heard = [entry for entry in self.book if entry.source is Source.HEARD]
        assert len(heard) <= 12
        assert max(Counter(entry.host for entry in heard).values(), default=0) <= 5
        assert max(Counter(entry.peer_id for entry in heard).values(), default=0) <= 3
        assert sum(entry.source is Source.DIALLED for entry in self.book) <= 6

    @invariant()
    def given_addresses_stay(self) -> None:
        assert self.given.items() <= {entry.address: entry.source for entry in self.book}.items()

    @invariant()
    def heard_means_not_reached(self) -> None:
        assert not any(entry.is_reached for entry in self.book if entry.source is Source.HEARD)
        assert not any(entry.address.peer_id == OWN for entry in self.book)


TestEntries = Entries.TestCase
TestEntries.settings = settings(
    max_examples=max(settings().max_examples // 3, 1), stateful_step_count=25, deadline=None
)


# What is taken note of


def test_what_was_heard_is_not_told_before_it_was_reached() -> None:
    book = new_book()
    book.hear([HEARD], TELLER)
    assert book.told(at("203.0.114.3", 1, MALLORY), 9) == []
    book.reached(entry_of(book, HEARD), BOB)
    assert book.told(at("203.0.114.3", 1, MALLORY), 9) == [HEARD]
    book.failed(entry_of(book, HEARD))
    assert book.told(at("203.0.114.3", 1, MALLORY), 9) == []


def test_nobody_is_told_of_itself() -> None:
    book = new_book()
    hear_and_reach(book, HEARD, TELLER)
    assert book.told(at("203.0.114.9", 1, BOB), 9) == []


NOT_HEARD = {
    "no peer ID": at("203.0.114.2", 2),
    "the node itself": at("203.0.114.2", 2, OWN),
    "UDP": Multiaddr(f"/ip4/203.0.114.2/udp/2/p2p/{BOB}"),
    "port 0": at("203.0.114.2", 0, BOB),
    "more above it": Multiaddr(f"/ip4/203.0.114.2/tcp/2/ws/p2p/{BOB}"),
    "through a relay": Multiaddr(f"/ip4/203.0.114.2/tcp/2/p2p/{ALICE}/p2p-circuit/p2p/{BOB}"),
    "no host": Multiaddr(f"/tcp/2/p2p/{BOB}"),
    "nowhere": Multiaddr(f"/p2p/{BOB}"),
    "a name": Multiaddr(f"/dns4/node.example/tcp/2/p2p/{BOB}"),
    "a zone": Multiaddr(f"/ip6zone/lo/ip6/fe80::1/tcp/2/p2p/{BOB}"),
    "any interface": at("0.0.0.0", 2, BOB),
    "a group": at("224.0.0.1", 2, BOB),
    "loopback": at("127.0.0.1", 2, BOB),
    "a house": at("10.0.0.1", 2, BOB),
    "a house behind a mapped address": at("::ffff:10.0.0.1", 2, BOB),
    "a Unix socket": Multiaddr(f"/unix/a/p2p/{BOB}"),
}


@pytest.mark.parametrize("address", NOT_HEARD.values(), ids=NOT_HEARD)
def test_an_address_on_the_internet_is_believed_that_a_stranger_can_know(address: Multiaddr) -> None:
    book = new_book()
    book.hear([address, HEARD], TELLER)
    assert addresses(book) == [HEARD]


SCOPES = [
    (at("127.0.0.1", 1, ALICE), {"127.0.0.1", "10.0.0.2", "203.0.114.2"}),
    (at("10.0.0.1", 1, ALICE), {"10.0.0.2", "203.0.114.2"}),
    (at("203.0.114.1", 1, ALICE), {"203.0.114.2"}),
    (Multiaddr(f"/p2p/{ALICE}"), {"127.0.0.1", "10.0.0.2", "203.0.114.2"}),
]


@pytest.mark.parametrize(("to", "hosts"), SCOPES, ids=str)
def test_who_is_told_can_be_there(to: Multiaddr, hosts: set[str]) -> None:
    book = new_book()
    for number, host in enumerate(["127.0.0.1", "10.0.0.2", "203.0.114.2"]):
        hear_and_reach(book, at(host, 2, peer(10 + number)), at("127.0.0.1", 1, MALLORY))
    assert {str(address[0].value) for address in book.told(to, 9)} == hosts


def test_a_given_address_is_what_it_was_given_as_first() -> None:
    book = new_book()
    for source in (Source.STATIC, Source.SEED, Source.DIALLED):
        book.add(HEARD, source)
    book.hear([HEARD], TELLER)
    assert [(entry.address, entry.source) for entry in book] == [(HEARD, Source.STATIC)]


def test_a_given_address_is_not_heard_of_once_it_is_known_who_is_there() -> None:
    book = new_book()
    book.add(HEARD[:-1], Source.SEED)
    book.reached(entry_of(book, HEARD[:-1]), BOB)
    book.hear([HEARD], TELLER)
    assert addresses(book) == [HEARD[:-1]]
    assert book.told(TELLER, 9) == [HEARD]


# Failures


@pytest.mark.parametrize(
    ("source", "most"),
    [(Source.HEARD, MOST_FAILURES_OF_HEARD), (Source.DIALLED, MOST_FAILURES)],
    ids=str,
)
def test_where_nobody_is_for_long_is_forgotten(source: Source, most: int) -> None:
    book = new_book()
    book.hear([HEARD], TELLER)
    entry = entry_of(book, HEARD)
    if source is Source.DIALLED:
        book.reached(entry, BOB)
    assert [book.failed(entry) for _ in range(most)] == [False] * (most - 1) + [True]
    assert addresses(book) == []


def test_failures_count_one_after_the_other_only() -> None:
    book = new_book()
    entry = hear_and_reach(book, HEARD, TELLER)
    for _ in range(3):
        assert not any(book.failed(entry) for _ in range(MOST_FAILURES - 1))
        book.reached(entry, BOB)


@pytest.mark.parametrize("source", [Source.STATIC, Source.SEED])
def test_a_given_address_is_never_forgotten(source: Source) -> None:
    book = new_book()
    book.add(HEARD, source)
    assert not any(book.failed(entry_of(book, HEARD)) for _ in range(10 * MOST_FAILURES))


@pytest.mark.parametrize(
    ("source", "longest"),
    [(Source.STATIC, LONGEST_PAUSE_OF_GIVEN), (Source.SEED, LONGEST_PAUSE_OF_GIVEN), (Source.DIALLED, LONGEST_PAUSE)],
)
def test_pauses_grow_to_a_bound_and_are_at_random(source: Source, longest: float) -> None:
    """Two thousand are weeks without an answer."""
    entry, random = Entry(HEARD, source), Random(1)
    pauses = []
    for _ in range(2_000):
        entry.postpone(1e9, random)
        pauses.append(entry.due - 1e9)
    for number, pause in enumerate(pauses[:20]):
        whole = min(FIRST_PAUSE * 2**number, longest)
        assert whole / 2 <= pause <= whole
    assert longest / 2 <= min(pauses[20:]) < longest * 0.6
    assert longest * 0.9 < max(pauses[20:]) <= longest


# Somebody who wants to fill the book


def lies(count: int, peers: Iterable[PeerId]) -> list[Multiaddr]:
    return [at("203.0.115.1", 1 + number, peer_id) for number, peer_id in zip(range(count), peers, strict=False)]


def many(first: int) -> Iterable[PeerId]:
    return (peer(number) for number in range(first, first + 100_000))


def test_one_host_fills_a_part_of_the_book_only_whoever_it_says_it_is() -> None:
    book = new_book()
    for number in range(6):
        book.hear(lies(64, many(1_000 * number + 10)), at("203.0.114.66", 1 + number, peer(90_000 + number)))
    assert len(book) == MOST_HEARD_OF_HOST


def test_a_network_of_ipv6_is_one_host() -> None:
    book = new_book()
    for number in range(6):
        book.hear(lies(64, many(1_000 * number + 10)), at(f"2a00:1::{number + 1:x}", 1, peer(90_000 + number)))
    assert len(book) == MOST_HEARD_OF_HOST


def test_who_says_most_makes_room_for_others() -> None:
    book = new_book()
    book.hear([HEARD], TELLER)
    for number in range(6):
        book.hear(lies(MOST_HEARD_OF_HOST, many(1_000 * number + 10)), at(public(number), 1, MALLORY))
    assert len(book) == MOST_HEARD
    for number in range(20):
        book.hear([at("203.0.114.4", 10 + number, peer(20_000 + number))], at(f"203.0.114.{100 + number}", 1, MALLORY))
    assert len(book) == MOST_HEARD
    assert {HEARD, *(at("203.0.114.4", 10 + number, peer(20_000 + number)) for number in range(20))} <= {
        *addresses(book)
    }


def test_what_was_reached_is_not_driven_out_by_what_is_heard() -> None:
    book = new_book()
    book.add(at("203.0.114.7", 1), Source.STATIC)
    entry = hear_and_reach(book, HEARD, TELLER)
    for number in range(6):
        book.hear(lies(MOST_HEARD_OF_HOST, many(1_000 * number + 10)), at(public(number), 1, MALLORY))
    assert entry in [*book]
    assert len(book) == MOST_HEARD + 2


def test_one_host_with_many_nodes_does_not_drive_out_who_was_reached_elsewhere() -> None:
    book = new_book()
    entry = hear_and_reach(book, HEARD, TELLER)
    gone = []
    for number in range(MOST_DIALLED + 20):
        address = at("203.0.115.1", 1 + number, peer(10 + number))
        book.hear([address], at(public(number), 1, MALLORY))
        gone.append(book.reached(entry_of(book, address), peer(10 + number)))
    assert entry in [*book]
    assert len(book) == MOST_DIALLED
    forgotten = [one for one in gone if one is not None]
    assert len(forgotten) == 21
    assert {host_of(one.address) for one in forgotten} == {Multiaddr("/ip4/203.0.115.1")}


def test_lies_about_where_a_peer_is_give_way_to_what_it_says_itself() -> None:
    book = new_book()
    for number in range(3 * MOST_OF_ONE_PEER):
        book.hear([at("203.0.115.1", 1 + number, BOB)], at(public(number), 1, MALLORY))
    assert len(book) == MOST_OF_ONE_PEER
    book.hear([HEARD], at("203.0.114.2", 9, BOB))
    assert HEARD in addresses(book)
    for number in range(3 * MOST_OF_ONE_PEER):
        book.hear([at("203.0.115.2", 1 + number, BOB)], at(public(number), 1, MALLORY))
    assert HEARD in addresses(book)
    assert len(book) == MOST_OF_ONE_PEER


def test_what_a_peer_says_of_itself_later_counts() -> None:
    book = new_book()
    said = [at("203.0.114.2", 1 + number, BOB) for number in range(3 * MOST_OF_ONE_PEER)]
    for address in said:
        book.hear([address], at("203.0.114.2", 9, BOB))
    assert addresses(book) == said[-MOST_OF_ONE_PEER:]


def test_lies_of_one_host_about_where_a_peer_is_give_way_to_the_word_of_another() -> None:
    book = new_book()
    book.hear([at("203.0.115.1", 1 + number, BOB) for number in range(20)], at("203.0.115.1", 1, MALLORY))
    book.hear([HEARD], TELLER)
    book.hear([at("203.0.115.1", 100 + number, BOB) for number in range(20)], at("203.0.115.1", 1, MALLORY))
    assert HEARD in addresses(book)


def test_what_is_driven_out_while_it_is_dialled_is_kept_if_somebody_is_there() -> None:
    book = new_book()
    book.hear([HEARD], TELLER)
    entry = entry_of(book, HEARD)
    for number in range(3 * MOST_OF_ONE_PEER):
        book.hear([at("203.0.115.1", 1 + number, BOB)], at(public(number), 1, MALLORY))
    assert entry not in [*book]
    book.reached(entry, BOB)
    assert book.told(TELLER, 9) == [HEARD]


def test_the_failure_of_what_was_driven_out_does_not_count_for_what_was_heard_since() -> None:
    book = new_book()
    book.hear([HEARD], TELLER)
    entry = entry_of(book, HEARD)
    while not book.failed(entry):
        pass
    book.hear([HEARD], TELLER)
    book.failed(entry)
    assert addresses(book) == [HEARD]
