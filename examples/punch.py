"""Two peers behind NATs meet, with nothing but addresses (hole punching).

A server that both peers can reach tells each where the other one is. It listens on two ports, so that peers can see
what kind of NAT they are behind; with ports of a second host as well, it needs no other peer's help for that:

    python examples/punch.py rendezvous /ip4/127.0.0.1/udp/4001 /ip4/127.0.0.1/udp/4002

Then two peers, each in a terminal of its own, and on a machine of its own once the server's addresses are public:

    python examples/punch.py peer alice --server /ip4/127.0.0.1/udp/4001 /ip4/127.0.0.1/udp/4002 --meet bob
    python examples/punch.py peer bob --server /ip4/127.0.0.1/udp/4001 /ip4/127.0.0.1/udp/4002 --meet alice --say hello

What is typed at one is said at the other. Once they have a path they need no server: end it, and they go on. If there
is no direct path, both say why within 10 seconds; with --relay on both, the server then passes on what they say.
A peer that has a direct path is a server itself, at the address as which it is seen, for whom its NAT lets in,
but passes nothing on.

All run until Ctrl-C; a peer also ends when the other one does. One that has failed says why, and has status 1.
With --json each line is an event with these fields:

    listening   address         where the server, or the peer in its own network, has its socket
    registered  name, address   the server knows this peer, or has a new one, and sees it at that address
    waiting     name            this peer waits for the other one
    nat         kind, mapping, filtering
                                what the peer is behind: the kind is open, firewall, full cone, address-restricted,
                                port-restricted, symmetric or unknown, the others are words of RFC 5780; where there
                                was nobody to find out with, two kinds or words have "or" in between; it is told
                                again if more is found out, and rests on packets that did not come
    direct      name, address, seconds
                                the path to the other peer, found so long after this one was told of it
    tcp         name, address   a TCP connection along that path came up, and is used; with a reason if it did not,
                                or has ended
    relayed     name, address, reason, seconds
                                the server passes everything on, and why
    message     name, text      the other peer says this
    left        name            the other peer has ended
    guest       name, address   somebody else has registered with this peer, as with a server
    failed      reason          this one has
"""

from __future__ import annotations

import argparse
import asyncio
import codecs
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from random import SystemRandom
from time import monotonic
from typing import Final, TypeVar

from multiaddr_py import ConversionError, Multiaddr, MultiaddrError
from multiaddr_py.net import Endpoint
from multiaddr_py.net.asyncio import DatagramSocket, bind
from punching.events import PunchError, Report, reporter
from punching.fields import LONGEST_TEXT, MOST_ADDRESSES, Text, to_name, to_text
from punching.peer import Options, Peer
from punching.rendezvous import Rendezvous
from punching.tasks import first_of

EVENTS: Final = "The events, and what they mean, are in `punch.py --help`."
MOST_UNSAID: Final = 100  # texts that wait until they can be said

T = TypeVar("T")


async def serve(addresses: list[Multiaddr], report: Report) -> None:
    """Be the server for whoever comes."""

    def welcome(name: str, address: Multiaddr) -> None:
        report("registered", name=name, address=address)

    with ExitStack() as stack:
        socks = [stack.enter_context(await bind(address)) for address in addresses]
        for sock in socks:
            report("listening", address=sock.address)
        server = Rendezvous([sock.address for sock in socks], clock=monotonic, report=welcome)
        await first_of(*(receive(server, socks, at) for at in range(len(socks))))


async def receive(server: Rendezvous, socks: list[DatagramSocket], at: int) -> None:
    """Send what the server wants sent because of what comes to one of its sockets."""
    while True:
        with suppress(OSError):  # of one datagram: the others go on
            datagram, sender = await socks[at].receive()
            for outgoing in server.receive(datagram, sender, at):
                with suppress(OSError):
                    await socks[outgoing.at].send(outgoing.datagram, outgoing.to)


async def meet(options: Options, texts: list[Text], report: Report) -> None:
    """Be a peer that says some texts, and then each line of standard input."""
    queue: asyncio.Queue[Text] = asyncio.Queue(MOST_UNSAID)
    threading.Thread(target=read_lines, args=(texts, queue, asyncio.get_running_loop()), daemon=True).start()
    await Peer(options, queue, report, SystemRandom()).run()


