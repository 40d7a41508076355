"""Other implementations differ from this library as the lists say: no more, no less, and no otherwise.

They are optional: `pip install --group peers`, and for npm's
`cp tests/peers/package.json DIRECTORY && npm install --prefix DIRECTORY`, with `MULTIADDR_PEERS_NODE=DIRECTORY`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import model_javascript
import model_multiaddr
import model_multiformats
import pytest
from asking import LONGEST, AbsentError, Ask, asking
from bases_javascript import joined
from conformance import CONFORMANCE
from differences import Differences, check_examples, judge, read_list, unclaimed
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import Source
from readings import Model

from multiaddr_py.strategies import hostile, multiaddr_texts, multiaddrs, near_misses

MODELS: dict[str, Model] = {
    "multiaddr": model_multiaddr.read,
    "multiformats": model_multiformats.read,
    "javascript": model_javascript.read,
}
EXAMPLES = int(os.environ.get("MULTIADDR_PEERS_EXAMPLES", settings().max_examples * 2))
"""Of each strategy, with each peer."""


class Peer(NamedTuple):
    """An implementation that can be asked, with its model and its list."""

    ask: Ask
    model: Model
    listed: Differences

    def judge(self, source: Source) -> set[str]:
        if self.listed.language == "JavaScript" and isinstance(source, str):
            source = joined(source)  # there, two surrogates side by side are one character
        return judge(source, self.ask(source), self.model, self.listed.here)


@pytest.fixture(scope="module", params=MODELS)
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    name: str = request.param
    listed = read_list(name)
    try:
        with asking(listed.peer, listed.version) as ask:
            yield Peer(ask, MODELS[name], listed)
    except AbsentError as error:
        pytest.skip(str(error))


def sources() -> Iterator[Source]:
    """Yield what the vectors, our own and the shared ones, and the addresses in use have."""
    for path in (Path(__file__).parents[1] / "vectors.jsonl", CONFORMANCE / "vectors.jsonl"):
        if path.is_file():
            for row in map(json.loads, path.read_text(encoding="ascii").splitlines()):
                if "text" in row:
                    yield row["text"]
                if "hex" in row:
                    yield bytes.fromhex(row["hex"])
                if "canonical" in row:
                    yield row["canonical"]
    if CONFORMANCE.is_dir():
        yield from (CONFORMANCE / "real-world.txt").read_text(encoding="utf-8").splitlines()


def test_each_difference_in_the_vectors_and_in_use_is_listed_and_each_listed_one_is_there(peer: Peer) -> None:
    claims = set()
    for source in dict.fromkeys(sources()):
        if len(source) <= LONGEST:
            claims |= peer.judge(source)
    for entry in peer.listed.here.values():
        for example in entry.examples:
            claims |= peer.judge(example.source)
    assert unclaimed(peer.listed.here, claims) == []


def test_each_example_differs_as_listed(peer: Peer) -> None:
    for entry in peer.listed.here.values():
        check_examples(entry, peer.ask, peer.model, peer.listed.here)


@given(multiaddrs().map(str) | multiaddr_texts().map(lambda spelling: spelling.text))
@settings(max_examples=EXAMPLES)
def test_each_difference_of_a_valid_text_is_listed(peer: Peer, text: str) -> None:
    peer.judge(text)


@given(multiaddrs().map(bytes))
@settings(max_examples=EXAMPLES)
def test_each_difference_of_valid_bytes_is_listed(peer: Peer, raw: bytes) -> None:
    peer.judge(raw)


@given(near_misses().map(lambda miss: miss.source))
@settings(max_examples=EXAMPLES)
def test_each_difference_of_what_is_almost_valid_is_listed(peer: Peer, source: Source) -> None:
    peer.judge(source)


@given(st.one_of(hostile(str, max_size=LONGEST), hostile(bytes, max_size=LONGEST)))
@settings(max_examples=EXAMPLES)
def test_each_difference_of_what_is_hostile_is_listed(peer: Peer, source: Source) -> None:
    peer.judge(source)
