"""Give the library inputs of all kinds until one of its laws breaks: `python tests/fuzz/fuzz.py --help`.

Each target runs in a process of its own, under atheris: text, bytes and command in pure Python,
accelerator with the C code built anew, with sanitizers for memory and for undefined behaviour.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if __name__ == "__main__":  # from anywhere, and without an installed package
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from fuzz_build import atheris, build, compiler, environment
from fuzz_targets import TARGETS, dictionary, write_seeds

ROOT = Path(__file__).parents[2]
LIMITS = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048"]
"""Of one input, in bytes, seconds and megabytes."""

SEEDS_A_SECOND = 100
"""Of the time that there is, at most: some tenths of it."""

FINDINGS = ("crash-*", "timeout-*", "oom-*")
FINISHED = re.compile(r"^#(\d+)\s+DONE +(cov: \d+ ft: \d+ corp: \S+)", re.MULTILINE)
FAILED = re.compile(r"^ === Uncaught Python|^Traceback |^.*runtime error: |^==\d+== ?ERROR: ", re.MULTILINE)
LIBFUZZERS_OWN = re.compile(r"^(?:SUMMARY|MS): ", re.MULTILINE)
LINES_SHOWN = 24
"""Of what a process says of a finding."""


def main() -> int:
    """Run the program; return its exit status."""
    targets = "".join(f"  {name:12} {target.about}\n" for name, target in TARGETS.items())
    parser = argparse.ArgumentParser(
        prog="fuzz.py",
        description="Give the library inputs of all kinds until one of its laws breaks.",
        epilog=f"targets:\n{targets}\nThe exit status is 0, 1 if there is a finding, 2 if a target could not run.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="what to fuzz (all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60); 0: its seeds, without atheris")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time (2)")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="keep inputs that reach new code, begin with them")
    parser.add_argument("--input", type=bytes.fromhex, metavar="HEX", help="try this input only")
    parser.add_argument("--package", type=Path, metavar="DIR", default=ROOT, help="where multiaddr_py is (here)")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    if wrong := set(names) - set(TARGETS):
        parser.error(f"{min(wrong)!r} is no target")
    if options.seconds < 0:
        parser.error("there are no seconds below 0")
    if options.seconds and atheris() is None:
        parser.error("atheris is not installed: pip install 'atheris>=3', or --seconds 0")
    if options.seconds and "accelerator" in names and compiler() is None:
        parser.error("there is no compiler for the target 'accelerator': install clang, or at least gcc")
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        return max(pool.map(lambda name: fuzz(name, options), names))


def fuzz(name: str, options: argparse.Namespace) -> int:
    """Fuzz a target; print what came of it, and return the exit status."""
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as directory:
        work = Path(directory)
        count = write_inputs(name, options, work / "seeds")
        try:
            settings = settings_of(name, options, work)
        except subprocess.CalledProcessError as error:
            print(f"{name}: the C code could not be built\n{error.output}", flush=True)
            return 2
        with open(work / "log", "wb") as log:
            status = subprocess.run(
                [sys.executable, Path(__file__).with_name("fuzz_worker.py"), name, *arguments(name, options, work)],
                cwd=work,  # where it leaves a finding
                env={**os.environ, **settings},
                stdout=log,
                stderr=log,
                check=False,
            ).returncode
        return report(name, status, count, work)


def write_inputs(name: str, options: argparse.Namespace, directory: Path) -> int:
    """Write what a target begins with to a new directory; return how many files that are."""
    if options.input is None:
        return write_seeds(TARGETS[name], directory, SEEDS_A_SECOND * options.seconds or sys.maxsize)
    directory.mkdir()
    (directory / "input").write_bytes(options.input)
    return 1


def settings_of(name: str, options: argparse.Namespace, work: Path) -> dict[str, str]:
    """Return the environment of a target's process: which package it imports, and with what accelerator."""
    package, settings = options.package.resolve(), {"MULTIADDR_PY_PURE": str(int(name != "accelerator"))}
    if name == "accelerator" and options.seconds:
        build(package, work / "built")
        package, settings = work / "built", environment()
    paths = [str(package), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**settings, "PYTHONPATH": os.pathsep.join(paths)}


def arguments(name: str, options: argparse.Namespace, work: Path) -> Iterator[str]:
    """Yield what a target's process is told."""
    if options.seconds == 0:
        yield from ("--plain", str(work / "seeds"))
        return
    (work / "dictionary").write_text(dictionary(), encoding="ascii")
    yield from (*LIMITS, f"-dict={work / 'dictionary'}", f"-max_total_time={options.seconds}")
    if options.input is None:
        # New inputs are written to the first directory.
        corpus = Path(work if options.corpus is None else options.corpus.resolve(), name)
        corpus.mkdir(parents=True, exist_ok=True)
        yield str(corpus)
    else:
        yield "-runs=0"
    yield str(work / "seeds")


def report(name: str, status: int, count: int, work: Path) -> int:
    """Print what a target's process left; return the exit status."""
    log = (work / "log").read_text(encoding="utf-8", errors="replace")
    found = [path for pattern in FINDINGS for path in work.glob(pattern)]
    if found:
        raw = found[0].read_bytes()
        rows = "\n".join(map(json.dumps, TARGETS[name].rows(raw)))
        print(
            f"{name}: a finding\n{excerpt(log)}\n"
            f"For tests/vectors.jsonl, with the outcome that is right:\n{rows}\n"
            f"Again: python tests/fuzz/fuzz.py {name} --input {raw.hex() or repr('')}",
            flush=True,
        )
        return 1
    if status:
        print(f"{name}: did not run, status {status}\n{excerpt(log)}", flush=True)
        return 2
    finished = FINISHED.search(log)
    what = f"{int(finished[1]):,} executions, {finished[2]}" if finished else "the seeds alone"
    print(f"{name}: no finding; {count:,} seeds, {what}", flush=True)
    return 0


def excerpt(log: str) -> str:
    """Return what a process says of its end."""
    place = FAILED.search(log)
    if place is None:
        return "\n".join(log.splitlines()[-LINES_SHOWN:])
    said = LIBFUZZERS_OWN.split(log[place.start() :], maxsplit=1)[0]
    return "\n".join(said.splitlines()[:LINES_SHOWN])


if __name__ == "__main__":
    sys.exit(main())
