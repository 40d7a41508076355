"""What filters allow, how they are written, and what is refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiaddr_py import REGISTRY, Multiaddr, ParseError, PeerId, Protocol, Registry
from multiaddr_py.net.filters import Decision, Filter, Rule
from multiaddr_py.net.scopes import Scope, scope
from multiaddr_py.strategies import multiaddrs

ALICE = "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
ALICE_CID = PeerId(ALICE).to_cid()
BOB = "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
RELAYED = f"/ip4/192.0.2.1/tcp/4001/p2p/{BOB}/p2p-circuit"

NODE = f"""\
# what a public node dials
allow peer={ALICE}
deny scope=private,loopback,link-local
deny network=203.0.113.0/24,2001:db8::/32 port=1-1023 transport=tcp
deny transport=p2p-circuit  # relayed ones
default allow
"""

VECTORS: dict[str, list[tuple[str, int]]] = {
    NODE: [
        (f"/ip4/10.0.0.1/tcp/4001/p2p/{ALICE}", 2),
        (f"/ip4/10.0.0.1/tcp/4001/p2p/{BOB}", 3),
        ("/ip4/10.0.0.1/tcp/4001", 3),
        ("/ip6/::1/udp/4001/quic-v1", 3),
        ("/ip6zone/eth0/ip6/fe80::1/tcp/4001", 3),
        ("/ip4/203.0.113.7/tcp/80", 4),
        ("/ip4/203.0.113.7/tcp/80/ws", 4),
        ("/ip6/2001:db8::7/tcp/1023", 4),
        ("/ip4/203.0.113.7/tcp/1024", 6),
        ("/ip4/203.0.113.7/tcp/0", 6),
        ("/ip4/203.0.113.7/udp/80", 6),
        ("/ip4/203.0.114.7/tcp/80", 6),
        ("/ip4/203.0.113.7", 6),
        (RELAYED, 5),
        (f"{RELAYED}/p2p/{BOB}", 5),
        (f"{RELAYED}/p2p/{ALICE}", 2),
        (f"/ip4/192.0.2.1/tcp/4001/p2p/{ALICE}/p2p-circuit", 5),
        (f"/ip4/192.0.2.1/tcp/4001/p2p/{ALICE}/p2p-circuit/p2p/{BOB}", 5),
        (f"/p2p/{ALICE}", 2),
        (f"/ipfs/{ALICE}", 2),
        (f"/p2p/{BOB}", 6),
        ("/dns4/example.com/tcp/443/wss", 6),
        ("/unix/%2Frun%2Fa.sock", 6),
    ],
    # IPv4 within IPv6 is where a rule about IPv4 networks is got round.
    "deny network=10.0.0.0/8\ndefault allow": [
        ("/ip4/10.0.0.0/tcp/1", 1),
        ("/ip4/10.255.255.255/tcp/1", 1),
        ("/ip4/9.255.255.255/tcp/1", 2),
        ("/ip4/11.0.0.0/tcp/1", 2),
        ("/ip4/10.0.0.1", 1),
        ("/ip4/10.0.0.1/ipcidr/32", 1),
        ("/ip4/10.0.0.1/unix/a", 1),
        ("/ip4/10.0.0.1/ip4/192.0.2.1/tcp/1", 1),
        ("/ip4/192.0.2.1/ip4/10.0.0.1/tcp/1", 2),
        ("/ip4/192.0.2.1/tcp/1/ip4/10.0.0.1/tcp/1", 2),
        ("/ip6/::ffff:10.0.0.1/tcp/1", 1),
        ("/ip6/::ffff:a00:1/tcp/1", 1),
        ("/ip6zone/eth0/ip6/::ffff:10.0.0.1/tcp/1", 1),
        ("/ip6zone/eth0/ip4/10.0.0.1/tcp/1", 1),
        ("/ip6/2002:a00:1::1/tcp/1", 1),
        ("/ip6/64:ff9b::a00:1/tcp/1", 1),
        ("/ip6/64:ff9b:1::a00:1/tcp/1", 1),
        ("/ip6/2001:0:c000:201:0:0:f5ff:fffe/tcp/1", 1),  # Teredo, the client's address with its bits turned
        ("/ip6/2001:0:a00:1::/tcp/1", 2),  # Teredo, the server's
        ("/ip6/::ffff:192.0.2.1/tcp/1", 2),
        ("/ip6/2002:c000:201::1/tcp/1", 2),
        ("/ip6/a00:1::/tcp/1", 2),
        ("/ip6/::a00:1:0/tcp/1", 2),
        ("/ip6/0:0:0:4::a00:1/tcp/1", 2),
        ("/ip6/::1:a00:1/tcp/1", 2),
        # Names are no addresses, whatever they look like.
        ("/dns4/10.0.0.1/tcp/1", 2),
        ("/dns/0xa000001/tcp/1", 2),
        ("/dns6/::ffff:10.0.0.1/tcp/1", 2),
        ("/dnsaddr/10.0.0.1", 2),
        ("/dns/abcd/tcp/1", 2),  # four bytes
        ("/dns/abcdefghijklmnop/tcp/1", 2),  # sixteen
        (f"{RELAYED}/ip4/10.0.0.1/tcp/1", 2),
        (f"/ip4/10.0.0.1/tcp/1/p2p/{BOB}/p2p-circuit", 1),
        (f"/p2p/{BOB}/p2p-circuit/ip4/10.0.0.1/tcp/1", 2),
    ],
    "deny scope=reserved\ndeny transport=dns,dns4,dns6,dnsaddr\ndefault allow": [
        ("/dns4/10.0.0.1/tcp/1", 1),
        ("/dns/0x7f000001/tcp/1", 1),
        ("/dns/example.com/tcp/1", 2),
        ("/dnsaddr/example.com", 2),
        ("/ip4/192.0.2.1/tcp/1/sni/example.com", 3),
    ],
    "deny scope=private\ndeny scope=overlay\ndeny scope=unknown,host\ndefault allow": [
        ("/ip6/::ffff:10.0.0.1/tcp/1", 1),
        ("/ip6/64:ff9b::a00:1/tcp/1", 1),
        ("/onion/aaimaq4ygg2iegci:80", 2),
        (f"/p2p/{BOB}", 3),
        ("/unix/a", 3),
        (f"{RELAYED}/ip4/10.0.0.1/tcp/1", 4),
    ],
    "allow network=::/0\nallow network=0.0.0.0/0\ndefault deny": [
        ("/ip6/::/tcp/1", 1),
        ("/ip6/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/tcp/1", 1),
        ("/ip6/::ffff:10.0.0.1/tcp/1", 1),
        ("/ip4/0.0.0.0/tcp/1", 2),
        ("/ip4/255.255.255.255/tcp/1", 2),
        ("/dns/example.com/tcp/1", 3),
    ],
    "deny network=::ffff:10.0.0.0/104\nallow network=64:ff9b::/96\ndeny network=::1,0.0.0.1\ndefault allow": [
        ("/ip6/::ffff:10.0.0.1/tcp/1", 1),
        ("/ip4/10.0.0.1/tcp/1", 4),
        ("/ip6/64:ff9b::a00:1/tcp/1", 2),
        ("/ip6/::1/tcp/1", 3),
        ("/ip4/0.0.0.1/tcp/1", 3),
        ("/ip6/::2/tcp/1", 4),
    ],
    "deny port=0\ndeny port=80,4000-4999\ndeny port=65535\ndefault allow": [
        ("/ip4/1.2.3.4/tcp/0", 1),
        ("/ip4/1.2.3.4/tcp/80", 2),
        ("/ip4/1.2.3.4/udp/80/quic-v1", 2),
        ("/dns/example.com/sctp/80", 2),
        ("/ip4/1.2.3.4/dccp/4000", 2),
        ("/ip4/1.2.3.4/tcp/4999/tls/ws", 2),
        ("/ip4/1.2.3.4/tcp/3999", 4),
        ("/ip4/1.2.3.4/tcp/5000", 4),
        ("/ip4/1.2.3.4/tcp/65535", 3),
        ("/ip4/1.2.3.4/tcp/1/tcp/80", 4),
        ("/ip4/1.2.3.4/tls/tcp/80", 4),
        ("/tcp/80", 4),
        ("/onion/aaimaq4ygg2iegci:80", 4),
        ("/memory/80", 4),
        (f"/ip4/1.2.3.4/tcp/81/p2p/{BOB}/p2p-circuit/tcp/80", 4),
    ],
    "deny transport=ipfs\ndeny transport=ws,wss\ndeny transport=p2p-circuit\ndefault allow": [
        (f"/ip4/1.2.3.4/tcp/1/p2p/{BOB}", 1),
        ("/ip4/1.2.3.4/tcp/1/tls/ws", 2),
        ("/ip4/1.2.3.4/tcp/1/p2p-circuit/ws", 3),
        ("/ip4/1.2.3.4/tcp/1/p2p-circuit/p2p-circuit", 3),
        ("/ip4/1.2.3.4/tcp/1/http-path/ws", 4),
        ("/dns/ws/tcp/1", 4),
        ("/p2p-circuit", 3),
    ],
    # The order decides.
    "deny port=1-9\nallow port=5\ndefault deny": [("/ip4/1.2.3.4/tcp/5", 1), ("/ip4/1.2.3.4/tcp/10", 3)],
    "allow port=5\ndeny port=1-9\ndefault deny": [("/ip4/1.2.3.4/tcp/5", 1), ("/ip4/1.2.3.4/tcp/6", 2)],
    "allow port=5\ndeny\nallow port=6\ndefault allow": [("/ip4/1.2.3.4/tcp/5", 1), ("/ip4/1.2.3.4/tcp/6", 2)],
    "default deny": [("/ip4/1.2.3.4/tcp/5", 1)],
    "default allow": [("/ip4/1.2.3.4/tcp/5", 1)],
}
"""For each filter addresses, with the number of the line that decides."""


@pytest.mark.parametrize(
    ("text", "address", "number"), [(text, *case) for text, cases in VECTORS.items() for case in cases]
)
def test_the_line_that_decides(text: str, address: str, number: int) -> None:
    line = text.splitlines()[number - 1]
    rules = Filter.parse(text)
    decision = rules.decide(address)
    assert decision.allowed is line.removeprefix("default ").startswith("allow")
    if line.startswith("default"):
        assert decision.rule is None
    else:
        # The whole rule in its place: how many rules stand above it, comments aside.
        place = sum(not above.startswith("#") for above in text.splitlines()[: number - 1])
        assert decision.rule is rules.rules[place]
    for spelling in (Multiaddr(address), bytes(Multiaddr(address)), bytearray(bytes(Multiaddr(address)))):
        assert rules.decide(spelling) == decision
    assert rules.allows(address) is decision.allowed


def test_a_decision_has_names() -> None:
    decision = Filter.parse("default deny").decide("/tcp/1")
    assert decision == Decision(allowed=False, rule=None)
    assert tuple(decision) == (decision.allowed, decision.rule) == (False, None)


def test_the_empty_address_is_decided() -> None:
    nowhere = Multiaddr()
    assert Filter.parse("deny network=::/0,0.0.0.0/0\ndeny port=0-65535\ndefault allow").decide(nowhere).rule is None
    assert str(Filter.parse("deny scope=unknown\ndefault allow").decide(nowhere).rule) == "deny scope=unknown"


def test_filtering_many() -> None:
    rules = Filter.parse(NODE)
    addresses = ["/ip4/10.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/1", RELAYED]
    assert list(filter(rules.allows, addresses)) == ["/ip4/8.8.8.8/tcp/1"]


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ParseError, match="'foo' is no protocol"):
        Filter.parse("default allow").allows("/foo")
    with pytest.raises(TypeError, match="not from int"):
        Filter.parse("default allow").allows(1)  # type: ignore[arg-type]


def test_a_registry_of_ones_own_changes_no_rule() -> None:
    """Protocols that have only the names in common with those of the rules are decided, too."""
    odd = Registry(
        [
            Protocol(4, None, "ip4", "path"),
            Protocol(41, 32, "ip6", "ip4"),
            Protocol(6, None, "tcp", "percent"),
            Protocol(421, 0, "p2p"),
            Protocol(99, 0, "wg"),
        ]
    )
    rules = Filter.parse(f"deny network=0.0.0.0/0,::/0\ndeny port=1-65535\ndeny peer={BOB}\ndefault allow")
    assert rules.decide(Multiaddr("/ip4/a/wg", registry=odd)).rule is None
    assert rules.decide(Multiaddr("/ip6/1.2.3.4/p2p", registry=odd)).rule is None
    assert str(rules.decide(Multiaddr("/ip4/a/tcp/b", registry=odd)).rule) == "deny port=1-65535"
    assert rules.decide(Multiaddr("/ip4/a/tcp/bcd", registry=odd)).rule is None
    extended = REGISTRY.extended("99,0,wg,,")
    assert rules.decide(Multiaddr("/ip4/1.2.3.4/wg", registry=extended)).rule is rules.rules[0]


# Text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("deny\ndefault allow", "deny\ndefault allow"),
        ("\ufeffdeny\r\n\r\n  \t default\tallow  \r\n", "deny\ndefault allow"),
        ("deny port=1#80\n#\n # deny\ndefault allow#", "deny port=1\ndefault allow"),
        ("\n\n\ndefault deny\n# end", "default deny"),
        ("deny port=1-1,0080,5-6\ndefault allow", "deny port=1,80,5-6\ndefault allow"),
        (
            f"allow peer={ALICE_CID} scope=global transport=ipfs,tcp port=1 network=::/0\ndefault deny",
            f"allow network=::/0 port=1 transport=p2p,tcp scope=global peer={ALICE}\ndefault deny",
        ),
        (
            "deny network=10.0.0.0/08,192.0.2.1/32,FC00::/7,0:0::1,::ffff:a00:0/104,::ffff:1.2.3.4\ndefault allow",
            "deny network=10.0.0.0/8,192.0.2.1,fc00::/7,::1,::ffff:10.0.0.0/104,::ffff:1.2.3.4\ndefault allow",
        ),
        (
            "deny network=/ip4/10.0.0.0/ipcidr/8,/ip6/fc00::/ipcidr/7,/ip4/1.2.3.4,/ip6/::1/\ndefault allow",
            "deny network=10.0.0.0/8,fc00::/7,1.2.3.4,::1\ndefault allow",
        ),
    ],
)
def test_the_canonical_text(text: str, canonical: str) -> None:
    rules = Filter.parse(text)
    assert str(rules) == canonical
    assert Filter.parse(canonical) == rules


EVERY_SCOPE = ", ".join(scope.value for scope in Scope)
EVERY_PROTOCOL = ", ".join(protocol.name for protocol in REGISTRY)

FAULTS = [
    # the text, the offset, the reason, the hint
    ("", 0, "a filter ends with the line 'default allow' or 'default deny'", None),
    ("deny port=1\n", 12, "a filter ends with the line 'default allow' or 'default deny'", None),
    ("\n denny port=1", 2, "line 2: 'denny' is no action", "did you mean deny?"),
    ("Allow", 0, "line 1: 'Allow' is no action", "did you mean allow?"),
    ("defualt allow", 0, "line 1: 'defualt' is no action", "did you mean default?"),
    ("port=1", 0, "line 1: 'port=1' is no action", "there are allow, deny, default"),
    ("deny\xa0port=1", 0, "line 1: 'deny\\xa0port=1' is no action", "there are allow, deny, default"),
    ("deny\rdeny\r\n", 0, "line 1: 'deny\\rdeny' is no action", "did you mean deny?"),
    ("deny # all\n\ufeffdeny", 11, "line 2: '\\ufeffdeny' is no action", "did you mean deny?"),
    ("\ufeffdenny", 1, "line 1: 'denny' is no action", "did you mean deny?"),
    ("default", 7, "line 1: default is followed by allow or deny", None),
    ("default  # deny", 7, "line 1: default is followed by allow or deny", None),
    ("default alow", 8, "line 1: 'alow' is no action", "did you mean allow?"),
    ("default port=1", 8, "line 1: 'port=1' is no action", "there are allow, deny"),
    ("default allow port=1", 14, "line 1: nothing follows the default", None),
    ("default allow\r\ndeny port=1", 15, "line 2: nothing follows the default", None),
    ("default allow\n\ndefault deny", 15, "line 3: nothing follows the default", None),
    ("deny 80", 5, "line 1: '80' is no condition: it has no =", "no blanks stand around = and commas"),
    ("deny port =80", 5, "line 1: 'port' is no condition: it has no =", "no blanks stand around = and commas"),
    ("deny porz=80", 5, "line 1: 'porz' is no condition", "did you mean port?"),
    ("deny ports=80", 5, "line 1: 'ports' is no condition", "did you mean port?"),
    ("deny =80", 5, "line 1: '' is no condition", "there are network, port, transport, scope, peer"),
    ("deny port=1 scope=global port=2", 25, "line 1: port stands twice in the rule", "put commas between its values"),
    ("deny port=", 10, "line 1: port has an empty value", "no blanks stand around = and commas"),
    ("deny port=1, 2", 12, "line 1: port has an empty value", "no blanks stand around = and commas"),
    ("deny port=1,,2", 12, "line 1: port has an empty value", "no blanks stand around = and commas"),
    ("deny peer=,", 10, "line 1: peer has an empty value", "no blanks stand around = and commas"),
    *(
        (
            f"deny port=1,{port}",
            12,
            f"line 1: {port!r} is no port: a port is a number from 0 to 65535, a range two of them with - between",
            None,
        )
        for port in ["65536", "70000", "-1", "1-", "-", "1-2-3", "1-65536", "+1", "1_0", "٣", "http", "1=2"]
    ),
    ("deny port=9-1", 10, "line 1: '9-1' is no port: a range goes from the lower port to the higher one", None),
    ("deny transport=quick-v1", 15, "line 1: 'quick-v1' is no protocol", "did you mean quic-v1?"),
    ("deny transport=TCP", 15, "line 1: 'TCP' is no protocol", "did you mean tcp?"),
    ("deny transport=6", 15, "line 1: '6' is no protocol", f"there are {EVERY_PROTOCOL}"),
    ("deny scope=global,privat", 18, "line 1: 'privat' is no scope", "did you mean private?"),
    ("deny scope=LOOPBACK", 11, "line 1: 'LOOPBACK' is no scope", "did you mean loopback?"),
    ("deny scope=x", 11, "line 1: 'x' is no scope", f"there are {EVERY_SCOPE}"),
    ("deny peer=Qmx", 10, "line 1: 'Qmx' is no peer ID: a peer ID that begins with Qm has 46 characters, not 3", None),
    (
        "deny peer=f01701200",
        10,
        "line 1: 'f01701200' is no peer ID: a peer ID is a CID of codec libp2p-key, not 0x70",
        "is this content, not a peer?",
    ),
    (
        "\ndeny network=10.0.0.1/8",
        14,
        "line 2: '10.0.0.1/8' is no network: the address has bits behind the prefix",
        "write 10.0.0.0/8, or 10.0.0.1 for the one address",
    ),
    (
        "deny network=fc00::1/7",
        13,
        "line 1: 'fc00::1/7' is no network: the address has bits behind the prefix",
        "write fc00::/7, or fc00::1 for the one address",
    ),
    (
        "deny network=/ip6/::ffff:10.0.0.1/ipcidr/104",
        13,
        "line 1: '/ip6/::ffff:10.0.0.1/ipcidr/104' is no network: the address has bits behind the prefix",
        "write ::ffff:10.0.0.0/104, or ::ffff:10.0.0.1 for the one address",
    ),
    *(
        (
            f"deny network={text}",
            13,
            f"line 1: {text!r} is no network: the prefix of ip4 is a number from 0 to 32",
            None,
        )
        for text in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/255.0.0.0", "10.0.0.0/8/8", "/ip4/10.0.0.0/ipcidr/33"]
    ),
    ("deny network=::/129", 13, "line 1: '::/129' is no network: the prefix of ip6 is a number from 0 to 128", None),
    (
        "deny network=example.com",
        13,
        "line 1: 'example.com' is no network: an IPv4 address is four decimal numbers with dots between",
        None,
    ),
    ("deny network=10/8", 13, "line 1: '10/8' is no network: an IPv4 address has four octets", None),
    ("deny network=010.0.0.0/8", 13, "line 1: '010.0.0.0/8' is no network: an octet has no leading zeros", None),
    ("deny network=fe80::%eth0/64", 13, "line 1: 'fe80::%eth0/64' is no network: an IPv6 address has no zone", None),
    ("deny network=[::1]", 13, "line 1: '[::1]' is no network: an IPv6 address has no brackets here", None),
    *(
        (
            f"deny network={text}",
            13,
            f"line 1: {text!r} is no network: that is ip4 or ip6, with or without ipcidr behind it",
            None,
        )
        for text in ["/dns/example.com", "/ip4/1.2.3.4/tcp/80", "/ip4/1.2.3.0/ipcidr/24/tcp/80", "/ipcidr/8"]
    ),
    ("deny network=/ip4/1.2.3.400", 18, "line 1: '1.2.3.400' is no value for ip4: an octet is over 255", None),
]


@pytest.mark.parametrize(("text", "offset", "reason", "hint"), FAULTS, ids=[fault[0] or "nothing" for fault in FAULTS])
def test_a_fault_says_what_and_where(text: str, offset: int, reason: str, hint: str | None) -> None:
    # A text that is right up to its end is also faulty: so the default follows where the fault comes before.
    source = text if "a filter ends" in reason or "default" in text else f"{text}\ndefault allow"
    with pytest.raises(ParseError) as caught:
        Filter.parse(source)
    error = caught.value
    assert (error.reason, error.source, error.offset, error.hint) == (reason, source, offset, hint)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_message() -> None:
    with pytest.raises(ParseError) as caught:
        Filter.parse("deny port=1\r\ndeny scope=privat # of a site\r\ndefault allow")
    assert str(caught.value) == (
        r"'deny port=1\r\ndeny scope=privat # of a site\r\ndefault allow': "
        "line 2: 'privat' is no scope (at character 24); did you mean private?"
    )


def test_text_of_a_subclass_is_its_characters() -> None:
    class Text(str):
        def startswith(self, *prefixes: Any) -> bool:
            return not super().startswith(*prefixes)

    assert Filter.parse(Text("default allow")) == Filter([], default="allow")
    assert str(Rule("deny", networks=[Text("::1")], transports=[Text("tcp")])) == "deny network=::1 transport=tcp"


@pytest.mark.parametrize("text", [b"default allow", None, ["default allow"]])
def test_a_filter_is_read_from_text_only(text: Any) -> None:
    with pytest.raises(TypeError, match=f"^a filter is read from text, not from {type(text).__name__}$"):
        Filter.parse(text)


# Python


def test_the_python_form_equals_the_text() -> None:
    assert Filter.parse(NODE) == Filter(
        [
            Rule("allow", peers=[PeerId(ALICE)]),
            Rule("deny", scopes=[Scope.PRIVATE, "loopback", Scope.LINK_LOCAL]),
            Rule("deny", networks=["203.0.113.0/24", "2001:db8::/32"], ports=[range(1, 1024)], transports=["tcp"]),
            Rule("deny", transports=["p2p-circuit"]),
        ],
        default="allow",
    )


@pytest.mark.parametrize(
    ("field", "spellings", "value"),
    [
        ("networks", ["10.0.0.0/8", IPv4Network("10.0.0.0/8"), Multiaddr("/ip4/10.0.0.0/ipcidr/8")], None),
        ("networks", ["10.0.0.1", IPv4Address("10.0.0.1"), IPv4Interface("10.0.0.1")], IPv4Network("10.0.0.1")),
        ("networks", ["::1", IPv6Address("::1"), IPv6Interface("::1"), IPv6Network("::1")], IPv6Network("::1")),
        ("networks", [IPv6Network("::ffff:1.2.3.0/120")], IPv6Network("::ffff:102:300/120")),
        ("ports", [80, "80", "080", "80-80", range(80, 81)], range(80, 81)),
        ("ports", ["0-65535", range(65536)], range(65536)),
        ("transports", ["p2p", "ipfs", 421, REGISTRY["p2p"]], "p2p"),
        ("scopes", ["link-local", Scope.LINK_LOCAL], Scope.LINK_LOCAL),
        ("peers", [ALICE, ALICE_CID, bytes(PeerId(ALICE)), PeerId(ALICE)], PeerId(ALICE)),
    ],
)
def test_the_spellings_of_a_value(field: str, spellings: list[Any], value: object) -> None:
    expected = (IPv4Network("10.0.0.0/8") if value is None else value,)
    for spelling in spellings:
        rule = Rule("deny", **{field: [spelling]})
        assert getattr(rule, field) == expected
        assert rule == Rule("deny", **{field: iter(expected)})  # type: ignore[arg-type]
        assert type(getattr(rule, field)[0]) is type(expected[0])


def test_the_facts_of_a_rule() -> None:
    rule = Rule("deny", ports=[80])
    assert (rule.action, rule.networks, rule.ports) == ("deny", None, (range(80, 81),))
    assert (rule.transports, rule.scopes, rule.peers) == (None, None, None)
    assert str(rule) == "deny port=80"
    assert repr(rule) == "Rule('deny', ports=['80'])"
    with pytest.raises(AttributeError, match="immutable"):
        rule.action = "allow"  # type: ignore[misc]
    rules = Filter([rule], default="allow")
    assert (rules.rules, rules.default) == ((rule,), "allow")
    assert repr(rules) == "Filter([Rule('deny', ports=['80'])], default='allow')"
    with pytest.raises(AttributeError, match="immutable"):
        rules.default = "deny"  # type: ignore[misc]


def test_what_makes_two_filters_differ() -> None:
    rule, other = Rule("deny", ports=[80]), Rule("deny", ports=[81])
    assert rule != other
    assert rule != Rule("allow", ports=[80])
    assert rule != Rule("deny", ports=[80], scopes=["global"])
    assert Filter([rule, other], default="deny") != Filter([other, rule], default="deny")
    assert Filter([rule], default="deny") != Filter([rule], default="allow")
    assert len({Filter([rule], default="deny"), Filter([Rule("deny", ports=["80"])], default="deny")}) == 1


def denying(field: str) -> Callable[[Any], object]:
    return lambda values: Rule("deny", **{field: values})


def denying_rest(rules: Any) -> object:
    return Filter(rules, default="deny")


def defaulting(action: Any) -> object:
    return Filter([], default=action)


NO_PORT = "a port is a number from 0 to 65535, a range two of them with - between"
NO_TYPE_OF_A_PORT = "a port is a number, text or a range without steps"
TEN = "the address has bits behind the prefix; write 10.0.0.0/8, or 10.0.0.1 for the one address"
NO_VALUES = "has no values: no address would match; leave it out to match any"

MISTAKES: list[tuple[Callable[[Any], object], Any, type[Exception], str]] = [
    (Rule, True, TypeError, "an action is 'allow' or 'deny', not bool"),
    (Rule, "drop", ParseError, "'drop' is no action; there are allow, deny"),
    (Rule, "default", ParseError, "'default' is no action; there are allow, deny"),
    (denying("networks"), [], ValueError, f"networks {NO_VALUES}"),
    (denying("peers"), iter(()), ValueError, f"peers {NO_VALUES}"),
    (denying("networks"), "10.0.0.0/8", TypeError, "networks is a list of values, not str"),
    (denying("networks"), IPv4Network("10.0.0.0/8"), TypeError, "networks is a list of values, not IPv4Network"),
    (denying("networks"), IPv6Network("::/0"), TypeError, "networks is a list of values, not IPv6Network"),
    (denying("networks"), Multiaddr("/ip4/1.2.3.4"), TypeError, "networks is a list of values, not Multiaddr"),
    (denying("ports"), 80, TypeError, "ports is a list of values, not int"),
    (denying("ports"), range(1, 80), TypeError, "ports is a list of values, not range"),
    (denying("ports"), b"PQ", TypeError, "ports is a list of values, not bytes"),
    (denying("networks"), [10], TypeError, "a network is text, an object of ipaddress or a Multiaddr, not int"),
    (denying("networks"), [IPv4Interface("10.0.0.1/8")], ParseError, f"'10.0.0.1/8' is no network: {TEN}"),
    (denying("networks"), [IPv6Address("::%a")], ParseError, "'::%a' is no network: an IPv6 address has no zone"),
    (denying("ports"), [70000], ParseError, f"'70000' is no port: {NO_PORT}"),
    (denying("ports"), [-1], ParseError, f"'-1' is no port: {NO_PORT}"),
    (denying("ports"), [10**5000], ParseError, f"'<huge int>' is no port: {NO_PORT}"),
    (denying("ports"), [range(10**5000)], ParseError, f"'0-<huge int>' is no port: {NO_PORT}"),
    (denying("ports"), [range(-1, 5)], ParseError, f"'-1-4' is no port: {NO_PORT}"),
    (
        denying("ports"),
        [range(5, 5)],
        ParseError,
        "'5-4' is no port: a range goes from the lower port to the higher one",
    ),
    (denying("ports"), [range(1, 9, 2)], TypeError, f"{NO_TYPE_OF_A_PORT}, not 'range(1, 9, 2)'"),
    (denying("ports"), [True], TypeError, f"{NO_TYPE_OF_A_PORT}, not 'True'"),
    (denying("ports"), [8.0], TypeError, f"{NO_TYPE_OF_A_PORT}, not '8.0'"),
    (denying("transports"), [7], ParseError, f"'7' is no protocol; there are {EVERY_PROTOCOL}"),
    (
        denying("transports"),
        [b"tcp"],
        TypeError,
        "a protocol is looked up by its name, its code or a Protocol, not by bytes",
    ),
    (denying("scopes"), ["hosts"], ParseError, "'hosts' is no scope; did you mean host?"),
    (denying("scopes"), [1], TypeError, "a scope is a Scope or its name, not int"),
    (denying("peers"), [""], ParseError, "'' is no peer ID: a peer ID has at least one character"),
    (denying("peers"), [1], TypeError, "a peer ID is read from text or bytes, not from int"),
    (denying_rest, "default deny", TypeError, "a filter is made of Rules; Filter.parse reads text"),
    (denying_rest, ["deny"], TypeError, "a filter is made of Rules, not of str"),
    (defaulting, "no", ParseError, "'no' is no action; there are allow, deny"),
    (defaulting, None, TypeError, "an action is 'allow' or 'deny', not NoneType"),
]


@pytest.mark.parametrize(("make", "value", "error", "message"), MISTAKES)
def test_everything_is_checked_when_it_is_made(
    make: Callable[[Any], object], value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        make(value)
    assert type(caught.value) is error
    assert str(caught.value).split(" (at character")[0] == message


def test_the_default_has_to_be_said() -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'default'"):
        Filter([])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# Laws

HOSTS = ["10.1.2.3", "203.0.113.9", "8.8.8.8", "127.0.0.1"]
FRONTS = [
    *(f"/ip4/{host}" for host in HOSTS),
    *(f"/ip6/::ffff:{host}" for host in HOSTS),
    *(f"/ip6/{address}" for address in ["::1", "fe80::1", "2001:db8::1", "2a00::1"]),
    *(f"/ip6/{address}" for address in ["2002:a01:203::", "64:ff9b::808:808", "2001::f5fe:fdfc"]),
    "/ip6zone/eth0/ip6/fe80::1",
    "/dns/10.1.2.3",
    "/dns4/example.com",
    "/unix/a",
]  # fmt: skip
ADDRESSES = multiaddrs() | st.builds(
    lambda *parts: Multiaddr("".join(parts)),
    st.sampled_from(FRONTS),
    st.sampled_from(["", "/tcp/22", "/tcp/80", "/udp/4001", "/udp/443"]),
    st.sampled_from(["", "/ws", "/quic-v1", "/tls/ws"]),
    st.sampled_from(["", f"/p2p/{ALICE}", f"/p2p/{BOB}"]),
    st.sampled_from(["", "/p2p-circuit", "/p2p-circuit/ip4/10.1.2.3/tcp/80/ws"]),
    st.sampled_from(["", f"/p2p/{ALICE}", f"/p2p/{BOB}"]),
)

NETWORKS = st.sampled_from(["10.0.0.0/8", "203.0.113.0/24", "8.8.8.8", "::1", "2001:db8::/32", "::/0", "0.0.0.0/1"])
RANDOM_NETWORKS = st.builds(
    lambda raw, prefix: str(ip_network((raw, prefix % (8 * len(raw) + 1)), strict=False)),
    st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16),
    st.integers(0, 128),
)
PORTS = st.builds(lambda *ends: f"{min(ends)}-{max(ends)}", st.integers(0, 65535), st.integers(0, 65535))
VALUES: dict[str, st.SearchStrategy[str]] = {
    "network": NETWORKS | RANDOM_NETWORKS,
    "port": st.sampled_from(["22", "80", "4001", "400-500"]) | PORTS,
    "transport": st.sampled_from(["tcp", "udp", "ws", "quic-v1", "p2p-circuit", "dns", "ip6", "p2p"])
    | st.sampled_from([protocol.name for protocol in REGISTRY]),
    "scope": st.sampled_from([scope.value for scope in Scope]),
    "peer": st.sampled_from([ALICE, BOB, ALICE_CID]),
}
CONDITIONS = st.fixed_dictionaries({}, optional={key: st.lists(VALUES[key], min_size=1, max_size=3) for key in VALUES})
RULES = st.tuples(st.sampled_from(["allow", "deny"]), CONDITIONS)
FILTERS = st.tuples(st.lists(RULES, max_size=5), st.sampled_from(["allow", "deny"]))
"""What is said, as text in lists: a filter without the library."""


def written(said: tuple[list[tuple[str, dict[str, list[str]]]], str]) -> str:
    rules, default = said
    lines = [
        " ".join([action, *(f"{key}={','.join(values)}" for key, values in conditions.items())])
        for action, conditions in rules
    ]
    return "\n".join([*lines, f"default {default}"])


def holds(key: str, value: str, address: Multiaddr) -> bool:
    """Say whether one value of one condition fits, by other means than the package."""
    names = [component.name for component in address]
    front = list(address)[names[:1] == ["ip6zone"] :]
    if key == "network":
        if not front or front[0].name not in ("ip4", "ip6"):
            return False
        host: Any = front[0].typed_value
        hosts = [host]
        if host.version == 6:
            hosts += [host.ipv4_mapped, host.sixtofour, (host.teredo or [None, None])[1]]
            if host in IPv6Network("64:ff9b::/96") or host in IPv6Network("64:ff9b:1::/48"):
                hosts.append(IPv4Address(int(host) % 2**32))
        return any(one is not None and one in ip_network(value) for one in hosts)
    if key == "port":
        if front[:1] == [] or front[0].name not in ("ip4", "ip6", "dns", "dns4", "dns6"):
            return False
        if len(front) < 2 or front[1].name not in ("tcp", "udp", "sctp", "dccp"):
            return False
        lowest, _, highest = value.partition("-")
        return int(lowest) <= int(str(front[1].value)) <= int(highest or lowest)
    if key == "transport":
        return value in str.partition(" ".join(names) + " ", "p2p-circuit ")[0].split() or (
            value == "p2p-circuit" and "p2p-circuit" in names
        )
    if key == "scope":
        return scope(address).scope.value == value
    after = names[::-1].index("p2p-circuit") if "p2p-circuit" in names else len(names)
    peers = [component.value for component in list(address)[len(names) - after :] if component.name == "p2p"]
    return peers[-1:] == [ALICE if value == ALICE_CID else value]


@given(FILTERS, ADDRESSES)
def test_the_first_rule_that_holds_decides(
    said: tuple[list[tuple[str, dict[str, list[str]]]], str], address: Multiaddr
) -> None:
    rules, default = said
    matching = [
        (action, place)
        for place, (action, conditions) in enumerate(rules)
        if all(any(holds(key, value, address) for value in values) for key, values in conditions.items())
    ]
    expected, place = [*matching, (default, None)][0]
    parsed = Filter.parse(written(said))
    decision = parsed.decide(address)
    assert decision.allowed is (expected == "allow")
    assert decision.rule is (None if place is None else parsed.rules[place])


@given(FILTERS)
def test_what_was_written_is_read(said: tuple[list[tuple[str, dict[str, list[str]]]], str]) -> None:
    rules = Filter.parse(written(said))
    assert Filter.parse(str(rules)) == rules
    assert str(Filter.parse(str(rules))) == str(rules)
    assert eval(repr(rules)) == rules
    assert pickle.loads(pickle.dumps(rules)) == rules == copy.deepcopy(rules)
    assert hash(pickle.loads(pickle.dumps(rules))) == hash(rules)
    fields = [(action, {f"{key}s": values for key, values in said.items()}) for action, said in said[0]]
    assert Filter([Rule(action, **values) for action, values in fields], default=said[1]) == rules  # type: ignore[arg-type]


@given(FILTERS, ADDRESSES)
def test_a_filter_that_was_pickled_decides_alike(
    said: tuple[list[tuple[str, dict[str, list[str]]]], str], address: Multiaddr
) -> None:
    rules = Filter.parse(written(said))
    assert pickle.loads(pickle.dumps(rules)).decide(address) == rules.decide(address)


@given(ADDRESSES)
def test_a_mapped_address_is_in_no_fewer_networks(address: Multiaddr) -> None:
    """Whatever IPv4 address a rule denies, it denies in each of its IPv6 forms."""
    if address[0].name != "ip4":
        return
    raw = address[0].raw_value
    denied = Filter([Rule("deny", networks=[IPv4Address(raw)])], default="allow")
    for form in (
        bytes(10) + b"\xff\xff" + raw,
        b"\x20\x02" + raw + bytes(10),
        bytes.fromhex("0064ff9b") + bytes(8) + raw,
        bytes.fromhex("0064ff9b0001") + bytes(6) + raw,
        bytes.fromhex("20010000") + bytes(8) + bytes(byte ^ 0xFF for byte in raw),
    ):
        assert not denied.allows(Multiaddr(b"\x29" + form + bytes(address[1:])))


@given(st.text() | st.text("alowdenyfut port=1-,#\n\r\t\ufeff", max_size=40))
def test_any_text_is_a_filter_or_a_fault(text: str) -> None:
    try:
        rules = Filter.parse(text)
    except ParseError as error:
        assert 0 <= error.offset <= len(text)
        assert error.source == text
        assert str(error).isprintable()
    else:
        assert Filter.parse(str(rules)) == rules


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "deny " * 200_000,
        "deny port=" + "1," * 500_000,
        "deny port=" + "1" * 1_000_000,
        "deny network=" + "1." * 500_000,
        "deny network=" + ":" * 1_000_000,
        "deny network=" + "/ip4/1.2.3.4" * 80_000,
        "deny network=1.2.3.4/" + "1" * 1_000_000,
        "deny transport=" + "t" * 1_000_000,
        "deny scope=" + "private" * 150_000,
        "deny peer=" + "z" * 1_000_000,
        "deny peer=Qm" + "1" * 1_000_000,
        "\n" * 1_000_000,
        "#" * 1_000_000,
        " " * 1_000_000,
        "\r" * 1_000_000,
        "deny\n" * 100_000,
        "default allow\n" * 80_000,
        "deny " + "port=1 " * 150_000,
        "deny " + "=" * 1_000_000,
    ],
    ids=lambda text: f"{text[:20]!r}",
)
def test_a_million_characters_are_refused_with_a_short_message(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        Filter.parse(text)
    assert len(str(caught.value)) < 1_000


def test_a_million_characters_that_are_right() -> None:
    text = "deny port=1 " + "# " * 250_000 + "\n" + "deny port=2,3\n" * 10_000 + "default allow"
    rules = Filter.parse(text)
    assert len(rules.rules) == 10_001
    assert rules.decide("/ip4/1.2.3.4/tcp/3").rule == Rule("deny", ports=[2, 3])
    assert rules.decide("/ip4/1.2.3.4/tcp/4").rule is None
