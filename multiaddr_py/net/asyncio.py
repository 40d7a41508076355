"""What `multiaddr_py.net` has, for asyncio: in its own manner, with an address where it has host and port.

>>> from multiaddr_py.net.asyncio import open_connection, peer_address, start_server
>>> async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
...     writer.write(str(peer_address(writer)).encode())
...     writer.close()
>>> async def main() -> None:
...     async with await start_server(greet, "/ip4/127.0.0.1/tcp/0") as server:
...         reader, writer = await open_connection(server.address, timeout=10)
...         print((await reader.read()).decode())  # doctest: +ELLIPSIS
...         writer.close()
>>> asyncio.run(main())  # doctest: +ELLIPSIS
/ip4/127.0.0.1/tcp/...
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py._frozen import final
from multiaddr_py.net import sockets
from multiaddr_py.net._attempts import BACKLOG_PAUSE, NOT_THIS_MACHINE, Deadline, Failures, located
from multiaddr_py.net._making import (
    closed_on_failure,
    datagrams,
    first_bound,
    first_connected,
    listening_endpoint,
    local_endpoint,
    reachable,
    remote_endpoint,
    unconnected,
)
from multiaddr_py.net.endpoint import Endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import BaseProtocol, DatagramTransport, StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable
    from ssl import SSLContext
    from typing import Self, TypedDict, TypeVar, Unpack

    from multiaddr_py.net._making import Allow
    from multiaddr_py.net.sockaddr import AddressLike

    P = TypeVar("P", bound=BaseProtocol)

    class StreamOptions(TypedDict, total=False):
        """What asyncio takes at both ends of a connection."""

        limit: int
        ssl_handshake_timeout: float | None
        ssl_shutdown_timeout: float | None

    class ConnectionOptions(StreamOptions, total=False):
        """What `asyncio.open_connection` takes."""

        ssl: SSLContext | bool | None
        server_hostname: str | None
        happy_eyeballs_delay: float | None
        interleave: int

    class ServerOptions(StreamOptions, total=False):
        """What `asyncio.start_server` takes."""

        ssl: SSLContext | None


__all__ = [
    "DatagramSocket",
    "Server",
    "bind",
    "create_datagram_endpoint",
    "open_connection",
    "peer_address",
    "resolve",
    "start_server",
]


async def resolve(address: AddressLike, *, timeout: float | None = None) -> tuple[Endpoint, ...]:
    """Read the endpoint of an address and look its name up, as `Endpoint.resolve` does, and with its errors.

    What takes longer than `timeout` is left to a thread of the loop's, for which `asyncio.run` waits at the end.
    """
    deadline = Deadline(timeout)
    endpoint = Endpoint.from_multiaddr(address)
    if not endpoint.is_name:
        return (endpoint,)
    look_up = asyncio.get_running_loop().getaddrinfo
    with located(endpoint.address):
        async with asyncio.timeout(deadline.left()):
            found = await look_up(endpoint.host, endpoint.port, family=endpoint.family, type=socket.SOCK_STREAM)
    return endpoint._resolved(found)


async def open_connection(
    address: AddressLike,
    *,
    timeout: float | None = None,
    local_addr: AddressLike | None = None,
    reuse_port: bool = False,
    allow: Allow | None = None,
    **options: Unpack[ConnectionOptions],
) -> tuple[StreamReader, StreamWriter]:
    """Return reader and writer of a connection to the endpoint of an address; what follows it is left to the caller.

    A name is looked up, and its addresses are tried in the resolver's order, all within `timeout` seconds.
    `local_addr`, `reuse_port` and `allow` are those of `connect`, the other options those of `asyncio.open_connection`.
    With `ssl` the `server_hostname` is the address's `sni`, or else its host, where nothing else is said;
    with `happy_eyeballs_delay` or `interleave` it is asyncio that tries a name's addresses, in its order,
    and knows neither `reuse_port` nor `allow`: then they raise `ValueError`.

    Raises `ConversionError` for an address without endpoint or connections, `OSError` with the address as `filename`.
    """
    deadline = Deadline(timeout)
    endpoint = _with_streams(remote_endpoint(address))
    if options.get("ssl") and options.get("server_hostname") is None:
        options["server_hostname"] = _server_hostname(endpoint)
    local = local_endpoint(local_addr, endpoint)
    if endpoint.is_name and (options.get("happy_eyeballs_delay") or options.get("interleave")):
        if reuse_port or allow is not None:
            raise ValueError("reuse_port and allow do not go with happy_eyeballs_delay and interleave")
        with located(endpoint.address):
            async with asyncio.timeout(deadline.left()):
                return await asyncio.open_connection(
                    endpoint.host,
                    endpoint.port,
                    family=endpoint.family if local is None else local.family,
                    proto=endpoint.proto,
                    local_addr=None if local is None else local.sockaddr(),
                    **options,
                )
    options.pop("happy_eyeballs_delay", None)
    options.pop("interleave", None)
    with located(endpoint.address):
        found = await resolve(address, timeout=deadline.left())
    candidates = reachable(endpoint, found, local, allow)
    failures = Failures()
    for place, candidate in enumerate(candidates):
        with failures.at(candidate.address):
            async with asyncio.timeout(deadline.share(len(candidates) - place)):
                with closed_on_failure(unconnected(candidate, local, reuse_port=reuse_port)) as sock:
                    await _connect(sock, candidate)
                return await _open(sock, options)
    raise failures.error()


async def _connect(sock: socket.socket, endpoint: Endpoint) -> None:
    sock.setblocking(False)
    if endpoint.path is None:
        await asyncio.get_running_loop().sock_connect(sock, endpoint.sockaddr())
        return
    while True:
        try:
            sock.connect(endpoint.path)
        except BlockingIOError:  # the backlog is full; asyncio would take that for a connection
            await asyncio.sleep(BACKLOG_PAUSE)
        else:
            return


async def _open(sock: socket.socket, options: ConnectionOptions) -> tuple[StreamReader, StreamWriter]:
    """Hand a socket over to asyncio; where that fails it is closed, but not under a transport that still uses it."""
    try:
        return await asyncio.open_connection(sock=sock, **options)
    except asyncio.CancelledError:
        # Before TLS begins asyncio forgets a transport that is cancelled; it ends when it can read no more.
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        raise
    except BaseException:  # there is no transport, or it has ended
        sock.close()
        raise


def _server_hostname(endpoint: Endpoint) -> str | None:
    """Return the name that a server's certificate is for: what stands behind a relay is not this server's."""
    for component in endpoint.rest:
        if component.name == "p2p-circuit":
            break
        if component.name == "sni":
            return component.value
    return None if endpoint.host is None else endpoint.host.removesuffix(".")  # which no certificate has


def _with_streams(endpoint: Endpoint) -> Endpoint:
    if endpoint.type != socket.SOCK_STREAM:
        hint = "create_datagram_endpoint() has datagrams" if endpoint.type == socket.SOCK_DGRAM else None
        raise ConversionError("asyncio has streams of tcp, sctp and unix only", str(endpoint.address), hint)
    return endpoint


def peer_address(writer: StreamWriter) -> Multiaddr:
    """Return the address of the other end of a connection, as asyncio has kept it, or an empty one.

    It is empty where a Unix socket has no name, where what was dialled was gone at once, and with TLS after the end.
    """
    # The socket does not know it any more once the connection is reset, which may be before anyone could ask.
    return sockets.sender(writer.get_extra_info("socket"), writer.get_extra_info("peername"))


@final
class Server:
    """A server as `start_server` returns it, with the methods of asyncio's and the address of a `Listener`.

    As an asynchronous context manager it is closed at the end.
    """

    def __init__(self, server: asyncio.Server, listener: sockets.Listener) -> None:
        self.server = server
        """asyncio's own, for whatever else a version of Python offers."""
        self._listener = listener

    @property
    def address(self) -> Multiaddr:
        """Where it listens, with the real port, and what followed that in the address that was asked for."""
        return self._listener.address

    def addresses(self) -> list[Multiaddr]:
        """Return the address, or one for each interface where it is that of all; needs the extra `net` for that."""
        return self._listener.addresses()

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The socket that it listens on, for `from_socket`; none once it is closed."""
        return self.server.sockets

    def is_serving(self) -> bool:
        """Say whether connections are accepted."""
        return self.server.is_serving()

    async def start_serving(self) -> None:
        """Accept connections, if that was not asked for at once."""
        await self.server.start_serving()

    async def serve_forever(self) -> None:
        """Accept connections until this is cancelled, and close the server then.

        From Python 3.12 on it ends only when the connections do, as asyncio's; the file of a Unix socket goes at once.
        """
        serving = asyncio.ensure_future(self.server.serve_forever())
        try:
            await asyncio.wait([serving])
        except asyncio.CancelledError:
            await self.aclose()  # which cancels `serving`
        await serving

    def close(self) -> None:
        """Stop listening, and remove the file of a Unix socket; connections stay open, but see `aclose`."""
        self._listener.remove_file()
        self.server.close()  # and with it the listener's socket

    async def aclose(self) -> None:
        """Close, but first hand over what was accepted just now, which asyncio else loses without closing it."""
        try:
            with suppress(NotImplementedError):  # the proactor of Windows hands over at once
                for sock in self.sockets:
                    asyncio.get_running_loop().remove_reader(sock)
            await asyncio.sleep(0)
        finally:
            self.close()

    async def wait_closed(self) -> None:
        """Wait as asyncio's server does: from Python 3.12 on for the connections, too."""
        await self.server.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()
        await self.wait_closed()

    def __repr__(self) -> str:
        return f"<Server {self.address}>"


