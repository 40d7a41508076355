"""The server tells two that want to meet where they are, and nobody else; whatever comes, it sends less than it got."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

import pytest
from any_messages import MESSAGES
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from multiaddr_py import Multiaddr
from punching import rendezvous
from punching.candidates import CIRCUIT, circuit
from punching.fields import Addresses, MessageError, Name, Token
from punching.messages import (
    ANSWERS,
    Ask,
    Bye,
    Hello,
    Leave,
    Meet,
    Message,
    Order,
    Probe,
    Refused,
    Register,
    Relay,
    Seen,
    Waiting,
    decode,
    encode,
    padded,
)
from punching.nat import Kind
from punching.rendezvous import MOST_OF_A_HOST, MOST_ORDERS, MOST_PEERS, RELAYED_A_SECOND, SILENCE, Rendezvous

M = TypeVar("M", bound=Message)


def ip4(host: int, port: int = 5000) -> Multiaddr:
    """Return an address of a peer's NAT."""
    return Multiaddr(f"/ip4/198.51.{host >> 8}.{host & 0xFF}/udp/{port}")


def token(number: int) -> Token:
    return Token(number.to_bytes(16))


SERVERS = [Multiaddr(f"/ip4/203.0.113.{host}/udp/{port}") for host in (1, 2) for port in (4001, 4002)]
A, B, C = ip4(1), ip4(2), ip4(3)
AT_HOME = (Multiaddr("/ip4/10.0.0.2/udp/5000"), Multiaddr("/ip4/192.168.1.2/udp/5000"))
WRONG = token(0)


class Town:
    """A server, its clock, and what it was told to report."""

    def __init__(self, servers: list[Multiaddr] = SERVERS) -> None:
        self.now = 1000.0
        self.reported: list[tuple[str, Multiaddr]] = []
        self.server = Rendezvous(
            servers,
            clock=lambda: self.now,
            report=lambda name, address: self.reported.append((name, address)),
            random=Random(4001),
        )

    def hear(self, message: Message, sender: Multiaddr, at: int = 0) -> list[tuple[int, Message, Multiaddr]]:
        """Return what is sent because of a message, to whom, and from which of the server's addresses."""
        reaction = self.server.receive(encode(message), sender, at)
        return [(outgoing.at, decode(outgoing.datagram), outgoing.to) for outgoing in reaction]

    def answer(self, kind: type[M], question: Message, sender: Multiaddr, at: int = 0) -> M:
        """Return the answer to a question, which is all that is sent, and of a class."""
        ((source, answer, receiver),) = self.hear(question, sender, at)
        assert (source, receiver) == (at, sender)
        assert not isinstance(answer, Relay | Probe)
        assert answer.token == getattr(question, "token", None)
        assert isinstance(answer, kind)
        return answer

    def cookie(self, sender: Multiaddr) -> Token:
        return self.answer(Seen, padded(Hello(token(1), probe=False)), sender).cookie

    def register(self, sender: Multiaddr, name: str, meet: str, /, **changes: Any) -> Register:
        """Return a peer's question, with the right cookie; its secret is made of its name."""
        secret = Token(name.encode().rjust(16)[-16:])
        register = Register(
            *(token(2), self.cookie(sender), Name(name), Name(meet), secret, (), Kind.UNKNOWN), ready=True, relay=False
        )
        return padded(replace(register, **changes))

    def enter(self, kind: type[M], sender: Multiaddr, name: str, meet: str, /, at: int = 0, **changes: Any) -> M:
        """Register a peer, and return the answer, which is of a class."""
        return self.answer(kind, self.register(sender, name, meet, **changes), sender, at)

    @property
    def names(self) -> list[str]:
        return sorted(self.server._guests)

    def check(self) -> None:
        """Check that the tables say the same."""
        guests = self.server._guests
        assert {guest.register.name: guest for guest in guests.values()} == guests
        assert {guest.address: name for name, guest in guests.items()} == self.server._places
        assert Counter(guest.address[:1] for guest in guests.values()) == self.server._hosts
        assert all(self.server._hosts.values())
        assert len(guests) <= rendezvous.MOST_PEERS
        assert all(count <= rendezvous.MOST_OF_A_HOST for count in self.server._hosts.values())
        heard = [guest.heard for guest in guests.values()]
        assert heard == sorted(heard)
        for guest in guests.values():
            assert len(guest.orders) <= rendezvous.MOST_ORDERS
            assert 0 <= guest.allowance.left <= RELAYED_A_SECOND


