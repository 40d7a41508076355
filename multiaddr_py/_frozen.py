"""What makes a small record immutable, without the imports that `dataclasses` and `typing` would cost."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar, NoReturn, Self, dataclass_transform
    from typing import final as final  # noqa: PLC0414  the alias makes it an export
else:

    def final(cls):
        """Stand in for `typing.final`, which only type checkers need."""
        return cls

    def dataclass_transform(**options):
        """Stand in for `typing.dataclass_transform`."""
        return final


@dataclass_transform(frozen_default=True, eq_default=False)  # what makes type checkers refuse assignments
class Frozen:
    """A base whose slots are filled once, while the object is built."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} cannot be deleted")

    def _fill(self, **values: object) -> None:
        for name, value in values.items():
            if hasattr(self, name):
                raise AttributeError(f"{type(self).__name__} is immutable: {name!r} was set before")
            object.__setattr__(self, name, value)


class Binary(Frozen):
    """A base for values that are their bytes: equal, ordered and hashed by them among objects of one class."""

    __slots__ = ("_bytes",)
    _bytes: bytes

    def __bytes__(self) -> bytes:
        return self._bytes

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __eq__(self, other: object) -> bool:
        return self._bytes == other._bytes if type(other) is type(self) else NotImplemented

    def __lt__(self, other: Self) -> bool:
        return self._bytes < other._bytes if type(other) is type(self) else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self._bytes <= other._bytes if type(other) is type(self) else NotImplemented

    def __gt__(self, other: Self) -> bool:
        return self._bytes > other._bytes if type(other) is type(self) else NotImplemented

    def __ge__(self, other: Self) -> bool:
        return self._bytes >= other._bytes if type(other) is type(self) else NotImplemented


set_bytes: Callable[[Binary, bytes], None] = Binary.__dict__["_bytes"].__set__
"""Fills the slot of an object that was made without a constructor; a third of the time of `_fill`."""


class Record(Frozen):
    """A base for records that are equal when their fields are.

    The fields are the names in `__match_args__`, which are the arguments of the constructor, too.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def _fields(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__match_args__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __reduce__(self) -> tuple[object, ...]:
        return _build, (type(self), dict(zip(self.__match_args__, self._fields(), strict=True)))


def _build(cls: Callable[..., Record], fields: dict[str, object]) -> Record:
    return cls(**fields)
