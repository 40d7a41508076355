"""The commands of the program's docstring and of the examples' README, run as they stand, and what they print."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from nat_lab import SERVER, Lab
from punch_program import ENVIRONMENT, HOPELESS, PAIRS, PATIENCE, PROGRAM
from test_punch import needs_lab

ROOT = PROGRAM.parents[1]
README = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Hole punching\n")[2].partition("\n## Node\n")[0]
SESSIONS = [
    (command, shown.splitlines())
    for command, shown in re.findall(r"^```console\n\$ (.*)\n((?:.*\n)*?)```$", SECTION, re.MULTILINE)
]


class Terminal:
    """A command that runs at the root of the repository, and the lines that it has printed."""

    def __init__(self, command: str, lab: Lab, stack: ExitStack) -> None:
        python, *arguments = shlex.split(command)
        assert python == "python"
        # A host of a laboratory has these ports free; what it has besides `lo` another machine has not.
        argv = lab.command("server", sys.executable, "-X", "dev", "-W", "error", *arguments)
        pipe = subprocess.PIPE
        self.process = stack.enter_context(
            subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=ENVIRONMENT)
        )
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        stack.callback(timer.cancel)
        stack.callback(self.process.kill)
        self.lines: list[str] = []

    def read_until(self, *starts: str) -> None:
        """Read until there were lines that start so."""
        assert self.process.stdout is not None
        while not all(any(line.startswith(start) for line in self.lines) for start in starts):
            line = self.process.stdout.readline()
            assert line, f"no {starts} among {self.lines}"
            self.lines.append(line.rstrip("\n"))

    def end(self, interrupt: bool = False) -> int:
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        self.lines += self.process.communicate()[0].splitlines() + ["^C"] * interrupt
        return self.process.returncode


def compared(lines: list[str]) -> list[str]:
    """Return lines without what is another each time: ports that were free, seconds, and what comes first."""
    kept = [line for line in lines if SERVER[: SERVER.rindex(".")] not in line]
    return sorted(re.sub(r"\b\d{5}\b|\d+\.\d+ s", "N", line) for line in kept)


def test_docstring_and_readme_have_the_same_commands() -> None:
    shown = re.findall(r"^    (python examples/punch\.py .*)$", PROGRAM.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == [command for command, _ in SESSIONS]
    assert len(shown) == 3


@needs_lab
def test_the_sessions_of_the_readme_are_true() -> None:
    (serve, served), (first, shown_first), (second, shown_second) = SESSIONS
    with Lab() as lab, ExitStack() as stack:
        server = Terminal(serve, lab, stack)
        server.read_until("listening on /ip4/127.0.0.1/udp/4002")
        alice = Terminal(first, lab, stack)
        alice.read_until("waiting")
        bob = Terminal(second, lab, stack)
        alice.read_until("bob: ", "TCP")
        bob.read_until("TCP")
        assert (bob.end(interrupt=True), alice.end(), server.end(interrupt=True)) == (0, 0, 0)
        for terminal, shown in ((server, served), (alice, shown_first), (bob, shown_second)):
            assert compared(terminal.lines) == compared(shown)


def test_the_readme_has_all_files_of_the_program() -> None:
    files = {path.name for path in (ROOT / "examples" / "punching").glob("[a-z]*.py")}
    assert set(re.findall(r"\(punching/(\w+\.py)\)", SECTION)) == files


def test_the_readme_has_all_pairs_of_nats_that_are_tested() -> None:
    rows = [line.strip("| ").split(" | ") for line in SECTION.partition("| alice's NAT ")[2].splitlines()[2:]]
    assert [tuple(row[:2]) for row in rows] == PAIRS
    assert [tuple(row[:2]) for row in rows if row[2] == "the relay"] == HOPELESS


def test_no_file_of_the_program_is_too_long_to_read() -> None:
    files: list[Path] = [PROGRAM, *(ROOT / "examples" / "punching").glob("*.py")]
    assert len(files) > 10
    assert max(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 400
