"""The laboratory of NATs: each kind behaves as RFC 4787 has it, and nothing is left of one that was closed."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import TypeAlias, get_args

import internet
import pytest
from nat_lab import OTHER_SERVER, SERVER, Kind, Lab, LabError, Site, fault_of_lab, user_space

pytestmark = pytest.mark.skipif(fault_of_lab() is not None, reason=f"no laboratory: {fault_of_lab()}")

Address: TypeAlias = tuple[str, int]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROLES = ("host", "neighbour")
NATS = [kind for kind in KINDS if kind not in {"open", "firewall"}]
PATIENCE = 10  # seconds, for what is to come
QUIET = 0.02  # seconds, after which nothing more comes
free_port = count(4000).__next__  # what one test has opened, no other one uses


class Talker:
    """A socket for datagrams."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.address: Address = sock.getsockname()

    def send(self, to: Address, text: str = "") -> None:
        self.sock.sendto(text.encode(), to)

    def receive(self) -> tuple[str, Address]:
        text, sender = self.sock.recvfrom(0xFFFF)
        return text.decode(), sender

    def receive_all(self, expected: int = 0) -> list[str]:
        """Receive as many as are expected, and what comes besides."""
        received = [self.receive()[0] for _ in range(expected)]
        while select.select([self.sock], [], [], QUIET)[0]:
            received.append(self.receive()[0])
        return received


class World(ExitStack):
    """A laboratory, and sockets of its hosts that are closed at the end."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab = lab
        self.unused: dict[tuple[str, socket.SocketKind], list[socket.socket]] = {}

    def udp(self, name: str, port: int | None = None, address: str | None = None) -> Talker:
        sock = self._new(name, socket.SOCK_DGRAM)
        sock.bind((address or self.lab.private(name), port or free_port()))
        return Talker(sock)

    def tcp(self, name: str) -> socket.socket:
        sock = self._new(name, socket.SOCK_STREAM)
        sock.bind((self.lab.private(name), free_port()))
        return sock

    def _new(self, name: str, kind: socket.SocketKind) -> socket.socket:
        unused = self.unused.setdefault((name, kind), [])
        if not unused:  # some at once, since it takes a process
            unused += map(self.enter_context, self.lab.sockets_of(name, kind, 10))
        unused[-1].settimeout(PATIENCE)
        return unused.pop()

    def servers(self) -> list[Talker]:
        """Return three ends of the server, of which no two share address and port, but one each with the first."""
        one, other = free_port(), free_port()
        ends = (SERVER, one), (SERVER, other), (OTHER_SERVER, one)
        return [self.udp("server", port, address) for address, port in ends]

    def connected(self, name: str) -> tuple[socket.socket, socket.socket, Address]:
        """Connect a host with the server; return the socket of each, and the address that the server sees."""
        host, listener = self.tcp(name), self.tcp("server")
        listener.listen()
        host.connect(listener.getsockname())
        server, seen = listener.accept()
        server.settimeout(PATIENCE)
        return host, self.enter_context(server), seen


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Two hosts at a site of every kind."""
    sites = {kind: Site(kind) for kind in KINDS}
    with Lab({host_of(kind, role): sites[kind] for kind in KINDS for role in ROLES}) as lab, World(lab) as world:
        yield world


def host_of(kind: Kind, role: str = ROLES[0]) -> str:
    return f"{kind.replace(' ', '-')}-{role}"


def mapped(talker: Talker, server: Talker) -> Address:
    """Return the address from which a server hears."""
    talker.send(server.address)
    return server.receive()[1]


@pytest.mark.parametrize("kind", KINDS)
def test_only_symmetric_maps_by_endpoint(world: World, kind: Kind) -> None:
    alice, servers = world.udp(host_of(kind)), world.servers()
    seen = [mapped(alice, server) for server in servers]
    assert [mapped(alice, server) for server in servers] == seen
    assert {address for address, _ in seen} == {world.lab.public(host_of(kind))}
    ports = {port for _, port in seen}
    if kind == "symmetric":
        assert len(ports) > 1  # of three at random, two may be equal
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
    everybody = [*world.servers(), world.udp(host_of("open", "neighbour"))]
    senders = dict(zip(("same", "other port", "other address", "stranger"), everybody, strict=True))
    if early:
        for sender in senders.values():
            sender.send((world.lab.public(host_of(kind)), alice.address[1]), "early")
        welcome = len(senders) if kind == "open" else 0
        assert len(alice.receive_all(welcome)) == welcome
    seen = mapped(alice, senders["same"])
    for who, sender in senders.items():
        sender.send(seen, who)
    assert set(alice.receive_all(len(ADMITTED[kind]))) == ADMITTED[kind]
    later = {mapped(alice, sender) for sender in senders.values()}
    assert (later == {seen}) == (kind != "symmetric")


