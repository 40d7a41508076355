"""How values are written in messages: as MessagePack, by the types of a message's fields.

What is read has exactly the fields that its type has, and is no larger than they allow.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec

from multiaddr_py import Multiaddr

MOST_ADDRESSES: Final = 8
MOST_ADDRESS_BYTES: Final = 255
LONGEST_TEXT: Final = 200
LARGEST_ITEM: Final = 65_536  # bytes of what nodes keep, and pass on, under its hash

Hash: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
"""A SHA-256 hash."""
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
Addresses: TypeAlias = Annotated[tuple[Multiaddr, ...], msgspec.Meta(max_length=MOST_ADDRESSES)]
"""A node's own addresses."""
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]


class MessageError(ValueError):
    """These bytes are no such message."""


class Fields(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a message says; a subclass has its fields."""


T = TypeVar("T", bound=Fields)


def encode(message: Fields) -> bytes:
    """Write the fields of a message."""
    return msgspec.msgpack.encode(message, enc_hook=bytes)


def decode(kind: type[T], payload: bytes) -> T:
    """Read the fields of a message of a kind; raises `MessageError`."""
    try:
        return msgspec.msgpack.decode(payload, type=kind, dec_hook=_read)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"this is no {kind.__name__.lower()}: {error}") from error


def _read(kind: type[Any], value: object) -> object:
    """Read what MessagePack has no type for: an address, or a peer ID."""
    if not isinstance(value, bytes) or not 0 < len(value) <= MOST_ADDRESS_BYTES:
        raise ValueError(f"1 to {MOST_ADDRESS_BYTES} bytes are wanted")
    return kind(value)
