"""Strategies for valid values and addresses of every protocol in a registry."""

from __future__ import annotations

from hypothesis import strategies as st

from multiaddr_py import REGISTRY, Component, Multiaddr, Protocol, Registry
from multiaddr_py._varint import write_varint


def _multihash(code: int, digest: bytes) -> bytes:
    return write_varint(code) + write_varint(len(digest)) + digest


_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=12)
_BYTES = st.binary(min_size=1, max_size=24)
_PATHS = st.builds(lambda start, rest: start + rest, st.sampled_from([b"", b"/", b"\0", b"%"]), _BYTES)

RAW_VALUES: dict[str, st.SearchStrategy[bytes]] = {
    "ip4": st.binary(min_size=4, max_size=4),
    "ip6": st.one_of(
        st.binary(min_size=16, max_size=16),
        st.lists(st.sampled_from([b"\0\0", b"\0\1", b"\xff\xff", b"\x20\1"]), min_size=8, max_size=8).map(b"".join),
    ),
    "text": _NAMES.map(str.encode),
    "uint8": st.binary(min_size=1, max_size=1),
    "uint16": st.binary(min_size=2, max_size=2),
    "uint64": st.binary(min_size=8, max_size=8),
    "peer_id": st.one_of(
        st.binary(min_size=32, max_size=32).map(lambda digest: _multihash(0x12, digest)),
        st.binary(max_size=42).map(lambda key: _multihash(0, key)),
    ),
    "multihash": st.builds(_multihash, st.integers(0, 2**63 - 1), st.binary(max_size=40)),
    "multibase": _BYTES,
    "path": _PATHS,
    "percent": _BYTES,
    "onion": st.builds(lambda key, port: key + port.to_bytes(2), st.binary(min_size=10, max_size=10), st.integers(1, 65535)),
    "onion3": st.builds(lambda key, port: key + port.to_bytes(2), st.binary(min_size=35, max_size=35), st.integers(1, 65535)),
    "garlic64": st.binary(min_size=386, max_size=390),
    "garlic32": st.one_of(st.binary(min_size=32, max_size=32), st.binary(min_size=35, max_size=40)),
}  # fmt: skip
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
