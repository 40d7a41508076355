"""Sockets that connect, listen and are bound, by addresses."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import contextmanager, nullcontext
from time import sleep

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py._frozen import final
from multiaddr_py.net._attempts import PAUSE, Deadline, Failures, located
from multiaddr_py.net._unix import bound_to_path
from multiaddr_py.net.endpoint import Endpoint
from multiaddr_py.net.interfaces import expand_unspecified
from multiaddr_py.net.sockaddr import from_sockaddr, from_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Final, Protocol, Self, TypeAlias, TypeVar

    from multiaddr_py.net._unix import SocketFile
    from multiaddr_py.net.sockaddr import AddressLike, Sockaddr

    Allow: TypeAlias = Callable[[Multiaddr], bool]
    """Says whether an address may be dialled."""
    Socket: TypeAlias = socket.socket

    class Closable(Protocol):
        """What has to be closed at some time."""

        def close(self) -> None:
            """Close it; once it is closed do nothing."""

    C = TypeVar("C", bound=Closable)

_LARGEST: Final = 0xFFFF  # bytes of a datagram


def connect(
    address: AddressLike,
    *,
    timeout: float | None = None,
    local_addr: AddressLike | None = None,
    reuse_port: bool = False,
    allow: Allow | None = None,
) -> socket.socket:
    """Return a socket that is connected to the endpoint of an address; what follows it is left to the caller.

    A name is looked up, and its addresses are tried in the resolver's order, all within `timeout` seconds;
    the socket that is returned has no time limit.
    `local_addr` is what the socket is bound to; with `reuse_port` other sockets may be bound to the same.
    `allow`, such as `Filter.allows`, is asked about each address that a name has; what it refuses is not dialled.
    A datagram socket is connected in the sense that it sends to and hears from that address only.

    Raises `ConversionError` for an address without endpoint, and `OSError` with the address as its `filename`:
    where several were tried that of the first, and the others' as its notes.
    """
    deadline = Deadline(timeout)
    endpoint = Endpoint.from_multiaddr(address)
    local = None if local_addr is None else local_endpoint(local_addr, endpoint)
    with located(endpoint.address):
        candidates = reachable(endpoint, endpoint.resolve(timeout=deadline.left()), local, allow)
    failures = Failures()
    for place, candidate in enumerate(candidates):
        with (
            failures.at(candidate.address),
            closed_on_failure(unconnected(candidate, local, reuse_port=reuse_port)) as sock,
        ):
            _connect(sock, candidate, deadline.share(len(candidates) - place))
            return sock
    raise failures.error()


def _connect(sock: socket.socket, endpoint: Endpoint, timeout: float | None) -> None:
    sockaddr = endpoint.sockaddr()
    deadline = Deadline(timeout)
    while True:
        sock.settimeout(deadline.left())
        try:
            sock.connect(sockaddr)
        except BlockingIOError:  # with a time limit a Unix socket does not wait in a backlog that is full
            sleep(PAUSE)
        else:
            return sock.settimeout(None)


def local_endpoint(address: AddressLike, remote: Endpoint) -> Endpoint:
    """Read the address that a socket is to be bound to before it connects to `remote`."""
    local = Endpoint.from_multiaddr(address)
    if (local.type, local.proto) != (remote.type, remote.proto) or local.path is not None:
        raise ConversionError(f"a socket that connects to {remote.address} cannot be bound to it", str(local.address))
    local.sockaddr()  # a name is refused before anything is looked up
    return local


def reachable(
    endpoint: Endpoint, candidates: Sequence[Endpoint], local: Endpoint | None, allow: Allow | None
) -> Sequence[Endpoint]:
    """Return the candidates for an endpoint that a socket which is bound to `local` can reach, and that are allowed."""
    text = str(endpoint.address)
    if local is not None:
        candidates = [candidate for candidate in candidates if candidate.family == local.family]
        if not candidates:
            raise ConversionError(f"a socket that is bound to {local.address} cannot connect to it", text)
    if allow is not None:
        candidates = [candidate for candidate in candidates if allow(candidate.to_multiaddr())]
        if not candidates:
            raise PermissionError(errno.EACCES, "no address of it is allowed", text)
    return candidates


def unconnected(endpoint: Endpoint, local: Endpoint | None, *, reuse_port: bool = False) -> socket.socket:
    """Return a socket that can connect to an endpoint, bound to `local`."""
    with closed_on_failure(_socket(endpoint, ipv6_only=True)) as sock:
        if local is not None:
            with located(local.address):
                _bind(sock, local, reuse_address=True, reuse_port=reuse_port)
        return sock


def listen(
    address: AddressLike,
    *,
    backlog: int | None = None,
    reuse_port: bool = False,
    ipv6_only: bool = True,
    mode: int | None = None,
) -> Listener:
    """Listen at the endpoint of an address; the listener's `address` has the real port, and what follows.

    `backlog` is how many connections wait to be accepted, at most. With `reuse_port` others may listen at the same.
    Unless `ipv6_only` is false an IPv6 socket does not hear IPv4, whatever the platform's own choice is.
    `mode` are the permissions of a Unix socket's file, by default what the umask leaves; it has them before anyone can
    connect.
    A socket file that nobody listens on is replaced; the listener removes its own when it is closed.
    A name is looked up, and the first of its addresses that is one of this machine is taken.

    Raises `ConversionError` for an address without endpoint or connections, `OSError` with the address as `filename`.
    """
    failures = Failures()
    for candidate in Endpoint.from_multiaddr(address).resolve():
        with failures.at(candidate.address):
            return listen_at(candidate, backlog=backlog, reuse_port=reuse_port, ipv6_only=ipv6_only, mode=mode)
    raise failures.error()


def listen_at(
    endpoint: Endpoint, *, backlog: int | None, reuse_port: bool, ipv6_only: bool, mode: int | None
) -> Listener:
    """Listen at an endpoint that is no name."""
    if endpoint.type == socket.SOCK_DGRAM:
        raise ConversionError("udp has no connections to accept", str(endpoint.address), "bind() receives datagrams")
    if mode is not None and (endpoint.path is None or endpoint.path.startswith(b"\0")):
        raise ValueError("only the file of a Unix socket has permissions")
    with closed_on_failure(_socket(endpoint, ipv6_only=ipv6_only)) as sock:
        if endpoint.path is None:
            # On Windows the option lets a stranger take the port over.
            _bind(sock, endpoint, reuse_address=os.name == "posix", reuse_port=reuse_port)
            binding: AbstractContextManager[SocketFile | None] = nullcontext()
        else:
            binding = bound_to_path(sock, endpoint.path, mode=mode)
        with binding as file:
            sock.listen(*(() if backlog is None else (backlog,)))
            return Listener(sock, endpoint.rest, file)


def bind(address: AddressLike, *, reuse_port: bool = False, ipv6_only: bool = True) -> DatagramSocket:
    """Bind a socket for datagrams to the endpoint of an address; the arguments and errors are those of `listen`."""
    failures = Failures()
    for candidate in Endpoint.from_multiaddr(address).resolve():
        with failures.at(candidate.address):
            return bind_to(candidate, reuse_port=reuse_port, ipv6_only=ipv6_only)
    raise failures.error()


def bind_to(endpoint: Endpoint, *, reuse_port: bool, ipv6_only: bool) -> DatagramSocket:
    """Bind a socket for datagrams to an endpoint that is no name."""
    if endpoint.type != socket.SOCK_DGRAM:
        raise ConversionError("only udp has datagrams", str(endpoint.address), "listen() accepts connections")
    with closed_on_failure(_socket(endpoint, ipv6_only=ipv6_only)) as sock:
        # Not the address: on Linux that would let two sockets have one port, and one of them hear nothing.
        _bind(sock, endpoint, reuse_address=False, reuse_port=reuse_port)
        return DatagramSocket(sock, endpoint.rest)


@contextmanager
def closed_on_failure(opened: C) -> Iterator[C]:
    """Close a socket, a listener or a server where something goes wrong; else it is the caller's."""
    try:
        yield opened
    except BaseException:
        opened.close()
        raise


