"""The decision about whom to dial next.

Static peers are always wanted. Others are as long as fewer than a part of the places are taken by peers that were
dialled: those of whom was heard, picked at random, and the seeds where there is nobody else. Who has enough peers
still looks at what it has heard, one address at a time, to know whether it is true: this one is only asked who it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random
from typing import NamedTuple

from multiaddr_py import PeerId

from .book import Entry, Source

AT_ONCE = 8  # attempts at the same time


class Dial(NamedTuple):
    """Whom to dial, and whether that is only to see who is there."""

    entry: Entry
    is_look: bool = False


def next_dial(
    entries: Iterable[Entry],
    *,
    now: float,
    peers: Collection[PeerId],
    dialling: Collection[Dial],
    places: int,
    refused: Collection[PeerId],
    random: Random,
) -> Dial | None:
    """Return the next dial, or None if nobody is to be dialled for now.

    There are connections to `peers`, and to whom is being dialled there may soon be; for `places` more there is room.
    Nobody talks to the `refused`; no address is dialled twice at the same time, whoever is said to be there.
    """
    if len(dialling) >= AT_ONCE:
        return None
    busy = {dial.entry.where for dial in dialling}
    taken = {*peers, *(dial.entry.peer_id for dial in dialling if not dial.is_look)}
    due = [entry for entry in entries if entry.due <= now and entry.where not in busy and entry.peer_id not in refused]
    wanted = [entry for entry in due if entry.peer_id is None or entry.peer_id not in taken]
    if static := [entry for entry in wanted if entry.source is Source.STATIC]:
        return Dial(static[0])
    if places > sum(not dial.is_look for dial in dialling):
        known = [entry for entry in wanted if entry.source in (Source.HEARD, Source.DIALLED)]
        if choices := known or [entry for entry in wanted if entry.source is Source.SEED]:
            return Dial(random.choice(choices))
    unseen = [entry for entry in due if entry.source is Source.HEARD]
    if unseen and not any(dial.is_look for dial in dialling):
        return Dial(random.choice(unseen), is_look=True)
    return None
