"""A flood of connections leaves room for those of other hosts, and nothing behind."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiaddr_py import Multiaddr
from node.gate import MOST, MOST_OF_HOST, Gate, GateError, host_of

HOSTS = [Multiaddr(f"/ip4/192.0.2.{number}/tcp/{number + 1}") for number in range(10)]
ONE_HOST = f"{MOST_OF_HOST} connections of one host are in their handshakes"
ALL = f"there are {MOST} connections in their handshakes"


@given(st.lists(st.tuples(st.sampled_from(HOSTS), st.booleans()), max_size=300))
def test_as_many_pass_as_may_and_leave_room_as_they_go(moves: list[tuple[Multiaddr, bool]]) -> None:
    gate = Gate()
    passing: dict[Multiaddr, list[ExitStack]] = {host: [] for host in HOSTS}
    for host, goes in moves:
        if goes:
            if passing[host]:
                passing[host].pop().close()
            continue
        stack = ExitStack()
        is_full = len(passing[host]) == MOST_OF_HOST or sum(map(len, passing.values())) == MOST
        try:
            stack.enter_context(gate.passing(host))
            passing[host].append(stack)
        except GateError:
            assert is_full
        else:
            assert not is_full


def test_one_host_does_not_keep_out_another() -> None:
    gate = Gate()
    with ExitStack() as stack:
        for port in range(MOST_OF_HOST):
            stack.enter_context(gate.passing(Multiaddr(f"/ip4/192.0.2.1/tcp/{port}")))
        with pytest.raises(GateError, match=ONE_HOST), gate.passing(Multiaddr("/ip4/192.0.2.1/tcp/9")):
            pass
        with gate.passing(Multiaddr("/ip4/192.0.2.2/tcp/9")):
            pass


def test_there_is_a_bound_for_all_and_room_again_after_it() -> None:
    gate = Gate()
    for _ in range(2):
        with ExitStack() as stack:
            for number in range(MOST):
                stack.enter_context(gate.passing(Multiaddr(f"/ip4/192.0.2.{number}/tcp/1")))
            with pytest.raises(GateError, match=ALL), gate.passing(Multiaddr("/ip4/198.51.100.1/tcp/1")):
                pass


def test_who_fails_leaves_room() -> None:
    gate = Gate()
    for _ in range(2 * MOST):
        with pytest.raises(OSError, match="reset"), gate.passing(HOSTS[0]):
            raise ConnectionResetError("reset")


CUSTOMERS = [
    ("/ip4/192.0.2.1/tcp/80", "/ip4/192.0.2.1"),
    ("/ip6/2001:db8:1:2:3::4/tcp/80", "/ip6/2001:db8:1:2::"),
    ("/ip6/2001:db8:1:2::/tcp/80", "/ip6/2001:db8:1:2::"),
    ("/ip6zone/eth0/ip6/fe80::1/tcp/80", "/ip6zone/eth0"),
    ("/unix/a", "/unix/a"),
    ("", ""),
]


@pytest.mark.parametrize(("address", "customer"), CUSTOMERS)
def test_a_customer_is_a_host_or_a_network_of_ipv6(address: str, customer: str) -> None:
    assert str(host_of(Multiaddr(address) if address else Multiaddr())) == customer
