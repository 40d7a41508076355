"""Print how two peers find each other, for every pair of NATs: the table in `examples/README.md`.

python tests/punch/pairings.py
"""

from __future__ import annotations

from nat_lab import Kind
from punch_program import HOPELESS, PAIRS, meet


def row(pair: tuple[Kind, Kind]) -> str:
    """Have two peers meet as the tests do, and return what they found."""
    met = meet(pair, *(["--relay"] if pair in HOPELESS else []))
    alice, bob = met.alice, met.bob
    [path] = alice.all("direct") + alice.all("relayed")
    [seen] = bob.all("registered")
    if path["event"] == "relayed":
        where = "the relay"
    else:
        where = "as the server sees it" if path["address"] == seen["address"] else "another port"
    tcp = "yes" if alice.all("tcp") and "reason" not in alice.all("tcp")[0] else "no"
    both_run = max(peer.times[peer.events.index(peer.all("listening")[0])] for peer in (alice, bob))
    found = max(peer.times[peer.events.index(peer.all(path["event"])[0])] for peer in (alice, bob))
    return f"| {pair[0]} | {pair[1]} | {where} | {tcp} | {found - both_run:.1f} | {float(path['seconds']):.2f} |"


def main() -> None:
    print("| alice's NAT | bob's NAT | alice reaches bob at | TCP | seconds | of them to find the path |")
    print("| --- | --- | --- | --- | --- | --- |")
    for pair in PAIRS:
        print(row(pair), flush=True)


if __name__ == "__main__":
    main()
