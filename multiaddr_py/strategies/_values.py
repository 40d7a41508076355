"""Strategies for the bytes of values, by the codec that writes them.

Each begins with what a person would write, which is what it shrinks to, and has the edges of its codec among the first.
"""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from struct import pack, unpack
from typing import TYPE_CHECKING, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from multiaddr_py import CODECS, REGISTRY, PeerId
from multiaddr_py.strategies._checks import checked_key_types
from multiaddr_py.strategies._guesses import accepts, guessed_values, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from multiaddr_py import Protocol, Registry

    Bytes = st.SearchStrategy[bytes]

Drawn = TypeVar("Drawn")

_MOST_FIXED = 2000  # bytes of a value that has so many, no more and no less: Hypothesis draws some 8,000 for an example
_MOST = 64  # bytes of a value that may have any number of them

IP4_EDGES: Final = tuple(
    bytes(map(int, text.split(".")))
    for text in [
        "0.0.0.0",
        "127.0.0.1",
        "1.2.3.4",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "169.254.0.1",
        "192.0.2.1",
        "203.0.113.255",
        "224.0.0.1",
        "255.255.255.255",
    ]
)
IP6_EDGES: Final = tuple(
    pack(">8H", *(int(group, 16) for group in groups.split()))
    for groups in (
        "0 0 0 0 0 0 0 0",
        "0 0 0 0 0 0 0 1",
        "2001 db8 0 0 0 0 0 1",
        "fe80 0 0 0 0 0 0 1",
        "fd00 0 0 0 0 0 0 1",
        "ff02 0 0 0 0 0 0 1",
        "0 0 0 0 0 ffff 0 0",  # IPv4-mapped: the only addresses with dots
        "0 0 0 0 0 ffff 7f00 1",
        "0 0 0 0 0 0 102 304",  # IPv4-compatible, written in hex
        "0 0 0 0 0 fffe 102 304",
        "64 ff9b 0 0 0 0 102 304",
        "2001 db8 0 1 1 1 1 1",  # a single zero group is not compressed
        "2001 0 0 1 0 0 0 1",  # of two runs the longer one is
        "2001 db8 0 0 1 0 0 1",  # of two equal ones the left one
        "2001 db8 1 2 3 4 5 6",
        "0 1 2 3 4 5 6 7",
        "1 2 3 4 5 6 0 0",
        "ffff ffff ffff ffff ffff ffff ffff ffff",
    )
)
PORT_EDGES: Final = (0, 65535, 1, 80, 443, 4001, 30333, 255, 256, 1024, 8080, 49152, 32767, 32768, 65534)
_NAME_EDGES = (
    "example.com",
    "localhost",
    "bootstrap.libp2p.io",
    "xn--bcher-kva.example",
    "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example",
    "EXAMPLE.com.",
    "tcp",  # a protocol's name
    "127.0.0.1",
    "_dnsaddr.example.com",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 64,  # the shortest length of two bytes
    ".".join(["a" * 63] * 3 + ["a" * 61]),
)
_ZONE_EDGES = ("eth0", "lo", "1", "en0", "wlan0.2", "\N{GREEK SMALL LETTER ALPHA}")
_PATH_EDGES = (
    b"/run/a.sock",
    b"/tmp/http",
    b"/",
    b"a",
    b"a.sock",
    b"tcp",
    b"\0abstract",
    b"//a//b",
    b"%2F",
    b"a b+c~",
    b"/\xff",
)
_SEGMENT_EDGES = (
    b"/",
    b"index.html",
    b"a/b",
    b"tcp",
    b"a b+c~",
    b"%",
    b"%2F",
    b"?a=b&c#d",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
)
# All but surrogates; `codec="utf-8"` means the same, and takes Hypothesis seconds to find out on a new machine.
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="/")
_AWKWARD = (
    *("a b", " a", "a ", "a  b", "a, b", "a; b=c", "[a b]", "'a b'", '"a b"', "a b\n", "a \\b", "# a b", "a\xa0b"),
    *("a\nb", "a\tb", "a\0", "a:b", "a?b#c", "a@b", "%41", "%2F", "-a", "\x1b[2J", "\u202ea", "${a}", "{a}"),
)
"""What means something to whoever puts a name into a line, a URL, a shell or a format."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def padded(strategy: st.SearchStrategy[Drawn], choices: int) -> st.SearchStrategy[Drawn]:
    """Draw the same with more choices: to Hypothesis what takes fewer is simpler, whatever a person would say."""
    return st.tuples(strategy, *[st.integers(0, 0)] * choices).map(itemgetter(0))


def varint(number: int) -> bytes:
    """Write a varint, by other means than the library does: what tests it does not rest on it."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def multihash(code: int, digest: bytes) -> bytes:
    """Write a multihash."""
    return varint(code) + varint(len(digest)) + digest


def ip4() -> Bytes:
    """Draw IPv4 addresses."""
    return st.sampled_from(IP4_EDGES) | st.binary(min_size=4, max_size=4)


