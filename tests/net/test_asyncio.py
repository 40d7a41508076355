"""The same for asyncio: servers, connections and datagrams, with TLS, cancelled at any time, and nothing left over."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
from asyncio import DatagramProtocol, DatagramTransport, StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from apart import run_apart, run_in_own_network
from stacks import (
    DATAGRAMS,
    LINK_LOCAL,
    LINUX,
    STREAMS,
    check_located,
    here,
    know_nothing,
    refusing,
    silent,
    stand_for,
)

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py.net import Endpoint, connect, from_sockaddr, from_socket
from multiaddr_py.net.asyncio import (
    DatagramSocket,
    Server,
    bind,
    create_datagram_endpoint,
    open_connection,
    peer_address,
    resolve,
    start_server,
)

PEER = "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
SOON = 30.0
"""Seconds after which something that should have ended by itself hangs."""

Handler = Callable[[StreamReader, StreamWriter], Awaitable[None]]


def run(
    coroutine: Coroutine[Any, Any, None], *, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> None:
    """Run a test's coroutine; what the loop would only log is a failure."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: logged.append(context["message"]))
        loop.slow_callback_duration = SOON  # in debug mode it would complain about a machine that is busy
        async with asyncio.timeout(SOON):
            await coroutine
            while others := asyncio.all_tasks() - {asyncio.current_task()}:  # of servers, for their connections
                await asyncio.wait(others)

    logged: list[str] = []
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    gc.collect()
    # In development mode asyncio tells a server that a client did not like its certificate.
    assert [message for message in logged if message != "Error on transport creation for incoming connection"] == []


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a working directory of its own, with a short path, which it leaves empty."""
    with TemporaryDirectory(prefix="maddr") as name:
        monkeypatch.chdir(name)
        yield
        assert os.listdir(name) == []
        monkeypatch.undo()


@pytest.fixture
def localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is this machine's; many know localhost as an address of IPv4 only."""
    stand_for(monkeypatch, "/ip6/::1/tcp/0", "/ip4/127.0.0.1/tcp/0")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let any name stand for some addresses."""
    return partial(stand_for, monkeypatch)


async def echo(reader: StreamReader, writer: StreamWriter) -> None:
    """Send back what comes, until the other end closes."""
    with suppress(ConnectionError):
        while received := await reader.read(99):
            writer.write(received)
    await closed(writer)


async def closed(writer: StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def is_echoed(reader: StreamReader, writer: StreamWriter) -> bool:
    """Say whether the other end of a connection sends back what it gets, and close this end."""
    writer.write(b"there and back")
    found = await reader.readexactly(14) == b"there and back"
    await closed(writer)
    return found


# Streams


async def check_streams(asked: Multiaddr) -> None:
    """Serve and dial a stack, and check that both ends agree on where they are."""

    async def tell(reader: StreamReader, writer: StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        ends.put_nowait((from_socket(sock), peer_address(writer)))
        await echo(reader, writer)

    ends: asyncio.Queue[tuple[Multiaddr, Multiaddr]] = asyncio.Queue()
    path = Endpoint.from_multiaddr(asked).path
    async with await start_server(tell, asked) as server:
        (sock,) = server.sockets
        here, rest = from_socket(sock), Endpoint.from_multiaddr(asked).rest
        assert server.address == (here.encapsulate(rest) if rest else here)
        assert server.addresses() == [server.address]
        assert server.is_serving()
        assert repr(server) == f"<Server {server.address}>"
        reader, writer = await open_connection(server.address, timeout=SOON)
        sock = writer.get_extra_info("socket")
        assert await ends.get() == (from_socket(sock, peer=True), Multiaddr() if path else from_socket(sock))
        assert peer_address(writer) == here
        assert from_socket(sock, peer=True) == here
        assert await is_echoed(reader, writer)
    assert not server.is_serving()
    assert server.sockets == ()
    server.close()


@pytest.mark.parametrize("stack", STREAMS)
@pytest.mark.usefixtures("localhost")
def test_both_ends_of_a_stream_agree(stack: str) -> None:
    run(check_streams(here(stack)))


def check_link_local() -> None:
    run(check_streams(Multiaddr(f"{LINK_LOCAL}/tcp/0/tls/ws")))
    run(check_datagrams(Multiaddr(f"{LINK_LOCAL}/udp/0")))
    run(check_bound(Multiaddr(f"{LINK_LOCAL}/udp/0/quic-v1")))


def test_both_ends_agree_on_a_zone() -> None:
    run_in_own_network(check_link_local)


def test_a_limit_is_that_of_the_reader() -> None:
    async def main() -> None:
        async def read_line(reader: StreamReader, writer: StreamWriter) -> None:
            with pytest.raises(ValueError):
                await reader.readline()
            writer.write(b"y" * 1_000 + b"\n")
            await closed(writer)

        async with await start_server(read_line, "/ip4/127.0.0.1/tcp/0", limit=16) as server:
            reader, writer = await open_connection(server.address, limit=16)
            writer.write(b"x" * 1_000 + b"\n")
            with pytest.raises(ValueError):
                await reader.readline()
            await closed(writer)

    run(main())


def test_a_connection_starts_at_the_own_address() -> None:
    async def main() -> None:
        async with await start_server(echo, "/ip4/127.0.0.1/tcp/0") as server:
            connection = await open_connection(server.address, local_addr="/ip4/127.0.0.2/tcp/0")
            assert from_socket(connection[1].get_extra_info("socket"))[0].value == "127.0.0.2"
            assert await is_echoed(*connection)
            with pytest.raises(ConversionError) as caught:
                await open_connection(server.address, local_addr="/ip6/::1/tcp/0")
            assert caught.value.reason == "a socket that is bound to /ip6/::1/tcp/0 cannot connect to it"
            with pytest.raises(OSError) as in_use:
                await open_connection(server.address, local_addr=server.address)
            check_located(in_use.value, errno.EADDRINUSE, server.address)

    if not LINUX:
        pytest.skip("other systems have to be told that 127.0.0.2 is theirs")
    run(main())


def test_a_dual_stack_server_knows_ip4_peers() -> None:
    async def main() -> None:
        async def tell(_: StreamReader, writer: StreamWriter) -> None:
            peers.put_nowait(from_socket(writer.get_extra_info("socket"), peer=True))
            await closed(writer)

        peers: asyncio.Queue[Multiaddr] = asyncio.Queue()
        async with await start_server(tell, "/ip6/::/tcp/0", ipv6_only=False, reuse_port=True) as server:
            port = server.address[1].value
            _, writer = await open_connection(f"/ip4/127.0.0.1/tcp/{port}")
            assert await peers.get() == from_socket(writer.get_extra_info("socket"))
            await closed(writer)

    here("/ip6/::/tcp/0")
    run(main())


# Bad input


@pytest.mark.parametrize("attempt", [open_connection, partial(start_server, echo)])
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/ip4/127.0.0.1", "'/ip4/127.0.0.1': ip4 has no port; put /tcp/PORT or /udp/PORT behind it"),
        (
            "/ip4/127.0.0.1/udp/1/quic-v1",
            (
                "'/ip4/127.0.0.1/udp/1': asyncio has streams of tcp, sctp and unix only;"
                " create_datagram_endpoint() has datagrams"
            ),
        ),
        ("/ip4/127.0.0.1/dccp/1", "'/ip4/127.0.0.1/dccp/1': asyncio has streams of tcp, sctp and unix only"),
        (
            "/ip6/fe80::1/tcp/1",
            "'/ip6/fe80::1/tcp/1': a link-local address needs a zone; put /ip6zone/INTERFACE in front",
        ),
    ],
)
def test_an_address_that_has_no_stream_is_refused(
    attempt: Callable[[str], Coroutine[Any, Any, None]], address: str, message: str
) -> None:
    async def main() -> None:
        with pytest.raises(ConversionError) as caught:
            await attempt(address)
        assert str(caught.value) == message

    run(main())


def test_a_time_limit_is_over_zero() -> None:
    async def main() -> None:
        with pytest.raises(ValueError) as caught:
            await open_connection("/ip4/127.0.0.1/tcp/1", timeout=0)
        assert str(caught.value) == "a timeout is a number of seconds over 0 or None, not 0"

    run(main())


def test_the_mode_is_that_of_a_file() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match=r"^only the file of a Unix socket has permissions$"):
            await start_server(echo, "/ip4/127.0.0.1/tcp/0", mode=0o600)
        async with await start_server(echo, "/unix/a.sock", mode=0o600):
            assert Path("a.sock").lstat().st_mode & 0o777 == 0o600

    run(main())


# Names


def test_what_is_no_name_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        for text in ("/ip4/127.0.0.1/tcp/1/ws", "/unix/a"):
            assert await resolve(text) == (Endpoint.from_multiaddr(text),)

    monkeypatch.setattr(socket, "getaddrinfo", know_nothing)
    run(main())


def test_a_name_is_looked_up_in_the_resolvers_order(names: Callable[..., None]) -> None:
    async def main() -> None:
        found = await resolve("/dns/node.example/udp/7/quic-v1", timeout=SOON)
        assert [str(one.address) for one in found] == ["/ip6/::1/udp/9", "/ip4/127.0.0.1/udp/8"]
        assert {str(one.rest) for one in found} == {"/quic-v1"}
        assert found == Endpoint.from_multiaddr("/dns/node.example/udp/7/quic-v1").resolve()
        (found_of_ip4,) = await resolve("/dns4/node.example/tcp/7")
        assert str(found_of_ip4.address) == "/ip4/127.0.0.1/tcp/8"

    names("/ip6/::1/tcp/9", "/ip4/127.0.0.1/tcp/8", "/ip6/::1/tcp/9")
    run(main())


def test_a_name_that_nothing_is_known_of_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        for attempt in (
            resolve("/dns/node.example/tcp/1"),
            open_connection("/dns/node.example/tcp/1/ws"),
            open_connection("/dns/node.example/tcp/1/ws", happy_eyeballs_delay=0.1),
            start_server(echo, "/dns/node.example/tcp/1/ws"),
        ):
            with pytest.raises(socket.gaierror) as caught:
                await attempt
            assert caught.value.filename == "/dns/node.example/tcp/1"

    monkeypatch.setattr(socket, "getaddrinfo", know_nothing)
    run(main())


@pytest.mark.parametrize(
    "attempt", [resolve, open_connection, partial(open_connection, happy_eyeballs_delay=0.1)], ids=str
)
def test_a_resolver_that_is_slow_is_cut_off(attempt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        try:
            with pytest.raises(TimeoutError) as caught:
                await attempt("/dns/slow.example/tcp/1", timeout=0.1)
            assert not done.is_set()
        finally:
            done.set()
        check_located(caught.value, errno.ETIMEDOUT, Multiaddr("/dns/slow.example/tcp/1"))

    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: done.wait(SOON) and [])
    run(main())


def test_candidates_are_tried_in_the_resolvers_order(names: Callable[..., None]) -> None:
    async def main(closed: Multiaddr) -> None:
        async with (
            await start_server(echo, "/ip4/127.0.0.1/tcp/0") as one,
            await start_server(echo, "/ip4/127.0.0.1/tcp/0") as other,
        ):
            first, second = one.address, other.address
            for addresses in ((closed, first, second), (first, closed), (first, second)):
                names(*addresses)
                options: dict[str, Any]
                for options in ({}, {"happy_eyeballs_delay": SOON}, {"local_addr": "/ip4/127.0.0.1/tcp/0"}):
                    connection = await open_connection("/dns/node.example/tcp/1/ws", timeout=SOON, **options)
                    assert from_socket(connection[1].get_extra_info("socket"), peer=True) == first
                    assert await is_echoed(*connection)

    with refusing() as address:
        run(main(address))


def test_with_happy_eyeballs_a_silent_candidate_costs_their_delay_only(names: Callable[..., None]) -> None:
    async def main(quiet: Multiaddr) -> None:
        async with await start_server(echo, "/ip4/127.0.0.1/tcp/0") as server:
            names(quiet, server.address)
            for local in (None, "/ip4/127.0.0.1/tcp/0"):
                assert await is_echoed(
                    *await open_connection(
                        "/dns/node.example/tcp/1", happy_eyeballs_delay=0.05, interleave=1, local_addr=local
                    )
                )
            assert await is_echoed(*await open_connection(server.address, happy_eyeballs_delay=0.05, interleave=1))
        names(quiet)
        with pytest.raises(TimeoutError) as caught:
            await open_connection("/dns/node.example/tcp/1", happy_eyeballs_delay=0.05, timeout=0.2)
        check_located(caught.value, errno.ETIMEDOUT, Multiaddr("/dns/node.example/tcp/1"))

    with silent() as address:
        run(main(address))


def test_where_all_candidates_fail_each_is_told(names: Callable[..., None]) -> None:
    async def main(first: Multiaddr, second: Multiaddr, third: Multiaddr) -> None:
        names(first, second, third)
        with pytest.raises(ConnectionRefusedError) as caught:
            await open_connection("/dns/node.example/tcp/1", timeout=0.5)
        assert (caught.value.errno, caught.value.filename) == (errno.ECONNREFUSED, str(first))
        assert [note[-len(f"'{second}'") :] for note in caught.value.__notes__] == [f"'{second}'", f"'{third}'"]
        assert caught.value.__notes__[1] == f"also [Errno 110] {os.strerror(errno.ETIMEDOUT)}: '{third}'"

    with refusing() as one, refusing() as two, silent() as three:
        run(main(one, two, three))


def test_a_name_is_served_at_where_it_is_this_machine(names: Callable[..., None]) -> None:
    async def main() -> None:
        names("/ip4/192.0.2.99/tcp/0", "/ip4/127.0.0.1/tcp/0")
        async with await start_server(echo, "/dns/node.example/tcp/0/ws") as server:
            assert str(server.address) == f"/ip4/127.0.0.1/tcp/{server.sockets[0].getsockname()[1]}/ws"
            assert await is_echoed(*await open_connection(server.address))
        names("/ip4/192.0.2.99/tcp/0", "/ip4/192.0.2.98/tcp/0")
        with pytest.raises(OSError) as caught:
            await start_server(echo, "/dns/node.example/tcp/0/ws")
        check_located(caught.value, errno.EADDRNOTAVAIL, Multiaddr("/ip4/192.0.2.99/tcp/0"))
        assert len(caught.value.__notes__) == 1

    run(main())


# Time limits and cancellation


def test_who_is_silent_is_given_up() -> None:
    async def main(address: Multiaddr) -> None:
        with pytest.raises(TimeoutError) as caught:
            await open_connection(address.encapsulate("/ws"), timeout=0.1)
        check_located(caught.value, errno.ETIMEDOUT, address)

    with silent() as quiet:
        run(main(quiet))


@pytest.mark.skipif(not LINUX, reason="other systems refuse connections when the backlog is full")
def test_a_full_backlog_of_a_unix_socket_is_waited_for() -> None:
    async def main() -> None:
        async with await start_server(echo, "/unix/a.sock", backlog=0, start_serving=False) as server:
            first = await open_connection(server.address)
            with pytest.raises(TimeoutError) as caught:
                await open_connection(server.address, timeout=0.1)
            check_located(caught.value, errno.ETIMEDOUT, server.address)
            waiting = asyncio.create_task(open_connection(server.address))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await server.start_serving()
            assert await is_echoed(*await waiting)
            assert await is_echoed(*first)

    run(main())


def test_a_connection_that_is_cancelled_leaves_nothing() -> None:
    """What is left open is a warning, and warnings are errors."""

    async def main(quiet: Multiaddr) -> None:
        async with await start_server(echo, "/ip4/127.0.0.1/tcp/0") as server:
            for address in (quiet, server.address):
                for steps in range(8):
                    await check_cancelled(open_connection(address), steps)
            assert await is_echoed(*await open_connection(server.address))

    with silent() as address:
        run(main(address))


async def check_cancelled(attempt: Coroutine[Any, Any, Any], steps: int) -> None:
    """Cancel something after some steps of the loop; close what comes out of it if it was done by then."""
    task = asyncio.create_task(attempt)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    try:
        outcome = await task
    except asyncio.CancelledError:
        return
    if isinstance(outcome, Server):
        outcome.close()
        await outcome.wait_closed()
    elif isinstance(outcome, DatagramSocket):
        outcome.close()
    elif isinstance(outcome[1], StreamWriter):
        await closed(outcome[1])
    else:
        outcome[0].close()


@pytest.mark.parametrize("address", ["/ip4/127.0.0.1/tcp/0", "/unix/a.sock"])
def test_a_server_whose_start_is_cancelled_leaves_nothing(address: str) -> None:
    """Above all no closed socket among those that the loop watches: the next one of that number could not be used."""

    async def main() -> None:
        for steps in range(8):
            await check_cancelled(start_server(echo, address), steps)
            assert os.listdir() == []
            async with await start_server(echo, address) as server:
                assert await is_echoed(*await open_connection(server.address))

    run(main())


def test_a_datagram_endpoint_that_is_cancelled_leaves_nothing() -> None:
    async def main() -> None:
        for steps in range(6):
            await check_cancelled(create_datagram_endpoint(DatagramProtocol, "/ip4/127.0.0.1/udp/0"), steps)
            await check_cancelled(bind("/dns4/localhost/udp/0"), steps)

    run(main())


# Servers


def test_an_option_that_will_not_do_leaves_nothing() -> None:
    async def main() -> None:
        for_server: dict[str, Any] = {"ssl": True}
        for_client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with pytest.raises(TypeError, match="SSLContext"):
            await start_server(echo, "/unix/a.sock", **for_server)
        assert os.listdir() == []
        async with await start_server(echo, "/unix/a.sock") as server:
            with pytest.raises(ssl.SSLError):
                await open_connection(server.address, ssl=for_client, server_hostname="node.example")

    run(main())


def test_without_serving_connections_wait() -> None:
    async def main() -> None:
        async with await start_server(echo, "/ip4/127.0.0.1/tcp/0", start_serving=False) as server:
            assert not server.is_serving()
            connection = await open_connection(server.address)
            await server.start_serving()
            assert server.is_serving()
            assert await is_echoed(*connection)

    run(main())


def test_a_second_server_is_refused_and_the_first_unharmed() -> None:
    async def main() -> None:
        for address in ("/ip4/127.0.0.1/tcp/0", "/unix/a.sock"):
            async with await start_server(echo, address) as server:
                with pytest.raises(OSError) as caught:
                    await start_server(echo, server.address)
                check_located(caught.value, errno.EADDRINUSE, server.address)
                assert await is_echoed(*await open_connection(server.address))

    run(main())


def test_serving_ends_when_it_is_cancelled_and_the_file_goes_at_once() -> None:
    async def main() -> None:
        server = await start_server(echo, "/unix/a.sock", start_serving=False)
        serving = asyncio.create_task(server.serve_forever())
        reader, writer = await open_connection(server.address)
        writer.write(b"?")
        assert await reader.readexactly(1) == b"?"
        assert server.is_serving()
        serving.cancel()
        while os.listdir():  # though there is a connection, for which asyncio waits from 3.12 on
            await asyncio.sleep(0.01)
        with pytest.raises(FileNotFoundError):
            await open_connection(server.address)
        assert await is_echoed(reader, writer)
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert not server.is_serving()

    run(main())


def test_serving_ends_when_the_server_is_closed() -> None:
    async def main() -> None:
        server = await start_server(echo, "/unix/a.sock")
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError):
            await server.serve_forever()
        assert await is_echoed(*await open_connection(server.address)), "it still serves"
        server.close()
        assert os.listdir() == []
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(RuntimeError, match="is closed"):
            await server.serve_forever()

    run(main())


def test_serving_that_is_cancelled_as_it_begins_is_closed() -> None:
    async def main() -> None:
        for steps in range(1, 5):
            server = await start_server(echo, "/unix/a.sock")
            await check_cancelled(server.serve_forever(), steps)
            assert os.listdir() == []
            assert server.sockets == ()

    run(main())


def test_what_was_accepted_just_now_is_handed_over_or_ended() -> None:
    """Else asyncio forgets the socket, which stays open until it is collected."""

    async def main() -> None:
        for turns in range(6):
            server = await start_server(echo, "/ip4/127.0.0.1/tcp/0")
            with connect(server.address, timeout=SOON) as sock:
                sock.setblocking(False)
                for _ in range(turns):
                    await asyncio.sleep(0)
                await server.aclose()
                assert server.sockets == ()
                loop = asyncio.get_running_loop()
                with suppress(OSError):
                    await loop.sock_sendall(sock, b"?")
                    answers.append(await loop.sock_recv(sock, 1))

    logged: list[str] = []
    answers: list[bytes] = []

    async def logging() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context["message"]))
        await main()

    run(logging())
    assert logged == []
    assert b"?" in answers


def test_a_file_is_removed_while_the_socket_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else another server could have taken the path over, with a file of the same number."""

    async def main() -> None:
        server = await start_server(echo, "/unix/a.sock")
        unlink = os.unlink

        def look_and_unlink(path: bytes) -> None:
            listening.append(server.sockets != () and server.sockets[0].fileno() != -1)
            unlink(path)

        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", look_and_unlink)
            server.close()
        await server.wait_closed()

    listening: list[bool] = []
    run(main())
    assert listening == [True]


