"""The list of mutants that survive, as far as it can be checked without making any."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import multiaddr_py

LISTED = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text(encoding="utf-8"))["survivors"]
CHANGES = [(entry["file"], *change) for entry in LISTED for change in entry["changes"]]


@pytest.mark.parametrize(("file", "old", "new"), CHANGES, ids=range(len(CHANGES)))
def test_what_a_survivor_changes_stands_in_the_code(file: str, old: str, new: str) -> None:
    text = Path(multiaddr_py.__file__).parents[1].joinpath(file).read_text(encoding="utf-8")
    lines = " ".join(line.strip() for line in text.splitlines())
    assert old in lines
    assert new not in lines


def test_every_survivor_is_explained() -> None:
    assert [entry["changes"] for entry in LISTED if not (entry["why"] and entry["changes"])] == []
