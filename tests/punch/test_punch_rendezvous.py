"""The server tells peers how it sees them, holds who has repeated its cookie, and tells two where the other one is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rendezvous_town import AT_HOME, LARGE, LARGE_HOME, SERVERS, SIX, WRONG, A, B, C, Town, ip4, token

from multiaddr_py import Multiaddr
from punching.fields import Name
from punching.messages import Hello, Leave, Meet, Probe, Refused, Seen, Waiting, decode, encode, padded
from punching.nat import Kind
from punching.rendezvous import MOST_OF_A_HOST, MOST_PEERS, SILENCE, Rendezvous

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


@pytest.mark.parametrize(("sender", "at"), [(A, 0), (SIX, 2)])
def test_a_server_of_two_families_keeps_them_apart(sender: Multiaddr, at: int) -> None:
    """A socket of the other family cannot send to the peer, nor the peer to it."""
    servers = [*SERVERS[:2], *LARGE[:2]]
    first, *others = Town(servers).hear(padded(Hello(token(7), probe=True)), sender, at)
    assert isinstance(first[1], Seen)
    assert first[1].others == (servers[at + 1],)
    assert others == [(at + 1, Probe(token(7)), sender)]


@pytest.mark.parametrize(
    "nowhere",
    [
        ip4(1, 0),
        Multiaddr("/ip6/2001:db8::7/udp/0"),
        Multiaddr("/ip6zone/eth0/ip6/fe80::7/udp/5000"),
        Multiaddr("/ip4/198.51.0.1/tcp/5000"),
        Multiaddr("/udp/5000"),
        Multiaddr(),
    ],
    ids=str,
)
def test_who_comes_from_where_nothing_can_be_sent_to_is_passed_over(nowhere: Multiaddr) -> None:
    """Port 0, which a datagram may say that it comes from, and an address that means something on one link only."""
    town = Town([*SERVERS[:2], *LARGE[:2]])
    assert town.hear(padded(Hello(token(1), probe=True)), nowhere) == []
    register = town.register(A, "alice", "bob")
    assert town.hear(register, nowhere) == []
    assert town.names == []


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
    assert refused.reason == "the name alice is taken; it is free 10 s after its holder was last heard"
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
    refused = town.enter(Refused, ip4(1, 9000), "one-too-many", "bob")
    assert refused.reason == f"the server holds {MOST_OF_A_HOST} peers of this host already"
    town.enter(Waiting, ip4(1, 1), "a0", "bob")  # who is held is held on
    town.enter(Waiting, ip4(1, 9000), "a0", "bob")  # at another port, too
    town.enter(Waiting, B, "b0", "bob")
    assert town.enter(Refused, ip4(1, 9001), "b0", "bob").reason == refused.reason  # who comes from another host is not
    town.check()
    town.hear(Leave(token(1), town.cookie(ip4(1, 2))), ip4(1, 2))
    town.enter(Waiting, ip4(1, 9001), "b0", "bob")
    town.check()


def test_a_network_of_ipv6_counts_as_a_host() -> None:
    """One host may have all of its addresses."""
    town = Town(LARGE)

    def six(number: int, network: int = 1) -> Multiaddr:
        return Multiaddr(f"/ip6/2001:db8:0:{network}::{number:x}/udp/5000")

    for number in range(MOST_OF_A_HOST):
        town.enter(Waiting, six(number), f"a{number}", "bob")
    refused = town.enter(Refused, six(9000), "one-too-many", "bob")
    assert refused.reason == f"the server holds {MOST_OF_A_HOST} peers of this network of /64 already"
    town.enter(Waiting, six(9000), "a0", "bob")  # who is held may be elsewhere in it
    town.enter(Waiting, six(1, network=2), "b0", "bob")
    town.check()


def test_a_server_holds_so_many_peers_and_no_more() -> None:
    town = Town()
    for number in range(MOST_PEERS):
        town.enter(Waiting, ip4(number), f"a{number}", "bob")
    refused = town.enter(Refused, ip4(MOST_PEERS), "one-too-many", "bob")
    assert refused.reason == f"the server holds {MOST_PEERS} peers already"
    town.enter(Waiting, ip4(MOST_PEERS), "a0", "bob")
    town.check()
    town.now += SILENCE
    town.enter(Waiting, ip4(MOST_PEERS), "one-too-many", "bob")
    assert town.names == ["one-too-many"]


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


def test_two_of_different_families_do_not_meet_and_are_told_why() -> None:
    town = Town([*SERVERS[:2], *LARGE[:2]])
    town.enter(Waiting, A, "alice", "bob")
    refused = town.enter(Refused, SIX, "bob", "alice", at=2)
    assert refused.reason == "alice is at an address of ip4, and this peer at one of ip6"
    assert town.names == ["alice"]
    assert not town.enter(Waiting, A, "alice", "bob").present
    town.enter(Waiting, SIX, "bob", "carol", at=2)
    town.enter(Refused, SIX, "bob", "alice", at=2)  # who is held already cannot turn to the other one, either
    town.enter(Meet, B, "bob", "alice")  # it has come from the family of the other one
    town.enter(Refused, SIX, "bob", "alice", at=2)
    town.enter(Meet, A, "alice", "bob")


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
