"""Copies of the package in which one place was changed, to see that a test notices."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from unittest import mock

import multiaddr_py


class Break(NamedTuple):
    """Text of a module that is there once, and what stands instead of it."""

    module: str
    old: str
    new: str


def write_broken(directory: Path, change: Break) -> None:
    """Write a copy of the package with a change into a directory."""
    package = directory / "multiaddr_py"
    shutil.copytree(multiaddr_py.__path__[0], package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    path = package / change.module
    source = path.read_text(encoding="utf-8")
    assert source.count(change.old) == 1, f"{change.module} has {change.old!r} {source.count(change.old)} times"
    path.write_text(source.replace(change.old, change.new), encoding="utf-8")


@contextmanager
def broken_copy(directory: Path, change: Break) -> Iterator[ModuleType]:
    """Let a changed copy, in pure Python, be what is imported; what was imported before is there again afterwards."""
    write_broken(directory, change)
    forgotten = [name for name in sys.modules if name.partition(".")[0] in ("multiaddr_py", "test_laws")]
    with (
        mock.patch.dict(sys.modules),
        mock.patch.dict(os.environ, MULTIADDR_PY_PURE="1"),
        mock.patch.object(sys, "path", [str(directory), *sys.path]),
    ):
        for name in forgotten:
            del sys.modules[name]
        package = importlib.import_module("multiaddr_py")
        assert Path(package.__path__[0]).parent == directory
        yield package