def _socket(endpoint: Endpoint, *, ipv6_only: bool) -> socket.socket:
    with closed_on_failure(socket.socket(endpoint.family, endpoint.type, endpoint.proto)) as sock:
        if endpoint.family == socket.AF_INET6:
            # A socket for IPv6 only has no use for an address that IPv4 is mapped into.
            mapped = endpoint.host is not None and endpoint.host.startswith("::ffff:")
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, ipv6_only and not mapped)
        return sock


def _bind(sock: socket.socket, endpoint: Endpoint, *, reuse_address: bool, reuse_port: bool) -> None:
    if reuse_address:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        if not hasattr(socket, "SO_REUSEPORT"):
            raise ValueError("this platform has no reuse_port")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(endpoint.sockaddr())


class _Bound:
    """A socket with an address of its own. As a context manager it is closed at the end."""

    socket: Socket
    address: Multiaddr
    """Where it was bound, with the real port, and what followed that in the address that was asked for."""

    def __init__(self, sock: Socket, rest: Multiaddr | None = None) -> None:
        """Take over a socket, also one that was bound elsewhere; `rest` is what follows its address."""
        self.socket = sock
        self.address = from_socket(sock)
        if rest:
            self.address = self.address.encapsulate(rest)

    def addresses(self) -> list[Multiaddr]:
        """Return the address, or one for each interface where it is that of all; needs the extra `net` for that."""
        found = expand_unspecified(self.address)
        if found != [self.address] and self._hears_ip4():
            found += expand_unspecified(Multiaddr("/ip4/0.0.0.0").encapsulate(self.address[1:]))
        return found

    def _hears_ip4(self) -> bool:
        sock = self.socket
        return sock.family == socket.AF_INET6 and not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)

    def fileno(self) -> int:
        """Return the socket's file descriptor, for `selectors`."""
        return self.socket.fileno()

    def close(self) -> None:
        """Close the socket; once it is closed do nothing."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}>"


@final
class Listener(_Bound):
    """A socket that accepts connections, as `listen` returns it."""

    def __init__(self, sock: socket.socket, rest: Multiaddr | None = None, file: SocketFile | None = None) -> None:
        """Take over a socket that listens, also one that was made elsewhere; `rest` is what follows its address."""
        super().__init__(sock, rest)
        self._file = file

    def accept(self) -> tuple[socket.socket, Multiaddr]:
        """Wait for a connection; return its socket and the peer's address, empty where a Unix socket has no name."""
        sock, sockaddr = self.socket.accept()
        with closed_on_failure(sock):
            return sock, _peer(self.socket, sockaddr)

    def close(self) -> None:
        """Remove the file of a Unix socket, and close the socket; once it is closed do nothing."""
        self.remove_file()
        super().close()

    def remove_file(self) -> None:
        """Remove the file of a Unix socket, before something else closes the socket; without one do nothing.

        Once the socket is closed another server may take the path over, and its file may get the number of this one's.
        """
        if self._file is not None:
            self._file.remove()
            self._file = None


