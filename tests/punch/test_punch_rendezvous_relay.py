"""The server passes on what two say to each other that both want it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rendezvous_town import LARGE, SERVERS, SIX, A, B, C, Town, ip4, token

from multiaddr_py import Multiaddr
from punching.candidates import CIRCUIT, circuit
from punching.fields import Name
from punching.messages import LARGEST, Bye, Leave, Meet, Relay, Waiting, encode
from punching.rendezvous import RELAYED_A_SECOND


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


def test_nothing_that_just_fits_is_too_long_to_be_passed_on() -> None:
    """As it would be from a peer at an address of IPv6 to one of IPv4."""
    town = Town([SERVERS[0], LARGE[0]])
    for _ in range(2):
        town.hear(town.register(SIX, "alice", "bob", relay=True), SIX, 1)
        town.hear(town.register(A, "bob", "alice", relay=True), A)
    town.now += 1
    to_bob = Relay(CIRCUIT.encapsulate(A), b"")
    payload = bytes(LARGEST - len(encode(to_bob)))
    assert town.hear(replace(to_bob, payload=payload), SIX, 1) == []


@pytest.mark.parametrize("changes", [{"relay": False}, {"meet": Name("carol")}])
def test_nothing_is_passed_on_unless_both_want_it(changes: dict[str, Any]) -> None:
    town = two_that_meet()
    town.enter((Meet if "relay" in changes else Waiting), A, "alice", "bob", **{"relay": True, **changes})
    assert town.hear(Relay(circuit(SERVERS[0], B), b"?"), A) == []
    assert town.hear(Relay(circuit(SERVERS[0], A), b"?"), B) == []


def test_a_server_that_is_no_relay_says_so_and_passes_nothing_on() -> None:
    town = Town(relays=False)
    town.enter(Waiting, A, "alice", "bob", relay=True)
    assert not town.enter(Meet, B, "bob", "alice", relay=True).relay
    assert not town.enter(Meet, A, "alice", "bob", relay=True).relay
    town.now += 1
    assert town.hear(Relay(circuit(SERVERS[0], B), b"?"), A) == []


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
