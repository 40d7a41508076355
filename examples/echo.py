"""An echo server and its caller, over whatever socket an address names.

Serve at one of these; a port of 0 is any that is free:

    python examples/echo.py serve /ip4/127.0.0.1/tcp/0
    python examples/echo.py serve /ip4/127.0.0.1/udp/0
    python examples/echo.py serve /ip6/::1/tcp/0
    python examples/echo.py serve /ip6/::1/udp/0
    python examples/echo.py serve /dns4/localhost/tcp/0
    python examples/echo.py serve /dns4/localhost/udp/0
    python examples/echo.py serve /unix/echo.sock
    python examples/echo.py serve /unix/%00echo
    python examples/echo.py serve /ip4/127.0.0.1/sctp/0
    python examples/echo.py serve /ip4/127.0.0.1/dccp/0
    python examples/echo.py serve /ip4/0.0.0.0/tcp/0

Then call, in another terminal, an address that the server printed:

    python examples/echo.py call ADDRESS hello

The server runs until Ctrl-C. A call without an echo says why, and has status 1.
With --json each line is an event with these fields:

    listening  address     the server hears there; at 0.0.0.0 and :: an event for each interface
    accepted   peer        the server has a connection; a peer of "" is a Unix socket without a name
    echoed     peer, size  the server has sent so many bytes back, in a connection that has ended, or in a datagram
    connected  peer        the caller has found the server, at this one of a name's addresses
    answered   text        the caller has back what it sent
    failed     reason      the caller, a connection of the server or the server itself has ended so
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import partial

from multiaddr_py import ConversionError, Multiaddr, MultiaddrError
from multiaddr_py.net import DatagramSocket, Endpoint, Listener, bind, connect, from_socket, listen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Report: TypeAlias = Callable[..., None]

PIECE = 16_384  # bytes, which every socket holds on their way there and back
WORDS = {
    "listening": "listening on {address}",
    "accepted": "accepted {peer}",
    "echoed": "echoed {size} bytes to {peer}",
    "answered": "{text}",
    "failed": "echo: {reason}",
}


def print_event(event: str, *, as_json: bool, **fields: Multiaddr | str | int) -> None:
    """Print what happens: as JSON, or in words where there are any."""
    if as_json:
        line = json.dumps({"event": event, **fields}, default=str)
    elif event in WORDS:
        line = WORDS[event].format_map({name: shown(value) for name, value in fields.items()})
    else:
        return
    stream = sys.stderr if event == "failed" and not as_json else sys.stdout
    try:  # in one piece, since the threads share the terminal, and a text as the bytes that it was
        stream.buffer.write(line.encode(errors="surrogateescape") + b"\n")
        stream.buffer.flush()
    except BrokenPipeError:  # nobody reads on, as behind `| head -1`: go on without a word
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def shown(value: Multiaddr | str | int) -> str:
    """Return a value as text; a name in an address may be a stranger's, and must not command the terminal."""
    if isinstance(value, Multiaddr):
        return repr(str(value))[1:-1] or "an unnamed socket"
    return str(value)


def reason(error: Exception) -> str:
    """Return all that an error says; what failed at other addresses of a name is in its notes."""
    return "; ".join([str(error), *getattr(error, "__notes__", [])])


def read_endpoint(address: str) -> Endpoint:
    """Read an address that is an endpoint and no more: an echo speaks no ws, and cannot prove to be any p2p."""
    endpoint = Endpoint.from_multiaddr(address)
    if endpoint.rest:
        raise ConversionError("an echo speaks nothing above its socket", address, f"use {endpoint.address}")
    return endpoint


def serve(address: str, report: Report) -> None:
    """Echo whatever comes to an address, until an interrupt."""
    endpoint = read_endpoint(address)
    if endpoint.type == socket.SOCK_DGRAM:
        with bind(endpoint.address) as sock:
            announce(sock, report)
            echo_datagrams(sock, report)
    else:
        with listen(endpoint.address) as listener:
            announce(listener, report)
            echo_connections(listener, report)


def announce(bound: Listener | DatagramSocket, report: Report) -> None:
    """Say at which addresses the server is to be called."""
    try:
        addresses = bound.addresses()
    except ModuleNotFoundError:  # of the extra `net`, which finds the interfaces that 0.0.0.0 stands for
        addresses = [bound.address]
    for address in addresses:
        report("listening", address=address)


