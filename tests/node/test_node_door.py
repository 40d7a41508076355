"""The owner of a node gets an answer or a reason, and who else comes to the door costs nobody anything."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multiaddr_py import Component, ConversionError, Multiaddr, PeerId
from multiaddr_py.net.asyncio import open_connection, start_server
from node import door as door_module
from node.door import (
    AT_ONCE,
    LONGEST_QUESTION,
    AskStatus,
    DoorError,
    Found,
    Get,
    Put,
    Question,
    Refused,
    Reply,
    Stored,
    ask,
    open_door,
    to_door,
)
from node.fields import LARGEST_ITEM
from node.status import BucketRow, ContactRow, PeerRow, Status, Traffic

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")

PEER = PeerId.from_key("Ed25519", bytes(32))
HOSTILE = Multiaddr("/dns4/\x1b[31m\x9b.example/udp/1")
STATUS = Status(
    peer_id=PEER,
    listening=(Multiaddr("/ip4/127.0.0.1/tcp/1"),),
    uptime=1.5,
    height=2,
    messages=Traffic(3, 4),
    datagrams=Traffic(5, 6),
    memory=None,
    peers=(PeerRow(PEER, Multiaddr("/ip4/127.0.0.1/tcp/2"), "in", 8.5),),
    buckets=(BucketRow(0, (ContactRow(PEER, HOSTILE),)),),
    addresses=(),
)
PATIENCE = 60.0  # seconds, for what a busy machine does at some time


class Node:
    """What answers as a node does, and keeps what it is given."""

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}

    async def answer(self, question: Question) -> Reply:
        if isinstance(question, Put):
            content_hash = sha256(question.content).hexdigest()
            self.items[content_hash] = question.content
            return Stored(content_hash)
        if isinstance(question, Get):
            content = self.items.get(question.hash)
            return Refused("there is no such item") if content is None else Found(content)
        return STATUS


@pytest.fixture
def path() -> Iterator[Path]:
    """A path that is short, as that of a socket has to be."""
    with TemporaryDirectory(prefix="maddr") as name:
        yield Path(name) / "a.sock"


def address_of(path: Path) -> Multiaddr:
    return Multiaddr([Component("unix", os.fsencode(path))])


def at_door(path: Path, visit: Callable[[Multiaddr], Awaitable[None]], node: Node | None = None) -> None:
    """Visit a node, and have it end."""

    async def main() -> None:
        async with asyncio.timeout(PATIENCE), open_door(address_of(path), (node or Node()).answer) as server:
            await visit(server.address)

    asyncio.run(main())


async def send(address: Multiaddr, question: bytes, *, end: bool = False) -> bytes:
    """Send bytes, and return all that comes back."""
    reader, writer = await open_connection(address)
    try:
        with suppress(ConnectionError):
            writer.write(question)
            if end:
                writer.write_eof()
            return await reader.read()
        return b""
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


# What goes over it

WIRE = [
    (b'{"ask":"status"}\n', b'{"reply":"status","peer_id":"' + str(PEER).encode()),
    (
        b'{"ask":"put","content":"b25l"}\n',
        b'{"reply":"stored","hash":"' + sha256(b"one").hexdigest().encode() + b'"}\n',
    ),
    (b'{"ask":"get","hash":"' + b"0" * 64 + b'"}\n', b'{"reply":"refused","reason":"there is no such item"}\n'),
    (b"\n", b'{"reply":"refused","reason":"this is no question: '),
    (b"GET / HTTP/1.1\r\n\r\n", b'{"reply":"refused","reason":"this is no question: '),
    (b'{"ask":"stop"}\n', b'{"reply":"refused","reason":"this is no question: Invalid value \'stop\''),
    (
        b'{"ask":"put","content":""}\n',
        b'{"reply":"refused","reason":"this is no question: an item has 1 to 65536 bytes, n',
    ),
    (b'{"ask":"put","content":"*"}\n', b'{"reply":"refused","reason":"this is no question: Invalid base64'),
    (
        b'{"ask":"get","hash":"00"}\n',
        b'{"reply":"refused","reason":"this is no question: a hash has 64 hexadecimal dig',
    ),
    (
        b'{"ask":"get","hash":"' + "\u0660".encode() * 64 + b'"}\n',
        b'{"reply":"refused","reason":"this is no question: a',
    ),
    (b"[" * 50_000 + b"\n", b'{"reply":"refused","reason":"this is no question: '),
    (b"[" * (LONGEST_QUESTION + 1) + b"\n", b'{"reply":"refused","reason":"a question has at most 100000 bytes"}\n'),
    (b" " * 1_000_000, b'{"reply":"refused","reason":"a question has at most 100000 bytes"}\n'),
]


@pytest.mark.parametrize(("question", "reply"), WIRE)
def test_a_question_is_a_line_and_so_is_the_reply(path: Path, question: bytes, reply: bytes) -> None:
    async def visit(address: Multiaddr) -> None:
        got = await send(address, question)
        if len(question) < LONGEST_QUESTION:  # else it may be cut off while it sends
            assert got.startswith(reply)
            assert got.count(b"\n") == 1
        else:
            assert got in (reply, b"")
        assert await ask(address, AskStatus(), Status) == STATUS

    at_door(path, visit)


@settings(max_examples=max(settings().max_examples // 2, 1))
@given(st.binary(max_size=200) | st.text(max_size=50).map(lambda text: f'{{"ask":"get","hash":"{text}"}}'.encode()))
@example(b'{"ask":"status"}')
@example(b'{"ask":{"ask":"status"}}')
@example(b'{"ask":"status","ask":"put"}')
@example(b'{"ask":"put","content":1e999}')
def test_whatever_is_asked_is_refused_or_answered(question: bytes) -> None:
    async def visit(address: Multiaddr) -> None:
        reply = await send(address, question + b"\n", end=True)
        assert reply.startswith((b'{"reply":"refused",', b'{"reply":"status",'))

    with TemporaryDirectory(prefix="maddr") as name:
        at_door(Path(name) / "a.sock", visit)


@settings(max_examples=max(settings().max_examples // 4, 1))
@given(st.binary(min_size=1, max_size=300))
@example(bytes(range(256)) * (LARGEST_ITEM // 256))
def test_an_item_that_was_put_can_be_got(content: bytes) -> None:
    async def visit(address: Multiaddr) -> None:
        stored = await ask(address, Put(content), Stored)
        assert stored == Stored(sha256(content).hexdigest())
        assert await ask(address, Get(stored.hash), Found) == Found(content)

    with TemporaryDirectory(prefix="maddr") as name:
        at_door(Path(name) / "a.sock", visit)


def test_a_question_that_exists_is_one() -> None:
    for size in (0, LARGEST_ITEM + 1):
        with pytest.raises(ValueError, match=f"^an item has 1 to 65536 bytes, not {size}$"):
            Put(bytes(size))
    for text in ("", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n"):
        with pytest.raises(ValueError, match=r"^a hash has 64 hexadecimal digits$"):
            Get(text)


# Where


@pytest.mark.parametrize(
    "address",
    ["/ip4/127.0.0.1/tcp/1", "/unix/%00abstract", "/memory/1", "/p2p-circuit", f"/dns/a/tcp/1/p2p/{PEER}"],
)
def test_only_the_file_of_a_unix_socket_is_a_door(address: str) -> None:
    async def knock() -> None:
        with pytest.raises(ConversionError):
            await ask(address, AskStatus(), Status)
        with pytest.raises(ConversionError):
            async with open_door(address, Node().answer):
                pass

    with pytest.raises(ConversionError):
        to_door(address)
    asyncio.run(knock())


def test_the_socket_is_for_its_owner_alone_and_gone_at_the_end(path: Path) -> None:
    async def visit(address: Multiaddr) -> None:
        assert address == address_of(path) == to_door(address)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    at_door(path, visit)
    assert not path.exists()


def test_a_stale_socket_is_replaced_and_another_nodes_is_not(path: Path) -> None:
    async def visit(address: Multiaddr) -> None:
        with pytest.raises(OSError, match=r"a\.sock'$"):
            async with open_door(address, Node().answer):
                pass
        assert await ask(address, AskStatus(), Status) == STATUS

    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    at_door(path, visit)


# Who is not there


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def says(text: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(text)
        writer.close()

    return say


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (hang_up, r"a\.sock has hung up without an answer"),
        (says(b"{}"), r"a\.sock has hung up without an answer"),
        (says(b"SSH-2.0-OpenSSH\r\n"), r"what is at /unix/.*a\.sock does not answer as a node: "),
        (says(b"{}\n"), r"what is at /unix/.*a\.sock does not answer as a node: "),
        (says(b"[" * 100_000 + b"\n"), r"what is at /unix/.*a\.sock does not answer as a node: "),
        (says(b"x" * (1 << 24) + b"xx\n"), r"what is at /unix/.*a\.sock does not answer as a node: "),
        (
            says(b'{"reply":"status","peer_id":1}\n'),
            r"what is at /unix/.*a\.sock does not answer as a node: PeerId is written as text",
        ),
        (
            says(b'{"reply":"status","peer_id":"Qm"}\n'),
            r"what is at /unix/.*a\.sock does not answer as a node: 'Qm' is no peer ID",
        ),
        (says(b'{"reply":"found","content":"b25l"}\n'), r"what is at /unix/.*a\.sock answers something else"),
        (says(b'{"reply":"refused","reason":"no"}\n'), r"a\.sock refuses: no"),
    ],
)
def test_who_asks_is_told_what_is_wrong_with_the_answer(
    path: Path, server: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], reason: str
) -> None:
    async def main() -> None:
        async with await start_server(server, address_of(path)) as listening:
            with pytest.raises(DoorError, match=reason):
                await ask(listening.address, AskStatus(), Status, timeout=PATIENCE)

    asyncio.run(main())


def test_who_asks_where_no_node_runs_is_told_so(path: Path) -> None:
    with pytest.raises(DoorError, match=r"^no node runs at /unix/.*a\.sock$"):
        asyncio.run(ask(address_of(path), AskStatus(), Status))
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with pytest.raises(DoorError, match=r"^no node runs at /unix/.*a\.sock$"):
        asyncio.run(ask(address_of(path), AskStatus(), Status))
    with pytest.raises(DoorError, match=r"^/unix/.*a\.sock%2Fa cannot be asked: Not a directory$"):
        asyncio.run(ask(address_of(path / "a"), AskStatus(), Status))


@pytest.mark.parametrize("backlog", [0, 5])
def test_who_asks_a_node_that_is_stopped_does_not_wait_for_ever(path: Path, backlog: int) -> None:
    with socket.socket(socket.AF_UNIX) as stopped, socket.socket(socket.AF_UNIX) as other:
        stopped.bind(str(path))
        stopped.listen(backlog)
        other.connect(str(path))
        with pytest.raises(DoorError, match=r"^no answer from /unix/.*a\.sock within 0\.2 s$"):
            asyncio.run(ask(address_of(path), AskStatus(), Status, timeout=0.2))


# Who comes to the door


async def until_gone(*readers: asyncio.StreamReader) -> None:
    """Wait until the other end of some connections has ended them, and nothing came before."""
    for reader in readers:
        with suppress(ConnectionError):
            assert await reader.read() == b""


@pytest.mark.parametrize("question", [b"", b'{"ask":"sta', b" " * LONGEST_QUESTION])
def test_who_does_not_come_to_an_end_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch, question: bytes) -> None:
    monkeypatch.setattr(door_module, "PATIENCE", 0.1)

    async def visit(address: Multiaddr) -> None:
        reader, writer = await open_connection(address)
        writer.write(question)
        await until_gone(reader)
        writer.close()

    at_door(path, visit)


def test_who_does_not_read_the_answer_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "PATIENCE", 0.1)
    ended = asyncio.Event()

    async def visit(address: Multiaddr) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            sock.connect(str(path))
            sock.sendall(b'{"ask":"get","hash":"' + b"0" * 64 + b'"}\n')
            while not ended.is_set():
                await asyncio.sleep(0.01)

    class Long(Node):
        async def answer(self, question: Question) -> Reply:
            task = asyncio.current_task()
            assert task is not None
            task.add_done_callback(lambda _: ended.set())
            return Found(bytes(10_000_000))

    at_door(path, visit, Long())


def test_an_answer_that_takes_too_long_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "PATIENCE", 0.1)

    class Slow(Node):
        async def answer(self, question: Question) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

    async def visit(address: Multiaddr) -> None:
        with pytest.raises(DoorError, match=r"has hung up without an answer$"):
            await ask(address, AskStatus(), Status, timeout=PATIENCE)

    at_door(path, visit, Slow())


@asynccontextmanager
async def crowd(address: Multiaddr, size: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Have some sit at the door without a word."""
    connections = [await open_connection(address) for _ in range(size)]
    try:
        yield [reader for reader, _ in connections]
    finally:
        for _, writer in connections:
            writer.transport.abort()


