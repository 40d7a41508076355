"""The type that holds an address's bytes, and all of `Multiaddr` that has to be fast."""

from __future__ import annotations

import os

from multiaddr_py import _wire
from multiaddr_py._frozen import Binary, set_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from multiaddr_py.registry import Key, Registry


class Base(Binary):
    """The canonical bytes of an address, and the registry under which they were read.

    A subclass gives `_read` and `_operand`, which check whatever an address can be made from.
    """

    __slots__ = ("registry",)
    registry: Registry

    def __new__(cls, address: object = (), /, *, registry: Registry | None = None) -> Self:
        return cls._make(*cls._read(address, registry))

    if TYPE_CHECKING:

        @classmethod
        def _read(cls, address: object, registry: Registry | None) -> tuple[bytes, Registry]:
            """Return an address's canonical bytes and the registry that they were read under."""
            ...

        def _operand(self, other: object) -> Base:
            """Return an address of this one's registry for what stands beside it in an operation."""
            ...

    @classmethod
    def _make(cls, raw: bytes, registry: Registry) -> Self:
        """Return an address of checked bytes."""
        self = object.__new__(cls)
        set_bytes(self, raw)
        _set_registry(self, registry)
        return self

    @classmethod
    def _untrack(cls) -> None:
        """Let the garbage collector leave out addresses of the default registry, where that can be had."""

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

    def _join(self, other: object) -> Self:
        """Return this address with another one behind it."""
        return self._make(self._bytes + self._operand(other)._bytes, self.registry)

    def _before_last(self, other: object) -> Self:
        """Return what stands before the last occurrence of the components of another address; all if there is none."""
        place = _wire.last_place(self._bytes, self._operand(other)._bytes, self.registry)
        return self if place < 0 else self._cut(0, place)

    def _cut(self, start: int, stop: int) -> Self:
        """Return the bytes between two places that are ends of components."""
        return self._make(self._bytes[start:stop], self.registry)


_set_registry: Callable[[Base, Registry], None] = Base.__dict__["registry"].__set__


ACCELERATED = False
"""Whether the type above has given way to the same one in C; `MULTIADDR_PY_PURE=1` in the environment prevents it."""

if not TYPE_CHECKING and os.environ.get("MULTIADDR_PY_PURE", "0") in ("", "0"):
    try:
        from multiaddr_py._accel import Base

        ACCELERATED = True
    except ImportError:  # it was not built, or this interpreter cannot load it
        pass
