"""Whole processes in turns: what an import adds to a start, how the command starts, and how many lines it decodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from timeit import timeit
from typing import TYPE_CHECKING

from cases import ADDRESSES, PEER_ADDRESS
from figures import Cell
from libraries import LIBRARIES, OWN
from turns import rounds
from workers import environment

if TYPE_CHECKING:
    from figures import Figures
    from plan import Plan
    from workers import Field

BARE = Cell("python", "a bare start", "")
IMPORT, FIRST, COMMAND = "import", "import, and a first address with a peer ID", "maddr decode of an address"
LINES, RECORDS = "maddr decode --json", Cell("python", "json.dumps", "")

YARDSTICK = "for _ in range(10_000_000): pass"
"""An empty loop says how fast the machine is: at top level, which `python -c` runs, and in a function."""

LOOP, LOOP_IN_FUNCTION = Cell("python", "an empty loop", ""), Cell("python", "an empty loop in a function", "")

MADDR = "import sys; from multiaddr_py.cli import main; sys.exit(main())"
"""What the installed command consists of."""

BATCH = 10_000
"""So many records are in memory at a time."""


def run(arguments: list[str], key: str, source: str | Path = os.devnull, target: str | Path = os.devnull) -> float:
    """Run a program to its end, in the environment of a library, and return how long that took."""
    # -P: the directory that this is called from may have a package that was not installed.
    command = [sys.executable, "-P", "-c", *arguments]
    with open(source, "rb") as stdin, open(target, "wb") as stdout:
        begin = time.perf_counter()
        subprocess.run(command, env=environment(key), stdin=stdin, stdout=stdout, check=True)
        return time.perf_counter() - begin


def time_starts(figures: Figures, field: Field, plan: Plan) -> None:
    """Time the start of interpreters; the first round, which compiles, does not count."""
    programs = {BARE: ["pass"]}
    for key in field.keys:
        if key in LIBRARIES:
            library = LIBRARIES[key]
            parse = library.operations["parse"].replace("text", repr(PEER_ADDRESS))
            programs[Cell(key, IMPORT, "")] = [library.imports]
            if key != "multiformats":  # it reads no peer IDs
                programs[Cell(key, FIRST, "")] = [f"{library.imports}; {parse}"]
        if key in OWN:
            programs[Cell(key, COMMAND, "")] = [MADDR, "decode", ADDRESSES[0]]
    values = defaultdict[Cell, list[float]](list)
    for _ in rounds("starts, round", 1 + plan.starts):
        for cell, arguments in programs.items():
            values[cell].append(run(arguments, OWN[0] if cell == BARE else cell.key))
    for cell, seconds in values.items():
        figures.add(cell, seconds[1:])


def time_dumps(path: Path) -> float:
    """Return how long `json.dumps` takes for the records of a file, without what reading them takes."""
    total = 0.0
    with path.open("rb") as file:
        while records := [json.loads(line) for line in islice(file, BATCH)]:
            total += timeit(
                "for record in records: dumps(record)", number=1, globals={"records": records, "dumps": json.dumps}
            )
    return total


def time_at_top_level(statement: str) -> float:
    """Return how long a statement takes in a program; `timeit` puts it into a function, whose variables are faster."""
    code = compile(statement, "yardstick", "exec")
    names: dict[str, object] = {}
    begin = time.perf_counter()
    exec(code, names)
    return time.perf_counter() - begin


def time_lines(figures: Figures, field: Field, plan: Plan) -> None:
    """Time the command over many lines, `json.dumps` of what it writes, and empty loops; by line and record."""
    texts = plan.crawl()[: plan.lines]
    values = defaultdict[Cell, list[float]](list)
    with tempfile.TemporaryDirectory() as directory:
        lines, records = Path(directory, "lines"), Path(directory, "records")
        lines.write_text("".join(text + "\n" for text in texts), "ascii")
        run([MADDR, "decode", "--json"], OWN[0], lines, records)
        for _ in rounds("lines, round", plan.line_rounds):
            values[LOOP].append(time_at_top_level(YARDSTICK))
            values[LOOP_IN_FUNCTION].append(timeit(YARDSTICK, number=1))
            values[RECORDS].append(time_dumps(records) / len(texts))
            for key in field.keys:
                if key in OWN:
                    seconds = run([MADDR, "decode", "--json"], key, lines)
                    values[Cell(key, LINES, "")].append(seconds / len(texts))
    for cell, seconds_each in values.items():
        figures.add(cell, seconds_each)