@pytest.mark.skipif(sys.version_info < (3, 12, 1), reason="asyncio did not wait for connections")
def test_a_closed_server_is_waited_for_until_its_connections_end() -> None:
    async def main() -> None:
        server = await start_server(echo, "/ip4/127.0.0.1/tcp/0")
        connection = await open_connection(server.address)
        connection[1].write(b"?")
        await connection[0].readexactly(1)
        server.close()
        waiting = asyncio.create_task(server.wait_closed())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        assert await is_echoed(*connection)
        await waiting

    run(main())


@pytest.mark.parametrize("address", ["/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0", "/unix/a.sock"])
def test_a_handler_knows_who_has_connected(address: str) -> None:
    async def main() -> None:
        peers: asyncio.Queue[Multiaddr] = asyncio.Queue()

        async def handle(_: StreamReader, writer: StreamWriter) -> None:
            await peers.put(peer_address(writer))
            writer.close()

        async with await start_server(handle, here(address)) as server:
            _, writer = await open_connection(server.address, timeout=SOON)
            own = Multiaddr() if "unix" in server.address else from_socket(writer.get_extra_info("socket"))
            assert await peers.get() == own
            assert peer_address(writer) == server.address
            writer.close()
            await writer.wait_closed()

    run(main())


@pytest.mark.parametrize(
    ("address", "ipv6_only"),
    [("/ip4/127.0.0.1/tcp/0", True), ("/ip6/::1/tcp/0", True), ("/ip6/::/tcp/0", False), ("/unix/a.sock", True)],
)
def test_a_handler_knows_who_had_connected_and_was_gone_at_once(address: str, ipv6_only: bool) -> None:
    async def main() -> None:
        writers: asyncio.Queue[StreamWriter] = asyncio.Queue()

        def handle(_: StreamReader, writer: StreamWriter) -> None:
            client.close()
            writers.put_nowait(writer)

        async with await start_server(handle, here(address), ipv6_only=ipv6_only) as server:
            if "unix" in address:
                client = socket.socket(socket.AF_UNIX)
                client.bind("b.sock")
                client.connect("a.sock")
                os.unlink("b.sock")
            else:
                host = "127.0.0.1" if not ipv6_only else server.address[0].value
                client = socket.create_connection((host, server.address[1].value))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # to reset it
            own = from_socket(client)
            writer = await writers.get()
            assert peer_address(writer) == own
            await closed(writer)
            assert peer_address(writer) == own

    run(main())