def _with_zero_groups(raw: bytes, kept: int) -> bytes:
    """Return an IPv6 address in which only those groups are left whose bit is set: what `::` is written for."""
    return pack(">8H", *(group if kept >> place & 1 else 0 for place, group in enumerate(unpack(">8H", raw))))


def ip6() -> Bytes:
    """Draw IPv6 addresses."""
    sparse = st.builds(_with_zero_groups, st.binary(min_size=16, max_size=16), st.integers(1, 255))
    return st.sampled_from(IP6_EDGES) | sparse | ip4().map(_mapped)


def _mapped(raw: bytes) -> bytes:
    """Return the IPv4-mapped address of an IPv4 address."""
    return bytes(10) + b"\xff\xff" + raw


def of_one_machine(raw: bytes) -> bool:
    """Say whether an IP address is neither unspecified nor of a group of machines, and needs no zone."""
    if len(raw) == 4:
        return 0 < raw[0] < 224
    if raw.startswith(_mapped(b"")):
        return of_one_machine(raw[12:])
    return raw[0] != 0xFF and not (raw[0] == 0xFE and raw[1] & 0xC0 == 0x80) and any(raw)


def ports(least: int = 0) -> Bytes:
    """Draw ports from `least` on; the edges come second, so that what fails from some port on shrinks to that."""
    edges = st.sampled_from([port for port in (*PORT_EDGES, *(0, 0xFFFF) * 5) if port >= least])
    return (st.integers(least, 0xFFFF) | edges).map(lambda port: port.to_bytes(2))


def host_names() -> Bytes:
    """Draw names as they stand in the DNS, none of which can be taken for an IP address."""
    labels = st.text(_LETTERS, min_size=1, max_size=20)
    return st.one_of(
        st.sampled_from([b"example.com", b"localhost", b"bootstrap.libp2p.io", b"xn--bcher-kva.example"]),
        labels.map(lambda label: f"{label}.example".encode()),
    )


def _uint(size: int, *edges: int) -> Bytes:
    most = (1 << 8 * size) - 1
    return (st.integers(0, most) | st.sampled_from([0, most, *edges])).map(lambda number: number.to_bytes(size))


def _text(size: int | None, edges: tuple[str, ...] = _NAME_EDGES) -> Bytes:
    if size is not None:
        return padded(st.text(_LETTERS, min_size=size, max_size=size).map(str.encode), 1)
    return st.one_of(
        st.sampled_from([edge.encode() for edge in edges]),
        host_names(),
        *[st.sampled_from([text.encode() for text in _AWKWARD])] * 2,
        st.text(_CHARACTERS, min_size=1, max_size=20).map(str.encode),
    )


def _key_message(key_type: int, key: bytes) -> bytes:
    """Write a public key as the peer ID specification has it: a protobuf message with a type and bytes."""
    return bytes([0x08, key_type, 0x12]) + varint(len(key)) + key


def _hashed(digest: bytes) -> bytes:
    return multihash(0x12, digest)


def _inlined(key: bytes) -> bytes:
    return multihash(0x00, key)


_KEYS: Mapping[str, Bytes] = {
    "Ed25519": st.binary(min_size=32, max_size=32).map(lambda key: _inlined(_key_message(1, key))),
    "Secp256k1": st.builds(
        lambda sign, x: _inlined(_key_message(2, sign + x)),
        st.sampled_from([b"\x02", b"\x03"]),
        st.binary(min_size=32, max_size=32),
    ),
    # Keys of over 42 bytes are hashed: what they were cannot be seen.
    "RSA": st.binary(min_size=32, max_size=32).map(_hashed),
    "ECDSA": st.binary(min_size=32, max_size=32).map(_hashed),
}
KEY_TYPES: Final = tuple(_KEYS)


def peer_id_values(key_types: Sequence[str] | None = None) -> Bytes:
    """Draw the multihashes of peer IDs: of keys of some types, or of all, also of what is no key at all."""
    if key_types is not None:
        return st.one_of([_KEYS[key_type] for key_type in key_types])
    return st.one_of(
        _KEYS["Ed25519"],
        _KEYS["RSA"],
        _KEYS["Secp256k1"],
        st.sampled_from([_inlined(bytes(42)), _inlined(b"\xff" * 42), _inlined(b""), _hashed(bytes(32))]),
        st.binary(max_size=42).map(_inlined),
    )


def _peer_id(size: int | None) -> Bytes:
    if size is None:
        return peer_id_values()
    inlined = [padded(st.binary(min_size=size - 2, max_size=size - 2).map(_inlined), 1)] if 2 <= size <= 44 else []
    return st.one_of(*inlined, *[_KEYS["RSA"]] * (size == 34))


def _multihash(size: int | None) -> Bytes:
    if size is not None:  # the code takes one byte, the digest's length one or two; of 130 the code two
        code, length = (0x12, size - 2) if size < 130 else (0x80, 127) if size == 130 else (0x12, size - 3)
        return _bytes(length, 0).map(partial(multihash, code))
    return st.one_of(
        st.binary(min_size=32, max_size=32).map(_hashed),
        st.sampled_from([multihash(0, b""), multihash((1 << 63) - 1, b"\xff"), multihash(0x13, bytes(128))]),
        st.builds(multihash, st.integers(0, (1 << 63) - 1), st.binary(max_size=_MOST)),
    )