@final
class DatagramSocket(_Bound):
    """A socket for datagrams, as `bind` returns it."""

    def receive(self, size: int = _LARGEST) -> tuple[bytes, Multiaddr]:
        """Wait for a datagram; return up to `size` bytes of it, and the sender's address."""
        payload, sockaddr = self.socket.recvfrom(size)
        return payload, _peer(self.socket, sockaddr)

    def send(self, payload: bytes | bytearray | memoryview, address: AddressLike) -> None:
        """Send a datagram to an address, such as `receive` returns; what follows its endpoint does not matter.

        Raises `ConversionError` for a name, for what is no address of udp, and for IPv6 where the socket is of IPv4.
        """
        endpoint = Endpoint.from_multiaddr(address)
        if endpoint.type != socket.SOCK_DGRAM:
            raise ConversionError("only udp has datagrams", str(endpoint.address))
        sockaddr = endpoint.sockaddr()
        if (endpoint.family, self.socket.family) == (socket.AF_INET, socket.AF_INET6):
            sockaddr = f"::ffff:{endpoint.host}", endpoint.port or 0, 0, 0
        elif endpoint.family != self.socket.family:
            raise ConversionError(f"a socket that is bound to {self.address} cannot send to it", str(endpoint.address))
        with located(endpoint.address):
            self.socket.sendto(payload, sockaddr)


def _peer(sock: socket.socket, sockaddr: Sockaddr) -> Multiaddr:
    return from_sockaddr(sock.family, sockaddr, sock.type, sock.proto) if sockaddr else Multiaddr()