def test_asyncios_own_server_is_there() -> None:
    async def main() -> None:
        async with await start_server(echo, "/ip4/127.0.0.1/tcp/0") as server:
            assert isinstance(server.server, asyncio.Server)
            assert [from_socket(sock) for sock in server.server.sockets] == [server.address]

    run(main())


# TLS


@pytest.fixture(scope="module")
def certificate() -> Iterator[tuple[str, str]]:
    """A certificate for node.example and the addresses of loopback, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("the command openssl is wanted")
    with TemporaryDirectory(prefix="maddr") as name:
        paths = os.path.join(name, "certificate.pem"), os.path.join(name, "key.pem")
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=node.example",
                ),
                *("-addext", "subjectAltName=DNS:node.example,IP:127.0.0.1,IP:::1"),
                *("-out", paths[0], "-keyout", paths[1]),
            ],
            check=True,
            capture_output=True,
        )
        yield paths


@pytest.fixture
def asked_for() -> list[str | None]:
    """The names that clients asked the server for."""
    return []


@pytest.fixture
def server_tls(certificate: tuple[str, str], asked_for: list[str | None]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.sni_callback = lambda _, name, __: asked_for.append(name)
    return context


@pytest.fixture
def client_tls(certificate: tuple[str, str]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate[0])


def test_the_endpoints_host_is_the_servers_name(
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    asked_for: list[str | None],
    names: Callable[..., None],
) -> None:
    async def main() -> None:
        async with await start_server(echo, "/ip4/127.0.0.1/tcp/0/tls", ssl=server_tls) as server:
            names(server.address)
            cases: list[tuple[Multiaddr | str, dict[str, Any], str | None]] = [
                (server.address, {}, None),  # an IP address is not asked for, but checked
                ("/dns/node.example/tcp/1/tls", {}, "node.example"),
                ("/dns4/node.example/tcp/1/tls", {"server_hostname": None}, "node.example"),
                ("/dns/node.example./tcp/1", {}, "node.example"),
                ("/dns/other.example/tcp/1/tls/sni/node.example/ws", {}, "node.example"),
                (f"/dns/node.example/tcp/1/tls/p2p/{PEER}/p2p-circuit/tls/sni/other.example", {}, "node.example"),
                ("/dns/node.example/tcp/1", {"happy_eyeballs_delay": 0.1}, "node.example"),
                ("/dns/other.example/tcp/1", {"server_hostname": "node.example"}, "node.example"),
            ]
            for address, options, name in cases:
                connection = await open_connection(address, ssl=client_tls, timeout=SOON, **options)
                sock = connection[1].get_extra_info("socket")
                assert from_socket(sock, peer=True) == server.address[:2]
                assert await is_echoed(*connection)
                assert asked_for.pop() == name

    run(main())


def test_a_server_of_another_name_is_refused(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, names: Callable[..., None]
) -> None:
    async def main() -> None:
        async with await start_server(echo, "/ip4/127.0.0.1/tcp/0", ssl=server_tls) as server:
            names(server.address)
            with pytest.raises(ssl.SSLCertVerificationError) as caught:
                await open_connection("/dns/other.example/tcp/1", ssl=client_tls)
            assert caught.value.filename == str(server.address)
            assert caught.value.__notes__ == [f"at {server.address}"]  # its message has no place for it
            with pytest.raises(ssl.SSLCertVerificationError):
                await open_connection(server.address, ssl=client_tls, server_hostname="other.example")

    run(main())


def test_a_unix_socket_has_no_name_to_check(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async def main() -> None:
        async with await start_server(echo, "/unix/a.sock", ssl=server_tls) as server:
            with pytest.raises(ValueError, match="server_hostname"):
                await open_connection(server.address, ssl=client_tls)
            connection = await open_connection(server.address, ssl=client_tls, server_hostname="node.example")
            assert await is_echoed(*connection)

    run(main())


def test_a_handshake_that_does_not_end_is_given_up(client_tls: ssl.SSLContext) -> None:
    async def hang_up(_: StreamReader, writer: StreamWriter) -> None:
        await closed(writer)

    async def wait(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        await closed(writer)

    async def main() -> None:
        cases: list[tuple[Handler, dict[str, Any], type[OSError], int]] = [
            (hang_up, {}, ConnectionResetError, errno.ECONNRESET),
            (wait, {"timeout": 0.1}, TimeoutError, errno.ETIMEDOUT),
            (wait, {"ssl_handshake_timeout": 0.1}, ConnectionAbortedError, errno.ECONNABORTED),
        ]
        for handler, options, kind, number in cases:
            async with await start_server(handler, "/ip4/127.0.0.1/tcp/0") as server:
                with pytest.raises(kind) as caught:
                    await open_connection(server.address, ssl=client_tls, **options)
                check_located(caught.value, number, server.address)

    run(main())


def test_a_handshake_that_is_cancelled_ends_the_connection(client_tls: ssl.SSLContext) -> None:
    """Before TLS begins asyncio forgets a transport that is cancelled, and it stays open."""

    async def main() -> None:
        begun = ended = 0

        async def wait(reader: StreamReader, writer: StreamWriter) -> None:
            nonlocal begun, ended
            begun += 1
            with suppress(ConnectionError):
                await reader.read()
            await closed(writer)
            ended += 1

        async with await start_server(wait, "/ip4/127.0.0.1/tcp/0") as server:
            for steps in range(12):
                await check_cancelled(open_connection(server.address, ssl=client_tls), steps)
            connection = await open_connection(server.address)
            await closed(connection[1])
            while not begun or begun > ended:
                await asyncio.sleep(0.01)

    run(main())


def test_a_handshake_that_is_cancelled_leaves_nothing(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async def main() -> None:
        async with await start_server(echo, "/ip4/127.0.0.1/tcp/0", ssl=server_tls) as server:
            for steps in range(12):
                await check_cancelled(open_connection(server.address, ssl=client_tls), steps)
            assert await is_echoed(*await open_connection(server.address, ssl=client_tls))

    run(main())


# Datagrams


class Mailbox(DatagramProtocol):
    """A protocol that keeps what comes, with the sender's address."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[bytes, Multiaddr]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        family = socket.AF_INET if len(addr) == 2 else socket.AF_INET6
        self.received.put_nowait((data, from_sockaddr(family, addr, socket.SOCK_DGRAM)))


