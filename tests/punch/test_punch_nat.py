"""What a NAT is taken for, which two can be punched through, and where another peer may be."""

from __future__ import annotations

from itertools import product

import pytest
from any_messages import UDP
from hypothesis import given
from hypothesis import strategies as st

from multiaddr_py import Multiaddr
from punching.candidates import circuit, direct_candidates, is_candidate, split_circuit, tcp_twin
from punching.fields import Token
from punching.messages import Meet
from punching.nat import Kind, Nat, Observations, decide, decide_mapping, possible_filtering, why_not

OWN, ELSEWHERE = Multiaddr("/ip4/10.0.0.2/udp/5000"), Multiaddr("/ip4/10.9.9.9/udp/5000")
NAT1, NAT2, NAT3 = (Multiaddr(f"/ip4/198.51.100.7/udp/{port}") for port in (6001, 6002, 6003))
PUBLIC = Multiaddr("/ip4/198.51.100.8/udp/5000")
HOST_A1, HOST_A2 = Multiaddr("/ip4/203.0.113.1/udp/4001"), Multiaddr("/ip4/203.0.113.1/udp/4002")
HOST_B1, HOST_B2 = Multiaddr("/ip4/203.0.113.2/udp/4001"), Multiaddr("/ip4/203.0.113.2/udp/4002")

NOBODY: dict[Multiaddr, Multiaddr] = {}
# By whom a peer is seen and as what, and the word for its mapping.
SEEN = {
    "by nobody": (NOBODY, "unknown"),
    "by one": ({HOST_A1: NAT1}, "unknown"),
    "the same by two ports": ({HOST_A1: NAT1, HOST_A2: NAT1}, "endpoint-independent"),
    "the same by two hosts": ({HOST_A1: NAT1, HOST_B1: NAT1}, "endpoint-independent"),
    "the same by all": ({HOST_A1: NAT1, HOST_A2: NAT1, HOST_B1: NAT1, HOST_B2: NAT1}, "endpoint-independent"),
    "other by another port": ({HOST_A1: NAT1, HOST_A2: NAT2}, "address and port-dependent"),
    "other by another host": ({HOST_A1: NAT1, HOST_B1: NAT2}, "address-dependent"),
    "other by a host of two ports": ({HOST_A1: NAT1, HOST_A2: NAT1, HOST_B1: NAT2}, "address-dependent"),
    "other by each of two hosts": (
        {HOST_A1: NAT1, HOST_A2: NAT1, HOST_B1: NAT2, HOST_B2: NAT2},
        "address-dependent",
    ),
    "other by one port of two hosts": ({HOST_A1: NAT1, HOST_A2: NAT2, HOST_B1: NAT1}, "address and port-dependent"),
    "other by each port": ({HOST_A1: NAT1, HOST_A2: NAT2, HOST_B1: NAT3}, "address and port-dependent"),
}
# Whether another port and another host were let in, the words for that, and the kind of what maps all to one.
LET_IN: dict[tuple[bool | None, bool | None], tuple[str, Kind]] = {
    (None, None): ("unknown", Kind.UNKNOWN),
    (None, False): ("address-dependent or address and port-dependent", Kind.ADDRESS_OR_PORT_RESTRICTED),
    (None, True): ("endpoint-independent", Kind.FULL_CONE),
    (False, None): ("address and port-dependent", Kind.PORT_RESTRICTED),
    (False, False): ("address and port-dependent", Kind.PORT_RESTRICTED),
    (False, True): ("endpoint-independent", Kind.FULL_CONE),  # the other port's message was lost
    (True, None): ("endpoint-independent or address-dependent", Kind.FULL_CONE_OR_ADDRESS_RESTRICTED),
    (True, False): ("address-dependent", Kind.ADDRESS_RESTRICTED),
    (True, True): ("endpoint-independent", Kind.FULL_CONE),
}
KIND_OF_MAPPING = {"unknown": Kind.UNKNOWN, "address-dependent": Kind.SYMMETRIC}
KIND_OF_MAPPING["address and port-dependent"] = Kind.SYMMETRIC


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("let_in", LET_IN)
def test_a_nat_is_of_the_kind_that_was_seen(seen: str, let_in: tuple[bool | None, bool | None]) -> None:
    addresses, mapping = SEEN[seen]
    filtering, cone = LET_IN[let_in]
    kind = KIND_OF_MAPPING.get(mapping, cone)
    found = decide(Observations(frozenset({OWN, ELSEWHERE}), addresses, *let_in))
    assert found == Nat(kind, mapping, filtering)


def test_the_table_has_all_that_may_be_let_in() -> None:
    assert set(LET_IN) == set(product((None, False, True), repeat=2))