async def start_server(
    client_connected_cb: Callable[[StreamReader, StreamWriter], Awaitable[None] | None],
    address: AddressLike,
    *,
    backlog: int = 100,
    reuse_port: bool = False,
    ipv6_only: bool = True,
    mode: int | None = None,
    start_serving: bool = True,
    **options: Unpack[ServerOptions],
) -> Server:
    """Serve at the endpoint of an address; `client_connected_cb` gets reader and writer of each connection.

    The arguments, and how names and files are treated, are those of `listen`; the other options are those of
    `asyncio.start_server`. The socket listens at once: without `start_serving` connections wait.
    `peer_address(writer)` is who has connected.

    Raises `ConversionError` for an address without endpoint or connections, `OSError` with the address as `filename`.
    """
    _with_streams(listening_endpoint(address))
    failures = Failures(NOT_THIS_MACHINE)
    for candidate in await resolve(address):
        with failures.at(candidate.address):
            listener = sockets.listen_at(
                candidate, backlog=backlog, reuse_port=reuse_port, ipv6_only=ipv6_only, mode=mode
            )
            with closed_on_failure(listener):
                serving = await asyncio.start_server(
                    client_connected_cb,
                    sock=listener.socket,
                    backlog=max(backlog, 1),  # asyncio accepts as many at a time
                    start_serving=False,
                    **options,
                )
            with closed_on_failure(Server(serving, listener)) as server:
                if start_serving:
                    await server.start_serving()
                return server
    raise failures.error()


