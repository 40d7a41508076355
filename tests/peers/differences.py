"""The known differences: read from the lists beside this file, and set against what was observed.

A list is exact. `judge` fails for a difference that no entry claims, and for one that the peer's model did not predict;
`check_examples` for an entry whose examples do not differ any more, or differ otherwise than it says.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from asking import Ask
from outcomes import KINDS, Kind, Outcome, Source, kind_of, ours, spell
from readings import Meeting, Model

Form = Literal["text", "bytes"]
Right = Literal["ours", "theirs", "silent"]

HERE = Path(__file__).parent
LISTS = ("multiaddr", "multiformats", "javascript", "go", "rust")


class Example(NamedTuple):
    """An input on which the two differ, and what comes of it."""

    source: Source
    ours: Outcome
    theirs: Outcome


class Entry(NamedTuple):
    """One known difference, as the page shows it, and what decides whether it claims a difference.

    It claims what a model's reading notes under its id, and the components of its protocols, met in one of its forms,
    that differ in one of its kinds. In a list without a model `vectors` names the rules of the shared vectors instead,
    and the protocols are for readers.
    """

    id: str
    about: str
    kinds: tuple[Kind, ...]
    does: str
    rule: str
    source: str
    right: Right
    moving: str
    examples: tuple[Example, ...]
    protocols: tuple[str, ...] = ()
    forms: tuple[Form, ...] = get_args(Form)
    vectors: tuple[str, ...] = ()
    before_python_3: int = 100

    def claims(self, meeting: Meeting) -> bool:
        """Say whether a component that was met differs as this entry says."""
        form = "text" if isinstance(meeting.source, str) else "bytes"
        return meeting.protocol in self.protocols and form in self.forms and meeting.kind in self.kinds


class Differences(NamedTuple):
    """The list of one peer, in one version."""

    peer: str
    language: str
    version: str
    entries: Mapping[str, Entry]
    cost: str = ""
    """What reading costs there, of which no test is made."""

    @property
    def here(self) -> Mapping[str, Entry]:
        """The entries that there are under this version of Python."""
        return {entry.id: entry for entry in self.entries.values() if sys.version_info[1] < entry.before_python_3}


class InexactError(AssertionError):
    """A list says other than what was observed."""


def read_list(name: str) -> Differences:
    """Read the list of a peer."""
    with (HERE / f"{name}.toml").open("rb") as file:
        document = tomllib.load(file)
    rows = [_entry(row) for row in document["difference"]]
    entries = {entry.id: entry for entry in rows}
    assert len(entries) == len(rows), f"{name}: an id stands there twice"
    return Differences(document["peer"], document["language"], document["version"], entries, document.get("cost", ""))


def _entry(row: dict[str, Any]) -> Entry:
    lists: dict[str, Any] = {
        key: tuple(row.pop(key)) for key in ("kinds", "protocols", "forms", "vectors") if key in row
    }
    examples = tuple(_example(example) for example in row.pop("examples"))
    fields: dict[str, Any] = {**row, **lists, "examples": examples}
    entry = Entry(**fields)
    assert entry.examples, f"{entry.id} has no example"
    assert entry.right in get_args(Right), entry.id
    assert set(entry.kinds) <= set(KINDS), entry.id
    assert set(entry.forms) <= set(get_args(Form)), entry.id
    return entry


def _example(row: dict[str, Any]) -> Example:
    if "escaped" in row:  # TOML has no lone surrogates
        source = json.loads(row["escaped"])
    else:
        source = row["text"] if "text" in row else bytes.fromhex(row["hex"])
    return Example(source, _outcome(row.get("ours")), _outcome(row.get("theirs")))


def _outcome(pair: list[str] | None) -> Outcome:
    """Read an outcome: the bytes in hex and the text, which is not there where it cannot be written."""
    return None if pair is None else (bytes.fromhex(pair[0]), pair[1] if len(pair) == 2 else None)


def judge(source: Source, theirs: Outcome, model: Model, entries: Mapping[str, Entry]) -> set[str]:
    """Return the ids of the entries that claim a difference, if there is one; raise if the list lacks it."""
    here = ours(source)
    reading = model(source)
    kind = kind_of(here, theirs)
    seen = f"{source!a}\n  here:  {spell(here)}\n  there: {spell(theirs)}"
    if reading.theirs != theirs:
        raise InexactError(f"the model predicts another outcome\n{seen}\n  model: {spell(reading.theirs)}")
    if kind is None:
        return set()
    claims = set(reading.notes)
    for meeting in reading.meetings:
        if meeting.kind is not None:
            claiming = [entry.id for entry in entries.values() if entry.claims(meeting)]
            if len(claiming) != 1:
                raise InexactError(f"{meeting.kind} of {meeting.source!a} is claimed by {claiming}, not by one\n{seen}")
            claims.update(claiming)
    if not claims <= entries.keys():
        raise InexactError(f"{claims - entries.keys()} are not in the list\n{seen}")
    if not any(kind in entries[claim].kinds for claim in claims):
        raise InexactError(f"{sorted(claims)} claim it, but none of them as one that {kind}\n{seen}")
    return claims


def check_examples(entry: Entry, ask: Ask, model: Model, entries: Mapping[str, Entry]) -> None:
    """Check that each example differs as an entry says, and because of what it says."""
    for example in entry.examples:
        here, theirs = ours(example.source), ask(example.source)
        if here == theirs:
            raise InexactError(f"{entry.id}: the difference of {example.source!a} is gone")
        if (here, theirs) != example[1:]:
            raise InexactError(
                f"{entry.id}: {example.source!a} differs otherwise than listed\n"
                f"  here:  {spell(here)}\n  there: {spell(theirs)}"
            )
        if entry.id not in judge(example.source, theirs, model, entries):
            raise InexactError(f"{entry.id} does not claim its example {example.source!a}")


def unclaimed(entries: Mapping[str, Entry], claims: Iterable[str]) -> list[str]:
    """Return the ids of the entries that claimed nothing."""
    return sorted(entries.keys() - set(claims))
