"""What `multiaddr_py.net` has, for AnyIO on asyncio and on Trio: its own streams, listeners and sockets, by addresses.

What runs above them is left to AnyIO: `anyio.streams.tls.TLSStream.wrap` makes TLS of a stream, `TLSListener` of a
listener. It is installed by the extra `anyio`.

>>> import anyio
>>> from anyio.abc import SocketAttribute, SocketStream
>>> from multiaddr_py.net import from_socket
>>> from multiaddr_py.net.anyio import connect_stream, create_listener
>>> async def greet(stream: SocketStream) -> None:
...     async with stream:
...         await stream.send(str(from_socket(stream.extra(SocketAttribute.raw_socket), peer=True)).encode())
>>> async def main() -> None:
...     async with await create_listener("/ip4/127.0.0.1/tcp/0") as listener, anyio.create_task_group() as tasks:
...         tasks.start_soon(listener.serve, greet)
...         async with await connect_stream(listener.address, timeout=10) as stream:
...             seen = await stream.receive()
...             print(seen.decode() == str(from_socket(stream.extra(SocketAttribute.raw_socket))))
...         tasks.cancel_scope.cancel()
>>> anyio.run(main)
True
"""

from __future__ import annotations

import errno
import os
import socket

try:
    import anyio
    import anyio.abc
    import anyio.lowlevel
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("AnyIO is needed, as the extra anyio has it: pip install anyio", name="anyio") from error

from multiaddr_py import ConversionError
from multiaddr_py._frozen import final
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
from multiaddr_py.net._stacks import IPPROTO_SCTP
from multiaddr_py.net.endpoint import Endpoint
from multiaddr_py.net.sockets import listen_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Final, TypeVar, overload

    from multiaddr_py import Multiaddr
    from multiaddr_py.net._making import Allow
    from multiaddr_py.net.sockaddr import AddressLike
    from multiaddr_py.net.sockets import Listener

    T = TypeVar("T")

__all__ = ["StreamListener", "connect_stream", "create_listener", "create_udp", "resolve"]

_BACKLOG: Final = 65_536  # AnyIO's own; the system takes less where that is too much


async def resolve(address: AddressLike, *, timeout: float | None = None) -> tuple[Endpoint, ...]:
    """Read the endpoint of an address and look its name up, as `Endpoint.resolve` does, and with its errors."""
    deadline = Deadline(timeout, clock=anyio.current_time)
    endpoint = Endpoint.from_multiaddr(address)
    if not endpoint.is_name:
        await anyio.lowlevel.checkpoint()
        return (endpoint,)
    with located(endpoint.address), anyio.fail_after(deadline.left()):
        found = await anyio.getaddrinfo(endpoint.host, endpoint.port, family=endpoint.family, type=socket.SOCK_STREAM)
    return endpoint._resolved(found)


async def connect_stream(
    address: AddressLike,
    *,
    timeout: float | None = None,
    local_addr: AddressLike | None = None,
    reuse_port: bool = False,
    allow: Allow | None = None,
) -> anyio.abc.SocketStream:
    """Return a stream that is connected to the endpoint of an address; what follows it is left to the caller.

    Of a Unix socket it is a `UNIXSocketStream`. A name is looked up, and its addresses are tried in the resolver's
    order, all within `timeout` seconds. `local_addr`, `reuse_port` and `allow` are those of `connect`.

    Raises `ConversionError` for an address without endpoint or connections, `OSError` with the address as `filename`.
    """
    deadline = Deadline(timeout, clock=anyio.current_time)
    endpoint = _with_streams(remote_endpoint(address))
    local = local_endpoint(local_addr, endpoint)
    with located(endpoint.address):
        found = await resolve(address, timeout=deadline.left())
    candidates = reachable(endpoint, found, local, allow)
    failures = Failures()
    for place, candidate in enumerate(candidates):
        with (
            failures.at(candidate.address),
            closed_on_failure(unconnected(candidate, local, reuse_port=reuse_port)) as sock,
            anyio.fail_after(deadline.share(len(candidates) - place)),
        ):
            return await _connected(sock, candidate)
    raise failures.error()


def _with_streams(endpoint: Endpoint) -> Endpoint:
    if endpoint.type != socket.SOCK_STREAM or endpoint.proto == IPPROTO_SCTP:  # its listener wants TCP's options
        raise ConversionError(
            "AnyIO has streams of tcp and unix only", str(endpoint.address), "create_udp() has datagrams"
        )
    return endpoint


async def _connected(sock: socket.socket, endpoint: Endpoint) -> anyio.abc.SocketStream:
    sock.setblocking(False)
    if endpoint.path is not None:
        await _connect_to_path(sock, endpoint.path)
        return await anyio.abc.UNIXSocketStream.from_socket(sock)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as AnyIO's own `connect_tcp` has it
    try:
        sock.connect(endpoint.sockaddr())
    except BlockingIOError:
        await anyio.wait_writable(sock)
    try:
        return await anyio.abc.SocketStream.from_socket(sock)
    except ValueError as error:  # it is not connected, or not any more
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or errno.ECONNRESET
        raise OSError(number, os.strerror(number)) from error


async def _connect_to_path(sock: socket.socket, path: bytes) -> None:
    """Connect at once, or as soon as the server has accepted others: the system does not say when."""
    while True:
        try:
            return sock.connect(path)
        except BlockingIOError:
            await anyio.sleep(BACKLOG_PAUSE)