# How a peer is seen


@pytest.mark.parametrize("at", range(4))
def test_a_peer_is_told_how_it_is_seen_and_where_else_the_server_is(at: int) -> None:
    town = Town()
    seen = town.answer(Seen, padded(Hello(token(7), probe=False)), A, at)
    assert seen == Seen(token(7), A, seen.cookie, tuple(one for one in SERVERS if one != SERVERS[at]))
    assert town.reported == []
    assert town.names == []


@pytest.mark.parametrize("at", range(4))
def test_the_other_addresses_answer_as_well_if_they_are_to(at: int) -> None:
    first, *others = Town().hear(padded(Hello(token(7), probe=True)), A, at)
    assert isinstance(first[1], Seen)
    assert (first[0], first[2]) == (at, A)
    assert others == [(place, Probe(token(7)), A) for place in range(4) if place != at]


def test_a_cookie_is_of_an_address_and_of_a_server() -> None:
    town, other = Town(), Town()
    assert town.cookie(A) == town.cookie(A)
    assert len({town.cookie(sender) for sender in (A, ip4(1, 5001), B)}) == 3
    assert other.cookie(A) == town.cookie(A)  # only since both draw from the same numbers
    server = Rendezvous(SERVERS, clock=lambda: 0.0, report=print)
    (seen,) = server.receive(encode(padded(Hello(token(1), probe=False))), A)
    assert decode(seen.datagram) != Seen(token(1), A, town.cookie(A), tuple(SERVERS[1:]))


def test_a_question_without_padding_gets_no_answer_that_is_longer() -> None:
    town = Town()
    assert town.hear(Hello(token(1), probe=False), A) == []
    assert town.hear(Hello(token(1), probe=True), A) == []
    register = town.register(A, "alice", "bob", cookie=WRONG)
    assert town.hear(replace(register, padding=type(register.padding)(0)), A) == []


LARGE = [Multiaddr(f"/ip6/2001:db8:{'ffff:' * 5}{host}/udp/65535") for host in range(8)]
LARGE_HOME = tuple(Multiaddr(f"/ip6/fd00:{'ffff:' * 6}{host}/udp/65535") for host in range(8))


def test_a_padded_question_is_answered_however_many_addresses_there_are() -> None:
    """Eight of the server, and eight of each peer, all of IPv6, and names as long as they may be."""
    town = Town(LARGE)
    one, other, third = (Multiaddr(f"/ip6/2001:db8:1:{'ffff:' * 4}{host}/udp/65535") for host in range(3))
    assert len(town.hear(padded(Hello(token(7), probe=True)), one, 3)) == 8
    for wrong in (WRONG, town.cookie(other)):
        town.enter(Seen, one, "a" * 32, "b" * 32, said=LARGE_HOME, cookie=wrong)
    town.enter(Waiting, one, "a" * 32, "b" * 32, said=LARGE_HOME)
    town.enter(Refused, third, "a" * 32, "b" * 32, said=LARGE_HOME, secret=WRONG)
    town.enter(Refused, third, "c" * 32, "b" * 32, said=LARGE_HOME[:7] + AT_HOME[:1])
    answer = town.enter(Meet, other, "b" * 32, "a" * 32, said=LARGE_HOME)
    assert answer.said == LARGE_HOME
    assert town.names == ["a" * 32, "b" * 32]


def test_a_server_has_no_more_addresses_than_fit_an_answer() -> None:
    nine = [*LARGE, SERVERS[0]]
    with pytest.raises(ValueError) as caught:
        Rendezvous(nine, clock=lambda: 0.0, report=print)
    assert str(caught.value) == "a server has at most 8 addresses, not 9"


def test_nobody_is_at_port_0() -> None:
    """Which a datagram may say that it comes from, and no socket sends to."""
    town = Town()
    nowhere = ip4(1, 0)
    assert town.hear(padded(Hello(token(1), probe=True)), nowhere) == []
    register = town.register(A, "alice", "bob")
    assert town.hear(register, nowhere) == []


# Who is held


def test_a_peer_is_held_once_it_has_repeated_its_cookie() -> None:
    town = Town()
    for wrong in (WRONG, town.cookie(B)):
        seen = town.enter(Seen, A, "alice", "bob", cookie=wrong)
        assert (seen.address, seen.cookie) == (A, town.cookie(A))
        assert (town.names, town.reported) == ([], [])
    assert town.enter(Waiting, A, "alice", "bob") == Waiting(token(2), present=False, stranger=False)
    assert (town.names, town.reported) == (["alice"], [("alice", A)])
    town.enter(Waiting, A, "alice", "bob")
    assert town.reported == [("alice", A)]  # who is known is not reported again
    town.check()


