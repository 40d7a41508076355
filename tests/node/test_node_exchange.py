"""Nodes that are connected, also by others, come to have the same items, and get each once."""

from __future__ import annotations

import gc
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from exchange_town import Line, Member, neighbourhood, settle
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from node import exchange as exchanges
from node.exchange import AT_ONCE, MOST_OFFERED, PATIENCE
from node.messages import MOST_HASHES, GetData, GetInv, Inv, Item, Message, NotFound, Ping
from node.peer import PeerError
from node.store import ITEM_COST, StoreFullError


class Town(RuleBasedStateMachine):
    """Items are put, connections are made and lost, and messages delivered, in any order.

    A page has three hashes, so that there are many.
    """

    NUMBERS = st.integers(0, 3)

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        for name, number in {"MOST_HASHES": 3, "MOST_NEWS": 6, "MOST_OFFERED": 12, "AT_ONCE": 2}.items():
            patch.setattr(exchanges, name, number)
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.members = [Member(folder / str(number)) for number in range(4)]
        for member in self.members:
            self.stack.enter_context(member.store)

    @initialize(amounts=st.lists(st.integers(0, 12), min_size=4, max_size=4), steps=st.lists(NUMBERS, min_size=4))
    def have_items(self, amounts: list[int], steps: list[int]) -> None:
        for member, amount, step in zip(self.members, amounts, steps, strict=False):
            for number in range(amount):
                self.put(self.members.index(member), number * (step + 1))

    @rule(who=NUMBERS, number=st.integers(0, 40))
    def put(self, who: int, number: int) -> None:
        content = b"%d" % number
        assert self.members[who].exchange.put(content) == sha256(content).digest()

    @rule(who=NUMBERS, whom=NUMBERS)
    def dial(self, who: int, whom: int) -> None:
        one, other = self.members[who], self.members[whom]
        if one is not other and other not in [line.talks_to() for line in one.lines]:
            one.dial(other)

    @precondition(lambda self: any(member.lines for member in self.members))
    @rule(random=st.randoms(use_true_random=False))
    def lose(self, random: Random) -> None:
        random.choice([line for member in self.members for line in member.lines]).lose()

    @precondition(lambda self: any(line.mail for member in self.members for line in member.lines))
    @rule(random=st.randoms(use_true_random=False), count=st.integers(1, 30))
    def deliver(self, random: Random, count: int) -> None:
        for _ in range(count):
            if lines := [line for member in self.members for line in member.lines if line.mail]:
                random.choice(lines).take()

    def teardown(self) -> None:
        try:
            settle(self.members, Random(1))
            for member in self.members:
                assert len(member.arrived) == len({*member.arrived}) == member.store.height
                assert all(count <= 1 + member.losses for count in member.taken.values())
                for other in neighbourhood(member):
                    assert other.hashes() == member.hashes()
        finally:
            self.stack.close()


