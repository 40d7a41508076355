"""A node tells where it is, in an order that is of use to others, and hears its discovery wherever it listens."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import time

import ifaddr
import pytest
from channel_ends import channel_pair
from hypothesis import given
from hypothesis import strategies as st
from node_program import run_command
from waiting import run as run_test
from waiting import until

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import start_server
from node import run as running
from node.config import Config
from node.datagrams import UdpSockets
from node.discovery import Discovery
from node.fields import MOST_ADDRESSES
from node.identity import new_identity
from node.messages import PROTOCOL, Version
from node.peer import Peer
from node.reach import reach_of
from node.run import greet, in_turns, open_sockets, run

HOSTS = ["/ip4/127.0.0.1", "/ip4/10.0.0.1", "/ip4/8.8.8.8", "/ip6/2600::1", "/ip6/fe80::1", "/unix/a"]


def addresses(kind: str, hosts: list[str]) -> list[Multiaddr]:
    return [Multiaddr(f"{host}/{kind}/{number}") for number, host in enumerate(hosts, start=1)]


# In which order addresses are told


@given(st.lists(st.sampled_from(HOSTS), max_size=12), st.lists(st.sampled_from(HOSTS[:-1]), max_size=12))
def test_all_are_told_each_kind_in_its_turn_and_what_reaches_furthest_first(tcp: list[str], udp: list[str]) -> None:
    streams, datagrams = addresses("tcp", tcp), addresses("udp", udp)
    told = in_turns(streams, datagrams)
    assert sorted(told) == sorted([*streams, *datagrams])
    both = min(len(tcp), len(udp))
    assert ["udp" in one for one in told[: 2 * both]] == [False, True] * both
    for kind in (streams, datagrams):
        reaches = [reach_of(one) for one in told if one in kind]
        assert reaches == sorted(reaches, reverse=True)


def test_who_has_nine_interfaces_tells_as_many_addresses_of_udp_as_of_tcp() -> None:
    hosts = [f"/ip4/10.0.0.{number}" for number in range(1, 10)]
    first = in_turns(addresses("tcp", hosts), addresses("udp", hosts))[:MOST_ADDRESSES]
    assert sum("udp" in one for one in first) == MOST_ADDRESSES // 2


# Where the discovery is


@pytest.mark.parametrize("hosts", [["/ip4/127.0.0.1"], ["/ip6/::1", "/ip4/127.0.0.1"]])
def test_the_discovery_is_beside_the_first_listener_of_each_family(hosts: list[str]) -> None:
    async def check() -> None:
        listen = [Multiaddr(f"{host}/tcp/0") for host in (*hosts, *hosts)]
        servers = [await start_server(lambda _, __: None, address) for address in listen]
        try:
            async with await open_sockets(listen, servers) as sockets:
                assert [one[:1] for one in sockets.addresses()] == [Multiaddr(host) for host in hosts]
            asked_for = [server.address for server in servers]
            async with await open_sockets(asked_for, servers) as sockets:
                ports = [one[1].value for one in sockets.addresses()]
                assert ports == [server.address[1].value for server in servers[: len(hosts)]]
        finally:
            for server in servers:
                await server.aclose()

    run_test(check())


def test_a_number_that_is_taken_is_replaced_only_where_nobody_has_asked_for_it() -> None:
    async def check() -> None:
        listen = [Multiaddr("/ip4/127.0.0.1/tcp/0")]
        async with await start_server(lambda _, __: None, listen[0]) as server:
            taken = server.address[:1] / f"/udp/{server.address[1].value}"
            async with await UdpSockets.bound(taken):
                async with await open_sockets(listen, [server]) as sockets:
                    assert sockets.addresses() not in ((), (taken,))
                with pytest.raises(OSError, match="in use"):
                    await open_sockets([server.address], [server])

    run_test(check())


@pytest.mark.parametrize(("host", "instead"), [("/ip4/127.0.0.1", "/ip4/0.0.0.0"), ("/ip6/::1", "/ip6/::")])
def test_two_sockets_of_one_family_are_an_error_before_anything_is_opened(
    host: str, instead: str, tmp_path: Path
) -> None:
    ended = run_command("run", "--data", str(tmp_path), "--listen", *[f"{host}/udp/0"] * 2)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"node: '{host}/udp/0': of each family of addresses there is one socket of udp at most; "
        f"use one of them alone, or {instead}/udp/0 instead of both\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


# Where the node is, when that changes


def test_a_node_tells_where_it_is_now_whatever_the_system_says_in_between(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It begins where there is no network, and moves."""
    hosts = list[str]()
    failures = list[Exception]()
    looks = 0

    def adapters() -> list[ifaddr.Adapter]:
        nonlocal looks
        looks += 1
        if failures:
            raise failures[0]
        return [ifaddr.Adapter("eth0", "eth0", [ifaddr.IP(host, 24, "eth0") for host in hosts])]

    monkeypatch.setattr(ifaddr, "get_adapters", adapters)
    monkeypatch.setattr(running, "MOVE", 0.01)
    events = list[tuple[str, str]]()

    def report(event: str, /, **fields: Multiaddr | bytes | str | int) -> None:
        events.append((event, str(fields.get("address"))))

    def told(host: str) -> list[str]:
        return [
            address.split("/")[3]
            for event, address in events
            if event == "listening" and address.startswith(f"/ip4/{host}/")
        ]

    async def looked() -> None:
        before = looks
        await until(lambda: looks >= before + 4)

    async def check() -> None:
        door = Multiaddr(f"/unix/{str(tmp_path / 's').replace('/', '%2F')}")
        config = Config(new_identity(), tmp_path, door, (Multiaddr("/ip4/0.0.0.0/tcp/0"),))
        failures.append(OSError(errno.EMFILE, "too many"))
        node = asyncio.create_task(run(config, report, Random()))
        await until(lambda: ("status", str(door)) in events)
        await looked()
        failures.clear()
        await looked()
        assert not told("10.0.0.5")
        hosts.append("10.0.0.5")
        await until(lambda: told("10.0.0.5") == ["tcp", "udp"])
        for failure in (
            OSError(errno.EMFILE, "too many"),
            UnicodeDecodeError("utf-8", b"", 0, 1, ""),
            AssertionError(),
        ):
            failures[:] = [failure]
            await looked()
        failures.clear()
        hosts[:] = ["10.0.0.5", "10.0.0.6"]
        await until(lambda: told("10.0.0.6") == ["tcp", "udp"])
        assert told("10.0.0.5") == ["tcp", "udp"]  # which is no news
        node.cancel()
        await asyncio.wait([node])
        assert node.cancelled()

    run_test(check())