@pytest.mark.parametrize("kind", NATS)
def test_two_hosts_share_a_port_until_they_send_to_one_endpoint(world: World, kind: Kind) -> None:
    port, servers = free_port(), world.servers()
    alice, bob = hosts = [world.udp(host_of(kind, role), port) for role in ROLES]
    order = [(alice, 0), (bob, 1), (bob, 0), (alice, 1), (alice, 2), (bob, 2)]
    seen = {(host, number): mapped(host, servers[number]) for host, number in order}
    assert all(seen[alice, number] != seen[bob, number] for number in range(3))
    if kind != "symmetric":
        assert {seen[alice, 0][1], seen[bob, 1][1]} == {port}
        assert port not in {seen[bob, 0][1], seen[alice, 1][1]}
    assert [mapped(host, servers[number]) for host, number in order] == list(seen.values())
    for host in hosts:
        for number, server in enumerate(servers):
            server.send(seen[host, number], f"{host.address} {number}")
        assert host.receive_all(3) == [f"{host.address} {number}" for number in range(3)]
    stranger = world.udp(host_of("open"))
    stranger.send((world.lab.public(host_of(kind)), port), "who is there?")
    assert alice.receive_all(kind == "full cone") == ["who is there?"] * (kind == "full cone")
    assert bob.receive_all() == []


@pytest.mark.parametrize("kind", NATS)
def test_hosts_of_a_site_meet_privately_alone(world: World, kind: Kind) -> None:
    alice, bob, server = world.udp(host_of(kind)), world.udp(host_of(kind, "neighbour")), world.servers()[0]
    ends = {host: mapped(host, server) for host in (alice, bob)}
    for _ in range(2):
        alice.send(ends[bob], "public")
        bob.send(ends[alice], "public")
    alice.send(bob.address, "private")
    assert bob.receive_all(1) == ["private"]
    assert alice.receive_all() == []


@pytest.mark.parametrize("kind", KINDS)
def test_tcp_is_translated(world: World, kind: Kind) -> None:
    alice, server, (address, port) = world.connected(host_of(kind))
    assert address == world.lab.public(host_of(kind))
    assert port == alice.getsockname()[1] or kind == "symmetric"
    assert passes(alice, server, os.urandom(100_000))


def passes(sender: socket.socket, receiver: socket.socket, content: bytes) -> bool:
    """Tell whether what is sent through a connection comes out, and nothing else until it is closed."""

    def send() -> None:
        with sender:
            sender.sendall(content)

    thread = threading.Thread(target=send)
    thread.start()
    with receiver.makefile("rb") as stream:
        received = stream.read()
    thread.join()
    return received == content


@pytest.mark.parametrize(("one", "other"), [("port-restricted", "full cone"), ("address-restricted", "firewall")])
def test_tcp_opens_simultaneously(world: World, one: Kind, other: Kind) -> None:
    names = host_of(one), host_of(other)
    alice, bob = socks = [world.tcp(name) for name in names]
    ends = [(world.lab.public(name), sock.getsockname()[1]) for name, sock in zip(names, socks, strict=True)]
    for sock, end in zip(socks, reversed(ends), strict=True):
        sock.setblocking(False)
        assert sock.connect_ex(end) == errno.EINPROGRESS
    for sock in socks:
        assert select.select([], [sock], [], PATIENCE)[1] == [sock]
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        sock.settimeout(PATIENCE)
    assert passes(alice, bob, b"hello")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "open"])
def test_tcp_that_nobody_asked_for_gets_no_answer(world: World, kind: Kind) -> None:
    *_, seen = world.connected(host_of(kind))
    for end in (seen, (seen[0], free_port())):
        stranger = world.tcp("server")
        stranger.settimeout(QUIET)
        with pytest.raises(TimeoutError):
            stranger.connect(end)


@pytest.mark.parametrize("kind", KINDS)
def test_errors_find_their_way_in_and_out(world: World, kind: Kind) -> None:
    alice, bob, (server, closed, _) = world.udp(host_of(kind)), world.udp(host_of(kind)), world.servers()
    seen = mapped(bob, server)
    for talker, other, address in ((alice, closed, closed.address), (server, bob, seen)):
        other.sock.close()
        talker.sock.connect(address)
        talker.sock.send(b"")
        with pytest.raises(ConnectionRefusedError):
            talker.sock.recv(1)


