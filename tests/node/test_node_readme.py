"""The commands of the node's docstring and of the examples' README, run as they stand, and what they print."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

import multiaddr_py

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a node is asked at a Unix socket, and ended by signals")

ROOT = Path(__file__).parents[2]
NODE = ROOT / "examples" / "node"
SECTION = (ROOT / "examples" / "README.md").read_text(encoding="utf-8").partition("\n## Node\n")[2]
SESSIONS = re.findall(r"^```console\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
# As a user has it, and the package that is tested, wherever that is.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTHON"))}
ENVIRONMENT |= {"PYTHONPATH": os.pathsep.join([str(Path(multiaddr_py.__file__).parents[1]), str(ROOT)])}
PATIENCE = 60  # seconds, after which a command that should have ended is killed


def steps(session: str) -> list[tuple[str, list[str]]]:
    """Return the commands of a session, each with the lines that it printed."""
    return [
        (command, shown.splitlines())
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)
    ]


class Terminal:
    """A command that runs in a folder, and the lines that it has printed."""

    def __init__(self, command: str, folder: Path, stack: ExitStack) -> None:
        python, *arguments = shlex.split(command)
        assert python == "python"
        argv = [sys.executable, "-X", "dev", "-W", "error", *arguments]
        self.process = stack.enter_context(
            subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=folder, env=ENVIRONMENT)
        )
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        stack.callback(timer.cancel)
        stack.callback(self.process.kill)
        self.lines: list[str] = []

    def read_until(self, start: str) -> str:
        """Read until there was a line that starts so; return it."""
        assert self.process.stdout is not None
        while not self.lines or not self.lines[-1].startswith(start):
            line = self.process.stdout.readline()
            assert line, f"no {start!r} among {self.lines}"
            self.lines.append(line.rstrip("\n"))
        return self.lines[-1]

    def end(self, interrupt: bool = False) -> int:
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        self.lines += self.process.communicate()[0].splitlines() + ["^C"] * interrupt
        return self.process.returncode


def compared(lines: list[str]) -> list[str]:
    """Return lines without what is another each time: peer IDs, ports that were free, and what is counted."""
    other = r"12D3KooW\w{44}|(?<=p/)\d{5}\b|\d+ sent, \d+ received|\d+ s\b|\d+\.\d MiB|^ *\d+(?=  /)"
    return [re.sub(r"\s+", " ", re.sub(other, "N", line)) for line in lines]


def run(command: str, folder: Path) -> list[str]:
    with ExitStack() as stack:
        terminal = Terminal(command, folder, stack)
        assert terminal.end() == 0
        return terminal.lines


def test_docstring_and_readme_have_the_same_commands() -> None:
    shown = re.findall(r"^    (python -m examples\.node .*)$", (NODE / "__init__.py").read_text("utf-8"), re.MULTILINE)
    [digest] = {found for session in SESSIONS for found in re.findall(r"\b[0-9a-f]{64}\b", session)}
    commands = [command for session in SESSIONS for command, _ in steps(session)]
    assert [command.replace('"hello"', "hello").replace("HASH", digest) for command in shown] == commands
    assert len(commands) == 5


def test_the_sessions_of_the_readme_are_true(tmp_path: Path) -> None:
    (first, shown_first), (second, shown_second), *questions = [step for session in SESSIONS for step in steps(session)]
    with ExitStack() as stack:
        alice = Terminal(first, tmp_path, stack)
        alice.read_until("tells its status")
        bob = Terminal(second, tmp_path, stack)
        bob.read_until("connected")
        alice.read_until("connected")
        (put, shown_put), (get, shown_get), (ask, shown_status) = questions
        assert run(put, tmp_path) == shown_put
        bob.read_until("has item")
        assert run(get, tmp_path) == shown_get
        while "contacts in buckets: 1" not in (status := run(ask, tmp_path)) or "addresses: 1" not in status:
            pass
        assert compared(status) == compared(shown_status), status
        assert bob.end(interrupt=True) == 0
        alice.read_until("no longer")
        assert alice.end(interrupt=True) == 0
        for terminal, shown in ((alice, shown_first), (bob, shown_second)):
            assert compared(terminal.lines) == compared(shown)


def test_the_readme_has_all_files_of_the_node() -> None:
    files = {path.name for path in NODE.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert set(re.findall(r"\(node/(\w+\.py)\)", SECTION)) == files


def test_no_file_of_the_node_is_too_long_to_read() -> None:
    files = list(NODE.glob("*.py"))
    assert len(files) > 20
    assert max(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 400
