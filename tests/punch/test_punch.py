"""The program that punches holes, in processes behind NATs of every kind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic

import internet
import pytest
from nat_lab import OTHER_SERVER, SERVER, Kind, Site, fault_of_lab
from punch_program import HOPELESS, PAIRS, Met, Program, S, World, meet, part, world

from multiaddr_py import Multiaddr
from multiaddr_py.net import is_relayed

needs_lab = pytest.mark.skipif(fault_of_lab() is not None, reason=f"no namespaces: {fault_of_lab()}")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends programs by signals")

AT_ONCE = 6  # laboratories


@pytest.fixture(scope="module")
def meetings() -> dict[tuple[str, ...], Met]:
    """Have all pairs meet, some at a time, since most of the time is spent waiting; some with a relay."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        relayed = {(*pair, "--relay"): pool.submit(meet, pair, "--relay") for pair in HOPELESS}
        return {
            key: future.result()
            for key, future in (relayed | {pair: pool.submit(meet, pair) for pair in PAIRS}).items()
        }


FILTERING = {
    "open": "endpoint-independent",
    "full cone": "endpoint-independent",
    "address-restricted": "address-dependent",
    "port-restricted": "address and port-dependent",
    "symmetric": "address and port-dependent",
}


@needs_lab
@pytest.mark.parametrize("pair", PAIRS, ids="/".join)
def test_each_peer_sees_the_kind_of_its_nat(meetings: dict[tuple[str, ...], Met], pair: tuple[Kind, Kind]) -> None:
    met = meetings[pair]
    for peer, kind in zip((met.alice, met.bob), pair, strict=True):
        mapping = "address and port-dependent" if kind == "symmetric" else "endpoint-independent"
        [nat] = peer.all("nat")
        assert nat == {"event": "nat", "kind": kind, "mapping": mapping, "filtering": FILTERING[kind]}


@needs_lab
@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in HOPELESS], ids="/".join)
def test_there_is_a_direct_path_where_there_can_be_one(
    meetings: dict[tuple[str, ...], Met], pair: tuple[Kind, Kind]
) -> None:
    alice, bob, statuses = meetings[pair]
    assert statuses == (0, 0)
    for peer, other in ((alice, bob), (bob, alice)):
        [direct] = peer.all("direct")
        [registered] = other.all("registered")
        path, seen = Multiaddr(direct["address"]), Multiaddr(registered["address"])
        assert path[0] == seen[0]
        symmetric = pair[peer is alice] == "symmetric"
        assert (path != seen) == symmetric
        # Such a NAT has another port for TCP, too; where the other peer lets in anyone it does not matter.
        connected = "symmetric" not in pair or "open" in pair
        [tcp] = peer.all("tcp")
        assert ("reason" not in tcp) == connected
        if not symmetric:
            assert Multiaddr(tcp["address"]) == path[:1].encapsulate(f"/tcp/{path[1].value}")
    assert (alice.texts(), bob.texts()) == (["from bob"], ["from alice"])


@needs_lab
@pytest.mark.parametrize("pair", HOPELESS, ids="/".join)
def test_where_there_is_no_path_both_are_told_why(
    meetings: dict[tuple[str, ...], Met], pair: tuple[Kind, Kind]
) -> None:
    alice, bob, statuses = meetings[pair]
    assert statuses == (1, 1)
    for peer, other in ((alice, "bob"), (bob, "alice")):
        [failed] = peer.all("failed")
        assert failed["reason"].startswith(f"no path to {other}: ")
        assert "symmetric NAT" in failed["reason"]
        assert peer.texts() == []


@needs_lab
@pytest.mark.parametrize("pair", HOPELESS, ids="/".join)
def test_a_relay_passes_on_what_has_no_path(meetings: dict[tuple[str, ...], Met], pair: tuple[Kind, Kind]) -> None:
    alice, bob, statuses = meetings[*pair, "--relay"]
    assert statuses == (0, 0)
    for peer, other in ((alice, bob), (bob, alice)):
        [relayed] = peer.all("relayed")
        [registered] = other.all("registered")
        assert relayed["address"] == f"{S[0]}/p2p-circuit{registered['address']}"
        assert is_relayed(relayed["address"])
        assert "symmetric NAT" in relayed["reason"]
        assert peer.all("direct") == []
    assert (alice.texts(), bob.texts()) == (["from bob"], ["from alice"])


@needs_lab
def test_a_relay_has_to_be_wanted_by_both() -> None:
    with world({"alice": Site("symmetric"), "bob": Site("symmetric")}) as here:
        here.serve(*S)
        alice, bob = here.peer("alice", "bob", "--relay"), here.peer("bob", "alice")
        assert alice.wait_for("failed")["reason"].endswith("; and bob has not asked for a relay")
        assert "; with --relay on both " in bob.wait_for("failed")["reason"]
        assert (alice.end(), bob.end()) == (1, 1)


@needs_lab
@pytest.mark.parametrize("kind", ["full cone", "port-restricted", "symmetric"])
def test_two_peers_behind_one_nat_meet_inside(kind: Kind) -> None:
    home = Site(kind)
    with world({"alice": home, "bob": home}) as here:
        here.serve(*S)
        alice, bob = here.peer("alice", "bob", "--say", "hello"), here.peer("bob", "alice")
        for peer, other in ((alice, bob), (bob, alice)):
            peer.wait_for("tcp")
            [listening] = other.all("listening")
            assert peer.all("direct")[0]["address"] == listening["address"]
            assert "reason" not in peer.all("tcp")[0]
        bob.wait_for("message")
        assert part(alice, bob) == (0, 0)


