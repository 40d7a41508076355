"""The format of every message.

A message is the four bytes of `MAGIC`, one byte that says which message it is, and its fields in order, as the classes
below have them and `fields` writes them. There is one way to write each; all else is refused with `MessageError`.

A question has a new token, and its answer repeats it: who cannot have seen the question cannot answer it.
What two peers say to each other is sealed: after it comes a tag of 16 bytes, keyed BLAKE2b of all before it. Each of
the two directions has a key, which the peers make of secrets that they exchanged through the server. So nobody can
forge it but the server; and anyone on the way can read it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, Final, TypeAlias, TypeVar, get_type_hints

from multiaddr_py import Multiaddr, ParseError
from punching.fields import FIELDS, Addresses, MessageError, Name, Padding, Reader, Text, Token
from punching.nat import Kind

MAGIC: Final = b"map1"
TAG_SIZE: Final = 16
LARGEST: Final = 1280 - 48  # bytes of a message, which go through every network in one packet of IPv6 and UDP
QUESTION_SIZE: Final = 384  # bytes that a question to a server has at least, so that no answer is longer


NONE: Final = Padding(0)

# What a peer asks a server


@dataclass(frozen=True, slots=True)
class Hello:
    """How do you see me? With `probe` the server's other addresses answer as well, with a `Probe` each."""

    token: Token
    probe: bool
    padding: Padding = NONE


@dataclass(frozen=True, slots=True)
class Register:
    """I am `name`, and want to meet `meet`: is that peer there? The cookie shows that answers reach me."""

    token: Token
    cookie: Token
    name: Name
    meet: Name
    secret: Token
    """For the key that the two peers will have; the same as long as this peer runs."""
    said: Addresses
    """Where the peer is in its own network."""
    kind: Kind
    ready: bool
    """Whether `kind` is all that can be found out."""
    relay: bool
    """Whether the server is to pass messages on, where there is no other way."""
    padding: Padding = NONE


@dataclass(frozen=True, slots=True)
class Ask:
    """Have a stranger send me a `Probe` with `probe`."""

    token: Token
    cookie: Token
    probe: Token


@dataclass(frozen=True, slots=True)
class Leave:
    """Forget me."""

    token: Token
    cookie: Token


@dataclass(frozen=True, slots=True)
class Relay:
    """Pass this on: to the server with the address of the receiver in a circuit, from there with the sender's."""

    address: Multiaddr
    """To the server `/ip4/SERVER/udp/PORT/p2p-circuit/ip4/…`; from it only what begins with `/p2p-circuit`."""
    payload: bytes


# What a server answers


@dataclass(frozen=True, slots=True)
class Seen:
    """This is your address, as I see it; the server has `others`, where a host of 0.0.0.0 or :: is this one."""

    token: Token
    address: Multiaddr
    cookie: Token
    others: Addresses


@dataclass(frozen=True, slots=True)
class Probe:
    """If you can read this, your NAT lets me in."""

    token: Token


@dataclass(frozen=True, slots=True)
class Waiting:
    """The peer is `present` or not, and so is a stranger who could send you a `Probe`."""

    token: Token
    present: bool
    stranger: bool


@dataclass(frozen=True, slots=True)
class Order:
    """The peer is not there yet; in the meantime send a `Probe` with `probe` to a stranger, from a new socket."""

    token: Token
    address: Multiaddr
    probe: Token


@dataclass(frozen=True, slots=True)
class Meet:
    """This is the peer: its secret, where the server sees it, where it says that it is, and the rest of it."""

    token: Token
    secret: Token
    seen: Multiaddr
    said: Addresses
    kind: Kind
    relay: bool
    """Whether both want the server to pass messages on, where there is no other way."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why."""

    token: Token
    reason: Text


# What two peers say to each other, sealed


