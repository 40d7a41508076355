"""What is read, written and refused, row by row: this project's own vectors, and the shared ones where they are."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import NotRequired, TypedDict

import pytest
from conformance import CONFORMANCE, needs_conformance

from multiaddr_py import REGISTRY, Multiaddr, ParseError, UnknownProtocolError


class Row(TypedDict):
    """A row as `shared/conformance/README.md` describes it; a refused one of our own also says the offset."""

    text: NotRequired[str]
    hex: NotRequired[str]
    canonical: NotRequired[str]
    error: NotRequired[str]
    protocol: NotRequired[str | None]
    offset: NotRequired[int]


OWN = Path(__file__).with_name("vectors.jsonl")
FILES = [OWN, *([CONFORMANCE / "vectors.jsonl"] if CONFORMANCE.is_dir() else [])]


def rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


CASES = [
    pytest.param(row, id=f"{'own' if path == OWN else 'shared'}:{number}")
    for path in FILES
    for number, row in enumerate(rows(path), 1)
]


def source_of(row: Row) -> str | bytes:
    return row["text"] if "text" in row else bytes.fromhex(row["hex"])


def check_valid(row: Row) -> None:
    raw, canonical = bytes.fromhex(row["hex"]), row["canonical"]
    for source in {source_of(row), raw, canonical}:
        address = Multiaddr(source)
        assert (bytes(address), str(address)) == (raw, canonical), f"{source!r} is read otherwise"


def check_refused(row: Row) -> None:
    source = source_of(row)
    with pytest.raises(ParseError) as caught:
        Multiaddr(source)
    error = caught.value
    kind = row["error"]
    assert type(error) is (UnknownProtocolError if kind == "unknown-protocol" else ParseError)
    assert error.protocol == row["protocol"]
    assert error.source == source
    assert 0 <= error.offset <= len(source)
    if "offset" in row:
        assert error.offset == row["offset"]
    # What the kinds have in common with the messages, and with no other kind's.
    assert ("is no value for" in error.reason) == (kind == "value")
    assert ("needs a value" in error.reason) == (kind == "missing-value")
    message = str(error)
    assert message.isprintable()
    assert len(message) < 1500
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.args, str(again)) == (type(error), error.args, message)


@pytest.mark.parametrize("row", CASES)
def test_a_row_has_the_outcome_that_it_says(row: Row) -> None:
    if "error" in row:
        check_refused(row)
    else:
        check_valid(row)


@needs_conformance
def test_every_address_in_use_is_read() -> None:
    for line in (CONFORMANCE / "real-world.txt").read_text(encoding="utf-8").splitlines():
        try:
            address = Multiaddr(line)
        except ParseError as error:
            pytest.fail(f"{line} is refused: {error}")
        assert Multiaddr(str(address)) == Multiaddr(bytes(address)) == address, line


def test_every_protocol_has_a_valid_row_of_its_own() -> None:
    valid = [Multiaddr(bytes.fromhex(row["hex"])) for row in rows(OWN) if "error" not in row]
    seen = {protocol.name for address in valid for protocol in address.protocols()}
    assert [protocol.name for protocol in REGISTRY if protocol.name not in seen] == []


def test_every_protocol_with_a_value_has_a_refused_row_of_its_own() -> None:
    seen = {row["protocol"] for row in rows(OWN) if "error" in row}
    assert [protocol.name for protocol in REGISTRY if protocol.codec and protocol.name not in seen] == []


def test_no_row_of_our_own_stands_there_twice() -> None:
    sources = [source_of(row) for row in rows(OWN)]
    assert [source for source in sources if sources.count(source) > 1] == []
