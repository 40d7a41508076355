"""Every stack of the table that a socket stands on, at this machine's own addresses, for servers and their clients."""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import pytest

from multiaddr_py import Multiaddr
from multiaddr_py.net import Endpoint

LINUX = sys.platform == "linux"

HOSTS = ["/ip4/127.0.0.1", "/ip6/::1", "/dns/localhost", "/dns4/localhost", "/dns6/localhost"]
LINK_LOCAL = "/ip6zone/lo/ip6/fe80::1"
PATHS = ["/unix/a.sock", "/unix/.%2Fa.sock", "/unix/CWD%2Fa.sock", "/unix/%00abstract"]
STREAMS = [
    *(f"{host}/{transport}/0{rest}" for host in HOSTS for transport in ("tcp", "sctp") for rest in ("", "/tls/ws")),
    *(f"{path}{rest}" for path in PATHS for rest in ("", "/http")),
]
DCCP = [f"{host}/dccp/0" for host in HOSTS]
DATAGRAMS = [f"{host}/udp/0{rest}" for host in HOSTS for rest in ("", "/quic-v1/webtransport")]


def here(text: str) -> Multiaddr:
    """Return the address of a stack, or skip the test where the system has no such sockets.

    `CWD` is the working directory, which is the test's own, and an abstract name gets an end of its own.
    """
    text = text.replace("CWD", os.getcwd().replace("/", "%2F")).replace("abstract", "maddr" + os.urandom(8).hex())
    address = Multiaddr(text)
    if "%00" in text and not LINUX:
        pytest.skip("only Linux has abstract sockets")
    try:
        for endpoint in Endpoint.from_multiaddr(address).resolve():
            with socket.socket(endpoint.family, endpoint.type, endpoint.proto) as sock:
                if endpoint.path is None:
                    sock.bind(endpoint.sockaddr())
    except OSError as error:
        pytest.skip(f"not on this machine: {error}")
    return address


def stand_for(monkeypatch: pytest.MonkeyPatch, *addresses: Multiaddr | str) -> None:
    """Let any name stand for some addresses, in that order."""
    endpoints = [Endpoint.from_multiaddr(address) for address in addresses]
    found = [(one.family, one.type, one.proto, "", one.sockaddr()) for one in endpoints]

    def getaddrinfo(host: object, port: object, family: int = 0, *_: object) -> list[object]:
        return [entry for entry in found if family in (0, entry[0])]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def know_nothing(*_: object) -> NoReturn:
    """Answer as a resolver that has heard of no name."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@contextmanager
def refusing(host: str = "/ip4/127.0.0.1") -> Iterator[Multiaddr]:
    """Give an address of tcp that refuses connections, and that nobody else gets meanwhile."""
    endpoint = Endpoint.from_multiaddr(f"{host}/tcp/0")
    with socket.socket(endpoint.family, endpoint.type) as sock:
        sock.bind(endpoint.sockaddr())
        yield Multiaddr(f"{host}/tcp/{sock.getsockname()[1]}")


@contextmanager
def silent() -> Iterator[Multiaddr]:
    """Give an address of tcp that does not answer: its backlog is full."""
    if not LINUX:
        pytest.skip("only Linux does not answer when a backlog is full")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        waiting = []
        try:
            while True:
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                with suppress(BlockingIOError):
                    waiting[-1].connect(sock.getsockname())
                if not select.select([], [waiting[-1]], [], 0.2)[1]:
                    break
            yield Multiaddr(f"/ip4/127.0.0.1/tcp/{sock.getsockname()[1]}")
        finally:
            for client in waiting:
                client.close()


def check_located(error: BaseException, number: int, address: Multiaddr) -> None:
    """Check that an error says what was wrong in the system's words, and at which address."""
    assert isinstance(error, OSError)
    assert (error.errno, error.filename) == (number, str(address))
    assert str(error) == f"[Errno {number}] {error.strerror}: {str(address)!r}"
    if number == errno.ETIMEDOUT:
        assert type(error) is TimeoutError
        assert error.strerror == os.strerror(number)
