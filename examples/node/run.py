"""A node from its beginning to its end: what it has open, and what its parts tell each other."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import partial
from random import Random

from multiaddr_py import Multiaddr
from multiaddr_py.net import Endpoint
from multiaddr_py.net.asyncio import Server, start_server

from .buckets import Contact
from .config import Config
from .datagrams import UdpSockets
from .discovery import Discovery
from .door import Found, Get, Put, Question, Refused, Reply, Stored, open_door
from .events import Report
from .node import Node
from .overview import overview
from .peer import Peer
from .reach import is_for, is_of_use
from .store import Store, StoreError


async def run(config: Config, report: Report, random: Random) -> None:
    """Be a node until this is cancelled. Raises `StoreError`, and `OSError` for what cannot be opened."""
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
        )
        node.came.append(partial(greet, discovery))
        answers = partial(answer, node, discovery)
        door = await stack.enter_async_context(open_door(config.door, answers))
        await stack.enter_async_context(group)
        node.addresses = (*(address for server in servers for address in server.addresses()), *sockets.addresses())
        for address in node.addresses:
            report("listening", address=address / f"/p2p/{node.peer_id}")
        report("status", address=door.address)
        for server in servers:
            await server.start_serving()
        for address in (*config.static, *config.seeds):
            if "udp" in address:
                discovery.greet(address)
        group.create_task(discovery.run())
        await node.run()


async def open_sockets(addresses: Iterable[Multiaddr], servers: list[Server]) -> UdpSockets:
    """Open the sockets of the discovery."""
    given = [address for address in addresses if Endpoint.from_multiaddr(address).type == socket.SOCK_DGRAM]
    beside = next((server.address for server in servers if "tcp" in server.address), None)
    if given or beside is None:
        return await UdpSockets.bound(*given)
    try:
        return await UdpSockets.bound(beside[:1] / f"/udp/{Endpoint.from_multiaddr(beside).port}")
    except OSError as error:
        if error.errno != errno.EADDRINUSE or any(Endpoint.from_multiaddr(a).port not in (0, None) for a in addresses):
            raise
        return await UdpSockets.bound(beside[:1] / "/udp/0")  # since nobody has asked for a number


def hear_of(node: Node, contact: Contact) -> None:
    """Have the node take note of where somebody is of whom the discovery has heard."""
    end = f"/p2p/{contact.peer_id}"
    node.book.hear([address / end for address in contact.dial], contact.address / end)


def greet(discovery: Discovery, peer: Peer) -> None:
    """Have the discovery greet a peer."""
    for address in peer.version.addresses:
        if is_for(address, socket.SOCK_DGRAM) and is_of_use(address, peer.address):
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