def address_of(transport: DatagramTransport, *, peer: bool = False) -> Multiaddr:
    return from_socket(transport.get_extra_info("socket"), peer=peer)


async def check_datagrams(asked: Multiaddr) -> None:
    server, at_server = await create_datagram_endpoint(Mailbox, asked)
    address = address_of(server)
    client, at_client = await create_datagram_endpoint(Mailbox, remote_addr=address)
    own = address_of(client)[:-1].encapsulate("/udp/0")
    both, at_both = await create_datagram_endpoint(Mailbox, own, address)
    try:
        for transport, mailbox in ((client, at_client), (both, at_both)):
            assert address_of(transport, peer=True) == address
            transport.sendto(b"there")
            assert await at_server.received.get() == (b"there", address_of(transport))
            server.sendto(b"and back", Endpoint.from_multiaddr(address_of(transport)).sockaddr())
            assert await mailbox.received.get() == (b"and back", address)
    finally:
        for transport in (server, client, both):
            transport.close()


@pytest.mark.parametrize("stack", DATAGRAMS)
@pytest.mark.usefixtures("localhost")
def test_both_ends_of_datagrams_agree(stack: str) -> None:
    run(check_datagrams(here(stack)))


def test_broadcasts_have_to_be_allowed() -> None:
    async def main() -> None:
        for allowed in (False, True):
            transport, _ = await create_datagram_endpoint(
                DatagramProtocol, "/ip4/127.0.0.1/udp/0", allow_broadcast=allowed
            )
            sock = transport.get_extra_info("socket")
            assert bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)) is allowed
            transport.close()

    run(main())


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="the platform has none")
def test_a_port_is_shared_where_all_say_so() -> None:
    async def main() -> None:
        first, _ = await create_datagram_endpoint(DatagramProtocol, "/ip4/127.0.0.1/udp/0", reuse_port=True)
        address = address_of(first)
        second, _ = await create_datagram_endpoint(DatagramProtocol, address, reuse_port=True)
        third, _ = await create_datagram_endpoint(DatagramProtocol, address, address, reuse_port=True)
        assert {address_of(transport) for transport in (first, second, third)} == {address}
        with pytest.raises(OSError) as caught:
            await create_datagram_endpoint(DatagramProtocol, address.encapsulate("/quic-v1"))
        check_located(caught.value, errno.EADDRINUSE, address)
        for transport in (first, second, third):
            transport.close()

    run(main())


