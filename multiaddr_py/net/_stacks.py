"""Of what a socket's part of an address is made: one table of hosts, transports, and what runs above them.

That part stands at the front. What follows it is for the program that talks through the socket.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from multiaddr_py import Component, Multiaddr

IPPROTO_SCTP: Final = 132
IPPROTO_DCCP: Final = 33
IPPROTO_MPTCP: Final = 262
SOCK_DCCP: Final = 6
"""IANA's numbers, and Linux's, for what `socket` does not name on every platform."""

FAMILIES: Final = {
    "ip4": socket.AF_INET,
    "ip6": socket.AF_INET6,
    "dns": socket.AF_UNSPEC,
    "dns4": socket.AF_INET,
    "dns6": socket.AF_INET6,
}
"""The hosts that a port stands behind; with `unix` these are all that a socket's part begins with."""

NAMES: Final = ("dns", "dns4", "dns6")
"""The hosts that have to be looked up."""

TRANSPORTS: Final[Mapping[str, tuple[int, int]]] = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_STREAM, IPPROTO_SCTP),
    "dccp": (SOCK_DCCP, IPPROTO_DCCP),
}
"""The type and the protocol of a socket."""

_STREAMS = ("tcp", "sctp", "unix")

STANDS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(TRANSPORTS, tuple(FAMILIES)),
    **dict.fromkeys(("quic", "quic-v1", "webrtc-direct", "utp", "udt"), ("udp",)),
    **dict.fromkeys(("tls", "noise", "plaintextv2", "http", "https"), _STREAMS),
    **dict.fromkeys(("ws", "wss", "x-parity-ws", "x-parity-wss"), _STREAMS),
    "webtransport": ("quic-v1", "quic"),
}
"""What may stand directly below; where nothing is said here, anything may."""

PORTS: Final = {"http": 80, "ws": 80, "https": 443, "tls": 443, "wss": 443}
"""The usual ports, for hints."""

NO_SOCKET: Final[Mapping[str, tuple[str, str]]] = {
    "p2p": ("a peer ID says who, not where", "look up an address of the peer, and put it in front"),
    "p2p-circuit": ("the relay's own address is missing", "put it in front of p2p-circuit"),
    "dnsaddr": ("dnsaddr stands for whatever addresses its TXT records have", "look them up, and use one of those"),
    "onion": ("a Tor service is reached through Tor only", "connect to Tor's SOCKS proxy, and ask it for the service"),
    "onion3": ("a Tor service is reached through Tor only", "connect to Tor's SOCKS proxy, and ask it for the service"),
    "garlic64": ("an I2P destination is reached through I2P only", "connect to the bridge of an I2P router"),
    "garlic32": ("an I2P destination is reached through I2P only", "connect to the bridge of an I2P router"),
    "memory": ("memory is the inside of one process", "use /ip4/127.0.0.1/tcp/PORT or /unix/PATH"),
    "http-path": ("a path says what, not where", "put the server's address in front, as in /dns/NAME/tcp/80/http"),
    "ip6zone": ("a zone belongs to an IPv6 address", "put /ip6/ADDRESS behind it"),
}
"""Why an address that begins with one of these has no socket, and what to do about it."""


class Front(NamedTuple):
    """The first components of an address, by the part they take; None where there is none."""

    zone: Component | None
    host: Component | None
    """What the address begins with, behind a zone; not always something that a socket can use."""
    port: Component | None
    """The transport with its port."""
    above: str | None
    """The name of the first protocol that a socket does not need."""
    end: int
    """Where the part of the socket ends in the address's bytes."""


def read_front(address: Multiaddr) -> Front:
    """Take the front of any address apart, whether a socket can be made of it or not."""
    spans = address._spans()[:4]
    by_code = address.registry._by_code
    names: list[str | None] = [*(by_code[span[0]].name for span in spans), None, None]
    components = address._components(spans)
    zone = host = port = None
    place = 0
    if names[place] == "ip6zone":
        zone = next(components)
        place += 1
    if names[place] is not None:
        host = next(components)
        place += 1
        if names[place] in TRANSPORTS and host.protocol.name in FAMILIES:
            port = next(components)
            place += 1
    return Front(zone, host, port, names[place], spans[place - 1][3] if place else 0)
