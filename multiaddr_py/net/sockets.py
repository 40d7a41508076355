"""Sockets that connect, listen and are bound, by addresses."""

from __future__ import annotations

import socket
from contextlib import nullcontext
from time import sleep

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py._frozen import final
from multiaddr_py.net._attempts import BACKLOG_PAUSE, NOT_THIS_MACHINE, Deadline, Failures, located
from multiaddr_py.net._making import (
    bound_socket,
    closed_on_failure,
    datagrams,
    first_bound,
    listening_endpoint,
    local_endpoint,
    new_socket,
    reachable,
    remote_endpoint,
    unconnected,
)
from multiaddr_py.net._unix import bound_to_path
from multiaddr_py.net.interfaces import expand_unspecified
from multiaddr_py.net.sockaddr import from_sockaddr, from_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Final, Self, TypeAlias

    from multiaddr_py.net._making import Allow
    from multiaddr_py.net._unix import SocketFile
    from multiaddr_py.net.endpoint import Endpoint
    from multiaddr_py.net.sockaddr import AddressLike, Sockaddr, SocketLike

    Socket: TypeAlias = socket.socket

LARGEST_DATAGRAM: Final = 0xFFFF
"""Bytes."""


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
    `allow`, such as `Filter.allows`, is asked about the address, or instead of a name about each address that it has,
    with all that follows; what it refuses is not dialled.
    A datagram socket is connected in the sense that it sends to and hears from that address only.

    Raises `ConversionError` for an address without endpoint, and `OSError` with the address as its `filename`:
    where several were tried that of the first, and the others' as its notes.
    """
    deadline = Deadline(timeout)
    endpoint = remote_endpoint(address)
    local = local_endpoint(local_addr, endpoint)
    with located(endpoint.address):
        found = endpoint.resolve(timeout=deadline.left())
    candidates = reachable(endpoint, found, local, allow)
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
        except BlockingIOError:
            if endpoint.path is None:
                raise
            sleep(BACKLOG_PAUSE)  # with a time limit a Unix socket does not wait in a backlog that is full
        else:
            return sock.settimeout(None)


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
    endpoint = listening_endpoint(address)
    if endpoint.type == socket.SOCK_DGRAM:
        raise ConversionError("udp has no connections to accept", str(endpoint.address), "bind() receives datagrams")
    failures = Failures(NOT_THIS_MACHINE)
    for candidate in endpoint.resolve():
        with failures.at(candidate.address):
            return listen_at(candidate, backlog=backlog, reuse_port=reuse_port, ipv6_only=ipv6_only, mode=mode)
    raise failures.error()


def listen_at(
    endpoint: Endpoint, *, backlog: int | None, reuse_port: bool, ipv6_only: bool, mode: int | None
) -> Listener:
    """Listen at an endpoint that is no name, and has connections."""
    if mode is not None and (endpoint.path is None or endpoint.path.startswith(b"\0")):
        raise ValueError("only the file of a Unix socket has permissions")
    binding: AbstractContextManager[SocketFile | None]
    if endpoint.path is None:
        sock = bound_socket(endpoint, reuse_port=reuse_port, ipv6_only=ipv6_only)
        binding = nullcontext()
    else:
        sock = new_socket(endpoint, ipv6_only=ipv6_only)
        binding = bound_to_path(sock, endpoint.path, mode=mode)
    with closed_on_failure(sock), binding as file:
        sock.listen(*(() if backlog is None else (backlog,)))
        listener = Listener(sock, endpoint.rest)
        listener._file = file
        return listener


def bind(address: AddressLike, *, reuse_port: bool = False, ipv6_only: bool = True) -> DatagramSocket:
    """Bind a socket for datagrams to the endpoint of an address; the arguments and errors are those of `listen`."""
    endpoint = datagrams(listening_endpoint(address), "listen() accepts connections")
    with closed_on_failure(first_bound(endpoint.resolve(), reuse_port=reuse_port, ipv6_only=ipv6_only)) as sock:
        return DatagramSocket(sock, endpoint.rest)


class Bound:
    """A socket with an address of its own."""

    socket: Socket
    address: Multiaddr
    """Where it was bound, with the real port, and what followed that in the address that was asked for."""

    def __init__(self, sock: Socket, rest: Multiaddr | None = None) -> None:
        """Take over a socket, also one that was bound elsewhere; `rest` is what follows its address."""
        self.socket = sock
        rest = Multiaddr() if rest is None else rest
        self.address = from_socket(sock, registry=rest.registry).encapsulate(rest)
        # Asked now, since a socket that is closed does not answer.
        self._hears_ip4 = sock.family == socket.AF_INET6 and not sock.getsockopt(
            socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
        )

    def addresses(self) -> list[Multiaddr]:
        """Return the address, or one for each interface where it is that of all; needs the extra `net` for that."""
        found = expand_unspecified(self.address)
        if found != [self.address] and self._hears_ip4:
            ip4 = Multiaddr("/ip4/0.0.0.0", registry=self.address.registry)
            found += expand_unspecified(ip4.encapsulate(self.address[1:]))
        return found or [self.address]  # no interface may have the family

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
class Listener(Bound):
    """A `socket` that accepts connections, as `listen` returns it, and the `address` where it was bound.

    As a context manager it is closed at the end.
    """

    _file: SocketFile | None = None

    def accept(self) -> tuple[socket.socket, Multiaddr]:
        """Wait for a connection; return its socket and the peer's address, empty where a Unix socket has no name."""
        sock, sockaddr = self.socket.accept()
        with closed_on_failure(sock):
            return sock, sender(self.socket, sockaddr)

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
class DatagramSocket(Bound):
    """A `socket` for datagrams, as `bind` returns it, and the `address` where it was bound.

    As a context manager it is closed at the end.
    """

    def receive(self, size: int = LARGEST_DATAGRAM) -> tuple[bytes, Multiaddr]:
        """Wait for a datagram; return up to `size` bytes of it, and the sender's address."""
        payload, sockaddr = self.socket.recvfrom(size)
        return payload, sender(self.socket, sockaddr)

    def send(self, payload: bytes | bytearray | memoryview, address: AddressLike) -> None:
        """Send a datagram to an address, such as `receive` returns; what follows its endpoint does not matter.

        Raises `ConversionError` for a name, for what is no address of udp, and for IPv6 where the socket is of IPv4.
        """
        endpoint = datagrams(remote_endpoint(address), "connect() has connections")
        with located(endpoint.address):
            self.socket.sendto(payload, endpoint.sockaddr(self.socket.family))


def sender(sock: SocketLike, sockaddr: Sockaddr | None) -> Multiaddr:
    """Return who has sent or connected, empty for a Unix socket without a name."""
    return from_sockaddr(sock.family, sockaddr, sock.type, sock.proto) if sockaddr else Multiaddr()