TestTown = Town.TestCase
TestTown.settings = settings(max_examples=max(settings().max_examples // 4, 1), stateful_step_count=25, deadline=None)


@pytest.fixture
def members(tmp_path: Path) -> Iterator[list[Member]]:
    found = [Member(tmp_path / str(number)) for number in range(3)]
    yield found
    for member in found:
        member.store.close()


def contents(*numbers: int) -> list[bytes]:
    return [b"item %d" % number for number in range(*numbers)]


def digests(*numbers: int) -> tuple[bytes, ...]:
    return tuple(sha256(content).digest() for content in contents(*numbers))


def put(member: Member, *numbers: int) -> None:
    for content in contents(*numbers):
        member.exchange.put(content)


def asked(line: Line) -> list[bytes]:
    return [message.hash for message in line.sent if isinstance(message, GetData)]


# How two get the same items

SETS = {
    "nothing": ((0,), (0,)),
    "all are one's": ((2_500,), (0,)),
    "the same": ((1_200,), (1_200,)),
    "others, of one number": ((1_100,), (1_100, 2_200)),
    "others, of two numbers": ((1_100,), (1_100, 2_150)),
    "some are the same": ((1_500,), (1_000, 2_600)),
    "one's are among the other's": ((1_500,), (1_000, 1_100)),
    "one that nobody else has": ((1_100,), (1_099, 1_101)),
}


@pytest.mark.parametrize(("one", "other"), SETS.values(), ids=SETS)
@pytest.mark.parametrize("is_turned", [False, True])
def test_two_come_to_have_the_same(
    members: list[Member], one: tuple[int], other: tuple[int], *, is_turned: bool
) -> None:
    a, b, _ = members
    put(a, *one)
    put(b, *other)
    if is_turned:
        a, b = b, a
    a.dial(b)
    settle(members, Random(1))
    assert a.hashes() == b.hashes() == {*digests(*one), *digests(*other)}
    assert {*a.taken.values(), *b.taken.values()} <= {1}


def test_an_item_of_which_two_tell_is_asked_of_one_of_them_only(members: list[Member]) -> None:
    a, b, c = members
    put(a, 1_100)
    put(b, 1_100)
    c.dial(a)
    c.dial(b)
    settle(members, Random(1))
    assert c.hashes() == a.hashes()
    assert {*c.taken.values()} == {1}


def test_what_the_other_had_by_then_does_not_count_as_known_to_it(members: list[Member]) -> None:
    """The shorter one gets an item of the longer one's list from a third before it reads the list."""
    a, b, _ = members
    put(a, 1, 3)
    put(b, 1)
    line = b.meet(2)
    b.exchange.put(contents(1, 2)[0])
    line.say(Inv(digests(1, 3), 0))
    assert Inv(digests(2), 0) in line.sent


def test_news_do_not_count_as_part_of_the_list(members: list[Member]) -> None:
    a = members[0]
    put(a, 2)
    line = a.meet(3)
    line.say(Inv(digests(1), None), Inv((*digests(1), *digests(5, 7)), 0))
    assert Inv(digests(2), 0) in line.sent


def test_what_has_come_since_the_version_was_said_is_told(members: list[Member]) -> None:
    a = members[0]
    put(a, MOST_HASHES + 2)
    for height in (0, MOST_HASHES * 2):
        line = a.meet(height, told=1)
        news = [message for message in line.sent if isinstance(message, Inv)]
        assert news == [Inv(digests(1, MOST_HASHES + 1), None), Inv(digests(MOST_HASHES + 1, MOST_HASHES + 2), None)]


def test_a_peer_with_nothing_is_asked_nothing(members: list[Member]) -> None:
    assert members[0].meet(0).sent == []


def test_a_list_is_given_from_any_place(members: list[Member]) -> None:
    a = members[0]
    put(a, MOST_HASHES + 2)
    line = a.meet(0)
    for place in (0, 1, 2, 3, MOST_HASHES + 1, MOST_HASHES + 2, 0xFFFFFFFF):
        line.say(GetInv(place))
    first, last = digests(MOST_HASHES), digests(MOST_HASHES, MOST_HASHES + 2)
    assert line.sent == [
        Inv(first, MOST_HASHES),
        Inv((*first[1:], last[0]), MOST_HASHES + 1),
        Inv((*first[2:], *last), 0),
        Inv((*first[3:], *last), 0),
        Inv(last[1:], 0),
        Inv((), 0),
        Inv((), 0),
    ]


# What was asked for


def test_a_few_items_are_asked_for_at_a_time(members: list[Member]) -> None:
    line = members[0].meet(100)
    line.say(Inv(digests(100), 0))
    for number, content in enumerate(contents(100)):
        assert asked(line) == [*digests(min(number + AT_ONCE, 100))]
        line.say(Item(content))
    assert members[0].store.height == 100


@pytest.mark.parametrize("how", ["does not have it", "goes", "does not answer"])
def test_who_does_not_deliver_is_not_waited_for(tmp_path: Path, how: str) -> None:
    now = 0.0
    [wanted] = digests(1)
    member = Member(tmp_path / "patient", lambda: now)
    with member.store:
        first, second = member.meet(1), member.meet(1)
        for line in (first, second):
            line.say(Inv((wanted,), 0))
        assert (asked(first), asked(second)) == ([wanted], [])
        if how == "does not have it":
            first.say(NotFound(wanted))
        elif how == "goes":
            first.lose()
        else:
            now = PATIENCE
            member.exchange.check_patience()
            assert not first.reason
            now += 0.1
            member.exchange.check_patience()
            assert first.reason == f"the item {wanted.hex()} has not come within {PATIENCE:g} s"
            assert not second.reason
            first.lose()
        assert asked(second) == [wanted]
        second.say(Item(contents(1)[0]))
        assert member.arrived == [wanted]


def test_each_item_has_its_own_time(tmp_path: Path) -> None:
    now = 0.0
    member = Member(tmp_path / "patient", lambda: now)
    with member.store:
        line = member.meet(AT_ONCE + 20)
        line.say(Inv(digests(AT_ONCE + 20), 0))
        for content in contents(AT_ONCE + 20):
            now += PATIENCE / (AT_ONCE + 1)
            member.exchange.check_patience()
            line.say(Item(content))
        assert (line.reason, member.store.height) == ("", AT_ONCE + 20)


LIES: dict[str, tuple[list[Message], str]] = {
    "another content": ([Item(b"another")], "the content of an item does not have the hash that was asked for"),
    "an item twice": ([Item(contents(1)[0])] * 2, "the content of an item does not have the hash"),
    "that it lacks what it was not asked for": ([NotFound(digests(1, 2)[0])], "its notfound was not asked for"),
    "that it lacks it twice": ([NotFound(digests(1)[0])] * 2, "its notfound was not asked for"),
    "a ping": ([Ping(0)], "its ping was not asked for"),
    "too many": (
        [
            Inv(digests(MOST_HASHES * page, MOST_HASHES * (page + 1)), 1)
            for page in range(MOST_OFFERED // MOST_HASHES + 1)
        ],
        "it offers more than it is asked for",
    ),
}


@pytest.mark.parametrize(("messages", "error"), LIES.values(), ids=LIES)
def test_who_says_what_cannot_be_is_not_talked_to(members: list[Member], messages: list[Message], error: str) -> None:
    line = members[0].meet(1)
    line.say(Inv(digests(1), 0))
    with pytest.raises(PeerError, match=error):
        line.say(*messages)
    line.lose()
    assert members[0].hashes() <= {*digests(1)}


def test_nobody_is_a_liar_who_gets_items_faster_than_it_can_hand_them_on(members: list[Member]) -> None:
    """News of more than are remembered are looked up in the list later on."""
    a, b, _ = members
    a.dial(b)
    settle(members, Random(1))
    put(a, MOST_OFFERED + 500)
    settle(members, Random(1))
    assert b.hashes() == a.hashes()
    assert {*b.taken.values()} == {1}


@pytest.mark.parametrize("answer", [Item(contents(1)[0]), NotFound(digests(1)[0])])
def test_what_is_put_while_it_is_asked_for_has_come_once(members: list[Member], answer: Message) -> None:
    a = members[0]
    line, other = a.meet(1), a.meet(0)
    line.say(Inv(digests(1), 0))
    put(a, 1)
    line.say(answer)
    assert a.arrived == [*digests(1)]
    assert other.sent == [Inv(digests(1), None)]
    assert line.reason == ""


def test_a_list_is_read_on_when_others_have_brought_what_it_began_with(members: list[Member]) -> None:
    a = members[0]
    slow = a.meet(MOST_HASHES + 1)
    others = [a.meet(MOST_HASHES) for _ in range(MOST_HASHES // AT_ONCE + 1)]
    for line in (*others, slow):
        line.say(Inv(digests(MOST_HASHES), MOST_HASHES if line is slow else 0))
    assert asked(slow) == []
    items = dict(zip(digests(MOST_HASHES), contents(MOST_HASHES), strict=True))
    for line in others:
        line.say(*[Item(items[digest]) for digest in asked(line)])
    assert slow.sent[-1] == GetInv(MOST_HASHES)


# A node without room


def test_a_full_node_keeps_what_it_has_asks_for_nothing_and_gives_its_list(tmp_path: Path) -> None:
    member = Member(tmp_path / "full", most_content=2 * (ITEM_COST + 6))
    with member.store:
        put(member, 1)
        line = member.meet(3)
        line.say(Inv(digests(1, 4), 0))
        line.say(Item(contents(1, 2)[0]))
        with pytest.raises(StoreFullError):
            line.say(Item(contents(2, 3)[0]))
        line.lose()
        assert member.exchange.is_full
        assert member.hashes() == {*digests(2)}

        line = member.meet(2 * MOST_OFFERED)
        for page in range(2 * MOST_OFFERED // MOST_HASHES):
            line.say(Inv(digests(10 + page * MOST_HASHES, 10 + (page + 1) * MOST_HASHES), (page + 1) * MOST_HASHES))
            assert line.sent[-1] == GetInv((page + 1) * MOST_HASHES)
        line.say(Inv((), 0))
        assert asked(line) == []
        assert line.sent[-1] == Inv(digests(2), 0)
        line.say(*[Inv((digest,), None) for digest in digests(10, 10 + MOST_OFFERED + 1)])
        line.say(GetData(digests(1)[0]))
        assert line.sent.pop() == Item(contents(1)[0])


# What is left of who has gone


def test_nothing_is_left_of_a_peer_that_has_gone(members: list[Member]) -> None:
    a = members[0]
    line = a.meet(100)
    line.say(Inv(digests(100), 0), Item(contents(1)[0]))
    gone = weakref.ref(line)
    line.lose()
    del line
    gc.collect()
    assert gone() is None
    assert asked(a.meet(100)) == []  # nobody has offered them
    line = a.meet(100)
    line.say(Inv(digests(1, 2), 0))
    assert asked(line) == [*digests(1, 2)]


def test_none_can_be_put_where_there_is_no_room(tmp_path: Path) -> None:
    member = Member(tmp_path / "full", most_content=ITEM_COST + 6)
    with member.store:
        put(member, 1)
        with pytest.raises(StoreFullError):
            put(member, 1, 2)
        assert member.arrived == [*digests(1)]
