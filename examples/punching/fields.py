"""How the fields of messages are written, by type; there is one way for each value.

    Token            16 bytes at random
    bool             one byte, 0 or 1
    Kind             one byte, the kind's place in its list
    int              four bytes, the largest first
    Name, Text       UTF-8, after its length in bytes: one byte of it and two
    bytes            after their length, two bytes
    Multiaddr        the bytes of an address, after their length, one byte
    Addresses        how many, in one byte, and each as above
    Padding          zeros, after their number, two bytes

Readers raise `MessageError`, or what `decode` makes one of: `ParseError` of an address, `UnicodeDecodeError` of a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple, NewType, TypeAlias

from multiaddr_py import Multiaddr
from punching.nat import Kind

TOKEN_SIZE: Final = 16
LONGEST_NAME: Final = 32  # bytes of a peer's name
LONGEST_TEXT: Final = 1024  # bytes of what a peer says
MOST_ADDRESSES: Final = 8

Token = NewType("Token", bytes)
Name = NewType("Name", str)
Text = NewType("Text", str)
Padding = NewType("Padding", int)
Addresses: TypeAlias = tuple[Multiaddr, ...]


class MessageError(ValueError):
    """These bytes are no message, or what they should say is too long for one."""


class Reader:
    """The bytes of a message that were not read yet."""

    def __init__(self, unread: bytes) -> None:
        self.unread = unread

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        if len(self.unread) < size:
            raise MessageError("the message is cut off")
        taken, self.unread = self.unread[:size], self.unread[size:]
        return taken

    def number(self, size: int) -> int:
        """Return the next bytes as a number."""
        return int.from_bytes(self.take(size))

    def sized(self, size: int) -> bytes:
        """Return the bytes that follow their length, which has so many bytes itself."""
        return self.take(self.number(size))


class Field(NamedTuple):
    """How values of a type are written and read."""

    write: Callable[..., bytes]
    read: Callable[[Reader], object]


def sized(content: bytes, size: int) -> bytes:
    """Return bytes after their length, which has so many bytes itself."""
    try:
        return len(content).to_bytes(size) + content
    except OverflowError:
        raise MessageError(f"{len(content)} bytes are too many for a field of a message") from None


def write_token(token: Token) -> bytes:
    """Write 16 bytes."""
    if len(token) != TOKEN_SIZE:
        raise MessageError(f"a token has {TOKEN_SIZE} bytes, not {len(token)}")
    return token


def write_number(number: int) -> bytes:
    """Write four bytes."""
    try:
        return number.to_bytes(4)
    except OverflowError:
        raise MessageError(f"{number} is too large a number for a message") from None


def read_choice(reader: Reader, choices: list[object]) -> object:
    """Read the place of something in a list."""
    place = reader.number(1)
    if place >= len(choices):
        raise MessageError(f"there is no choice {place} of {len(choices)}")
    return choices[place]


def to_text(text: str) -> Text:
    """Return a text that is not too long, and is UTF-8."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:  # a surrogate
        raise MessageError(f"{text!r} is no text") from error
    if size > LONGEST_TEXT:
        raise MessageError(f"a text of {size} bytes is too long: it may have {LONGEST_TEXT}")
    return Text(text)


def to_name(name: str) -> Name:
    """Return a name, which can stand in a sentence."""
    if not re.fullmatch(r"[\w.-]+", name):
        raise MessageError(f"a name has letters, digits, '.', '_' and '-', unlike {name!r}")
    if len(name.encode()) > LONGEST_NAME:
        raise MessageError(f"a name has at most {LONGEST_NAME} bytes, and {name!r} has {len(name.encode())}")
    return Name(name)


def write_address(address: Multiaddr) -> bytes:
    """Write an address."""
    if not address:
        raise MessageError("the empty address says nothing")
    return sized(bytes(address), 1)


def read_address(reader: Reader) -> Multiaddr:
    """Read an address."""
    return Multiaddr(reader.sized(1))


def write_addresses(addresses: Addresses) -> bytes:
    """Write some addresses."""
    if len(addresses) > MOST_ADDRESSES:
        raise MessageError(f"a message has at most {MOST_ADDRESSES} addresses, not {len(addresses)}")
    return b"".join([bytes([len(addresses)]), *map(write_address, addresses)])


def read_addresses(reader: Reader) -> Addresses:
    """Read some addresses."""
    count = reader.number(1)
    if count > MOST_ADDRESSES:
        raise MessageError(f"a message has at most {MOST_ADDRESSES} addresses, not {count}")
    return tuple(read_address(reader) for _ in range(count))


def read_padding(reader: Reader) -> int:
    """Read zeros."""
    zeros = reader.sized(2)
    if any(zeros):
        raise MessageError("padding is zeros")
    return len(zeros)


KINDS: Final[list[object]] = list(Kind)
FIELDS: Final[dict[object, Field]] = {
    Token: Field(write_token, lambda reader: reader.take(TOKEN_SIZE)),
    bool: Field(lambda flag: bytes([flag]), lambda reader: read_choice(reader, [False, True])),
    Kind: Field(lambda kind: bytes([KINDS.index(kind)]), lambda reader: read_choice(reader, KINDS)),
    int: Field(write_number, lambda reader: reader.number(4)),
    Name: Field(lambda name: sized(to_name(name).encode(), 1), lambda reader: to_name(reader.sized(1).decode())),
    Text: Field(lambda text: sized(to_text(text).encode(), 2), lambda reader: to_text(reader.sized(2).decode())),
    bytes: Field(lambda content: sized(content, 2), lambda reader: reader.sized(2)),
    Multiaddr: Field(write_address, read_address),
    Addresses: Field(write_addresses, read_addresses),
    Padding: Field(lambda size: sized(bytes(size), 2), read_padding),
}
