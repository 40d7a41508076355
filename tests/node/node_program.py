"""The node as processes on this machine, and what they tell."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeAlias

import multiaddr_py
from multiaddr_py import Multiaddr, PeerId
from node.door import AskStatus, DoorError, Found, Get, Put, Stored, ask
from node.status import Status

Event: TypeAlias = dict[str, Any]

ROOT = Path(__file__).parents[2]
NODE = [sys.executable, "-m", "examples.node"]
STRICT = ["-X", "dev", "-W", "error"]
# As a user has it, with the package that is tested, wherever that is. What measures coverage would only slow it down.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTHON"))}
ENVIRONMENT |= {"PYTHONPATH": os.pathsep.join((str(Path(multiaddr_py.__file__).parents[1]), str(ROOT)))}
PATIENCE = 120  # seconds, after which what was to happen never will
PAUSE = 0.1  # seconds between two questions for a status
LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)
SLOW = re.compile(r"Executing <.* took [\d.]+ seconds\n")
"""What asyncio says in development mode of what takes long."""


class Node:
    """A node in a folder, which runs, or has run and may again."""

    def __init__(self, folder: Path, *options: str, listen: Sequence[str] = LOOPBACK, is_strict: bool = False) -> None:
        self.folder = folder
        self.options = options
        self.listen = listen
        self.is_strict = is_strict
        self.events: list[Event] = []
        """What it has told since it was begun last."""
        self._complaints = folder.with_suffix(".stderr")
        self._told = threading.Condition()
        self._process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> Node:
        """Begin it, once more if it has ended; the options of then do not count any more where there are new ones."""
        if self._process is not None:
            self._let_go()
        self.events = []
        command = [sys.executable, *(STRICT if self.is_strict else []), "-m", "examples.node", "run", "--json"]
        command += ["--data", str(self.folder), "--listen", *self.listen, *(options or self.options)]
        with self._complaints.open("w") as stderr:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=ENVIRONMENT, cwd=self.folder.parent
            )
        self._reader = threading.Thread(target=self._read, args=[self._process])
        self._reader.start()
        return self

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._told:
                self.events.append(json.loads(line) | {"time": monotonic()})
                self._told.notify_all()
        with self._told:
            self.events.append({"event": "ended"})
            self._told.notify_all()

    def wait_for(self, name: str, condition: Callable[[Event], bool] = lambda _: True, *, past: int = 0) -> Event:
        """Wait for an event of a name of which something is true; `past` events do not count."""

        def found() -> Event | None:
            return next((one for one in self.all(name, past=past) if condition(one)), None)

        with self._told:
            self._told.wait_for(lambda: found() or self.all("ended"), PATIENCE)
            event = found()
            assert event is not None, f"no such {name} among {self.events[past:]}: {self.stderr()}"
            return event

    def all(self, name: str, *, past: int = 0) -> list[Event]:
        return [event for event in self.events[past:] if event["event"] == name]

    def is_ready(self) -> Node:
        """Wait until it runs."""
        self.wait_for("status")
        return self

    @property
    def addresses(self) -> list[Multiaddr]:
        """Where it can be reached, with its peer ID."""
        self.is_ready()
        return [Multiaddr(event["address"]) for event in self.all("listening")]

    @property
    def address(self) -> Multiaddr:
        """Where it accepts connections."""
        return self.addresses[0]

    @property
    def peer_id(self) -> PeerId:
        peer_id = self.address.peer_id
        assert peer_id is not None
        return peer_id

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def door(self) -> Multiaddr:
        return Multiaddr(self.wait_for("status")["address"])

    def status(self) -> Status:
        return asyncio.run(ask(self.door, AskStatus(), Status, timeout=PATIENCE))

    def put(self, item: bytes) -> str:
        """Give it an item; return its hash."""
        return asyncio.run(ask(self.door, Put(item), Stored, timeout=PATIENCE)).hash

    def get(self, digest: str) -> bytes | None:
        try:
            return asyncio.run(ask(self.door, Get(digest), Found, timeout=PATIENCE)).content
        except DoorError:
            return None

    def stderr(self) -> str:
        """Return what it has to complain of."""
        return SLOW.sub("", self._complaints.read_text())

    def kill(self) -> None:
        """Have it end without a word, as where the power fails."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait until it has ended; return its status. It must have closed all, and left no task."""
        assert self._process is not None
        status = self._process.wait(PATIENCE)
        self._reader.join()
        complaints = self.stderr()
        assert complaints == "", complaints
        return status

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Have it end; return its status."""
        self.interrupt(number)
        return self.end()

    def close(self) -> None:
        if self._process is not None:
            self.kill()
            self._let_go()

    def _let_go(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.stdout.close()


class Fleet:
    """Some nodes; their folders have short names, since a socket's path may not be long."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack

    def node(self, name: str, *options: str, listen: Sequence[str] = LOOPBACK, is_strict: bool = False) -> Node:
        """Return a node that was begun."""
        node = Node(self.folder / name, *options, listen=listen, is_strict=is_strict)
        self._stack.callback(node.close)
        return node.start()


@contextmanager
def fleet() -> Iterator[Fleet]:
    """Be where nodes run; none does at the end."""
    with tempfile.TemporaryDirectory(prefix="node-") as folder, ExitStack() as stack:
        yield Fleet(Path(folder), stack)


def until(condition: Callable[[], bool], description: Callable[[], object] = lambda: "never") -> float:
    """Wait for a condition; return how many seconds that has taken."""
    begun = monotonic()
    while not condition():
        assert monotonic() < begun + PATIENCE, description()
        sleep(PAUSE)
    return monotonic() - begun


def stop_all(nodes: Iterable[Node]) -> list[int]:
    """Have nodes end at the same time; return their statuses."""
    nodes = list(nodes)
    for node in nodes:
        node.interrupt()
    return [node.end() for node in nodes]


def known(status: Status) -> set[PeerId]:
    """Return whom a node has spoken with: who is connected, in a bucket, or was dialled."""
    contacts = {contact.peer_id for bucket in status.buckets for contact in bucket.contacts}
    return contacts | {peer.peer_id for peer in status.peers} | dialled(status)


def dialled(status: Status) -> set[PeerId]:
    """Return who was where a node has dialled."""
    reached = {row.address.peer_id for row in status.addresses if row.state == "dialled"}
    return {peer_id for peer_id in reached if peer_id is not None}


def run_command(*arguments: str, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command `node` to its end."""
    return subprocess.run(
        [sys.executable, *STRICT, "-m", "examples.node", *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=cwd,
        timeout=PATIENCE,
        check=False,
        **options,
    )
