"""Strategies for messages of every class, by the types of their fields."""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters, digits
from typing import get_type_hints

from hypothesis import strategies as st

from multiaddr_py import Component, Multiaddr
from punching.candidates import CIRCUIT
from punching.fields import Addresses, Name, Padding, Text, Token
from punching.messages import CLASSES, MAGIC, SEALED, TAG_SIZE, Message, tag
from punching.nat import Kind


def at_port(protocol: str) -> Callable[[bytes, int], Multiaddr]:
    """Return what makes the address of an IP address in bytes, and of a port."""

    def address(raw: bytes, port: int) -> Multiaddr:
        host = Component("ip4" if len(raw) == 4 else "ip6", raw)
        return Multiaddr([host, Component(protocol, port.to_bytes(2))])

    return address


IPS = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)
PORTS = st.integers(0, 0xFFFF)
UDP = st.builds(at_port("udp"), IPS, PORTS)
ADDRESSES = st.one_of(
    UDP,
    st.builds(at_port("tcp"), IPS, PORTS),
    st.builds(lambda server, peer: Multiaddr.join(server, CIRCUIT, peer), UDP | st.just(Multiaddr()), UDP),
    st.sampled_from(["/p2p-circuit", "/dns4/node.example/udp/4001", "/ip6zone/lo/ip6/fe80::1/udp/1"]).map(Multiaddr),
)
TOKENS = st.binary(min_size=16, max_size=16).map(Token)
LETTERS = f"{ascii_letters}{digits}._-"
NAMES = st.text(LETTERS, min_size=1, max_size=8).map(Name) | st.sampled_from([Name("alice"), Name("n" * 32)])
TEXTS = st.text(max_size=40).map(Text) | st.sampled_from([Text("t" * 1024), Text("\N{GRINNING FACE}" * 256)])
VALUES: dict[object, st.SearchStrategy[object]] = {
    Token: TOKENS,
    bool: st.booleans(),
    Kind: st.sampled_from(Kind),
    int: st.integers(0, 0xFFFF_FFFF),
    Name: NAMES,
    Text: TEXTS,
    bytes: st.binary(max_size=80) | st.integers(0, 1100).map(bytes),
    Multiaddr: ADDRESSES,
    Addresses: st.lists(ADDRESSES, max_size=8).map(tuple),
    Padding: st.integers(0, 400).map(Padding),
}


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    """Draw messages of a class."""
    return st.builds(kind, **{name: VALUES[hint] for name, hint in get_type_hints(kind).items()})


MESSAGES = st.one_of([messages(kind) for kind in CLASSES.values()])


def sealed(body: bytes, key: bytes) -> bytes:
    """Return the bytes of a message with the tag that belongs to them, if it is of a class that has one."""
    return body + tag(body, key) if body[len(MAGIC)] & SEALED else body


def unsealed(datagram: bytes) -> bytes:
    """Return the bytes of a message without the tag, if it has one."""
    return datagram[:-TAG_SIZE] if datagram[len(MAGIC)] & SEALED else datagram
