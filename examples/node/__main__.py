"""The command `python -m examples.node`."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Final, TypeVar

from multiaddr_py import ConversionError, Multiaddr, MultiaddrError
from multiaddr_py.net import Endpoint, from_sockaddr

from . import __doc__ as description
from .config import Config
from .door import AskStatus, DoorError, Found, Get, Put, Stored, ask, to_door
from .events import Report, reporter, silence
from .identity import IdentityError, load_identity
from .run import run
from .status import Status, show
from .store import LARGEST_ITEM, StoreError

FAILURES: Final = (DoorError, IdentityError, MultiaddrError, OSError, StoreError)
KINDS: Final = ("tcp", "udp", "unix")

T = TypeVar("T")


def to_listen(text: str) -> Multiaddr:
    """Return the address of a socket that a node can have."""
    endpoint = Endpoint.from_multiaddr(text)
    if endpoint.address[-1].name not in KINDS or endpoint.rest:
        hint = "use such as /ip4/127.0.0.1/tcp/4001" + (", and no more" if endpoint.rest else "")
        raise ConversionError("a node has sockets of tcp, udp and unix, and speaks nothing above them", text, hint)
    return endpoint.address


def to_other(text: str) -> Multiaddr:
    """Return the address of another node, with its peer ID or without."""
    address = Multiaddr(text)
    to_listen(str(address[:-1] if address and address[-1].name == "p2p" else address))
    if Endpoint.from_multiaddr(address).port == 0:
        raise ConversionError("nobody listens at port 0", text, "use the port that the other node tells")
    return address


def reads(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return what argparse calls to read an argument, and says what is wrong with it."""

    def read_argument(argument: str) -> T:
        try:
            return read(argument)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read_argument


def to_number(text: str) -> int:
    """Return how many peers there may be."""
    with suppress(ValueError):
        if 0 < int(text) <= 1_000:
            return int(text)
    raise ValueError(f"a number of peers is from 1 to 1000, unlike {text!r}")


def to_seconds(text: str) -> float:
    """Return a time."""
    with suppress(ValueError):
        if 0.1 <= float(text) <= 86_400:
            return float(text)
    raise ValueError(f"a time is a number of seconds from 0.1 to a day's 86400, unlike {text!r}")


def to_hash(text: str) -> str:
    """Return the hash of an item."""
    return Get(text).hash


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.node",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    other, door = reads(to_other), reads(to_door)

    runner = commands.add_parser("run", help="be a node")
    runner.set_defaults(work=be_node)
    add = runner.add_argument
    add("--data", metavar="FOLDER", type=Path, required=True, help="what is kept: the key, items, addresses")
    add(
        "--listen",
        metavar="ADDRESS",
        type=reads(to_listen),
        nargs="+",
        required=True,
        help="such as /ip4/0.0.0.0/tcp/4001, and of udp if the discovery is to be elsewhere",
    )
    add("--seed", metavar="ADDRESS", type=other, nargs="+", default=[], help="whom to ask first for others")
    add("--static", metavar="ADDRESS", type=other, nargs="+", default=[], help="who is to be connected always")
    add("--peers", metavar="NUMBER", type=reads(to_number), default=16, help="how many to have at most, by default 16")
    add(
        "--refresh",
        choices=["random", "own"],
        default="random",
        help="look for others near a random key, as is the default, or near the node's own one",
    )
    add("--alive", metavar="SECONDS", type=reads(to_seconds), default=20.0, help="of silence that are normal: 20")
    add("--status", metavar="ADDRESS", type=door, help="the socket for questions, by default node.sock in FOLDER")
    add("--json", action="store_true", help="print events as JSON Lines")

    asker = commands.add_parser("status", help="show what a node does, and whom it knows")
    asker.set_defaults(work=show_status)
    asker.add_argument("--json", action="store_true", help="print it as JSON, on one line")
    putter = commands.add_parser("put", help="give a node an item; print its hash")
    putter.set_defaults(work=put_item, json=False)
    getter = commands.add_parser("get", help="print an item that a node has")
    getter.set_defaults(work=get_item, json=False)
    for command in (asker, putter, getter):
        command.add_argument("address", metavar="ADDRESS", type=door, help="where the node says it tells its status")
    putter.add_argument("item", metavar="TEXT", help="what to add; - is what standard input has")
    getter.add_argument("hash", metavar="HASH", type=reads(to_hash), help="64 hexadecimal digits")
    return parser.parse_args()


async def be_node(arguments: argparse.Namespace, report: Report) -> None:
    """Run a node."""
    data: Path = arguments.data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = Config(
        identity=load_identity(data / "key"),
        data=data,
        door=arguments.status or from_sockaddr(socket.AF_UNIX, str(data / "node.sock"), socket.SOCK_STREAM),
        listen=tuple(arguments.listen),
        seeds=tuple(arguments.seed),
        static=tuple(arguments.static),
        most_peers=arguments.peers,
        refresh=arguments.refresh,
        alive=arguments.alive,
    )
    await run(config, report, SystemRandom())


async def show_status(arguments: argparse.Namespace, _: Report) -> None:
    """Print what a node says of itself."""
    status = await ask(arguments.address, AskStatus(), Status)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    write(show(status, as_json=arguments.json, width=width) + "\n")


async def put_item(arguments: argparse.Namespace, _: Report) -> None:
    """Give a node an item."""
    item = sys.stdin.buffer.read(LARGEST_ITEM + 1) if arguments.item == "-" else os.fsencode(arguments.item)
    if not 0 < len(item) <= LARGEST_ITEM:
        raise DoorError(f"an item has 1 to {LARGEST_ITEM} bytes")
    write((await ask(arguments.address, Put(item), Stored)).hash + "\n")


async def get_item(arguments: argparse.Namespace, _: Report) -> None:
    """Print an item that a node has."""
    write((await ask(arguments.address, Get(arguments.hash), Found)).content)


def write(answer: str | bytes) -> None:
    """Write what was asked for; raises `OSError` where nobody reads it, or a disk is full, and then once only."""
    try:
        if isinstance(answer, str):
            sys.stdout.write(answer)
        else:
            sys.stdout.buffer.write(answer)
        sys.stdout.flush()
    except OSError:
        silence(sys.stdout)
        raise


async def until_interrupted(work: Coroutine[object, object, None]) -> None:
    """Run something until it ends; Ctrl-C and `kill` cancel it, also when it is about to end."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)

    def interrupt(*_: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    with suppress(asyncio.CancelledError):
        await task


def single(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    """Return the errors that are in a group, or in groups of it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from single(error)
        else:
            yield error


def main() -> int:
    """Run the command; return its exit status."""
    arguments = read_arguments()
    report = reporter(as_json=arguments.json)
    failures: list[Exception] = []
    try:
        asyncio.run(until_interrupted(arguments.work(arguments, report)))
    except* FAILURES as group:
        failures = list(single(group))
    for error in failures:
        report("failed", reason=str(error))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
