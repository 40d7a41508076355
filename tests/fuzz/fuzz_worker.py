"""The process that one target of `fuzz.py` runs in: `fuzz_worker.py TARGET [LIBFUZZER'S OPTION …] DIRECTORY …`.

With `--plain` instead of options the files of the directories are tried, and nothing else, without atheris.
Either way a finding is left in the working directory.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path


def main(name: str, *arguments: str) -> None:
    """Try inputs until one is a finding."""
    if arguments[0] == "--plain":
        try_files(name, map(Path, arguments[1:]))
    else:
        fuzz(name, [sys.argv[0], *arguments])


def try_files(name: str, directories: Iterable[Path]) -> None:
    """Try all files of directories."""
    from fuzz_targets import TARGETS  # not before it is known how

    for path in (path for directory in directories for path in sorted(directory.iterdir())):
        raw = path.read_bytes()
        try:
            TARGETS[name].check(raw)
        except BaseException:
            Path("crash-plain").write_bytes(raw)
            raise


def fuzz(name: str, arguments: list[str]) -> None:
    """Hand over to the fuzzer, which comes back only when there is no finding."""
    atheris = importlib.import_module("atheris")  # which not everyone has
    if name == "accelerator":
        importlib.import_module("multiaddr_py._accel")  # counts by itself where it has been; says why it does not load
    else:
        with atheris.instrument_imports(include=["multiaddr_py"]):
            importlib.import_module("multiaddr_py.cli")  # and with it all that is fuzzed
    from fuzz_targets import TARGETS

    atheris.Setup(arguments, TARGETS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
