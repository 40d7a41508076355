"""How sockets are made by addresses, alike for those that block, for asyncio and for AnyIO."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import contextmanager

from multiaddr_py import ConversionError
from multiaddr_py.codecs.ip import MAPPED
from multiaddr_py.net._attempts import NOT_THIS_MACHINE, Failures, located
from multiaddr_py.net.endpoint import Endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Protocol, TypeAlias, TypeVar

    from multiaddr_py import Multiaddr
    from multiaddr_py.net.sockaddr import AddressLike

    Allow: TypeAlias = Callable[[Multiaddr], bool]
    """Says whether an address may be dialled."""

    class Closable(Protocol):
        """What has to be closed at some time."""

        def close(self) -> None:
            """Close it; once it is closed do nothing."""

    C = TypeVar("C", bound=Closable)


# Which addresses


def remote_endpoint(address: AddressLike) -> Endpoint:
    """Read an address that is to be dialled."""
    endpoint = Endpoint.from_multiaddr(address)
    if endpoint.port == 0:
        hint = "dial the address that the listener says it has"
        raise ConversionError("port 0 is for listening, at any port that is free", str(endpoint.address), hint)
    return endpoint


def local_endpoint(address: AddressLike | None, remote: Endpoint) -> Endpoint | None:
    """Read the address that a socket is to be bound to before it connects to `remote`."""
    if address is None:
        return None
    local = Endpoint.from_multiaddr(address)
    if (local.type, local.proto) != (remote.type, remote.proto) or local.path is not None:
        raise ConversionError(f"a socket that connects to {remote.address} cannot be bound to it", str(local.address))
    local.sockaddr()  # a name is refused before anything is looked up
    if remote.family not in (local.family, socket.AF_UNSPEC):
        raise _unreachable(remote, local)
    return local


def listening_endpoint(address: AddressLike) -> Endpoint:
    """Read an address that is to be listened at."""
    endpoint = Endpoint.from_multiaddr(address)
    if "p2p-circuit" in endpoint.rest:
        hint = f"to listen at the part before it use {endpoint.address}"
        raise ConversionError("whoever listens through a relay needs the relay, not a socket", str(address), hint)
    return endpoint


def datagrams(endpoint: Endpoint, hint: str) -> Endpoint:
    """Return an endpoint, if it has datagrams."""
    if endpoint.type != socket.SOCK_DGRAM:
        raise ConversionError("only udp has datagrams", str(endpoint.address), hint)
    return endpoint


def reachable(
    endpoint: Endpoint, candidates: Sequence[Endpoint], local: Endpoint | None, allow: Allow | None
) -> Sequence[Endpoint]:
    """Return the candidates for an endpoint that a socket which is bound to `local` can reach, and that are allowed."""
    if local is not None:
        candidates = [candidate for candidate in candidates if candidate.family == local.family]
        if not candidates:
            raise _unreachable(endpoint, local)
    if allow is not None:
        candidates = [candidate for candidate in candidates if allow(candidate.to_multiaddr())]
        if not candidates:
            raise PermissionError(errno.EACCES, "no address of it is allowed", str(endpoint.address))
    return candidates


def _unreachable(remote: Endpoint, local: Endpoint) -> ConversionError:
    return ConversionError(f"a socket that is bound to {local.address} cannot connect to it", str(remote.address))


# Sockets


def bound_socket(endpoint: Endpoint, *, reuse_port: bool, ipv6_only: bool) -> socket.socket:
    """Return a socket that is bound to an endpoint of IP."""
    with closed_on_failure(new_socket(endpoint, ipv6_only=ipv6_only)) as sock:
        _bind(sock, endpoint, reuse_port=reuse_port)
        return sock


def unconnected(endpoint: Endpoint, local: Endpoint | None, *, reuse_port: bool) -> socket.socket:
    """Return a socket that can connect to an endpoint, bound to `local`."""
    with closed_on_failure(new_socket(endpoint, ipv6_only=True)) as sock:
        if local is not None:
            with located(local.address):
                _bind(sock, local, reuse_port=reuse_port)
        return sock


def first_bound(candidates: Sequence[Endpoint], *, reuse_port: bool, ipv6_only: bool) -> socket.socket:
    """Return a socket that is bound to the first candidate that is this machine's."""
    failures = Failures(NOT_THIS_MACHINE)
    for candidate in candidates:
        with failures.at(candidate.address):
            return bound_socket(candidate, reuse_port=reuse_port, ipv6_only=ipv6_only)
    raise failures.error()


def first_connected(candidates: Sequence[Endpoint], local: Endpoint | None, *, reuse_port: bool) -> socket.socket:
    """Return a socket for datagrams that is connected to the first candidate that it can be connected to.

    That sends nothing, and does not block.
    """
    failures = Failures()
    for candidate in candidates:
        with (
            failures.at(candidate.address),
            closed_on_failure(unconnected(candidate, local, reuse_port=reuse_port)) as sock,
        ):
            sock.connect(candidate.sockaddr())
            return sock
    raise failures.error()


def new_socket(endpoint: Endpoint, *, ipv6_only: bool) -> socket.socket:
    """Return a socket for an endpoint."""
    with closed_on_failure(socket.socket(endpoint.family, endpoint.type, endpoint.proto)) as sock:
        if endpoint.family == socket.AF_INET6:
            # A socket for IPv6 only has no use for an address that IPv4 is mapped into.
            ip6 = endpoint.address.get("ip6")
            mapped = ip6 is not None and ip6.raw_value.startswith(MAPPED)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, ipv6_only and not mapped)
        return sock


def _bind(sock: socket.socket, endpoint: Endpoint, *, reuse_port: bool) -> None:
    # The option lets a server start again at once. On Windows it does more: it lets a stranger take the port over;
    # and of datagrams it lets two sockets have one port, and one of them hear nothing.
    if os.name == "posix" and endpoint.type != socket.SOCK_DGRAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        if not hasattr(socket, "SO_REUSEPORT"):
            raise OSError(errno.EOPNOTSUPP, "this platform has no reuse_port")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(endpoint.sockaddr())


@contextmanager
def closed_on_failure(opened: C) -> Iterator[C]:
    """Close a socket, a listener or a server where something goes wrong; else it is the caller's."""
    try:
        yield opened
    except BaseException:
        opened.close()
        raise
