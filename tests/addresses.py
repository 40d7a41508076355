"""Strategies for valid values and addresses of every protocol in a registry."""

from __future__ import annotations

from hypothesis import strategies as st

from multiaddr_py import REGISTRY, Component, Multiaddr, Protocol, Registry


def varint(number: int) -> bytes:
    """Write a varint, by other means than the package."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def framed(code: int, digest: bytes) -> bytes:
    """Write a multihash."""
    return varint(code) + varint(len(digest)) + digest


PORTS = st.integers(1, 0xFFFF).map(lambda port: port.to_bytes(2))
RAW_VALUES: dict[str, st.SearchStrategy[bytes]] = {
    "ip4": st.binary(min_size=4, max_size=4),
    "ip6": st.lists(
        st.sampled_from([b"\0\0", b"\0\1", b"\xff\xff", b"\x20\x01", b"\x0a\xb0"]), min_size=8, max_size=8
    ).map(b"".join)
    | st.binary(min_size=16, max_size=16),
    "text": st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=12).map(str.encode),
    "uint8": st.binary(min_size=1, max_size=1),
    "uint16": st.binary(min_size=2, max_size=2),
    "uint64": st.binary(min_size=8, max_size=8),
    "peer_id": st.binary(min_size=32, max_size=32).map(lambda digest: framed(0x12, digest))
    | st.binary(max_size=42).map(lambda key: framed(0, key)),
    "multihash": st.builds(framed, st.integers(0, 2**63 - 1), st.binary(max_size=40)),
    "multibase": st.binary(min_size=1, max_size=24),
    "path": st.builds(bytes.__add__, st.sampled_from([b"", b"/", b"\0", b"%"]), st.binary(min_size=1, max_size=24)),
    "percent": st.binary(min_size=1, max_size=24),
    "onion": st.builds(bytes.__add__, st.binary(min_size=10, max_size=10), PORTS),
    "onion3": st.builds(bytes.__add__, st.binary(min_size=35, max_size=35), PORTS),
    "garlic64": st.binary(min_size=386, max_size=400),
    "garlic32": st.binary(min_size=32, max_size=32) | st.binary(min_size=35, max_size=60),
}
"""Valid values in bytes, by the name of the codec."""


def raw_values(protocol: Protocol) -> st.SearchStrategy[bytes]:
    """Draw valid values of a protocol."""
    return st.just(b"") if protocol.codec is None else RAW_VALUES[protocol.codec.name]


def components(registry: Registry = REGISTRY) -> st.SearchStrategy[Component]:
    """Draw components of every protocol."""
    protocols = st.sampled_from(list(registry))
    return protocols.flatmap(
        lambda protocol: raw_values(protocol).map(lambda raw: Component(protocol, raw, registry=registry))
    )


def multiaddrs(*, min_size: int = 1) -> st.SearchStrategy[Multiaddr]:
    """Draw addresses of up to five components."""
    return st.lists(components(), min_size=min_size, max_size=5).map(Multiaddr)