@final
class StreamListener(anyio.abc.Listener[anyio.abc.SocketStream]):
    """A listener as `create_listener` returns it, with the methods of AnyIO's and the address of `net.Listener`.

    As an asynchronous context manager it is closed at the end.
    """

    def __init__(self, accepting: anyio.abc.SocketListener, listener: Listener) -> None:
        self._accepting = accepting
        self._listener = listener

    @property
    def address(self) -> Multiaddr:
        """Where it listens, with the real port, and what followed that in the address that was asked for."""
        return self._listener.address

    def addresses(self) -> list[Multiaddr]:
        """Return the address, or one for each interface where it is that of all; needs the extra `net` for that."""
        return self._listener.addresses()

    async def accept(self) -> anyio.abc.SocketStream:
        """Wait for a connection, and return its stream."""
        return await self._accepting.accept()

    async def serve(
        self,
        handler: Callable[[anyio.abc.SocketStream], Awaitable[object]],
        task_group: anyio.abc.TaskGroup | None = None,
    ) -> None:
        """Accept connections until this is cancelled, each with a task of its own for `handler`."""
        await self._accepting.serve(handler, task_group)

    async def aclose(self) -> None:
        """Stop listening, and remove the file of a Unix socket; connections stay open."""
        self._listener.remove_file()  # while others still see that somebody listens
        try:
            await self._accepting.aclose()
        finally:
            self._listener.close()  # in AnyIO before 4.16 the former may be cancelled before it has done so

    @property
    def extra_attributes(self) -> Mapping[T, Callable[[], T]]:  # type: ignore[override]  # mypy: AnyIO's T is another
        """Those of AnyIO's listener, for `extra`."""
        return self._accepting.extra_attributes

    def __repr__(self) -> str:
        return f"<StreamListener {self.address}>"


async def create_listener(
    address: AddressLike,
    *,
    backlog: int = _BACKLOG,
    reuse_port: bool = False,
    ipv6_only: bool = True,
    mode: int | None = None,
) -> StreamListener:
    """Listen at the endpoint of an address; `await listener.serve(handler)` handles connections as in AnyIO.

    The arguments, and how names and files are treated, are those of `listen`.
    `from_socket(stream.extra(anyio.abc.SocketAttribute.raw_socket), peer=True)` is a stream's peer.

    Raises `ConversionError` for an address without endpoint or connections, `OSError` with the address as `filename`.
    """
    _with_streams(listening_endpoint(address))
    failures = Failures(NOT_THIS_MACHINE)
    for candidate in await resolve(address):
        with failures.at(candidate.address):
            listener = listen_at(candidate, backlog=backlog, reuse_port=reuse_port, ipv6_only=ipv6_only, mode=mode)
            with closed_on_failure(listener):
                return StreamListener(await anyio.abc.SocketListener.from_socket(listener.socket), listener)
    raise failures.error()


if TYPE_CHECKING:

    @overload
    async def create_udp(
        local_addr: AddressLike,
        remote_addr: None = None,
        *,
        reuse_port: bool = False,
        ipv6_only: bool = True,
        timeout: float | None = None,
    ) -> anyio.abc.UDPSocket: ...
    @overload
    async def create_udp(
        local_addr: AddressLike | None,
        remote_addr: AddressLike,
        *,
        reuse_port: bool = False,
        ipv6_only: bool = True,
        allow: Allow | None = None,
        timeout: float | None = None,
    ) -> anyio.abc.ConnectedUDPSocket: ...
    @overload
    async def create_udp(
        local_addr: AddressLike | None = None,
        *,
        remote_addr: AddressLike,
        reuse_port: bool = False,
        ipv6_only: bool = True,
        allow: Allow | None = None,
        timeout: float | None = None,
    ) -> anyio.abc.ConnectedUDPSocket: ...


async def create_udp(
    local_addr: AddressLike | None = None,
    remote_addr: AddressLike | None = None,
    *,
    reuse_port: bool = False,
    ipv6_only: bool = True,
    allow: Allow | None = None,
    timeout: float | None = None,
) -> anyio.abc.UDPSocket | anyio.abc.ConnectedUDPSocket:
    """Return a socket for datagrams that is bound to an address, connected to one, or both.

    `ipv6_only` is for what is only bound, `allow` for what is connected; they and the other arguments are those of
    `bind` and `connect`. With `sock` as `udp.extra(anyio.abc.SocketAttribute.raw_socket)`,
    `from_socket(sock)` is the address, with the real port, `from_sockaddr(sock.family, sender, sock.type)` that of a
    sender, and `Endpoint.from_multiaddr(address).sockaddr(sock.family)[:2]` what `sendto` takes.

    Raises `ConversionError` for what is no address of udp, `OSError` with the address as `filename`.
    """
    deadline = Deadline(timeout, clock=anyio.current_time)
    hint = "connect_stream() has streams"
    if remote_addr is not None:
        remote = datagrams(remote_endpoint(remote_addr), hint)
        local = local_endpoint(local_addr, remote)
        candidates = reachable(remote, await resolve(remote_addr, timeout=deadline.left()), local, allow)
        with closed_on_failure(first_connected(candidates, local, reuse_port=reuse_port)) as sock:
            return await anyio.abc.ConnectedUDPSocket.from_socket(sock)
    if local_addr is None:
        raise TypeError("a UDP socket needs a local or a remote address")
    if allow is not None:
        raise TypeError("allow is asked about a remote address, and there is none")
    datagrams(listening_endpoint(local_addr), hint)
    candidates = await resolve(local_addr, timeout=deadline.left())
    with closed_on_failure(first_bound(candidates, reuse_port=reuse_port, ipv6_only=ipv6_only)) as sock:
        return await anyio.abc.UDPSocket.from_socket(sock)