def test_a_name_is_its_holders_until_that_one_has_been_silent() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    town.now += SILENCE - 0.1
    refused = town.enter(Refused, B, "alice", "bob", secret=token(9))
    assert refused.reason == "there is a alice already; the name is free 10 s after it was last heard"
    town.enter(Refused, A, "alice", "bob", secret=token(9))
    assert town.server._guests["alice"].address == A
    town.now += 0.1
    town.enter(Waiting, B, "alice", "bob", secret=token(9))
    assert town.reported == [("alice", A), ("alice", B)]


def test_who_is_refused_does_not_keep_the_holder_alive() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    for _ in range(3):
        town.now += SILENCE / 4
        town.enter(Refused, B, "alice", "bob", secret=token(9))
    town.now += SILENCE / 4
    assert town.cookie(B)
    assert town.names == []


def test_who_registers_again_is_held_on() -> None:
    town = Town()
    for _ in range(5):
        town.now += SILENCE - 0.1
        town.enter(Waiting, A, "alice", "bob")
    assert town.reported == [("alice", A)]


def test_a_peer_may_be_seen_elsewhere_and_keeps_its_name() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    town.enter(Waiting, B, "alice", "bob")
    town.check()
    assert list(town.server._places) == [B]
    town.enter(Waiting, A, "ann", "bob")
    assert town.names == ["alice", "ann"]


def test_an_address_has_one_name_at_a_time() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    town.enter(Waiting, A, "ann", "bob")
    assert town.names == ["ann"]
    town.enter(Waiting, B, "bert", "bob")
    town.enter(Waiting, B, "ann", "bob")  # the same peer by its secret
    assert town.names == ["ann"]
    town.check()


def test_a_peer_leaves_with_its_cookie_from_its_address_only() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    cookie = town.cookie(A)
    for wrong, sender in ((WRONG, A), (cookie, B), (cookie, ip4(1, 5001)), (town.cookie(B), B), (town.cookie(B), A)):
        assert town.hear(Leave(token(1), wrong), sender) == []
        assert town.names == ["alice"]
    assert town.hear(Leave(token(1), cookie), A) == []
    assert town.names == []
    assert town.hear(Leave(token(1), cookie), A) == []
    town.check()
    town.enter(Waiting, B, "alice", "bob", secret=token(9))  # the name is free at once


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"meet": Name("alice")}, "a peer cannot meet itself"),
        *(
            ({"said": (*AT_HOME, Multiaddr(address))}, "the addresses that a peer says are those of UDP sockets in its")
            for address in (
                *("/ip4/127.0.0.1/udp/5000", "/ip4/10.0.0.2/udp/0", "/ip4/10.0.0.2/tcp/5000", "/ip6/fd00::1/udp/5000"),
                *("/ip4/224.0.0.251/udp/5353", "/dns4/node.example/udp/5000", "/p2p-circuit/ip4/10.0.0.2/udp/5000"),
            )
        ),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], reason: str) -> None:
    town = Town()
    assert town.enter(Refused, A, "alice", "bob", **changes).reason.startswith(reason)
    assert town.names == []


def test_a_server_of_this_machine_has_peers_of_this_machine() -> None:
    here = Multiaddr("/ip4/127.0.0.1/udp/5000")
    Town().enter(Waiting, here, "alice", "bob", said=(here, *AT_HOME))


def test_a_host_holds_so_many_peers_and_no_more() -> None:
    town = Town()
    for number in range(MOST_OF_A_HOST):
        town.enter(Waiting, ip4(1, 1 + number), f"a{number}", "bob")
    refused = town.enter(Refused, ip4(1, 9000), "one too many", "bob")
    assert refused.reason == f"the server holds {MOST_OF_A_HOST} peers of this host already"
    town.enter(Waiting, ip4(1, 1), "a0", "bob")  # who is held is held on
    town.enter(Waiting, ip4(1, 9000), "a0", "bob")  # at another port, too
    town.enter(Waiting, B, "b0", "bob")
    assert town.enter(Refused, ip4(1, 9001), "b0", "bob").reason == refused.reason  # who comes from another host is not
    town.check()
    town.hear(Leave(token(1), town.cookie(ip4(1, 2))), ip4(1, 2))
    town.enter(Waiting, ip4(1, 9001), "b0", "bob")
    town.check()


