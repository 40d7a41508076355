"""Three honest nodes that exchange items, and what they say of who lies to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from time import monotonic

from liar import Liar
from node_program import Event, Fleet, Node, fleet, stop_all, until

from node.node import MOST_REFUSALS

ALIVE = 2.0  # seconds of silence after which the honest nodes ask
MOST_GROWN = 48 << 20  # bytes; each of the floods below would be more


class Honest:
    """Three nodes that trust each other's words as little as those of others."""

    def __init__(self, here: Fleet) -> None:
        self.one = here.node("one", "--alive", str(ALIVE), is_strict=True).is_ready()
        seed = ["--seed", str(self.one.address), "--alive", str(ALIVE)]
        self.all = [self.one, *(here.node(name, *seed, is_strict=True).is_ready() for name in ("two", "three"))]
        self._putting = cycle(self.all)
        self._count = 0
        for _ in range(6):
            self.exchange()
        self._memory = [self.memory(node) for node in self.all]

    @staticmethod
    def memory(node: Node) -> int:
        memory = node.status().memory
        assert memory is not None
        return memory

    def exchange(self) -> None:
        """Give one of them an item, and wait until the others have it."""
        self._count += 1
        digest = next(self._putting).put(f"item {self._count}".encode())
        for node in self.all:
            node.wait_for("item", lambda event: event["hash"] == digest)

    def check(self) -> None:
        """See that they are unharmed."""
        self.exchange()
        for node, before in zip(self.all, self._memory, strict=True):
            assert self.memory(node) - before < MOST_GROWN
            assert not node.all("failed")
        # Only so many refusals are told in a second, and those of the next lie are to be heard.
        until(lambda: sum(monotonic() - event["time"] < 1.5 for event in self.one.all("refused")) < MOST_REFUSALS // 2)
        peer_ids = {node.peer_id for node in self.all}
        until(lambda: all(peer_ids <= {n.peer_id, *(p.peer_id for p in n.status().peers)} for n in self.all))


@contextmanager
def honest_nodes() -> Iterator[Honest]:
    """Be where the three are; they have nothing to complain of at the end."""
    with fleet() as here:
        nodes = Honest(here)
        yield nodes
        assert stop_all(nodes.all) == [0, 0, 0]


def reason(node: Node, liar: Liar, past: int) -> str:
    """Wait until a node says that a liar is gone; return why."""
    event = node.wait_for("gone", lambda event: event["address"].endswith(str(liar.identity.peer_id)), past=past)
    return str(event["reason"])


def refusal(node: Node, wanted: str, past: int) -> Event:
    """Wait until a node says that it has refused somebody for some reason."""
    return node.wait_for("refused", lambda event: re.search(wanted, event["reason"]) is not None, past=past)
