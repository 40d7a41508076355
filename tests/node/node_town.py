"""A town: many nodes in one process, on a transport in memory and a clock that does not wait.

As a program it prints what becomes of discovery there: `python tests/node/node_town.py [NODES ...]`.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any, Literal, NamedTuple, TypeVar

if __name__ == "__main__":  # from anywhere, and without an installed package
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "examples")]

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from multiaddr_py import Multiaddr, PeerId
from node.buckets import Contact, distance, key_of
from node.discovery import REFRESH, Discovery
from node.identity import Identity
from node.lookup import Found

T = TypeVar("T")
START = 1_700_000_000.0  # seconds of Unix


class _Skipping(selectors.DefaultSelector):
    """A selector that never waits: it moves the time on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen again")
        self.now += timeout
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop on which minutes take as long as what is done in them; nothing in it waits for what is outside."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def run_skipping(work: Coroutine[Any, Any, T]) -> T:
    """Run something on such a loop, without asyncio's debugging, which takes longer than all of a town."""
    with asyncio.Runner(debug=False, loop_factory=SkippingLoop) as runner:
        return runner.run(work)


class Town:
    """What carries datagrams between nodes: each takes a while, and some get lost."""

    def __init__(self, seed: int = 1, *, loss: float = 0.0) -> None:
        self.random = Random(seed)
        self.loss = loss
        self.mail: dict[Multiaddr, asyncio.Queue[tuple[bytes, Multiaddr]]] = {}

    def carry(self, datagram: bytes, sender: Multiaddr, to: Multiaddr) -> None:
        if to in self.mail and self.random.random() >= self.loss:
            delay = self.random.uniform(0.01, 0.08)
            asyncio.get_running_loop().call_later(delay, self.mail[to].put_nowait, (datagram, sender))


class Post:
    """The datagrams of one address."""

    def __init__(self, town: Town, address: Multiaddr) -> None:
        self._town = town
        self._address = address
        self._mail = town.mail[address] = asyncio.Queue()

    async def receive(self) -> tuple[bytes, Multiaddr]:
        return await self._mail.get()

    async def send(self, datagram: bytes, to: Multiaddr) -> None:
        self._town.carry(datagram, self._address, to)


def identity_of(random: Random) -> Identity:
    """Return somebody who is the same in each run."""
    return Identity(Ed25519PrivateKey.from_private_bytes(random.randbytes(32)))


def unix_time() -> float:
    return START + asyncio.get_running_loop().time()


class Resident(NamedTuple):
    """A node of a town."""

    identity: Identity
    address: Multiaddr
    discovery: Discovery
    found: list[Contact]


def settle(town: Town, number: int, refresh: Literal["random", "own"]) -> Resident:
    """Return a node; those with the same host have different ports."""
    identity = identity_of(town.random)
    address = Multiaddr(f"/ip4/10.0.0.{number % 250}/udp/{4000 + number // 250}")
    dial = Multiaddr(f"/ip4/10.0.0.{number % 250}/tcp/{4000 + number // 250}")
    found: list[Contact] = []
    discovery = Discovery(
        identity,
        Post(town, address),
        addresses=lambda: (dial, address),
        clock=unix_time,
        random=Random(number),
        refresh=refresh,
        found=found.append,
    )
    return Resident(identity, address, discovery, found)


@asynccontextmanager
async def residents(
    count: int, refresh: Literal["random", "own"], *, refreshes: float, seed: int = 1, loss: float = 0.0
) -> AsyncIterator[list[Resident]]:
    """Have so many nodes find each other for a while; each knows one that was there before."""
    town = Town(seed, loss=loss)
    people = [settle(town, number, refresh) for number in range(count)]
    async with asyncio.TaskGroup() as tasks:
        running = []
        for number, one in enumerate(people):
            running.append(tasks.create_task(one.discovery.run()))
            if number:
                one.discovery.greet(people[town.random.randrange(number)].address)
            await asyncio.sleep(0.02)
        await asyncio.sleep(refreshes * REFRESH)
        yield people
        for task in running:
            task.cancel()


def truly_closest(people: list[Resident], asking: Resident, target: bytes, count: int = 16) -> list[PeerId]:
    """Return who would be found if everybody knew everybody."""
    keys = sorted(
        (distance(key_of(one.identity.peer_id), target), number)
        for number, one in enumerate(people)
        if one is not asking
    )
    return [people[number].identity.peer_id for _, number in keys[:count]]


async def searches(people: list[Resident], count: int, seed: int = 1) -> list[tuple[Found, bool]]:
    """Let some nodes search for keys at random; return what each has found, and whether it is what there is."""
    random = Random(seed)
    results = []
    for _ in range(count):
        asking, target = random.choice(people), random.randbytes(32)
        found = await asking.discovery.look_up(target)
        results.append((found, [c.peer_id for c in found.contacts] == truly_closest(people, asking, target)))
    return results


async def measure(count: int, refresh: Literal["random", "own"], refreshes: float, lookups: int = 50) -> str:
    async with residents(count, refresh, refreshes=refreshes) as people:
        known = fmean(len(one.discovery.buckets) for one in people)
        buckets = fmean(len(one.discovery.buckets.rows()) for one in people)
        sent = fmean(one.discovery.sent for one in people)
        results = await searches(people, lookups)
    hops = [found.rounds for found, _ in results]
    asked = fmean(found.asked for found, _ in results)
    share = fmean(right for _, right in results)
    return (
        f"| {count} | {refresh} | {refreshes:g} | {fmean(hops):.1f} | {max(hops)} | {asked:.1f} "
        f"| {share:.0%} | {known:.0f} | {buckets:.1f} | {sent:.0f} |"
    )


def main() -> None:
    print(
        "| nodes | refresh | refreshes | hops, mean | most | asked | the 16 closest were found "
        "| contacts | buckets | datagrams sent by a node |"
    )
    print("|" + " --- |" * 10)
    for count in map(int, sys.argv[1:] or ("20", "200")):
        for refreshes in (1, 5):
            for refresh in ("random", "own"):
                print(run_skipping(measure(count, refresh, refreshes)), flush=True)


if __name__ == "__main__":
    main()
