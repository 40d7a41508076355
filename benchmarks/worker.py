"""A process that measures one Python library: a request a line on standard input, an answer a line on standard output.

It takes the library's name and a file of cases. Its first line says what it measures.
Requests and answers are JSON; a request's `do` names a function in `main`, the rest are its arguments.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import tracemalloc
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hostile
from cases import read_cases
from libraries import LIBRARIES, Library
from stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 3
"""Of reading a hostile input."""

EARLY = 1000
"""So many addresses are read before memory is measured: what is imported late or kept for all is there then."""


def about(library: Library) -> dict[str, Any]:
    """Say what is measured, and what it can do."""
    try:
        found = version(library.distribution)
    except PackageNotFoundError:  # a checkout on the path
        found = sys.modules[library.module].__version__
    accelerated = getattr(sys.modules[library.module], "ACCELERATED", None)
    path = {True: ["with the accelerator"], False: ["without the accelerator"], None: []}[accelerated]
    return {"versions": [found, *path], "accelerated": accelerated, "operations": list(library.operations)}


def memory(stopwatch: Stopwatch, texts: list[str]) -> dict[str, float | None]:
    """Return how many bytes an object takes with its binary form: what Python says of one, what was allocated for all.

    That is None where an address cannot be read.
    """
    try:
        first = stopwatch.read(texts[0])
        for text in texts[:EARLY]:
            stopwatch.read(text)
        kept = [first] * len(texts)
        gc.collect()
        tracemalloc.start()
        for place, text in enumerate(texts):
            kept[place] = stopwatch.read(text)
            bytes(kept[place])
        gc.collect()
        allocated, _ = tracemalloc.get_traced_memory()
    except Exception:  # a library may raise what it likes
        return {"sizes": None, "allocated": None}
    return {"sizes": sys.getsizeof(first) + sys.getsizeof(bytes(first)), "allocated": allocated / len(texts)}


def read_hostile(stopwatch: Stopwatch, kind: str, size: int) -> dict[str, Any]:
    """Return the least time of reading a hostile input, and whether it was read rather than refused.

    Bytes are written as text, too, since there are libraries that find out only then.
    """
    source = hostile.CASES[kind](size)
    read = stopwatch.read if isinstance(source, str) else stopwatch.function("read-write", "raw")
    times, refused = [], False
    for _ in range(REPEATS):
        begin = time.perf_counter()
        try:
            read(source)
        except Exception as error:  # a library may raise what it likes
            str(error)
            refused = True
        times.append(time.perf_counter() - begin)
    return {"seconds": min(times), "refused": refused}


def main(key: str, cases: str) -> None:
    """Answer requests until there are no more."""
    stopwatch = Stopwatch(LIBRARIES[key], read_cases(Path(cases)))
    answers: dict[str, Callable[..., dict[str, Any]]] = {
        "time": lambda **request: stopwatch.time(**request)._asdict(),
        "memory": partial(memory, stopwatch),
        "read_hostile": partial(read_hostile, stopwatch),
    }
    print(json.dumps(about(stopwatch.library)), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(answers[request.pop("do")](**request)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
