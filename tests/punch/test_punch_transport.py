"""What carries a peer's messages: what it cannot read or answer it passes over, and whom it asks has to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest
from any_messages import MESSAGES
from hypothesis import given, settings
from hypothesis import strategies as st

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import DatagramSocket, bind
from punching.candidates import CIRCUIT, circuit
from punching.fields import Token
from punching.messages import (
    Heard,
    Hello,
    Message,
    Order,
    Probe,
    Punch,
    Question,
    Relay,
    Seen,
    decode,
    encode,
    padded,
)
from punching.rendezvous import Rendezvous
from punching.transport import Transport

SOON = 30.0  # seconds after which something that should have ended by itself hangs
MOMENT = 0.05  # seconds in which nothing is to come
HERE = "/ip4/127.0.0.1/udp/0"
KEYS = (b"k" * 32, b"l" * 32)
ONE = Token(bytes(16))


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, SOON))


def at_rest(sock: DatagramSocket) -> tuple[Transport, list[Message]]:
    """Return what carries the messages of a peer that talks to another one and is a server, and what it is told."""

    async def keep(message: Message, sender: Multiaddr) -> None:
        kept.append(message)
        if isinstance(message, Punch):
            await transport.send(Heard(message.token, sender), sender)

    kept: list[Message] = []
    transport = Transport(sock, Random(1))
    transport.keys = KEYS
    transport.handlers = dict.fromkeys((Punch, Probe, Order), keep)
    server = Rendezvous([sock.address], clock=lambda: 0.0, report=print, random=Random(2))

    async def serve(datagram: bytes, sender: Multiaddr) -> None:
        for outgoing in server.receive(datagram, sender):
            await transport.carry(outgoing.datagram, outgoing.to)

    transport.unclaimed = serve
    return transport, kept


@given(
    st.lists(st.binary(max_size=60) | MESSAGES.map(lambda message: encode(message, KEYS[1])), max_size=20),
    st.sampled_from(["/udp/0", "/udp/9", "/tcp/9", "/tcp/0"]),
)
@settings(max_examples=settings().max_examples // 4)  # each has a loop of its own
def test_whatever_comes_from_anyone_a_peer_goes_on(datagrams: list[bytes], port: str) -> None:
    async def main() -> None:
        with await bind(HERE) as sock:
            transport, _ = at_rest(sock)
            transport.server = Multiaddr(f"/ip4/127.0.0.1{port}")
            for datagram in datagrams:
                await transport.take(datagram, transport.server)

    run(main())


def test_what_comes_from_port_0_is_passed_over() -> None:
    async def main() -> None:
        with await bind(HERE) as sock:
            transport, kept = at_rest(sock)
            for message in (Punch(ONE, chosen=False), padded(Hello(ONE, probe=True)), Probe(ONE)):
                await transport.take(encode(message, KEYS[1]), Multiaddr(HERE))
            assert kept == []
            await transport.deliver(encode(Probe(ONE)), sock.address)
            assert kept == [Probe(ONE)]

    run(main())


def test_an_answer_is_taken_from_whom_it_was_asked_only() -> None:
    async def main() -> None:
        with await bind(HERE) as sock, await bind(HERE) as server, await bind(HERE) as stranger:
            transport, kept = at_rest(sock)
            hello = Hello(transport.token(), probe=False)
            asking = asyncio.create_task(transport.ask(hello, server.address, every=0.01, patience=SOON))
            assert await server.receive() == (encode(hello), sock.address)
            assert await server.receive() == (encode(hello), sock.address)  # again, for want of an answer
            answer = Seen(hello.token, sock.address, ONE, ())
            await transport.deliver(encode(answer), stranger.address)
            await transport.deliver(encode(Seen(ONE, sock.address, ONE, ())), server.address)
            await transport.deliver(encode(Probe(hello.token)), server.address)
            await transport.deliver(encode(Heard(hello.token, sock.address), KEYS[1]), server.address)
            await asyncio.sleep(MOMENT)
            assert not asking.done()
            assert kept == [Probe(hello.token)]
            await transport.deliver(encode(answer), server.address)
            await transport.deliver(encode(answer), server.address)  # again
            assert await asking == answer
            await transport.deliver(encode(answer), server.address)  # nobody waits for it any more

    run(main())


def test_a_question_that_nobody_answers_is_given_up() -> None:
    async def main() -> None:
        with await bind(HERE) as sock, await bind(HERE) as server:
            transport, _ = at_rest(sock)
            question: Question = Hello(ONE, probe=False)
            with pytest.raises(TimeoutError):
                await transport.ask(question, server.address, every=0.01, patience=MOMENT)

    run(main())


def test_what_is_relayed_goes_through_the_server_and_comes_from_it_only() -> None:
    async def main() -> None:
        with await bind(HERE) as sock, await bind(HERE) as server, await bind(HERE) as stranger:
            transport, kept = at_rest(sock)
            transport.server = server.address
            other = Multiaddr("/ip4/198.51.100.7/udp/5000")
            punch = encode(Punch(ONE, chosen=True), KEYS[1])
            for address, sender in (
                (CIRCUIT.encapsulate(other), stranger.address),
                (circuit(server.address, other), server.address),
                (other, server.address),
                (CIRCUIT, server.address),
                (CIRCUIT.encapsulate("/ip4/198.51.100.7/tcp/5000"), server.address),
                (CIRCUIT.encapsulate("/dns4/" + 3 * ("n" * 60 + ".") + "example/udp/5000"), server.address),
            ):
                await transport.deliver(encode(Relay(address, punch)), sender)
            assert kept == []
            await transport.deliver(encode(Relay(CIRCUIT.encapsulate(other), punch)), server.address)
            assert kept == [Punch(ONE, chosen=True)]
            datagram, _ = await server.receive()  # the answer goes back where the question came from
            relay = decode(datagram)
            assert isinstance(relay, Relay)
            assert relay.address == circuit(server.address, other)
            assert decode(relay.payload, KEYS[0]) == Heard(ONE, circuit(server.address, other))

    run(main())


def test_a_peer_that_is_a_server_answers_and_one_that_is_none_does_not() -> None:
    async def main() -> None:
        with await bind(HERE) as sock, await bind(HERE) as client:
            transport, _ = at_rest(sock)
            question = encode(padded(Hello(ONE, probe=True)))
            await transport.take(question, client.address)
            datagram, sender = await client.receive()
            seen = decode(datagram)
            assert isinstance(seen, Seen)
            assert (seen.address, seen.others, sender) == (client.address, (), sock.address)
            transport.unclaimed = None
            await transport.take(question, client.address)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.receive(), MOMENT)

    run(main())


def test_what_has_no_way_is_lost() -> None:
    async def main() -> None:
        with await bind(HERE) as sock:
            transport, _ = at_rest(sock)
            for address in ("/ip4/255.255.255.255/udp/9", "/ip4/127.0.0.1/tcp/9"):
                await transport.send(Probe(ONE), Multiaddr(address))

    run(main())
