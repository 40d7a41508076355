"""What is measured: operations, and the addresses that they are measured on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from multiaddr_py import Multiaddr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

OPERATIONS = {
    "parse": "parse",
    "read-write": "bytes → object → text",
    "write": "text of an object",
    "read": "bytes → object",
    "encapsulate": "encapsulate an address",
    "encapsulate-text": "encapsulate text",
    "decapsulate": "decapsulate an address",
    "decapsulate-text": "decapsulate text",
    "value": "value for a protocol",
    "iterate": "iterate components",
    "iterate-values": "their names and values",
    "equality": "equality",
    "hash": "hash",
    "pickle": "pickle and back",
    "typed-value": "typed value",
    "endpoint": "endpoint of an address",
}
"""The operations' titles by what the command line calls them; `libraries.py` says what each one is."""

ADDRESSES = [
    "/ip4/127.0.0.1/udp/1234",
    "/ip4/1.2.3.4/tcp/4001",
    "/ip6/2604:1380:1000:6000::1/tcp/4001",
    "/ip4/147.75.69.143/tcp/4001/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
    "/ip4/1.2.3.4/udp/4001/quic-v1",
    (
        "/ip4/1.2.3.4/udp/4001/quic-v1/webtransport"
        "/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ"
        "/certhash/uEiAfbgiymPP2_nX7Dgir8B4QkksjHp2lVuJZz0F79Be9JA"
        "/p2p/12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
    ),
    "/dns4/example.com/tcp/443/tls/ws/p2p/12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
    (
        "/ip4/1.2.3.4/tcp/4001/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
        "/p2p-circuit/p2p/12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
    ),
    "/unix/var%2Frun%2Fp2p.sock",
    "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
    "/ip6zone/eth0/ip6/fe80::1/tcp/80",
]

PEER_ADDRESS = ADDRESSES[3]
"""An address with a peer ID, which is when the package imports what it needs for base 58."""

TAIL = "/quic-v1"


class Case(NamedTuple):
    """An address with what the operations need beside it."""

    text: str
    last_text: str
    """Its last component."""
    tail_text: str
    """What is put behind it."""
    protocol: str
    """The last protocol that has a value."""
    position: int
    """Where that protocol's component stands."""


def case(text: str) -> Case:
    """Take an address apart."""
    address = Multiaddr(text)
    position = max(position for position, component in enumerate(address) if component.raw_value)
    return Case(text, str(address[-1:]), TAIL, address[position].name, position)


def write_cases(path: Path, texts: Iterable[str]) -> None:
    """Write a JSON object a line, for workers in any language."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(case(text)._asdict()) + "\n" for text in texts)


def read_cases(path: Path) -> list[Case]:
    """Read what `write_cases` wrote."""
    with path.open(encoding="utf-8") as file:
        return [Case(**json.loads(line)) for line in file]
