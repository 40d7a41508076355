"""The processes that measure: one for each library, asked in turns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cases import write_cases
from libraries import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NODE = "node"
NODE_PACKAGE = "@multiformats/multiaddr"
TITLES = {key: library.title for key, library in LIBRARIES.items()} | {NODE: NODE_PACKAGE}
"""What is measured, in the order of the columns, by what the command line calls it."""

HERE = Path(__file__).parent


def environment(key: str) -> dict[str, str]:
    """Return the environment in which a library is measured."""
    # What is compiled is kept: nobody imports modules that are not.
    unwanted = {"MULTIADDR_PY_PURE", "PYTHONDONTWRITEBYTECODE"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | dict(
        LIBRARIES[key].environment
    )


class Worker:
    """A library's process; `about` is what it says of itself."""

    def __init__(self, key: str, cases: Path, node: Path | None) -> None:
        if key == NODE:
            source = (HERE / "worker.mjs").read_text("utf-8")
            command = ["node", "--expose-gc", "--input-type=module", "--eval", source, str(cases)]
        else:
            command = [sys.executable, str(HERE / "worker.py"), key, str(cases)]
        self._process = subprocess.Popen(
            command,
            cwd=node if key == NODE else None,
            env=None if key == NODE else environment(key),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self.about = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()  # it ends with its input

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process that measures has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """Let the process do something, and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()


class Field(NamedTuple):
    """The libraries that take part."""

    keys: tuple[str, ...]
    node: Path | None

    @contextmanager
    def workers(self, texts: Iterable[str] = ()) -> Iterator[dict[str, Worker]]:
        """Start a process for each library, for some addresses."""
        with ExitStack() as stack:
            cases = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "cases.jsonl"
            write_cases(cases, texts)
            yield {key: stack.enter_context(Worker(key, cases, self.node)) for key in self.keys}

    def abouts(self) -> dict[str, dict[str, Any]]:
        """Return what the processes say of themselves."""
        with self.workers() as workers:
            return {key: worker.about for key, worker in workers.items()}


def in_turn(workers: dict[str, Worker], number: int) -> Iterator[tuple[str, Worker]]:
    """Yield the workers; in each round another one comes first."""
    items = list(workers.items())
    first = number % len(items)
    yield from items[first:] + items[:first]


def install_for_node(directory: Path) -> None:
    """Have npm install what is measured under node, if it is not there."""
    directory.mkdir(parents=True, exist_ok=True)
    if shutil.which("npm") and not (directory / "node_modules" / NODE_PACKAGE).exists():
        subprocess.run(["npm", "install", "--silent", "--prefix", str(directory), NODE_PACKAGE], check=True)


def missing(key: str, node: Path | None) -> str | None:
    """Say why a library cannot take part, None where it can."""
    if key == NODE:
        if shutil.which("node") is None:
            return "there is no node"
        if node is None or not (node / "node_modules" / NODE_PACKAGE).exists():
            return "it is not there (see --node)"
        return None
    module = LIBRARIES[key].module
    if find_spec(module) is None:
        return f"there is no module {module}"
    if key == "accelerated" and not Field((key,), node).abouts()[key]["accelerated"]:
        return "it was installed without the accelerator"
    return None
