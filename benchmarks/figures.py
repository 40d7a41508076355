"""What was measured, as benchmarks of pyperf, and what follows from it."""

from __future__ import annotations

import importlib
import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from libraries import BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

try:
    # By name: it has no types, and need not be there when types are checked.
    pyperf: Any = importlib.import_module("pyperf")
except ModuleNotFoundError as error:
    raise SystemExit("pyperf is not there: pip install -r benchmarks/requirements.txt") from error

CRAWL = "the crawl"

PRIVATE = ("hostname", "python_executable", "python_config_args", "python_cflags", "load_avg_1min", "mem_max_rss")
"""What pyperf finds out of a machine and is nobody's business, or changes all the time."""


class Cell(NamedTuple):
    """What a figure belongs to."""

    key: str
    """The library."""
    operation: str
    subject: str
    """The address, or `CRAWL`."""


def machine() -> dict[str, Any]:
    """Return what pyperf finds out about this machine and interpreter."""
    found: dict[str, Any] = pyperf.Run([1.0]).get_metadata()
    return {name: value for name, value in found.items() if name not in PRIVATE}


class Figures:
    """Times in seconds, by cell; a round's value stands at the same place in all cells of an operation and subject."""

    def __init__(self) -> None:
        self._machine = machine()
        self._benchmarks: dict[Cell, Any] = {}

    def add(
        self, cell: Cell, values: Sequence[float], *, loops: int = 1, inner_loops: int = 1, addresses: int = 1
    ) -> None:
        """Add what one process measured: a value for each round."""
        name = f"{cell.operation}: {cell.subject}" if cell.subject else cell.operation
        metadata = {"name": name, "library": cell.key, "loops": loops, "addresses": addresses}
        if inner_loops > 1:
            metadata["inner_loops"] = inner_loops
        run = pyperf.Run(values, metadata={**self._machine, **metadata}, collect_metadata=False)
        if cell in self._benchmarks:
            self._benchmarks[cell].add_run(run)
        else:
            self._benchmarks[cell] = pyperf.Benchmark([run])

    def __contains__(self, cell: object) -> bool:
        return cell in self._benchmarks

    def values(self, cell: Cell) -> tuple[float, ...]:
        """Return the values of all rounds."""
        values: tuple[float, ...] = self._benchmarks[cell].get_values()
        return values

    def median(self, cell: Cell) -> float:
        """Return the median time."""
        return float(self._benchmarks[cell].median())

    def spread(self, cell: Cell) -> float:
        """Return the median distance from the median, as a part of it."""
        benchmark = self._benchmarks[cell]
        return float(benchmark.median_abs_dev() / benchmark.median())

    def addresses(self, cell: Cell) -> int:
        """Return on how many addresses the cell was measured."""
        return int(self._benchmarks[cell].get_metadata()["addresses"])

    def ratio(self, cell: Cell) -> float | None:
        """Return the median of the rounds' ratios, the baseline's time to this one's, if both did the same."""
        baseline = cell._replace(key=BASELINE)
        if cell not in self or baseline not in self or self.addresses(cell) != self.addresses(baseline):
            return None
        pairs = zip(self.values(baseline), self.values(cell), strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)

    def save(self, directory: Path) -> None:
        """Write a file of pyperf's for each library; the same things have the same names in all of them."""
        directory.mkdir(parents=True, exist_ok=True)
        for key in {cell.key for cell in self._benchmarks}:
            benchmarks = [benchmark for cell, benchmark in self._benchmarks.items() if cell.key == key]
            pyperf.BenchmarkSuite(benchmarks).dump(str(directory / f"{key}.json"), replace=True)