@pytest.mark.parametrize("let_in", LET_IN)
@pytest.mark.parametrize(
    "seen", [{HOST_A1: PUBLIC}, {HOST_A1: PUBLIC, HOST_B1: PUBLIC}, {HOST_A1: PUBLIC, HOST_A2: ELSEWHERE}]
)
def test_who_is_seen_as_what_it_is_has_no_nat(
    seen: dict[Multiaddr, Multiaddr], let_in: tuple[bool | None, bool | None]
) -> None:
    filtering, _ = LET_IN[let_in]
    kind = Kind.OPEN if "endpoint-independent" in filtering or filtering == "unknown" else Kind.FIREWALL
    own = frozenset({OWN, PUBLIC, ELSEWHERE})
    assert decide(Observations(own, seen, *let_in)) == Nat(kind, "endpoint-independent", filtering)


def test_who_is_seen_otherwise_by_one_has_a_nat() -> None:
    found = decide(Observations(frozenset({PUBLIC}), {HOST_A1: PUBLIC, HOST_B1: NAT1}, None, None))
    assert found == Nat(Kind.SYMMETRIC, "address-dependent", "unknown")


def test_a_new_peer_knows_nothing() -> None:
    assert decide(Observations(frozenset({OWN}))) == Nat(Kind.UNKNOWN, "unknown", "unknown")


@given(st.dictionaries(st.sampled_from([HOST_A1, HOST_A2, HOST_B1, HOST_B2]), st.sampled_from([NAT1, NAT2, NAT3])))
def test_a_mapping_is_that_of_the_smallest_thing_that_changes_it(seen: dict[Multiaddr, Multiaddr]) -> None:
    pairs = [(one, other) for one, other in product(seen, repeat=2) if seen[one] != seen[other]]
    if len(seen) < 2:
        expected = "unknown"
    elif any(one[0] == other[0] for one, other in pairs):
        expected = "address and port-dependent"
    else:
        expected = "address-dependent" if pairs else "endpoint-independent"
    assert decide_mapping(seen) == expected


@pytest.mark.parametrize("let_in", LET_IN)
def test_more_that_is_known_leaves_less_open(let_in: tuple[bool | None, bool | None]) -> None:
    words = possible_filtering(*let_in)
    assert words
    for port, host in ((True, True), (True, False), (False, False)):  # who lets in a host lets in its ports
        if let_in[0] in (None, port) and let_in[1] in (None, host):
            assert set(possible_filtering(port, host)) <= set(words)


# Pairs

LETS_IN_A_PORT = {
    Kind.FIREWALL: "firewall",
    Kind.PORT_RESTRICTED: "port-restricted",
    Kind.ADDRESS_OR_PORT_RESTRICTED: "address-restricted or port-restricted",
}


@pytest.mark.parametrize("other", Kind)
@pytest.mark.parametrize("mine", Kind)
def test_two_kinds_say_why_there_is_no_path(mine: Kind, other: Kind) -> None:
    nobody_knows = "behind a symmetric NAT, which takes a port that nobody can know"
    if mine is other is Kind.SYMMETRIC:
        expected = (
            "both are behind a symmetric NAT, which is seen at a new port by each other peer, and nobody can know it"
        )
    elif mine is Kind.SYMMETRIC and other in LETS_IN_A_PORT:
        word = LETS_IN_A_PORT[other]
        let_in = f"what the other is behind ({word}) lets in only ports that were sent to"
        expected = f"this peer is {nobody_knows}, and {let_in}"
    elif other is Kind.SYMMETRIC and mine in LETS_IN_A_PORT:
        word = LETS_IN_A_PORT[mine]
        let_in = f"what this one is behind ({word}) lets in only ports that were sent to"
        expected = f"the other peer is {nobody_knows}, and {let_in}"
    else:
        assert why_not(mine, other) is None
        return
    assert why_not(mine, other) == expected


# Candidates