def test_a_dual_stack_endpoint_knows_ip4_peers() -> None:
    async def main() -> None:
        server, mailbox = await create_datagram_endpoint(Mailbox, "/ip6/::/udp/0", ipv6_only=False)
        port = address_of(server)[1].value
        client, _ = await create_datagram_endpoint(Mailbox, remote_addr=f"/ip4/127.0.0.1/udp/{port}")
        client.sendto(b"?")
        assert await mailbox.received.get() == (b"?", address_of(client))
        for transport in (server, client):
            transport.close()

    here("/ip6/::/udp/0")
    run(main())


def test_the_first_address_of_a_name_that_will_do_is_taken(names: Callable[..., None]) -> None:
    async def main() -> None:
        names("/ip4/192.0.2.99/udp/0", "/ip4/127.0.0.1/udp/0")
        transport, _ = await create_datagram_endpoint(DatagramProtocol, "/dns/node.example/udp/0")
        assert address_of(transport)[0].value == "127.0.0.1"
        transport.close()
        names("/ip4/192.0.2.99/udp/0")
        with pytest.raises(OSError) as caught:
            await create_datagram_endpoint(DatagramProtocol, "/dns/node.example/udp/0")
        check_located(caught.value, errno.EADDRNOTAVAIL, Multiaddr("/ip4/192.0.2.99/udp/0"))

    run(main())


