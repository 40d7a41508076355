"""Which items are asked of whom, until all peers have the same ones.

Of two nodes the one with fewer items asks for the list of the other's; if it has some that were not in it,
it gives its own list, too. So if A has the items 1, 2 and 3, and B has 2 and 4:

    B  getinv 0        since it has fewer; where both have as many, both ask
    A  inv 1 2 3       of which B asks for 1 and 3, by a `getdata` for each
    B  inv 2 4         since only one of its two items is in A's list; A asks for 4

Who has got an item tells its other peers. An item is asked of one peer at a time, and of the next one if the first
does not have it, or goes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Final, Protocol

from .messages import MOST_HASHES, GetData, GetInv, Inv, Item, Message, NotFound, Version
from .peer import PeerError
from .store import Store, StoreError

AT_ONCE: Final = 16  # items that one peer is asked for at the same time
PATIENCE: Final = 15.0  # seconds until an item has come that was asked for
MOST_NEWS: Final = 2 * MOST_HASHES  # hashes whose items have not come, after which news are left to the list
MOST_OFFERED: Final = MOST_NEWS + 2 * MOST_HASHES  # as above, and pages of its list that are under way


class Peer(Protocol):
    """What there is to a peer here."""

    version: Version

    def send(self, message: Message, /) -> None:
        """Send it a message."""

    def end(self, reason: str, /) -> None:
        """Have the conversation end."""


class Offers:
    """What is known of the items of one peer."""

    def __init__(self, told: int) -> None:
        self.wanted: dict[bytes, None] = {}
        """The hashes of items that it has and this node has not, in order."""
        self.asked: dict[bytes, float] = {}
        """Those of them that it was asked for, and when."""
        self.next: int | None = None
        """Where its list goes on, if that is not asked for yet."""
        self.is_reading = False
        """Whether more of its list is to come, to its end of then."""
        self.told = told
        """How many items this node had as it told the peer."""
        self.common = 0
        """How many of these are in the peer's list."""
        self.is_waiting = False
        """Whether the peer will be given this node's list if it lacks any of these."""

    def go_on(self, place: int) -> None:
        """Have its list asked for from a place on, or from an earlier one where that is wanted, too."""
        self.next = place if self.next is None else min(place, self.next)
        self.is_reading = True


