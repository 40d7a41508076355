"""The server: it tells peers how it sees them, and each of two who want to meet where the other one is.

No sockets here: datagrams go in, and what is to be sent comes out. So a peer can be a server besides.

The server only ever reacts to a datagram, and never sends more bytes than that has, so it cannot be used to flood
anyone. It keeps nothing of a sender before that one has repeated a cookie, which only its address gets to see. It
holds a bounded number of peers, and forgets who has been silent for a while.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import singledispatchmethod
from hashlib import blake2b
from random import Random, SystemRandom
from typing import Final, NamedTuple

from multiaddr_py import Multiaddr
from punching.candidates import CIRCUIT, is_candidate, is_udp_port, split_circuit
from punching.fields import MOST_ADDRESSES, TOKEN_SIZE, MessageError, Text, Token
from punching.messages import (
    Ask,
    Hello,
    Leave,
    Meet,
    Message,
    Order,
    Probe,
    Refused,
    Register,
    Relay,
    Seen,
    Waiting,
    decode,
    encode,
)

SILENCE: Final = 10.0  # seconds after which a peer is forgotten
MOST_PEERS: Final = 1000
MOST_OF_A_HOST: Final = 50  # or of an IPv6 network of /64
MOST_ORDERS: Final = 4  # strangers that one peer is to send to
STRANGERS: Final = 2  # peers that are to send to one who asks for it
RELAYED_A_SECOND: Final = 65_536  # bytes that are passed on for one peer, and at most at once


@dataclass
class Allowance:
    """How many bytes may be passed on for a peer: none at first, so that nobody has more by coming anew."""

    since: float
    left: float = 0.0

    def take(self, size: int, now: float) -> bool:
        """Take so many bytes off, if they are left."""
        self.left = min(self.left + (now - self.since) * RELAYED_A_SECOND, RELAYED_A_SECOND)
        self.since = now
        if size > self.left:
            return False
        self.left -= size
        return True


class Outgoing(NamedTuple):
    """A datagram that is to be sent."""

    at: int
    """The place of the server's own address in its list."""
    datagram: bytes
    to: Multiaddr


@dataclass
class Guest:
    """A peer that has registered."""

    register: Register
    address: Multiaddr
    """As which it was seen."""
    at: int
    """Where the server was addressed."""
    heard: float
    """When."""
    allowance: Allowance
    orders: dict[Token, Multiaddr] = field(default_factory=dict)
    """Strangers to send a probe to."""

    @property
    def site(self) -> bytes:
        """Where the peer's host is."""
        return site_of(self.address)


class Idlers:
    """The names of peers that have time for strangers, by site: it takes no look at each to find some elsewhere.

    Sites of one family are of one length.
    """

    def __init__(self) -> None:
        self._families: defaultdict[int, dict[bytes, dict[str, None]]] = defaultdict(dict)

    def add(self, name: str, site: bytes) -> None:
        """Add a peer, if it is not among these."""
        self._families[len(site)].setdefault(site, {})[name] = None

    def discard(self, name: str, site: bytes) -> None:
        """Remove a peer, if it is among these."""
        sites = self._families[len(site)]
        if site in sites:
            sites[site].pop(name, None)
            if not sites[site]:
                del sites[site]

    def strange_to(self, site: bytes) -> bool:
        """Say whether there is any at another site, from which it could send to this one."""
        sites = self._families[len(site)]
        return len(sites) > (site in sites)

    def some_strange_to(self, site: bytes, random: Random) -> list[str]:
        """Return some at other sites, each from another one."""
        sites = self._families[len(site)]
        drawn = random.sample(list(sites), min(STRANGERS + 1, len(sites)))
        others = [other for other in drawn if other != site][:STRANGERS]
        return [random.choice(list(sites[other])) for other in others]


