"""Discovery goes on where a socket takes a datagram only after a while, since its buffer is full."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random

from node_town import Post, Town, identity_of, run_skipping, unix_time

from multiaddr_py import Multiaddr
from node.discovery import Discovery


class FullPost(Post):
    """The datagrams of an address from where those to some others take their time."""

    def __init__(self, town: Town, address: Multiaddr, delays: Mapping[Multiaddr, float]) -> None:
        super().__init__(town, address)
        self._delays = delays

    async def send(self, datagram: bytes, to: Multiaddr) -> None:
        await asyncio.sleep(self._delays.get(to, 0.0))
        await super().send(datagram, to)


def place(number: int) -> Multiaddr:
    return Multiaddr(f"/ip4/10.0.0.{number}/udp/4001")


def settle(town: Town, number: int, delays: Mapping[Multiaddr, float]) -> Discovery:
    address = place(number)
    return Discovery(
        identity_of(town.random),
        FullPost(town, address, delays),
        addresses=lambda: (address,),
        clock=unix_time,
        random=Random(number),
        found=lambda _: None,
    )


@asynccontextmanager
async def running(*people: Discovery) -> AsyncIterator[None]:
    """Have discoveries run meanwhile; if one of them fails, that is raised."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run()) for one in people]
        yield
        for task in tasks:
            task.cancel()


def test_a_question_may_be_answered_while_questions_are_asked_again() -> None:
    async def scenario() -> set[int]:
        town = Town()
        delays = {place(number): town.random.uniform(0.0, 0.3) for number in range(6)}
        people = [settle(town, number, delays) for number in range(6)]
        async with running(*people):
            for one in people[1:]:
                one.greet(place(0))
            await asyncio.sleep(60)
        return {len(one.buckets) for one in people}

    assert run_skipping(scenario()) == {5}
