"""From addresses to sockets and back: endpoints, listeners, interfaces, scopes and filters.

>>> from multiaddr_py.net import connect, from_socket, listen
>>> with listen("/ip4/127.0.0.1/tcp/0") as listener, connect(listener.address) as sock:
...     accepted, peer = listener.accept()
...     with accepted:
...         peer == from_socket(sock)
True

`multiaddr_py.net.asyncio` has the same for asyncio, `multiaddr_py.net.anyio` for AnyIO and Trio.
"""

from multiaddr_py.net.endpoint import Endpoint
from multiaddr_py.net.filters import Decision, Filter, Rule
from multiaddr_py.net.interfaces import expand_unspecified, interface_addresses, thin_waist
from multiaddr_py.net.scopes import (
    Finding,
    RegistryRow,
    Scope,
    is_loopback,
    is_private,
    is_public,
    is_relayed,
    is_thin_waist,
    is_unspecified,
    scope,
)
from multiaddr_py.net.sockaddr import AddressLike, from_ip, from_sockaddr, from_socket, to_ip_network
from multiaddr_py.net.sockets import DatagramSocket, Listener, bind, connect, listen

__all__ = [
    "AddressLike",
    "DatagramSocket",
    "Decision",
    "Endpoint",
    "Filter",
    "Finding",
    "Listener",
    "RegistryRow",
    "Rule",
    "Scope",
    "bind",
    "connect",
    "expand_unspecified",
    "from_ip",
    "from_sockaddr",
    "from_socket",
    "interface_addresses",
    "is_loopback",
    "is_private",
    "is_public",
    "is_relayed",
    "is_thin_waist",
    "is_unspecified",
    "listen",
    "scope",
    "thin_waist",
    "to_ip_network",
]
