"""What a node says of itself when it is asked."""

from __future__ import annotations

import asyncio
import time

from .book import Entry, with_peer
from .discovery import Discovery
from .node import Node
from .status import AddressRow, BucketRow, ContactRow, PeerRow, State, Status, Traffic, memory_in_use


def overview(node: Node, discovery: Discovery) -> Status:
    """Return what a node does, and whom it knows."""
    return Status(
        peer_id=node.peer_id,
        listening=node.addresses,
        uptime=time.monotonic() - node.since,
        height=node.store.height,
        messages=Traffic(*node.traffic()),
        datagrams=Traffic(discovery.sent, discovery.received),
        memory=memory_in_use(),
        peers=tuple(
            PeerRow(
                peer.peer_id,
                peer.address,
                "out" if peer.is_dialled else "in",
                asyncio.get_running_loop().time() - peer.since,
            )
            for peer in node.peers.values()
        ),
        buckets=tuple(
            BucketRow(bits, tuple(ContactRow(contact.peer_id, contact.address) for contact in contacts))
            for bits, contacts in discovery.buckets.rows()
        ),
        addresses=tuple(address_row(entry, node) for entry in node.book),
    )


def address_row(entry: Entry, node: Node) -> AddressRow:
    """Return what a node knows of an address."""
    state: State = "failed" if entry.failures else "dialled" if entry.is_reached else "heard"
    due = None if entry.peer_id in node.peers else max(entry.due - time.monotonic(), 0.0)
    return AddressRow(with_peer(entry) if entry.peer_id else entry.address, state, entry.failures, due)
