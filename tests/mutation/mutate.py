"""Mutate the core, test every mutant in pure Python, and compare the survivors with `survivors.toml`.

    python -m pip install '.[test]' --group mutation
    python tests/mutation/mutate.py

Run at the root of a checkout; it takes about twenty minutes on two cores.
Fails where a mutant survives that is not listed, and where a listed one does not survive.
The mutants of functions are mutmut's, in the folder `mutants`: `mutmut show NAME` prints one.
Those of everything else are made in `module_level.py`. Which files and tests these are, `pyproject.toml` says.
The shared vectors take no part: this project's own tests are measured.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from module_level import module_level_mutants

LISTED = Path(__file__).with_name("survivors.toml")
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
ENVIRONMENT = {
    "CI": "true",  # so that Hypothesis draws the same examples each time
    "MULTIADDR_PY_PURE": "1",  # the code in C would answer in place of its mutants
    "MULTIADDR_CONFORMANCE": os.devnull,  # no directory
}
WORKERS = min(2, os.cpu_count() or 1)
KILLED = {"killed", "timeout"}


class Mutant(NamedTuple):
    """A change of one place; the two texts are what a diff has, without blanks at the ends of lines."""

    file: str
    function: str
    """Empty outside of functions."""
    old: str
    new: str


class Names:
    """A plugin of pytest's that keeps the names of the tests."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.found = {item.nodeid for item in session.items}


def changing_names(tests: list[str]) -> set[str]:
    """Return the tests with a new name whenever they are collected; mutmut takes those for failed."""
    first, second = Names(), Names()
    for names in (first, second):
        with redirect_stdout(StringIO()):
            pytest.main(["--collect-only", "-p", "no:cacheprovider", *tests], [names])
    return first.found - second.found


def mutmut(*arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], check=True, capture_output=True, text=True).stdout


def change_of(diff: str) -> tuple[str, str]:
    """Return what a unified diff takes away and what it puts there."""
    lines = [line for line in diff.splitlines() if line[:3] not in ("---", "+++")]
    old, new = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return old, new


def function_mutants() -> list[tuple[Mutant, str]]:
    """Test mutmut's mutants; return each with its outcome, the killed ones without their texts."""
    subprocess.run([MUTMUT, "run", "--max-children", str(WORKERS)], check=True)
    found = []
    for line in mutmut("results", "--all", "true").splitlines():
        name, _, outcome = line.strip().partition(": ")
        module, _, function = name.partition("__mutmut_")[0].rpartition(".")
        old, new = ("", "") if outcome in KILLED else change_of(mutmut("show", name).partition("\n")[2])
        function = function.removeprefix("x").removeprefix("_").replace("ǁ", ".").removeprefix(".")
        found.append((Mutant(module.replace(".", "/") + ".py", function, old, new), outcome))
    return found


def listed_survivors() -> Counter[Mutant]:
    """Read the list of the mutants that no test can kill."""
    entries = tomllib.loads(LISTED.read_text(encoding="utf-8"))["survivors"]
    return Counter(
        Mutant(entry["file"], entry["function"], old, new) for entry in entries for old, new in entry["changes"]
    )


def print_table(found: list[tuple[Mutant, str]]) -> None:
    """Print how many mutants each file has, and what became of them."""
    outcomes = sorted({outcome for _, outcome in found}, key=lambda outcome: (outcome not in KILLED, outcome))
    print(f"{'':32}{'mutants':>10}{'killed %':>10}" + "".join(f"{outcome:>12}" for outcome in outcomes))
    for file in [*sorted({mutant.file for mutant, _ in found}), "all"]:
        counts = Counter(outcome for mutant, outcome in found if file in (mutant.file, "all"))
        killed = 100 * sum(counts[outcome] for outcome in KILLED) / counts.total()
        print(f"{file:32}{counts.total():10}{killed:10.1f}" + "".join(f"{counts[outcome]:12}" for outcome in outcomes))


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutate the core and test every mutant.")
    parser.add_argument("--resume", action="store_true", help="keep what was found out about functions before")
    if not parser.parse_args().resume:
        shutil.rmtree("mutants", ignore_errors=True)  # what was tested before was perhaps by other tests
    os.environ.update(ENVIRONMENT)
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    tests = settings["pytest_add_cli_args_test_selection"]
    if changing := changing_names(tests):
        print("The names of these tests change:", *sorted(changing), sep="\n")
        return 1
    found = function_mutants()
    for change, outcome in module_level_mutants(settings["only_mutate"], tests, WORKERS):
        found.append((Mutant(change.file, "", *change_of(change.diff)), outcome))
    print_table(found)
    survivors, listed = Counter(mutant for mutant, outcome in found if outcome not in KILLED), listed_survivors()
    for heading, mutants in (("Survives unlisted:", survivors - listed), ("Listed, but gone:", listed - survivors)):
        for mutant in mutants.elements():
            print(f"{heading} {mutant.file} {mutant.function}\n    - {mutant.old}\n    + {mutant.new}")
    return int(survivors != listed)


if __name__ == "__main__":
    sys.exit(main())
