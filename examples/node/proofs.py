"""Who has shown that it is at an address, of bounded size."""

from __future__ import annotations

from typing import Final

from multiaddr_py import Multiaddr, PeerId

from .buckets import Contact
from .fields import Addresses

PROOF: Final = 12 * 3600.0  # seconds that an endpoint proof is good for
MOST_PROOFS: Final = 4096


class Proofs:
    """The endpoint proofs of the last hours; if there are too many, the oldest are forgotten first."""

    def __init__(self) -> None:
        self._proofs: dict[tuple[PeerId, Multiaddr], tuple[float, Addresses]] = {}

    def add(self, contact: Contact, now: float) -> bool:
        """Take note of a proof; say whether it is the first, or the first with these addresses."""
        place = (contact.peer_id, contact.address)
        is_news = not self.has(*place, now) or self.change(contact)
        self._proofs.pop(place, None)
        self._proofs[place] = (now, contact.dial)
        if len(self._proofs) > MOST_PROOFS:
            del self._proofs[next(iter(self._proofs))]
        return is_news

    def change(self, contact: Contact) -> bool:
        """Take note of what a contact says that has a proof, which is no proof itself; say whether it is new."""
        place = (contact.peer_id, contact.address)
        since, dial = self._proofs[place]
        self._proofs[place] = (since, contact.dial)
        return dial != contact.dial

    def has(self, peer_id: PeerId, address: Multiaddr, now: float) -> bool:
        """Say whether a peer has shown that it is at an address."""
        since, _ = self._proofs.get((peer_id, address), (None, ()))
        return since is not None and now - since < PROOF
