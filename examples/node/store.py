"""What a node keeps over its end: items by their hashes, and addresses that were dialled with success; in SQLite.

A node that is killed, at whatever moment, comes back with all that it had: each change is a transaction of its own,
which is in the journal (the "WAL") before a method returns. `synchronous` is `NORMAL`: the journal is written, but only
waited for now and then until it is on the disk. So a machine that loses its power may forget the last seconds, and
has still a whole database; what it forgot its peers have. To wait each time would take many times as long.

So the methods do not wait for the disk, and take a fraction of a millisecond (`addresses`, wanted at the start, a few);
a thread to call them in would cost more, and the order of what is done would have to be seen to. Now and then the
journal goes into the file, which takes as long as the disk does to write 4 MiB.

One process at a time has the file, and the file is not looked over when it is opened, which takes as long for many
items as for none. Instead the hash of each content is computed again as it is read: that costs about as much as the
reading, and whoever asks is never given what an ailing disk has made of an item.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from multiaddr_py import Multiaddr, MultiaddrError

from .fields import LARGEST_ITEM

MOST_CONTENT: Final = 1 << 28
"""Bytes."""
ITEM_COST: Final = 128  # bytes that are counted besides an item's content: many small ones take room, too
MOST_ADDRESSES: Final = 1000
APPLICATION: Final = 0x6D616E64  # "mand", by which the file is known as a node's
VERSION: Final = 1
PATIENCE: Final = 0.25  # seconds for another process to be done, of two that open the file at the same moment
SCHEMA: Final = (
    # `total` is what this and all items before it take, so that nobody has to add it up; `content` comes last, since
    # to read what follows it would be to read it.
    """CREATE TABLE items (
        place INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, total INTEGER NOT NULL, content BLOB NOT NULL
    )""",
    "CREATE TABLE addresses (address BLOB PRIMARY KEY, dialled REAL NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)


class StoreError(Exception):
    """What is kept cannot be read, or nothing more can be kept."""


class StoreFullError(StoreError):
    """An item would make it more than may be kept."""


class Store:
    """A file, and what it keeps; as a context manager it is closed at the end.

    Every method raises `StoreError` where the disk is full or ails, or the file is damaged.
    """

    def __init__(self, path: Path, *, most_content: int = MOST_CONTENT) -> None:
        """Open a file, or make one; raise `StoreError` if it is no store's, or another process has it."""
        self._path = path
        self._most_content = most_content
        self._height = 0
        self._total = 0  # bytes of all items, and what they cost besides
        if os.access(path, os.F_OK) and not os.access(path, os.R_OK | os.W_OK):  # SQLite would call it an I/O error
            raise StoreError(f"{str(path)!r} may not be read and written by this user")
        with self._faults():
            self._database = sqlite3.connect(path.absolute(), timeout=PATIENCE, isolation_level=None)
        try:
            with self._faults():
                self._open()
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        execute = self._database.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")  # beyond transactions, until this is closed
        execute("BEGIN EXCLUSIVE")
        [[application]], [[version]] = execute("PRAGMA application_id"), execute("PRAGMA user_version")
        if [application, version, *execute("SELECT name FROM sqlite_master")] == [0, 0]:  # all new
            for statement in SCHEMA:
                execute(statement)
        elif application != APPLICATION:
            raise StoreError(f"{str(self._path)!r} is another program's database")
        elif version != VERSION:
            raise StoreError(f"{str(self._path)!r} is of version {version}, and this program of {VERSION}")
        execute("COMMIT")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        last = execute("SELECT place, total FROM items ORDER BY place DESC LIMIT 1").fetchone()
        if last is not None:
            self._height, self._total = last[0] + 1, last[1]

    @property
    def height(self) -> int:
        """How many items there are, and the place of the next one."""
        return self._height

    def add(self, content: bytes) -> bytes | None:
        """Keep an item, and return its hash, or None if it was there.

        Raises `ValueError` for content that is none of an item, and `StoreFullError`.
        """
        if not 0 < len(content) <= LARGEST_ITEM:
            raise ValueError(f"an item has 1 to {LARGEST_ITEM} bytes, not {len(content)}")
        content_hash = sha256(content).digest()
        if self.has(content_hash):
            return None
        total = self._total + len(content) + ITEM_COST
        if total > self._most_content:
            raise StoreFullError(f"{str(self._path)!r} may have no more than {self._most_content} bytes of items")
        row = (self._height, content_hash, total, content)
        with self._faults():
            self._database.execute("INSERT INTO items (place, hash, total, content) VALUES (?, ?, ?, ?)", row)
        self._height, self._total = self._height + 1, total
        return content_hash

    def has(self, content_hash: bytes) -> bool:
        """Say whether there is an item of this hash."""
        return self.place(content_hash) is not None

    def place(self, content_hash: bytes) -> int | None:
        """Return how many items had come before the one of this hash, None if there is none."""
        with self._faults():
            found = self._database.execute("SELECT place FROM items WHERE hash = ?", [content_hash]).fetchone()
        return None if found is None else int(found[0])

    def get(self, content_hash: bytes) -> bytes | None:
        """Return the content of this hash, None if there is none."""
        with self._faults():
            found = self._database.execute("SELECT content FROM items WHERE hash = ?", [content_hash]).fetchone()
        if found is None:
            return None
        [content] = found
        if not isinstance(content, bytes) or sha256(content).digest() != content_hash:
            raise StoreError(f"{str(self._path)!r} is damaged: the item {content_hash.hex()} has another content")
        return content

    def hashes(self, place: int, count: int) -> list[bytes]:
        """Return the hashes of some items, from a place on, in the order in which they came; fewer where they end."""
        query = "SELECT hash FROM items WHERE place >= ? ORDER BY place LIMIT ?"
        with self._faults():
            return [content_hash for [content_hash] in self._database.execute(query, [place, count])]

    def remember(self, address: Multiaddr, when: float) -> None:
        """Keep an address that was dialled with success, or when that was last; the oldest has to go for it."""
        with self._faults():
            self._database.execute("REPLACE INTO addresses (address, dialled) VALUES (?, ?)", [bytes(address), when])
            self._database.execute(
                "DELETE FROM addresses WHERE address IN"
                " (SELECT address FROM addresses ORDER BY dialled DESC, address LIMIT -1 OFFSET ?)",
                [MOST_ADDRESSES],
            )

    def forget(self, address: Multiaddr) -> None:
        """Keep an address no longer."""
        with self._faults():
            self._database.execute("DELETE FROM addresses WHERE address = ?", [bytes(address)])

    def addresses(self) -> list[Multiaddr]:
        """Return the addresses that were dialled with success, the last one first."""
        query = "SELECT address FROM addresses ORDER BY dialled DESC, address"
        with self._faults():
            return [Multiaddr(address) for [address] in self._database.execute(query)]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Let an error say which file it is about."""
        try:
            yield
        except sqlite3.ProgrammingError:  # such as a store's use after its end
            raise
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise StoreError(f"{str(self._path)!r} is in use, probably by a node that runs") from error
            raise StoreError(f"{str(self._path)!r}: {error}") from error
        except (MultiaddrError, TypeError) as error:
            raise StoreError(f"{str(self._path)!r} is damaged: {error}") from error