def test_a_site_forgets_who_is_silent() -> None:
    silent = {host_of(kind): Site(kind, forgets=1) for kind in KINDS if kind != "open"}
    awake = {"awake-cone": Site("full cone", forgets=1), "awake-restricted": Site("address-restricted", forgets=1)}
    lasting = awake | {"patient": Site("full cone")}
    with Lab(lasting | silent) as lab, World(lab) as world:
        server, other, _ = world.servers()
        talkers = {name: world.udp(name) for name in lasting | silent}
        seen = {name: mapped(talker, server) for name, talker in talkers.items()}
        sleep(0.6)
        assert {name: mapped(talkers[name], server) for name in awake} == {name: seen[name] for name in awake}
        sleep(0.6)
        for name in talkers:
            server.send(seen[name], "from one")
            other.send(seen[name], "from another")
        assert [talkers[name].receive_all(2) for name in lasting] == [["from one", "from another"]] * len(lasting)
        assert [talkers[name].receive_all() for name in silent] == [[]] * len(silent)
        again = {name: mapped(talkers[name], server) for name in silent}
        assert {name for name in silent if again[name] != seen[name]} <= {host_of("symmetric")}


def numbers_received(path: internet.Path, seed: int, amount: int) -> list[int]:
    """Return what a server hears of the numbers that are sent to it from behind a NAT."""
    with Lab({"alice": Site("full cone")}, path=path, seed=seed) as lab, World(lab) as world:
        alice, server = world.udp("alice"), world.servers()[0]
        server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        for number in range(amount):
            alice.send(server.address, str(number))
        received: list[str] = []
        for end in ("all are sent", "all are there"):  # what is sent after one was held comes later than that
            while end not in received:
                alice.send(server.address, end)
                received += server.receive_all()
            sleep(path["held"])
        return [int(text) for text in received if text.isdecimal()]


def test_packets_are_lost_repeated_and_reordered_by_chance() -> None:
    path = internet.Path(loss=0.3, repeat=0.2, reorder=0.1, held=0.02)
    received = numbers_received(path, 1, 400)
    times = Counter(Counter(received).values())
    assert 0.2 < 1 - times.total() / 400 < 0.4
    assert 0.1 < times[2] / times.total() < 0.3
    assert times.total() == times[1] + times[2]
    late = sum(number < max(received[:place], default=0) for place, number in enumerate(received))
    assert 0.05 < late / len(received) < 0.3
    assert sorted(numbers_received(path, 1, 400)) == sorted(received)
    assert sorted(numbers_received(path, 2, 400)) != sorted(received)


def test_packets_take_their_time() -> None:
    with Lab({"alice": Site()}, path=internet.Path(delay=0.1)) as lab, World(lab) as world:
        alice, server = world.udp("alice"), world.servers()[0]
        start = monotonic()
        server.send(mapped(alice, server))
        alice.receive()
        assert monotonic() - start >= 0.2


def test_tcp_gets_over_a_bad_path() -> None:
    path = internet.Path(loss=0.02, repeat=0.1, reorder=0.1, held=0.005)
    with Lab({"alice": Site("symmetric")}, path=path) as lab, World(lab) as world:
        alice, server, _ = world.connected("alice")
        assert passes(alice, server, os.urandom(100_000))


PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have the tests ignore interrupts
try:
    print(os.getpid(), flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(7)
"""


def started(lab: Lab, name: str) -> tuple[subprocess.Popen[str], int]:
    """Start a program; return its process, and the ID that it has as it says itself."""
    process = subprocess.Popen(lab.command(name, sys.executable, "-c", PROGRAM), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_command_becomes_its_program(world: World) -> None:
    process, number = started(world.lab, "server")
    with process:
        assert number == process.pid
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 7


def test_every_host_has_a_loopback_of_its_own(world: World) -> None:
    names = ["server", *map(host_of, KINDS)]
    talkers = [world.udp(name, 4000, "127.0.0.1") for name in names]
    for name, talker in zip(names, talkers, strict=True):
        talker.send(talker.address, name)
        assert talker.receive() == (name, talker.address)


def test_nothing_is_left_of_a_closed_laboratory() -> None:
    with Lab({"alice": Site(), "bob": Site("firewall")}) as lab:
        programs = {process.pid: process for process, _ in (started(lab, name) for name in ("server", "alice", "bob"))}
        own = set(lab._programs()) - {*programs}
        assert len(own) == 2
    for process in programs.values():
        with process:
            assert process.wait(PATIENCE) == -signal.SIGKILL
    assert not any(Path(f"/proc/{number}").exists() for number in own)  # which a zombie has, too


KILLED = """
import os, nat_lab
with nat_lab.Lab({"alice": nat_lab.Site()}) as lab:
    print(*lab._programs(), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_nothing_is_left_when_the_tests_are_killed() -> None:
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    own = done.stdout.split()
    assert len(own) == 2
    end = monotonic() + PATIENCE
    while any(map(user_space, own)):
        assert monotonic() < end
        sleep(0.01)


def test_a_laboratory_that_broke_says_so() -> None:
    with pytest.raises(LabError, match="ended early"), Lab() as lab:
        os.kill(lab.process_id, signal.SIGKILL)


def test_what_cannot_be_set_up_says_why() -> None:
    lab = Lab({"alice": Site()})
    lab._plan["script"] = "ip link show nothing"
    with pytest.raises(LabError, match='Device "nothing" does not exist'), lab:
        pass