def test_a_datagram_endpoint_needs_an_address_of_udp() -> None:
    async def main() -> None:
        with pytest.raises(TypeError) as nothing:
            await create_datagram_endpoint(DatagramProtocol)
        assert str(nothing.value) == "a datagram endpoint needs a local or a remote address"
        for arguments in (("/ip4/127.0.0.1/tcp/1",), (None, "/ip4/127.0.0.1/tcp/1")):
            with pytest.raises(ConversionError) as caught:
                await create_datagram_endpoint(DatagramProtocol, *arguments)
            assert str(caught.value) == (
                "'/ip4/127.0.0.1/tcp/1': only udp has datagrams; open_connection() has streams"
            )
        with pytest.raises(ConversionError) as caught:
            await create_datagram_endpoint(DatagramProtocol, "/ip6/::1/udp/0", "/ip4/127.0.0.1/udp/1")
        assert caught.value.reason == "a socket that is bound to /ip6/::1/udp/0 cannot connect to it"

    run(main())


def test_a_protocol_that_cannot_be_made_leaves_nothing() -> None:
    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await create_datagram_endpoint(fail, "/ip4/127.0.0.1/udp/0")

    def fail() -> DatagramProtocol:
        raise ZeroDivisionError

    run(main())


# Datagrams, each waited for in turn


async def check_bound(asked: Multiaddr) -> None:
    rest = Endpoint.from_multiaddr(asked).rest
    with await bind(asked) as server, await bind(asked) as client:
        assert server.address == (from_socket(server.socket).encapsulate(rest) if rest else from_socket(server.socket))
        assert server.addresses() == [server.address] != client.addresses()
        assert server.fileno() == server.socket.fileno()
        assert repr(server) == f"<DatagramSocket {server.address}>"
        assert not server.socket.getblocking()
        waiting = asyncio.create_task(server.receive())
        await client.send(b"there", server.address)
        assert await waiting == (b"there", from_socket(client.socket))
        await server.send(bytearray(b"and back"), client.address)
        assert await client.receive(3) == (b"and", from_socket(server.socket))
        await server.send(memoryview(b""), str(from_socket(client.socket)))
        assert await client.receive() == (b"", from_socket(server.socket))
    for sock in (server, client):
        assert sock.fileno() == -1
        sock.close()
        assert sock.address.endswith(rest)
        with pytest.raises(OSError) as caught:
            await sock.send(b"?", server.address)
        check_located(caught.value, errno.EBADF, Endpoint.from_multiaddr(server.address).address)


@pytest.mark.parametrize("stack", DATAGRAMS)
@pytest.mark.usefixtures("localhost")
def test_two_bound_sockets_agree(stack: str) -> None:
    run(check_bound(here(stack)))


