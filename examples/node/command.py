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
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Final, TypeVar

from multiaddr_py import ConversionError, Multiaddr, MultiaddrError
from multiaddr_py.net import Endpoint, from_sockaddr

from . import __doc__ as description
from .config import Config
from .door import AskStatus, DoorError, Found, Get, Put, Stored, ask, to_door
from .events import Report, reporter, silence
from .fields import LARGEST_ITEM
from .identity import IdentityError, load_identity
from .run import run
from .status import Status, show
from .store import StoreError

FAILURES: Final = (DoorError, IdentityError, MultiaddrError, OSError, StoreError)
KINDS: Final = ("tcp", "udp", "unix")
COLUMNS: Final = """
columns of the tables, and what --json has instead:

    WAY      out if this node has dialled the peer, in if the peer has        peers: direction
    FOR      since when                                                       peers: seconds
    BITS     how many first bits of its key a contact of the discovery has
             in common with this node; the least recently seen comes first    buckets: bits
    STATE    of an address: heard, if somebody has said so only; dialled, if
             the peer was there; failed, if it was not when dialled last      addresses: state
    FAILED   how often it was not, one time after the other                   addresses: failures
    NEXT     when it may be dialled again                                     addresses: seconds
"""

T = TypeVar("T")


def to_listen(text: str) -> Multiaddr:
    """Return the address of a socket that a node can have."""
    endpoint = to_endpoint(text)
    if "p2p" in endpoint.rest:
        raise ConversionError("a node's peer ID is that of its key", text, f"use {endpoint.address}")
    if endpoint.path is not None and not endpoint.path.startswith(b"\0"):  # for whom it is told, in other folders
        return from_sockaddr(socket.AF_UNIX, os.path.abspath(endpoint.path), socket.SOCK_STREAM)
    return endpoint.address


def to_seed(text: str) -> Multiaddr:
    """Return the address of another node, with its peer ID or without."""
    endpoint = to_endpoint(text)
    if endpoint.port == 0:
        raise ConversionError("nobody listens at port 0", text, "use the port that the other node tells")
    return endpoint.to_multiaddr()


def to_static(text: str) -> Multiaddr:
    """Return the address at which another node accepts connections."""
    address = to_seed(text)
    if "udp" in address:
        raise ConversionError("there are no connections over udp", text, "use an address of tcp of that node")
    return address


def to_endpoint(text: str) -> Endpoint:
    """Return what a node can listen at, or dial, and perhaps a peer ID."""
    endpoint = Endpoint.from_multiaddr(text)
    above = endpoint.rest[:-1] if endpoint.rest and endpoint.rest[-1].name == "p2p" else endpoint.rest
    if endpoint.address[-1].name not in KINDS or above:
        hint = "use such as /ip4/127.0.0.1/tcp/4001" + (", and no more" if above else "")
        raise ConversionError("a node has sockets of tcp, udp and unix, and speaks nothing above them", text, hint)
    return endpoint


def to_folder(text: str) -> Path:
    """Return the path of a folder, which need not be there."""
    if not text:
        raise ValueError("a folder has a name")
    if Path(text).exists() and not Path(text).is_dir():
        raise ValueError(f"{text!r} is no folder")
    return Path(text)


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
        if 2 <= int(text) <= 1_000:
            return int(text)
    raise ValueError(f"a number of peers is from 2 to 1000, unlike {text!r}")


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
    seed, static, door = reads(to_seed), reads(to_static), reads(to_door)

    runner = commands.add_parser("run", help="be a node")
    runner.set_defaults(work=be_node)
    add = runner.add_argument
    add(
        "--data", metavar="FOLDER", type=reads(to_folder), required=True, help="what is kept: the key, items, addresses"
    )
    add(
        "--listen",
        metavar="ADDRESS",
        type=reads(to_listen),
        nargs="+",
        action="extend",
        required=True,
        help="such as /ip4/0.0.0.0/tcp/4001, and of udp if the discovery is to be elsewhere",
    )
    several = partial(add, metavar="ADDRESS", nargs="+", action="extend", default=[])
    several("--seed", type=seed, help="whom to ask first for others, for connections or, of udp, for the discovery")
    several("--static", type=static, help="who is to be connected always")
    add(
        "--peers",
        metavar="NUMBER",
        type=reads(to_number),
        default=16,
        help="how many to have at most, half of them those who connect by themselves; by default 16",
    )
    add(
        "--refresh",
        choices=["random", "own"],
        default="random",
        help="look for others near a random key, as is the default, or near the node's own one",
    )
    add("--alive", metavar="SECONDS", type=reads(to_seconds), default=20.0, help="of silence that are normal: 20")
    add("--status", metavar="ADDRESS", type=door, help="the socket for questions, by default node.sock in FOLDER")
    add("--json", action="store_true", help="print events as JSON Lines")

    asker = commands.add_parser(
        "status",
        help="show what a node does, and whom it knows",
        epilog=COLUMNS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    asker.set_defaults(work=show_status)
    asker.add_argument("--json", action="store_true", help="print it as JSON, on one line")
    putter = commands.add_parser("put", help="give a node an item; print its hash")
    putter.set_defaults(work=put_item, json=False)
    getter = commands.add_parser("get", help="print an item that a node has")
    getter.set_defaults(work=get_item, json=False)
    for command in (asker, putter, getter):
        command.add_argument("address", metavar="ADDRESS", type=door, help="where the node says it tells its status")
    putter.add_argument("item", metavar="TEXT", help="what to add, behind -- if it begins with -; - is standard input")
    getter.add_argument("hash", metavar="HASH", type=reads(to_hash), help="64 hexadecimal digits")
    arguments = parser.parse_args()
    if arguments.command == "put":
        # Here, where Ctrl-C ends it.
        given = sys.stdin.buffer.read(LARGEST_ITEM + 1) if arguments.item == "-" else os.fsencode(arguments.item)
        if not 0 < len(given) <= LARGEST_ITEM:
            putter.error(f"an item has 1 to {LARGEST_ITEM} bytes")
        arguments.item = given
    return arguments


async def be_node(arguments: argparse.Namespace, report: Report) -> None:
    """Run a node."""
    data: Path = arguments.data
    if not data.exists():
        data.mkdir(mode=0o700, parents=True)
        (data / ".gitignore").write_text("*\n", "ascii")  # there will be a private key
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
    write((await ask(arguments.address, Put(arguments.item), Stored)).hash + "\n")


async def get_item(arguments: argparse.Namespace, _: Report) -> None:
    """Print an item that a node has."""
    write((await ask(arguments.address, Get(arguments.hash), Found)).content)
    if sys.stdout.isatty():  # else it is what it is, to the byte
        write("\n")


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
