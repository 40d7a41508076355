"""One component of an address: a protocol with its value."""

from __future__ import annotations

from multiaddr_py import _wire
from multiaddr_py._arguments import plain, spell
from multiaddr_py._frozen import Frozen, final
from multiaddr_py.errors import ParseError
from multiaddr_py.registry import REGISTRY, Key, Protocol, Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


@final
class Component(Frozen):
    r"""A protocol with its value, or one that has none.

    Components are equal when they have the same bytes.

    >>> Component("tcp", 80) == Component("tcp", "0080") == Component(6, b"\x00\x50")
    True
    """

    __slots__ = ("protocol", "raw_value", "registry")
    __match_args__ = ("name", "value")
    protocol: Protocol
    raw_value: bytes
    """The value's bytes, without its length; empty where the protocol has no value."""
    registry: Registry

    def __init__(self, protocol: Key, value: object = None, *, registry: Registry = REGISTRY) -> None:
        """Read a value: its text as in an address, its bytes, or the typed value.

        A value of `unix` that has a slash in it is a path as it stands.
        Raises `ParseError` for what is no value, `ProtocolNotFoundError` for an unknown protocol.
        """
        if not isinstance(registry, Registry):
            raise TypeError(f"a registry is a Registry, not {type(registry).__name__}")
        found = registry[protocol]
        self._fill(protocol=found, raw_value=_read_value(value, found), registry=registry)

    @classmethod
    def _make(cls, protocol: Protocol, raw_value: bytes, registry: Registry) -> Component:
        """Return a component of a checked value."""
        self = object.__new__(cls)
        _set_protocol(self, protocol)  # iterating lives on this; a third of the time of `_fill`
        _set_raw_value(self, raw_value)
        _set_registry(self, registry)
        return self

    @property
    def name(self) -> str:
        """The canonical name of the protocol."""
        return self.protocol.name

    @property
    def code(self) -> int:
        """The code of the protocol."""
        return self.protocol.code

    @property
    def value(self) -> str | None:
        """The value's canonical text; None where the protocol has no value."""
        return None if self.protocol.codec is None else self.protocol.codec.to_text(self.raw_value)

    @property
    def typed_value(self) -> object:
        """The value as a Python object; None where the protocol has no value.

        An `int` for ports and numbers, `IPv4Address`, `IPv6Address`, `PeerId`, a `Multihash` for certhash,
        an `OnionAddress` for onion and onion3, `bytes` for unix, http-path, ech and garlic, `str` for names.
        """
        return None if self.protocol.codec is None else self.protocol.codec.to_value(self.raw_value)

    def __bytes__(self) -> bytes:
        return _wire.component_to_bytes(self.protocol, self.raw_value)

    def __str__(self) -> str:
        value = self.value
        return f"/{self.name}" if value is None else f"/{self.name}/{value}"

    def __repr__(self) -> str:
        arguments = [repr(self.name)]
        if self.protocol.codec is not None:
            arguments.append(repr(self.value))
        if self.registry != REGISTRY:
            arguments.append(f"registry={self.registry!r}")
        return f"Component({', '.join(arguments)})"

    def __eq__(self, other: object) -> bool:
        return bytes(self) == bytes(other) if isinstance(other, Component) else NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __reduce__(self) -> tuple[object, ...]:
        return _load, (self.code, self.raw_value, self.registry)


_set_protocol: Callable[[Component, Protocol], None] = Component.__dict__["protocol"].__set__
_set_raw_value: Callable[[Component, bytes], None] = Component.__dict__["raw_value"].__set__
_set_registry: Callable[[Component, Registry], None] = Component.__dict__["registry"].__set__


def _load(code: int, raw_value: bytes, registry: Registry) -> Component:
    return Component(code, raw_value, registry=registry)


def _read_value(value: object, protocol: Protocol) -> bytes:
    """Read a value given as text, bytes or a Python object."""
    if value is None:
        if protocol.codec is None:
            return b""
        raise ParseError(f"{protocol.name} needs a value", "", 0, protocol.name)
    source = plain(value)
    try:
        if isinstance(source, str):
            return bytes(_wire.value_to_raw(source, protocol))
        raw = _from_value(value, protocol) if source is None else source
        _wire.check_raw(raw, protocol)
    except ValueError as error:
        shown = spell(value) if source is None else source
        raise _wire.value_error(error, protocol, shown, shown, 0) from error
    return bytes(raw)  # what a codec of a user's own returns may be a bytearray


def _from_value(value: object, protocol: Protocol) -> bytes:
    if protocol.codec is None:
        raise ValueError("it takes no value")
    try:
        return protocol.codec.from_value(value)
    except TypeError as error:
        raise TypeError(f"{protocol.name}: {error}") from error
