"""What a node says of itself, and how that is shown: as tables for people, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from multiaddr_py import Component, Multiaddr, PeerId

from .events import shown

LAST_OF_PEER_ID: Final = 8  # characters; the first are the same in all of one kind of key
LEAST_ROOM: Final = 24  # columns for an address, however narrow the terminal is

Align: TypeAlias = Callable[[str, int], str]
Direction: TypeAlias = Literal["in", "out"]
State: TypeAlias = Literal["heard", "dialled", "failed"]


class Traffic(msgspec.Struct, frozen=True):
    """How many messages or datagrams there were."""

    sent: int
    received: int


class PeerRow(msgspec.Struct, frozen=True):
    """A peer that is connected."""

    peer_id: PeerId
    address: Multiaddr
    direction: Direction
    """Who has dialled: "in" is the peer."""
    seconds: float
    """Since when."""


class ContactRow(msgspec.Struct, frozen=True):
    """A peer that discovery knows."""

    peer_id: PeerId
    address: Multiaddr


class BucketRow(msgspec.Struct, frozen=True):
    """The contacts whose keys begin as the node's own does, for so many bits."""

    bits: int
    contacts: tuple[ContactRow, ...]
    """The least recently seen first."""


class AddressRow(msgspec.Struct, frozen=True):
    """An address where a peer may be, with its peer ID."""

    address: Multiaddr
    state: State
    failures: int
    """In a row."""
    seconds: float | None
    """Until the next attempt, if there is to be one."""


class Status(msgspec.Struct, frozen=True, tag_field="reply", tag="status"):
    """What a node says of itself."""

    peer_id: PeerId
    listening: tuple[Multiaddr, ...]
    """The node's own addresses."""
    uptime: float
    """Seconds."""
    height: int
    """How many items it has."""
    messages: Traffic
    datagrams: Traffic
    memory: int | None
    """Bytes, as of `memory_in_use`."""
    peers: tuple[PeerRow, ...]
    buckets: tuple[BucketRow, ...]
    addresses: tuple[AddressRow, ...]


def memory_in_use() -> int | None:
    """Return the bytes of memory that this process has; the most that it had, where a system says only that.

    None on Windows.
    """
    try:
        import resource  # late: Windows has none
    except ImportError:
        return None
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except FileNotFoundError:  # elsewhere than on Linux, where `ru_maxrss` may be that of the process that began this
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def show(status: Status, *, as_json: bool = False, width: int | None = None) -> str:
    """Return a status as text for a terminal that is so many columns wide, or as JSON on one line.

    Where a table does not fit, only the last characters of peer IDs are shown, and then less of the addresses, too;
    the node's own, which others want, are whole at any width.
    """
    if as_json:
        return json.dumps(msgspec.to_builtins(status, enc_hook=str))
    facts = {
        "peer ID": str(status.peer_id),
        "running for": span(status.uptime),
        "items": str(status.height),
        "messages": f"{status.messages.sent} sent, {status.messages.received} received",
        "datagrams": f"{status.datagrams.sent} sent, {status.datagrams.received} received",
        "memory": "unknown" if status.memory is None else f"{status.memory / (1 << 20):.1f} MiB",
    }
    blocks = [
        [f"{name:13}{value}" for name, value in facts.items()],
        ["listening on", *map(shown, status.listening)] if status.listening else ["listening nowhere"],
        table(
            "peers",
            {"WAY": str.ljust, "FOR": str.rjust},
            [([peer.direction, span(peer.seconds)], of_peer(peer.address, peer.peer_id)) for peer in status.peers],
            width,
        ),
        table(
            "contacts in buckets",
            {"BITS": str.rjust},
            [
                ([str(bucket.bits)], of_peer(contact.address, contact.peer_id))
                for bucket in status.buckets
                for contact in bucket.contacts
            ],
            width,
        ),
        table(
            "addresses",
            {"STATE": str.ljust, "FAILED": str.rjust, "NEXT": str.rjust},
            [
                ([row.state, str(row.failures), "" if row.seconds is None else span(row.seconds)], row.address)
                for row in status.addresses
            ],
            width,
        ),
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks)


def table(
    name: str, titles: dict[str, Align], rows: Sequence[tuple[list[str], Multiaddr]], width: int | None
) -> list[str]:
    """Return the lines of a table: a column for each title, which says how it is aligned, and one of addresses."""
    if not rows:
        return [f"no {name} yet"]
    cells = [[*titles], *(row for row, _ in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = [
        "".join(f"{align(cell, room)}  " for align, cell, room in zip(titles.values(), row, widths, strict=True))
        for row in cells
    ]
    texts = [shown(address) for _, address in rows]
    room = sys.maxsize if width is None else max(width - len(left[0]), LEAST_ROOM)
    if any(len(text) > room for text in texts):
        texts = [cut(shown(shortened(address)), room) for _, address in rows]
    lines = map(str.__add__, left, ["ADDRESS", *texts])
    return [f"{name}: {len(rows)}", *lines]


def of_peer(address: Multiaddr, peer_id: PeerId) -> Multiaddr:
    """Return an address with the ID of the peer that is there."""
    end = Multiaddr([Component("p2p", bytes(peer_id))])
    return address if address[-1:] == end else address.encapsulate(end)


def shortened(address: Multiaddr) -> str:
    """Return an address as text that has only the last characters of its peer IDs.

    >>> shortened(Multiaddr("/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWQF6Q3i1QkziJQ9mkNNcyFD8GPQz6R6oEvT75wgsVXm4v"))
    '/ip4/127.0.0.1/tcp/4001/p2p/…wgsVXm4v'
    """
    return "".join(
        f"/p2p/…{str(component)[-LAST_OF_PEER_ID:]}" if component.name == "p2p" else str(component)
        for component in address
    )


def cut(text: str, room: int) -> str:
    """Return a text without its middle, where it has no room; what it ends in says more than that."""
    if len(text) <= room:
        return text
    end = room // 2
    return f"{text[: room - end - 1]}…{text[-end:]}"


def span(seconds: float) -> str:
    """Return a time in the two units that matter.

    >>> span(59.9), span(3725), span(86_400)
    ('59 s', '1 h 2 min', '1 d 0 h')
    """
    left = max(int(seconds), 0)
    if left < 60:
        return f"{left} s"
    if left < 3600:
        return f"{left // 60} min {left % 60} s"
    if left < 86_400:
        return f"{left // 3600} h {left % 3600 // 60} min"
    return f"{left // 86_400} d {left % 86_400 // 3600} h"
