"""Streams, listeners and datagrams of AnyIO by addresses, on asyncio and on Trio: real sockets of the loopback."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
import trio.abc
import trio.socket
import trio.testing
from anyio import TypedAttributeProvider
from anyio.abc import ConnectedUDPSocket, SocketAttribute, SocketStream, UNIXSocketStream
from anyio.streams.stapled import MultiListener

from multiaddr_py import ConversionError, Multiaddr, ParseError
from multiaddr_py.net import Endpoint, from_sockaddr, from_socket
from multiaddr_py.net.anyio import StreamListener, connect_stream, create_listener, create_udp, resolve

T = TypeVar("T")
Main = Callable[[], Awaitable[T]]

needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this platform has no Unix sockets")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux does so")
needs_reuse_port = pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this platform has no reuse_port")


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory whose path is short enough for a socket's, which pytest's own may not be."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def run(backend: str, main: Main[T]) -> T:
    async def in_time() -> T:
        with anyio.fail_after(30):
            return await main()

    return anyio.run(in_time, backend=backend)


def unix(path: Path | str) -> Multiaddr:
    return Multiaddr(f"/unix/{str(path).replace('/', '%2F')}")


def own(stream: TypedAttributeProvider) -> Multiaddr:
    return from_socket(stream.extra(SocketAttribute.raw_socket))


def peer(stream: TypedAttributeProvider) -> Multiaddr:
    return from_socket(stream.extra(SocketAttribute.raw_socket), peer=True)


@asynccontextmanager
async def connected(listener: StreamListener) -> AsyncIterator[tuple[SocketStream, SocketStream]]:
    """Both ends of a connection to a listener, first the one that dialled."""
    async with await connect_stream(listener.address) as dialled, await listener.accept() as accepted:
        yield dialled, accepted


async def exchange(one: SocketStream, other: SocketStream) -> None:
    await one.send(b"ping")
    assert await other.receive() == b"ping"
    await other.send(b"pong")
    assert await one.receive() == b"pong"


@contextmanager
def silent(family: int = socket.AF_INET, sockaddr: tuple[str, int] | str = ("127.0.0.1", 0)) -> Iterator[socket.socket]:
    """A socket that listens and whose queue is full: connections to it stay half open."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.bind(sockaddr)
        listener.listen(0)
        for _ in range(3):
            sock = stack.enter_context(socket.socket(family))
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener


@contextmanager
def deaf() -> Iterator[int]:
    """A port that nobody listens on, of IPv4 and IPv6, and that nobody else gets."""
    with socket.socket(socket.AF_INET6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, False)
        sock.bind(("::", 0))
        yield sock.getsockname()[1]


