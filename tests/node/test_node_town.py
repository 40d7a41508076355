"""Twenty nodes, each a process, find each other, and have the same items in the end, whoever was killed meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

import pytest
from node_program import Fleet, Node, dialled, fleet, known, stop_all, until

from node.fields import LARGEST_ITEM

TWENTY = 20
KILLED = 7  # a third, and the seed is among them


def listens_at(fleet: Fleet, number: int) -> list[str]:
    """Return where a node of the town is to listen: all at IPv4, every fourth at IPv6, too, and one at a path."""
    addresses = ["/ip4/127.0.0.1/tcp/0"]
    if number % 4 == 1:
        addresses += ["/ip6/::1/tcp/0", "/ip4/127.0.0.1/udp/0", "/ip6/::1/udp/0"]
    if number == 2:
        addresses += [f"/unix/{str(fleet.folder / 'two.sock').replace('/', '%2F')}"]
    return addresses


def settle(fleet: Fleet, count: int, *, is_strict: bool) -> list[Node]:
    """Return so many nodes that run, and know no more than the first one of them."""
    seed = fleet.node("0", listen=listens_at(fleet, 0), is_strict=is_strict)
    others = [
        fleet.node(str(n), "--seed", str(seed.address), listen=listens_at(fleet, n), is_strict=is_strict)
        for n in range(1, count)
    ]
    return [seed, *(node.is_ready() for node in others)]


def until_all_know_all(nodes: Collection[Node]) -> None:
    """Wait until each has dialled each other one, and so has proof of who is there, and where."""
    everybody = {node.peer_id for node in nodes}
    for node in nodes:
        missing = everybody - {node.peer_id}
        until(lambda: missing <= dialled(node.status()), lambda: (node.peer_id, missing - known(node.status())))  # noqa: B023


def until_all_have(nodes: Collection[Node], items: dict[str, bytes]) -> None:
    """Wait until each node has all items, and see that it has no others, and that they are whole."""
    for node in nodes:
        until(lambda: node.status().height >= len(items), lambda: (node.peer_id, node.status(), len(items)))  # noqa: B023
        assert node.status().height == len(items)
        assert {digest: node.get(digest) for digest in items} == items


def put(nodes: Collection[Node], word: str) -> dict[str, bytes]:
    """Give each of some nodes an item."""
    contents = [f"{word} {number}".encode() * 50 for number, _ in enumerate(nodes)]
    return {node.put(content): content for node, content in zip(nodes, contents, strict=True)}


def test_twenty_nodes_find_each_other_from_one_seed_and_have_the_same_items_though_a_third_was_killed() -> None:
    with fleet() as here:
        nodes = settle(here, TWENTY, is_strict=False)
        killed, left = nodes[:KILLED], nodes[KILLED:]
        items = put(nodes[::3], "before")
        until_all_know_all(nodes)
        until_all_have(nodes, items)

        for node in killed:
            node.kill()
        items |= put(left[::3], "without them")
        until_all_have(left, items)

        for node in killed:
            node.start("--peers", "16")  # and no seed: they remember the others
        items |= put([killed[-1].is_ready(), left[0]], "after")
        until_all_have(nodes, items)

        heights = {node.status().height for node in nodes}
        assert heights == {len(items)}
        assert stop_all(nodes) == [0] * TWENTY


def test_a_small_town_leaves_no_task_and_no_socket_behind_in_development_mode() -> None:
    with fleet() as here:
        nodes = settle(here, 5, is_strict=True)
        items = put(nodes, "one")
        until_all_know_all(nodes)
        until_all_have(nodes, items)
        nodes[1].kill()
        nodes[0].stop()
        items |= put(nodes[2:], "two")
        for node in nodes[:2]:
            node.start("--peers", "4")
        until_all_have(nodes, items)
        ways = {peer.address[0].name for peer in chain.from_iterable(node.status().peers for node in nodes)}
        assert "ip4" in ways
        assert stop_all(nodes) == [0] * 5


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_two_nodes_that_have_much_for_each_other_do_not_wait_for_each_other(kind: str) -> None:
    """Each is asked for more than a socket takes, and has to read on all the same: else neither would ever."""
    with fleet() as here:
        path = str(here.folder / "one.sock").replace("/", "%2F")
        listen = [f"/unix/{path}"] if kind == "unix" else ["/ip4/127.0.0.1/tcp/0"]
        one, two = here.node("one", listen=listen, is_strict=True), here.node("two", is_strict=True)
        contents = [number.to_bytes(2) * (LARGEST_ITEM // 2) for number in range(80)]
        items = {one.put(content): content for content in contents[:40]}
        items |= {two.put(content): content for content in contents[40:]}
        assert two.stop() == 0
        two.start("--seed", str(one.address))
        until_all_have([one, two], items)
        assert [node.all("gone") for node in (one, two)] == [[], []]
        assert stop_all([one, two]) == [0, 0]