@final
class DatagramSocket(sockets.Bound):
    """A `socket` for datagrams, as `bind` returns it, and the `address` where it was bound.

    Several tasks may use it, and have their turn in the order in which they came.
    As a context manager it is closed at the end, by when nothing may wait for a datagram any more.
    """

    def __init__(self, sock: socket.socket, rest: Multiaddr | None = None) -> None:
        super().__init__(sock, rest)
        # The loop has one reader and one writer for a socket; who is replaced by another would wait for ever.
        self._receiving = asyncio.Lock()
        self._sending = asyncio.Lock()

    async def receive(self, size: int = sockets.LARGEST_DATAGRAM) -> tuple[bytes, Multiaddr]:
        """Wait for a datagram; return up to `size` bytes of it, and the sender's address.

        On Windows it raises an `OSError`, such as `ConnectionResetError`, where what was sent has reached nobody.
        """
        await asyncio.sleep(0)  # where datagrams come faster than they are dealt with, others have their turn, too
        async with self._receiving:
            payload, sockaddr = await asyncio.get_running_loop().sock_recvfrom(self.socket, size)
        if sockaddr is None:  # so the proactor of Windows says what a socket that blocks raises there
            raise ConnectionResetError(errno.ECONNRESET, "a datagram that was sent has reached nobody")
        return payload, sockets.sender(self.socket, sockaddr)

    async def send(self, payload: bytes | bytearray | memoryview, address: AddressLike) -> None:
        """Send a datagram to an address; the arguments and errors are those of the `send` that does not wait."""
        endpoint = datagrams(remote_endpoint(address), "open_connection() has streams")
        with located(endpoint.address):
            sockaddr = endpoint.sockaddr(self.socket.family)
            async with self._sending:
                await asyncio.get_running_loop().sock_sendto(self.socket, payload, sockaddr)