class Resolver(trio.abc.HostnameResolver):
    """One for Trio, that finds the same for every name."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts

    async def getaddrinfo(self, host: object, port: object, *rest: object, **options: object) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (found, port)) for found in self.hosts]

    async def getnameinfo(self, sockaddr: object, flags: int) -> tuple[str, str]:
        raise NotImplementedError


def run_with_clock_that_jumps(main: Main[T]) -> T:
    """Run on Trio; when nothing happens its clock goes on to what is waited for."""
    return anyio.run(main, backend="trio", backend_options={"clock": trio.testing.MockClock(autojump_threshold=0.1)})


def resolver(monkeypatch: pytest.MonkeyPatch, find: Callable[[], list[str]]) -> None:
    """Let the system's resolver find this for any name: no server has names with addresses as the tests need them."""
    system = socket.getaddrinfo

    def getaddrinfo(host: bytes, port: int, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0) -> object:
        if flags & socket.AI_NUMERICHOST:  # Trio looks first whether it is an IP address
            return system(host, port, family, kind, proto, flags)
        return [one for found in find() for one in system(found, port, 0, kind, proto, flags)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


class TestStreams:
    @pytest.mark.parametrize("address", ["/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0", "/dns4/localhost/tcp/0"])
    def test_the_two_ends_of_a_connection_agree_on_its_addresses(self, backend: str, address: str) -> None:
        async def main() -> None:
            async with await create_listener(address) as listener:
                port = listener.address.value_for_protocol("tcp")
                assert port != "0"
                at = Multiaddr(address.replace("/tcp/0", f"/tcp/{port}"))
                async with await connect_stream(at) as dialled, await listener.accept() as accepted:
                    assert peer(dialled) == own(accepted) == listener.address
                    assert peer(accepted) == own(dialled)
                    await exchange(dialled, accepted)

        run(backend, main)

    @needs_unix
    @pytest.mark.parametrize("place", ["file", pytest.param("abstract", marks=needs_linux)])
    def test_a_unix_socket_is_served_and_dialled_by_its_path(self, backend: str, place: str, directory: Path) -> None:
        address = unix(directory / "a.sock") if place == "file" else Multiaddr(f"/unix/%00{uuid.uuid4()}")

        async def main() -> None:
            async with await create_listener(address) as listener, connected(listener) as (dialled, accepted):
                assert isinstance(dialled, UNIXSocketStream)
                assert peer(dialled) == own(accepted) == listener.address == address
                with pytest.raises(ConversionError, match="an unnamed Unix socket has no address"):
                    peer(accepted)
                await exchange(dialled, accepted)

        run(backend, main)

    def test_what_follows_the_endpoint_is_left_to_the_caller(self, backend: str) -> None:
        async def main() -> None:
            async with await create_listener("/ip4/127.0.0.1/tcp/0/tls/ws") as listener:
                assert listener.address[2:] == Multiaddr("/tls/ws")
                assert listener.address[:2] == own(listener)
                assert repr(listener) == f"<StreamListener {listener.address}>"
                async with connected(listener) as ends:
                    await exchange(*ends)

        run(backend, main)

    def test_neither_end_of_tcp_waits_for_more_to_send(self, backend: str) -> None:
        async def main() -> None:
            async with await create_listener("/ip4/127.0.0.1/tcp/0") as listener, connected(listener) as ends:
                for stream in ends:
                    sock = stream.extra(SocketAttribute.raw_socket)
                    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

        run(backend, main)

    def test_names_are_looked_up(self, backend: str) -> None:
        async def main() -> None:
            local = Endpoint.from_multiaddr("/ip4/127.0.0.1/tcp/80/ws")
            assert await resolve("/dns4/localhost/tcp/80/ws") == (local,)
            assert await resolve("/ip4/127.0.0.1/tcp/80/ws") == (local,)

        run(backend, main)

    def test_the_addresses_of_a_name_are_tried_in_turn(self, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
        resolver(monkeypatch, lambda: ["::1", "127.0.0.1"])

        async def main() -> None:
            async with await create_listener("/ip4/127.0.0.1/tcp/0") as listener:
                at = Multiaddr("/dns/two.test").encapsulate(listener.address[1:])
                async with await connect_stream(at) as stream:
                    assert peer(stream) == listener.address

        run(backend, main)

    def test_only_addresses_of_the_local_one_s_family_are_tried(
        self, backend: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolver(monkeypatch, lambda: ["::1", "127.0.0.1"])

        async def main() -> None:
            with deaf() as port, pytest.raises(ConnectionRefusedError) as caught:
                await connect_stream(f"/dns/two.test/tcp/{port}", local_addr="/ip4/127.0.0.1/tcp/0")
            assert caught.value.filename == f"/ip4/127.0.0.1/tcp/{port}"
            assert not hasattr(caught.value, "__notes__")

        run(backend, main)

    @needs_linux  # elsewhere one address of the loopback is all that there is
    def test_a_stream_is_bound_to_the_local_address(self, backend: str) -> None:
        async def main() -> None:
            async with (
                await create_listener("/ip4/127.0.0.1/tcp/0") as listener,
                await connect_stream(listener.address, local_addr="/ip4/127.0.0.2/tcp/0") as dialled,
                await listener.accept() as accepted,
            ):
                assert peer(accepted) == own(dialled)
                assert own(dialled)[:1] == Multiaddr("/ip4/127.0.0.2")

        run(backend, main)


class TestFailures:
    def test_a_refused_connection_says_where(self, backend: str) -> None:
        async def main() -> None:
            with deaf() as port:
                for host in ("/ip4/127.0.0.1", "/ip6/::1"):
                    with pytest.raises(ConnectionRefusedError) as caught:
                        await connect_stream(f"{host}/tcp/{port}/ws")
                    assert caught.value.filename == f"{host}/tcp/{port}"
                    assert caught.value.errno == errno.ECONNREFUSED

        run(backend, main)

    @needs_unix
    def test_a_unix_socket_that_is_not_there_says_where(self, backend: str, directory: Path) -> None:
        address = unix(directory / "a.sock")

        async def main() -> None:
            with pytest.raises(FileNotFoundError) as caught:
                await connect_stream(address / "http")
            assert caught.value.filename == str(address)

        run(backend, main)

    def test_of_several_addresses_the_first_is_what_fails_and_the_others_are_notes(
        self, backend: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolver(monkeypatch, lambda: ["::1", "127.0.0.1"])

        async def main() -> None:
            with deaf() as port, pytest.raises(ConnectionRefusedError) as caught:
                await connect_stream(f"/dns/two.test/tcp/{port}")
            assert caught.value.filename == f"/ip6/::1/tcp/{port}"
            (note,) = caught.value.__notes__
            assert note.startswith("also ")
            assert note.endswith(f"'/ip4/127.0.0.1/tcp/{port}'")

        run(backend, main)

    @pytest.mark.parametrize(
        ("function", "address"),
        [
            (connect_stream, "/dns4/nowhere.invalid/tcp/80"),
            (create_listener, "/dns4/nowhere.invalid/tcp/80"),
            (create_udp, "/dns4/nowhere.invalid/udp/80"),
            (partial(create_udp, None), "/dns4/nowhere.invalid/udp/80"),
            (resolve, "/dns4/nowhere.invalid/tcp/80"),
        ],
    )
    def test_a_name_that_nobody_has_says_which(
        self, backend: str, function: Callable[[str], Awaitable[object]], address: str
    ) -> None:
        async def main() -> None:
            with pytest.raises(socket.gaierror) as caught:
                await function(f"{address}/ws" if "tcp" in address else address)
            assert caught.value.filename == address

        run(backend, main)

    @pytest.mark.parametrize("address", ["/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0"])
    def test_a_port_that_is_taken_says_where(self, backend: str, address: str) -> None:
        async def main() -> None:
            async with await create_listener(address) as listener:
                with pytest.raises(OSError, match=str(listener.address)) as caught:
                    await create_listener(listener.address / "ws")
                assert (caught.value.errno, caught.value.filename) == (errno.EADDRINUSE, str(listener.address))

            async with await create_udp(address.replace("tcp", "udp")) as udp:
                with pytest.raises(OSError, match=str(own(udp))) as caught:
                    await create_udp(own(udp))
                assert (caught.value.errno, caught.value.filename) == (errno.EADDRINUSE, str(own(udp)))

        run(backend, main)

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (
                partial(connect_stream, "/ip4/127.0.0.1/udp/1"),
                ConversionError,
                "'/ip4/127.0.0.1/udp/1': AnyIO has streams of tcp and unix only; create_udp() has datagrams",
            ),
            (
                partial(create_listener, "/ip4/127.0.0.1/udp/1"),
                ConversionError,
                "'/ip4/127.0.0.1/udp/1': AnyIO has streams of tcp and unix only; create_udp() has datagrams",
            ),
            (
                partial(create_listener, "/ip4/127.0.0.1/sctp/1"),
                ConversionError,
                "'/ip4/127.0.0.1/sctp/1': AnyIO has streams of tcp and unix only; create_udp() has datagrams",
            ),
            (
                partial(create_udp, "/ip4/127.0.0.1/tcp/1"),
                ConversionError,
                "'/ip4/127.0.0.1/tcp/1': only udp has datagrams; connect_stream() has streams",
            ),
            (
                partial(create_udp, None, "/ip4/127.0.0.1/tcp/1"),
                ConversionError,
                "'/ip4/127.0.0.1/tcp/1': only udp has datagrams; connect_stream() has streams",
            ),
            (
                partial(connect_stream, "/ip4/127.0.0.1/tcp/1", local_addr="/ip4/127.0.0.1/udp/0"),
                ConversionError,
                "'/ip4/127.0.0.1/udp/0': a socket that connects to /ip4/127.0.0.1/tcp/1 cannot be bound to it",
            ),
            (
                partial(connect_stream, "/ip4/127.0.0.1/tcp/1", local_addr="/ip6/::1/tcp/0"),
                ConversionError,
                "'/ip4/127.0.0.1/tcp/1': a socket that is bound to /ip6/::1/tcp/0 cannot connect to it",
            ),
            (
                partial(create_udp, "/ip6/::1/udp/0", "/ip4/127.0.0.1/udp/1"),
                ConversionError,
                "'/ip4/127.0.0.1/udp/1': a socket that is bound to /ip6/::1/udp/0 cannot connect to it",
            ),
            (
                partial(connect_stream, "/ip6/fe80::1/tcp/1"),
                ConversionError,
                "'/ip6/fe80::1/tcp/1': a link-local address needs a zone; put /ip6zone/INTERFACE in front",
            ),
            (
                partial(resolve, "/ip4/127.0.0.1"),
                ConversionError,
                "'/ip4/127.0.0.1': ip4 has no port; put /tcp/PORT or /udp/PORT behind it",
            ),
            (
                partial(connect_stream, "127.0.0.1:80"),
                ParseError,
                "'127.0.0.1:80': an address begins with / (at character 0); write it as in /ip4/127.0.0.1/tcp/80",
            ),
            (
                partial(connect_stream, "/ip4/127.0.0.1/tcp/1", timeout=0),
                ValueError,
                "a timeout is a number of seconds over 0 or None, not 0",
            ),
            (
                partial(create_listener, "/ip4/127.0.0.1/tcp/0", mode=0o600),
                ValueError,
                "only the file of a Unix socket has permissions",
            ),
            (create_udp, TypeError, "a UDP socket needs a local or a remote address"),
        ],
    )
    def test_what_cannot_be_says_which_rule_it_breaks(
        self, backend: str, call: Callable[[], Awaitable[object]], error: type[Exception], message: str
    ) -> None:
        async def main() -> None:
            with pytest.raises(error) as caught:
                await call()
            assert str(caught.value) == message
            assert type(caught.value) is error

        run(backend, main)

    def test_a_missing_extra_says_what_to_install(self) -> None:
        program = "import sys; sys.modules['anyio'] = None; import multiaddr_py.net.anyio"
        found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        last = found.stderr.splitlines()[-1]
        assert last == "ModuleNotFoundError: AnyIO is needed, as the extra anyio has it: pip install anyio"


class TestTime:
    def test_a_silent_server_is_waited_for_so_long_and_no_longer(self, backend: str) -> None:
        async def main() -> None:
            with silent() as listener:
                address = from_socket(listener)
                begun = anyio.current_time()
                with pytest.raises(TimeoutError) as caught:
                    await connect_stream(address / "ws", timeout=0.2)
                assert anyio.current_time() - begun >= 0.19  # clocks are not that exact
            assert (caught.value.errno, caught.value.filename) == (errno.ETIMEDOUT, str(address))

        run(backend, main)

    @needs_linux  # elsewhere it refuses
    def test_a_unix_socket_whose_queue_is_full_is_waited_for(self, backend: str, directory: Path) -> None:
        path = directory / "a.sock"

        async def main() -> None:
            with silent(socket.AF_UNIX, str(path)) as listener:
                with pytest.raises(TimeoutError) as caught:
                    await connect_stream(unix(path), timeout=0.2)
                assert (caught.value.errno, caught.value.filename) == (errno.ETIMEDOUT, str(unix(path)))

                async with anyio.create_task_group() as tasks:

                    async def accept_soon() -> None:
                        await anyio.sleep(0.1)
                        listener.accept()[0].close()

                    tasks.start_soon(accept_soon)
                    async with await connect_stream(unix(path)) as stream:
                        assert peer(stream) == unix(path)

        run(backend, main)

    def test_a_slow_resolver_is_waited_for_no_longer(self, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
        over = threading.Event()

        def find() -> list[str]:
            over.wait(30)
            return ["127.0.0.1"]

        resolver(monkeypatch, find)

        async def main() -> None:
            try:
                with pytest.raises(TimeoutError) as caught:
                    await connect_stream("/dns/slow.test/tcp/80/ws", timeout=0.2)
                assert (caught.value.errno, caught.value.filename) == (errno.ETIMEDOUT, "/dns/slow.test/tcp/80")
            finally:
                over.set()

        run(backend, main)

    @needs_linux  # elsewhere one address of the loopback is all that there is
    def test_the_time_is_shared_by_the_addresses_of_a_name(self) -> None:
        """On Trio, whose clock can jump, and whose resolver can be another."""

        async def main() -> None:
            trio.socket.set_custom_hostname_resolver(Resolver("127.0.0.1", "127.0.0.2", "127.0.0.3"))
            with silent(socket.AF_INET, ("0.0.0.0", 0)) as listener:
                port = listener.getsockname()[1]
                begun = trio.current_time()
                with pytest.raises(TimeoutError) as caught:
                    await connect_stream(f"/dns4/three.test/tcp/{port}", timeout=3600)
                assert trio.current_time() - begun == pytest.approx(3600, abs=10)
                assert caught.value.filename == f"/ip4/127.0.0.1/tcp/{port}"
                others = [f"'/ip4/127.0.0.{number}/tcp/{port}'" for number in (2, 3)]
                assert [note.rpartition(" ")[2] for note in caught.value.__notes__] == others

        run_with_clock_that_jumps(main)

    @needs_linux  # as above
    def test_a_silent_address_leaves_time_for_the_next(self) -> None:
        async def main() -> None:
            trio.socket.set_custom_hostname_resolver(Resolver("127.0.0.1", "127.0.0.2"))
            with silent() as listener:
                port = listener.getsockname()[1]
                begun = trio.current_time()
                async with (
                    await create_listener(f"/ip4/127.0.0.2/tcp/{port}") as live,
                    await connect_stream(f"/dns4/two.test/tcp/{port}", timeout=3600) as stream,
                ):
                    assert peer(stream) == live.address
                    assert trio.current_time() - begun == pytest.approx(1800, abs=10)

        run_with_clock_that_jumps(main)


class TestCancellation:
    @pytest.mark.parametrize(
        "call",
        [
            partial(connect_stream, "/ip4/127.0.0.1/tcp/1"),
            partial(create_listener, "/ip4/127.0.0.1/tcp/0"),
            partial(create_udp, "/ip4/127.0.0.1/udp/0"),
            partial(create_udp, None, "/ip4/127.0.0.1/udp/1"),
            partial(resolve, "/ip4/127.0.0.1/tcp/1"),
        ],
    )
    def test_a_cancelled_scope_is_noticed(self, backend: str, call: Callable[[], Awaitable[object]]) -> None:
        async def main() -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await call()
            assert scope.cancelled_caught

        run(backend, main)

    @needs_unix
    def test_a_listener_that_is_cancelled_while_it_closes_is_closed(self, backend: str, directory: Path) -> None:
        async def main() -> None:
            path = directory / "a.sock"
            for address in (unix(path), Multiaddr("/ip4/127.0.0.1/tcp/0")):
                listener = await create_listener(address)
                sock = listener.extra(SocketAttribute.raw_socket)
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await listener.aclose()
                assert sock.fileno() == -1
            assert not path.exists()

        run(backend, main)

    def test_a_listener_that_is_cancelled_while_it_closes_under_a_server_is_closed(self, backend: str) -> None:
        async def main() -> None:
            listener = await create_listener("/ip4/127.0.0.1/tcp/0")
            sock = listener.extra(SocketAttribute.raw_socket)

            async def serve() -> None:
                with pytest.raises(anyio.ClosedResourceError):
                    await listener.accept()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(serve)
                await anyio.wait_all_tasks_blocked()
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await listener.aclose()
            assert sock.fileno() == -1

        run(backend, main)

    @needs_linux  # its queues are filled, and its table of open files is read
    def test_what_is_cancelled_half_way_leaves_nothing_open(self, backend: str, directory: Path) -> None:
        path = directory / "a.sock"

        async def main() -> None:
            with silent() as listener, silent(socket.AF_UNIX, str(path)):
                for address in (from_socket(listener), unix(path)):
                    before = os.listdir("/proc/self/fd")
                    with anyio.move_on_after(0.1) as scope:
                        await connect_stream(address, timeout=60)
                    assert scope.cancelled_caught
                    assert os.listdir("/proc/self/fd") == before

        run(backend, main)


class TestListener:
    def test_each_connection_has_a_task_of_its_own(self, backend: str) -> None:
        """In the group that it is given, where the tasks go on without the listener."""

        async def echo(stream: SocketStream) -> None:
            async with stream:
                async for chunk in stream:
                    await stream.send(chunk)

        async def main() -> None:
            streams: list[SocketStream] = []
            async with (
                await create_listener("/ip4/127.0.0.1/tcp/0") as listener,
                anyio.create_task_group() as handling,
                AsyncExitStack() as stack,
            ):
                async with anyio.create_task_group() as serving:
                    serving.start_soon(listener.serve, echo, handling)
                    for _ in range(3):
                        stream = await stack.enter_async_context(await connect_stream(listener.address))
                        streams.append(stream)
                        await stream.send(b"ping")
                        assert await stream.receive() == b"ping"
                    serving.cancel_scope.cancel()
                for number, stream in enumerate(streams):
                    await stream.send(str(number).encode())
                for number, stream in reversed(list(enumerate(streams))):
                    assert await stream.receive() == str(number).encode()

        run(backend, main)

    def test_it_stands_beside_other_listeners(self, backend: str) -> None:
        async def say_where(stream: SocketStream) -> None:
            async with stream:
                await stream.send(str(own(stream)).encode())

        async def main() -> None:
            one, other = await create_listener("/ip4/127.0.0.1/tcp/0"), await create_listener("/ip6/::1/tcp/0")
            async with MultiListener([one, other]) as both, anyio.create_task_group() as tasks:
                tasks.start_soon(both.serve, say_where)
                for address in (one.address, other.address):
                    async with await connect_stream(address) as stream:
                        assert await stream.receive() == str(address).encode()
                tasks.cancel_scope.cancel()

        run(backend, main)

    def test_connections_outlive_it(self, backend: str) -> None:
        async def main() -> None:
            listener = await create_listener("/ip4/127.0.0.1/tcp/0")
            async with connected(listener) as ends:
                await listener.aclose()
                await listener.aclose()
                await exchange(*ends)
                with pytest.raises(ConnectionRefusedError):
                    await connect_stream(listener.address)
                with pytest.raises(anyio.ClosedResourceError):
                    await listener.accept()

        run(backend, main)

    @pytest.mark.parametrize("host", ["/ip4/0.0.0.0", "/ip6/::"])
    def test_where_it_listens_everywhere_it_has_an_address_of_each_interface(self, backend: str, host: str) -> None:
        async def main() -> None:
            loopback = {"/ip4/0.0.0.0": "/ip4/127.0.0.1", "/ip6/::": "/ip6/::1"}[host]
            async with await create_listener(f"{host}/tcp/0/ws") as listener:
                assert Multiaddr(loopback).encapsulate(listener.address[1:]) in listener.addresses()
                assert listener.address not in listener.addresses()

        run(backend, main)

    def test_ipv6_hears_ipv4_only_if_that_is_asked_for(self, backend: str) -> None:
        async def main() -> None:
            async with await create_listener("/ip6/::/tcp/0", ipv6_only=False) as listener:
                at = Multiaddr("/ip4/127.0.0.1").encapsulate(listener.address[1:])
                async with await connect_stream(at) as dialled, await listener.accept() as accepted:
                    assert peer(accepted) == own(dialled)
                    assert own(accepted) == at
            async with await create_listener("/ip6/::1/tcp/0") as listener:
                sock = listener.extra(SocketAttribute.raw_socket)
                assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)

        run(backend, main)

    @needs_reuse_port
    def test_others_listen_at_the_same_if_that_is_asked_for(self, backend: str) -> None:
        async def main() -> None:
            async with (
                await create_listener("/ip4/127.0.0.1/tcp/0", reuse_port=True) as one,
                await create_listener(one.address, reuse_port=True) as other,
            ):
                assert one.address == other.address

        run(backend, main)

    @needs_linux  # whose queue has one place more than is asked for
    def test_no_more_connections_wait_than_were_asked_for(self, backend: str, directory: Path) -> None:
        async def main() -> None:
            async with (
                await create_listener(unix(directory / "a.sock"), backlog=1) as listener,
                await connect_stream(listener.address),
                await connect_stream(listener.address),
            ):
                with pytest.raises(TimeoutError):
                    await connect_stream(listener.address, timeout=0.1)

        run(backend, main)

    @needs_unix
    def test_a_file_has_the_permissions_that_were_asked_for_and_goes_with_its_listener(
        self, backend: str, directory: Path
    ) -> None:
        path = directory / "a.sock"

        async def main() -> None:
            async with await create_listener(unix(path), mode=0o600) as listener:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                with pytest.raises(OSError, match=r"a\.sock") as caught:
                    await create_listener(unix(path))
                assert (caught.value.errno, caught.value.filename) == (errno.EADDRINUSE, str(listener.address))
            assert not path.exists()

        run(backend, main)

    @needs_unix
    def test_a_file_that_is_another_server_s_by_now_stays(self, backend: str, directory: Path) -> None:
        path = directory / "a.sock"

        async def main() -> None:
            old = await create_listener(unix(path))
            path.rename(directory / "b.sock")
            async with await create_listener(unix(path)) as new:
                await old.aclose()
                async with connected(new) as ends:
                    await exchange(*ends)

        run(backend, main)

    @needs_unix
    def test_a_file_that_nobody_listens_on_is_replaced(self, backend: str, directory: Path) -> None:
        path = directory / "a.sock"
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))

        async def main() -> None:
            async with await create_listener(unix(path)) as listener, connected(listener) as ends:
                await exchange(*ends)

        run(backend, main)


