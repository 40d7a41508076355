"""The page of differences, made from the lists: `python tests/peers/differences_page.py > docs/differences.md`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from differences import LISTS, Differences, Entry, read_list
from outcomes import KINDS, Kind, Outcome, Source, kind_of

INTRODUCTION = """\
# Differences

What other implementations of multiaddr read, write and refuse otherwise than this library,
for people who move between them, or whose programs talk to each other.

A difference in the *bytes* is the one to look for first: both sides take the text, and mean something else by it.
One in the text alone shows wherever addresses are compared as text; compare bytes, and it is gone.
Of each difference this page has the rule that decides it, who follows that, and what to do about it.
"Nothing" means that neither an address made here nor a program that reads it has to change.

This page is made from the lists in `tests/peers/`, which tests compare with the implementations, each in the version
named here: a difference that is not listed fails them, and so does one that is gone.
Those of Go and Rust are from vectors that both were asked. Long values are cut with `…` here, and whole in the lists.
"""
HEADINGS: dict[Kind, str] = {
    "refuses": "refuses what is read here",
    "takes": "takes what is refused here",
    "bytes": "other bytes",
    "text": "other text",
}
RIGHT = {
    "ours": "This library follows it.",
    "theirs": "The other follows it, and this library knowingly does not.",
    "silent": "It leaves this open.",
}
LINKS = {
    "multiaddr README": "https://github.com/multiformats/multiaddr#specification",
    "protocols.csv": "https://github.com/multiformats/multiaddr/blob/master/protocols.csv",
    "protocols/unix.md": "https://github.com/multiformats/multiaddr/blob/master/protocols/unix.md",
    "protocols/httppath.md": "https://github.com/multiformats/multiaddr/blob/master/protocols/httppath.md",
    "peer-ids specification": "https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md",
    "multibase specification": "https://github.com/multiformats/multibase",
    "multihash specification": "https://github.com/multiformats/multihash",
    "unsigned-varint specification": "https://github.com/multiformats/unsigned-varint",
    "I2P naming specification": "https://geti2p.net/en/docs/naming",
}
LONGEST = 48
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
        if found:
            lines.append(f"- {_title(peer)}: {', '.join(f'`{name}`' for entry in found for name in entry.protocols)}")
    return "\n".join([*lines, ""])


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
    protocols = "".join(f", `{name}`" for name in entry.protocols)
    yield f"**{entry.id}**{protocols}: {', '.join(HEADINGS[kind] for kind in entry.kinds)}."
    yield entry.does
    yield ""
    yield f"- The rule: {entry.rule} ({_linked(entry.source)})"
    yield f"- {RIGHT[entry.right]}"
    yield f"- What to do: {entry.moving}"
    yield ""
    yield "| given | here | there |"
    yield "|---|---|---|"
    for example in entry.examples:
        alike = kind_of(example.ours, example.theirs) in ("refuses", "text")  # where nobody looks at the bytes
        cells = (_source(example.source), _cell(example.ours, alike=alike), _cell(example.theirs, alike=alike))
        yield f"| {' | '.join(cells)} |"


def _linked(source: str) -> str:
    for name, address in LINKS.items():
        source = source.replace(name, f"[{name}]({address})")
    return re.sub(r"RFC (\d+)", r"[RFC \1](https://www.rfc-editor.org/rfc/rfc\1)", source)


def _cell(outcome: Outcome, *, alike: bool) -> str:
    if outcome is None:
        return "refused"
    raw, text = outcome
    if text is None:
        return "taken, and not to be written" if alike else f"{_code(raw.hex())}, not to be written"
    if not raw:
        return f"{_code(text)}, no bytes" if text else "the empty address"
    return _code(text) if alike else f"{_code(text)}, {_code(raw.hex())}"


def _source(source: Source) -> str:
    if not source:
        return "empty text" if isinstance(source, str) else "no bytes"
    return _code(source) if isinstance(source, str) else f"bytes {_code(source.hex())}"


def _code(text: str) -> str:
    """Write text as code: what cannot be seen is escaped, and what is long is cut in its middle."""
    seen = "".join(it if it.isprintable() and (it.isascii() or it.isalnum()) else ascii(it)[1:-1] for it in text)
    if len(seen) > LONGEST:
        seen = f"{seen[: LONGEST - 12]}…{seen[-11:]}"
    assert "`" not in seen
    assert "|" not in seen
    return f"`{seen}`"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr] # it is a file
    print(page(), end="")