def test_a_server_holds_so_many_peers_and_no_more() -> None:
    town = Town()
    for number in range(MOST_PEERS):
        town.enter(Waiting, ip4(number), f"a{number}", "bob")
    refused = town.enter(Refused, ip4(MOST_PEERS), "one too many", "bob")
    assert refused.reason == f"the server holds {MOST_PEERS} peers already"
    town.enter(Waiting, ip4(MOST_PEERS), "a0", "bob")
    town.check()
    town.now += SILENCE
    town.enter(Waiting, ip4(MOST_PEERS), "one too many", "bob")
    assert town.names == ["one too many"]


# Who meets


def test_two_that_are_ready_meet_and_are_told_what_the_other_one_is() -> None:
    town = Town()
    alice: dict[str, Any] = {"said": AT_HOME, "kind": Kind.SYMMETRIC, "secret": token(11)}
    bob: dict[str, Any] = {"said": AT_HOME[:1], "kind": Kind.OPEN, "secret": token(12), "relay": True}
    assert not town.enter(Waiting, A, "alice", "bob", **alice).present
    assert town.enter(Meet, B, "bob", "alice", at=3, **bob) == Meet(
        token(2), token(11), A, AT_HOME, Kind.SYMMETRIC, relay=False
    )
    assert town.enter(Meet, A, "alice", "bob", **alice) == Meet(
        token(2), token(12), B, AT_HOME[:1], Kind.OPEN, relay=False
    )


@pytest.mark.parametrize(("alice", "bob"), [(False, False), (True, False), (False, True)])
def test_nobody_meets_before_both_are_ready(alice: bool, bob: bool) -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob", ready=alice)
    for sender, name, meet, ready in ((B, "bob", "alice", bob), (A, "alice", "bob", alice)):
        assert town.enter(Waiting, sender, name, meet, ready=ready) == Waiting(token(2), present=True, stranger=True)
    town.enter(Meet if bob else Waiting, A, "alice", "bob")
    town.enter(Meet, B, "bob", "alice")


def test_nobody_meets_who_wants_to_meet_someone_else() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    assert not town.enter(Waiting, B, "bob", "carol").present
    assert not town.enter(Waiting, C, "carol", "alice").present
    assert not town.enter(Waiting, A, "alice", "bob").present


def test_who_has_been_silent_is_not_met() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    town.now += SILENCE
    assert not town.enter(Waiting, B, "bob", "alice").present


@pytest.mark.parametrize(("alice", "bob"), [(False, True), (True, False), (True, True)])
def test_both_have_to_want_a_relay(alice: bool, bob: bool) -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob", relay=alice)
    assert town.enter(Meet, B, "bob", "alice", relay=bob).relay is (alice and bob)
    assert town.enter(Meet, A, "alice", "bob", relay=alice).relay is (alice and bob)


# Who sends to a stranger


def ask(town: Town, sender: Multiaddr, number: int) -> list[tuple[int, Message, Multiaddr]]:
    return town.hear(Ask(token(3), town.cookie(sender), token(number)), sender, 1)


def test_a_stranger_of_another_host_is_to_send_a_probe() -> None:
    town = Town()
    neighbour = ip4(1, 5001)
    assert not town.enter(Waiting, A, "alice", "bob").stranger
    assert not town.enter(Waiting, neighbour, "ann", "bob").stranger
    assert town.enter(Waiting, B, "bert", "bob").stranger
    assert ask(town, A, 77) == [(1, Waiting(token(3), present=False, stranger=True), A)]
    town.enter(Waiting, A, "alice", "bob")
    town.enter(Waiting, neighbour, "ann", "bob")
    assert town.enter(Order, B, "bert", "bob") == Order(token(2), A, token(77))
    town.enter(Waiting, B, "bert", "bob")  # it is told once


def test_a_peer_meets_before_it_is_sent_on_errands() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    town.enter(Meet, B, "bob", "alice")
    assert ask(town, A, 77) == [(1, Waiting(token(3), present=True, stranger=True), A)]
    town.enter(Meet, B, "bob", "alice")
    town.enter(Order, B, "bob", "alice", ready=False)


def test_only_who_is_held_and_has_the_cookie_asks_for_a_stranger() -> None:
    town = Town()
    town.enter(Waiting, B, "bert", "bob")
    assert ask(town, A, 77) == []
    town.enter(Waiting, A, "alice", "bob")
    for wrong, sender in ((WRONG, A), (town.cookie(B), A), (town.cookie(A), C), (town.cookie(A), ip4(1, 5001))):
        assert town.hear(Ask(token(3), wrong, token(77)), sender) == []
    town.enter(Waiting, B, "bert", "bob")