class TestUDP:
    @pytest.mark.parametrize("address", ["/ip4/127.0.0.1/udp/0", "/ip6/::1/udp/0", "/dns4/localhost/udp/0"])
    def test_bound_and_connected_sockets_hear_each_other(self, backend: str, address: str) -> None:
        async def main() -> None:
            async with (
                await create_udp(address) as bound,
                await create_udp(remote_addr=own(bound) / "quic-v1") as other,
                await create_udp(Multiaddr(address.replace("dns4/localhost", "ip4/127.0.0.1")), own(bound)) as third,
            ):
                family = bound.extra(SocketAttribute.family)
                for connected in (other, third):
                    assert isinstance(connected, ConnectedUDPSocket)
                    assert peer(connected) == own(bound)
                    await connected.send(b"ping")
                    payload, sender = await bound.receive()
                    assert payload == b"ping"
                    assert from_sockaddr(family, sender, socket.SOCK_DGRAM) == own(connected)
                    await bound.send((b"pong", sender))
                    assert await connected.receive() == b"pong"

        run(backend, main)

    def test_the_addresses_of_a_name_are_tried_in_turn(self, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
        resolver(monkeypatch, lambda: ["192.0.2.1", "127.0.0.1"])  # the former is of no interface

        async def main() -> None:
            async with await create_udp("/dns/two.test/udp/0") as udp:
                assert own(udp)[:1] == Multiaddr("/ip4/127.0.0.1")

        run(backend, main)

    def test_a_remote_address_that_cannot_be_sent_to_says_where(self, backend: str) -> None:
        async def main() -> None:
            with pytest.raises(PermissionError) as caught:
                await create_udp(remote_addr="/ip4/255.255.255.255/udp/9")
            assert caught.value.filename == "/ip4/255.255.255.255/udp/9"

        run(backend, main)

    def test_ipv6_hears_ipv4_only_if_that_is_asked_for(self, backend: str) -> None:
        async def main() -> None:
            async with (
                await create_udp("/ip6/::/udp/0", ipv6_only=False) as bound,
                await create_udp(remote_addr=Multiaddr("/ip4/127.0.0.1").encapsulate(own(bound)[1:])) as connected,
            ):
                await connected.send(b"ping")
                payload, sender = await bound.receive()
                assert payload == b"ping"
                assert from_sockaddr(socket.AF_INET6, sender, socket.SOCK_DGRAM) == own(connected)
            async with await create_udp("/ip6/::1/udp/0") as bound:
                sock = bound.extra(SocketAttribute.raw_socket)
                assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)

        run(backend, main)

    @needs_reuse_port
    def test_others_are_bound_to_the_same_if_that_is_asked_for(self, backend: str) -> None:
        async def main() -> None:
            async with (
                await create_udp("/ip4/127.0.0.1/udp/0", reuse_port=True) as one,
                await create_udp(own(one), reuse_port=True) as other,
                await create_udp(own(one), own(one), reuse_port=True) as third,
            ):
                assert own(one) == own(other) == own(third)

        run(backend, main)


