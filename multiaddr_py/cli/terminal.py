"""What may be written to a terminal: strangers' text made harmless, measured and cut to a width."""

from __future__ import annotations

import unicodedata
from itertools import accumulate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from multiaddr_py import ParseError


def escape(text: str) -> str:
    """Write every character that is not printable as an escape, so that no text can command the terminal."""
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escape_character, text))


def _escape_character(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def width(text: str) -> int:
    """Return how many columns printable text takes: wide characters count two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_width_of_character, text))


def _width_of_character(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """Cut printable text to a width, with … where something is left out, and fill it up with blanks."""
    if width(text) > columns:
        kept = sum(end < columns for end in accumulate(map(_width_of_character, text)))
        text = text[:kept] + "…"
    return text + " " * (columns - width(text))


def table(heading: Sequence[str], rows: Sequence[Sequence[str]], *, flexible: dict[int, int], columns: int) -> str:
    """Lay out printable cells in columns of two blanks' distance, as wide as they need to be; leave out empty columns.

    Where that is wider than `columns`, the `flexible` columns, in their order, shrink to their given least widths,
    and then, if need be, to one.
    """
    lines = [heading, *rows]
    widths = {
        index: max(width(line[index]) for line in lines)
        for index in range(len(heading))
        if any(row[index] for row in rows)
    }
    excess = sum(widths.values()) + 2 * (len(widths) - 1) - columns
    for least in flexible, dict.fromkeys(flexible, 1):
        for index in filter(widths.__contains__, least):
            cut = max(0, min(excess, widths[index] - least[index]))
            widths[index] -= cut
            excess -= cut
    return "\n".join("  ".join(fit(line[index], widths[index]) for index in widths).rstrip() for line in lines)


def point_out(error: ParseError, columns: int) -> str:
    """Show the part of the source around an error, with carets under the segment that is wrong."""
    source, offset = error.source, error.offset
    start = stop = offset
    room = columns // 2
    while start > 0 and (room := room - width(_cell(source, start - 1))) > 0:
        start -= 1
    room = columns // 2
    while stop < len(source) and (room := room - width(_cell(source, stop))) > 0:
        stop += 1
    before, after = "…" * (start > 0), "…" * (stop < len(source))
    before += "".join(_cell(source, index) for index in range(start, offset))
    cells = [_cell(source, index) for index in range(offset, stop)]
    wrong = "".join(cells[: _segment_length(source[offset:stop])]).rstrip(" ")
    return f"{before}{''.join(cells).rstrip(' ') + after}\n{' ' * width(before)}{'^' * max(1, width(wrong))}"


def _cell(source: str | bytes, index: int) -> str:
    character = source[index]
    return escape(character) if isinstance(character, str) else f"{character:02x} "


def _segment_length(segments: str | bytes) -> int:
    """Return how much is wrong: of text all before the next slash, of bytes the first one."""
    return len(segments.partition("/")[0]) if isinstance(segments, str) else 1
