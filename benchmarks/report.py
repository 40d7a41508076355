"""What a run found, section by section."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from cases import ADDRESSES, OPERATIONS
from figures import CRAWL, Cell
from layout import NOTHING, digits, duration, percent, shortened, table, times
from libraries import BASELINE, LIBRARIES, OWN
from programs import BARE, COMMAND, FIRST, IMPORT, LINES, LOOP, LOOP_IN_FUNCTION, RECORDS, YARDSTICK
from turns import WHOLE
from workers import TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curves import Curve
    from figures import Figures
    from memory import Memory

LOOP_SECONDS = 0.3
"""What the empty loop at top level takes on the machine that lines a second are converted to."""

SHORT_TITLES = {OWN[0]: "this library", OWN[1]: "pure", BASELINE: "PyPI's multiaddr"}
"""The columns of the summary, which is to be narrow."""


class Report(NamedTuple):
    """Figures, and the libraries that they are of."""

    figures: Figures
    keys: tuple[str, ...]

    def cells(self, key: str, operation: str, subjects: Sequence[str]) -> list[Cell]:
        """Return the cells of some subjects that there are."""
        return [cell for subject in subjects if (cell := Cell(key, operation, subject)) in self.figures]

    def ratios(self, key: str, operation: str, subjects: Sequence[str]) -> dict[str, float]:
        """Return how many times faster than the baseline a library is, on each subject that both can do."""
        ratios = {cell.subject: self.figures.ratio(cell) for cell in self.cells(key, operation, subjects)}
        return {subject: ratio for subject, ratio in ratios.items() if ratio is not None}

    def time(self, cells: Sequence[Cell], whole: int) -> str:
        """Write the mean time of cells, and on how many addresses it is where it is not on all."""
        if not cells:
            return NOTHING
        count = sum(map(self.figures.addresses, cells))
        part = f"({count}) " if count < whole else ""
        return part + duration(statistics.geometric_mean(map(self.figures.median, cells)))

    def time_and_spread(self, cells: Sequence[Cell], whole: int) -> str:
        """Write the mean time of cells and its spread."""
        if not cells:
            return NOTHING
        spread = sum(map(self.figures.spread, cells)) / len(cells)
        return f"{self.time(cells, whole)} ± {percent(spread)}"

    def summary(self) -> str:
        """Return the narrow table: this library beside the baseline, over the addresses and the crawl."""
        keys = [key for key in SHORT_TITLES if key in self.keys]
        compared = [key for key in keys if key in OWN and BASELINE in keys]
        lines = [(operation, title, ADDRESSES) for operation, title in OPERATIONS.items()]
        lines += [(operation, f"crawl: {OPERATIONS[operation]}", [CRAWL]) for operation in WHOLE]
        rows = []
        for operation, title, subjects in lines:
            cells = {key: self.cells(key, operation, subjects) for key in keys}
            whole = max((sum(map(self.figures.addresses, some)) for some in cells.values()), default=0)
            if whole:
                ratios = [mean_ratio(self.ratios(key, operation, subjects)) for key in compared]
                rows.append([title, *(self.time(cells[key], whole) for key in keys), *ratios])
        titles = {OWN[0]: "ratio", OWN[1]: "ratio pure"}
        return table(["time of one", *(SHORT_TITLES[key] for key in keys), *(titles[key] for key in compared)], rows)

    def operations(self, subjects: Sequence[str]) -> str:
        """Return the table of operations: each library's mean time, and its ratio to the baseline's."""
        compared = [key for key in self.keys if key != BASELINE and BASELINE in self.keys]
        heading = ["time of one"]
        for key in self.keys:
            heading += [TITLES[key], "ratio"] if key in compared else [TITLES[key]]
        rows = []
        for operation, title in OPERATIONS.items():
            cells = {key: self.cells(key, operation, subjects) for key in self.keys}
            whole = max(sum(map(self.figures.addresses, some)) for some in cells.values())
            row = [title]
            for key in self.keys:
                row.append(self.time_and_spread(cells[key], whole))
                if key in compared:
                    row.append(mean_ratio(self.ratios(key, operation, subjects)))
            if whole:
                rows.append(row)
        return table(heading, rows)

    def by_address(self, key: str) -> str:
        """Return the table of a library's ratios, those below one in bold, and say how many these are."""
        ratios = {operation: self.ratios(key, operation, [*ADDRESSES, CRAWL]) for operation in OPERATIONS}
        columns = [operation for operation in OPERATIONS if ratios[operation]]
        rows = [
            [shortened(subject), *(emphasised(ratios[operation].get(subject)) for operation in columns)]
            for subject in [*ADDRESSES, CRAWL]
        ]
        found = [ratio for column in ratios.values() for ratio in column.values()]
        if not found:
            return ""
        slower = sum(ratio < 1 for ratio in found)
        summary = (
            f"Slower than {TITLES[BASELINE]} in {slower or 'none'} of {len(found)} pairs of address and operation."
        )
        return f"{table([TITLES[key], *columns], rows)}\n\n{summary}"

    def endpoints(self) -> str:
        """Return the table of what endpoints take beside reading the same address in pure Python."""
        keys = [key for key in OWN if key in self.keys]
        heading = ["time of one", f"parse, {TITLES[OWN[1]]}"]
        for key in keys:
            heading += [f"endpoint, {TITLES[key]}", "of that"]
        rows = []
        for subject in ADDRESSES:
            reading = Cell(OWN[1], "parse", subject)
            cells = [Cell(key, "endpoint", subject) for key in keys]
            if all(cell in self.figures for cell in (reading, *cells)):
                row = [shortened(subject), self.time([reading], 1)]
                for cell in cells:
                    pairs = zip(self.figures.values(cell), self.figures.values(reading), strict=True)
                    row += [self.time([cell], 1), times(statistics.median(one / other for one, other in pairs))]
                rows.append(row)
        return table(heading, rows)

    def starts(self) -> str:
        """Return the table of what is added to the bare start of an interpreter, in such starts."""
        keys = [key for key in self.keys if key in LIBRARIES]
        rows = [
            [operation, *(self.added(Cell(key, operation, "")) for key in keys)]
            for operation in (IMPORT, FIRST, COMMAND)
            if any(Cell(key, operation, "") in self.figures for key in keys)
        ]
        return table(
            [f"added to a start of {duration(self.figures.median(BARE))}", *(TITLES[key] for key in keys)], rows
        )

    def added(self, cell: Cell) -> str:
        """Write what a program adds to a bare start, and the median distance from that."""
        if cell not in self.figures:
            return NOTHING
        pairs = zip(self.figures.values(cell), self.figures.values(BARE), strict=True)
        found = [time / bare - 1 for time, bare in pairs]
        added = statistics.median(found)
        return f"{digits(added)} ± {digits(statistics.median(abs(one - added) for one in found))}"

    def lines(self) -> str:
        """Return the table of lines a second."""
        loop = self.figures.median(LOOP)
        dumps = self.figures.values(RECORDS)
        rows = []
        for key in (key for key in OWN if key in self.keys):
            cell = Cell(key, LINES, "")
            each = self.figures.median(cell)
            ratio = statistics.median(time / dump for time, dump in zip(self.figures.values(cell), dumps, strict=True))
            spread = percent(self.figures.spread(cell))
            rows.append(
                [TITLES[key], f"{1 / each:,.0f} ± {spread}", f"{loop / each / LOOP_SECONDS:,.0f}", times(ratio)]
            )
        heading = [LINES, "lines a second", f"where the loop takes {LOOP_SECONDS} s", "of json.dumps' time"]
        return table(heading, rows)

    def loop(self) -> str:
        """Say how fast the machine is, and `json.dumps` on it."""
        loop, function, record = (duration(self.figures.median(cell)) for cell in (LOOP, LOOP_IN_FUNCTION, RECORDS))
        return f"`{YARDSTICK}` takes {loop} at top level, {function} in a function; `json.dumps` of a record {record}."


