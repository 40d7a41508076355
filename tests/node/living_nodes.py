"""Nodes that live in this process, without discovery and door, and strangers who talk to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import open_connection, start_server
from node.channel import Channel, secure_outbound
from node.config import Config
from node.identity import Identity, new_identity
from node.messages import PROTOCOL, Version
from node.node import Node
from node.peer import say_version
from node.store import Store

ANYWHERE: Final = Multiaddr("/ip4/127.0.0.1/tcp/0")


class Event(NamedTuple):
    """What a node has told."""

    name: str
    fields: dict[str, Multiaddr | bytes | str | int]

    @property
    def reason(self) -> str:
        return str(self.fields["reason"])


class Living(NamedTuple):
    """A node, where it is, and what it has told."""

    node: Node
    address: Multiaddr
    events: list[Event]

    def told(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def reasons(self, name: str) -> list[str]:
        return [event.reason for event in self.told(name)]

    def talks_to(self, *others: Living) -> bool:
        return self.node.peers.keys() == {other.node.peer_id for other in others}


@asynccontextmanager
async def living(
    folder: Path,
    *,
    identity: Identity | None = None,
    listen: Multiaddr = ANYWHERE,
    seeds: tuple[Multiaddr, ...] = (),
    static: tuple[Multiaddr, ...] = (),
    most_peers: int = 16,
    alive: float = 20.0,
    random: int = 1,
    start: asyncio.Event | None = None,
) -> AsyncIterator[Living]:
    """Have a node live, which is killed at the end; if there is a `start`, it dials nobody before that."""
    folder.mkdir(exist_ok=True)
    door = Multiaddr("/unix/none")
    config = Config(identity or new_identity(), folder, door, (listen,), seeds, static, most_peers, alive=alive)
    events: list[Event] = []
    begun: asyncio.Future[Living] = asyncio.get_running_loop().create_future()

    def report(event: str, /, **fields: Multiaddr | bytes | str | int) -> None:
        events.append(Event(event, fields))

    async def live() -> None:
        with Store(folder / "node.db") as store:
            group = asyncio.TaskGroup()
            node = Node(config, store, report, group=group, random=Random(random))
            async with await start_server(node.accept, listen, start_serving=False) as server, group:
                node.addresses = (server.address,)
                await server.start_serving()
                begun.set_result(Living(node, server.address / f"/p2p/{node.peer_id}", events))
                if start is not None:
                    await start.wait()
                await node.run()

    life = asyncio.create_task(live())
    ends: list[asyncio.Future[Any]] = [life, begun]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        await life
    try:
        yield begun.result()
    finally:
        life.cancel()
        await asyncio.wait([life])
        if not life.cancelled():
            await life


@asynccontextmanager
async def stranger(
    to: Living, identity: Identity | None = None, addresses: tuple[Multiaddr, ...] = (), height: int = 0
) -> AsyncIterator[tuple[Channel, Version]]:
    """Have a channel to a node by hand, on which both have said their versions."""
    reader, writer = await open_connection(to.address)
    channel = await secure_outbound(reader, writer, identity or new_identity(), to.node.peer_id)
    try:
        yield channel, await say_version(channel, Version(PROTOCOL, height, addresses, to.address[:-1]))
    finally:
        await channel.close()
