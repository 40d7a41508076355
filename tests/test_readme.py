"""README's sessions, in Python and on the command line, run as they stand."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_python_sessions_are_true() -> None:
    session = "\n".join(block for language, block in BLOCKS if language == "python")
    test = doctest.DocTestParser().get_doctest(session, {}, "README.md", str(README), 0)
    assert len(test.examples) > 10
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)  # of a port that the system chose
    assert result.failed == 0


def test_the_shell_sessions_are_true() -> None:
    code = "import sys; from multiaddr_py.cli import main; sys.exit(main())"
    commands = 0
    for language, block in BLOCKS:
        if language == "console" and block.startswith("$ "):
            for command, shown in re.findall(r"^\$ maddr (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
                done = subprocess.run(
                    [sys.executable, "-c", code, *shlex.split(command)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    encoding="utf-8",
                    env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
                    check=False,
                )
                assert done.stdout.strip() == shown.strip()
                commands += 1
    assert commands == 2
