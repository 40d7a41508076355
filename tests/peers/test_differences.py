"""The lists of differences are exact, and the page is what they say; no other implementation is needed here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conformance import CONFORMANCE, needs_conformance
from differences import LISTS, Entry, Example, InexactError, check_examples, judge, read_list, unclaimed
from differences_page import page
from outcomes import Outcome, Source, kind_of, ours
from readings import Reading, RefusedError

from multiaddr_py import Component, Multiaddr

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"
DIFFERENCES = {name: read_list(name) for name in LISTS}
ENTRIES = [
    pytest.param(entry, id=f"{name}:{entry.id}")
    for name, differences in DIFFERENCES.items()
    for entry in differences.entries.values()
]


def test_the_page_is_what_the_lists_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_command_prints_the_page() -> None:
    command = [sys.executable, str(Path(__file__).with_name("differences_page.py"))]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "ascii"}
    assert subprocess.run(command, capture_output=True, check=True, env=environment).stdout.decode() == page()


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_has_an_example_of_each_kind_and_of_no_other(entry: Entry) -> None:
    assert {kind_of(example.ours, example.theirs) for example in entry.examples} == set(entry.kinds)


@pytest.mark.parametrize("entry", ENTRIES)
def test_our_outcome_of_an_example_is_as_listed(entry: Entry) -> None:
    for example in entry.examples:
        assert ours(example.source) == example.ours, example.source


# A pretend implementation, which is as ours but for what it makes of a plus sign before a port.


def ask(source: Source) -> Outcome:
    """Take a plus sign."""
    return ours(source.replace("+", "") if isinstance(source, str) else source)


def model(source: Source) -> Reading:
    """Predict what `ask` does with an address of one component."""
    reading = Reading()
    outcome = ask(source)
    if outcome is None:
        reading.refuse()
    elif isinstance(source, str):
        reading.meet(source.split("/")[1], source, lambda: outcome)
    else:
        reading.append(*outcome)
    return reading


PLUS = Entry(
    id="plus",
    about="numbers",
    kinds=("takes",),
    does="A plus sign is read.",
    rule="Digits only.",
    source="the table",
    right="ours",
    moving="Nothing.",
    examples=(Example("/tcp/+80", None, (b"\x06\0\x50", "/tcp/80")),),
    protocols=("tcp",),
)
LISTED = {"plus": PLUS}


def test_a_listed_difference_is_claimed_by_its_entry() -> None:
    assert judge("/tcp/+80", ask("/tcp/+80"), model, LISTED) == {"plus"}
    check_examples(PLUS, ask, model, LISTED)


def test_no_difference_is_claimed_by_none() -> None:
    assert judge("/tcp/80", ask("/tcp/80"), model, LISTED) == set()
    assert judge("/tcp/a", ask("/tcp/a"), model, LISTED) == set()


def test_a_difference_that_is_not_listed_fails() -> None:
    with pytest.raises(
        InexactError, match=r"(?s)takes of '/udp/\+80' is claimed by \[\].*here:  refused.*there: 91020050"
    ):
        judge("/udp/+80", ask("/udp/+80"), model, LISTED)


def test_a_difference_that_two_entries_claim_fails() -> None:
    with pytest.raises(InexactError, match=r"is claimed by .*'plus', 'again'"):
        judge("/tcp/+80", ask("/tcp/+80"), model, {**LISTED, "again": PLUS._replace(id="again")})


def test_a_difference_of_another_kind_than_listed_fails() -> None:
    with pytest.raises(InexactError, match="is claimed by"):
        judge("/tcp/+80", ask("/tcp/+80"), model, {"plus": PLUS._replace(kinds=("bytes", "text", "refuses"))})


def test_an_outcome_that_the_model_does_not_predict_fails_listed_or_not() -> None:
    for theirs in (None, (b"\x06\0\x51", "/tcp/81"), (b"\x06\0\x50", None)):
        with pytest.raises(InexactError, match=r"(?s)another outcome\n'/tcp/\+80'.*model: 060050, '/tcp/80'"):
            judge("/tcp/+80", theirs, model, LISTED)
    with pytest.raises(InexactError, match="another outcome"):
        judge("/tcp/80", None, model, LISTED)


def test_an_example_that_does_not_differ_any_more_fails() -> None:
    with pytest.raises(InexactError, match=r"the difference of '/tcp/\+80' is gone"):
        check_examples(PLUS, ours, model, LISTED)


def test_an_example_that_differs_otherwise_than_listed_fails() -> None:
    for example in (Example("/tcp/+80", None, (b"\x06\0\x51", "/tcp/81")), Example("/tcp/+80", (b"", ""), None)):
        with pytest.raises(InexactError, match="differs otherwise"):
            check_examples(PLUS._replace(examples=(example,)), ask, model, LISTED)


def test_an_example_that_another_entry_claims_fails() -> None:
    entry = PLUS._replace(id="other", protocols=("udp",))
    with pytest.raises(InexactError, match="other does not claim its example"):
        check_examples(entry, ask, model, {**LISTED, "other": entry})


def noting(source: Source) -> Reading:
    """Predict a plus sign, with a note that may be in the list."""
    reading = Reading()
    reading.note("plus")
    reading.append(b"\x06\0\x50", "/tcp/80")
    return reading


def test_what_is_noted_is_claimed_as_the_kind_that_is_listed_and_no_other() -> None:
    assert judge("/tcp/+80", ask("/tcp/+80"), noting, LISTED) == {"plus"}
    with pytest.raises(InexactError, match="none of them as one that takes"):
        judge("/tcp/+80", ask("/tcp/+80"), noting, {"plus": PLUS._replace(kinds=("bytes",))})
    with pytest.raises(InexactError, match="not in the list"):
        judge("/tcp/+80", ask("/tcp/+80"), noting, {})


def test_an_entry_that_claims_nothing_is_named() -> None:
    assert unclaimed({"plus": PLUS, "minus": PLUS}, ["plus", "plus"]) == ["minus"]


def test_an_error_in_a_component_is_a_refusal_of_the_whole() -> None:
    reading = Reading()
    with pytest.raises(RefusedError):
        reading.meet("tcp", "/tcp/80", lambda: (b"%d" % int("a"), ""))
    assert reading.meetings[0].kind == "refuses"


# Go and Rust: there is no asking them here, but vectors that both were asked.


def theirs_of(row: dict[str, object], peer: str) -> Outcome:
    """Return what a shared vector says of a peer; `shared/conformance/README.md` describes it."""
    peers = row.get("peers", {})
    assert isinstance(peers, dict)
    theirs = peers.get(peer, "same")
    if theirs == "refuses" or (theirs == "same" and "error" in row):
        return None
    found = row if theirs == "same" else {**row, **theirs}
    raw, text = found["hex"], found["canonical"]
    assert isinstance(raw, str)
    assert text is None or isinstance(text, str)
    return bytes.fromhex(raw), text


@needs_conformance
@pytest.mark.parametrize("peer", ["go", "rust"])
def test_each_difference_in_the_shared_vectors_is_of_one_entry_and_each_entry_has_one(peer: str) -> None:
    claims, examples = set(), []
    for line in (CONFORMANCE / "vectors.jsonl").read_text(encoding="ascii").splitlines():
        row = json.loads(line)
        source = row["text"] if "text" in row else bytes.fromhex(row["hex"])
        here, theirs = ours(source), theirs_of(row, peer)
        kind = kind_of(here, theirs)
        if kind is None:
            continue
        entries = DIFFERENCES[peer].entries.values()
        claiming = [entry.id for entry in entries if row["rule"] in entry.vectors and kind in entry.kinds]
        assert len(claiming) == 1, f"{kind} of {source!a} is claimed by {claiming}"
        claims.update(claiming)
        examples.append((claiming[0], Example(source, here, theirs)))
    assert unclaimed(DIFFERENCES[peer].entries, claims) == []
    for entry in DIFFERENCES[peer].entries.values():
        for example in entry.examples:
            assert (entry.id, example) in examples


def test_what_the_page_says_to_do_works() -> None:
    assert Component("unix", b"/run/a.sock") == Multiaddr("/unix/run/a.sock")[0]
    assert Multiaddr("/ip4/127.0.0.1") / "tcp/80" == Multiaddr("/ip4/127.0.0.1/tcp/80")
    assert str(Multiaddr()) == ""
