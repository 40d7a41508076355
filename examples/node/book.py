"""The addresses at which nodes may be reached, and what came of dialling them.

What was heard is somebody's word: it is not passed on before it was dialled, and whoever was there has proven to be
the peer of the address. There is room for a part only of what one node says, so that it cannot drive the others out.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from random import Random
from typing import Final

from multiaddr_py import Multiaddr, PeerId

from .reach import is_for, is_of_use

MOST_HEARD: Final = 1_000
MOST_HEARD_OF_ONE: Final = 64
MOST_DIALLED: Final = 1_000
MOST_OF_ONE_PEER: Final = 8
FIRST_PAUSE: Final = 1.0  # seconds after an attempt in vain; after each more it is twice as long
LONGEST_PAUSE: Final = 600.0
LONGEST_PAUSE_OF_GIVEN: Final = 30.0  # for those of the configuration
MOST_FAILURES: Final = 12
MOST_FAILURES_OF_HEARD: Final = 3


class Source(Enum):
    """Where an address is from, or what came of it."""

    STATIC = "static"
    SEED = "seed"
    HEARD = "heard"
    DIALLED = "dialled"


class Entry:
    """An address, and what came of dialling it."""

    def __init__(self, address: Multiaddr, source: Source, teller: Multiaddr | None = None) -> None:
        self.address = address
        self.source = source
        self.teller = teller
        """Who has told of it, and where that was; it is empty for what this node knows itself."""
        self.peer_id = address.peer_id
        """Who is there, or was when it was dialled; None as long as nobody knows."""
        self.is_reached = False
        """Whether the peer was there when it was dialled last."""
        self.failures = 0
        """How often nobody was there, one time after the other."""
        self.vain = 0
        """How often it was dialled without a conversation, one time after the other."""
        self.due = 0.0
        """When it may be dialled again."""

    @property
    def is_given(self) -> bool:
        """Whether it is one of the configuration's, and is never forgotten."""
        return self.source in (Source.STATIC, Source.SEED)

    def postpone(self, now: float, random: Random) -> None:
        """Leave it alone for a while, longer each time; at random, so that nodes do not dial in step."""
        longest = LONGEST_PAUSE_OF_GIVEN if self.is_given else LONGEST_PAUSE
        self.due = now + min(FIRST_PAUSE * 2**self.vain, longest) * random.uniform(0.5, 1.0)
        self.vain += 1


class Book:
    """The addresses of other nodes."""

    def __init__(self, own: PeerId, random: Random) -> None:
        self._own = own
        self._random = random
        self._entries: dict[Multiaddr, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, address: Multiaddr, source: Source) -> None:
        """Take note of an address that this node was given, or has dialled before."""
        if address.peer_id != self._own:
            self._entries[address] = Entry(address, source)

    def hear(self, addresses: Iterable[Multiaddr], teller: Multiaddr) -> None:
        """Take note of what somebody says, whose address, with a peer ID, is `teller`."""
        heard = [entry for entry in self if entry.source is Source.HEARD]
        of_teller = sum(entry.teller == teller for entry in heard)
        of_peer = Counter(entry.peer_id for entry in self)
        known = {with_peer(entry) for entry in self if entry.is_given and entry.peer_id}
        for address in dict.fromkeys(addresses):
            peer_id = address.peer_id
            if address in self._entries or address in known or peer_id is None or peer_id == self._own:
                continue
            if not is_for(address[:-1], socket.SOCK_STREAM) or not is_of_use(address, teller):
                continue
            if of_teller == MOST_HEARD_OF_ONE or of_peer[peer_id] == MOST_OF_ONE_PEER:
                continue
            if len(heard) == MOST_HEARD:  # make room at the cost of whoever has said most
                most = Counter(entry.teller for entry in heard).most_common(1)[0][0]
                self._forget(heard.pop(next(place for place, entry in enumerate(heard) if entry.teller == most)))
            entry = self._entries[address] = Entry(address, Source.HEARD, teller)
            heard.append(entry)
            of_teller += 1
            of_peer[peer_id] += 1

    def reached(self, entry: Entry, peer_id: PeerId) -> None:
        """Take note that a peer was there, as it has proven."""
        entry.peer_id, entry.is_reached, entry.failures = peer_id, True, 0
        if entry.source is Source.HEARD:
            entry.source = Source.DIALLED
            dialled = [entry for entry in self if entry.source is Source.DIALLED]
            if len(dialled) > MOST_DIALLED:
                self._forget(self._random.choice(dialled))

    def failed(self, entry: Entry) -> bool:
        """Take note that nobody was there, or somebody else; say whether the address is forgotten for that."""
        entry.is_reached = False
        entry.failures += 1
        most = MOST_FAILURES_OF_HEARD if entry.source is Source.HEARD else MOST_FAILURES
        if not entry.is_given and entry.failures >= most:
            self._forget(entry)
            return True
        return False

    def told(self, to: Multiaddr, count: int) -> list[Multiaddr]:
        """Return addresses, picked at random, where peers were reached and that are of use to somebody."""
        known = {with_peer(entry) for entry in self if entry.is_reached and is_of_use(entry.address, to)}
        known = {address for address in known if address.peer_id != to.peer_id}
        return self._random.sample(sorted(known), min(count, len(known)))

    def _forget(self, entry: Entry) -> None:
        self._entries.pop(entry.address, None)


def with_peer(entry: Entry) -> Multiaddr:
    """Return an address with who is there at its end."""
    return entry.address if entry.address.peer_id else entry.address / f"/p2p/{entry.peer_id}"
