"""What goes wrong beside or after a meeting, and is put up with."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import subprocess
import sys
import time
from random import Random

import pytest
from nat_lab import Lab, Site, fault_of_lab
from punch_program import ENVIRONMENT, PROGRAM, S, part, world

from multiaddr_py import Multiaddr
from multiaddr_py.net.asyncio import bind
from punching import session as session_module
from punching.events import PunchError
from punching.fields import Token
from punching.session import Session
from punching.tasks import first_of
from punching.transport import Transport

needs_lab = pytest.mark.skipif(fault_of_lab() is not None, reason=f"no namespaces: {fault_of_lab()}")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends programs by signals")

HERE = "/ip4/127.0.0.1/udp/0"
ELSEWHERE = Multiaddr("/ip4/127.0.0.1/udp/9")
NO_TCP = """\
table ip broken {
  chain going { type filter hook output priority filter; meta l4proto tcp drop; }
  chain coming { type filter hook input priority filter; meta l4proto tcp drop; }
}
"""


def lose_tcp(lab: Lab | None, host: str) -> None:
    assert lab is not None
    subprocess.run(lab.command(host, "nft", "-f", "-"), input=NO_TCP, text=True, check=True)


# Connections


@needs_lab
def test_a_connection_that_goes_dead_is_given_up_and_the_path_is_not() -> None:
    with world({"alice": Site("open"), "bob": Site("port-restricted")}) as here:
        here.serve(*S)
        alice, bob = here.peer("alice", "bob"), here.peer("bob", "alice")
        for peer in (alice, bob):
            assert "reason" not in peer.wait_for("tcp")
        lose_tcp(here.lab, "alice")
        bob.say("by what is left")
        assert alice.wait_for("message")["text"] == "by what is left"
        assert bob.wait_for("tcp", 2)["reason"] == "it has ended"
        alice.say("so it is")
        assert bob.wait_for("message")["text"] == "so it is"
        assert part(alice, bob) == (0, 0)


@needs_lab
def test_who_else_connects_is_told_nothing() -> None:
    with world({"alice": Site("open"), "bob": Site("open"), "mallory": Site("open")}) as here:
        lab = here.lab
        assert lab is not None
        lose_tcp(lab, "bob")
        here.serve(*S)
        alice, bob = here.peer("alice", "bob", "--say", "secret"), here.peer("bob", "alice")
        port = int(Multiaddr(alice.wait_for("registered")["address"]).value_for_protocol("udp") or 0)
        bob.wait_for("direct")
        deadline = time.monotonic() + 10
        met, told = 0, b""
        while time.monotonic() < deadline and not alice.all("tcp"):
            [sock] = lab.sockets_of("mallory", socket.SOCK_STREAM)
            with sock:
                if sock.connect_ex((lab.public("alice"), port)):
                    continue
                met += 1
                while select.select([sock], [], [], 0.5)[0]:
                    told += (piece := sock.recv(4096))
                    if not piece:
                        break
        assert met
        assert told == b""
        assert bob.wait_for("message")["text"] == "secret"
        assert "reason" in alice.wait_for("tcp")
        assert part(alice, bob) == (0, 0)


# Who is gone


async def be_left_alone() -> None:
    with await bind(HERE) as sock:
        transport = Transport(sock, Random(1))
        alice = Session(transport, Token(bytes(16)), Token(bytes(15) + b"\1"), name="bob", heard=print)
        alice.doubted.set()
        await first_of(transport.run(), alice.stay(ELSEWHERE, 60))


def test_a_peer_that_is_silent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "SILENCE", 0.3)
    with pytest.raises(PunchError, match=r"^bob has been silent for 0\.3 s$"):
        asyncio.run(be_left_alone())


async def find_and_be_cancelled(turns: int) -> None:
    with await bind(HERE) as one, await bind(HERE) as other:
        secrets = Token(bytes(16)), Token(bytes(15) + b"\1")
        transports = Transport(one, Random(1)), Transport(other, Random(2))
        alice, bob = (
            Session(transport, *pair, name="bob", heard=print)
            for transport, pair in zip(transports, (secrets, secrets[::-1]), strict=True)
        )
        finding = asyncio.create_task(alice.find_path([other.address], patience=10))

        async def meet() -> None:
            await bob.find_path([one.address], patience=10)
            for _ in range(turns):
                await asyncio.sleep(0)
            if not finding.done():
                finding.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await finding

        await first_of(*(transport.run() for transport in transports), meet())
        finding.cancel()
        await asyncio.wait([finding])


@pytest.mark.parametrize("turns", range(6))
def test_an_interrupt_is_not_lost_when_a_path_is_found(turns: int) -> None:
    asyncio.run(find_and_be_cancelled(turns))


async def find_past_a_bad_one() -> None:
    with await bind(HERE) as one, await bind(HERE) as other:
        secrets = Token(bytes(16)), Token(bytes(15) + b"\1")
        alice = Session(Transport(one, Random(1)), *secrets, name="bob", heard=print)
        bob = Session(Transport(other, Random(2)), *secrets[::-1], name="alice", heard=print)
        # Bob is also at a second address, which is gone once it has answered.
        with await bind(HERE) as gone:
            moved = Transport(gone, Random(3))
            Session(moved, *secrets[::-1], name="alice", heard=print)

            async def answer_once() -> None:
                datagram, sender = await gone.receive()
                await moved.take(datagram, sender)
                await asyncio.Event().wait()

            async def meet() -> None:
                finding = asyncio.create_task(alice.find_path([gone.address], patience=10))
                await asyncio.sleep(0.5)
                assert await bob.find_path([one.address], patience=10) == one.address
                assert await finding == other.address

            await first_of(alice._transport.run(), bob._transport.run(), answer_once(), meet())


def test_a_candidate_that_answers_but_once_does_not_block_the_others() -> None:
    asyncio.run(find_past_a_bad_one())


# On this machine


def test_a_server_of_two_families_serves_both() -> None:
    with world() as here:
        server = here.serve("/ip4/127.0.0.1/udp/0", "/ip4/127.0.0.1/udp/0", "/ip6/::1/udp/0")
        addresses = [event["address"] for event in server.all("listening")]
        for servers in (addresses[:1], addresses[2:]):
            alice, bob = (here.peer(*pair, servers=servers) for pair in (("alice", "bob"), ("bob", "alice")))
            for peer in (alice, bob):
                peer.wait_for("direct")
            assert part(alice, bob) == (0, 0)
        assert server.stop() == 0


def test_a_server_that_does_not_answer_is_not_the_only_one() -> None:
    with world() as here:
        dead, server = here.serve("/ip4/127.0.0.1/udp/0"), here.serve("/ip4/127.0.0.1/udp/0")
        servers = [one.all("listening")[0]["address"] for one in (dead, server)]
        assert dead.stop() == 0
        alone = here.peer("alice", "bob", servers=servers)
        alone.wait_for("waiting")
        assert alone.stop() == 0


def test_a_long_line_is_said_in_pieces() -> None:
    line = "\N{GRINNING FACE}" * 700 + "end"
    with world() as here:
        server = here.serve("/ip4/127.0.0.1/udp/0")
        servers = [server.all("listening")[0]["address"]]
        alice, bob = here.peer("alice", "bob", servers=servers), here.peer("bob", "alice", servers=servers)
        alice.say("first", line, "")
        while not "".join(bob.texts()).endswith("end"):
            bob.wait_for("message", len(bob.texts()) + 1)
        assert "".join(bob.texts()) == "first" + line
        assert part(alice, bob) == (0, 0)


def test_a_terminal_that_lacks_a_letter_shows_its_number() -> None:
    code = (
        "from punching.events import reporter; reporter(as_json=False)('message', name='bob', text='\\N{SNOWMAN}\\x1b')"
    )
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=PROGRAM.parent, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "bob: \\u2603\\x1b\n"
