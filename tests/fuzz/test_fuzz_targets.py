"""The fuzz targets hold for the vectors, and each of them finds what is wrong with a broken copy of the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_build import atheris, compiler
from fuzz_command import CHOICES
from fuzz_laws import text_of
from fuzz_targets import TARGETS, dictionary, sources

import multiaddr_py
from multiaddr_py import ACCELERATED, REGISTRY

FUZZ = Path(__file__).with_name("fuzz.py")
WORKER = Path(__file__).with_name("fuzz_worker.py")
TESTS = Path(__file__).parents[1]
PACKAGE = Path(multiaddr_py.__path__[0])
SOURCES = sources(shared=False)
# What runs here is a broken copy, whose coverage is nobody's.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}

needs_accelerator = pytest.mark.skipif(not ACCELERATED, reason="the accelerator was not built, or is turned off")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_accelerator if name == "accelerator" else ()) for name in TARGETS]
)
def test_what_is_fuzzed_holds_for_the_seeds(name: str) -> None:
    seeds = list(TARGETS[name].seeds(SOURCES))
    assert len(seeds) > 100
    for seed in [b"", *seeds]:
        TARGETS[name].check(seed)
        assert json.loads(json.dumps(TARGETS[name].rows(seed)))


def test_every_choice_of_the_command_is_among_its_seeds() -> None:
    assert {seed[0] for seed in TARGETS["command"].seeds(SOURCES)} == set(range(len(CHOICES)))


def test_every_protocol_is_in_the_dictionary() -> None:
    entries = [bytes.fromhex(line.strip('"').replace("\\x", "")) for line in dictionary().splitlines()]
    for protocol in REGISTRY:
        assert f"/{protocol.name}".encode() in entries
        assert protocol._prefix in entries


@pytest.mark.parametrize("raw", [b"", b"/tls", b"\xff", b"\xed\xa0\x80", "ä".encode(), bytes(range(256))])
def test_all_bytes_stand_for_a_text(raw: bytes) -> None:
    assert text_of(raw).encode("utf-8", "surrogateescape") == raw


def broken_copy(directory: Path, path: str, right: str, wrong: str) -> Path:
    """Return a directory with a copy of the package in which something is wrong."""
    shutil.copytree(PACKAGE, directory / "multiaddr_py", ignore=shutil.ignore_patterns("__pycache__"))
    broken = directory / "multiaddr_py" / path
    source = broken.read_text(encoding="utf-8")
    assert source.count(right) == 1, "what is to be broken has changed"
    broken.write_text(source.replace(right, wrong), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return directories with each target's seeds, made of our own vectors."""
    directories = {name: tmp_path_factory.mktemp(name) for name in TARGETS}
    for name, directory in directories.items():
        for number, seed in enumerate(TARGETS[name].seeds(SOURCES)):
            (directory / f"{number:05}").write_bytes(seed)
    return directories


BREAKS = [json.loads(line) for line in FUZZ.with_name("breaks.jsonl").read_text(encoding="ascii").splitlines()]


@pytest.mark.parametrize("row", BREAKS, ids=[f"{row['target']}: {row['said']}" for row in BREAKS])
def test_a_broken_copy_is_found(row: dict[str, str], seeds: dict[str, Path], tmp_path: Path) -> None:
    """`said` is what the target says is broken, after `right` became `wrong`."""
    if row["target"] == "accelerator" and not ACCELERATED:
        pytest.skip("the accelerator was not built, or is turned off")
    package = broken_copy(tmp_path, row["file"], row["right"], row["wrong"])
    done = subprocess.run(
        [sys.executable, WORKER, row["target"], "--plain", seeds[row["target"]]],
        cwd=tmp_path,
        env={
            **ENVIRONMENT,
            "PYTHONPATH": os.pathsep.join([str(package), str(TESTS)]),
            "MULTIADDR_PY_PURE": str(int(row["target"] != "accelerator")),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert row["said"] in done.stderr.splitlines()[-1]


def fuzz(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, FUZZ, *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def test_a_finding_is_printed_as_a_row_of_the_vectors(tmp_path: Path) -> None:
    raw = b"/unix/%2Fa"
    package = broken_copy(tmp_path, "codecs/percent.py", "789-._~", "789-._~/")
    for target, row in ("text", {"text": "/unix/%2Fa"}), ("command", {"text": "/unix/%2Fa"}):
        given = (b"\0" * (target == "command") + raw).hex()
        done = fuzz(target, "--seconds", "0", "--package", package, "--input", given)
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.startswith(f"{target}: a finding\nTraceback (most recent call last):\n")
        assert json.dumps(row) in done.stdout.splitlines()
        assert done.stdout.endswith(f"fuzz.py {target} --input {given}\n")
        assert fuzz(target, "--seconds", "0", "--input", given).returncode == 0


def test_what_cannot_be_fuzzed_is_said(tmp_path: Path) -> None:
    assert "'dns' is no target" in fuzz("dns").stderr
    package = broken_copy(tmp_path, "multiaddr.py", '"""A whole address."""', '"""')
    done = fuzz("text", "--seconds", "0", "--package", package)
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, "text: did not run, status 1")
    assert "SyntaxError" in done.stdout


C_BREAKS = [
    # An overread: bytes are compared up to the end and beyond.
    (
        "_accel.c",
        "while (part->size <= (size_t)(end - span.stop)) {",
        "while (span.stop < end) {",
        "heap-buffer-overflow",
    ),
    # A number of 64 bits is read into 63 and a sign.
    ("_accel_codecs.h", "uint64_t sum = 0;\n    if (text", "int64_t sum = 0;\n    if (text", "signed integer overflow"),
]


@pytest.mark.skipif(
    atheris() is None or compiler() is None or not (PACKAGE / "_accel.c").exists(),
    reason="this needs atheris, clang or gcc, and the source of the C code",
)
@pytest.mark.parametrize(("path", "right", "wrong", "said"), C_BREAKS, ids=["overread", "overflow"])
def test_the_sanitizers_see_what_is_wrong_in_c(path: str, right: str, wrong: str, said: str, tmp_path: Path) -> None:
    package = broken_copy(tmp_path, path, right, wrong)
    done = fuzz("accelerator", "--package", package)
    assert done.returncode == 1
    assert said in done.stdout
