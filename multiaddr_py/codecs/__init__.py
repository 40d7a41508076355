"""The codecs, by the names that the protocol table has for them."""

from __future__ import annotations

from types import MappingProxyType

from multiaddr_py.codecs._codec import Codec
from multiaddr_py.codecs.garlic import GARLIC32, GARLIC64
from multiaddr_py.codecs.hashes import MULTIBASE, MULTIHASH, PEER_ID
from multiaddr_py.codecs.ip import IP4, IP6
from multiaddr_py.codecs.name import TEXT
from multiaddr_py.codecs.number import UINT8, UINT16, UINT64
from multiaddr_py.codecs.onion import ONION, ONION3
from multiaddr_py.codecs.percent import PATH, PERCENT

__all__ = ["CODECS", "Codec"]

CODECS = MappingProxyType(
    {
        codec.name: codec
        for codec in (
            IP4,
            IP6,
            TEXT,
            UINT8,
            UINT16,
            UINT64,
            PEER_ID,
            MULTIHASH,
            MULTIBASE,
            PATH,
            PERCENT,
            ONION,
            ONION3,
            GARLIC64,
            GARLIC32,
        )
    }
)