def test_a_bound_socket_shares_its_port_where_all_say_so() -> None:
    async def main() -> None:
        with await bind("/ip4/127.0.0.1/udp/0", reuse_port=True) as first:
            with await bind(first.address.encapsulate("/quic-v1"), reuse_port=True) as second:
                assert second.address == first.address.encapsulate("/quic-v1")
            with pytest.raises(OSError) as caught:
                await bind(first.address.encapsulate("/quic-v1"))
            check_located(caught.value, errno.EADDRINUSE, first.address)

    if not hasattr(socket, "SO_REUSEPORT"):
        pytest.skip("the platform has none")
    run(main())


def test_a_port_that_is_taken_is_refused() -> None:
    async def main() -> None:
        with await bind("/ip4/127.0.0.1/udp/0") as first:
            for reuse_port in (False, hasattr(socket, "SO_REUSEPORT")):  # the first one has not said so
                with pytest.raises(OSError) as caught:
                    await bind(first.address, reuse_port=reuse_port)
                check_located(caught.value, errno.EADDRINUSE, first.address)

    run(main())


def test_a_dual_stack_socket_hears_and_answers_ip4_peers() -> None:
    async def main() -> None:
        with await bind("/ip6/::/udp/0", ipv6_only=False) as server:
            port = server.address[1].value
            for host in ("/ip4/127.0.0.1", "/ip6/::1"):
                with await bind(f"{host}/udp/0") as client:
                    await client.send(b"?", f"{host}/udp/{port}")
                    assert await server.receive() == (b"?", client.address)
                    await server.send(b"!", client.address)
                    assert await client.receive() == (b"!", Multiaddr(f"{host}/udp/{port}"))
            pytest.importorskip("ifaddr")
            hosts = [str(address[:1]) for address in server.addresses()]
            assert {"/ip4/127.0.0.1", "/ip6/::1"} <= set(hosts)

    here("/ip6/::/udp/0")
    run(main())


def test_a_socket_of_ip6_does_not_hear_ip4() -> None:
    async def main() -> None:
        with await bind("/ip6/::/udp/0") as server, await bind("/ip4/127.0.0.1/udp/0") as client:
            await client.send(b"from IPv4", f"/ip4/127.0.0.1/udp/{server.address[1].value}")
            with await bind("/ip6/::1/udp/0") as other:
                await other.send(b"from IPv6", f"/ip6/::1/udp/{server.address[1].value}")
                assert await server.receive() == (b"from IPv6", other.address)

    here("/ip6/::/udp/0")
    run(main())


def test_a_socket_is_bound_to_the_first_address_of_a_name_that_will_do(names: Callable[..., None]) -> None:
    async def main() -> None:
        names("/ip4/192.0.2.99/udp/0", "/ip4/127.0.0.1/udp/0")
        with await bind("/dns/node.example/udp/0/quic-v1") as sock:
            assert str(sock.address) == f"/ip4/127.0.0.1/udp/{sock.socket.getsockname()[1]}/quic-v1"
        names("/ip4/192.0.2.99/udp/0")
        with pytest.raises(OSError) as caught:
            await bind("/dns/node.example/udp/0")
        check_located(caught.value, errno.EADDRNOTAVAIL, Multiaddr("/ip4/192.0.2.99/udp/0"))

    run(main())


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/ip4/127.0.0.1/tcp/0", "'/ip4/127.0.0.1/tcp/0': only udp has datagrams; start_server() accepts connections"),
        ("/unix/a.sock", "'/unix/a.sock': only udp has datagrams; start_server() accepts connections"),
        ("/ip4/127.0.0.1", "'/ip4/127.0.0.1': ip4 has no port; put /tcp/PORT or /udp/PORT behind it"),
        (
            "/ip4/127.0.0.1/udp/1/p2p-circuit",
            (
                "'/ip4/127.0.0.1/udp/1/p2p-circuit': whoever listens through a relay needs the relay, not a socket; "
                "to listen at the part before it use /ip4/127.0.0.1/udp/1"
            ),
        ),
    ],
)
def test_what_no_socket_for_datagrams_can_be_bound_to_is_refused(address: str, message: str) -> None:
    async def main() -> None:
        with pytest.raises(ConversionError) as caught:
            await bind(address)
        assert str(caught.value) == message

    run(main())


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("/dns4/localhost/udp/1", "localhost is a name"),
        ("/ip6/::1/udp/1", "a socket of another family cannot use it"),
        ("/ip4/127.0.0.1/tcp/1", "only udp has datagrams"),
        ("/ip4/127.0.0.1/udp/0", "port 0 is for listening, at any port that is free"),
    ],
)
def test_what_no_datagram_can_be_sent_to_is_refused(address: str, reason: str) -> None:
    async def main() -> None:
        with await bind("/ip4/127.0.0.1/udp/0") as sock:
            with pytest.raises(ConversionError) as caught:
                await sock.send(b"?", address)
            assert (caught.value.source, caught.value.reason) == (address, reason)
            if "tcp" in address:
                assert str(caught.value).endswith("; open_connection() has streams")

    run(main())


def test_a_datagram_that_is_too_long_says_where_to() -> None:
    async def main() -> None:
        with await bind("/ip4/127.0.0.1/udp/0") as sock:
            with pytest.raises(OSError) as caught:
                await sock.send(bytes(70_000), sock.address.encapsulate("/quic-v1"))
            check_located(caught.value, errno.EMSGSIZE, sock.address)
            await sock.send(b"short", sock.address)
            assert await sock.receive() == (b"short", sock.address)

    run(main())


def test_to_wait_for_a_datagram_can_be_cancelled_at_any_time() -> None:
    async def main() -> None:
        with await bind("/ip4/127.0.0.1/udp/0") as sock:
            for steps in range(6):
                task = asyncio.create_task(sock.receive())
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(sock.receive(), 0.01)
                await sock.send(bytes([steps]), sock.address)
                assert await sock.receive() == (bytes([steps]), sock.address)
        with await bind("/ip4/127.0.0.1/udp/0") as another:  # which has the number of the one that was closed
            await another.send(b"?", another.address)
            assert await another.receive() == (b"?", another.address)

    run(main())


def test_several_may_wait_for_datagrams_of_one_socket() -> None:
    async def main() -> None:
        with await bind("/ip4/127.0.0.1/udp/0") as sock:
            for cancelled in range(4):
                tasks = [asyncio.create_task(sock.receive()) for _ in range(4)]
                await steps_of_the_loop()
                tasks.pop(cancelled).cancel()
                for payload in (b"1", b"2", b"3"):
                    await sock.send(payload, sock.address)
                received = await asyncio.gather(*tasks)
                assert received == [(b"1", sock.address), (b"2", sock.address), (b"3", sock.address)]

    run(main())


