"""How many examples a second Hypothesis draws of each strategy, beside lists of pairs of numbers.

Run as `python benchmarks/draws.py`, where the package and Hypothesis are installed. The strategies take turns;
a ratio is the median over the rounds, and each round's is of what was drawn within the same second or two.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from multiaddr_py import strategies

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

EXAMPLES = 500
ROUNDS = 15
BESIDE = st.lists(st.tuples(st.integers(), st.integers()), min_size=1, max_size=5)
STRATEGIES: dict[str, SearchStrategy[object]] = {
    "multiaddrs()": strategies.multiaddrs(),
    "thin_waist()": strategies.thin_waist(),
    "dialable()": strategies.dialable(),
    "relayed()": strategies.relayed(),
    "components()": strategies.components(),
    "peer_ids()": strategies.peer_ids(),
    "multiaddr_texts()": strategies.multiaddr_texts(),
    "near_misses()": strategies.near_misses(),
    "hostile()": strategies.hostile(),
}


def rate(strategy: SearchStrategy[object]) -> float:
    """Return how many examples a second are drawn, other than those that Hypothesis throws away."""
    drawn = 0

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(strategy)
    def take(value: object) -> None:
        nonlocal drawn
        drawn += 1

    begin = time.perf_counter()
    take()
    return drawn / (time.perf_counter() - begin)


def main() -> None:
    """Measure, and print a table."""
    ratios: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    rates: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    for number in range(ROUNDS + 1):
        for name, strategy in STRATEGIES.items():
            before, here, after = rate(BESIDE), rate(strategy), rate(BESIDE)
            if number:  # the first round fills caches
                rates[name].append(here)
                ratios[name].append(2 * here / (before + after))
    print(f"Hypothesis {hypothesis.__version__}, {ROUNDS} rounds of {EXAMPLES} examples, beside\n{BESIDE}\n")
    print("| strategy | examples a second | ratio |\n|---|--:|--:|")
    for name in STRATEGIES:
        print(f"| `{name}` | {statistics.median(rates[name]):.0f} | {statistics.median(ratios[name]):.2f} |")


if __name__ == "__main__":
    main()
