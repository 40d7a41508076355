"""The sessions of README and of the pages in docs/, in Python and on the command line, run as they stand."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from hypothesis import settings

import multiaddr_py

README = Path(__file__).parents[1] / "README.md"
TESTING = README.parent / "docs" / "testing.md"


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the language and the text of each block of code."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


BLOCKS = blocks(README)

# Where the package is installed, its entry point registers the types. The examples are the same each time,
# and more than by default: of runs of 100 two in a hundred meet no colon.
CONFTEST = """
from hypothesis import settings
from multiaddr_py._hypothesis import register

register()
settings.register_profile("same", derandomize=True, max_examples=300, deadline=None)
settings.load_profile("same")
"""


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


def test_the_page_about_testing_shows_what_is_drawn() -> None:
    settings.register_profile("page", derandomize=True, database=None)
    settings.load_profile("page")
    try:
        result = doctest.testfile(str(TESTING), module_relative=False)
    finally:
        settings.load_profile(os.environ.get("MULTIADDR_PROFILE", "quick"))
    assert result.attempted > 10
    assert result.failed == 0


def test_the_page_about_testing_finds_the_fault_and_mends_it(tmp_path: Path) -> None:
    """The two files and the two runs of the worked example: ten lines of tests."""
    message, tests, found, mended = (text for _, text in blocks(TESTING)[1:5])
    assert len([line for line in tests.splitlines() if line]) == 10
    path = os.pathsep.join([str(tmp_path), str(Path(multiaddr_py.__path__[0]).parent)])
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_announcement.py").write_text(tests)

    def pytest_says() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
        return done.stdout + done.stderr

    (tmp_path / "announcement.py").write_text(message)
    failure = pytest_says()
    # How a failing example is shown depends on Hypothesis, and at times it ends with another address.
    for line in (re.escape(found.splitlines()[0]), r"address=Multiaddr\('/.*:.*'\)", "seconds=0"):
        assert re.search(line, found)
        assert re.search(line, failure)
    assert "1 failed, 1 passed" in failure
    wrong = '        address, seconds = text.split(":")\n'
    assert wrong in message
    (tmp_path / "announcement.py").write_text(message.replace(wrong, mended))
    assert "2 passed" in pytest_says()