def test_several_may_send_where_the_network_is_slower() -> None:
    async def main() -> None:
        slow = SlowSocket()
        with DatagramSocket(slow) as sock:
            for cancelled in range(4):
                slow.is_full = True
                tasks = [asyncio.create_task(sock.send(bytes([number]), sock.address)) for number in range(4)]
                await steps_of_the_loop()
                assert not any(task.done() for task in tasks)
                tasks.pop(cancelled).cancel()
                await steps_of_the_loop()
                slow.is_full = False
                await asyncio.gather(*tasks)
                received = [(await sock.receive())[0] for _ in tasks]
                assert received == [bytes([number]) for number in range(4) if number != cancelled]

    run(main(), loop_factory=asyncio.SelectorEventLoop)  # the proactor of Windows does not ask the socket


class SlowSocket(socket.socket):
    """A socket of loopback with a buffer that is full for as long as is said."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_DGRAM)
        self.is_full = False
        self.bind(("127.0.0.1", 0))
        self.setblocking(False)

    def sendto(self, *arguments: Any) -> int:
        if self.is_full:
            raise BlockingIOError
        return super().sendto(*arguments)


async def steps_of_the_loop() -> None:
    """Let tasks come to where they wait."""
    for _ in range(9):
        await asyncio.sleep(0)


def test_others_have_their_turn_where_datagrams_come_faster_than_they_are_dealt_with() -> None:
    async def main() -> None:
        async def take_turns() -> None:
            while len(turns) < 2 * FLOOD:
                turns.append(len(received))
                await asyncio.sleep(0)

        turns: list[int] = []
        received: list[bytes] = []
        with await bind("/ip4/127.0.0.1/udp/0") as sock:
            for number in range(FLOOD):
                await sock.send(bytes([number]), sock.address)
            task = asyncio.create_task(take_turns())
            for _ in range(FLOOD):
                payload, _ = await sock.receive()
                received.append(payload)
            task.cancel()
        assert received == [bytes([number]) for number in range(FLOOD)]
        assert turns[:FLOOD] == list(range(FLOOD))  # one after each datagram

    run(main())


FLOOD = 64
"""Datagrams, as many as wait in any system's buffer."""


def test_a_datagram_that_reached_nobody_is_an_error_and_no_datagram() -> None:
    """On Windows, that is; a socket for several peers hears nothing of it elsewhere."""

    async def main() -> None:
        with await bind("/ip4/127.0.0.1/udp/0") as sock:
            with pytest.raises(ConnectionResetError) as caught:
                await sock.receive()
            assert caught.value.errno == errno.ECONNRESET
            await sock.send(b"?", sock.address)
            assert await sock.receive() == (b"?", sock.address)

    run(main(), loop_factory=LoopAsOfWindows)


class LoopAsOfWindows(asyncio.SelectorEventLoop):
    """A loop that says of a datagram which reached nobody what the proactor says, once."""

    _is_told = False

    async def sock_recvfrom(self, sock: socket.socket, bufsize: int) -> tuple[bytes, Any]:
        if self._is_told:
            return await super().sock_recvfrom(sock, bufsize)
        self._is_told = True
        return b"", None


def test_a_socket_that_is_made_elsewhere_can_be_taken_over() -> None:
    async def main() -> None:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        with DatagramSocket(made, Multiaddr("/quic-v1")) as sock:
            assert str(sock.address) == f"/ip4/127.0.0.1/udp/{made.getsockname()[1]}/quic-v1"
            await sock.send(b"?", sock.address)
            assert await sock.receive() == (b"?", from_socket(made))

    run(main())


# Nothing is left


async def do_everything() -> None:
    for stack in ("/ip4/127.0.0.1/tcp/0", "/unix/a.sock"):
        await check_streams(Multiaddr(stack))
    await check_datagrams(Multiaddr("/ip4/127.0.0.1/udp/0"))
    await check_bound(Multiaddr("/ip4/127.0.0.1/udp/0"))
    async with await start_server(echo, "/unix/a.sock") as server:
        tls = ssl.create_default_context()
        with refusing() as address:
            for attempt in (
                start_server(echo, server.address),
                start_server(echo, "/unix/none%2Fa.sock"),
                start_server(echo, "/ip4/192.0.2.99/tcp/0"),
                open_connection(address),
                open_connection(address, timeout=SOON),
                open_connection("/unix/none"),
                open_connection("/dns/node.example/tcp/1"),
                open_connection("/dns/node.example/tcp/1", happy_eyeballs_delay=0.1),
                open_connection("/ip6/fe80::1/tcp/1"),
                open_connection(server.address, ssl=tls),
                open_connection(server.address, ssl=tls, server_hostname="node.example", timeout=0.05),
                create_datagram_endpoint(DatagramProtocol, "/ip4/192.0.2.99/udp/0"),
                bind("/ip4/192.0.2.99/udp/0"),
                bind("/dns/node.example/udp/0"),
                bind(server.address),
            ):
                try:
                    await attempt
                except (OSError, ValueError):
                    continue
                raise AssertionError("it should have failed")
        for steps in range(8):
            await check_cancelled(open_connection(server.address), steps)
            await check_cancelled(start_server(echo, "/unix/b.sock"), steps)
            await check_cancelled(create_datagram_endpoint(DatagramProtocol, "/ip4/127.0.0.1/udp/0"), steps)
            await check_cancelled(bind("/ip4/127.0.0.1/udp/0"), steps)
            with await bind("/ip4/127.0.0.1/udp/0") as bound:
                await check_cancelled(bound.receive(), steps)


def everything() -> None:
    """Do all that there is, with and without failures, where each warning is an error."""
    pytest.MonkeyPatch().setattr(socket, "getaddrinfo", know_nothing)
    with TemporaryDirectory(prefix="maddr") as name:
        os.chdir(name)
        run(do_everything())
        assert os.listdir() == []
        os.chdir("/")


def test_nothing_is_left_open() -> None:
    run_apart(everything)