def emphasised(ratio: float | None) -> str:
    """Write a ratio, in bold if it is below one."""
    return f"**{times(ratio)}**" if ratio is not None and ratio < 1 else times(ratio)


def mean_ratio(ratios: Mapping[str, float]) -> str:
    """Write the geometric mean of ratios."""
    return times(statistics.geometric_mean(ratios.values()) if ratios else None)


def memory_table(memory: Mapping[str, Memory]) -> str:
    """Return the table of bytes an object."""
    rows = [
        [TITLES[key], *(NOTHING if size is None else f"{size:.1f}" for size in sizes)] for key, sizes in memory.items()
    ]
    return table(
        [
            "bytes an object, with its binary form",
            "sys.getsizeof, of 7 bytes",
            "allocated, of 7 bytes",
            "allocated, the crawl",
        ],
        rows,
    )


def curve_table(curves: Mapping[tuple[str, str], Curve]) -> str:
    """Return the table of cost curves: how long the longest input took, and its growth with the last step."""
    keys = list(dict.fromkeys(key for key, _ in curves))
    rows = []
    for kind in dict.fromkeys(kind for _, kind in curves):
        row = [kind]
        for key in keys:
            curve = curves[key, kind]
            verdict = "refused" if curve.refused else "read"
            row += [f"{curve.lengths[-1] // 1024} Ki {verdict}: {duration(curve.seconds[-1])}", times(curve.growth)]
        rows.append(row)
    return table(["input", *(cell for key in keys for cell in (TITLES[key], "growth"))], rows)
