"""What counts as text, bytes and an integer among arguments, and how one is written in an error."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard

BYTES_LIKE = (bytes, bytearray, memoryview)
"""What is taken as bytes. For `isinstance` a tuple takes a fraction of the time that a union takes."""


def plain(value: object) -> str | bytes | None:
    """Return text and bytes without what a subclass makes of them; None for everything else."""
    if isinstance(value, str):
        return str.__str__(value)
    return bytes(value) if isinstance(value, BYTES_LIKE) else None


def is_integer(value: object) -> TypeGuard[int]:
    """Say whether a value is a number and not a truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def spell(value: object) -> str:
    """Return `str(value)`; Python refuses to write, alone or within a tuple, a number of thousands of digits."""
    try:
        return str(value)
    except ValueError:
        return f"<huge {type(value).__name__}>"
