"""Multiaddrs: the self-describing network addresses of libp2p and IPFS.

>>> from multiaddr_py import Multiaddr
>>> address = Multiaddr("/ip4/127.0.0.1/udp/1234")
>>> address.value_for_protocol("udp")
'1234'
"""

from multiaddr_py._base import ACCELERATED
from multiaddr_py._multihash import Multihash
from multiaddr_py.codecs import CODECS, Codec
from multiaddr_py.codecs.onion import OnionAddress
from multiaddr_py.component import Component
from multiaddr_py.errors import (
    ConversionError,
    MultiaddrError,
    ParseError,
    ProtocolNotFoundError,
    RegistryError,
    UnknownProtocolError,
)
from multiaddr_py.multiaddr import Multiaddr
from multiaddr_py.peer_id import PeerId
from multiaddr_py.registry import REGISTRY, Protocol, Registry

__version__ = "0.1.0"

__all__ = [
    "ACCELERATED",
    "CODECS",
    "REGISTRY",
    "Codec",
    "Component",
    "ConversionError",
    "Multiaddr",
    "MultiaddrError",
    "Multihash",
    "OnionAddress",
    "ParseError",
    "PeerId",
    "Protocol",
    "ProtocolNotFoundError",
    "Registry",
    "RegistryError",
    "UnknownProtocolError",
    "__version__",
]
