"""Mutants of what stands outside of functions, and of properties, which mutmut leaves out.

mutmut's own operators make them. Each is tested in a copy of the checkout with one file changed, by a process
that has imported nothing of the package: a table is made when its module is imported.
What only type checkers run has no mutants.
"""

from __future__ import annotations

import difflib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import libcst  # pyright: ignore[reportMissingImports] # it is there where mutants are made
import pytest
from libcst import matchers  # pyright: ignore[reportMissingImports] # as above
from mutmut.mutation.mutators import mutation_operators  # pyright: ignore[reportMissingImports] # as above

MOST_SECONDS = 300
"""So long may a mutant's tests take; all of them together take twenty."""

SLOW_IMPORTS = ["__main__", "hypothesis.strategies", "pydantic", "pytest"]
"""What is imported once for all mutants."""

IS_PROPERTY = matchers.FunctionDef(decorators=[matchers.Decorator(matchers.Name("property"))])
FOR_TYPE_CHECKERS = matchers.If(test=matchers.Name("TYPE_CHECKING"))
LEFT_OUT = (
    matchers.Annotation()
    | matchers.Decorator()
    | matchers.Import()
    | matchers.ImportFrom()
    | matchers.Assign(targets=[matchers.AssignTarget(matchers.Name("TYPE_CHECKING"))])
)


class Change(NamedTuple):
    """A file of the checkout, what it would hold, and the difference."""

    file: str
    text: str
    diff: str


def nodes(node: libcst.CSTNode, *, inside: bool = False) -> Iterator[libcst.CSTNode]:
    """Yield what runs when a module is imported, and what is inside of properties."""
    if matchers.matches(node, LEFT_OUT):
        return
    if isinstance(node, libcst.FunctionDef) and not inside:
        if not matchers.matches(node, IS_PROPERTY):
            return
        inside = True
    children: list[libcst.CSTNode] = list(node.children)
    if isinstance(node, libcst.If) and matchers.matches(node, FOR_TYPE_CHECKERS):
        children = [] if node.orelse is None else [node.orelse]
    else:
        yield node
    for child in children:
        yield from nodes(child, inside=inside)


def changes(file: Path) -> Iterator[Change]:
    """Yield the mutants of a file."""
    text = file.read_text(encoding="utf-8")
    module = libcst.parse_module(text)
    for node in nodes(module):
        for kind, operator in mutation_operators:
            for replacement in operator(node) if isinstance(node, kind) else ():
                changed = module.deep_replace(node, replacement)
                assert isinstance(changed, libcst.Module)
                lines = difflib.unified_diff(text.splitlines(), changed.code.splitlines(), lineterm="", n=0)
                yield Change(str(file), changed.code, "\n".join(lines))


def outcome_of(change: Change, tests: list[str]) -> str:
    """Test a mutant, in a process that ends with it."""
    if "multiaddr_py" in sys.modules:
        raise RuntimeError("the package was imported before it was changed")
    signal.signal(signal.SIGALRM, signal.default_int_handler)  # ends an endless loop, and with it the tests
    signal.alarm(MOST_SECONDS)
    with tempfile.TemporaryDirectory() as directory, open(os.devnull, "w") as nowhere:
        for name in ("multiaddr_py", "tests", "examples"):
            shutil.copytree(name, Path(directory, name), ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
        shutil.copy("pyproject.toml", directory)
        Path(directory, change.file).write_text(change.text, encoding="utf-8")
        os.chdir(directory)
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
        # Without rewritten assertions, for which pytest would have to be the one who imports the plugins.
        # File after file, since most mutants are killed by the first, and to collect all takes longer than that.
        failed = any(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--assert", "plain", test]) for test in tests)
    return "killed" if failed else "survived"


def module_level_mutants(patterns: list[str], tests: list[str], workers: int) -> Iterator[tuple[Change, str]]:
    """Test the mutants of some files with some tests; yield each with its outcome."""
    files = sorted(file for pattern in patterns for file in Path().glob(pattern))
    made = [change for file in files for change in changes(file)]
    processes = get_context("forkserver")
    processes.set_forkserver_preload(SLOW_IMPORTS)
    with processes.Pool(workers, maxtasksperchild=1) as pool:
        unchanged = Change(str(files[0]), files[0].read_text(encoding="utf-8"), "")
        if pool.apply(outcome_of, (unchanged, tests)) != "survived":
            raise SystemExit("the tests fail without any mutant")
        results = [pool.apply_async(outcome_of, (change, tests)) for change in made]
        for change, result in zip(made, results, strict=True):
            yield change, result.get()
