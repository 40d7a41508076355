"""Nobody is told, or believed, of an address that reaches less far than the two who talk of it."""

from __future__ import annotations

import socket

import pytest

from multiaddr_py import Multiaddr
from node import reach as reaches
from node.reach import is_for, is_of_use

# An address of each scope, by how far it reaches; those in the last row reach nobody.
REACHES: list[list[str]] = [
    ["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1", "/ip4/127.9.9.9/udp/1", "/unix/run/node", "/ip6/::ffff:127.0.0.1/tcp/1"],
    ["/ip4/169.254.1.1/tcp/1", "/ip6/fe80::1/tcp/1", "/ip6zone/eth0/ip6/fe80::1/tcp/1"],
    ["/ip4/10.0.0.1/tcp/1", "/ip4/192.168.1.1/udp/1", "/ip4/100.64.0.1/tcp/1", "/ip6/fd00::1/tcp/1"],
    ["/ip4/8.8.8.8/tcp/1", "/ip6/2600::1/udp/1", "/dns/libp2p.io/tcp/1"],
    [
        "/ip4/0.0.0.0/tcp/1",
        "/ip6/::/tcp/1",
        "/ip4/224.0.0.1/udp/1",
        "/ip4/255.255.255.255/udp/1",
        "/ip4/192.0.2.1/tcp/1",
        "/ip4/198.18.0.1/tcp/1",
        "/ip4/240.0.0.1/tcp/1",
        "/dns/0x7f000001/tcp/1",
        "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
        "/p2p-circuit",
    ],
]
ROWS = [(reach, Multiaddr(address)) for reach, row in enumerate(REACHES) for address in row]
GLOBAL, NOBODY = 3, 4


@pytest.mark.parametrize(("peer_reach", "peer"), ROWS, ids=[str(address) for _, address in ROWS])
@pytest.mark.parametrize(("reach", "address"), ROWS, ids=[str(address) for _, address in ROWS])
def test_an_address_is_of_use_to_a_peer_if_it_reaches_as_far_as_the_peers(
    reach: int, address: Multiaddr, peer_reach: int, peer: Multiaddr
) -> None:
    assert is_of_use(address, peer) is (reach != NOBODY and reach >= min(peer_reach, GLOBAL))


@pytest.mark.parametrize(("reach", "address"), ROWS, ids=[str(address) for _, address in ROWS])
def test_who_came_over_a_unix_socket_has_no_address_and_is_on_this_machine(reach: int, address: Multiaddr) -> None:
    assert is_of_use(address, Multiaddr()) is (reach != NOBODY)


def test_nobody_is_at_no_address() -> None:
    assert not is_of_use(Multiaddr(), Multiaddr("/ip4/127.0.0.1/tcp/1"))
    assert not is_of_use(Multiaddr(), Multiaddr())


def test_a_host_is_judged_once_whatever_its_ports() -> None:
    judged = reaches._reach_of_host.cache_info
    own = Multiaddr("/ip4/10.1.2.3/tcp/1")
    before = judged().misses
    for port in range(1, 1_000):
        assert is_of_use(own, Multiaddr(f"/ip4/10.3.2.1/tcp/{port}"))
    assert judged().misses <= before + 2


STREAM, DATAGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
KINDS: list[tuple[str, set[socket.SocketKind]]] = [
    ("/ip4/127.0.0.1/tcp/1", {STREAM}),
    ("/ip4/127.0.0.1/tcp/65535", {STREAM}),
    ("/ip6/2600::1/tcp/1", {STREAM}),
    ("/dns/example.org/tcp/1", {STREAM}),
    ("/unix/run/node", {STREAM}),
    ("/ip4/127.0.0.1/udp/1", {DATAGRAM}),
    ("/ip6/2600::1/udp/1", {DATAGRAM}),
    ("/ip4/127.0.0.1/tcp/0", set()),
    ("/ip4/127.0.0.1/udp/0", set()),
    ("/ip4/127.0.0.1", set()),
    ("/ip4/127.0.0.1/tcp/1/ws", set()),
    ("/ip4/127.0.0.1/udp/1/quic-v1", set()),
    ("/ip4/127.0.0.1/tcp/1/p2p/12D3KooWQF6Q3i1QkziJQ9mkNNcyFD8GPQz6R6oEvT75wgsVXm4v", set()),
    ("/ip4/127.0.0.1/tcp/1/p2p-circuit", set()),
    ("/ip6zone/eth0/ip6/fe80::1/tcp/1", set()),
    ("/p2p-circuit", set()),
]


@pytest.mark.parametrize(("address", "kinds"), KINDS, ids=[address for address, _ in KINDS])
def test_an_address_is_for_the_sockets_that_reach_it_and_nothing_behind_them(
    address: str, kinds: set[socket.SocketKind]
) -> None:
    assert {kind for kind in (STREAM, DATAGRAM) if is_for(Multiaddr(address), kind)} == kinds
    assert not is_for(Multiaddr(), STREAM)