async def bind(address: AddressLike, *, reuse_port: bool = False, ipv6_only: bool = True) -> DatagramSocket:
    """Bind a socket for datagrams to the endpoint of an address; the arguments and errors are those of `listen`.

    It is for who waits for each datagram in turn; `create_datagram_endpoint` calls a protocol, in asyncio's manner.
    """
    endpoint = datagrams(listening_endpoint(address), "start_server() accepts connections")
    with closed_on_failure(first_bound(await resolve(address), reuse_port=reuse_port, ipv6_only=ipv6_only)) as sock:
        sock.setblocking(False)
        return DatagramSocket(sock, endpoint.rest)


async def create_datagram_endpoint(
    protocol_factory: Callable[[], P],
    local_addr: AddressLike | None = None,
    remote_addr: AddressLike | None = None,
    *,
    reuse_port: bool = False,
    ipv6_only: bool = True,
    allow: Allow | None = None,
    allow_broadcast: bool = False,
    timeout: float | None = None,
) -> tuple[DatagramTransport, P]:
    """Return transport and protocol of a datagram socket that is bound to an address, connected to one, or both.

    `ipv6_only` is for what is only bound, `allow` for what is connected; they and the other arguments are those of
    `bind` and `connect`. With `sock` as `transport.get_extra_info("socket")`,
    `from_sockaddr(sock.family, sender, sock.type)` is the address of a sender that the protocol is told of,
    and `Endpoint.from_multiaddr(address).sockaddr(sock.family)` what `transport.sendto` takes.

    Raises `ConversionError` for what is no address of udp, `OSError` with the address as `filename`.
    """
    deadline = Deadline(timeout)
    hint = "open_connection() has streams"
    if remote_addr is not None:
        remote = datagrams(remote_endpoint(remote_addr), hint)
        local = local_endpoint(local_addr, remote)
        candidates = reachable(remote, await resolve(remote_addr, timeout=deadline.left()), local, allow)
        sock = first_connected(candidates, local, reuse_port=reuse_port)
    elif local_addr is None:
        raise TypeError("a datagram endpoint needs a local or a remote address")
    elif allow is not None:
        raise TypeError("allow is asked about a remote address, and there is none")
    else:
        datagrams(listening_endpoint(local_addr), hint)
        candidates = await resolve(local_addr, timeout=deadline.left())
        sock = first_bound(candidates, reuse_port=reuse_port, ipv6_only=ipv6_only)
    with closed_on_failure(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, allow_broadcast)
        return await asyncio.get_running_loop().create_datagram_endpoint(protocol_factory, sock=sock)