def test_one_stranger_is_not_given_more_than_so_many_orders() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    town.enter(Waiting, B, "bert", "bob")
    for number in range(MOST_ORDERS + 3):
        ask(town, A, 100 + number)
        ask(town, A, 100 + number)  # again, as who got no answer does
    town.check()
    found = [town.enter(Order, B, "bert", "bob") for _ in range(MOST_ORDERS)]
    assert {order.probe for order in found} == {token(100 + number) for number in range(MOST_ORDERS)}
    assert {order.address for order in found} == {A}
    town.enter(Waiting, B, "bert", "bob")


def test_at_most_two_of_many_strangers_are_to_send() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    for number in range(20):
        town.enter(Waiting, ip4(100 + number), f"b{number}", "bob")
    ask(town, A, 77)
    ordered = [guest for guest in town.server._guests.values() if guest.orders]
    assert len(ordered) == rendezvous.STRANGERS == 2


def test_neighbours_are_not_asked_instead_of_a_stranger() -> None:
    town = Town()
    for number in range(20):
        town.enter(Waiting, ip4(1, 6000 + number), f"a{number}", "bob")
    town.enter(Waiting, A, "alice", "bob")
    town.enter(Waiting, B, "bert", "bob")
    ask(town, A, 77)
    assert [name for name, guest in town.server._guests.items() if guest.orders] == ["bert"]


def test_an_order_is_forgotten_where_the_stranger_comes_to_the_host_of_who_asked() -> None:
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    town.enter(Waiting, B, "bert", "bob")
    ask(town, A, 77)
    town.enter(Order, ip4(2, 5001), "bert", "bob")  # another port is the same stranger
    ask(town, A, 78)
    town.enter(Waiting, ip4(1, 5001), "bert", "bob")


def test_a_peer_of_the_other_family_is_no_stranger_since_it_could_not_send() -> None:
    town = Town([SERVERS[0], LARGE[0]])
    town.enter(Waiting, A, "alice", "bob")
    six = Multiaddr("/ip6/2001:db8::7/udp/5000")
    assert not town.enter(Waiting, six, "sixtus", "bob", at=1).stranger
    assert not town.enter(Waiting, A, "alice", "bob").stranger
    assert ask(town, A, 77) == [(1, Waiting(token(3), present=False, stranger=False), A)]
    town.enter(Waiting, six, "sixtus", "bob", at=1)
    town.enter(Waiting, Multiaddr("/ip6/2001:db8::8/udp/5000"), "six", "bob")
    assert town.enter(Waiting, six, "sixtus", "bob").stranger
    assert not town.enter(Waiting, A, "alice", "bob").stranger


# What is passed on


def two_that_meet(**changes: Any) -> Town:
    town = Town()
    town.enter(Waiting, A, "alice", "bob", **{"relay": True, **changes})
    town.enter(Meet, B, "bob", "alice", at=2, relay=True)
    town.now += 1
    return town


@pytest.mark.parametrize("payload", [b"", b"\0", encode(Bye(token(1)), b"key"), bytes(1100)])
def test_a_payload_is_passed_on_as_it_is_with_the_senders_address(payload: bytes) -> None:
    town = two_that_meet()
    to_bob = Relay(circuit(SERVERS[0], B), payload)
    assert town.hear(to_bob, A) == [(2, Relay(CIRCUIT.encapsulate(A), payload), B)]  # from where bob has sent to
    to_alice = Relay(circuit(SERVERS[2], A), payload)
    assert town.hear(to_alice, B, 2) == [(0, Relay(CIRCUIT.encapsulate(B), payload), A)]
    assert town.hear(Relay(CIRCUIT.encapsulate(B), payload), A) == [(2, Relay(CIRCUIT.encapsulate(A), payload), B)]


@pytest.mark.parametrize("changes", [{"relay": False}, {"meet": Name("carol")}])
def test_nothing_is_passed_on_unless_both_want_it(changes: dict[str, Any]) -> None:
    town = two_that_meet()
    town.enter((Meet if "relay" in changes else Waiting), A, "alice", "bob", **{"relay": True, **changes})
    assert town.hear(Relay(circuit(SERVERS[0], B), b"?"), A) == []
    assert town.hear(Relay(circuit(SERVERS[0], A), b"?"), B) == []


