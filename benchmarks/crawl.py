"""100,000 distinct addresses as a crawl of a peer-to-peer network finds them, the same ones in every run.

Of every hundred

- 10 are WebTransport with two certhashes and a peer ID, 7 of them over IPv4, 3 over IPv6;
- 30 are QUIC: 16 over IPv4 and 8 over IPv6 with a peer ID, 6 over IPv4 without;
- 40 are TCP: 22 over IPv4 and 8 over IPv6 with a peer ID, 7 over IPv4 and 3 over IPv6 without;
- 12 go through a relay, 6 of them over TCP to a peer, 6 over QUIC without saying to which;
- 8 have a name: 4 secure WebSocket, 2 plain DNS, 1 `dnsaddr`, 1 onion service.

Peer IDs are of 25,000 peers, two of three with Ed25519 keys (`12D3KooW…`), one with a hashed key (`Qm…`).
Half of the ports are 4001. One IPv4 address in eight is private; most IPv6 addresses have a run of zeros.
"""

from __future__ import annotations

import base64
import functools
import random
import re
from ipaddress import IPv4Address, IPv6Address

import base58  # a dependency of the package

SEED = 20260701
COUNT = 100_000
PEERS = COUNT // 4

MIX = {
    "WebTransport with two certhashes": {
        "/{ip4}/udp/{port}/quic-v1/webtransport/{hash}/{hash}/{peer}": 7,
        "/{ip6}/udp/{port}/quic-v1/webtransport/{hash}/{hash}/{peer}": 3,
    },
    "QUIC": {
        "/{ip4}/udp/{port}/quic-v1/{peer}": 16,
        "/{ip6}/udp/{port}/quic-v1/{peer}": 8,
        "/{ip4}/udp/{port}/quic-v1": 6,
    },
    "TCP": {
        "/{ip4}/tcp/{port}/{peer}": 22,
        "/{ip6}/tcp/{port}/{peer}": 8,
        "/{ip4}/tcp/{port}": 7,
        "/{ip6}/tcp/{port}": 3,
    },
    "through a relay": {
        "/{ip4}/tcp/{port}/{peer}/p2p-circuit/{peer}": 6,
        "/{ip4}/udp/{port}/quic-v1/{peer}/p2p-circuit": 6,
    },
    "secure WebSocket": {
        "/dns4/{name}/tcp/443/tls/ws/{peer}": 2,
        "/dns4/{name}/tcp/443/wss/{peer}": 2,
    },
    "plain DNS": {"/dns/{name}/tcp/{port}/{peer}": 2},
    "dnsaddr": {"/dnsaddr/{name}/{peer}": 1},
    "onion service": {"/onion3/{onion}:{port}": 1},
}
"""The kinds of addresses by what they are, and how many of a hundred are of each."""

KINDS = {kind: share for kinds in MIX.values() for kind, share in kinds.items()}

WORDS = ("bootstrap", "node", "peer", "relay", "gateway", "seed", "edge", "am6", "sjc1", "fra2")


class Parts(random.Random):
    """Makes the parts that addresses are put together from."""

    def __init__(self) -> None:
        super().__init__(SEED)
        self._peers = [self._peer(number) for number in range(PEERS)]

    def _peer(self, number: int) -> str:
        key = b"\x12\x20" if number % 3 == 0 else b"\x00\x24\x08\x01\x12\x20"
        return "p2p/" + base58.b58encode(key + self.randbytes(32)).decode("ascii")

    def part(self, name: str) -> str:
        """Make one part; no two calls need give the same."""
        match name:
            case "ip4":
                private = 10 << 24 if self.random() < 1 / 8 else 0
                low, high = (0, 1 << 24) if private else (11 << 24, 224 << 24)
                return f"ip4/{IPv4Address(private + self.randrange(low, high))}"
            case "ip6":
                network = 0x2A01_04F8 << 96 | self.getrandbits(32) << 64
                return f"ip6/{IPv6Address(network | self.getrandbits(64 if self.random() < 1 / 3 else 8))}"
            case "port":
                return "4001" if self.random() < 1 / 2 else str(self.randrange(1024, 65536))
            case "peer":
                return self.choice(self._peers)
            case "hash":
                digest = base64.urlsafe_b64encode(b"\x12\x20" + self.randbytes(32)).decode("ascii")
                return f"certhash/u{digest.rstrip('=')}"
            case "name":
                return f"{self.choice(WORDS)}-{self.randrange(1000)}.{self.choice(WORDS)}.example.org"
            case _:
                return base64.b32encode(self.randbytes(35)).decode("ascii").lower()


def mix() -> str:
    """Say what a hundred addresses are."""
    found = [f"{sum(kinds.values())} {title}" for title, kinds in MIX.items()]
    long = sum(share for kind, share in KINDS.items() if "{ip6}" in kind)
    peers = sum(share for kind, share in KINDS.items() if "{peer}" in kind)
    return f"{', '.join(found)}; {long} over IPv6, {peers} with peer IDs"


@functools.cache
def addresses(count: int = COUNT) -> tuple[str, ...]:
    """Return the first addresses of the crawl: `count` of them, rounded up to whole hundreds."""
    parts = Parts()
    kinds = [re.split("[{}]", kind) for kind, share in KINDS.items() for _ in range(share)]
    found: dict[str, None] = {}  # a set that keeps its order
    while len(found) < count:
        parts.shuffle(kinds)
        for kind in kinds:
            wanted = len(found) + 1
            while len(found) < wanted:  # what is there already is made again
                pieces = [parts.part(piece) if place % 2 else piece for place, piece in enumerate(kind)]
                found["".join(pieces)] = None
    return tuple(found)
