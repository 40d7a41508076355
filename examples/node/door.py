"""A running node's own door: a Unix socket, at which its owner asks what it does, and gives and gets items.

One question and one answer go over a connection, each as a line of JSON: `{"ask":"status"}` is the shortest question.
The socket's file is for its owner alone. A connection ends after a time, whatever it does or leaves, and its question
has a limited size; where too many are there, the oldest one has to go.
"""

from __future__ import annotations

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py.net import AddressLike, Endpoint
from multiaddr_py.net.asyncio import Server, open_connection, start_server

from .fields import LARGEST_ITEM
from .status import Status

LONGEST_QUESTION: Final = 100_000  # bytes, of which Base64 makes four of three
LONGEST_ANSWER: Final = 1 << 24  # bytes; a node that knows thousands of addresses needs a tenth
AT_ONCE: Final = 64  # connections
HINT: Final = "use what the node tells, such as /unix/alice%2Fnode.sock, with %2F for each / of the path"
PATIENCE: Final = 10.0  # seconds that a connection may take


class DoorError(Exception):
    """Why a node does not give what it was asked for."""


class AskStatus(msgspec.Struct, frozen=True, tag_field="ask", tag="status"):
    """What does the node do? The answer is a `Status`."""


class Put(msgspec.Struct, frozen=True, tag_field="ask", tag="put"):
    """Here is an item. The answer is `Stored`."""

    content: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.content) <= LARGEST_ITEM:
            raise ValueError(f"an item has 1 to {LARGEST_ITEM} bytes, not {len(self.content)}")


class Get(msgspec.Struct, frozen=True, tag_field="ask", tag="get"):
    """What is the item of this hash? The answer is `Found`."""

    hash: str
    """In hexadecimal digits."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", self.hash):
            raise ValueError("a hash has 64 hexadecimal digits")


class Stored(msgspec.Struct, frozen=True, tag_field="reply", tag="stored"):
    """The node has the item, and maybe had it before."""

    hash: str
    """In hexadecimal digits."""


class Found(msgspec.Struct, frozen=True, tag_field="reply", tag="found"):
    """This is the item."""

    content: bytes


class Refused(msgspec.Struct, frozen=True, tag_field="reply", tag="refused"):
    """The node says why it gives no other answer."""

    reason: str


Question: TypeAlias = AskStatus | Put | Get
Reply: TypeAlias = Status | Stored | Found | Refused
R = TypeVar("R", Status, Stored, Found)

_QUESTIONS: Final = msgspec.json.Decoder(Question)


def _read_binary(kind: type[Any], value: object) -> object:
    """Read what JSON has no type for: an address, or a peer ID."""
    if not isinstance(value, str):
        raise ValueError(f"{kind.__name__} is written as text")  # noqa: TRY004  a `TypeError` would be a fault of ours
    return kind(value)


_REPLIES: Final = msgspec.json.Decoder(Reply, dec_hook=_read_binary)


def to_door(address: AddressLike) -> Multiaddr:
    """Return the address of a Unix socket that has a file, whose permissions say who may ask; or `ConversionError`."""
    endpoint = Endpoint.from_multiaddr(address)
    if endpoint.path is None or endpoint.path.startswith(b"\0") or endpoint.rest:
        raise ConversionError("a node is asked at the file of a socket", str(endpoint.address), HINT)
    return endpoint.address


@asynccontextmanager
async def open_door(address: AddressLike, answer: Callable[[Question], Awaitable[Reply]]) -> AsyncIterator[Server]:
    """Let the node be asked for as long as the body takes; what goes on at its end is cut off.

    A socket file that nobody listens on is replaced. Raises `ConversionError` as `to_door` does, and `OSError`.
    """
    door = _Door(answer)
    async with await start_server(door.begin, to_door(address), mode=0o600, limit=LONGEST_QUESTION) as server:
        try:
            yield server
        finally:
            await door.close()


class _Door:
    """The connections that there are, each of them a task."""

    def __init__(self, answer: Callable[[Question], Awaitable[Reply]]) -> None:
        self._answer = answer
        self._tasks: dict[asyncio.Task[None], StreamWriter] = {}  # the oldest first
        self._is_closed = False

    def begin(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Deal with a connection; `start_server` calls this also for what it accepts at the very end."""
        if self._is_closed:
            writer.transport.abort()
            return
        waiting = [task for task in self._tasks if not task.cancelling()]
        if len(waiting) >= AT_ONCE:  # who just sits there has to go, and not who comes
            waiting[0].cancel()
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        """End a connection; a task that is cancelled before it begins could not do so itself."""
        writer = self._tasks.pop(task)  # held until it is closed: from Python 3.13 on one that is lost before complains
        writer.transport.abort()

    async def close(self) -> None:
        """Cut off all connections, and those that are to come."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                try:
                    question = _QUESTIONS.decode(await reader.readuntil())
                except (asyncio.IncompleteReadError, ConnectionError):  # it has hung up
                    return
                except asyncio.LimitOverrunError:
                    reply: Reply = Refused(f"a question has at most {LONGEST_QUESTION} bytes")
                except (ValueError, RecursionError) as error:
                    reply = Refused(f"this is no question: {error}")
                else:
                    reply = await self._answer(question)
                writer.write(_line(reply))
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()  # until all is sent


async def ask(address: AddressLike, question: Question, kind: type[R], *, timeout: float = PATIENCE) -> R:
    """Ask the node at an address, and return its answer, which is of a kind that goes with the question.

    Raises `ConversionError` as `to_door` does, and `DoorError`.
    """
    door = to_door(address)
    try:
        async with asyncio.timeout(timeout):
            reply = _REPLIES.decode(await _exchange(door, _line(question)))
    except TimeoutError:
        raise DoorError(f"no answer from {door} within {timeout:g} s") from None
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise DoorError(f"no node runs at {door}") from error
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise DoorError(f"{door} has hung up without an answer") from error
    except OSError as error:
        raise DoorError(f"{door} cannot be asked: {error.strerror or error}") from error
    except (asyncio.LimitOverrunError, ValueError, RecursionError) as error:
        raise DoorError(f"what is at {door} does not answer as a node: {error}") from error
    if isinstance(reply, Refused):
        raise DoorError(f"{door} refuses: {reply.reason}")
    if not isinstance(reply, kind):
        raise DoorError(f"what is at {door} answers something else")
    return reply


async def _exchange(door: Multiaddr, line: bytes) -> bytes:
    """Return the line that comes back for one."""
    reader, writer = await open_connection(door, limit=LONGEST_ANSWER)
    try:
        writer.write(line)
        return await reader.readuntil()
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def _line(message: Question | Reply) -> bytes:
    return msgspec.json.encode(message, enc_hook=str) + b"\n"
