"""What a town of twenty nodes costs, as a table: `python tests/node/measure_town.py [NODES]`.

A node knows another one as soon as it has that one in a bucket, which means that it has shown where it is; it has
dialled it as soon as that one has proven there to be who it is. Each is told of the first one only; the time begins
when the last one listens. Who looks towards its own key only may never meet who is far from that, once there are more
nodes than a question is answered with; so what is not known after a minute is counted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from time import monotonic, sleep
from typing import NamedTuple

if __name__ == "__main__":  # from anywhere, and without an installed package
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "examples")]

from node_program import Node, dialled, fleet, stop_all

from multiaddr_py import PeerId
from node.status import Status

MINUTE = 60.0  # seconds


class Cost(NamedTuple):
    """What was measured in one town."""

    known: str
    """Seconds until each had each other one in a bucket."""
    dialled: str
    """Seconds until each had dialled each other one."""
    everywhere: float
    """Seconds until an item of one had come to all."""
    messages: list[int]
    datagrams: list[int]
    """That each has sent in the first minute."""
    messages_later: list[int]
    datagrams_later: list[int]
    """That each has sent in the second one."""
    memory: list[int]
    """Bytes of each."""


def met(status: Status) -> set[PeerId]:
    """Return who has shown where it is."""
    return {contact.peer_id for bucket in status.buckets for contact in bucket.contacts}


def missing(nodes: list[Node], known: Callable[[Status], set[PeerId]]) -> int:
    """Return how many nodes others do not know."""
    everybody = {node.peer_id for node in nodes}
    return sum(len(everybody - known(node.status()) - {node.peer_id}) for node in nodes)


def seconds(nodes: list[Node], since: float) -> list[str]:
    """Return how long it takes until all have met all, and have dialled all, or how many have after a minute."""
    taken: dict[Callable[[Status], set[PeerId]], str] = {}
    while (now := monotonic()) < since + MINUTE:
        for known in (met, dialled):
            if known not in taken and not missing(nodes, known):
                taken[known] = f"{monotonic() - since:.1f}"
        sleep(0.1 if len(taken) < 2 else max(since + MINUTE - now, 0.1))
    pairs = len(nodes) * (len(nodes) - 1)
    return [taken.get(known, f"{pairs - missing(nodes, known)} of {pairs} do after 60") for known in (met, dialled)]


def measure(count: int, refresh: str) -> Cost:
    with fleet() as here:
        options = ["--refresh", refresh]
        nodes = [here.node(str(number), *options) for number in range(count)]
        ports = [str(node.address[:-1]) for node in nodes]  # they have started, which costs more than all that follows
        assert stop_all(nodes) == [0] * count
        nodes[0].listen = ports[:1]
        nodes[0].start(*options)
        nodes[0].is_ready()
        for node, port in zip(nodes[1:], ports[1:], strict=True):
            node.listen = [port]
            node.start(*options, "--seed", ports[0])
        for node in nodes:
            node.is_ready()
        since = max(node.wait_for("status")["time"] for node in nodes)
        known, all_dialled = seconds(nodes, since)
        before = [node.status() for node in nodes]
        begun = monotonic()
        digest = nodes[-1].put(b"news")
        told = [node.wait_for("item", lambda event: event["hash"] == digest)["time"] for node in nodes]
        sleep(begun + MINUTE - monotonic())
        after = [node.status() for node in nodes]
        assert stop_all(nodes) == [0] * count
    return Cost(
        known,
        all_dialled,
        max(told) - begun,
        [status.messages.sent for status in before],
        [status.datagrams.sent for status in before],
        [new.messages.sent - old.messages.sent for old, new in zip(before, after, strict=True)],
        [new.datagrams.sent - old.datagrams.sent for old, new in zip(before, after, strict=True)],
        [status.memory or 0 for status in after],
    )


def mean_and_most(numbers: list[int]) -> str:
    return f"{fmean(numbers):.0f}, {max(numbers)}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    costs = [measure(count, refresh) for refresh in ("random", "own")]
    rows: dict[str, Callable[[Cost], str]] = {
        "seconds until each knows each other": lambda cost: cost.known,
        "seconds until each has dialled each other": lambda cost: cost.dialled,
        "seconds until an item of one has come to all": lambda cost: f"{cost.everywhere:.2f}",
        "messages sent by a node in the first minute: mean, most": lambda cost: mean_and_most(cost.messages),
        "datagrams in the first minute": lambda cost: mean_and_most(cost.datagrams),
        "messages in the second minute": lambda cost: mean_and_most(cost.messages_later),
        "datagrams in the second minute": lambda cost: mean_and_most(cost.datagrams_later),
        "memory of a node, MiB": lambda cost: f"{fmean(cost.memory) / (1 << 20):.1f}",
    }
    print(f"| {count} nodes | --refresh random | --refresh own |\n|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(map(row, costs))} |")


if __name__ == "__main__":
    main()
