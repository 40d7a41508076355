"""What was kept is there again, whatever became of the process; what is no store says so, and is left as it is."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import multiaddr_py
from multiaddr_py import Multiaddr, PeerId
from node import store as store_module
from node.fields import LARGEST_ITEM
from node.store import ITEM_COST, MOST_ADDRESSES, Store, StoreError, StoreFullError

ROOT = Path(multiaddr_py.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(store_module.__file__).parents[1])])}
PEER = PeerId.from_key("Ed25519", bytes(32))


def address_of(port: int) -> Multiaddr:
    return Multiaddr(f"/ip4/127.0.0.1/tcp/{port}/p2p/{PEER}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


def run_apart(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start Python code that has `Store` and `path`, whose warnings are errors."""
    code = "import sys; from pathlib import Path; from node.store import *; path = Path(sys.argv[1])\n" + code
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT)


# Laws


class Keeping(RuleBasedStateMachine):
    """A store that is closed and opened again at any moment does as a list and a dictionary do."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "node.db"
        self.items: list[bytes] = []
        self.dialled: dict[Multiaddr, int] = {}
        self.moment = 0
        self.store = Store(self.path, most_content=20 * (ITEM_COST + 2))

    @rule(content=st.binary(min_size=1, max_size=3))
    def add(self, content: bytes) -> None:
        taken = sum(len(item) + ITEM_COST for item in self.items)
        if content in self.items:
            assert self.store.add(content) is None
        elif taken + len(content) + ITEM_COST > 20 * (ITEM_COST + 2):
            with pytest.raises(StoreFullError):
                self.store.add(content)
        else:
            assert self.store.add(content) == sha256(content).digest()
            self.items.append(content)

    @rule(size=st.sampled_from([0, LARGEST_ITEM + 1]))
    def add_what_is_no_item(self, size: int) -> None:
        with pytest.raises(ValueError, match=f"^an item has 1 to 65536 bytes, not {size}$"):
            self.store.add(bytes(size))

    @rule(content=st.binary(min_size=1, max_size=2))
    def get(self, content: bytes) -> None:
        content_hash = sha256(content).digest()
        assert self.store.has(content_hash) is (content in self.items)
        assert self.store.get(content_hash) == (content if content in self.items else None)

    @rule(place=st.integers(0, 25), count=st.integers(0, 25))
    def look_from_a_place_on(self, place: int, count: int) -> None:
        hashes = [sha256(item).digest() for item in self.items]
        assert self.store.hashes(place, count) == hashes[place : place + count]

    @rule(port=st.integers(1, 9))
    def remember(self, port: int) -> None:
        self.moment += 1
        self.store.remember(address_of(port), self.moment)
        self.dialled[address_of(port)] = self.moment

    @rule(port=st.integers(1, 9))
    def forget(self, port: int) -> None:
        self.store.forget(address_of(port))
        self.dialled.pop(address_of(port), None)

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = Store(self.path, most_content=20 * (ITEM_COST + 2))

    @invariant()
    def is_as_expected(self) -> None:
        assert self.store.height == len(self.items)
        assert self.store.addresses() == sorted(self.dialled, key=lambda address: -self.dialled[address])

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(max_examples=max(settings().max_examples // 4, 1))


# Killed

ADD = """
store = Store(path)
for place in range(store.height, 1_000_000):
    print(store.add(str(place).encode() * 3_000).hex(), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills programs")
@pytest.mark.parametrize("count", [1, 2, 50, 150])
def test_who_is_killed_comes_back_with_all_that_it_said_to_have(path: Path, count: int) -> None:
    said = []
    for _ in range(2):  # the second one goes on where the first one was
        process = run_apart(ADD, str(path))
        assert process.stdout is not None
        said += [process.stdout.readline().strip() for _ in range(count)]
        process.kill()
        rest = process.stdout.read()
        said += rest.splitlines()[: rest.count("\n")]
        assert process.communicate()[1] == ""
        with Store(path) as store:
            kept = [content_hash.hex() for content_hash in store.hashes(0, store.height)]
            assert kept[: len(said)] == said
            assert store.height == len(kept) <= len(said) + 1  # the last one may not have been said any more
            assert all(store.get(content_hash) is not None for content_hash in store.hashes(0, store.height))
            said = kept


# Two of them

OPEN = """
sys.stdin.readline()
try:
    store = Store(path)
except StoreError as error:
    print(error)
else:
    print("open")
    sys.stdin.readline()
    store.close()
"""


def test_of_processes_that_open_a_store_at_the_same_moment_one_has_it(path: Path) -> None:
    processes = [run_apart(OPEN, str(path)) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    said = []
    for process in processes:
        assert process.stdout is not None
        said.append(process.stdout.readline().strip())
    ends = [process.communicate("end\n") for process in processes]
    assert ends == [("", "")] * 3
    assert sorted(said) == sorted([f"{str(path)!r} is in use, probably by a node that runs"] * 2 + ["open"])
    with Store(path) as store:
        assert store.height == 0


def test_a_store_that_is_in_use_is_no_other_ones(path: Path) -> None:
    with Store(path) as store:
        store.add(b"one")
        with pytest.raises(StoreError, match=r"node\.db' is in use, probably by a node that runs$"):
            Store(path)
    with Store(path) as store:
        assert store.get(sha256(b"one").digest()) == b"one"


# What is no store


def other_programs(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE notes (text TEXT)")
    database.close()


def later_versions(path: Path) -> None:
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()


def without_tables(path: Path) -> None:
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE items")
    database.close()


def cut_off(path: Path) -> None:
    with Store(path) as store:
        for number in range(1000):
            store.add(number.to_bytes(200))
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b"no database" * 1000), "file is not a database"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(4000)), "file is not a database"),
        (lambda path: path.mkdir(), "unable to open database file"),
        (lambda path: path.symlink_to(path), "unable to open database file"),
        (lambda path: path.symlink_to("/nowhere/node.db"), "unable to open database file"),
        (other_programs, "is another program's database"),
        (later_versions, "is of version 2, and this program of 1"),
        (without_tables, "no such table: items"),
        (cut_off, "malformed"),
    ],
)
def test_what_is_no_store_is_said_by_name_and_left_as_it_is(
    path: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=rf"node\.db'.*{reason}"):
        Store(path)
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
@pytest.mark.parametrize("mode", [0o000, 0o400])
def test_a_file_that_cannot_be_read_or_written_is_said_by_name(path: Path, mode: int) -> None:
    Store(path).close()
    path.chmod(mode)
    with pytest.raises(StoreError, match=r"node\.db' may not be read and written by this user$"):
        Store(path)


