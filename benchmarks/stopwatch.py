"""Timing of one library's operations, inside a worker's process."""

from __future__ import annotations

import functools
import gc
import pickle
from timeit import Timer
from typing import TYPE_CHECKING, Any, NamedTuple

from libraries import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases import Case
    from libraries import Library

COPIES = 10
"""How often a statement on a single address stands in its loop, so that the loop itself costs next to nothing."""

COLLECT_GARBAGE = "import gc; gc.enable()"
"""What `timeit` does first: garbage collection, which it switches off, is part of what a library costs."""


class Time(NamedTuple):
    """What was measured; all is zero where the library cannot do it."""

    seconds: float = 0.0
    """For one address."""
    loops: int = 0
    inner_loops: int = 0
    """How often the operation stands in a loop, on each address."""
    addresses: int = 0


class Stopwatch:
    """Times a library's operations on some of the cases."""

    def __init__(self, library: Library, cases: list[Case]) -> None:
        self.library = library
        self._cases = cases
        self._imported: dict[str, Any] = {"dumps": pickle.dumps, "loads": pickle.loads}
        exec(library.imports, self._imported)
        exec(library.further_imports, self._imported)

        self.read = self.function("parse", "text")

    def function(self, operation: str, name: str) -> Callable[[Any], Any]:
        """Return an operation that uses only one thing as a function of that."""
        function: Callable[[Any], Any] = eval(f"lambda {name}: {self.library.operations[operation]}", self._imported)
        return function

    def _value(self, name: str, case: Case) -> Any:
        """Make what an operation uses by one of `NAMES`."""
        match name:
            case "address" | "other":
                return self.read(case.text)
            case "raw":
                return bytes(self.read(case.text))
            case "last":
                return self.read(case.last_text)
            case "tail":
                return self.read(case.tail_text)
            case _:
                return getattr(case, name)

    @functools.cache  # noqa: B019 # there is one stopwatch in a process
    def _timer(self, operation: str, start: int, stop: int) -> tuple[Timer, int, int]:
        """Return what times an operation, on how many addresses it does, and how often in each loop on each of them."""
        statement = self.library.operations[operation]
        code = compile(statement, operation, "exec")
        used = [name for name in code.co_names if name in NAMES]
        usable = []
        for case in self._cases[start:stop]:
            try:
                values = {name: self._value(name, case) for name in used}
                exec(code, {**self._imported, **values})
            except Exception:  # a library may raise what it likes
                continue
            usable.append(values)
        if len(usable) == stop - start == 1:
            timer = Timer("\n".join([statement] * COPIES), COLLECT_GARBAGE, globals={**self._imported, **usable[0]})
            return timer, 1, COPIES
        columns = {f"{name}_column": [values[name] for values in usable] for name in used}
        loop = (
            f"for {', '.join(used)} in zip({', '.join(columns)}):"
            if len(used) > 1
            else f"for {used[0]} in {used[0]}_column:"
        )
        timer = Timer(f"{loop}\n  {statement}", COLLECT_GARBAGE, globals={**self._imported, **columns})
        gc.collect()
        gc.freeze()  # what the benchmark holds is not gone through again and again
        return timer, len(usable), 1

    def time(self, operation: str, start: int, stop: int, loops: int | None, seconds: float) -> Time:
        """Time an operation on the cases from `start` to `stop`, in so many loops, or in as many as take `seconds`."""
        if operation not in self.library.operations:
            return Time()
        timer, count, copies = self._timer(operation, start, stop)
        if count == 0:
            return Time()
        if loops is None:
            loops, elapsed = 1, timer.timeit(1)
            while elapsed < seconds / 2:
                loops *= 2
                elapsed = timer.timeit(loops)
            loops = max(1, round(loops * seconds / elapsed))
        return Time(timer.timeit(loops) / (loops * copies * count), loops, copies, count)
