"""Strategies for what is almost an address: one fault in an otherwise valid one, and the rule that it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, overload

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from multiaddr_py import CODECS, REGISTRY, Multiaddr, Registry
from multiaddr_py.strategies._addresses import components, multiaddrs
from multiaddr_py.strategies._checks import check_kind, checked_protocols, checked_registry, checked_values
from multiaddr_py.strategies._faults import OF_BYTES, OF_TEXT, Source
from multiaddr_py.strategies._values import known_protocols, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from hypothesis.strategies import DrawFn, SearchStrategy

    from multiaddr_py import Component, Protocol
    from multiaddr_py.registry import Key
    from multiaddr_py.strategies._checks import Values
    from multiaddr_py.strategies._faults import Fault

    Given = Mapping[str, SearchStrategy[object]]


class NearMiss(NamedTuple, Generic[Source]):
    """What is almost an address, and why it is none.

    `reason` is the rule that it breaks. `offset` is where the wrong segment begins, as in a `ParseError`,
    and `protocol` the name of the protocol at fault, None where none is known.
    """

    source: Source
    reason: str
    offset: int
    protocol: str | None


def _cut_off(it: Component, before: int, kept: int) -> tuple[str, int, str | None]:
    """Return the reason, the offset and the protocol of a component of which `kept` bytes are there."""
    code = len(varint(it.code))
    if kept < code:
        return "the code is cut off", before, None
    if it.protocol.size is None and kept < code + len(varint(len(it.raw_value))):
        return "the length is cut off", before + code, it.name
    return "the value is cut off", before + code, it.name


def _overlong(number: int) -> bytes:
    """Write a varint with a zero byte too many."""
    *front, last = varint(number)
    return bytes([*front, last | 0x80, 0])


def _only(given: Given, protocols: Iterable[Protocol]) -> Given:
    """Return the strategies for values of some protocols."""
    return {protocol.name: given[protocol.name] for protocol in protocols if protocol.name in given}


def _around(protocols: list[Protocol], given: Given, registry: Registry) -> SearchStrategy[Multiaddr]:
    """Draw what stands before a fault and behind it."""
    if not protocols:
        return st.just(Multiaddr(registry=registry))
    return multiaddrs(protocols=protocols, min_size=0, max_size=2, values=_only(given, protocols), registry=registry)


class _Faults(Generic[Source]):
    """The faults that values of some protocols can have."""

    def __init__(
        self,
        protocols: Sequence[Protocol],
        table: Mapping[str, Sequence[Fault[Source]]],
        given: Given,
        registry: Registry,
    ) -> None:
        drawn = {
            protocol.name: components(protocols=[protocol], values=_only(given, [protocol]), registry=registry)
            for protocol in protocols
        }
        self._all: list[tuple[SearchStrategy[Component], Fault[Source]]] = [
            (drawn[protocol.name], fault)
            for protocol in protocols
            if protocol.codec is not None and CODECS.get(protocol.codec.name) is protocol.codec
            for fault in table.get(protocol.codec.name, ())
        ]

    def __bool__(self) -> bool:
        return bool(self._all)

    def __repr__(self) -> str:
        return f"<{len(self._all)} faults>"

    def drawn(self, draw: DrawFn) -> tuple[Component, Fault[Source]]:
        """Draw a component and a fault that its value can have."""
        component, fault = self._all[draw(st.integers(0, len(self._all) - 1))]
        return draw(component), fault


@st.composite
def _texts(draw: DrawFn, around: SearchStrategy[Multiaddr], plain: SearchStrategy[Component]) -> NearMiss[str]:
    """Draw texts whose framing is wrong."""
    left, right, it = str(draw(around)), str(draw(around)), draw(plain)
    place = len(left) + 1
    misses = [
        NearMiss(f"{it}{right}"[1:], "an address begins with /", 0, None),
        NearMiss(f" {left}{it}", "an address begins with /", 0, None),
        NearMiss(f'"{left}{it}"', "an address begins with /", 0, None),
        NearMiss(f"{left}/{it}{right}", "a component has a name", place, None),
    ]
    names = (it.name.upper(), it.name + " ", it.name + "\0", f"{it.name}={it.value}", it.name[:-1] + "\u0440")
    misses += [
        NearMiss(f"{left}/{name}/{it.value}{right}", "there is no such protocol", place, None)
        for name in names
        if name not in it.registry
    ]
    if it.protocol.codec is not None:
        behind = place + len(it.name)
        misses.append(NearMiss(f"{left}/{it.name}", "the value is missing", behind, it.name))
        misses.append(NearMiss(f"{left}/{it.name}/", "the value is missing", behind + 1, it.name))
        if right:
            misses.append(NearMiss(f"{left}/{it.name}/{right}", "the value is empty", behind + 1, it.name))
    return misses[draw(st.integers(0, len(misses) - 1))]


@st.composite
def _bytes(draw: DrawFn, around: SearchStrategy[Multiaddr], plain: SearchStrategy[Component]) -> NearMiss[bytes]:
    """Draw bytes whose framing is wrong."""
    left, right, it = bytes(draw(around)), bytes(draw(around)), draw(plain)
    place, prefix = len(left), varint(it.code)
    rest = bytes(it)[len(prefix) :]
    misses = [
        NearMiss(left + _overlong(it.code) + rest + right, "a varint is minimal", place, None),
        NearMiss(left + b"\xff" * 9 + b"\1" + right, "a varint has at most 9 bytes", place, None),
    ]
    misses += [
        NearMiss(left + varint(code) + rest + right, "there is no such protocol", place, None)
        for code in (5, 0x7F, 0x80, 1_000_000, (1 << 63) - 1)
        if code not in it.registry
    ]
    if 0x2F not in it.registry:
        misses.append(NearMiss(f"{it}".encode(), "it is text", 0, None))
    whole = bytes(it)
    if len(whole) > 1:
        kept = draw(st.integers(1, len(whole) - 1))
        misses.append(NearMiss(left + whole[:kept], *_cut_off(it, place, kept)))
    if it.protocol.size is None:
        behind, raw = place + len(prefix), it.raw_value
        misses += [
            NearMiss(left + prefix + _overlong(len(raw)) + raw + right, "a varint is minimal", behind, it.name),
            NearMiss(left + prefix + b"\0" + right, "a value has at least one byte", behind, it.name),
            NearMiss(left + prefix + varint(len(raw) + 1) + raw, "the value is cut off", behind, it.name),
            NearMiss(left + prefix + varint((1 << 63) - 1) + raw, "the value is cut off", behind, it.name),
        ]
    return misses[draw(st.integers(0, len(misses) - 1))]


@st.composite
def _value_in_text(draw: DrawFn, around: SearchStrategy[Multiaddr], faults: _Faults[str]) -> NearMiss[str]:
    """Draw texts with a value that is none."""
    left, right = draw(around), draw(around)
    component, fault = faults.drawn(draw)
    front = f"{left}/{component.name}/"
    return NearMiss(f"{front}{fault.spoil(component)}{right}", fault.reason, len(front), component.name)


@st.composite
def _value_in_bytes(draw: DrawFn, around: SearchStrategy[Multiaddr], faults: _Faults[bytes]) -> NearMiss[bytes]:
    """Draw bytes with a value that is none."""
    left, right = draw(around), draw(around)
    component, fault = faults.drawn(draw)
    wrong = fault.spoil(component)
    length = varint(len(wrong)) if component.protocol.size is None else b""
    front = bytes(left) + varint(component.code) + length
    return NearMiss(front + wrong + bytes(right), fault.reason, len(front), component.name)


def misses_of(
    kind: type[str | bytes] | None, protocols: list[Protocol], given: Given, registry: Registry
) -> SearchStrategy[Any]:
    """Draw near misses of protocols, with the values that are given for some of them; nothing where there are none."""
    # Behind a value that may be the rest of the text nothing is wrong: it is a path.
    plain = [protocol for protocol in protocols if protocol.codec is None or not protocol.codec.takes_rest]
    # Where the size is fixed, another number of bytes would be a fault of the framing.
    free = [protocol for protocol in protocols if protocol.size is None or (protocol.codec and protocol.codec.size)]
    ways: list[SearchStrategy[NearMiss[str]] | SearchStrategy[NearMiss[bytes]]] = []
    if kind is not bytes:
        around = _around(plain, given, registry)
        if plain:
            ways.append(_texts(around, components(protocols=plain, values=_only(given, plain), registry=registry)))
        if in_text := _Faults(protocols, OF_TEXT, given, registry):
            ways.append(_value_in_text(around, in_text))
    if kind is not str:
        around = _around(protocols, given, registry)
        if protocols:
            ways.append(_bytes(around, components(protocols=protocols, values=given, registry=registry)))
        if in_bytes := _Faults(free, OF_BYTES, given, registry):
            ways.append(_value_in_bytes(around, in_bytes))
    return st.one_of(ways)


if TYPE_CHECKING:

    @overload
    def near_misses(
        kind: type[str],
        *,
        protocols: Iterable[Key] | None = ...,
        values: Values | None = ...,
        registry: Registry = ...,
    ) -> SearchStrategy[NearMiss[str]]: ...
    @overload
    def near_misses(
        kind: type[bytes],
        *,
        protocols: Iterable[Key] | None = ...,
        values: Values | None = ...,
        registry: Registry = ...,
    ) -> SearchStrategy[NearMiss[bytes]]: ...
    @overload
    def near_misses(
        kind: None = None,
        *,
        protocols: Iterable[Key] | None = ...,
        values: Values | None = ...,
        registry: Registry = ...,
    ) -> SearchStrategy[NearMiss[str] | NearMiss[bytes]]: ...


def near_misses(
    kind: type[str | bytes] | None = None,
    *,
    protocols: Iterable[Key] | None = None,
    values: Values | None = None,
    registry: Registry = REGISTRY,
) -> SearchStrategy[NearMiss[str]] | SearchStrategy[NearMiss[bytes]] | SearchStrategy[NearMiss[str] | NearMiss[bytes]]:
    """Draw what is almost an address, with the reason why not: texts or bytes, as `kind` says, or both.

    The fault is one in the framing, or in a value of one of `protocols`, None for all of the registry
    whose values are known or given; components of these stand around it. A parser has to refuse every one.
    """
    check_kind(kind)
    registry = checked_registry(registry)
    wanted = checked_protocols(protocols, registry)
    given = checked_values(values, registry, wanted)
    if protocols is None:
        wanted = known_protocols(given, registry)
    misses = misses_of(kind, wanted, given, registry)
    if misses.is_empty:
        raise InvalidArgument(f"{protocols=} of {registry!r} leaves nothing that could be wrong")
    return misses