def test_content_that_the_disk_has_changed_is_not_given_to_anyone(path: Path) -> None:
    with Store(path) as store:
        content_hash = store.add(b"the content of the item")
        assert content_hash is not None
    path.write_bytes(path.read_bytes().replace(b"the content of", b"the content if"))
    with Store(path) as store, pytest.raises(StoreError, match=f"is damaged: the item {content_hash.hex()} has"):
        store.get(content_hash)


def test_an_address_that_the_disk_has_changed_is_said(path: Path) -> None:
    with Store(path) as store:
        store.remember(address_of(1), 1)
    changed = path.read_bytes().replace(bytes(address_of(1)), b"\xff" * len(bytes(address_of(1))))
    path.write_bytes(changed)
    with Store(path) as store, pytest.raises(StoreError, match=r"node\.db' is damaged"):
        store.addresses()


# Limits


def test_the_largest_item_fits_and_the_limit_counts_what_was_there_before(path: Path) -> None:
    with Store(path, most_content=LARGEST_ITEM + ITEM_COST) as store:
        content_hash = store.add(bytes(LARGEST_ITEM))
        assert content_hash is not None
    with Store(path, most_content=LARGEST_ITEM + ITEM_COST) as store:
        with pytest.raises(StoreFullError, match=r"node\.db' may have no more than 65664 bytes of items$"):
            store.add(b"1")
        assert store.height == 1
        assert store.get(content_hash) == bytes(LARGEST_ITEM)
    with Store(path, most_content=LARGEST_ITEM + 2 * ITEM_COST + 1) as store:
        assert store.add(b"1") is not None


def test_of_too_many_addresses_the_oldest_go(path: Path) -> None:
    with Store(path) as store:
        for port in range(1, MOST_ADDRESSES + 1):
            store.remember(address_of(port), port)
        store.remember(address_of(1), MOST_ADDRESSES + 1)
        store.remember(address_of(5000), MOST_ADDRESSES + 2)
        ports = [int(address.value_for_protocol("tcp") or 0) for address in store.addresses()]
    assert ports == [5000, 1, *range(MOST_ADDRESSES, 2, -1)]


FILL = """
import resource
with Store(path) as store:
    print(store.add(b"early").hex())
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        for number in range(100):
            print(store.add(number.to_bytes(50_000)).hex())
    except StoreError as error:
        print(error)
    print(store.height)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_when_nothing_more_can_be_written_that_is_said_and_what_there_is_stays(path: Path) -> None:
    output, errors = run_apart(FILL, str(path)).communicate()
    *said, error, height = output.splitlines()
    assert not errors
    assert error.startswith(f"{str(path)!r}: ")
    assert 1 < int(height) == len(said) < 100
    with Store(path) as store:
        assert [content_hash.hex() for content_hash in store.hashes(0, 1000)] == said
        assert store.add(b"late") is not None


def test_a_store_is_of_no_use_after_its_end(path: Path) -> None:
    with Store(path) as store:
        pass
    with pytest.raises(sqlite3.ProgrammingError):
        store.add(b"late")


def test_a_file_by_any_name_is_a_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with Store(Path(":memory:")) as store:
        store.add(b"one")
    with Store(Path(":memory:")) as store:
        assert store.height == 1