@pytest.mark.parametrize(
    "address",
    [
        *(circuit(SERVERS[0], other) for other in (A, C, ip4(2, 5001), Multiaddr("/ip4/198.51.0.2/tcp/5000"))),
        circuit(SERVERS[0], circuit(SERVERS[1], B)),
        SERVERS[0].encapsulate(CIRCUIT),
        CIRCUIT,
        B,
    ],
)
def test_nothing_is_passed_on_to_anyone_but_the_partner(address: Multiaddr) -> None:
    town = two_that_meet()
    town.enter(Waiting, C, "carol", "alice", relay=True)
    assert town.hear(Relay(address, b"?"), A) == []
    assert town.hear(Relay(circuit(SERVERS[0], A), b"?"), C) == []
    assert town.hear(Relay(circuit(SERVERS[0], A), b"?"), ip4(2, 5001)) == []


def test_nothing_is_passed_on_for_or_to_who_has_left() -> None:
    town = two_that_meet()
    town.hear(Leave(token(1), town.cookie(A)), A)
    assert town.hear(Relay(circuit(SERVERS[0], B), b"?"), A) == []
    assert town.hear(Relay(circuit(SERVERS[0], A), b"?"), B) == []


def passed_on(town: Town, size: int, times: int) -> int:
    """Return how many bytes are passed on, of payloads of a size."""
    relay = Relay(circuit(SERVERS[0], B), bytes(size))
    return sum(size * len(town.hear(relay, A)) for _ in range(times))


def test_no_more_is_passed_on_than_the_allowance() -> None:
    town = two_that_meet()
    assert passed_on(town, 1024, 200) == RELAYED_A_SECOND
    town.now += 0.5
    assert passed_on(town, 1024, 200) == RELAYED_A_SECOND / 2
    town.now += 5
    assert passed_on(town, 1024, 200) == RELAYED_A_SECOND
    assert len(town.hear(Relay(circuit(SERVERS[2], A), bytes(1024)), B)) == 1  # the partner has one of its own


def test_an_allowance_is_kept_by_who_registers_again() -> None:
    town = two_that_meet()
    town.enter(Meet, A, "alice", "bob", relay=True)
    assert passed_on(town, 1024, 32) == 32 * 1024
    town.enter(Meet, C, "alice", "bob", relay=True)
    town.enter(Meet, A, "alice", "bob", relay=True)
    assert passed_on(town, 1024, 200) == RELAYED_A_SECOND - 32 * 1024


def test_an_allowance_does_not_grow_by_coming_anew() -> None:
    """Neither at once, nor elsewhere, nor after having left, nor under another name."""
    town = two_that_meet()
    assert passed_on(town, 1024, 200) == RELAYED_A_SECOND
    town.enter(Meet, A, "alice", "bob", relay=True)
    assert passed_on(town, 1024, 1) == 0
    town.enter(Meet, C, "alice", "bob", relay=True)
    town.enter(Meet, A, "alice", "bob", relay=True)
    assert passed_on(town, 1024, 1) == 0
    town.hear(Leave(token(1), town.cookie(A)), A)
    town.enter(Meet, A, "alice", "bob", relay=True)
    assert passed_on(town, 1024, 1) == 0
    town.enter(Waiting, A, "ann", "bob", relay=True)
    town.enter(Meet, B, "bob", "ann", relay=True)
    assert passed_on(town, 1024, 1) == 0


# Any datagrams

HOSTS = [ip4(1), ip4(1, 5001), ip4(1, 5002), ip4(2), ip4(2, 5001), ip4(3), ip4(4)]
SENDERS = st.sampled_from(
    [*HOSTS, *HOSTS, Multiaddr("/ip6/2001:db8::7/udp/5000"), Multiaddr("/ip6zone/eth0/ip6/fe80::7/udp/5000"), ip4(1, 0)]
)
PAIRS = [("alice", "bob"), ("bob", "alice"), ("carol", "dave"), ("dave", "carol"), ("dora", "bob"), ("eve", "eve")]
OFTEN = st.sampled_from([True, True, True, False])
PROBES = st.integers(0, 5).map(token)
PLACES = st.integers(0, 3)
SAID = st.sampled_from([(), (), AT_HOME, (Multiaddr("/ip4/127.0.0.1/udp/1"),), LARGE_HOME])


