"""The record of a codec: how one kind of value is written in text and in bytes."""

from __future__ import annotations

from multiaddr_py._arguments import is_integer
from multiaddr_py._frozen import Record, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def accept(raw: bytes) -> None:
    """Stand in for `check` where all bytes of the right size are a value."""


def no_value_of(value: object) -> bytes:
    """Stand in for `from_value` where text and bytes are the only forms of a value."""
    raise TypeError(f"its value is text or bytes, not {type(value).__name__}")


@final
class Codec(Record):
    """How a protocol's value is written.

    `size` is in bits: what the codec needs, or None where any size will do.
    `to_raw(text)` and `to_text(raw)` turn a value's text into its bytes and back.
    `check(raw)` refuses bytes that are no value (by default none);
    it never sees an empty value or one of the wrong fixed size.
    `to_value(raw)` gives the typed value (by default the text); it and `to_text` see only bytes that were checked.
    `from_value(object)` reads it (by default nothing but text and bytes is read).
    `takes_rest` is True where a value's text may be the rest of the address:
    a path, slashes and all, whose UTF-8 bytes are the value.
    `to_raw` does not see it, and `check` has to accept every path.

    All are pure functions. They raise `ValueError` with the rule that was broken
    (and a hint, if there is one, as the error's note), `from_value` also `TypeError`.
    A codec of one's own is pickled by its functions, so these are best defined in a module.
    """

    __slots__ = __match_args__ = ("name", "to_raw", "to_text", "check", "size", "to_value", "from_value", "takes_rest")
    name: str
    to_raw: Callable[[str], bytes]
    to_text: Callable[[bytes], str]
    check: Callable[[bytes], object]
    size: int | None
    to_value: Callable[[bytes], object]
    from_value: Callable[[object], bytes]
    takes_rest: bool

    def __init__(
        self,
        name: str,
        to_raw: Callable[[str], bytes],
        to_text: Callable[[bytes], str],
        check: Callable[[bytes], object] = accept,
        *,
        size: int | None = None,
        to_value: Callable[[bytes], object] | None = None,
        from_value: Callable[[object], bytes] = no_value_of,
        takes_rest: bool = False,
    ) -> None:
        to_value = to_text if to_value is None else to_value
        if not isinstance(name, str) or not (size is None or is_integer(size)):
            raise TypeError("a codec's name is a str, and its size an int or None")
        if not all(map(callable, (to_raw, to_text, check, to_value, from_value))):
            raise TypeError("all of a codec but its name, its size and takes_rest are functions")
        self._fill(
            name=name,
            to_raw=to_raw,
            to_text=to_text,
            check=check,
            size=size,
            to_value=to_value,
            from_value=from_value,
            takes_rest=takes_rest,
        )

    def __repr__(self) -> str:
        return f"<Codec {self.name}>"
