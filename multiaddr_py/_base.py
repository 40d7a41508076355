"""The type that holds an address's bytes, and all of `Multiaddr` that has to be fast."""

from __future__ import annotations

from multiaddr_py import _wire
from multiaddr_py._frozen import Binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from multiaddr_py.registry import Key, Registry


class Base(Binary):
    """The canonical bytes of an address, and the registry under which they were read.

    A subclass gives `_read`, which checks whatever an address can be made from.
    """

    __slots__ = ("registry",)
    registry: Registry

    def __new__(cls, address: object = (), /, *, registry: Registry | None = None) -> Self:
        return cls._make(*cls._read(address, registry))

    @classmethod
    def _read(cls, address: object, registry: Registry | None) -> tuple[bytes, Registry]:
        """Return an address's canonical bytes and the registry that they were read under."""
        raise NotImplementedError

    @classmethod
    def _make(cls, raw: bytes, registry: Registry) -> Self:
        """Return an address of checked bytes."""
        self = object.__new__(cls)
        _set_bytes(self, raw)
        _set_registry(self, registry)
        return self

    def __str__(self) -> str:
        return _wire.bytes_to_text(self._bytes, self.registry)

    def _spans(self) -> list[tuple[int, int, int, int]]:
        """Return each component's code, where it begins, where its value begins, and where it ends."""
        return _wire.spans(self._bytes, self.registry)

    def _first_text(self, protocol: Key) -> str | None:
        """Return the text of a protocol's first value: empty if it has no value, None if it does not occur.

        Raises `ProtocolNotFoundError` for a protocol that the registry does not have.
        """
        return _wire.first_text(self._bytes, self.registry, self.registry[protocol].code)

    def _last_place(self, other: Base) -> int:
        """Return where the last occurrence of the components of another address begins; -1 if there is none.

        The other one is not empty, and of the same registry.
        """
        return _wire.last_place(self._bytes, other._bytes, self.registry)

    def _join(self, other: Base) -> Self:
        """Return this address with another one of the same registry behind it."""
        return self._make(self._bytes + other._bytes, self.registry)

    def _cut(self, start: int, stop: int) -> Self:
        """Return the bytes between two places that are ends of components."""
        return self._make(self._bytes[start:stop], self.registry)


_set_bytes: Callable[[Base, bytes], None] = Binary.__dict__["_bytes"].__set__
_set_registry: Callable[[Base, Registry], None] = Base.__dict__["registry"].__set__