# Whom the discovery greets


@pytest.mark.parametrize("came_from", ["/ip4/127.0.0.1/tcp/1", ""])
def test_what_a_peer_tells_is_greeted_but_for_names(came_from: str) -> None:
    """... which would be looked up; who calls at a Unix socket, and has no address, is on this machine."""

    async def check() -> None:
        async with channel_pair() as (channel, _), await UdpSockets.bound(Multiaddr("/ip4/127.0.0.1/udp/0")) as own:
            named, numbered = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
            with named, numbered:
                for sock in (named, numbered):
                    sock.bind(("127.0.0.1", 0))
                    sock.setblocking(False)
                ports = [sock.getsockname()[1] for sock in (named, numbered)]
                told = (
                    Multiaddr(f"/dns4/localhost/udp/{ports[0]}"),
                    Multiaddr(f"/ip4/127.0.0.1/tcp/{ports[0]}"),
                    Multiaddr(f"/ip4/127.0.0.1/udp/{ports[1]}"),
                )
                at = Multiaddr(f"{came_from}/p2p/{channel.peer_id}")
                discovery = discovery_on(own)
                greet(discovery, Peer(channel, at, Version(PROTOCOL, 0, told, None), is_dialled=False))
                task = asyncio.create_task(discovery.run())
                await until(lambda: received(numbered))
                assert not received(named)
                task.cancel()
                await asyncio.wait([task])

    def discovery_on(sockets: UdpSockets) -> Discovery:
        nobody: Callable[[object], None] = lambda _: None  # noqa: E731
        return Discovery(new_identity(), sockets, addresses=tuple, clock=time, random=Random(), found=nobody)

    def received(sock: socket.socket) -> bool:
        try:
            return bool(sock.recv(2_000))
        except BlockingIOError:
            return False

    run_test(check())
