"""Events are lines, whoever had a part in them, and a node goes on whether anyone reads them or not."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import multiaddr_py
from multiaddr_py import Multiaddr
from node import events as events_module
from node.events import WORDS, print_event, reporter, shown

ROOT = Path(multiaddr_py.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(events_module.__file__).parents[1])])}
ADDRESS = Multiaddr("/ip4/203.0.113.7/tcp/4001")
HOSTILE = Multiaddr("/dns4/\x1b[31m\x9b2J\u202e.example/tcp/1")

VECTORS: list[tuple[str, dict[str, Multiaddr | bytes | str | int], str, str]] = [
    ("listening", {"address": ADDRESS}, f"listening on {ADDRESS}", f'{{"event": "listening", "address": "{ADDRESS}"}}'),
    (
        "status",
        {"address": ADDRESS},
        f"tells its status at {ADDRESS}",
        f'{{"event": "status", "address": "{ADDRESS}"}}',
    ),
    ("peer", {"address": ADDRESS}, f"connected with {ADDRESS}", f'{{"event": "peer", "address": "{ADDRESS}"}}'),
    (
        "gone",
        {"address": ADDRESS, "reason": "it\nleft"},
        f"no longer connected with {ADDRESS}: it\\nleft",
        f'{{"event": "gone", "address": "{ADDRESS}", "reason": "it\\nleft"}}',
    ),
    (
        "item",
        {"hash": b"\x00\xff", "size": 3},
        "has item 00ff of 3 bytes",
        '{"event": "item", "hash": "00ff", "size": 3}',
    ),
    (
        "refused",
        {"address": HOSTILE, "reason": "no {reason}"},
        "not connected with /dns4/\\x1b[31m\\x9b2J\\u202e.example/tcp/1: no {reason}",
        '{"event": "refused", "address": "/dns4/\\u001b[31m\\u009b2J\\u202e.example/tcp/1", "reason": "no {reason}"}',
    ),
    ("failed", {"reason": "no"}, "node: no", '{"event": "failed", "reason": "no"}'),
]


@pytest.mark.parametrize(("event", "fields", "words", "line"), VECTORS)
def test_an_event_is_a_line_of_words_or_of_json(
    capsys: pytest.CaptureFixture[str],
    event: str,
    fields: dict[str, Multiaddr | bytes | str | int],
    words: str,
    line: str,
) -> None:
    print_event(event, as_json=False, **fields)
    print_event(event, as_json=True, **fields)
    expected = (f"{line}\n", f"{words}\n") if event == "failed" else (f"{words}\n{line}\n", "")
    assert capsys.readouterr() == expected


def test_there_is_a_vector_for_each_event() -> None:
    assert {event for event, *_ in VECTORS} == set(WORDS)


@given(st.text())
def test_whatever_is_shown_commands_no_terminal(text: str) -> None:
    assert shown(text).isprintable()
    assert not text.isprintable() or shown(text) == text


@given(st.text())
def test_json_is_one_line_of_ascii_that_says_the_same(text: str) -> None:
    with redirect_stdout(io.StringIO()) as output:
        print_event("gone", as_json=True, reason=text)
    line = output.getvalue().removesuffix("\n")
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {"event": "gone", "reason": text}


def run(code: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run Python code that has a `report`, whose warnings are errors."""
    code = "import sys; from node.events import *; report = reporter(as_json=False)\n" + code
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
    return subprocess.run(command, env=ENVIRONMENT, check=False, stderr=subprocess.PIPE, timeout=60, **options)  # type: ignore[call-overload, no-any-return]  # what a test passes on


MANY = """
for number in range(10_000):
    report("listening", address=number)
print("at the end", file=sys.stderr)
"""


@pytest.mark.skipif(os.name != "posix", reason="hands a pipe's end over")
def test_when_nobody_reads_on_the_node_goes_on() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(MANY, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"at the end\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to offer")
def test_when_the_disk_is_full_the_node_goes_on() -> None:
    with open("/dev/full", "wb") as full:
        done = run(MANY, stdout=full)
    assert (done.returncode, done.stderr) == (0, b"at the end\n")


def test_letters_that_a_stream_does_not_have_are_written_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "PYTHONIOENCODING", "ascii:strict")
    done = run('report("gone", address="b\\u00fccher", reason="\\udc80")', stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.strip() == b"no longer connected with b\\xfccher: \\udc80"


def test_a_reporter_prints_as_it_was_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    reporter(as_json=True)("failed", reason="no")
    reporter(as_json=False)("failed", reason="no")
    assert capsys.readouterr() == ('{"event": "failed", "reason": "no"}\n', "node: no\n")
