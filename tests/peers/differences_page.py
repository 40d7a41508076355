"""The page of differences, made from the lists: `python tests/peers/differences_page.py > docs/differences.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from differences import LISTS, Differences, Entry, Example, read_list
from outcomes import KINDS, Kind, Outcome, Source, kind_of

INTRODUCTION = """\
# Differences

What other implementations of multiaddr read, write and refuse otherwise than this library,
for people who move between them, or whose programs talk to each other.

Where the specification says who is right, this page says so.
A difference in the *bytes* is the one to look for first: both sides take the text, and mean something else.
One in the text alone is seen wherever addresses are compared as text; compare bytes, and it is gone.

This page is made from the lists in `tests/peers/`, which tests compare with the implementations, each in the version
named here: a difference that is not listed fails them, and so does one that is gone.
Those of Go and Rust are from vectors that both were asked.
"""
HEADINGS: dict[Kind, str] = {
    "refuses": "refuses what is read here",
    "takes": "takes what is refused here",
    "bytes": "other bytes",
    "text": "other text",
}
RIGHT = {
    "ours": "so this library has it",
    "theirs": "so the other has it",
    "silent": "which leaves it open",
}
LONGEST = 56
"""So many characters of an example are shown."""


def page() -> str:
    """Return the page."""
    lists = [read_list(name) for name in LISTS]
    parts = [INTRODUCTION, _table(lists), _other_bytes(lists), *map(_section, lists)]
    return "\n".join(parts)


def _title(peer: Differences) -> str:
    where = {"Python": "PyPI's ", "JavaScript": "npm's "}.get(peer.language, f"{peer.language}'s ")
    return f"{where}`{peer.peer}`"


def _table(lists: list[Differences]) -> str:
    rows = ["| implementation | version | " + " | ".join(HEADINGS.values()) + " |", "|---|---|" + "--:|" * len(KINDS)]
    for peer in lists:
        counts = [str(sum(kind in entry.kinds for entry in peer.entries.values())) for kind in HEADINGS]
        rows.append(f"| {_title(peer)} | {peer.version} | " + " | ".join(counts) + " |")
    return "\n".join(["Differences by kind; some are of several:", "", *rows, ""])


def _other_bytes(lists: list[Differences]) -> str:
    lines = ["## Where the same text has other bytes", ""]
    for peer in lists:
        found = [entry for entry in peer.entries.values() if "bytes" in entry.kinds]
        lines += [f"- {_title(peer)}: {', '.join(_subject(entry) for entry in found)}"] if found else []
    return "\n".join([*lines, ""])


def _subject(entry: Entry) -> str:
    return f"{entry.about} (`{entry.id}`)"


def _section(peer: Differences) -> str:
    lines = [f"## {_title(peer)} {peer.version}", ""]
    if peer.cost:
        lines += [peer.cost, ""]
    for about in dict.fromkeys(entry.about for entry in peer.entries.values()):
        lines += [f"### {about[0].upper()}{about[1:]}", ""]
        for entry in peer.entries.values():
            if entry.about == about:
                lines += [*_entry(entry), ""]
    return "\n".join(lines)


def _entry(entry: Entry) -> Iterator[str]:
    kinds = ", ".join(HEADINGS[kind] for kind in entry.kinds)
    yield f"**{entry.id}** ({kinds})"
    yield entry.does
    yield ""
    yield f"- Rule: {entry.rule} ({entry.source}, {RIGHT[entry.right]}.)"
    yield f"- Moving: {entry.moving}"
    for example in entry.examples:
        yield f"- {_example(example)}"


def _example(example: Example) -> str:
    source, here, there = example
    kind = kind_of(here, there)
    if kind == "refuses":
        return f"{_source(source)} is {_text(here)} here, and refused there."
    if kind == "takes":
        return f"{_source(source)} is refused here, and {_read(there)} there."
    if kind == "text":
        return f"{_source(source)} is {_text(here)} here, and {_text(there)} there."
    return f"{_source(source)} is {_read(here)} here, and {_read(there)} there."


def _read(outcome: Outcome) -> str:
    assert outcome is not None
    raw = _code(outcome[0].hex()) if outcome[0] else "no bytes"
    return f"{_text(outcome)}, {raw}" if outcome[1] is not None else f"{raw}, which cannot be written,"


def _text(outcome: Outcome) -> str:
    assert outcome is not None
    if outcome[1] is None:
        return "not to be written"
    return _code(outcome[1]) if outcome[1] else "the empty text"


def _source(source: Source) -> str:
    if not source:
        return "Empty text" if isinstance(source, str) else "No bytes"
    return _code(source) if isinstance(source, str) else f"Bytes {_code(source.hex())}"


def _code(text: str) -> str:
    """Write text as code: what cannot be seen is escaped, and what is long is cut in its middle."""
    seen = "".join(it if it.isprintable() and (it.isascii() or it.isalnum()) else ascii(it)[1:-1] for it in text)
    if len(seen) > LONGEST:
        seen = f"{seen[: LONGEST - 12]}…{seen[-11:]}"
    return f"``{seen}``" if "`" in seen else f"`{seen}`"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr] # it is a file
    print(page(), end="")
