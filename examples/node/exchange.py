"""Which items are asked of whom, until all peers have the same ones.

Of two nodes the one with fewer items asks for the list of the other's; if it has some that were not in it,
it gives its own list, too. Who has got an item tells its other peers. An item is asked of one peer at a time, and of
the next one if the first does not have it, or goes.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from .messages import MOST_HASHES, GetData, GetInv, Inv, Item, Message, NotFound
from .peer import Peer, PeerError
from .store import Store, StoreFullError

AT_ONCE: Final = 16  # items that one peer is asked for at the same time
PATIENCE: Final = 15.0  # seconds until an item has come that was asked for
MOST_OFFERED: Final = 4 * MOST_HASHES  # hashes that one peer has offered, and whose items have not come


class Offers:
    """What is known of the items of one peer."""

    def __init__(self) -> None:
        self.wanted: dict[bytes, None] = {}
        """The hashes of items that it has and this node has not, in order."""
        self.asked: dict[bytes, float] = {}
        """Those of them that it was asked for, and when."""
        self.next = 0
        """Where its list goes on, if that is not to be asked for yet."""
        self.common = 0
        """How many items of its list were here when it came."""
        self.unread: int | None = None
        """How many items this node had when it began to read the peer's list, until that is read."""


class Exchange:
    """The items of this node and its peers."""

    def __init__(self, store: Store, clock: Callable[[], float], arrived: Callable[[bytes, int], None]) -> None:
        """Begin without peers; `arrived` is told of each item that comes, its hash and its size."""
        self._store = store
        self._clock = clock
        self._arrived = arrived
        self._offers: dict[Peer, Offers] = {}
        self._asked: dict[bytes, Peer] = {}
        self.is_full = False
        """Whether there is no room for any more."""

    def begin(self, peer: Peer, told: int) -> None:
        """Take up with a peer that was told how many items there were here."""
        offers = self._offers[peer] = Offers()
        if 0 < peer.version.height >= told:
            offers.unread = told
            peer.send(GetInv(0))
        if told < self._store.height:  # these have come since
            peer.send(self._inv(told))

    def end(self, peer: Peer) -> None:
        """Ask others for what this peer was asked for."""
        for digest in self._offers.pop(peer).asked:
            del self._asked[digest]
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

        Where there is no room for an item the conversation ends with `StoreFullError`, and none is asked for any more.
        """
        offers = self._offers[peer]
        match message:
            case GetInv(place):
                peer.send(self._inv(place))
            case GetData(digest):
                content = self._store.get(digest)
                peer.height += content is not None
                peer.send(NotFound(digest) if content is None else Item(content))
            case Inv(hashes, place):
                self._note(peer, offers, hashes, place)
            case NotFound(digest) if digest in offers.asked:
                del offers.asked[digest], offers.wanted[digest], self._asked[digest]
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

    def _inv(self, place: int) -> Inv:
        """Return what this node has from a place on."""
        hashes = self._store.hashes(place, MOST_HASHES)
        end = place + len(hashes)
        return Inv(tuple(hashes), end if hashes and end < self._store.height else 0)

    def _note(self, peer: Peer, offers: Offers, hashes: tuple[bytes, ...], place: int | None) -> None:
        """Take note of what a peer has."""
        for digest in hashes:
            if self._store.has(digest):
                offers.common += 1
            else:
                offers.wanted[digest] = None
        if len(offers.wanted) > MOST_OFFERED:
            raise PeerError("it offers more than it is asked for")
        if place is None:
            peer.height += len(hashes)
        else:
            offers.next = place
        self._ask(peer, offers)
        if place == 0 and offers.unread is not None:
            if offers.common < offers.unread:  # there are some here which that one does not have
                peer.send(self._inv(0))
            offers.unread = None

    def _take(self, peer: Peer, offers: Offers, content: bytes) -> None:
        """Keep an item, if it is one that was asked for: nobody but its hash says that."""
        digest = sha256(content).digest()
        if digest not in offers.asked:
            raise PeerError("the content of an item does not have the hash that was asked for")
        del offers.asked[digest], self._asked[digest]
        try:
            self._store.add(content)
        except StoreFullError:
            self.is_full = True
            raise
        self._have(digest, len(content))
        self._ask(peer, offers)

    def _have(self, digest: bytes, size: int) -> None:
        """Tell of an item that is here now: who has not said that it has it may want it."""
        self._arrived(digest, size)
        for peer, offers in self._offers.items():
            if digest in offers.wanted:
                del offers.wanted[digest]
            else:
                peer.send(Inv((digest,), None))

    def _ask_all(self) -> None:
        for peer, offers in self._offers.items():
            self._ask(peer, offers)

    def _ask(self, peer: Peer, offers: Offers) -> None:
        """Ask a peer for what it has, a few items at a time, and for more of its list once these have come."""
        if self.is_full:
            return
        for digest in offers.wanted:
            if len(offers.asked) == AT_ONCE:
                return
            if digest not in self._asked:
                self._asked[digest] = peer
                offers.asked[digest] = self._clock()
                peer.send(GetData(digest))
        if offers.next and len(offers.wanted) < MOST_HASHES:
            peer.send(GetInv(offers.next))
            offers.next = 0
