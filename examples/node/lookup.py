"""The search for the nodes that are closest to a key, from those that are known to those that they know, and so on.

Each round asks the `ALPHA` closest that were not asked yet. What one tells is not more than hearsay: it is asked, and
who is silent counts no more. Somebody may be said to be at several addresses, of which one can be a lie, so each is
tried. However much others lie, a search asks `MOST_ROUNDS * ALPHA` contacts at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Final, NamedTuple, TypeAlias

from multiaddr_py import Multiaddr, PeerId

from .buckets import Contact, K, distance, key_of

ALPHA: Final = 3  # questions of a round
MOST_ROUNDS: Final = 8
ROUND: Final = 0.6  # seconds that a round waits at most; what comes later is used in the next one

Ask: TypeAlias = Callable[[Contact, bytes], Coroutine[object, object, Iterable[Contact]]]
"""Ask a contact for those that it knows close to a key; raises `TimeoutError` if it is silent."""


class Found(NamedTuple):
    """What a search has found."""

    contacts: tuple[Contact, ...]
    """The closest, the closest first; those that were not asked are hearsay."""
    rounds: int
    asked: int


class _Candidates:
    """Who was heard of in a search, at each address that it was said to have."""

    def __init__(self, target: bytes, known: Iterable[Contact]) -> None:
        self._target = target
        self._places: dict[PeerId, dict[Multiaddr, Contact]] = {}
        self._distances: dict[PeerId, int] = {}
        self._asked: set[tuple[PeerId, Multiaddr]] = set()
        self.hear(known)

    def hear(self, contacts: Iterable[Contact]) -> None:
        """Take note of contacts, no more of them than one can tell."""
        for contact in list(contacts)[:K]:
            if (contact.peer_id, contact.address) not in self._asked:
                self._distances.setdefault(contact.peer_id, distance(key_of(contact.peer_id), self._target))
                self._places.setdefault(contact.peer_id, {}).setdefault(contact.address, contact)

    def closest(self) -> list[Contact]:
        """Return the closest, each where it was said to be first of the addresses that are left."""
        nearest = sorted(self._places, key=self._distances.__getitem__)[:K]
        return [next(iter(self._places[peer_id].values())) for peer_id in nearest]

    def next_to_ask(self) -> list[Contact]:
        """Return those whose turn it is."""
        unasked = [one for one in self.closest() if (one.peer_id, one.address) not in self._asked][:ALPHA]
        self._asked.update((one.peer_id, one.address) for one in unasked)
        return unasked

    def drop(self, contact: Contact) -> None:
        """Forget who is silent at an address."""
        places = self._places[contact.peer_id]
        del places[contact.address]
        if not places:
            del self._places[contact.peer_id]

    @property
    def asked(self) -> int:
        """Return how many have had their turn."""
        return len(self._asked)


async def look_up(target: bytes, known: Iterable[Contact], ask: Ask) -> Found:
    """Find the nodes that are closest to a key of 32 bytes; `known` are the closest at first.

    It ends when the closest were all asked, or when a round has changed nothing about who they are.
    """
    candidates = _Candidates(target, known)
    asking: dict[asyncio.Task[Iterable[Contact]], Contact] = {}
    rounds = 0
    try:
        while rounds < MOST_ROUNDS:
            before = candidates.closest()
            new = {asyncio.create_task(ask(contact, target)): contact for contact in candidates.next_to_ask()}
            asking |= new
            if not asking:
                break
            await asyncio.wait(new or asking, timeout=ROUND)
            rounds += 1
            for task in [task for task in asking if task.done()]:
                contact = asking.pop(task)
                try:
                    candidates.hear(task.result())
                except TimeoutError:
                    candidates.drop(contact)
            if not asking and candidates.closest() == before:
                break
    finally:
        for task in asking:
            task.cancel()
        if asking:
            await asyncio.wait(asking)
    return Found(tuple(candidates.closest()), rounds, candidates.asked)
