"""The decision about the NAT: what kind it is, from what was seen of it.

The words are those of RFC 5780, and of RFC 3489 for the kinds. A NAT's mapping says which address others see:

    endpoint-independent         the same one, whomever the peer sends to
    address-dependent            one for each host
    address and port-dependent   one for each port

Its filtering says whom it lets in at such an address: anyone, hosts that the peer has sent to, or only the ports of
theirs that it has sent to. What was not seen stays open, and there may be several words for it, with "or" between.
That someone is not let in is concluded from what did not come, so where very much gets lost it may be wrong.
That a mapping is endpoint-independent means that all who saw the peer saw the same; if these are two ports of one
host, a mapping for each host still shows when the two peers see each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from multiaddr_py import Multiaddr

INDEPENDENT: Final = "endpoint-independent"
ADDRESS: Final = "address-dependent"
PORT: Final = "address and port-dependent"


class Kind(Enum):
    """What is between a peer and the Internet."""

    UNKNOWN = "unknown"
    OPEN = "open"
    FIREWALL = "firewall"
    """No NAT, but not everyone is let in."""
    FULL_CONE = "full cone"
    FULL_CONE_OR_ADDRESS_RESTRICTED = "full cone or address-restricted"
    """Other ports of a host were let in, and there was no other host to try."""
    ADDRESS_RESTRICTED = "address-restricted"
    ADDRESS_OR_PORT_RESTRICTED = "address-restricted or port-restricted"
    """Other hosts were not let in, and there was no other port to try."""
    PORT_RESTRICTED = "port-restricted"
    SYMMETRIC = "symmetric"


CONES: Final = {
    (INDEPENDENT,): Kind.FULL_CONE,
    (INDEPENDENT, ADDRESS): Kind.FULL_CONE_OR_ADDRESS_RESTRICTED,
    (ADDRESS,): Kind.ADDRESS_RESTRICTED,
    (ADDRESS, PORT): Kind.ADDRESS_OR_PORT_RESTRICTED,
    (PORT,): Kind.PORT_RESTRICTED,
}
PARTICULAR: Final = frozenset({Kind.PORT_RESTRICTED, Kind.ADDRESS_OR_PORT_RESTRICTED, Kind.FIREWALL, Kind.SYMMETRIC})
"""What may let in only a port that was sent to."""


@dataclass
class Observations:
    """What a peer has found out about its NAT so far."""

    own: frozenset[Multiaddr]
    """Where the peer is in its own network."""
    seen: dict[Multiaddr, Multiaddr] = field(default_factory=dict)
    """By whom it was seen, and as what."""
    other_port: bool | None = None
    """Whether another port of a host that the peer had sent to was let in; None as long as none has tried."""
    other_host: bool | None = None
    """The same of a host that it had not sent to."""


@dataclass(frozen=True)
class Nat:
    """A kind of NAT, and its mapping and filtering."""

    kind: Kind
    mapping: str
    filtering: str


def decide(observations: Observations) -> Nat:
    """Return the kind of NAT that fits what was seen."""
    mapping = decide_mapping(observations.seen)
    filtering = possible_filtering(observations.other_port, observations.other_host)
    words = "unknown" if len(filtering) == 3 else " or ".join(filtering)
    if observations.own.issuperset(observations.seen.values()):
        kind = Kind.FIREWALL if INDEPENDENT not in filtering else Kind.OPEN
        return Nat(kind if observations.seen else Kind.UNKNOWN, INDEPENDENT if observations.seen else "unknown", words)
    if mapping == INDEPENDENT:
        kind = CONES.get(filtering, Kind.UNKNOWN)
    else:
        kind = Kind.UNKNOWN if mapping == "unknown" else Kind.SYMMETRIC
    return Nat(kind, mapping, words)


def decide_mapping(seen: Mapping[Multiaddr, Multiaddr]) -> str:
    """Return the word for a mapping, "unknown" where fewer than two saw the peer."""
    if len(seen) < 2:
        return "unknown"
    if len(set(seen.values())) == 1:
        return INDEPENDENT
    by_host: dict[Multiaddr, set[Multiaddr]] = {}
    for observer, address in seen.items():
        by_host.setdefault(observer[:1], set()).add(address)
    return ADDRESS if all(len(addresses) == 1 for addresses in by_host.values()) else PORT


def possible_filtering(other_port: bool | None, other_host: bool | None) -> tuple[str, ...]:
    """Return the words for filtering that what was let in leaves open."""
    if other_host:
        return (INDEPENDENT,)
    if other_port is False:
        return (PORT,)
    words = {INDEPENDENT, ADDRESS, PORT}
    if other_host is False:
        words.discard(INDEPENDENT)
    if other_port:
        words.discard(PORT)
    return tuple(word for word in (INDEPENDENT, ADDRESS, PORT) if word in words)


def why_not(mine: Kind, other: Kind) -> str | None:
    """Say why no direct path can be expected between two kinds of NAT, None where one can."""
    if mine is other is Kind.SYMMETRIC:
        return "both are behind a symmetric NAT, which is seen at a new port by each other peer, and nobody can know it"
    if mine is Kind.SYMMETRIC and other in PARTICULAR:
        return why_one_symmetric("this peer", "the other", other)
    if other is Kind.SYMMETRIC and mine in PARTICULAR:
        return why_one_symmetric("the other peer", "this one", mine)
    return None


def why_one_symmetric(who: str, whom: str, kind: Kind) -> str:
    """Say why a symmetric NAT and one of another kind go badly together."""
    return (
        f"{who} is behind a symmetric NAT, which takes a port that nobody can know, "
        f"and what {whom} is behind ({kind.value}) lets in only ports that were sent to"
    )
