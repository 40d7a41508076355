"""A whole address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from multiaddr_py import _wire
from multiaddr_py._arguments import BYTES_LIKE
from multiaddr_py._base import Base
from multiaddr_py._frozen import final
from multiaddr_py._pydantic import text_schema
from multiaddr_py.component import Component
from multiaddr_py.errors import ProtocolNotFoundError, quote
from multiaddr_py.peer_id import PeerId
from multiaddr_py.registry import REGISTRY, Key, Protocol, Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias, TypeVar, overload

    from pydantic_core import CoreSchema

    T = TypeVar("T")
    Operand: TypeAlias = "str | bytes | bytearray | memoryview | Multiaddr | Component"
    """What is read as an address beside another one."""

_TEXT_OR_BYTES = (str, *BYTES_LIKE)
_P2P = 421
_P2P_CIRCUIT = 290


@final
class Multiaddr(Base, Sequence[Component]):
    r"""A self-describing network address: an immutable sequence of components.

    Addresses are equal, ordered and hashed by their bytes, whatever their registries are.

    >>> address = Multiaddr("/ip4/127.0.0.1/udp/1234")
    >>> bytes(address)
    b'\x04\x7f\x00\x00\x01\x91\x02\x04\xd2'
    >>> Multiaddr(bytes(address)) / "quic-v1"
    Multiaddr('/ip4/127.0.0.1/udp/1234/quic-v1')

    An address is read from text, from bytes (also a bytearray or memoryview), from another one, or from components;
    `ParseError` says what is wrong with them. Without `registry` that of the argument counts, else `REGISTRY`;
    what was read under another one is read again, from its bytes.
    `Multiaddr()` is the empty address: what is left when everything is cut off. No text or bytes give it.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            address: str | bytes | bytearray | memoryview | Multiaddr | Iterable[Component] = (),
            /,
            *,
            registry: Registry | None = None,
        ) -> None: ...

    @classmethod
    def _read(cls, address: object, registry: Registry | None) -> tuple[bytes, Registry]:
        if registry is not None and not isinstance(registry, Registry):
            raise TypeError(f"a registry is a Registry, not {type(registry).__name__}")
        if isinstance(address, str):
            registry = REGISTRY if registry is None else registry
            return _wire.text_to_bytes(str.__str__(address), registry), registry
        if isinstance(address, BYTES_LIKE):
            registry = REGISTRY if registry is None else registry
            raw = bytes(address)
            _wire.check_bytes(raw, registry)
            return raw, registry
        if isinstance(address, Multiaddr):
            registry = address.registry if registry is None else registry
            return _bytes_under(registry, address), registry
        if isinstance(address, Component):
            raise TypeError("an address is made from a list of components, not from a single one")
        if not isinstance(address, Iterable):
            raise TypeError(f"an address is read from text, bytes or components, not from {type(address).__name__}")
        parts = []
        for component in address:
            if not isinstance(component, Component):
                raise TypeError(f"an address is made from components, not from {type(component).__name__}")
            registry = component.registry if registry is None else registry
            parts.append(_bytes_under(registry, component))
        return b"".join(parts), REGISTRY if registry is None else registry

    def __repr__(self) -> str:
        arguments = [repr(str(self))] if self else []
        if self.registry != REGISTRY:
            arguments.append(f"registry={self.registry!r}")
        return f"Multiaddr({', '.join(arguments)})"

    def __format__(self, spec: str) -> str:
        """Write lower-case hex for `x`; any other spec is that of the text."""
        return bytes(self).hex() if spec == "x" else format(str(self), spec)

    def __reduce__(self) -> tuple[object, ...]:
        return _load, (bytes(self), self.registry)

    def to_bytes(self) -> bytes:
        """Return the binary form, as `bytes(address)` does."""
        return bytes(self)

    # A sequence of components

    def _components(self, spans: Iterable[tuple[int, int, int, int]]) -> Iterator[Component]:
        raw, registry = bytes(self), self.registry
        by_code = registry._by_code
        for code, _, start, stop in spans:
            yield Component._make(by_code[code], raw[start:stop], registry)

    def __len__(self) -> int:
        return len(self._spans())

    def __bool__(self) -> bool:
        return bool(bytes(self))

    def __iter__(self) -> Iterator[Component]:
        return self._components(self._spans())

    def __reversed__(self) -> Iterator[Component]:
        return self._components(reversed(self._spans()))

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Component: ...
        @overload
        def __getitem__(self, index: slice) -> Multiaddr: ...

    def __getitem__(self, index: int | slice) -> Component | Multiaddr:
        if isinstance(index, str):
            raise TypeError(f"components are numbered; get({quote(index)}) finds one by its protocol")
        spans = self._spans()
        if not isinstance(index, slice):
            return next(self._components([spans[index]]))
        chosen = spans[index]
        if chosen and index.step in (None, 1):
            return self._cut(chosen[0][1], chosen[-1][3])
        return self._make(b"".join(bytes(self)[start:stop] for _, start, _, stop in chosen), self.registry)

    def _matches(self, item: Key | Component) -> list[bool]:
        """Say of each component whether it is `item`, or of that protocol."""
        if isinstance(item, Component):
            return [component == item for component in self]
        code = self.registry[item].code
        return [span[0] == code for span in self._spans()]

    def __contains__(self, item: object) -> bool:
        """Say whether a component or a protocol occurs; a protocol that the registry does not have does not."""
        return (isinstance(item, Component) or item in self.registry) and True in self._matches(item)  # type: ignore[arg-type] # an item that the registry has is a key

    def index(self, item: Key | Component, start: int = 0, stop: int | None = None) -> int:
        """Return where a component or a protocol first occurs.

        Raises `ValueError` if it does not, `ProtocolNotFoundError` for a protocol that the registry does not have.
        """
        matches = self._matches(item)
        try:
            return matches.index(True, start, len(matches) if stop is None else stop)
        except ValueError:
            name = quote(str(item)) if isinstance(item, Component) else self.registry[item].name
            raise ValueError(f"{name} does not occur in the address") from None

    def count(self, item: Key | Component) -> int:
        """Count how often a component or a protocol occurs.

        Raises `ProtocolNotFoundError` for a protocol that the registry does not have.
        """
        return self._matches(item).count(True)

    def split(self, maxsplit: int = -1) -> list[Multiaddr]:
        """Return an address for each component; after `maxsplit` of them, the last one holds the rest."""
        cuts = [start for _, start, _, _ in self._spans()]
        if maxsplit >= 0:
            del cuts[maxsplit + 1 :]
        cuts.append(len(bytes(self)))
        return [self._cut(start, stop) for start, stop in pairwise(cuts)]

    # Look-ups

    if TYPE_CHECKING:

        @overload
        def get(self, protocol: Key) -> Component | None: ...
        @overload
        def get(self, protocol: Key, default: T) -> Component | T: ...

    def get(self, protocol: Key, default: object = None) -> object:
        """Return the first component of a protocol, or `default` where it does not occur.

        A name or code that the registry does not have raises `ProtocolNotFoundError`, here and in the other look-ups:
        a typo is not an absence.
        """
        code = self.registry[protocol].code
        for span in self._spans():
            if span[0] == code:
                return next(self._components([span]))
        return default

    def get_all(self, protocol: Key) -> tuple[Component, ...]:
        """Return all components of a protocol.

        Raises `ProtocolNotFoundError` for one that the registry does not have.
        """
        code = self.registry[protocol].code
        return tuple(self._components([span for span in self._spans() if span[0] == code]))

    def value_for_protocol(self, protocol: Key) -> str | None:
        """Return the text of the first value of a protocol, None where it has no value.

        Raises `ProtocolNotFoundError` where it does not occur, or the registry does not have it.
        """
        text = self._first_text(protocol)
        if text is None:
            raise ProtocolNotFoundError(protocol, "the address")
        return text or None

    def protocols(self) -> tuple[Protocol, ...]:
        """Return the components' protocols in order, repeats kept."""
        return tuple(self.registry[code] for code, _, _, _ in self._spans())

    @property
    def peer_id(self) -> PeerId | None:
        """The peer that one ends up talking to; None where the address does not say.

        >>> relayed = Multiaddr("/dns/relay.example/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN/p2p-circuit")
        >>> relayed.peer_id is None
        True
        """
        place = self._peer_place()
        peer_id = None if place is None else self[place].typed_value
        return peer_id if isinstance(peer_id, PeerId) else None

    def _peer_place(self) -> int | None:
        """Return the index, from the end, of the component that names the peer that one ends up talking to."""
        for place, span in enumerate(reversed(self._spans()), 1):
            if span[0] == _P2P_CIRCUIT:
                return None
            if span[0] == _P2P:
                return -place
        return None

    # Putting together and cutting off

    def _operand(self, other: object) -> Multiaddr:
        """Read what stands beside this address under this one's registry."""
        if isinstance(other, _TEXT_OR_BYTES):
            return Multiaddr(other, registry=self.registry)
        if isinstance(other, Component):
            return Multiaddr([other], registry=self.registry)
        if not isinstance(other, Multiaddr):
            raise TypeError(f"text, bytes, a Multiaddr or a Component is wanted, not {type(other).__name__}")
        return other if other.registry is self.registry else Multiaddr(other, registry=self.registry)

    def encapsulate(self, other: Operand) -> Multiaddr:
        """Return this address with another one behind it, read under this one's registry; raise `ParseError`."""
        return self._join(other)

    def __truediv__(self, other: Operand) -> Multiaddr:
        """Encapsulate; here text may lack its first slash."""
        if isinstance(other, str) and not other.startswith("/"):
            other = "/" + other
        return self.encapsulate(other)

    def decapsulate(self, other: Operand) -> Multiaddr:
        """Cut off the last occurrence of another address's components, with all that follows.

        What does not occur leaves the address as it is, and components count whole:

        >>> Multiaddr("/ip4/1.2.3.4/tcp/8080").decapsulate("/tcp/80")
        Multiaddr('/ip4/1.2.3.4/tcp/8080')
        """
        return self._before_last(other)

    def decapsulate_code(self, protocol: Key) -> Multiaddr:
        """Cut off the last component of a protocol, with all that follows; nothing where it does not occur.

        Raises `ProtocolNotFoundError` for a protocol that the registry does not have.
        """
        code = self.registry[protocol].code
        for span_code, start, _, _ in reversed(self._spans()):
            if span_code == code:
                return self._cut(0, start)
        return self

    def startswith(self, other: Operand) -> bool:
        """Say whether the address begins with another one's components."""
        return bytes(self).startswith(bytes(self._operand(other)))

    def endswith(self, other: Operand) -> bool:
        """Say whether the address ends with another one's components."""
        end = bytes(self._operand(other))
        place = len(bytes(self)) - len(end)
        return not end or (bytes(self).endswith(end) and any(start == place for _, start, _, _ in self._spans()))

    @classmethod
    def join(cls, *addresses: Operand) -> Multiaddr:
        """Return the addresses one behind the other, of none the empty one.

        All are read under the registry of the first; raises `ParseError`.
        """
        if not addresses:
            return Multiaddr()
        first, *others = addresses
        whole = Multiaddr([first]) if isinstance(first, Component) else Multiaddr(first)
        return whole._make(b"".join(map(bytes, [whole, *map(whole._operand, others)])), whole.registry)

    def replace(self, protocol: Key, value: object) -> Multiaddr:
        """Return the address with another value for the first component of a protocol.

        The value is text, bytes or typed, as for a `Component`; raises `ParseError` for what is none,
        `ProtocolNotFoundError` where the protocol does not occur.
        """
        code = self.registry[protocol].code
        for span_code, start, _, stop in self._spans():
            if span_code == code:
                component = Component(code, value, registry=self.registry)
                return self._make(bytes(self)[:start] + bytes(component) + bytes(self)[stop:], self.registry)
        raise ProtocolNotFoundError(protocol, "the address")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return text_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, str]:
        return {"type": "string", "format": "multiaddr"}


Multiaddr._untrack()  # they are in no cycle


def _load(raw: bytes, registry: Registry) -> Multiaddr:
    return Multiaddr(raw or (), registry=registry)


def _bytes_under(registry: Registry, address: Multiaddr | Component) -> bytes:
    """Return bytes that are valid under `registry`; what was read under another one is read again."""
    raw = bytes(address)
    if raw and address.registry is not registry:
        _wire.check_bytes(raw, registry)
    return raw
