"""Strategies for what an attacker sends: long, deep, cut off, misleading. Some of it is valid, most is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from hypothesis import strategies as st

from multiaddr_py import REGISTRY, Multiaddr, Registry
from multiaddr_py.strategies._addresses import multiaddrs
from multiaddr_py.strategies._checks import check_kind, check_length, checked_registry, checked_values
from multiaddr_py.strategies._near_misses import misses_of
from multiaddr_py.strategies._values import known_protocols, varint

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from multiaddr_py.strategies._checks import Values
    from multiaddr_py.strategies._faults import Source

# A beginning, what is repeated, and an end: what reading might take more than linear time, memory or stack for.
_LONG_TEXTS = (
    ("", "/", ""),
    ("", "/tls", ""),
    ("", "/tls/", ""),
    ("", "/tcp/80", "/"),
    ("", "/p2p-circuit", "/"),
    ("", "/unix/a", ""),
    ("", "/unix/a", "/%"),
    ("/unix", "/a", "/\ud800"),
    ("/unix/", "%2F", ""),
    ("/unix/", "%", ""),
    ("/tcp/", "0", "80"),
    ("/tcp/", "9", ""),
    ("/memory/", "1", ""),
    ("/ip4/", "1.", ""),
    ("/ip4/", "0", ".0.0.1"),
    ("/ip6/", ":", ""),
    ("/ip6/", "0:", ":"),
    ("/ip6/", "f", ""),
    ("/dns/", "a.", ""),
    ("/dns/", "\N{COMBINING ACUTE ACCENT}", ""),
    ("/p2p/", "1", ""),
    ("/p2p/", "z", ""),
    ("/p2p/Qm", "z", ""),
    ("/p2p/k", "z", ""),
    ("/p2p/f0172", "00", ""),
    ("/certhash/z", "z", ""),
    ("/certhash/k", "z", ""),
    ("/certhash/u", "_", ""),
    ("/ech/M", "A", "="),
    ("/garlic64/", "~", ""),
    ("/garlic32/", "7", ""),
    ("/onion3/", "a", ":1"),
    ("/onion/aaaaaaaaaaaaaaaa:", "0", "1"),
    ("/http-path/", "%zz", ""),
    ("/", "a", ""),
    ("/", "\0", "/80"),
    ("", "a", ""),
)
_LONG_BYTES = (
    (b"", b"\x00", b""),
    (b"", b"\xff", b""),
    (b"", b"\x80", b"\x00"),
    (b"", b"\xa2\x02", b""),  # p2p-circuit
    (b"", b"\x06\x00\x50", b"\x06"),
    (b"\x35\xff", b"\xff", b"\x01"),
    (b"", b"\x35\x01a", b"\x35"),
    (b"", b"\x90\x03\x01/", b""),
    (b"\xa5\x03\x00", b"\x00", b""),
    (b"\x35\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"a", b""),
)
_STRANGE = (
    "\ud800\udfff\0\x1b[2J\r\n\t\x85\u202e\u2028\ufeff\u0660\uff11\ufb01\u0130\u212a\u0301\U0010ffff%/:+=.-_~\\'\"@[]{}"
)
"""Surrogates, control characters, what turns the direction or folds to ASCII, digits of other scripts."""

_CHARACTERS = st.characters()  # surrogates, too, which `st.text` leaves out by itself


def _filled(shape: tuple[Source, Source, Source], times: int, most: int) -> Source:
    """Return a shape whose middle is repeated, as often as there is room for it at most."""
    front, piece, end = shape
    room = most - len(front) - len(end)
    return front + (piece * min(times, room // len(piece) + 1))[:room] + end


def _long(shapes: SearchStrategy[tuple[Source, Source, Source]], most: int) -> SearchStrategy[Source]:
    return st.builds(_filled, shapes, st.integers(1, 64) | st.integers(1, most) | st.just(most), st.just(most))


@st.composite
def _damaged_text(draw: DrawFn, texts: SearchStrategy[str]) -> str:
    text = draw(texts)
    place = draw(st.integers(0, len(text)))
    junk = draw(st.text(_STRANGE, max_size=3) | st.text(_CHARACTERS, max_size=3))
    return text[:place] + junk + text[place + draw(st.integers(0, 3)) :]


@st.composite
def _damaged_bytes(draw: DrawFn, addresses: SearchStrategy[bytes]) -> bytes:
    raw = draw(addresses)
    place = draw(st.integers(0, len(raw)))
    junk = draw(st.sampled_from([b"", b"\x80", b"\x80\x00", b"\xff" * 9, b"\0"]) | st.binary(max_size=3))
    return raw[:place] + junk + raw[place + draw(st.integers(0, 3)) :]


def _texts(
    most: int, valid: SearchStrategy[str], missed: SearchStrategy[str], registry: Registry
) -> SearchStrategy[str]:
    names = [protocol.name for protocol in registry] + list(registry.aliases)
    likely = st.sampled_from(["", "%", "%2F", "0", "65536", "1.2.3.4", "::", "a", "u", "1", "Qm", ":80", "="])
    any_text = st.text(_CHARACTERS)
    return st.one_of(
        _long(st.sampled_from(_LONG_TEXTS) | valid.map(lambda text: ("", text, "")), most),
        _damaged_text(valid),
        missed,
        st.lists(st.sampled_from(names) | likely | any_text, max_size=8).map(lambda parts: "/" + "/".join(parts)),
        st.text(_STRANGE),
        any_text,
    )


def _bytes(
    most: int, valid: SearchStrategy[bytes], missed: SearchStrategy[bytes], registry: Registry
) -> SearchStrategy[bytes]:
    codes = st.sampled_from([varint(protocol.code) for protocol in registry])
    return st.one_of(
        _long(st.sampled_from(_LONG_BYTES) | valid.map(lambda raw: (b"", raw, b"")), most),
        _damaged_bytes(valid),
        missed,
        st.lists(codes | st.binary(max_size=4), max_size=8).map(b"".join),
        st.binary(),
    )


if TYPE_CHECKING:

    @overload
    def hostile(
        kind: type[str], *, max_size: int = ..., values: Values | None = ..., registry: Registry = ...
    ) -> SearchStrategy[str]: ...
    @overload
    def hostile(
        kind: type[bytes], *, max_size: int = ..., values: Values | None = ..., registry: Registry = ...
    ) -> SearchStrategy[bytes]: ...
    @overload
    def hostile(
        kind: None = None, *, max_size: int = ..., values: Values | None = ..., registry: Registry = ...
    ) -> SearchStrategy[str | bytes]: ...


def hostile(
    kind: type[str | bytes] | None = None,
    *,
    max_size: int = 10_000,
    values: Values | None = None,
    registry: Registry = REGISTRY,
) -> SearchStrategy[str] | SearchStrategy[bytes] | SearchStrategy[str | bytes]:
    """Draw what an attacker sends, texts or bytes as `kind` says, or both: to be read or refused, and quickly.

    It is long, up to `max_size` characters or bytes, deep, cut off, damaged, not minimal, has surrogates
    and what a terminal would obey. Some of it is valid, of protocols whose values are known or given.
    """
    check_kind(kind)
    registry = checked_registry(registry)
    check_length(max_size)
    given = checked_values(values, registry, list(registry))
    known = known_protocols(given, registry)
    valid = multiaddrs(protocols=known, values=given, registry=registry) if known else st.just(Multiaddr("/tls"))
    ways: list[SearchStrategy[str] | SearchStrategy[bytes]] = []
    if kind is not bytes:
        missed = misses_of(str, known, given, registry).map(lambda miss: miss.source)
        ways.append(_texts(max_size, valid.map(str), missed, registry).map(lambda text: text[:max_size]))
    if kind is not str:
        missed = misses_of(bytes, known, given, registry).map(lambda miss: miss.source)
        ways.append(_bytes(max_size, valid.map(bytes), missed, registry).map(lambda raw: raw[:max_size]))
    return st.one_of(ways)
