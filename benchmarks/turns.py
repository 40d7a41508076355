"""Timing the libraries' operations in turns, over the addresses one by one and over the crawl."""

from __future__ import annotations

import sys
from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING

from cases import ADDRESSES
from figures import CRAWL, Cell
from stopwatch import Time
from workers import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from figures import Figures
    from plan import Plan
    from workers import Field, Worker

WHOLE = ("parse", "read-write")
"""What is done over all of the crawl; the other operations are over its beginning."""

SLICE = 1000
"""So many addresses of the crawl are between one library's turn and the next one's."""


def progress(line: str) -> None:
    """Say on a terminal what is going on."""
    if sys.stderr.isatty():
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)


def rounds(title: str, number: int) -> Iterator[int]:
    """Count to `number`, and say so."""
    for place in range(number):
        progress(f"{title}: {place + 1} of {number}")
        yield place
    progress("")


def one_round(
    workers: dict[str, Worker], operations: Sequence[str], number: int, known: dict[Cell, Time], seconds: float
) -> Iterator[tuple[Cell, Time]]:
    """Yield a time for each cell that a library can do; `known` is what came out earlier."""
    for operation, (place, text) in product(operations, enumerate(ADDRESSES)):
        for key, worker in in_turn(workers, number):
            cell = Cell(key, operation, text)
            before = known.get(cell)
            if before is None or before.addresses:
                loops = before and before.loops
                span = {"start": place, "stop": place + 1}
                yield cell, Time(**worker.ask("time", operation=operation, **span, loops=loops, seconds=seconds))


def time_addresses(figures: Figures, field: Field, operations: Sequence[str], plan: Plan) -> None:
    """Time operations on each address, in some processes one after the other; each begins with a round for nothing."""
    known: dict[Cell, Time] = {}
    for process in range(plan.processes):
        values = defaultdict[Cell, list[float]](list)
        with field.workers(ADDRESSES) as workers:
            for number in rounds(f"addresses, process {process + 1} of {plan.processes}, round", 1 + plan.rounds):
                for cell, time in one_round(workers, operations, number, known, plan.seconds):
                    known[cell] = time
                    values[cell].append(time.seconds)
        for cell, seconds in values.items():
            if known[cell].addresses:
                figures.add(cell, seconds[1:], loops=known[cell].loops, inner_loops=known[cell].inner_loops)


def one_pass(workers: dict[str, Worker], operation: str, number: int, size: int) -> Iterator[tuple[Cell, Time]]:
    """Yield times of an operation on the crawl's first addresses, slice by slice."""
    for start in range(0, size, SLICE):
        span = {"start": start, "stop": min(start + SLICE, size)}
        for key, worker in in_turn(workers, number):
            time = Time(**worker.ask("time", operation=operation, **span, loops=1, seconds=0))
            if time.addresses:
                yield Cell(key, operation, CRAWL), time


def time_crawl(figures: Figures, field: Field, operations: Sequence[str], plan: Plan) -> None:
    """Time operations on lists of the crawl's addresses; each list in each round gives a value."""
    times = defaultdict[Cell, list[Time]](list)
    with field.workers(plan.crawl()) as workers:
        for number in rounds("crawl, round", plan.crawl_rounds):
            for operation in operations:
                size = plan.crawl_size if operation in WHOLE else plan.crawl_sample
                for cell, time in one_pass(workers, operation, number, size):
                    times[cell].append(time)
    for cell, some in times.items():
        addresses = sum(time.addresses for time in some) // plan.crawl_rounds
        figures.add(cell, [time.seconds for time in some], addresses=addresses)
