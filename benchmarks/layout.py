"""Writing figures and tables: Markdown that can be read as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTHING = "-"
UNITS = [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s")]


def digits(number: float) -> str:
    """Write a number with three digits, or all of those before the point; with two if it is below one."""
    if number < 0.0995:
        return f"{number:.2g}"
    return f"{number:.{2 if number < 9.995 else 1 if number < 99.95 else 0}f}"


def duration(seconds: float) -> str:
    """Write a time."""
    size, unit = next((size, unit) for size, unit in reversed(UNITS) if seconds >= size or unit == "ns")
    return f"{digits(seconds / size)} {unit}"


def percent(part: float) -> str:
    """Write a part of one."""
    return f"{100 * part:.0f} %"


def times(ratio: float | None) -> str:
    """Write a ratio."""
    return NOTHING if ratio is None else f"{digits(ratio)}x"


def shortened(text: str, length: int = 44) -> str:
    """Cut a text to a length."""
    return text if len(text) <= length else text[: length - 1] + "…"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, its first column to the left, the others to the right; nothing if there are no rows."""
    lines = [heading, *rows]
    if len(lines) == 1:
        return ""
    widths = [max(2, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    first, *others = [
        [
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [first, rule, *others])


def section(title: str, *paragraphs: str) -> str:
    """Return a section, nothing if there is nothing in it."""
    found = list(filter(None, paragraphs))
    return "\n\n".join([f"## {title}", *found]) if found else ""