def _bytes(size: int | None, least: int = 1, edges: tuple[bytes, ...] = ()) -> Bytes:
    if size is not None:
        return padded(st.binary(min_size=size, max_size=size), 1) if size >= least else st.nothing()
    any_bytes = st.binary(min_size=least, max_size=least + _MOST)
    return st.sampled_from(edges) | any_bytes if edges else padded(any_bytes, 1)


def _onion(size: int) -> Bytes:
    return st.builds(bytes.__add__, st.binary(min_size=size, max_size=size), ports(1))


def _garlic32(size: int | None) -> Bytes:
    if size is None:
        return st.binary(min_size=32, max_size=32) | st.binary(min_size=35, max_size=_MOST)
    return _bytes(size, 32) if size == 32 else _bytes(size, 35)


_BY_CODEC: Mapping[str, Callable[[int | None], Bytes]] = {
    "ip4": lambda size: ip4(),
    "ip6": lambda size: ip6(),
    "text": _text,
    "uint8": lambda size: _uint(1, 24, 32, 64, 128),
    "uint16": lambda size: ports(),
    "uint64": lambda size: _uint(8, 1, 1 << 53, (1 << 63) - 1, 1 << 63),
    "peer_id": _peer_id,
    "multihash": _multihash,
    "multibase": _bytes,
    "path": lambda size: _bytes(size, edges=_PATH_EDGES),
    "percent": lambda size: _bytes(size, edges=_SEGMENT_EDGES),
    "onion": lambda size: _onion(10),
    "onion3": lambda size: _onion(35),
    "garlic64": lambda size: _bytes(size, 386),
    "garlic32": _garlic32,
}
"""What draws the values of a codec of the library: of so many bytes where a protocol has a fixed size."""


def _guessed(protocol: Protocol) -> Bytes:
    """Draw values of a codec that the library does not know."""
    found = guessed_values(protocol)
    if not found:
        raise InvalidArgument(
            f"what the values of {protocol.name} are cannot be guessed: say it, values={{{protocol.name!r}: …}}"
        )
    size = None if protocol.size is None else protocol.size // 8
    # Where a codec takes most bytes or most texts, any of them; one that is choosy would take none.
    ways = [padded(st.sampled_from(found), 1)]
    if sum(len(raw) == 1 for raw in found) > 64 or (size and accepts(protocol, b"\xaa" * size)):
        ways.append(_bytes(size).filter(lambda raw: accepts(protocol, raw)))
    if size is None and all(read_text(protocol, text) for text in ("0", "a", "Z", "~")):
        texts = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/"), min_size=1)
        ways.append(texts.map(lambda text: read_text(protocol, text)).filter(bool))
    return st.one_of(ways)


def is_ours(protocol: Protocol) -> bool:
    """Say whether a protocol is one of the library's own table, whatever its comment says."""
    ours = REGISTRY.get(protocol.code)
    return ours is not None and (ours.size, ours.name, ours.codec) == (protocol.size, protocol.name, protocol.codec)


def raw_values(protocol: Protocol) -> Bytes:
    """Draw the bytes of a protocol's values, empty where it has none; raise `InvalidArgument` if none is known."""
    codec = protocol.codec
    if codec is None:
        return st.just(b"")
    size = None if protocol.size is None else protocol.size // 8
    if size is not None and size > _MOST_FIXED:
        raise InvalidArgument(f"a value of {protocol.name} has {size} bytes: that is too much to draw")
    if CODECS.get(codec.name) is not codec:
        return _guessed(protocol)
    if protocol.name == "ip6zone" and is_ours(protocol):  # hardly anybody's zone is example.com
        return _text(None, _ZONE_EDGES)
    drawn = _BY_CODEC[codec.name](size)
    if drawn.is_empty:
        raise InvalidArgument(f"{protocol.name} has no value: none of its codec has {size} bytes")
    return drawn


def known_protocols(given: Collection[str], registry: Registry) -> list[Protocol]:
    """Return the protocols whose values are given, or can be drawn without that."""
    return [protocol for protocol in registry if protocol.name in given or _has_known_values(protocol)]


def _has_known_values(protocol: Protocol) -> bool:
    try:
        raw_values(protocol)
    except InvalidArgument:
        return False
    return True


def peer_ids(*, key_types: Iterable[str] | None = None) -> st.SearchStrategy[PeerId]:
    """Draw peer IDs.

    `key_types` are those of the peer ID specification: Ed25519, Secp256k1, RSA, ECDSA;
    None stands for all, and for identity multihashes of up to 42 bytes that hold no key.
    Keys are any bytes of the right length; for half of those of Secp256k1 there is no point on the curve.
    A peer ID of RSA or ECDSA is a hash, of which nobody can say what was hashed.
    Raises `InvalidArgument` for other types.
    """
    return peer_id_values(checked_key_types(key_types, KEY_TYPES)).map(PeerId)