def test_a_crowd_at_the_door_does_not_keep_the_owner_out(path: Path) -> None:
    async def visit(address: Multiaddr) -> None:
        async with crowd(address, AT_ONCE + 3) as readers:
            assert await ask(address, AskStatus(), Status) == STATUS
            await until_gone(*readers[:4])  # the oldest: as many as were too many, the owner included
            assert not any(reader.at_eof() for reader in readers[4:])

    at_door(path, visit)


def test_as_many_as_have_room_are_answered_at_the_same_time(path: Path) -> None:
    together = asyncio.Barrier(AT_ONCE)

    class Patient(Node):
        async def answer(self, question: Question) -> Reply:
            await together.wait()
            return await super().answer(question)

    async def visit(address: Multiaddr) -> None:
        questions = (ask(address, Put(bytes([number])), Stored) for number in range(AT_ONCE))
        assert len({stored.hash for stored in await asyncio.gather(*questions)}) == AT_ONCE

    at_door(path, visit, Patient())


def test_who_hangs_up_before_the_answer_is_no_trouble(path: Path) -> None:
    async def visit(address: Multiaddr) -> None:
        for question in (b"", b"{", b'{"ask":"status"}\n'):
            for end in ("close", "abort"):
                _, writer = await open_connection(address)
                writer.write(question)
                getattr(writer.transport, end)()
        assert await ask(address, AskStatus(), Status) == STATUS

    at_door(path, visit)


# The end

LEAVE = """
import asyncio, gc, sys
from node.door import *
from multiaddr_py.net.asyncio import open_connection

async def answer(question):
    await asyncio.Event().wait()

async def main(turns):
    async with open_door(sys.argv[1], answer) as server:
        connections = [await open_connection(server.address) for _ in range(100)]
        for _, writer in connections[::2]:
            writer.write(b'{"ask":"status"}\\n')
        for _ in range(turns):
            await asyncio.sleep(0)
    for reader, writer in connections:
        try:
            assert await reader.read() == b""
        except ConnectionError:
            pass
        writer.close()

for turns in range(6):
    asyncio.run(main(turns))
    gc.collect()
"""


def test_at_the_end_all_are_cut_off_and_nothing_is_left(path: Path) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", LEAVE, str(address_of(path))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
