"""The program that punches holes, as processes in a laboratory or on this machine, and what they tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import combinations_with_replacement
from pathlib import Path
from time import monotonic
from typing import NamedTuple, TypeAlias

import internet
from nat_lab import SERVER, Kind, Lab, Site

import multiaddr_py

Event: TypeAlias = dict[str, str]

PROGRAM = Path(__file__).parents[2] / "examples" / "punch.py"
PUNCH = [sys.executable, "-X", "dev", "-W", "error", str(PROGRAM)]
# As a user has it, and the package that is tested, wherever that is. What measures coverage would only slow it down.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTHON"))}
ENVIRONMENT |= {"PYTHONPATH": str(Path(multiaddr_py.__file__).parents[1])}
PATIENCE = 40  # seconds, after which a program that should have said something is killed
S = [f"/ip4/{SERVER}/udp/4001", f"/ip4/{SERVER}/udp/4002"]


class Program:
    """A program that runs, and the events that it has told of."""

    def __init__(self, command: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT)
        self.events: list[Event] = []
        self.times: list[float] = []  # when the events were told
        self._told = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._told:
                self.events.append(json.loads(line))
                self.times.append(monotonic())
                self._told.notify_all()
        with self._told:
            self.events.append({"event": "ended"})
            self._told.notify_all()

    def wait_for(self, name: str, count: int = 1) -> Event:
        """Wait until there were so many events of a name, or the program has ended; return the last of them."""
        with self._told:
            told = self._told.wait_for(lambda: len(self.all(name)) >= count or self.all("ended"), PATIENCE)
            assert told, f"no {name} among {self.events}"
            assert len(self.all(name)) >= count, f"no {name} among {self.events}: {self.stderr()}"
            return self.all(name)[count - 1]

    def all(self, name: str) -> list[Event]:
        return [event for event in self.events if event["event"] == name]

    def texts(self) -> list[str]:
        return [event["text"] for event in self.all("message")]

    def say(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def stderr(self) -> str:
        """Return what the program has to complain of; asyncio also says in development mode what takes long."""
        assert self.process.stderr is not None
        return "".join(line for line in self.process.stderr if line.strip() and not line.startswith("Executing <"))

    def stop(self, number: int = signal.SIGINT) -> int:
        """Have the program end; return its status."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        """Wait until the program has ended, which it does by itself; return its status. It must have closed all."""
        status = self.process.wait(PATIENCE)
        self._reader.join()
        complaints = self.stderr()
        assert complaints == "", complaints
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


class World:
    """A laboratory and the programs in it; without one they run on this machine."""

    def __init__(self, stack: ExitStack, lab: Lab | None = None) -> None:
        self._stack = stack
        self.lab = lab

    def run(self, host: str, *arguments: str) -> Program:
        command = [*PUNCH, *arguments, "--json"]
        program = Program(command if self.lab is None else self.lab.command(host, *command))
        self._stack.callback(program.close)
        return program

    def serve(self, *addresses: str) -> Program:
        server = self.run("server", "rendezvous", *addresses)
        server.wait_for("listening", len(addresses))
        return server

    def peer(self, name: str, meet: str, *options: str, servers: Sequence[str] = S) -> Program:
        return self.run(name, "peer", name, "--server", *servers, "--meet", meet, *options)


def part(alice: Program, bob: Program) -> tuple[int, int]:
    """Have one of two peers that have met end, and so the other one; return their statuses."""
    status = alice.stop()
    assert bob.wait_for("left")["name"] == "alice"
    return status, bob.end()


@contextmanager
def world(sites: dict[str, Site] | None = None, *, path: internet.Path | None = None) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, None if sites is None else stack.enter_context(Lab(sites, path=path)))


class Met(NamedTuple):
    """What two peers have told, after each has said something to the other, or failed."""

    alice: Program
    bob: Program
    statuses: tuple[int, int]


KINDS: list[Kind] = ["open", "full cone", "address-restricted", "port-restricted", "symmetric"]
PAIRS = list(combinations_with_replacement(KINDS, 2))
HOPELESS: list[tuple[Kind, Kind]] = [("port-restricted", "symmetric"), ("symmetric", "symmetric")]


def meet(pair: tuple[Kind, Kind], *options: str) -> Met:
    alices, bobs = pair
    with world({"alice": Site(alices), "bob": Site(bobs)}) as here:
        here.serve(*S)
        alice = here.peer("alice", "bob", "--say", "from alice", *options)
        bob = here.peer("bob", "alice", "--say", "from bob", *options)
        for peer in (alice, bob):
            if pair in HOPELESS and not options:
                peer.wait_for("failed")
            else:
                peer.wait_for("message")
                if not options:
                    peer.wait_for("tcp")
        failed = alice.all("failed")
        return Met(alice, bob, (alice.end(), bob.end()) if failed else part(alice, bob))
