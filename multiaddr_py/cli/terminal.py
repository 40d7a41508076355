"""What may be written to a terminal: strangers' text made harmless, measured and cut to a width."""

from __future__ import annotations

import unicodedata
from itertools import accumulate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from multiaddr_py import ParseError


def escape(text: str) -> str:
    """Write every character that is not printable as an escape, so that no text can command the terminal.

    Backslashes are doubled, so that what is shown can only be read in one way,
    and of combining marks in a row, which pile up over other lines, two are left as they are.
    """
    if text.isascii():
        return harmless(text.replace("\\", "\\\\"))
    shown, marks = [], 0
    for character in text.replace("\\", "\\\\"):
        marks = marks + 1 if _is_mark(character) else 0
        shown.append(character if character.isprintable() and marks <= 2 else _escape_character(character))
    return "".join(shown)


def harmless(text: str) -> str:
    """Escape what is not printable in text that quotes a stranger's text already."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape_character(c) for c in text)


def _escape_character(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me")


def width(text: str) -> int:
    """Return how many columns printable text takes: wide characters count two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_width_of_character, text))


def _width_of_character(character: str) -> int:
    if _is_mark(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, columns: int, unit: int = 1) -> str:
    """Cut printable text to a width, between units of so many characters, and fill it up with blanks.

    Where something is left out there is a `…`.
    """
    if width(text) > columns:
        kept = sum(end < columns for end in accumulate(map(_width_of_character, text)))
        text = text[: kept // unit * unit] + "…"
    return text + " " * (columns - width(text))


def table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], *, flexible: dict[int, tuple[int, int]], columns: int
) -> Iterator[str]:
    """Yield the lines of a table of printable cells, two blanks apart; empty columns are left out.

    Where it is wider than `columns`, the `flexible` columns shrink, in their order:
    for each its least width, and how many characters are cut off or kept together.
    If that is not enough the first of them is left out, and then the others shrink to one.
    """
    lines = [heading, *rows]
    widths = {
        index: max(width(line[index]) for line in lines)
        for index in range(len(heading))
        if any(row[index] for row in rows)
    }
    least = {index: narrow for index, (narrow, _) in flexible.items()}
    fitted = _shrunk(widths, least, columns)
    if _width_of_table(fitted) > columns:
        widths.pop(next(iter(flexible), -1), None)
        fitted = _shrunk(_shrunk(widths, least, columns), dict.fromkeys(flexible, 1), columns)
    shape = [(index, room, flexible.get(index, (0, 1))[1]) for index, room in fitted.items()]
    for line in lines:
        yield "  ".join(fit(line[index], *limits) for index, *limits in shape).rstrip()


def _shrunk(widths: dict[int, int], least: dict[int, int], columns: int) -> dict[int, int]:
    widths = dict(widths)
    for index in filter(widths.__contains__, least):
        widths[index] -= max(0, min(_width_of_table(widths) - columns, widths[index] - least[index]))
    return widths


def _width_of_table(widths: dict[int, int]) -> int:
    return sum(widths.values()) + 2 * (len(widths) - 1)


def point_out(error: ParseError, columns: int) -> str:
    """Show the part of the source around an error, with carets under the segment that is wrong."""
    source, offset = error.source, error.offset
    start = stop = offset
    room = columns - 2
    while start > 0 or stop < len(source):
        if stop < len(source):
            room -= _cost(source, stop)
            if room < 0:
                break
            stop += 1
        if start > 0:
            room -= _cost(source, start - 1)
            if room < 0:
                break
            start -= 1
    before, after = "…" * (start > 0), "…" * (stop < len(source))
    before += "".join(_cell(source, index) for index in range(start, offset))
    cells = [_cell(source, index) for index in range(offset, stop)]
    between = "" if isinstance(source, str) else " "  # which stands behind the last byte, too
    wrong = "".join(cells[: _segment_length(source[offset:stop])]).rstrip(between)
    shown = f"{before}{''.join(cells)}".rstrip(between) + after
    return f"{shown}\n{' ' * width(before)}{'^' * max(1, width(wrong))}"


def _cell(source: str | bytes, index: int) -> str:
    if not isinstance(source, str):
        return f"{source[index]:02x} "
    if index >= 2 and all(map(_is_mark, source[index - 2 : index + 1])):  # as in `escape`, which sees one alone here
        return _escape_character(source[index])
    return escape(source[index])


def _cost(source: str | bytes, index: int) -> int:
    # A combining mark takes no column, but very many of them are no excerpt.
    return max(1, width(_cell(source, index)))


def _segment_length(segments: str | bytes) -> int:
    """Return how much is wrong: of text all before the next slash, of bytes the first one."""
    return len(segments.partition("/")[0]) if isinstance(segments, str) else 1
