"""Several exchanges that are connected in memory: what they say arrives in order, and as late as a test wants."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import NamedTuple

from node.exchange import Exchange
from node.fields import decode, encode
from node.messages import PROTOCOL, Item, Message, Version
from node.store import Store


class Ended(NamedTuple):
    """What comes last."""


def version(height: int) -> Version:
    return Version(PROTOCOL, height, (), None)


class Line:
    """One end of a connection, which is a peer to whose end it is."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.height = 0
        self.mail: deque[Message | Ended] = deque()
        self.sent: list[Message] = []
        self.reason = ""
        self.told: int | None = None
        self.is_begun = False
        self._other: Line | None = None
        self.version = version(0)  # until the other one has said its own

    def connect(self, other: Line) -> None:
        self._other, other._other = other, self

    def send(self, message: Message) -> None:
        self.sent.append(message)
        if self._other is not None:
            self._other.mail.append(decode(type(message), encode(message)))

    def end(self, reason: str) -> None:
        self.reason = self.reason or reason

    def say_version(self) -> None:
        self.told = self.member.store.height
        self.send(version(self.told))

    def begin(self, said: Version) -> None:
        """Begin as a node does that has heard a version, and says its own one if it has not yet."""
        self.version, self.height = said, said.height
        if self.told is None:
            self.say_version()
        assert self.told is not None
        self.is_begun = True
        self.member.exchange.begin(self, self.told)

    def say(self, *messages: Message) -> None:
        """Have the member handle what its peer says."""
        for message in messages:
            self.member.exchange.handle(self, message)

    def take(self) -> None:
        """Have the member handle what came first."""
        message = self.mail.popleft()
        if isinstance(message, Ended):
            self.lose()
        elif isinstance(message, Version):
            self.begin(message)
        else:
            if isinstance(message, Item):
                self.member.taken[sha256(message.content).digest()] += 1
            self.say(message)

    def lose(self) -> None:
        """Have the connection end here, and once all that was sent is read, there."""
        self.member.lines.remove(self)
        self.mail.clear()
        if self._other is not None:
            self._other.mail.append(Ended())
            self._other._other = None
            self._other = None
        if self.is_begun:
            self.member.losses += 1
            self.member.exchange.end(self)

    def talks_to(self) -> Member | None:
        return self._other.member if self._other is not None else None


class Member:
    """A node, as far as its items go."""

    def __init__(self, path: Path, clock: Callable[[], float] = lambda: 0.0, *, most_content: int = 1 << 28) -> None:
        self.store = Store(path, most_content=most_content)
        self.exchange = Exchange(self.store, clock, lambda digest, _: self.arrived.append(digest))
        self.arrived: list[bytes] = []
        self.taken: Counter[bytes] = Counter()
        """How often an item was sent to it."""
        self.lines: list[Line] = []
        self.losses = 0

    def hashes(self) -> set[bytes]:
        return set(self.store.hashes(0, 1 << 30))

    def meet(self, height: int, *, told: int | None = None) -> Line:
        """Begin to talk to somebody who is played by the test."""
        line = Line(self)
        self.lines.append(line)
        line.told = told if told is not None else self.store.height
        line.begin(version(height))
        return line

    def dial(self, other: Member) -> None:
        lines = Line(self), Line(other)
        for line in lines:
            line.member.lines.append(line)
        lines[0].connect(lines[1])
        lines[0].say_version()


def settle(members: list[Member], random: Random) -> None:
    """Deliver all that is under way, in any order across connections."""
    while lines := [line for member in members for line in member.lines if line.mail]:
        random.choice(lines).take()


def neighbourhood(member: Member) -> list[Member]:
    """Return a member and all with whom it is connected, also by others."""
    found = [member]
    for one in found:
        found += {other for line in one.lines if (other := line.talks_to()) is not None} - {*found}
    return found