class Rendezvous:
    """A server and the addresses where it is bound, which are as many as a message can have at most.

    `clock` gives seconds, `report` is told of each peer that is new, by name and address. Without `relays` nothing is
    passed on, and peers are told so.
    """

    def __init__(
        self,
        addresses: Sequence[Multiaddr],
        *,
        clock: Callable[[], float],
        report: Callable[[str, Multiaddr], None],
        relays: bool = True,
        random: Random | None = None,
    ) -> None:
        if len(addresses) > MOST_ADDRESSES:
            raise ValueError(f"a server has at most {MOST_ADDRESSES} addresses, not {len(addresses)}")
        self._addresses = addresses
        self._clock = clock
        self._report = report
        self._relays = relays
        self._random = SystemRandom() if random is None else random
        self._key = self._random.randbytes(32)
        self._guests: dict[str, Guest] = {}  # by name, those that were heard last at the end
        self._places: dict[Multiaddr, str] = {}  # their names by address
        self._sites: Counter[bytes] = Counter()  # how many are at each
        self._idlers = Idlers()  # those that do not meet anyone

    def receive(self, datagram: bytes, sender: Multiaddr, at: int = 0) -> list[Outgoing]:
        """Return what is to be sent because of a datagram that came to one of the server's addresses."""
        self._forget_silent()
        if not is_udp_port(sender):
            return []
        try:
            question = decode(datagram)
        except MessageError:
            return []
        reaction = self._react(question, sender, at)
        size = sum(len(outgoing.datagram) for outgoing in reaction)
        return reaction if size <= len(datagram) else []  # as for a question without its padding

    @singledispatchmethod
    def _react(self, question: Message, sender: Multiaddr, at: int) -> list[Outgoing]:
        return []  # what a server says, or what peers say to each other

    @_react.register
    def _(self, question: Hello, sender: Multiaddr, at: int) -> list[Outgoing]:
        family = sender[0].name  # a socket of another could not send there, nor the peer to it
        places = [place for place, one in enumerate(self._addresses) if place != at and one[0].name == family]
        others = tuple(self._addresses[place] for place in places)
        probes = [Outgoing(place, encode(Probe(question.token)), sender) for place in places if question.probe]
        seen = Seen(question.token, sender, self._cookie(sender), others)
        return [Outgoing(at, encode(seen), sender), *probes]

    @_react.register
    def _(self, question: Register, sender: Multiaddr, at: int) -> list[Outgoing]:
        if question.cookie != self._cookie(sender):
            return self._react(Hello(question.token, probe=False), sender, at)
        reason = self._why_not(question, sender)
        if reason is not None:
            return [Outgoing(at, encode(Refused(question.token, Text(reason))), sender)]
        guest = self._admit(question, sender, at)
        return [Outgoing(at, encode(self._news(guest)), sender)]

    @_react.register
    def _(self, question: Ask, sender: Multiaddr, at: int) -> list[Outgoing]:
        guest = self._guest(sender, question.cookie)
        if guest is None:
            return []
        for name in self._idlers.some_strange_to(guest.site, self._random):
            orders = self._guests[name].orders
            if len(orders) < MOST_ORDERS:
                orders[question.probe] = sender
        return [Outgoing(at, encode(self._waiting(question.token, guest)), sender)]

    @_react.register
    def _(self, question: Leave, sender: Multiaddr, at: int) -> list[Outgoing]:
        guest = self._guest(sender, question.cookie)
        if guest is not None:
            self._forget(guest)
        return []

    @_react.register
    def _(self, question: Relay, sender: Multiaddr, at: int) -> list[Outgoing]:
        if "p2p-circuit" not in question.address:
            return []
        source = self._guests.get(self._places.get(sender, ""))
        target = self._guests.get(self._places.get(split_circuit(question.address)[1], ""))
        if source is None or target is None or self._partner(source) is not target:
            return []
        if not self._relays_between(source, target):
            return []
        if not source.allowance.take(len(question.payload), self._clock()):
            return []
        passed_on = encode(Relay(CIRCUIT.encapsulate(sender), question.payload))
        return [Outgoing(target.at, passed_on, target.address)]

    def _cookie(self, sender: Multiaddr) -> Token:
        return Token(blake2b(bytes(sender), digest_size=TOKEN_SIZE, key=self._key).digest())

    def _guest(self, sender: Multiaddr, cookie: Token) -> Guest | None:
        return self._guests.get(self._places.get(sender, "")) if cookie == self._cookie(sender) else None

    def _partner(self, guest: Guest) -> Guest | None:
        """Return whom a peer wants to meet, if that one is there and wants it, too; both are of one family."""
        partner = self._guests.get(guest.register.meet)
        return partner if partner is not None and partner.register.meet == guest.register.name else None

    def _met(self, guest: Guest) -> Guest | None:
        """Return whom a peer meets: its partner, once both are ready."""
        partner = self._partner(guest)
        return partner if partner is not None and guest.register.ready and partner.register.ready else None

    def _relays_between(self, guest: Guest, partner: Guest) -> bool:
        return self._relays and guest.register.relay and partner.register.relay

    def _why_not(self, question: Register, sender: Multiaddr) -> str | None:
        """Say why a peer cannot register."""
        if question.name == question.meet:
            return "a peer cannot meet itself"
        if not all(is_candidate(address, sender) for address in question.said):
            return "the addresses that a peer says are those of UDP sockets in its network"
        holder = self._guests.get(question.name)
        if holder is not None and holder.register.secret != question.secret:
            return f"the name {question.name} is taken; it is free {SILENCE:g} s after its holder was last heard"
        partner = self._guests.get(question.meet)
        if partner is not None and partner.register.meet == question.name:
            family, own = partner.address[0].name, sender[0].name
            if family != own:  # they could not send to each other, nor could the server pass on what just fits
                return f"{question.meet} is at an address of {family}, and this peer at one of {own}"
        if holder is None and len(self._guests) >= MOST_PEERS:
            return f"the server holds {MOST_PEERS} peers already"
        site = site_of(sender)
        if (holder is None or holder.site != site) and self._sites[site] >= MOST_OF_A_HOST:
            place = "host" if sender[0].name == "ip4" else "network of /64"
            return f"the server holds {MOST_OF_A_HOST} peers of this {place} already"
        return None

    def _admit(self, question: Register, sender: Multiaddr, at: int) -> Guest:
        """Hold a peer, or what it says anew."""
        now = self._clock()
        known = self._guests.get(question.name)
        guest = Guest(question, sender, at, now, Allowance(now))
        if known is None:
            self._report(question.name, sender)
        else:
            guest.allowance = known.allowance
            guest.orders = {probe: to for probe, to in known.orders.items() if are_strangers(site_of(to), guest.site)}
            self._forget(known)
        squatter = self._guests.get(self._places.get(sender, ""))
        if squatter is not None:  # the peer has another name now
            self._forget(squatter)
        self._guests[question.name] = guest
        self._places[sender] = question.name
        self._sites[guest.site] += 1
        self._notice(guest)
        return guest

    def _notice(self, guest: Guest) -> None:
        """Have a peer and its partner count as idle for as long as they do not meet."""
        for one in (guest, self._partner(guest)):
            if one is None:
                continue
            if one.register.name in self._guests and self._met(one) is None:
                self._idlers.add(one.register.name, one.site)
            else:
                self._idlers.discard(one.register.name, one.site)

    def _news(self, guest: Guest) -> Meet | Order | Waiting:
        """Return what a peer is told that asks after another."""
        token = guest.register.token
        met = self._met(guest)
        if met is not None:
            other = met.register
            relay = self._relays_between(guest, met)
            return Meet(token, other.secret, met.address, other.said, other.kind, relay)
        if guest.orders:
            probe, address = guest.orders.popitem()
            return Order(token, address, probe)
        return self._waiting(token, guest)

    def _waiting(self, token: Token, guest: Guest) -> Waiting:
        present = self._partner(guest) is not None
        return Waiting(token, present, stranger=self._idlers.strange_to(guest.site))

    def _forget(self, guest: Guest) -> None:
        del self._guests[guest.register.name]
        del self._places[guest.address]
        self._sites[guest.site] -= 1
        if not self._sites[guest.site]:
            del self._sites[guest.site]
        self._notice(guest)

    def _forget_silent(self) -> None:
        while self._guests:
            first = next(iter(self._guests.values()))
            if self._clock() - first.heard < SILENCE:
                return
            self._forget(first)


def site_of(address: Multiaddr) -> bytes:
    """Return the bytes of a host of IPv4, and of IPv6 those of its network of /64, of which one host may have all.

    Those in one such network are no strangers to each other either, since no NAT or firewall stands in between.
    """
    return address[0].raw_value[:8]


def are_strangers(site: bytes, other: bytes) -> bool:
    """Say whether two sites are of one family, so that one can send to the other, and not the same."""
    return len(site) == len(other) and site != other
