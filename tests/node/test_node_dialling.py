"""Who is dialled next is who is wanted: static peers first and always, then others up to the number of places."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from multiaddr_py import Multiaddr, PeerId
from node.book import Entry, Source
from node.dialling import AT_ONCE, Dial, next_dial


def peer(number: int) -> PeerId:
    return PeerId.from_key("Ed25519", number.to_bytes(32))


OWN, ALICE, BOB, CAROL = (peer(number) for number in range(4))


def entry(number: int, peer_id: PeerId | None, source: Source, due: float = 0.0) -> Entry:
    address = Multiaddr(f"/ip4/203.0.114.1/tcp/{number + 1}")
    found = Entry(address if peer_id is None else address / f"/p2p/{peer_id}", source)
    found.due = due
    return found


def dial(*entries: Entry, **known: Any) -> Dial | None:
    """Return who is dialled where nothing else is known."""
    alone: dict[str, Any] = {
        "now": 1.0,
        "peers": (),
        "dialling": (),
        "places": 8,
        "refused": (),
        "random": Random(1),
    }
    return next_dial(entries, **{**alone, **known})


def dials(*entries: Entry, **known: Any) -> set[Dial]:
    """Return all who are dialled at the same time, as one after the other is begun."""
    dialling: set[Dial] = set()
    while (found := dial(*entries, dialling=dialling, **known)) is not None:
        assert found not in dialling
        dialling.add(found)
    return dialling


PEERS = st.integers(0, 5).map(peer)
ENTRIES = st.lists(
    st.builds(
        entry,
        st.integers(0, 9),
        PEERS | st.none(),
        st.sampled_from(Source),
        st.sampled_from([0.0, 2.0]),
    ),
    max_size=20,
)


@given(ENTRIES, st.sets(PEERS), st.sets(PEERS), st.integers(-2, 5), st.randoms(use_true_random=False))
def test_who_is_dialled_at_the_same_time_is_wanted(
    entries: list[Entry], peers: set[PeerId], refused: set[PeerId], places: int, random: Random
) -> None:
    found = dials(*entries, peers=peers, refused=refused, places=places, random=random)
    assert len(found) <= AT_ONCE
    assert all(one.entry.due <= 1.0 and one.entry.peer_id not in refused for one in found)
    assert len({one.entry.where for one in found}) == len(found)  # no address twice
    wanted = [one for one in found if not one.is_look]
    ids = [one.entry.peer_id for one in wanted if one.entry.peer_id is not None]
    assert len({*ids}) == len(ids)  # no peer twice
    assert not {*ids} & peers
    assert sum(one.entry.source is not Source.STATIC for one in wanted) <= max(places, 0)
    looks = [one.entry.source for one in found if one.is_look]
    assert looks in ([], [Source.HEARD])


@given(ENTRIES, st.integers(-2, 5))
def test_nobody_is_left_out_for_whom_there_is_room(entries: list[Entry], places: int) -> None:
    found = dials(*entries, places=places)
    if len(found) == AT_ONCE:
        return
    busy = {one.entry.where for one in found}
    taken = {one.entry.peer_id for one in found if not one.is_look} - {None}
    for one in entries:
        if one.due > 1.0 or one.where in busy or one.peer_id in taken:
            continue
        assert one.source is not Source.STATIC
        assert sum(not dialled.is_look for dialled in found) >= places or (
            one.source is Source.SEED and any(dialled.entry.source is not Source.SEED for dialled in found)
        )


def test_a_static_peer_is_dialled_first_and_without_a_place() -> None:
    static = entry(9, ALICE, Source.STATIC)
    others = [entry(number, peer(10 + number), Source.DIALLED) for number in range(3)]
    assert dial(*others, static) == Dial(static)
    assert dials(*others, static, places=-1) == {Dial(static)}


def test_all_static_peers_are_dialled() -> None:
    static = [entry(number, peer(10 + number), Source.STATIC) for number in range(AT_ONCE)]
    assert dials(*static, places=0) == {Dial(one) for one in static}


def test_seeds_are_dialled_where_there_is_nobody_else() -> None:
    seed, heard = entry(1, None, Source.SEED), entry(2, BOB, Source.HEARD)
    assert dial(seed, heard) == Dial(heard)
    assert dial(seed, heard, peers=[BOB], places=7) == Dial(seed)
    assert dial(seed) == Dial(seed)
    assert dial(seed, places=0) is None


def test_who_has_no_place_for_it_only_looks_at_what_it_has_heard_one_at_a_time() -> None:
    heard = [entry(number, peer(10 + number), Source.HEARD) for number in range(3)]
    found = dial(*heard, places=0)
    assert found is not None
    assert found.is_look
    assert dial(*heard, places=0, dialling=[found]) is None


def test_it_is_looked_where_a_peer_is_said_to_be_that_is_connected_elsewhere() -> None:
    heard, known = entry(1, BOB, Source.HEARD), entry(2, BOB, Source.DIALLED)
    assert dial(heard, known, peers=[BOB]) == Dial(heard, is_look=True)


def test_what_is_not_due_is_left_alone() -> None:
    assert dial(*[entry(1, None, source, 1.5) for source in Source]) is None
    assert dial(entry(1, None, Source.STATIC, 1.5), now=1.5) is not None


def test_who_has_lied_is_not_dialled_and_not_looked_at() -> None:
    assert dial(*[entry(1, BOB, source) for source in Source], refused=[BOB]) is None


def test_no_address_is_dialled_twice_at_a_time_whoever_is_said_to_be_there() -> None:
    unknown, alice, bob = (entry(1, who, Source.STATIC) for who in (None, ALICE, BOB))
    assert len(dials(unknown, alice, bob)) == 1


def test_who_is_dialled_is_picked_at_random() -> None:
    heard = [entry(number, peer(10 + number), Source.HEARD) for number in range(4)]
    assert {dial(*heard, random=Random(number)) for number in range(50)} == {Dial(one) for one in heard}
