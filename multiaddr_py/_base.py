"""The type that holds an address's bytes, and all of `Multiaddr` that has to be fast."""

from __future__ import annotations

from multiaddr_py import _wire
from multiaddr_py._frozen import Binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from multiaddr_py.registry import Registry


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
        walk = _wire.walk(self._bytes, self.registry)
        return [(protocol.code, start, value, stop) for protocol, start, value, stop in walk]

    def _first_text(self, code: int) -> str | None:
        """Return the text of the first value of a code: empty if that has no value, None if it does not occur."""
        for protocol, _, start, stop in _wire.walk(self._bytes, self.registry):
            if protocol.code == code:
                return "" if protocol.codec is None else protocol.codec.to_text(self._bytes[start:stop])
        return None

    def _last_place(self, other: Base) -> int:
        """Return where the last occurrence of another address's components begins; -1 if there is none."""
        if other._bytes not in self._bytes:
            return -1
        spans = self._spans()
        run = _last_run(
            [self._bytes[start:stop] for _, start, _, stop in spans],
            [other._bytes[start:stop] for _, start, _, stop in other._spans()],
        )
        return -1 if run is None else spans[run][1]

    def _join(self, other: Base) -> Self:
        """Return this address with another one of the same registry behind it."""
        return self._make(self._bytes + other._bytes, self.registry)

    def _cut(self, start: int, stop: int) -> Self:
        """Return the bytes between two places that are ends of components."""
        return self._make(self._bytes[start:stop], self.registry)


_set_bytes: Callable[[Base, bytes], None] = Binary.__dict__["_bytes"].__set__
_set_registry: Callable[[Base, Registry], None] = Base.__dict__["registry"].__set__


def _last_run(whole: list[bytes], part: list[bytes]) -> int | None:
    """Return the index of the last occurrence of `part` in `whole`.

    By Knuth, Morris and Pratt's algorithm from the end: comparing at every place would take quadratic time
    on an address that repeats itself.
    """
    part = part[::-1]
    borders = [0]
    for item in part[1:]:
        border = borders[-1]
        while border and item != part[border]:
            border = borders[border - 1]
        borders.append(border + (item == part[border]))
    matched = 0
    for index in reversed(range(len(whole))):
        while matched and whole[index] != part[matched]:
            matched = borders[matched - 1]
        matched += whole[index] == part[matched]
        if matched == len(part):
            return index
    return None
