"""The laboratory of NATs: each kind behaves as RFC 4787 has it, and nothing is left of one that was closed."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from typing import TypeAlias, get_args

import pytest
from nat_lab import OTHER_SERVER, SERVER, Kind, Lab, Site, fault_of_lab

pytestmark = pytest.mark.skipif(fault_of_lab() is not None, reason=f"no laboratory: {fault_of_lab()}")

Address: TypeAlias = tuple[str, int]
KINDS: tuple[Kind, ...] = get_args(Kind)
PATIENCE = 10  # seconds, for what is to come
QUIET = 0.05  # seconds, after which nothing more comes
free_port = count(4000).__next__  # what one test has opened, no other one uses


def host_of(kind: Kind, number: int = 1) -> str:
    return f"{kind.replace(' ', '-')}-{number}"


class World:
    """A laboratory in which every kind of site has two hosts, and sockets that are closed at the end of a test."""

    def __init__(self, lab: Lab, sockets: ExitStack) -> None:
        self.lab = lab
        self.sockets = sockets

    def udp(self, name: str, port: int | None = None, address: str | None = None) -> Talker:
        sock = self.sockets.enter_context(self.lab.socket_of(name))
        sock.bind((address or self.lab.private(name), free_port() if port is None else port))
        return Talker(sock)

    def tcp(self, name: str, port: int, address: str | None = None) -> socket.socket:
        sock = self.sockets.enter_context(self.lab.socket_of(name, socket.SOCK_STREAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address or self.lab.private(name), port))
        sock.setblocking(False)
        return sock


class Talker:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.address: Address = sock.getsockname()

    def send(self, to: Address, text: str = "") -> None:
        self.sock.sendto(text.encode(), to)

    def receive(self) -> tuple[str, Address]:
        self.sock.settimeout(PATIENCE)
        text, sender = self.sock.recvfrom(0xFFFF)
        return text.decode(), sender

    def receive_all(self, expected: int = 0) -> list[str]:
        """Receive what is expected, and what comes besides."""
        received = [self.receive()[0] for _ in range(expected)]
        while select.select([self.sock], [], [], QUIET)[0]:
            received.append(self.receive()[0])
        return received


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    sites = {kind: Site(kind) for kind in KINDS}
    with Lab({host_of(kind, number): sites[kind] for kind in KINDS for number in (1, 2)}) as lab:
        yield lab


@pytest.fixture
def world(lab: Lab) -> Iterator[World]:
    with ExitStack() as sockets:
        yield World(lab, sockets)


def mapped(talker: Talker, server: Talker) -> Address:
    """Return the address from which a server hears."""
    talker.send(server.address)
    return server.receive()[1]


@pytest.mark.parametrize("kind", KINDS)
def test_only_symmetric_maps_by_endpoint(world: World, kind: Kind) -> None:
    name = host_of(kind)
    alice = world.udp(name)
    servers = [
        world.udp("server", 1001, SERVER),
        world.udp("server", 1002, SERVER),
        world.udp("server", 1001, OTHER_SERVER),
    ]
    seen = [mapped(alice, server) for server in servers]
    assert [mapped(alice, server) for server in servers] == seen
    assert {address for address, _ in seen} == {world.lab.public(name)}
    ports = {port for _, port in seen}
    if kind == "symmetric":
        assert len(ports) == 3
        assert alice.address[1] not in ports
    else:
        assert ports == {alice.address[1]}


ADMITTED: dict[Kind, set[str]] = {
    "open": {"same", "other port", "other address", "stranger"},
    "firewall": {"same"},
    "full cone": {"same", "other port", "other address", "stranger"},
    "address-restricted": {"same", "other port"},
    "port-restricted": {"same"},
    "symmetric": {"same"},
}


@pytest.mark.parametrize("early", [False, True], ids=["outbound first", "inbound first"])
@pytest.mark.parametrize("kind", KINDS)
def test_filters_by_kind_whoever_comes_first(world: World, kind: Kind, early: bool) -> None:
    alice = world.udp(host_of(kind))
    senders = {
        "same": world.udp("server", 1001, SERVER),
        "other port": world.udp("server", 1002, SERVER),
        "other address": world.udp("server", 1001, OTHER_SERVER),
        "stranger": world.udp(host_of("open", 2)),
    }
    if early:
        for sender in senders.values():
            sender.send((world.lab.public(host_of(kind)), alice.address[1]), "early")
        welcome = len(senders) if kind == "open" else 0
        assert alice.receive_all(welcome) == ["early"] * welcome
    seen = mapped(alice, senders["same"])
    assert (seen[1] == alice.address[1]) == (kind != "symmetric")
    for who, sender in senders.items():
        sender.send(seen, who)
    assert set(alice.receive_all(len(ADMITTED[kind]))) == ADMITTED[kind]
    # Nor does it change the mapping.
    assert mapped(alice, senders["same"]) == seen
    if kind != "symmetric":
        assert mapped(alice, senders["stranger"]) == mapped(alice, senders["other address"]) == seen


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"open", "firewall"}])
def test_two_hosts_with_one_port_get_different_ones(world: World, kind: Kind) -> None:
    port = free_port()
    hosts = [world.udp(host_of(kind, number), port) for number in (1, 2)]
    servers = [
        world.udp("server", 1001, SERVER),
        world.udp("server", 1002, SERVER),
        world.udp("server", 1001, OTHER_SERVER),
    ]
    seen = [[mapped(host, server) for server in servers] for host in hosts]
    assert all(one != other for one, other in zip(*seen, strict=True))
    if kind not in {"symmetric"}:
        assert [len(set(addresses)) for addresses in seen] == [1, 1]
        assert port in {one[0][1] for one in seen}
    for host, addresses in zip(hosts, seen, strict=True):
        for server, address in zip(servers, addresses, strict=True):
            server.send(address, f"{server.address} {host.address}")
        assert host.receive_all(3) == [f"{server.address} {host.address}" for server in servers]


@pytest.mark.parametrize("kind", KINDS)
def test_hosts_of_a_site_reach_each_other_privately_alone(world: World, kind: Kind) -> None:
    alice, bob = (world.udp(host_of(kind, number)) for number in (1, 2))
    server = world.udp("server", 1001, SERVER)
    public = mapped(bob, server)
    alice.send(public, "public")
    alice.send(bob.address, "private")
    if kind in {"open", "firewall"}:
        mapped(alice, server)
        public = mapped(alice, server)
        bob.send(public)
    else:
        assert bob.receive_all(1) == ["private"]
