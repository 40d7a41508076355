"""Two peers on real sockets, and a third one who reads, repeats, cuts, forges and reorders all that they say."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import pytest

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import DatagramSocket, bind
from punching.fields import Text, Token
from punching.messages import MAGIC
from punching.session import MOST_CANDIDATES, Session
from punching.tasks import first_of
from punching.transport import Transport

LOOPBACK = "/ip4/127.0.0.1/udp/0"
TEXTS = [f"text {number}" for number in range(10)]


class Tapped(Transport):
    """A transport whose datagrams somebody reads, on their way."""

    def __init__(self, sock: DatagramSocket, seed: int) -> None:
        super().__init__(sock, Random(seed))
        self.overheard: list[bytes] = []

    async def carry(self, datagram: bytes, to: Multiaddr) -> None:
        self.overheard.append(datagram)
        await super().carry(datagram, to)


class Peer:
    def __init__(self, transport: Tapped, mine: Token, other: Token) -> None:
        self.transport = transport
        self.address = transport.sock.address
        self.heard: list[str] = []
        self.session = Session(transport, mine, other, name="the other one", heard=self.hear)
        self.session.talks = True

    def hear(self, text: str) -> None:
        self.heard.append(text)

    async def find(self, *candidates: Multiaddr) -> Multiaddr:
        return await self.session.find_path(candidates, patience=10)

    async def say(self, texts: list[str], path: Multiaddr) -> None:
        for text in texts:
            await self.session.say(Text(text), lambda: path, lambda _: None)


async def annoy(mallory: DatagramSocket, alice: Peer, bob: Peer, random: Random) -> None:
    """Send both, from an address of one's own, all that was overheard, whole and broken, and in any order."""
    while True:
        for datagram in random.sample(
            known := alice.transport.overheard + bob.transport.overheard, min(len(known), 10)
        ):
            broken = bytearray(datagram)
            broken[random.randrange(len(broken))] ^= 1 << random.randrange(8)
            forged = MAGIC + random.randbytes(len(datagram) - len(MAGIC))
            for what in (datagram, bytes(broken), datagram[: random.randrange(len(datagram))], forged):
                for victim in (alice, bob):
                    await mallory.send(what, victim.address)
        await asyncio.sleep(0.05)


async def listen(mallory: DatagramSocket, received: list[bytes]) -> None:
    while True:
        received.append((await mallory.receive())[0])


async def meet_in_spite_of_mallory() -> None:
    with await bind(LOOPBACK) as one, await bind(LOOPBACK) as other, await bind(LOOPBACK) as third:
        secrets = Token(bytes(16)), Token(bytes(15) + b"\1")
        alice = Peer(Tapped(one, 1), *secrets)
        bob = Peer(Tapped(other, 2), *secrets[::-1])
        received: list[bytes] = []

        async def meet() -> None:
            # Bob knows no address, so he has to take the one that he hears from.
            to_bob, to_alice = await asyncio.gather(alice.find(bob.address), bob.find())
            assert (to_bob, to_alice) == (bob.address, alice.address)
            await asyncio.gather(alice.say(TEXTS, to_bob), bob.say(TEXTS, to_alice))
            await asyncio.sleep(0.2)
            assert alice.heard == bob.heard == TEXTS
            assert not alice.session.left.is_set()
            assert not bob.session.left.is_set()
            # What answers a replay is a message that says no more than that it was heard, and to whom.
            assert received
            assert max(map(len, received)) <= max(map(len, alice.transport.overheard))
            await alice.session.leave()
            await asyncio.wait_for(bob.session.left.wait(), 10)

        mallory = annoy(third, alice, bob, Random(3)), listen(third, received)
        await first_of(alice.transport.run(), bob.transport.run(), *mallory, meet())


def test_who_reads_along_can_do_no_harm() -> None:
    asyncio.run(meet_in_spite_of_mallory())


async def find_among(count: int) -> None:
    with await bind(LOOPBACK) as one:
        alice = Peer(Tapped(one, 1), Token(bytes(16)), Token(bytes(15) + b"\1"))
        nowhere = [Multiaddr(f"/ip4/127.0.0.1/udp/{1 + port}") for port in range(count)]
        with pytest.raises(TimeoutError):
            await alice.session.find_path(nowhere, patience=0.3)
        tried = {datagram[5:21] for datagram in alice.transport.overheard}
        assert len(tried) == min(count, MOST_CANDIDATES)


@pytest.mark.parametrize("count", [1, MOST_CANDIDATES + 10])
def test_a_bounded_number_of_candidates_is_tried(count: int) -> None:
    asyncio.run(find_among(count))


async def say_to_nobody() -> None:
    with await bind(LOOPBACK) as one, await bind(LOOPBACK) as silent:
        alice = Peer(Tapped(one, 1), Token(bytes(16)), Token(bytes(15) + b"\1"))
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await first_of(alice.transport.run(), alice.say(["anyone?"], silent.address))
        texts = set(alice.transport.overheard)
        assert len(texts) == 1
        assert len(alice.transport.overheard) >= 3


def test_a_text_is_repeated_as_it_was_until_it_is_heard() -> None:
    asyncio.run(say_to_nobody())