def echo_datagrams(sock: DatagramSocket, report: Report) -> None:
    """Send each datagram back to its sender."""
    while True:
        try:
            payload, peer = sock.receive()
            sock.send(payload, peer)
            report("echoed", peer=peer, size=len(payload))
        except OSError as error:  # with one caller: the others go on
            report("failed", reason=reason(error))


def echo_connections(listener: Listener, report: Report) -> None:
    """Serve each connection in a thread, so that none waits for another."""
    connections: set[socket.socket] = set()
    try:
        while True:
            try:
                sock, peer = listener.accept()
            except OSError as error:  # this caller is gone already, or there are too many: the others go on
                report("failed", reason=reason(error))
                time.sleep(0.1)
            else:
                connections.add(sock)
                threading.Thread(target=echo_connection, args=(sock, peer, connections, report)).start()
    finally:
        for sock in list(connections):  # whose threads the program waits for when it ends
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def echo_connection(sock: socket.socket, peer: Multiaddr, connections: set[socket.socket], report: Report) -> None:
    """Send back what a connection brings, until the caller ends it."""
    report("accepted", peer=peer)
    size = 0
    try:
        with sock:
            while piece := sock.recv(PIECE):
                sock.sendall(piece)
                size += len(piece)
        report("echoed", peer=peer, size=size)
    except OSError as error:
        error.add_note(f"after {size} bytes to {shown(peer)}")
        report("failed", reason=reason(error))
    finally:
        connections.discard(sock)


def call(address: str, payload: bytes, timeout: float, report: Report) -> None:
    """Send bytes to an address, and see them come back within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    endpoint = read_endpoint(address)
    with connect(endpoint.address, timeout=timeout) as sock:
        peer = from_socket(sock, peer=True)
        report("connected", peer=peer)
        try:
            reply = exchange(sock, payload, deadline)
        except OSError as error:
            error.add_note(f"no echo from {shown(peer)}")
            raise
    if reply != payload:
        raise OSError(errno.EPROTO, "what came back is not what was sent", str(peer))
    report("answered", text=payload.decode(errors="surrogateescape"))


def exchange(sock: socket.socket, payload: bytes, deadline: float) -> bytes:
    """Send bytes, and return what comes back."""

    def limited() -> socket.socket:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))  # 0 would mean something else
        return sock

    if sock.type == socket.SOCK_DGRAM:
        limited().send(payload)
        return limited().recv(65_535)
    reply = b""
    # In pieces: if all were sent first, a server that cannot send would stop receiving.
    # The end is not told by closing one half of the connection, which SCTP cannot.
    for start in range(0, len(payload), PIECE):
        piece = payload[start : start + PIECE]
        limited().sendall(piece)
        while missing := start + len(piece) - len(reply):
            received = limited().recv(missing)
            if not received:
                raise ConnectionError(errno.ECONNRESET, f"the connection ended after {len(reply)} bytes")
            reply += received
    return reply


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve", help="echo whatever comes, until Ctrl-C")
    caller = commands.add_parser("call", help="send a text to an echo server, and print what comes back")
    for command in (server, caller):
        command.add_argument("address", metavar="ADDRESS", help="such as /ip4/127.0.0.1/tcp/4001")
        command.add_argument("--json", action="store_true", help="print events as JSON Lines")
    caller.add_argument("text", metavar="TEXT", help="what to send; - is what standard input has, but its last newline")
    caller.add_argument("--timeout", metavar="SECONDS", type=float, default=5.0, help="for all of it, by default 5")
    options = parser.parse_args()
    if options.command == "call" and not 0 < options.timeout <= 86_400:
        caller.error("a timeout is more than 0 seconds, and at most a day")
    report = partial(print_event, as_json=options.json)
    try:
        if options.command == "serve":
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` ends a server as Ctrl-C does
            serve(options.address, report)
        else:
            given = sys.stdin.buffer.read().removesuffix(b"\n") if options.text == "-" else os.fsencode(options.text)
            call(options.address, given, options.timeout, report)
    except KeyboardInterrupt:
        return 0 if options.command == "serve" else 130  # a server ends in no other way
    except (MultiaddrError, OSError) as error:
        report("failed", reason=reason(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
