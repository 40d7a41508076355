"""A node from its beginning to its end: what it has open, and what its parts tell each other."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import chain, zip_longest
from random import Random
from typing import Final

from multiaddr_py import Multiaddr
from multiaddr_py.net import Endpoint
from multiaddr_py.net.asyncio import Server, start_server

from .buckets import Contact
from .config import Config
from .datagrams import UdpSockets, second_of_family
from .discovery import Discovery
from .door import Found, Get, Put, Question, Refused, Reply, Stored, open_door
from .events import Report
from .node import Node
from .overview import overview
from .peer import Peer
from .reach import is_of_use, is_place, reach_of
from .store import Store, StoreError

MOVE: Final = 60.0  # seconds between looks at the interfaces: a machine may get other addresses


async def run(config: Config, report: Report, random: Random) -> None:
    """Be a node until this is cancelled.

    Raises `StoreError`, `OSError` for what cannot be opened, and `ConversionError` for two sockets where one can be.
    """
    check_families(config.listen)
    async with AsyncExitStack() as stack:  # what comes last ends first
        store = stack.enter_context(Store(config.data / "node.db"))
        group = asyncio.TaskGroup()
        node = Node(config, store, report, group=group, random=random)
        servers = [
            await stack.enter_async_context(await start_server(node.accept, address, start_serving=False))
            for address in config.listen
            if Endpoint.from_multiaddr(address).type == socket.SOCK_STREAM
        ]
        sockets = await stack.enter_async_context(await open_sockets(config.listen, servers))
        discovery = Discovery(
            config.identity,
            sockets,
            addresses=lambda: node.addresses,
            clock=time.time,
            random=random,
            refresh=config.refresh,
            found=partial(hear_of, node),
            seeds=[address for address in (*config.static, *config.seeds) if "udp" in address],
        )
        node.came.append(partial(greet, discovery))
        answers = partial(answer, node, discovery)
        door = await stack.enter_async_context(open_door(config.door, answers))
        await stack.enter_async_context(group)
        tell_addresses(node, servers, sockets, report)
        report("status", address=door.address)
        for server in servers:
            await server.start_serving()
        group.create_task(discovery.run())
        group.create_task(keep_addresses(node, servers, sockets, report))
        await node.run()


def check_families(addresses: Iterable[Multiaddr]) -> None:
    """Raise `ConversionError` where two sockets for datagrams would be of one family."""
    families = set[str]()
    for address in addresses:
        if Endpoint.from_multiaddr(address).type == socket.SOCK_DGRAM:
            if address[0].name in families:
                raise second_of_family(address)
            families.add(address[0].name)


async def open_sockets(addresses: Sequence[Multiaddr], servers: Iterable[Server]) -> UdpSockets:
    """Open the sockets of the discovery: those that are given, or else one beside the first of TCP in each family."""
    given = [address for address in addresses if Endpoint.from_multiaddr(address).type == socket.SOCK_DGRAM]
    if given:
        return await UdpSockets.bound(*given)
    beside: dict[str, Multiaddr] = {}
    for server in servers:
        if "tcp" in server.address:
            beside.setdefault(server.address[0].name, server.address)
    try:
        return await UdpSockets.bound(
            *(address[:-1] / f"/udp/{Endpoint.from_multiaddr(address).port}" for address in beside.values())
        )
    except OSError as error:
        if error.errno != errno.EADDRINUSE or any(Endpoint.from_multiaddr(a).port not in (0, None) for a in addresses):
            raise
        return await UdpSockets.bound(*(address[:-1] / "/udp/0" for address in beside.values()))  # nobody asked for one


async def keep_addresses(node: Node, servers: Sequence[Server], sockets: UdpSockets, report: Report) -> None:
    """Have the node tell where it is, also once that is elsewhere."""
    while True:
        await asyncio.sleep(MOVE)
        tell_addresses(node, servers, sockets, report)


def tell_addresses(node: Node, servers: Iterable[Server], sockets: UdpSockets, report: Report) -> None:
    """Have the node tell where it is now, and report what is new of that."""
    try:
        found = in_turns([address for server in servers for address in server.addresses()], sockets.addresses())
    # The system does not say it, or there is an interface with a name that is no text, or without a netmask.
    except (OSError, ValueError, AssertionError):
        return  # it may do so a minute later
    former, node.addresses = node.addresses, found
    for address in found:
        if address not in former:
            report("listening", address=address / f"/p2p/{node.peer_id}")


def in_turns(*kinds: Iterable[Multiaddr]) -> tuple[Multiaddr, ...]:
    """Return addresses of each kind in turn, those that reach furthest first: others are told only the first few.

    >>> in_turns(map(Multiaddr, ["/ip4/10.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/1"]), [Multiaddr("/ip4/8.8.8.8/udp/1")])
    (Multiaddr('/ip4/8.8.8.8/tcp/1'), Multiaddr('/ip4/8.8.8.8/udp/1'), Multiaddr('/ip4/10.0.0.1/tcp/1'))
    """
    turns = zip_longest(*(sorted(kind, key=reach_of, reverse=True) for kind in kinds))
    return tuple(address for address in chain.from_iterable(turns) if address is not None)


def hear_of(node: Node, contact: Contact) -> None:
    """Have the node take note of where somebody is of whom the discovery has heard."""
    end = f"/p2p/{contact.peer_id}"
    node.book.hear([address / end for address in contact.dial], contact.address / end)


def greet(discovery: Discovery, peer: Peer) -> None:
    """Have the discovery greet a peer; names that it tells would keep others waiting while they are looked up."""
    for address in peer.version.addresses:
        if is_place(address) and is_of_use(address, peer.place[:-1]):
            discovery.greet(address)


async def answer(node: Node, discovery: Discovery, question: Question) -> Reply:
    """Answer what a node is asked at its door."""
    try:
        match question:
            case Put(content):
                return Stored(node.exchange.put(content).hex())
            case Get(hexadecimal):
                found = node.store.get(bytes.fromhex(hexadecimal))
                return Refused("there is no such item") if found is None else Found(found)
            case _:
                return overview(node, discovery)
    except StoreError as error:
        return Refused(str(error))
