"""Whatever comes, the server sends less than it got, tells nobody what is not meant for him, and nothing is raised."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from any_messages import MESSAGES
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from rendezvous_town import AT_HOME, LARGE, LARGE_HOME, SERVERS, WRONG, Town, ip4, token

from multiaddr_py import Multiaddr
from punching import rendezvous
from punching.candidates import CIRCUIT, circuit
from punching.fields import Addresses, MessageError, Name, Token
from punching.messages import (
    ANSWERS,
    LARGEST,
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
    decode,
    encode,
    padded,
)
from punching.nat import Kind
from punching.rendezvous import RELAYED_A_SECOND, SILENCE, are_strangers, site_of

BOTH = [*SERVERS[:2], *LARGE[:2]]  # a server of two families
FOURS = [ip4(1), ip4(1, 5001), ip4(1, 5002), ip4(2), ip4(2, 5001), ip4(3), ip4(4)]
SIXES = [Multiaddr(f"/ip6/2001:db8:0:{host}/udp/5000") for host in ("1::1", "1::2", "1::3", "2::1")]
HOSTS = [*FOURS, *SIXES]
NOWHERE = [
    *(ip4(1, 0), Multiaddr("/ip6/2001:db8:0:1::1/udp/0"), Multiaddr("/ip6zone/eth0/ip6/fe80::7/udp/5000")),
    *(Multiaddr("/ip4/198.51.0.1/tcp/5000"), Multiaddr("/udp/5000"), Multiaddr()),
]
SENDERS = st.sampled_from([*FOURS, *HOSTS, *HOSTS, *NOWHERE])
PAIRS = [("alice", "bob"), ("bob", "alice"), ("carol", "dave"), ("dave", "carol"), ("dora", "bob"), ("eve", "eve")]
OFTEN = st.sampled_from([True, True, True, False])
PROBES = st.integers(0, 5).map(token)
PLACES = st.integers(0, 1)  # of the server's two of the sender's family
SAID = st.sampled_from([(), (), AT_HOME, (Multiaddr("/ip4/127.0.0.1/udp/1"),), LARGE_HOME])


class AnyDatagrams(RuleBasedStateMachine):
    """What holds after every datagram, whatever came before."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(rendezvous, "MOST_PEERS", 3)  # so few that these bounds are reached
        self.patch.setattr(rendezvous, "MOST_OF_A_HOST", 2)
        self.patch.setattr(rendezvous, "MOST_ORDERS", 2)
        self.town = Town(BOTH)
        self.cookies: dict[Multiaddr, Token] = {}
        """By whom they were seen."""
        self.proven: set[Multiaddr] = set()
        """Who has repeated its cookie."""
        self.came: list[bytes] = []
        self.received = self.sent = 0
        self.relayed: Counter[str] = Counter()
        """Bytes, by the name for which they were."""

    def teardown(self) -> None:
        self.patch.undo()

    def deliver(self, datagram: bytes, sender: Multiaddr, which: int) -> None:
        """Have the server receive a datagram at one of its addresses in reach, and check what it sends."""
        at = which + 2 * ("ip6" in sender)
        self.came.append(datagram)
        try:
            question = decode(datagram)
        except MessageError:
            question = None
        if isinstance(question, Register) and question.cookie == self.cookies.get(sender):
            self.proven.add(sender)
        guests = self.town.server._guests
        guest = guests.get(self.town.server._places.get(sender, ""))
        holders = {name: one.register.secret for name, one in guests.items() if self.town.now - one.heard < SILENCE}
        reaction = self.town.server.receive(datagram, sender, at)
        assert reaction == [] or sender in HOSTS
        for outgoing in reaction:
            message = decode(outgoing.datagram)
            assert BOTH[outgoing.at][0].name == outgoing.to[0].name  # or it could not be sent
            if isinstance(message, Relay):
                assert isinstance(question, Relay)
                assert outgoing.to in self.proven
                assert sender in self.proven
                assert message == Relay(CIRCUIT.encapsulate(sender), question.payload)
                assert guest is not None
                partner = guests[guest.register.meet]
                assert (partner.address, partner.register.meet) == (outgoing.to, guest.register.name)
                assert guest.register.relay
                assert partner.register.relay
                assert outgoing.at == partner.at
                self.relayed[guest.register.name] += len(message.payload)
                continue
            assert outgoing.to == sender
            if isinstance(message, Seen):
                assert message.address == sender
                assert self.cookies.setdefault(sender, message.cookie) == message.cookie
                assert {other[0].name for other in message.others} == {sender[0].name}
            elif not isinstance(message, Probe | Refused):
                assert sender in self.proven
            if isinstance(message, Order):
                assert message.address in self.proven
                assert are_strangers(site_of(message.address), site_of(sender))
            if isinstance(question, Hello):
                assert isinstance(message, Seen | Probe)
            else:
                assert type(message) in ANSWERS[type(question)]  # type: ignore[index] # a question has an answer
            if isinstance(message, Meet):
                partner = guests[guests[self.town.server._places[sender]].register.meet]
                assert (message.seen, message.said) == (partner.address, partner.register.said)
                assert partner.register.meet == self.town.server._places[sender]
                assert partner.register.ready
                assert guests[partner.register.meet].register.ready
        for name, secret in holders.items():
            if name in guests:
                assert guests[name].register.secret == secret
            elif not isinstance(question, Register):  # by which an address gets another name
                assert isinstance(question, Leave)
                assert question.cookie == self.cookies[sender]
                assert guest is not None
                assert guest.register.name == name
        size = sum(len(outgoing.datagram) for outgoing in reaction)
        self.received += len(datagram)
        self.sent += size
        assert size <= len(datagram)

    def held(self, data: st.DataObject) -> Multiaddr:
        """Draw where a peer is that is held, or where anyone else may be."""
        return data.draw(st.sampled_from([*self.town.server._places, *self.town.server._places, *HOSTS]))

    @rule(sender=SENDERS, at=PLACES, probe=st.booleans())
    def look(self, sender: Multiaddr, at: int, probe: bool) -> None:
        self.deliver(encode(padded(Hello(token(1), probe))), sender, at)

    @rule(sender=SENDERS, pair=st.sampled_from(PAIRS), said=SAID, same=OFTEN, relay=OFTEN, ready=OFTEN, knows=OFTEN)
    def enter(
        self,
        sender: Multiaddr,
        pair: tuple[str, str],
        said: Addresses,
        same: bool,
        relay: bool,
        ready: bool,
        knows: bool,
    ) -> None:
        """Register someone, with the same secret as ever, or another one."""
        if sender not in self.cookies:
            self.look(sender, 0, probe=False)
        cookie = self.cookies.get(sender, WRONG) if knows else WRONG
        name, meet = map(Name, pair)
        secret = Token(name.encode().rjust(16)) if same else WRONG
        register = Register(token(2), cookie, name, meet, secret, said, Kind.UNKNOWN, ready, relay)
        self.deliver(encode(padded(register)), sender, 0)

    @rule(one=SENDERS, other=SENDERS, relay=OFTEN, ready=OFTEN)
    def enter_both(self, one: Multiaddr, other: Multiaddr, relay: bool, ready: bool) -> None:
        """Register two that want to meet each other."""
        for sender, pair in zip((one, other, one), (PAIRS[0], PAIRS[1], PAIRS[0]), strict=True):
            self.enter(sender, pair, (), same=True, relay=relay, ready=ready, knows=True)

    @precondition(lambda self: self.town.names)
    @rule(data=st.data(), moves=st.booleans(), at=PLACES)
    def come_again(self, data: st.DataObject, moves: bool, at: int) -> None:
        """Register someone who is held already, perhaps from elsewhere."""
        guest = data.draw(st.sampled_from(list(self.town.server._guests.values())))
        sender = data.draw(st.sampled_from(HOSTS)) if moves else guest.address
        if sender not in self.cookies:
            self.look(sender, at, probe=False)
        self.deliver(encode(replace(guest.register, cookie=self.cookies[sender])), sender, at)

    @rule(data=st.data(), probes=st.lists(PROBES, min_size=1, max_size=4), own=OFTEN)
    def ask(self, data: st.DataObject, probes: list[Token], own: bool) -> None:
        sender = self.held(data)
        cookie = self.cookies.get(sender if own else data.draw(SENDERS), WRONG)
        for probe in probes:
            self.deliver(encode(Ask(token(3), cookie, probe)), sender, 0)

    @rule(data=st.data(), own=st.booleans())
    def leave(self, data: st.DataObject, own: bool) -> None:
        sender = self.held(data)
        cookie = self.cookies.get(sender if own else data.draw(SENDERS), WRONG)
        self.deliver(encode(Leave(token(4), cookie)), sender, 0)

    @rule(
        data=st.data(),
        server=st.sampled_from([SERVERS[0], LARGE[0], Multiaddr()]),
        size=st.integers(0, 1100) | st.just(LARGEST),
        times=st.sampled_from([1, 1, 80]),
    )
    def relay(self, data: st.DataObject, server: Multiaddr, size: int, times: int) -> None:
        sender = self.held(data)
        name = self.town.server._places.get(sender)
        partner = self.town.server._guests.get(dict(PAIRS).get(name or "", ""))
        to = self.held(data) if partner is None or data.draw(st.booleans()) else partner.address
        around = len(encode(Relay(circuit(server, to), b"")))
        datagram = encode(Relay(circuit(server, to), bytes(min(size, LARGEST - around))))
        for _ in range(times):
            self.deliver(datagram, sender, 0)

    @rule(message=MESSAGES, sender=SENDERS, at=PLACES)
    def say_anything(self, message: Message, sender: Multiaddr, at: int) -> None:
        self.deliver(encode(message, b"key"), sender, at)

    @rule(datagram=st.binary(max_size=100), sender=SENDERS, at=PLACES)
    def be_noisy(self, datagram: bytes, sender: Multiaddr, at: int) -> None:
        self.deliver(datagram, sender, at)

    @precondition(lambda self: self.came)
    @rule(which=st.integers(0, 10_000), sender=SENDERS, at=PLACES, cut=st.integers(0, 400), junk=st.binary(max_size=2))
    def repeat(self, which: int, sender: Multiaddr, at: int, cut: int, junk: bytes) -> None:
        datagram = self.came[which % len(self.came)]
        self.deliver(datagram, sender, at)
        self.deliver(datagram[:cut] + junk, sender, at)
        self.deliver(datagram + junk, sender, at)

    @rule(seconds=st.sampled_from([0.1, 1.0, 1.0, SILENCE / 2, SILENCE]))
    def wait(self, seconds: float) -> None:
        self.town.now += seconds

    @invariant()
    def tables_agree(self) -> None:
        self.town.check()
        assert set(self.town.server._places) <= self.proven

    @invariant()
    def nobody_can_be_flooded(self) -> None:
        assert self.sent <= self.received
        for size in self.relayed.values():
            assert size <= (self.town.now - 1000.0) * RELAYED_A_SECOND

    @precondition(lambda self: self.town.server._guests)
    @rule(sender=SENDERS)
    def forget(self, sender: Multiaddr) -> None:
        self.look(sender, 0, probe=False)
        assert all(self.town.now - guest.heard < SILENCE for guest in self.town.server._guests.values())


AnyDatagrams.TestCase.settings = settings(stateful_step_count=40)
TestAnyDatagrams = AnyDatagrams.TestCase
