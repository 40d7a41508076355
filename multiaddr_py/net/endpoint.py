"""Endpoints: what a socket needs, taken from the front of an address, plus the rest of it."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address

from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py._frozen import Frozen, final
from multiaddr_py.errors import quote
from multiaddr_py.net._attempts import Deadline, located, within
from multiaddr_py.net._names import fault_of_name
from multiaddr_py.net._stacks import FAMILIES, NAMES, NO_SOCKET, PORTS, STANDS_ON, TRANSPORTS, read_front
from multiaddr_py.net.sockaddr import from_sockaddr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final, Never, TypeAlias

    from multiaddr_py.net._stacks import Front
    from multiaddr_py.net.sockaddr import AddressLike, Sockaddr

    Found: TypeAlias = Iterable[tuple[int, int, int, str, Any]]
    """What `getaddrinfo` returns."""

_LONGEST_PATH: Final = 108  # of all platforms; most allow a few bytes less, and say so themselves
_AF_UNIX: Final = getattr(socket, "AF_UNIX", None)


@final
class Endpoint(Frozen):
    """What a socket needs to connect or to listen, and what follows it in the address.

    >>> endpoint = Endpoint.from_multiaddr("/ip4/127.0.0.1/tcp/80/ws")
    >>> endpoint.sockaddr(), endpoint.rest
    (('127.0.0.1', 80), Multiaddr('/ws'))

    Endpoints are equal when the addresses are that they were read from.
    """

    __slots__ = ("_whole", "_end", "family", "type", "proto", "host", "is_name", "port", "zone", "path")  # noqa: RUF023  `_SETTERS` goes by the order
    _whole: Multiaddr
    _end: int
    """Where the front ends in the address's bytes."""
    family: socket.AddressFamily
    """`AF_INET`, `AF_INET6` or `AF_UNIX`; `AF_UNSPEC` for a name of `dns`, which may stand for both of the former."""
    type: int
    """`SOCK_STREAM`, `SOCK_DGRAM`, or Linux's type of DCCP."""
    proto: int
    host: str | None
    """An IP address or a name; None for a Unix socket."""
    is_name: bool
    """Whether the host is a name, which `resolve` looks up."""
    port: int | None
    zone: str | None
    """The interface that a link-local IPv6 address belongs to, by name or number."""
    path: bytes | None
    """The path of a Unix socket; that of an abstract one begins with a zero byte."""

    def __init__(self, *arguments: Never) -> None:
        raise TypeError("an endpoint is read from an address: Endpoint.from_multiaddr(address)")

    @classmethod
    def from_multiaddr(cls, address: AddressLike) -> Endpoint:
        """Read the front of an address, nothing of what is inside a relay; names are not looked up.

        Raises `ConversionError` for an address that has no endpoint: it says what is missing and what would do.

        >>> Endpoint.from_multiaddr("/dns4/example.com/https")
        Traceback (most recent call last):
        multiaddr_py.errors.ConversionError: '/dns4/example.com/https': dns4 has no port; put /tcp/443 behind it
        """
        if not isinstance(address, Multiaddr):
            address = Multiaddr(address)
        front = read_front(address)
        fault = _fault(front)
        if fault is not None:
            raise ConversionError(fault[0], str(address), fault[1])
        zone, host, port, _, end = front
        assert host is not None  # its absence is a fault
        if port is None:
            return cls._make(address, end, _AF_UNIX, socket.SOCK_STREAM, 0, None, False, None, None, host.raw_value)
        family = FAMILIES[host.name]
        kind, proto = TRANSPORTS[port.name]
        zone_name = None if zone is None else zone.value
        number = int.from_bytes(port.raw_value)
        return cls._make(address, end, family, kind, proto, host.value, host.name in NAMES, number, zone_name, None)

    @classmethod
    def _make(cls, *fields: object) -> Endpoint:
        """Return an endpoint of its fields in the order of the slots."""
        self = object.__new__(cls)
        for set_field, value in zip(_SETTERS, fields):  # noqa: B905  this is fast, which is why it is not `_fill`
            set_field(self, value)
        return self

    @property
    def address(self) -> Multiaddr:
        """The front, which is what the socket needs."""
        return self._whole._cut(0, self._end)

    @property
    def rest(self) -> Multiaddr:
        """What follows the front, often nothing; of a relayed address all but the relay's own front is in it."""
        return self._whole._cut(self._end, len(bytes(self._whole)))

    def to_multiaddr(self) -> Multiaddr:
        """Return the address that the endpoint was read from."""
        return self._whole

    def __repr__(self) -> str:
        return f"Endpoint.from_multiaddr({str(self._whole)!r})"

    def __eq__(self, other: object) -> bool:
        return self._whole == other._whole if type(other) is Endpoint else NotImplemented

    def __hash__(self) -> int:
        return hash(self._whole)

    def __reduce__(self) -> tuple[object, ...]:
        return Endpoint.from_multiaddr, (self._whole,)

    def sockaddr(self, family: int | None = None) -> Sockaddr:
        """Return what `socket.connect` and `socket.bind` take; of IPv6 with flow 0 and the scope ID of the zone.

        `family` is that of the socket, where it may be another one than the endpoint's:
        for one of IPv6 an IPv4 address is mapped, as `::ffff:192.0.2.7`.
        Raises `ConversionError` for a name, for a zone that this machine does not have,
        for a link-local address without one, which platforms take differently, and for a family that does not fit.
        """
        if family not in (None, self.family) and not self.is_name:
            if (self.family, family) == (socket.AF_INET, socket.AF_INET6):
                return f"::ffff:{self.host}", self.port or 0, 0, 0
            raise ConversionError("a socket of another family cannot use it", str(self.address))
        if self.path is not None:
            return self.path
        assert self.host is not None
        assert self.port is not None
        if self.is_name:
            raise ConversionError(f"{self.host} is a name", str(self.address), "resolve() gives its addresses")
        if self.family == socket.AF_INET:
            return self.host, self.port
        if self.zone is not None:
            return self.host, self.port, 0, self._scope_id(self.zone)
        if self._lacks_zone():
            raise ConversionError(
                "a link-local address needs a zone", str(self.address), "put /ip6zone/INTERFACE in front"
            )
        return self.host, self.port, 0, 0

    def _scope_id(self, zone: str) -> int:
        try:
            return socket.if_nametoindex(zone)
        except (OSError, ValueError) as error:
            if zone.isascii() and zone.isdecimal() and len(zone) < 10:  # RFC 4007, section 11.2
                return int(zone)
            names = ", ".join(name for _, name in socket.if_nameindex())
            raise ConversionError(
                f"there is no interface {quote(zone)}", str(self.address), f"there are {names}"
            ) from error

    def resolve(self, *, timeout: float | None = None) -> tuple[Endpoint, ...]:
        """Look the name up, and return an endpoint for each of its addresses, in the resolver's order.

        What is no name is returned as it is. Raises `socket.gaierror` where nothing is found,
        and `TimeoutError` after `timeout` seconds; both are an `OSError` with the address as `filename`.
        """
        deadline = Deadline(timeout)
        if not self.is_name:
            return (self,)
        with located(self.address):
            look_up = socket.getaddrinfo
            found = within(deadline.left(), look_up, self.host, self.port, self.family, socket.SOCK_STREAM)
        return self._resolved(found)

    def _resolved(self, found: Found) -> tuple[Endpoint, ...]:
        """Return an endpoint for each address that was found for the name; the type of socket is this one's."""
        addresses = [
            from_sockaddr(family, sockaddr, self.type, self.proto, registry=self.address.registry)
            for family, _, _, _, sockaddr in found
            if family in (socket.AF_INET, socket.AF_INET6)
        ]
        endpoints = [Endpoint.from_multiaddr(address.encapsulate(self.rest)) for address in dict.fromkeys(addresses)]
        usable = tuple(endpoint for endpoint in endpoints if not endpoint._lacks_zone())  # DNS has no zones
        if not usable:
            reason = "it has no address, or link-local ones only"
            raise socket.gaierror(socket.EAI_NONAME, reason, str(self.address))
        return usable

    def _lacks_zone(self) -> bool:
        return self.family == socket.AF_INET6 and self.zone is None and IPv6Address(self.host).is_link_local