@needs_lab
def test_the_server_may_end_and_the_mapping_is_kept_alive() -> None:
    with world({"alice": Site("port-restricted", forgets=2), "bob": Site("port-restricted", forgets=2)}) as here:
        server = here.serve(*S)
        alice, bob = here.peer("alice", "bob", "--alive", "0.5"), here.peer("bob", "alice", "--alive", "0.5")
        for peer in (alice, bob):
            peer.wait_for("direct")
        assert server.stop() == 0
        for peer in (alice, bob):
            peer.wait_for("tcp")
        threading.Event().wait(4)  # by now the NATs would have forgotten both
        alice.say("still there?")
        assert bob.wait_for("message")["text"] == "still there?"
        bob.say("yes")
        assert alice.wait_for("message")["text"] == "yes"
        assert part(alice, bob) == (0, 0)


@needs_lab
def test_a_peer_with_a_path_is_a_server_for_others() -> None:
    sites: dict[str, Kind] = {
        "alice": "full cone",
        "bob": "port-restricted",
        "carol": "port-restricted",
        "dave": "address-restricted",
        "eve": "symmetric",
        "frank": "open",
    }
    with world({name: Site(kind) for name, kind in sites.items()}) as here:
        server = here.serve(*S)
        alice, bob = here.peer("alice", "bob"), here.peer("bob", "alice")
        address = bob.wait_for("direct")["address"]
        alice.wait_for("direct")
        server.stop()
        pairs = (("carol", "dave"), ("eve", "frank"))
        guests = {
            name: here.peer(name, other, servers=[address]) for pair in pairs for name, other in (pair, pair[::-1])
        }
        for guest in guests.values():
            guest.wait_for("tcp")
        for one, other in pairs:
            assert guests[one].stop() == 0
            assert guests[other].wait_for("left")["name"] == one
            assert guests[other].end() == 0
        assert {event["name"] for event in alice.all("guest")} == set(guests)
        bob.say("and me?")
        assert alice.wait_for("message")["text"] == "and me?"
        assert part(alice, bob) == (0, 0)


@needs_lab
def test_texts_arrive_once_and_in_order_whatever_gets_lost() -> None:
    path = internet.Path(loss=0.2, repeat=0.2, reorder=0.2, held=0.03, delay=0.01)
    with world({"alice": Site("port-restricted"), "bob": Site("address-restricted")}, path=path) as here:
        here.serve(*S)
        alice, bob = here.peer("alice", "bob"), here.peer("bob", "alice")
        for peer in (alice, bob):
            peer.wait_for("direct")
        lines = [f"line {number} \N{SNOWMAN}" for number in range(20)]
        alice.say(*lines)
        bob.say(*lines)
        for peer in (alice, bob):
            peer.wait_for("message", len(lines))
        assert alice.texts() == bob.texts() == lines


@needs_lab
def test_a_server_of_two_hosts_needs_no_stranger() -> None:
    servers = [f"/ip4/{host}/udp/{port}" for host in (SERVER, OTHER_SERVER) for port in (4001, 4002)]
    kinds: dict[str, Kind] = {"cone": "full cone", "address": "address-restricted", "fire": "firewall"}
    with world({name: Site(kind) for name, kind in kinds.items()}) as here:
        here.serve(*servers)
        alone = {name: here.peer(name, "nobody", "--wait", "1.5", servers=servers[:1]) for name in kinds}
        for name, kind in kinds.items():
            assert alone[name].wait_for("nat")["kind"] == kind
            assert alone[name].wait_for("failed")["reason"] == "nobody has not come within 1.5 s"
            assert alone[name].end() == 1


# On this machine, without a NAT


@contextmanager
def server_here(*hosts: str) -> Iterator[tuple[World, Program, list[str]]]:
    with world() as here:
        server = here.serve(*(f"{host}/udp/0" for host in hosts))
        yield here, server, [event["address"] for event in server.all("listening")]


@pytest.mark.parametrize("host", ["/ip4/127.0.0.1", "/ip6/::1"])
def test_two_peers_on_one_machine_meet(host: str) -> None:
    with server_here(host, host) as (here, server, servers):
        started = monotonic()
        alice = here.peer("alice", "bob", "--say", "hello", servers=servers)
        bob = here.peer("bob", "alice", servers=servers)
        assert bob.wait_for("message") == {"event": "message", "name": "alice", "text": "hello"}
        direct = alice.wait_for("direct")
        assert 0 <= float(direct["seconds"]) < monotonic() - started
        assert {event["name"] for event in server.all("registered")} == {"alice", "bob"}
        assert (*part(alice, bob), server.stop()) == (0, 0, 0)


def test_a_server_that_does_not_answer_is_a_reason() -> None:
    with server_here("/ip4/127.0.0.1") as (here, server, servers):
        server.stop()
        alone = here.peer("alice", "bob", servers=servers)
        assert alone.wait_for("failed")["reason"] == f"no answer from {servers[0]} within 5 s"
        assert alone.end() == 1


def test_a_name_is_one_peers_at_a_time() -> None:
    with server_here("/ip4/127.0.0.1") as (here, _, servers):
        first = here.peer("alice", "bob", servers=servers)
        first.wait_for("waiting")
        second = here.peer("alice", "bob", servers=servers)
        assert "the name alice is taken" in second.wait_for("failed")["reason"]
        assert not second.all("registered")
        assert (first.stop(signal.SIGTERM), second.end()) == (0, 1)