class Exchange:
    """The items of this node and its peers."""

    def __init__(self, store: Store, clock: Callable[[], float], arrived: Callable[[bytes, int], None]) -> None:
        """Begin without peers; `arrived` is told of each item that comes, its hash and its size."""
        self._store = store
        self._clock = clock
        self._arrived = arrived
        self._offers: dict[Peer, Offers] = {}
        self._asked: set[bytes] = set()
        self.is_full = False
        """Whether there is no room for any more."""

    def begin(self, peer: Peer, told: int) -> None:
        """Take up with a peer that was told how many items there were here."""
        offers = self._offers[peer] = Offers(told)
        if 0 < peer.version.height >= told:
            offers.is_waiting = peer.version.height > told  # who has as many reads this node's list unasked
            offers.go_on(0)
            self._ask(peer, offers)
        for place in range(told, self._store.height, MOST_HASHES):  # these have come since
            peer.send(Inv(tuple(self._store.hashes(place, MOST_HASHES)), None))

    def end(self, peer: Peer) -> None:
        """Ask others for what this peer was asked for."""
        self._asked.difference_update(self._offers.pop(peer).asked)
        self._ask_all()

    def put(self, content: bytes) -> bytes:
        """Add an item of this node's own; return its hash. Raises `StoreFullError`."""
        digest = self._store.add(content)
        if digest is None:
            return sha256(content).digest()
        self._have(digest, len(content))
        return digest

    def handle(self, peer: Peer, message: Message) -> None:
        """Deal with what a peer says about items; raises `PeerError` for what contradicts itself.

        Where an item cannot be kept the conversation ends with `StoreError`, and none is asked for any more.
        """
        offers = self._offers[peer]
        match message:
            case GetInv(place):
                peer.send(self._inv(place))
            case GetData(digest):
                content = self._content(digest)
                peer.send(NotFound(digest) if content is None else Item(content))
            case Inv(hashes, place):
                self._note(peer, offers, hashes, place)
            case NotFound(digest) if digest in offers.asked:
                del offers.asked[digest]
                offers.wanted.pop(digest, None)  # it may have been put here since
                self._asked.discard(digest)
                self._ask_all()
            case Item(content):
                self._take(peer, offers, content)
            case _:
                raise PeerError(f"its {type(message).__name__.lower()} was not asked for")

    def check_patience(self) -> None:
        """End the conversation with whom items were asked of too long ago."""
        latest = self._clock() - PATIENCE
        for peer, offers in self._offers.items():
            if offers.asked and next(iter(offers.asked.values())) < latest:
                peer.end(f"the item {next(iter(offers.asked)).hex()} has not come within {PATIENCE:g} s")

    def _content(self, digest: bytes) -> bytes | None:
        """Return an item; None also for one that was damaged, which others may have."""
        with suppress(StoreError):
            return self._store.get(digest)
        return None

    def _inv(self, place: int) -> Inv:
        """Return what this node has from a place on."""
        hashes = self._store.hashes(place, MOST_HASHES)
        end = place + len(hashes)
        return Inv(tuple(hashes), end if hashes and end < self._store.height else 0)

    def _note(self, peer: Peer, offers: Offers, hashes: tuple[bytes, ...], place: int | None) -> None:
        """Take note of what a peer has."""
        for digest in hashes:
            here = self._store.place(digest)
            if here is not None:
                offers.common += place is not None and here < offers.told
            elif place is not None or len(offers.wanted) < MOST_NEWS:
                offers.wanted[digest] = None
            elif not offers.is_reading:  # it gets items faster than it can hand them on; they are in its list, too
                offers.go_on(peer.version.height)
        if len(offers.wanted) > MOST_OFFERED:
            raise PeerError("it offers more than it is asked for")
        if self.is_full:
            offers.wanted.clear()
        if place:
            offers.go_on(place)
        elif place is not None:
            offers.is_reading = False
            if offers.is_waiting and offers.common < offers.told:
                peer.send(self._inv(0))
            offers.is_waiting = False
        self._ask(peer, offers)

    def _take(self, peer: Peer, offers: Offers, content: bytes) -> None:
        """Keep an item, if it is one that was asked for: nobody but its hash says that."""
        digest = sha256(content).digest()
        if digest not in offers.asked:
            raise PeerError("the content of an item does not have the hash that was asked for")
        del offers.asked[digest]
        self._asked.discard(digest)
        try:
            is_new = self._store.add(content) is not None  # unlike what was put here since
        except StoreError:
            self.is_full = True
            raise
        if is_new:
            self._have(digest, len(content))
        self._ask(peer, offers)

    def _have(self, digest: bytes, size: int) -> None:
        """Tell of an item that is here now: who has not said that it has it may want it."""
        self._arrived(digest, size)
        for peer, offers in self._offers.items():
            if digest in offers.wanted:
                del offers.wanted[digest]
                self._ask(peer, offers)
            else:
                peer.send(Inv((digest,), None))

    def _ask_all(self) -> None:
        for peer, offers in self._offers.items():
            self._ask(peer, offers)

    def _ask(self, peer: Peer, offers: Offers) -> None:
        """Ask a peer for what it has, a few items at a time, and for more of its list once these have come."""
        for digest in offers.wanted if not self.is_full else ():
            if len(offers.asked) == AT_ONCE:
                return
            if digest not in self._asked:
                self._asked.add(digest)
                offers.asked[digest] = self._clock()
                peer.send(GetData(digest))
        if offers.next is not None and len(offers.wanted) < MOST_HASHES:
            peer.send(GetInv(offers.next))
            offers.next = None