_SETTERS: Final = [Endpoint.__dict__[name].__set__ for name in Endpoint.__slots__]


def _fault(front: Front) -> tuple[str, str | None] | None:
    """Say what keeps the front of an address from being an endpoint, and what would do; None for nothing."""
    zone, host, port, above, _ = front
    if zone is not None and (host is None or host.name != "ip6"):
        return NO_SOCKET["ip6zone"]
    if host is None:
        return "the empty address says nothing", None
    if host.name in NO_SOCKET:
        return NO_SOCKET[host.name]
    if host.name == "unix":
        fault = _fault_of_path(host.raw_value)
    elif host.name not in FAMILIES:
        return f"{host.name} does not say where", "put a host in front, as in /ip4/192.0.2.1/tcp/4001"
    elif port is None:
        return _no_port(host.name, above)
    else:
        fault = fault_of_name(host.value or "") if host.name in NAMES else None
    below = (port or host).name
    if fault is None and above is not None and below not in STANDS_ON.get(above, (below,)):
        return f"{above} runs over {_either(STANDS_ON[above])}, not over {below}", None
    return fault


def _either(names: tuple[str, ...]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _no_port(host: str, above: str | None) -> tuple[str, str]:
    if above is None or above not in STANDS_ON:
        return f"{host} has no port", "put /tcp/PORT or /udp/PORT behind it"
    return f"{host} has no port", f"put /{STANDS_ON[above][0]}/{PORTS.get(above, 'PORT')} behind it"


def _fault_of_path(path: bytes) -> tuple[str, str | None] | None:
    if _AF_UNIX is None:
        return "this platform's Python has no Unix sockets", "use /ip4/127.0.0.1/tcp/PORT"
    if len(path) > _LONGEST_PATH:
        return f"the path of a socket has at most {_LONGEST_PATH} bytes", None
    if b"\0" in path[1:] and path[0] != 0:
        return "the path of a socket has no zero byte", "an abstract one begins with it: /unix/%00NAME"
    return None
