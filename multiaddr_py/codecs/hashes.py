"""Hashes and other bytes in multibase: peer IDs, certificate hashes, ECH configurations."""

from __future__ import annotations

from multiaddr_py._arguments import is_integer
from multiaddr_py._multibase import decode_multibase, write_base64
from multiaddr_py._multihash import Multihash, read_multihash, write_multihash
from multiaddr_py.codecs._codec import Codec
from multiaddr_py.peer_id import PeerId, check_peer_id, peer_id_to_raw, peer_id_to_text


def _peer_id_from_value(value: object) -> bytes:
    if not isinstance(value, PeerId):
        raise TypeError(f"its value is a PeerId, text or bytes, not {type(value).__name__}")
    return bytes(value)


def _multihash_to_raw(text: str) -> bytes:
    raw = decode_multibase(text)
    read_multihash(raw)
    return raw


def _multihash_from_value(value: object) -> bytes:
    if not isinstance(value, Multihash):
        raise TypeError(f"its value is a Multihash, text or bytes, not {type(value).__name__}")
    if not is_integer(value.code) or not isinstance(value.digest, bytes):
        raise TypeError("its value is a Multihash of an int and bytes")
    return write_multihash(value)


def _to_base64url(raw: bytes) -> str:
    return "u" + write_base64(raw, "-_").rstrip("=")


PEER_ID = Codec(
    "peer_id", peer_id_to_raw, peer_id_to_text, check_peer_id, to_value=PeerId._make, from_value=_peer_id_from_value
)
MULTIHASH = Codec(
    "multihash",
    _multihash_to_raw,
    _to_base64url,
    read_multihash,
    to_value=read_multihash,
    from_value=_multihash_from_value,
)
MULTIBASE = Codec("multibase", decode_multibase, _to_base64url, to_value=bytes)
