"""Peers that wait send to strangers: few, never to who is at their own host, and once they are told."""

from __future__ import annotations

import sys

from rendezvous_town import LARGE, SERVERS, SIX, WRONG, A, B, C, Town, ip4, token

from multiaddr_py import Multiaddr
from punching import rendezvous
from punching.messages import Ask, Leave, Meet, Message, Order, Waiting, decode, encode
from punching.rendezvous import MOST_ORDERS


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
    town.enter(Waiting, B, "bob", "alice", ready=False)
    assert ask(town, A, 77) == [(1, Waiting(token(3), present=True, stranger=True), A)]
    town.enter(Meet, B, "bob", "alice")
    town.enter(Order, B, "bob", "alice", ready=False)


def test_two_that_meet_have_no_time_for_strangers() -> None:
    """They would be told to meet each time, and never of the stranger, whose NAT would seem to let nobody in."""
    town = Town()
    town.enter(Waiting, A, "alice", "bob")
    town.enter(Meet, B, "bob", "alice")
    assert not town.enter(Waiting, C, "carol", "dave").stranger
    assert ask(town, C, 77) == [(1, Waiting(token(3), present=False, stranger=False), C)]
    assert not any(guest.orders for guest in town.server._guests.values())
    town.check()
    town.hear(Leave(token(1), town.cookie(A)), A)
    town.check()
    assert town.enter(Waiting, C, "carol", "dave").stranger  # bob, who waits again
    ask(town, C, 77)
    town.enter(Order, B, "bob", "alice")


def test_who_asks_does_not_have_the_server_look_at_each_of_its_peers() -> None:
    town = Town()
    for number in range(500):
        town.enter(Waiting, ip4(100 + number), f"b{number}", "bob")
    question = encode(Ask(token(3), town.cookie(ip4(100)), token(77)))
    calls: list[object] = []
    sys.setprofile(lambda frame, event, argument: calls.append(frame.f_code) if event == "call" else None)
    try:
        (answer,) = town.server.receive(question, ip4(100))
    finally:
        sys.setprofile(None)
    assert decode(answer.datagram) == Waiting(token(3), present=False, stranger=True)
    assert len(calls) < 250


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
    assert not town.enter(Waiting, SIX, "sixtus", "bob", at=1).stranger
    assert not town.enter(Waiting, A, "alice", "bob").stranger
    assert ask(town, A, 77) == [(1, Waiting(token(3), present=False, stranger=False), A)]
    town.enter(Waiting, SIX, "sixtus", "bob", at=1)
    town.enter(Waiting, Multiaddr("/ip6/2001:db8::8/udp/5000"), "near", "bob", at=1)
    assert not town.enter(Waiting, SIX, "sixtus", "bob", at=1).stranger  # there is no NAT or firewall in between
    town.enter(Waiting, Multiaddr("/ip6/2001:db8:0:1::7/udp/5000"), "far", "bob", at=1)
    assert town.enter(Waiting, SIX, "sixtus", "bob", at=1).stranger
    assert not town.enter(Waiting, A, "alice", "bob").stranger
