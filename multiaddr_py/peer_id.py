"""Peer IDs: the multihash of a node's public key.

https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
"""

from __future__ import annotations

from multiaddr_py._arguments import plain, spell
from multiaddr_py._frozen import Binary, final, set_bytes
from multiaddr_py._multibase import decode_multibase, read_base58, write_base32, write_base36, write_base58
from multiaddr_py._multihash import IDENTITY, SHA2_256, read_multihash
from multiaddr_py._pydantic import text_schema
from multiaddr_py._varint import read_varint, write_varint
from multiaddr_py.errors import ParseError, hint_of, hinted, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from pydantic_core import CoreSchema

MOST_CHARACTERS = 128
_MOST_INLINED = 42  # bytes of a public key that is not hashed
_SIZES = {bytes([SHA2_256, 32]): 34} | {bytes([IDENTITY, length]): 2 + length for length in range(_MOST_INLINED + 1)}
"""How a peer ID's multihash can begin, with the hash's code and the digest's length, and its size then."""
_LIBP2P_KEY = 0x72
_CID_PREFIX = bytes([1, _LIBP2P_KEY])  # the version and the codec, both varints
_KEY_TYPES = {0: "RSA", 1: "Ed25519", 2: "Secp256k1", 3: "ECDSA"}


def peer_id_to_raw(text: str) -> bytes:
    """Read a peer ID's text into its multihash."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"a peer ID has at most {MOST_CHARACTERS} characters")
    if text.startswith("Qm") and len(text) != 46:
        raise ValueError(f"a peer ID that begins with Qm has 46 characters, not {len(text)}")
    if text.startswith(("Qm", "1")):
        raw = read_base58(text)
    elif text:
        raw = _multihash_of_cid(decode_multibase(text))
    else:
        raise ValueError("a peer ID has at least one character")
    check_peer_id(raw)
    return raw


def peer_id_to_text(raw: bytes) -> str:
    """Write a peer ID's multihash as text."""
    return write_base58(raw)


def check_peer_id(raw: bytes) -> None:
    """Check that bytes are the multihash of a peer ID."""
    if _SIZES.get(raw[:2]) == len(raw):
        return
    code, digest = read_multihash(raw)
    if code == SHA2_256:
        raise ValueError(f"a sha2-256 digest has 32 bytes, not {len(digest)}")
    if code == IDENTITY:
        raise ValueError(f"a key in a peer ID has at most {_MOST_INLINED} bytes, not {len(digest)}")
    raise ValueError(f"a peer ID is a sha2-256 or an identity multihash, not one of code {code:#x}")


def _multihash_of_cid(cid: bytes) -> bytes:
    version, position = read_varint(cid, 0)
    if version != 1:
        raise ValueError(f"a peer ID in multibase is a CID of version 1, not {version}")
    codec, position = read_varint(cid, position)
    if codec != _LIBP2P_KEY:
        raise hinted(f"a peer ID is a CID of codec libp2p-key, not {codec:#x}", "is this content, not a peer?")
    return cid[position:]


@final
class PeerId(Binary):
    """A peer ID: equal, ordered and hashed by the bytes of its multihash.

    >>> PeerId("bafzaajaiaejcbvszjytmvzcufrfvzxs4wzrqaijkox7ksvjq2wsr4wfl7gii5zmd")
    PeerId('12D3KooWQF6Q3i1QkziJQ9mkNNcyFD8GPQz6R6oEvT75wgsVXm4v')
    """

    __slots__ = ()

    def __init__(self, peer_id: str | bytes | bytearray | memoryview | PeerId, /) -> None:
        """Read text (base58btc, or a CIDv1 in multibase) or the bytes of the multihash; raise `ParseError`."""
        source = peer_id._bytes if isinstance(peer_id, PeerId) else plain(peer_id)
        if source is None:
            raise TypeError(f"a peer ID is read from text or bytes, not from {type(peer_id).__name__}")
        try:
            if isinstance(source, str):
                raw = peer_id_to_raw(source)
            else:
                check_peer_id(source)
                raw = source
        except ValueError as error:
            raise ParseError(f"{quote(source)} is no peer ID: {error}", source, 0, None, hint_of(error)) from error
        self._fill(_bytes=raw)

    @classmethod
    def _make(cls, raw: bytes) -> PeerId:
        """Return the peer ID of a checked multihash."""
        self = object.__new__(cls)
        set_bytes(self, raw)
        return self

    def __str__(self) -> str:
        return peer_id_to_text(self._bytes)

    def __repr__(self) -> str:
        return f"PeerId({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return PeerId, (self._bytes,)

    @classmethod
    def from_key(cls, name: str, key: bytes) -> PeerId:
        """Return the peer ID of a public key, as `key` has it: its type and its bytes, 32 of them for Ed25519.

        The bytes of the other types are those of the peer ID specification, and are not looked at.
        Raises `ValueError` for another type, and for a key of Ed25519 that has another length.

        >>> PeerId.from_key("Ed25519", bytes(32)).key == ("Ed25519", bytes(32))
        True
        """
        code = next((code for code, known in _KEY_TYPES.items() if known == name), None)
        if code is None:
            raise ValueError(f"a public key is of type {', '.join(_KEY_TYPES.values())}, not {quote(name)}")
        if name == "Ed25519" and len(key) != 32:
            raise ValueError(f"a key of Ed25519 has 32 bytes, not {len(key)}")
        message = bytes([0x08, code, 0x12]) + write_varint(len(key)) + key
        if len(message) <= _MOST_INLINED:
            return cls._make(bytes([IDENTITY, len(message)]) + message)
        from hashlib import sha256  # late: it loads OpenSSL, and few make peer IDs of such keys

        return cls._make(bytes([SHA2_256, 32]) + sha256(message).digest())

    def to_cid(self, base: Literal["base32", "base36"] = "base32") -> str:
        """Write the peer ID as a CIDv1 of codec libp2p-key in multibase; raise `ValueError` for another base."""
        cid = _CID_PREFIX + self._bytes
        if base == "base32":
            return "b" + write_base32(cid)
        if base == "base36":
            return "k" + write_base36(cid)
        raise ValueError(f"a peer ID is written in base32 or base36, not in {quote(spell(base))}")

    @property
    def key(self) -> tuple[str, bytes] | None:
        """The public key's type and its bytes if the peer ID contains the key, otherwise None.

        Types are those of the peer ID specification: RSA, Ed25519, Secp256k1, ECDSA.
        """
        code, digest = self._bytes[0], self._bytes[2:]  # of a peer ID, both varints are of one byte
        # A protobuf message with exactly two fields: 1, the type, and 2, the key. Its encoding is deterministic.
        if (
            code != IDENTITY
            or len(digest) < 4
            or digest[0] != 0x08
            or digest[2] != 0x12
            or digest[3] != len(digest) - 4
        ):
            return None
        name = _KEY_TYPES.get(digest[1])
        return None if name is None else (name, digest[4:])

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return text_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, str]:
        return {"type": "string", "format": "libp2p-peer-id"}