SERVER4, SERVER6 = Multiaddr("/ip4/203.0.113.1/udp/4001"), Multiaddr("/ip6/2001:db8::1/udp/4001")
LOCAL4, LOCAL6 = Multiaddr("/ip4/127.0.0.1/udp/4001"), Multiaddr("/ip6/::1/udp/4001")


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/198.51.100.7/udp/5000",
        "/ip4/198.51.100.7/udp/1",
        "/ip4/10.0.0.2/udp/65535",
        "/ip4/172.16.0.1/udp/5000",
        "/ip4/192.168.1.1/udp/5000",
        "/ip4/100.64.0.1/udp/5000",  # behind the same NAT of a provider
        "/ip4/198.18.0.1/udp/5000",
        "/ip6/2001:db8::7/udp/5000",
        "/ip6/fd00::7/udp/5000",
        "/ip6/64:ff9b::c633:6407/udp/5000",
    ],
)
def test_a_peer_may_be_there(address: str) -> None:
    candidate = Multiaddr(address)
    for server in (SERVER4, LOCAL4, SERVER6, LOCAL6):
        assert is_candidate(candidate, server) is (candidate[0].name == server[0].name)


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/127.0.0.1/udp/5000",
        "/ip4/127.255.255.254/udp/5000",
        "/ip6/::1/udp/5000",
        "/ip6/::ffff:127.0.0.1/udp/5000",
        "/ip6/64:ff9b::7f00:1/udp/5000",
    ],
)
def test_this_machine_is_meant_only_where_the_server_is_on_it(address: str) -> None:
    candidate = Multiaddr(address)
    for server in (SERVER4, SERVER6):
        assert not is_candidate(candidate, server)
    for server in (LOCAL4, LOCAL6):
        assert is_candidate(candidate, server) is (candidate[0].name == server[0].name)


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/0.0.0.0/udp/5000",
        "/ip4/0.1.2.3/udp/5000",
        "/ip4/224.0.0.251/udp/5353",
        "/ip4/239.255.255.250/udp/1900",
        "/ip4/240.0.0.1/udp/5000",
        "/ip4/255.255.255.255/udp/5000",
        "/ip4/169.254.169.254/udp/80",
        "/ip6/::/udp/5000",
        "/ip6/ff02::fb/udp/5353",
        "/ip6/fe80::1/udp/5000",
        "/ip6/::ffff:224.0.0.251/udp/5353",
        "/ip6/::ffff:255.255.255.255/udp/5000",
        "/ip6/::ffff:169.254.169.254/udp/5000",
        "/ip6/2002:e000:fb::/udp/5000",
        "/ip6/100::1/udp/5000",
        "/ip6/4000::1/udp/5000",
        "/ip4/198.51.100.7/udp/0",
        "/ip4/198.51.100.7/tcp/5000",
        "/ip4/198.51.100.7/dccp/5000",
        "/ip4/198.51.100.7",
        "/ip4/198.51.100.7/udp/5000/quic-v1",
        "/ip4/198.51.100.7/udp/5000/udp/5000",
        "/ip4/198.51.100.7/udp/5000/p2p-circuit",
        "/ip4/203.0.113.1/udp/4001/p2p-circuit/ip4/198.51.100.7/udp/5000",
        "/p2p-circuit/ip4/198.51.100.7/udp/5000",
        "/ip4/198.51.100.7/ip4/198.51.100.8/udp/5000",
        "/ip6zone/eth0/ip6/fe80::1/udp/5000",
        "/ip6zone/eth0/ip6/2001:db8::7/udp/5000",
        "/dns4/node.example/udp/5000",
        "/dns/localhost/udp/5000",
        "/unix/a",
        "/udp/5000",
    ],
)
def test_no_peer_is_talked_into_sending_there(address: str) -> None:
    for server in (SERVER4, SERVER6, LOCAL4, LOCAL6):
        assert not is_candidate(Multiaddr(address), server)


def test_no_address_at_all_is_no_candidate() -> None:
    assert not is_candidate(Multiaddr(), SERVER4)


def meet(seen: Multiaddr, *said: Multiaddr) -> Meet:
    return Meet(Token(bytes(16)), Token(bytes(16)), seen, said, Kind.UNKNOWN, relay=False)


def test_direct_candidates_begin_with_what_the_other_one_says() -> None:
    found = direct_candidates(meet(NAT1, PUBLIC, OWN), SERVER4, ())
    assert found == [PUBLIC, OWN, NAT1]


def test_no_direct_candidate_comes_twice_or_is_where_the_peer_is_itself() -> None:
    found = direct_candidates(meet(PUBLIC, OWN, PUBLIC, ELSEWHERE), SERVER4, (OWN,))
    assert found == [PUBLIC, ELSEWHERE]
    assert direct_candidates(meet(OWN), SERVER4, (OWN,)) == []


def test_what_is_no_candidate_is_none_whoever_says_so() -> None:
    strange = [Multiaddr(text) for text in ("/ip4/127.0.0.1/udp/1", "/ip4/224.0.0.1/udp/1", "/ip4/10.0.0.2/tcp/1")]
    assert direct_candidates(meet(strange[0], *strange, LOCAL6, SERVER6), SERVER4, ()) == []
    assert direct_candidates(meet(strange[0], *strange), LOCAL4, ()) == [strange[0]]


@given(UDP, UDP)
def test_a_circuit_is_split_where_it_was_joined(server: Multiaddr, peer: Multiaddr) -> None:
    whole = circuit(server, peer)
    assert str(whole) == f"{server}/p2p-circuit{peer}"
    assert split_circuit(whole) == (server, peer)
    assert split_circuit(whole[len(server) :]) == (Multiaddr(), peer)
    assert split_circuit(whole[: len(server) + 1]) == (server, Multiaddr())


def test_a_circuit_in_a_circuit_is_left_to_the_first_server() -> None:
    assert split_circuit(circuit(SERVER4, circuit(SERVER6, OWN))) == (SERVER4, circuit(SERVER6, OWN))


@given(UDP)
def test_a_twin_has_host_and_port_and_no_udp(address: Multiaddr) -> None:
    twin = tcp_twin(address)
    assert str(twin) == str(address).replace("/udp/", "/tcp/")
