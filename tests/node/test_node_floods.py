"""Who says too much has no effect on three honest nodes: they exchange items meanwhile, and remember nothing of it."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from hashlib import sha256
from itertools import cycle, islice, repeat
from time import time

import pytest
from honest_nodes import Honest, honest_nodes, refusal
from liar import Liar, nobody_at

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import open_connection
from node.identity import new_identity
from node.messages import (
    Bye,
    GetAddr,
    GetData,
    GetInv,
    Inv,
    Message,
    Ping,
    Pong,
)
from node.packets import CONTEXT, Neighbours, packet_hash, write_packet
from node.packets import FindNode as FindNodePacket
from node.packets import Ping as PingPacket
from node.packets import Pong as PongPacket

HASH = sha256(b"nobody has this").digest()


@pytest.fixture(scope="module")
def honest() -> Iterator[Honest]:
    with honest_nodes() as nodes:
        yield nodes


@pytest.fixture(autouse=True)
def unharmed(honest: Honest) -> Iterator[None]:
    """After each lie the honest nodes exchange items as before, and have no more memory than before."""
    yield
    honest.check()


FLOODS: dict[str, Message] = {
    "pings": Ping(1),
    "pongs": Pong(1),
    "questions for addresses": GetAddr(),
    "questions for the list": GetInv(0),
    "questions for what nobody has": GetData(HASH),
    "news of what all have": Inv((sha256(b"item 1").digest(),) * 1_000, None),
    "lists that never end": Inv((), 5),
}


@pytest.mark.parametrize("takes", [True, False], ids=["answers are read", "no answer is read"])
@pytest.mark.parametrize("kind", FLOODS)
def test_others_are_served_in_a_flood(honest: Honest, kind: str, *, takes: bool) -> None:
    async def scenario() -> None:
        async with Liar().talking(honest.one.address) as liar:
            if not takes:
                liar.writer.transport.pause_reading()  # type: ignore[attr-defined]
            flood = asyncio.create_task(liar.flood(repeat(FLOODS[kind]), takes=takes))
            await asyncio.to_thread(honest.exchange)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(honest.exchange)
            flood.cancel()
            await asyncio.wait([flood])

    asyncio.run(scenario())


def test_a_flood_of_connections_ends(honest: Honest) -> None:
    """300 that say nothing, and 300 that are reset at once; who is connected already is served."""

    async def scenario() -> None:
        opened = await asyncio.gather(*(open_connection(honest.one.address) for _ in range(300)))
        await asyncio.to_thread(honest.exchange)
        for number, (_, writer) in enumerate(opened):
            if number % 2:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        for _ in range(300):
            with socket.create_connection(("127.0.0.1", int(honest.one.address[1].value or 0))) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    past = len(honest.one.events)
    asyncio.run(scenario())
    refusal(honest.one, "24 connections of one host are in their handshakes", past)


def test_a_storm_of_farewells_ends(honest: Honest) -> None:
    async def scenario() -> None:
        liar = Liar()
        for _ in range(50):
            async with liar.talking(honest.one.address):
                liar.say(Bye("so long"))
                assert await liar.is_dropped()

    asyncio.run(scenario())


def test_datagrams_that_are_none_stay_without_effect(honest: Honest) -> None:
    """Garbage, what is cut off, what is signed and no message, lies about neighbours, answers without questions."""
    identity = new_identity()
    host = ("127.0.0.1", int(honest.one.address[1].value or 0))
    someone = Multiaddr(f"/ip4/127.0.0.1/udp/{nobody_at()[1].value}")
    now = time()
    ping = write_packet(identity, PingPacket(bytes(8), (someone,)), now)
    pong = write_packet(identity, PongPacket(packet_hash(ping), someone, ()), now)
    question = write_packet(identity, FindNodePacket(bytes(8), bytes(32)), now)
    answer = write_packet(identity, Neighbours(bytes(32), 16, ()), now)
    key = ping[64:96]
    signed = [key + bytes([kind]) + ping[97:101] + fields for kind in range(6) for fields in (b"", b"\xc1" * 400)]
    datagrams = [ping, pong, question, answer, ping[:-1], pong[:50], b"", b"\0", os.urandom(1_200), os.urandom(65_000)]
    datagrams += [identity.sign(CONTEXT, content) + content for content in signed]
    datagrams += [write_packet(identity, PingPacket(bytes(8), ()), now - 1_000)]
    before = honest.one.status()

    def send(sock: socket.socket) -> None:
        for datagram in islice(cycle(datagrams), 10_000):
            sock.sendto(datagram, host)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        send(sock)
        honest.exchange()
    after = honest.one.status()
    assert after.datagrams.received > before.datagrams.received
    known = {contact.peer_id for bucket in after.buckets for contact in bucket.contacts}
    assert identity.peer_id not in known
    assert after.datagrams.sent - before.datagrams.sent < 1_500