@dataclass(frozen=True, slots=True)
class Punch:
    """Do you hear me? This address is `chosen` once it has answered to the one of the two who chooses."""

    token: Token
    chosen: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """I do, and see you at `address`."""

    token: Token
    address: Multiaddr


@dataclass(frozen=True, slots=True)
class Say:
    """Text number so and so; it is repeated until it is heard."""

    token: Token
    number: int
    text: Text


@dataclass(frozen=True, slots=True)
class Bye:
    """I am going; there will be no more of me."""

    token: Token


Message: TypeAlias = (
    Hello | Register | Ask | Leave | Relay | Seen | Probe | Waiting | Order | Meet | Refused | Punch | Heard | Say | Bye
)
Question: TypeAlias = Hello | Register | Ask | Punch | Say
ANSWERS: Final[dict[type[Question], tuple[type[Message], ...]]] = {
    Hello: (Seen,),
    Register: (Seen, Waiting, Order, Meet, Refused),  # `Seen` has the cookie that it should have had
    Ask: (Waiting,),
    Punch: (Heard,),
    Say: (Heard,),
}
Q = TypeVar("Q", Hello, Register)
SEALED: Final = 0x80  # the bit that is set in the number of what is sealed
CLASSES: Final[dict[int, type[Message]]] = {
    0x01: Hello,
    0x02: Register,
    0x03: Ask,
    0x04: Leave,
    0x05: Relay,
    0x11: Seen,
    0x12: Probe,
    0x13: Waiting,
    0x14: Order,
    0x15: Meet,
    0x16: Refused,
    0x81: Punch,
    0x82: Heard,
    0x83: Say,
    0x84: Bye,
}
NUMBERS: Final = {message: number for number, message in CLASSES.items()}


LAYOUTS: Final = {
    message: [(field.name, FIELDS[get_type_hints(message)[field.name]]) for field in fields(message)]
    for message in NUMBERS
}


def encode(message: Message, key: bytes = b"") -> bytes:
    """Return the bytes of a message; what is sealed needs the sender's key. Raises `MessageError`."""
    number = NUMBERS[type(message)]
    layout = LAYOUTS[type(message)]
    parts = [MAGIC, bytes([number]), *(field.write(getattr(message, name)) for name, field in layout)]
    datagram = b"".join(parts)
    if number & SEALED:
        datagram += tag(datagram, key)
    if len(datagram) > LARGEST:
        raise MessageError(f"a message of {len(datagram)} bytes is too long: it may have {LARGEST}")
    return datagram


def decode(datagram: bytes, key: bytes = b"") -> Message:
    """Return the message that bytes are; what is sealed needs the sender's key. Raises `MessageError`."""
    if len(datagram) > LARGEST or not datagram.startswith(MAGIC):
        raise MessageError("this is no message")
    number = datagram[len(MAGIC)] if len(datagram) > len(MAGIC) else 0
    if number not in CLASSES:
        raise MessageError(f"there is no message number {number}")
    if number & SEALED:
        datagram, seal = datagram[:-TAG_SIZE], datagram[-TAG_SIZE:]
        if not key or not compare_digest(tag(datagram, key), seal):
            raise MessageError("the seal is not the sender's")
    reader = Reader(datagram[len(MAGIC) + 1 :])
    try:
        values: list[Any] = [field.read(reader) for _, field in LAYOUTS[CLASSES[number]]]
    except (ParseError, UnicodeDecodeError) as error:
        raise MessageError(str(error)) from error
    if reader.unread:
        raise MessageError("something follows the message")
    return CLASSES[number](*values)


def tag(datagram: bytes, key: bytes) -> bytes:
    """Return what seals bytes."""
    return blake2b(datagram, digest_size=TAG_SIZE, key=key).digest()


def padded(question: Q) -> Q:
    """Return a question to a server with so much padding that no answer is longer."""
    missing = QUESTION_SIZE - len(encode(question))
    return replace(question, padding=Padding(question.padding + max(missing, 0)))