SESSION = """
import contextlib, gc, socket, sys, tempfile
import anyio
from multiaddr_py.net.anyio import connect_stream, create_listener, create_udp

async def main():
    with tempfile.TemporaryDirectory() as directory:
        stacks = ["/ip4/127.0.0.1/tcp/0"]
        if hasattr(socket, "AF_UNIX"):
            stacks.append("/unix/" + directory.replace("/", "%2F") + "%2Fa.sock")
        for stack in stacks:
            async with await create_listener(stack) as listener, anyio.create_task_group() as tasks:
                async def greet(stream):
                    async with stream:
                        await stream.send(b"hello")

                tasks.start_soon(listener.serve, greet)
                async with await connect_stream(listener.address) as stream:
                    assert await stream.receive() == b"hello"
                with contextlib.suppress(OSError):
                    await create_listener(listener.address)
                tasks.cancel_scope.cancel()
            for wrong in (listener.address, "/ip4/127.0.0.1/tcp/1", "/dns4/nowhere.invalid/tcp/80"):
                with contextlib.suppress(OSError):
                    await connect_stream(wrong, timeout=10)
            for function, argument in (connect_stream, listener.address), (create_listener, stack):
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await function(argument)
        for wrong in "/ip4/192.0.2.1/udp/0", "/ip4/127.0.0.1/tcp/0":
            with contextlib.suppress(OSError, ValueError):
                await create_udp(wrong)
        async with await create_udp("/ip4/127.0.0.1/udp/0"):
            pass
        with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
            port = silent.getsockname()[1]
            with contextlib.ExitStack() as stack:
                for _ in range(3):
                    sock = stack.enter_context(socket.socket())
                    sock.setblocking(False)
                    sock.connect_ex(("127.0.0.1", port))
                with contextlib.suppress(TimeoutError):
                    await connect_stream(f"/ip4/127.0.0.1/tcp/{port}", timeout=0.1)
                with anyio.move_on_after(0.1):
                    await connect_stream(f"/ip4/127.0.0.1/tcp/{port}")

anyio.run(main, backend=sys.argv[1])
gc.collect()
print("done")
"""


def test_nothing_is_left_to_the_garbage_collector(backend: str) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", SESSION, backend]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (found.returncode, found.stdout, found.stderr) == (0, "done\n", "")
