"""Where nodes can be, of what they are said to be at: the addresses of discovery, and those for connections."""

from __future__ import annotations

import socket
from typing import Final

from multiaddr_py import Multiaddr

from .buckets import network_of
from .fields import Addresses
from .reach import is_for, is_of_use

MOST_DIAL: Final = 3  # addresses for connections that are kept, and told, of a contact


def is_place(address: Multiaddr) -> bool:
    """Say whether somebody can be at an address of UDP as it stands: no name, which would have to be looked up."""
    return is_for(address, socket.SOCK_DGRAM) and address[0].name in ("ip4", "ip6") and is_of_use(address, address)


def source_of(address: Multiaddr) -> bytes:
    """Return what is treated as one sender: a network of the Internet, or else an address with its port."""
    return network_of(address) or bytes(address)


def dial_of(addresses: Addresses, teller: Multiaddr) -> Addresses:
    """Return where connections are accepted, of what somebody at an address says."""
    return tuple(one for one in addresses if is_for(one, socket.SOCK_STREAM) and is_of_use(one, teller))[:MOST_DIAL]
