"""The addresses at which nodes may be reached, and what came of dialling them.

What was heard is somebody's word: it is not passed on before it was dialled, and whoever was there has proven to be
the peer of the address. There is room for a part only of what one host says, whoever it says it is, so that it cannot
drive the others out; and what makes room for more is the oldest word of the host that has said most.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from random import Random
from typing import Final

from multiaddr_py import Multiaddr, PeerId

from .reach import host_of, is_for, is_of_use

MOST_HEARD: Final = 1_000
MOST_HEARD_OF_HOST: Final = 250
MOST_DIALLED: Final = 1_000
MOST_OF_ONE_PEER: Final = 8
FIRST_PAUSE: Final = 1.0  # seconds after an attempt in vain; after each more it is twice as long
LONGEST_PAUSE: Final = 600.0
LONGEST_PAUSE_OF_GIVEN: Final = 30.0  # for those of the configuration
MOST_DOUBLINGS: Final = 16  # beyond any longest pause, and below what is too large for a float
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
        self.host = None if teller is None else bytes(host_of(teller[:-1]))
        """The host that has told of it; in bytes, of which many are counted soon."""
        self.peer_id = address.peer_id
        """Who is there, or was when it was dialled; None as long as nobody knows."""
        self.where = address[:-1] if self.peer_id else address
        """The address without who is there."""
        self.is_reached = False
        """Whether the peer was there when it was dialled last."""
        self.failures = 0
        """How often nobody was there, one time after the other."""
        self.vain = 0
        """How often it was dialled without a conversation that lasted, one time after the other."""
        self.due = 0.0
        """When it may be dialled again."""

    @property
    def is_given(self) -> bool:
        """Whether it is one of the configuration's, and is never forgotten."""
        return self.source in (Source.STATIC, Source.SEED)

    @property
    def is_own(self) -> bool:
        """Whether the peer itself has told of it."""
        return self.teller is not None and self.teller.peer_id == self.peer_id

    def postpone(self, now: float, random: Random) -> None:
        """Leave it alone for a while, longer each time; at random, so that nodes do not dial in step."""
        longest = LONGEST_PAUSE_OF_GIVEN if self.is_given else LONGEST_PAUSE
        self.due = now + min(FIRST_PAUSE * 2 ** min(self.vain, MOST_DOUBLINGS), longest) * random.uniform(0.5, 1.0)
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
        """Take note of an address that this node was given, or has dialled before; what it was given first counts."""
        given = self._entries.get(address[:-1])
        if given is not None and source is Source.DIALLED:
            given.peer_id = address.peer_id  # who was there, and need not be now
        elif address.peer_id != self._own:
            self._entries.setdefault(address, Entry(address, source))

    def hear(self, addresses: Iterable[Multiaddr], teller: Multiaddr) -> None:
        """Take note of what somebody says; `teller` is where that one is, as far as that is known, and its peer ID."""
        host = bytes(host_of(teller[:-1]))
        heard = [entry for entry in self if entry.source is Source.HEARD]
        of_host = sum(entry.host == host for entry in heard)
        of_peer = Counter(entry.peer_id for entry in self)
        known = {with_peer(entry) for entry in self if entry.is_given and entry.peer_id}
        for address in dict.fromkeys(addresses):
            peer_id = address.peer_id
            if address in self._entries or address in known or peer_id is None or peer_id == self._own:
                continue
            if not is_for(address[:-1], socket.SOCK_STREAM) or not is_of_use(address, teller[:-1]):
                continue
            if of_host == MOST_HEARD_OF_HOST:
                break
            rivals = heard if len(heard) == MOST_HEARD else []
            if of_peer[peer_id] == MOST_OF_ONE_PEER:
                # What a peer has said of itself gives way only to what it says.
                is_own = peer_id == teller.peer_id
                rivals = [entry for entry in heard if entry.peer_id == peer_id and (is_own or not entry.is_own)]
                if not rivals:
                    continue
            if rivals:
                gone = oldest_of_most(rivals)
                heard.remove(gone)
                of_host -= gone.host == host
                of_peer[gone.peer_id] -= 1
                self._forget(gone)
            entry = self._entries[address] = Entry(address, Source.HEARD, teller)
            heard.append(entry)
            of_host += 1
            of_peer[peer_id] += 1

    def reached(self, entry: Entry, peer_id: PeerId) -> Entry | None:
        """Take note that a peer was there, as it has proven; return what is forgotten for that."""
        entry.peer_id, entry.is_reached, entry.failures = peer_id, True, 0
        if entry.source is not Source.HEARD:
            return None
        entry.source = Source.DIALLED
        self._entries[entry.address] = entry  # from which others may have driven it while it was dialled
        dialled = [entry for entry in self if entry.source is Source.DIALLED]
        if len(dialled) <= MOST_DIALLED:
            return None
        hosts = [host_of(entry.where) for entry in dialled]
        most = Counter(hosts).most_common(1)[0][0]
        victim = self._random.choice([entry for entry, host in zip(dialled, hosts, strict=True) if host == most])
        self._forget(victim)
        return victim

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
        """Return addresses, picked at random, where peers were reached and that are of use to who is there."""
        reached = [entry for entry in self if entry.is_reached and entry.peer_id != to.peer_id]
        found: dict[Multiaddr, None] = {}
        for entry in self._random.sample(reached, len(reached)):
            if len(found) == count:
                break
            if is_of_use(entry.where, to[:-1]):
                found[with_peer(entry)] = None
        return list(found)

    def _forget(self, entry: Entry) -> None:
        if self._entries.get(entry.address) is entry:
            del self._entries[entry.address]


def oldest_of_most(entries: list[Entry]) -> Entry:
    """Return the first one that is there on the word of whom most of them are."""
    [(most, _)] = Counter(entry.host for entry in entries).most_common(1)
    return next(entry for entry in entries if entry.host == most)


def with_peer(entry: Entry) -> Multiaddr:
    """Return an address with who is there at its end."""
    return entry.address if entry.address.peer_id else entry.address / f"/p2p/{entry.peer_id}"
