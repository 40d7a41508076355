"""From addresses to sockets and back: endpoints, listeners, interfaces, scopes and filters.

>>> from multiaddr_py.net import connect, listen
>>> with listen("/ip4/127.0.0.1/tcp/0") as listener, connect(listener.address) as sock:
...     accepted, peer = listener.accept()
...     with accepted:
...         peer == from_socket(sock)
True

`multiaddr_py.net.asyncio` has the same for asyncio, `multiaddr_py.net.anyio` for AnyIO and Trio.
"""

from multiaddr_py.net.endpoint import Endpoint
from multiaddr_py.net.interfaces import expand_unspecified, interface_addresses, thin_waist
from multiaddr_py.net.sockaddr import from_ip, from_sockaddr, from_socket, to_ip_network
from multiaddr_py.net.sockets import DatagramSocket, Listener, bind, connect, listen

__all__ = [
    "DatagramSocket",
    "Endpoint",
    "Listener",
    "bind",
    "connect",
    "expand_unspecified",
    "from_ip",
    "from_sockaddr",
    "from_socket",
    "interface_addresses",
    "listen",
    "thin_waist",
    "to_ip_network",
]