def read_lines(texts: list[Text], queue: asyncio.Queue[Text], loop: asyncio.AbstractEventLoop) -> None:
    """Queue texts, and then the lines of standard input, in a thread that nobody waits for."""

    def say(line: str) -> None:
        for text in cut(line):
            asyncio.run_coroutine_threadsafe(queue.put(text), loop).result()

    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    unsaid = ""
    with suppress(OSError, RuntimeError, CancelledError):  # there is no standard input, or the program has ended
        for text in texts:
            say(text)
        while piece := os.read(0, LONGEST_TEXT):
            *lines, unsaid = (unsaid + decoder.decode(piece)).split("\n")
            for line in lines:
                say(line.removesuffix("\r"))
            if len(unsaid) > LONGEST_TEXT:
                say(unsaid)
                unsaid = ""
        if unsaid:
            say(unsaid)


def cut(line: str) -> list[Text]:
    """Cut a line into texts that are not too long.

    >>> [len(text) for text in cut("\N{SNOWMAN}" * 350)]
    [341, 9]
    """
    texts = []
    unsaid = line.encode()
    while unsaid:
        text = to_text(unsaid[:LONGEST_TEXT].decode(errors="ignore"))  # but for a letter that was cut through
        texts.append(text)
        unsaid = unsaid[len(text.encode()) :]
    return texts


def to_udp(text: str) -> Multiaddr:
    """Return the address of a socket for datagrams, and of nothing above it."""
    endpoint = Endpoint.from_multiaddr(text)
    if endpoint.type != socket.SOCK_DGRAM or endpoint.rest or endpoint.zone:
        raise ConversionError("this program speaks udp beyond a link", text, "use such as /ip4/203.0.113.1/udp/4001")
    return endpoint.address


def reads(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return what argparse calls to read an argument, and says what is wrong with it."""

    def read_argument(argument: str) -> T:
        try:
            return read(argument)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read_argument


def to_seconds(text: str) -> float:
    """Return a time."""
    with suppress(ValueError):
        if 0 < float(text) <= 86_400:
            return float(text)
    raise ValueError(f"a time is a number of seconds, more than 0 and at most a day's 86400, unlike {text!r}")


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    address, seconds = reads(to_udp), reads(to_seconds)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("rendezvous", help="be the server that peers meet at", epilog=EVENTS)
    server.add_argument("addresses", metavar="ADDRESS", nargs="+", type=address, help="such as /ip4/0.0.0.0/udp/4001")
    peer = commands.add_parser("peer", help="meet another peer, and talk to it", epilog=EVENTS)
    peer.add_argument("name", metavar="NAME", type=reads(to_name), help="what the other peer meets this one as")
    peer.add_argument("--server", metavar="ADDRESS", nargs="+", required=True, type=address, help="where the server is")
    peer.add_argument("--meet", metavar="NAME", required=True, type=reads(to_name), help="the other peer")
    peer.add_argument(
        "--relay", action="store_true", help="have the server pass everything on, if there is no other way"
    )
    text = reads(to_text)
    peer.add_argument("--say", metavar="TEXT", type=text, action="append", default=[], help="what to say first")
    peer.add_argument("--listen", metavar="ADDRESS", type=address, help="the peer's own socket, else at any port")
    peer.add_argument("--wait", metavar="SECONDS", type=seconds, help="how long to wait for the other peer")
    peer.add_argument(
        "--alive",
        metavar="SECONDS",
        type=seconds,
        default=10.0,
        help="between two signs of life, by default 10; some NATs forget who is silent for 30, few for less",
    )
    for command in (server, peer):
        command.add_argument("--json", action="store_true", help="print events as JSON Lines")
    arguments = parser.parse_args()
    if arguments.command == "rendezvous" and len(arguments.addresses) > MOST_ADDRESSES:
        server.error(f"a server has at most {MOST_ADDRESSES} addresses")
    if arguments.command == "peer" and arguments.name == arguments.meet:
        peer.error("a peer cannot meet itself")
    return arguments


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


def main() -> int:
    """Run the command; return its exit status."""
    arguments = read_arguments()
    report = reporter(as_json=arguments.json)
    if arguments.command == "rendezvous":
        work = serve(arguments.addresses, report)
    else:
        options = Options(
            arguments.name,
            arguments.meet,
            arguments.server,
            arguments.listen,
            relay=arguments.relay,
            wait=arguments.wait,
            alive=arguments.alive,
        )
        work = meet(options, arguments.say, report)
    try:
        asyncio.run(until_interrupted(work))
    except (MultiaddrError, OSError, PunchError) as error:
        report("failed", reason=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