class AnyDatagrams(RuleBasedStateMachine):
    """What holds after every datagram, whatever came before."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(rendezvous, "MOST_PEERS", 3)  # so few that these bounds are reached
        self.patch.setattr(rendezvous, "MOST_OF_A_HOST", 2)
        self.patch.setattr(rendezvous, "MOST_ORDERS", 2)
        self.town = Town()
        self.cookies: dict[Multiaddr, Token] = {}
        """By whom they were seen."""
        self.proven: set[Multiaddr] = set()
        """Who has repeated its cookie."""
        self.came: list[bytes] = []
        self.received = self.sent = 0
        self.relayed: Counter[str] = Counter()
        """Bytes, by the name for which they were."""

    def teardown(self) -> None:
        self.patch.undo()

    def deliver(self, datagram: bytes, sender: Multiaddr, at: int) -> None:
        """Have the server receive a datagram, and check what it sends."""
        self.came.append(datagram)
        try:
            question = decode(datagram)
        except MessageError:
            question = None
        if isinstance(question, Register) and question.cookie == self.cookies.get(sender):
            self.proven.add(sender)
        guests = self.town.server._guests
        guest = guests.get(self.town.server._places.get(sender, ""))
        holders = {name: one.register.secret for name, one in guests.items() if self.town.now - one.heard < SILENCE}
        reaction = self.town.server.receive(datagram, sender, at)
        for outgoing in reaction:
            message = decode(outgoing.datagram)
            assert 0 <= outgoing.at < len(SERVERS)
            if isinstance(message, Relay):
                assert isinstance(question, Relay)
                assert outgoing.to in self.proven
                assert sender in self.proven
                assert message == Relay(CIRCUIT.encapsulate(sender), question.payload)
                assert guest is not None
                partner = guests[guest.register.meet]
                assert (partner.address, partner.register.meet) == (outgoing.to, guest.register.name)
                assert guest.register.relay
                assert partner.register.relay
                assert outgoing.at == partner.at
                self.relayed[guest.register.name] += len(message.payload)
                continue
            assert outgoing.to == sender
            if isinstance(message, Seen):
                assert message.address == sender
                assert self.cookies.setdefault(sender, message.cookie) == message.cookie
            elif not isinstance(message, Probe | Refused):
                assert sender in self.proven
            if isinstance(message, Order):
                assert message.address in self.proven
                assert message.address[0] != sender[0]
            if isinstance(question, Hello):
                assert isinstance(message, Seen | Probe)
            else:
                assert type(message) in ANSWERS[type(question)]  # type: ignore[index] # a question has an answer
            if isinstance(message, Meet):
                partner = guests[guests[self.town.server._places[sender]].register.meet]
                assert (message.seen, message.said) == (partner.address, partner.register.said)
                assert partner.register.meet == self.town.server._places[sender]
                assert partner.register.ready
                assert guests[partner.register.meet].register.ready
        for name, secret in holders.items():
            if name in guests:
                assert guests[name].register.secret == secret
            elif not isinstance(question, Register):  # by which an address gets another name
                assert isinstance(question, Leave)
                assert question.cookie == self.cookies[sender]
                assert guest is not None
                assert guest.register.name == name
        size = sum(len(outgoing.datagram) for outgoing in reaction)
        self.received += len(datagram)
        self.sent += size
        assert size <= len(datagram)

    def held(self, data: st.DataObject) -> Multiaddr:
        """Draw where a peer is that is held, or where anyone else may be."""
        return data.draw(st.sampled_from([*self.town.server._places, *self.town.server._places, *HOSTS]))

    @rule(sender=SENDERS, at=PLACES, probe=st.booleans())
    def look(self, sender: Multiaddr, at: int, probe: bool) -> None:
        self.deliver(encode(padded(Hello(token(1), probe))), sender, at)

    @rule(sender=SENDERS, pair=st.sampled_from(PAIRS), said=SAID, same=OFTEN, relay=OFTEN, ready=OFTEN, knows=OFTEN)
    def enter(
        self,
        sender: Multiaddr,
        pair: tuple[str, str],
        said: Addresses,
        same: bool,
        relay: bool,
        ready: bool,
        knows: bool,
    ) -> None:
        """Register someone, with the same secret as ever, or another one."""
        if sender not in self.cookies:
            self.look(sender, 0, probe=False)
        cookie = self.cookies.get(sender, WRONG) if knows else WRONG
        name, meet = map(Name, pair)
        secret = Token(name.encode().rjust(16)) if same else WRONG
        register = Register(token(2), cookie, name, meet, secret, said, Kind.UNKNOWN, ready, relay)
        self.deliver(encode(padded(register)), sender, 0)

    @rule(one=SENDERS, other=SENDERS, relay=OFTEN, ready=OFTEN)
    def enter_both(self, one: Multiaddr, other: Multiaddr, relay: bool, ready: bool) -> None:
        """Register two that want to meet each other."""
        for sender, pair in zip((one, other, one), (PAIRS[0], PAIRS[1], PAIRS[0]), strict=True):
            self.enter(sender, pair, (), same=True, relay=relay, ready=ready, knows=True)

    @precondition(lambda self: self.town.names)
    @rule(data=st.data(), moves=st.booleans(), at=PLACES)
    def come_again(self, data: st.DataObject, moves: bool, at: int) -> None:
        """Register someone who is held already, perhaps from elsewhere."""
        guest = data.draw(st.sampled_from(list(self.town.server._guests.values())))
        sender = data.draw(st.sampled_from(HOSTS)) if moves else guest.address
        if sender not in self.cookies:
            self.look(sender, at, probe=False)
        self.deliver(encode(replace(guest.register, cookie=self.cookies[sender])), sender, at)

    @rule(data=st.data(), probes=st.lists(PROBES, min_size=1, max_size=4), own=OFTEN)
    def ask(self, data: st.DataObject, probes: list[Token], own: bool) -> None:
        sender = self.held(data)
        cookie = self.cookies.get(sender if own else data.draw(SENDERS), WRONG)
        for probe in probes:
            self.deliver(encode(Ask(token(3), cookie, probe)), sender, 0)

    @rule(data=st.data(), own=st.booleans())
    def leave(self, data: st.DataObject, own: bool) -> None:
        sender = self.held(data)
        cookie = self.cookies.get(sender if own else data.draw(SENDERS), WRONG)
        self.deliver(encode(Leave(token(4), cookie)), sender, 0)

    @rule(
        data=st.data(),
        server=st.sampled_from([SERVERS[0], LARGE[0], Multiaddr()]),
        size=st.integers(0, 1100),
        times=st.sampled_from([1, 1, 80]),
    )
    def relay(self, data: st.DataObject, server: Multiaddr, size: int, times: int) -> None:
        sender = self.held(data)
        name = self.town.server._places.get(sender)
        partner = self.town.server._guests.get(dict(PAIRS).get(name or "", ""))
        to = self.held(data) if partner is None or data.draw(st.booleans()) else partner.address
        datagram = encode(Relay(circuit(server, to), bytes(size)))
        for _ in range(times):
            self.deliver(datagram, sender, 0)

    @rule(message=MESSAGES, sender=SENDERS, at=PLACES)
    def say_anything(self, message: Message, sender: Multiaddr, at: int) -> None:
        self.deliver(encode(message, b"key"), sender, at)

    @rule(datagram=st.binary(max_size=100), sender=SENDERS, at=PLACES)
    def be_noisy(self, datagram: bytes, sender: Multiaddr, at: int) -> None:
        self.deliver(datagram, sender, at)

    @precondition(lambda self: self.came)
    @rule(which=st.integers(0, 10_000), sender=SENDERS, at=PLACES, cut=st.integers(0, 400), junk=st.binary(max_size=2))
    def repeat(self, which: int, sender: Multiaddr, at: int, cut: int, junk: bytes) -> None:
        datagram = self.came[which % len(self.came)]
        self.deliver(datagram, sender, at)
        self.deliver(datagram[:cut] + junk, sender, at)
        self.deliver(datagram + junk, sender, at)

    @rule(seconds=st.sampled_from([0.1, 1.0, 1.0, SILENCE / 2, SILENCE]))
    def wait(self, seconds: float) -> None:
        self.town.now += seconds

    @invariant()
    def tables_agree(self) -> None:
        self.town.check()
        assert set(self.town.server._places) <= self.proven

    @invariant()
    def nobody_can_be_flooded(self) -> None:
        assert self.sent <= self.received
        for size in self.relayed.values():
            assert size <= (self.town.now - 1000.0) * RELAYED_A_SECOND

    @precondition(lambda self: self.town.server._guests)
    @rule(sender=SENDERS)
    def forget(self, sender: Multiaddr) -> None:
        self.look(sender, 0, probe=False)
        assert all(self.town.now - guest.heard < SILENCE for guest in self.town.server._guests.values())


AnyDatagrams.TestCase.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=40)
TestAnyDatagrams = AnyDatagrams.TestCase
