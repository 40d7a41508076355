"""What a node is told before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from multiaddr_py import Multiaddr

from .identity import Identity


class Config(NamedTuple):
    """Who a node is, where it is, and whom it knows."""

    identity: Identity
    data: Path
    """The folder of what is kept."""
    door: Multiaddr
    """The Unix socket at which it is asked what it does."""
    listen: tuple[Multiaddr, ...]
    """Those of TCP and Unix sockets accept connections, those of UDP hear the datagrams of the discovery.

    If there is none of UDP, it hears them beside the first of TCP of each family, at the same port.
    """
    seeds: tuple[Multiaddr, ...] = ()
    """Whom to ask first, with or without a peer ID."""
    static: tuple[Multiaddr, ...] = ()
    """Who is to be connected always, whoever else is, with or without a peer ID."""
    most_peers: int = 16
    """Half of these places are for those whom this node dials; others than static peers get no more."""
    refresh: Literal["random", "own"] = "random"
    """Towards whom the discovery looks every 7.2 seconds: anybody, or, as the classic way is, the node itself."""
    alive: float = 20.0
    """Seconds of silence after which a peer is asked whether it is there; after as many again it is gone."""
