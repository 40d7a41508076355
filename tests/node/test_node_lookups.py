"""Searches among many nodes find those that are closest, in few rounds, whichever way the nodes refresh."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_town import identity_of, residents, run_skipping, searches

from multiaddr_py import Multiaddr
from node.buckets import Contact, distance, key_of
from node.lookup import ALPHA, MOST_ROUNDS, ROUND, Ask, Found, look_up

RANDOM = Random(3)
PEERS = [Contact(identity_of(RANDOM).peer_id, Multiaddr(f"/ip4/10.0.0.{number}/udp/1"), ()) for number in range(1, 121)]
TARGET = RANDOM.randbytes(32)
PEERS.sort(key=lambda one: distance(key_of(one.peer_id), TARGET))  # the closest first


def answers(tell: Callable[[Contact], Iterable[Contact]], *, after: float = 0.05) -> Ask:
    """Return what asks; who tells nobody at all is silent."""

    async def ask(contact: Contact, target: bytes) -> Iterable[Contact]:
        await asyncio.sleep(after)
        told = list(tell(contact))
        if not told:
            raise TimeoutError
        return told

    return ask


def searched(known: Iterable[Contact], ask: Ask) -> tuple[Found, float]:
    """Return what a search finds, and how many seconds it takes."""

    async def search() -> tuple[Found, float]:
        found = await look_up(TARGET, known, ask)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return found, asyncio.get_running_loop().time()

    return run_skipping(search())


def test_a_search_goes_closer_until_it_knows_the_closest() -> None:
    places = {contact: place for place, contact in enumerate(PEERS)}
    found, _ = searched(PEERS[-1:], answers(lambda one: PEERS[max(places[one] - 40, 0) :][:16]))
    assert found.contacts == tuple(PEERS[:16])
    assert found.rounds <= 5


def test_a_search_among_nobody_finds_nobody() -> None:
    assert searched([], answers(lambda one: PEERS)) == (Found((), 0, 0), 0)


def test_who_is_silent_is_not_found() -> None:
    silent = PEERS[:10]
    found, _ = searched(PEERS[:16], answers(lambda one: [] if one in silent else PEERS[10:26]))
    assert found.contacts == tuple(PEERS[10:26])


def test_of_two_addresses_that_a_peer_is_said_to_have_the_one_that_answers_is_found() -> None:
    lie, truth = PEERS[0]._replace(address=Multiaddr("/ip4/10.9.9.9/udp/9")), PEERS[0]
    liar, honest = PEERS[5:7]
    told = {liar: [lie], honest: [truth], truth: [honest]}
    found, _ = searched([liar, honest], answers(lambda one: told.get(one, [])))
    assert found.contacts == (truth, liar, honest)


def test_however_much_others_lie_a_search_has_an_end() -> None:
    random = Random(5)

    def lie(contact: Contact) -> list[Contact]:
        return [Contact(identity_of(random).peer_id, contact.address, ()) for _ in range(30)]

    for after in (0.05, 5.0):
        found, seconds = searched(PEERS[-16:], answers(lie, after=after))
        assert found.rounds <= MOST_ROUNDS
        assert found.asked <= MOST_ROUNDS * ALPHA
        assert seconds <= MOST_ROUNDS * ROUND + 1e-6  # of a clock that only waiting moves on
        assert len(found.contacts) == 16


def test_what_comes_after_its_round_is_used_in_the_next() -> None:
    late = answers(lambda one: PEERS[:16], after=ROUND * 1.5)
    found, _ = searched(PEERS[-4:], late)
    assert found.contacts == tuple(PEERS[:16])


@given(st.dictionaries(st.integers(0, 39), st.lists(st.integers(0, 39), max_size=20)), st.sets(st.integers(0, 39)))
def test_whatever_others_tell_nobody_is_asked_twice_at_one_address(told: dict[int, list[int]], known: set[int]) -> None:
    asked = []

    def tell(contact: Contact) -> list[Contact]:
        asked.append(contact)
        return [PEERS[place] for place in told.get(PEERS.index(contact), [])]

    found, _ = searched([PEERS[place] for place in known], answers(tell))
    assert len(asked) == len(set(asked)) == found.asked <= MOST_ROUNDS * ALPHA
    assert len(found.contacts) <= 16
    assert list(found.contacts) == sorted(found.contacts, key=PEERS.index)


def test_a_search_that_is_cancelled_leaves_nothing_behind() -> None:
    async def check() -> None:
        search = asyncio.create_task(look_up(TARGET, PEERS[:3], answers(lambda one: PEERS, after=60)))
        await asyncio.sleep(0.3)
        search.cancel()
        await asyncio.wait([search])
        assert search.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_skipping(check())


# In a town


@pytest.mark.parametrize("refresh", ["random", "own"])
def test_among_20_nodes_every_search_finds_the_closest(refresh: Literal["random", "own"]) -> None:
    async def check() -> None:
        async with residents(20, refresh, refreshes=3) as people:
            assert all(len(one.discovery.buckets) >= 15 for one in people)
            results = await searches(people, 20)
        assert all(is_closest for _, is_closest in results)
        assert max(found.rounds for found, _ in results) <= 3

    run_skipping(check())


def test_among_20_nodes_whose_datagrams_are_often_lost_they_know_each_other_all_the_same() -> None:
    async def check() -> None:
        async with residents(20, "random", refreshes=4, loss=0.1) as people:
            assert all(len(one.discovery.buckets) >= 15 for one in people)

    run_skipping(check())


@pytest.mark.parametrize("refresh", ["random", "own"])
def test_among_200_nodes_nearly_every_search_finds_the_closest_in_a_few_rounds(
    refresh: Literal["random", "own"],
) -> None:
    async def check() -> None:
        async with residents(200, refresh, refreshes=1) as people:
            results = await searches(people, 20)
        assert sum(is_closest for _, is_closest in results) >= 18
        assert max(found.rounds for found, _ in results) <= 5

    run_skipping(check())
