"""A server, its clock and its guests, for tests of what it does with datagrams."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from multiaddr_py import Multiaddr
from punching import rendezvous
from punching.fields import Name, Token
from punching.messages import Hello, Message, Probe, Register, Relay, Seen, decode, encode, padded
from punching.nat import Kind
from punching.rendezvous import RELAYED_A_SECOND, Rendezvous

M = TypeVar("M", bound=Message)


def ip4(host: int, port: int = 5000) -> Multiaddr:
    """Return an address of a peer's NAT."""
    return Multiaddr(f"/ip4/198.51.{host >> 8}.{host & 0xFF}/udp/{port}")


def token(number: int) -> Token:
    return Token(number.to_bytes(16))


SERVERS = [Multiaddr(f"/ip4/203.0.113.{host}/udp/{port}") for host in (1, 2) for port in (4001, 4002)]
A, B, C = ip4(1), ip4(2), ip4(3)
SIX = Multiaddr("/ip6/2001:db8::7/udp/5000")
AT_HOME = (Multiaddr("/ip4/10.0.0.2/udp/5000"), Multiaddr("/ip4/192.168.1.2/udp/5000"))
WRONG = token(0)
LARGE = [Multiaddr(f"/ip6/2001:db8:{'ffff:' * 5}{host}/udp/65535") for host in range(8)]
LARGE_HOME = tuple(Multiaddr(f"/ip6/fd00:{'ffff:' * 6}{host}/udp/65535") for host in range(8))


class Town:
    """A server, its clock, and what it was told to report."""

    def __init__(self, servers: list[Multiaddr] = SERVERS, *, relays: bool = True) -> None:
        self.now = 1000.0
        self.reported: list[tuple[str, Multiaddr]] = []
        self.server = Rendezvous(
            servers,
            clock=lambda: self.now,
            report=lambda name, address: self.reported.append((name, address)),
            relays=relays,
            random=Random(4001),
        )

    def hear(self, message: Message, sender: Multiaddr, at: int = 0) -> list[tuple[int, Message, Multiaddr]]:
        """Return what is sent because of a message, to whom, and from which of the server's addresses."""
        reaction = self.server.receive(encode(message), sender, at)
        return [(outgoing.at, decode(outgoing.datagram), outgoing.to) for outgoing in reaction]

    def answer(self, kind: type[M], question: Message, sender: Multiaddr, at: int = 0) -> M:
        """Return the answer to a question, which is all that is sent, and of a class."""
        ((source, answer, receiver),) = self.hear(question, sender, at)
        assert (source, receiver) == (at, sender)
        assert not isinstance(answer, Relay | Probe)
        assert answer.token == getattr(question, "token", None)
        assert isinstance(answer, kind)
        return answer

    def cookie(self, sender: Multiaddr) -> Token:
        return self.answer(Seen, padded(Hello(token(1), probe=False)), sender).cookie

    def register(self, sender: Multiaddr, name: str, meet: str, /, **changes: Any) -> Register:
        """Return a peer's question, with the right cookie; its secret is made of its name."""
        secret = Token(name.encode().rjust(16)[-16:])
        register = Register(
            *(token(2), self.cookie(sender), Name(name), Name(meet), secret, (), Kind.UNKNOWN), ready=True, relay=False
        )
        return padded(replace(register, **changes))

    def enter(self, kind: type[M], sender: Multiaddr, name: str, meet: str, /, at: int = 0, **changes: Any) -> M:
        """Register a peer, and return the answer, which is of a class."""
        return self.answer(kind, self.register(sender, name, meet, **changes), sender, at)

    @property
    def names(self) -> list[str]:
        return sorted(self.server._guests)

    def check(self) -> None:
        """Check that the tables say the same."""
        guests = self.server._guests
        assert {guest.register.name: guest for guest in guests.values()} == guests
        assert {guest.address: name for name, guest in guests.items()} == self.server._places
        assert Counter(guest.site for guest in guests.values()) == self.server._sites
        assert all(self.server._sites.values())
        assert len(guests) <= rendezvous.MOST_PEERS
        assert all(count <= rendezvous.MOST_OF_A_HOST for count in self.server._sites.values())
        idle: dict[bytes, set[str]] = {}
        for name, guest in guests.items():
            partner = guests.get(guest.register.meet)
            wanted = partner is not None and partner.register.meet == name
            assert not wanted or partner is None or partner.address[0].name == guest.address[0].name
            if partner is None or not (wanted and guest.register.ready and partner.register.ready):
                idle.setdefault(guest.site, set()).add(name)
        found = {site: set(names) for sites in self.server._idlers._families.values() for site, names in sites.items()}
        assert found == idle
        heard = [guest.heard for guest in guests.values()]
        assert heard == sorted(heard)
        for guest in guests.values():
            assert len(guest.orders) <= rendezvous.MOST_ORDERS
            assert 0 <= guest.allowance.left <= RELAYED_A_SECOND
