"""What connected nodes say to each other, and how it is framed.

A frame is the name of a command, 12 bytes with zeros at the end; the size of its payload, 4 bytes, the largest first;
and the payload, the fields of the command's message (`fields.py`). A payload that is larger than its command's limit
is not read, and whoever sends it, or anything else that is no message, is not listened to any longer.

    version   who dials says it first; who accepts the connection answers with it, or with `bye`
    bye       this connection ends, and why; perhaps others have a place
    ping      is to be answered by a `pong` with its token
    getinv    asks for the hashes of the items from a place on, in the order in which they have come
    inv       these are some; the list goes on at the place `next`, ends if that is 0, and is mere news if it is null
    getdata   asks for the item of a hash, which is an `item` or `notfound`
    getaddr   asks for addresses of other nodes, which are an `addr`
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeAlias

import msgspec

from multiaddr_py import Multiaddr

from .channel import Channel
from .fields import LARGEST_ITEM, Addresses, Fields, Hash, MessageError, Number, Text, decode, encode

PROTOCOL: Final = 1
"""The version of all this: nodes that speak another one do not talk."""
COMMAND_SIZE: Final = 12
MOST_HASHES: Final = 1_000
MOST_TOLD: Final = 64

Told: TypeAlias = Annotated[tuple[Multiaddr, ...], msgspec.Meta(max_length=MOST_TOLD)]
"""Addresses of other nodes, which end in their peer IDs."""


class Version(Fields, frozen=True):
    """The protocol's version, how many items there are, and the addresses of the sender and of the receiver."""

    protocol: Number
    height: Number
    addresses: Addresses
    """Where the sender accepts connections, and hears the datagrams of its discovery."""
    seen: Multiaddr | None
    """As whom the sender sees the receiver; a Unix socket may have no name."""


class Bye(Fields, frozen=True):
    """Why the sender ends the connection, and where others may be."""

    reason: Text
    others: Told = ()


class Ping(Fields, frozen=True):
    """Ask whether the receiver is there."""

    token: Number


class Pong(Fields, frozen=True):
    """Say that it is."""

    token: Number


class GetInv(Fields, frozen=True):
    """Ask which items the receiver has, from a place on."""

    place: Number


class Inv(Fields, frozen=True):
    """Say which the sender has."""

    hashes: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=MOST_HASHES)]
    next: Number | None


class GetData(Fields, frozen=True):
    """Ask for the item of a hash."""

    hash: Hash


class Item(Fields, frozen=True):
    """Say what it is; the hash of that tells of which it is."""

    content: Annotated[bytes, msgspec.Meta(min_length=1, max_length=LARGEST_ITEM)]


class NotFound(Fields, frozen=True):
    """Say that the sender does not have it."""

    hash: Hash


class GetAddr(Fields, frozen=True):
    """Ask where other nodes are."""


class Addr(Fields, frozen=True):
    """Say where the sender has reached them."""

    addresses: Told


Message: TypeAlias = Version | Bye | Ping | Pong | GetInv | Inv | GetData | Item | NotFound | GetAddr | Addr


class Command(NamedTuple):
    """What a command's payload is, and how many bytes of it there can be."""

    kind: type[Message]
    most: int


COMMANDS: Final = {
    b"version": Command(Version, 4_096),
    b"bye": Command(Bye, 20_480),
    b"ping": Command(Ping, 16),
    b"pong": Command(Pong, 16),
    b"getinv": Command(GetInv, 16),
    b"inv": Command(Inv, 34 * MOST_HASHES + 16),
    b"getdata": Command(GetData, 48),
    b"item": Command(Item, LARGEST_ITEM + 16),
    b"notfound": Command(NotFound, 48),
    b"getaddr": Command(GetAddr, 16),
    b"addr": Command(Addr, 20_480),
}
_NAMES: Final = {command.kind: name for name, command in COMMANDS.items()}


def to_frame(message: Message) -> bytes:
    """Write a message."""
    payload = encode(message)
    return _NAMES[type(message)].ljust(COMMAND_SIZE, b"\0") + len(payload).to_bytes(4) + payload


async def read_message(channel: Channel) -> Message:
    """Read the next message; raises `MessageError` for anything else, or what the channel raises."""
    name = (await channel.read(COMMAND_SIZE)).rstrip(b"\0")
    command = COMMANDS.get(name)
    if command is None:
        raise MessageError(f"there is no command {name!r}")
    size = int.from_bytes(await channel.read(4))
    if size > command.most:
        raise MessageError(f"a payload of {size} bytes is too large for {name.decode()}, which may have {command.most}")
    return decode(command.kind, await channel.read(size))
