"""Endpoints: what each stack gives, what has none and what is said then, and names of hosts."""

from __future__ import annotations

import pickle
import socket

import pytest
from conformance import CONFORMANCE, needs_conformance
from hypothesis import given
from hypothesis import strategies as st

from multiaddr_py import REGISTRY, ConversionError, Multiaddr, ParseError
from multiaddr_py.net import Endpoint
from multiaddr_py.net import endpoint as endpoint_module
from multiaddr_py.net._names import fault_of_name
from multiaddr_py.net._stacks import FAMILIES, NO_SOCKET, STANDS_ON, TRANSPORTS
from multiaddr_py.strategies import multiaddrs

PEER = "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
RELAY = "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
IP4, IP6, ANY, UNIX = socket.AF_INET, socket.AF_INET6, socket.AF_UNSPEC, socket.AF_UNIX
STREAM, DATAGRAM, TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.IPPROTO_TCP, socket.IPPROTO_UDP

HOSTS = {
    "/ip4/192.0.2.1": (IP4, "192.0.2.1", None, False),
    "/ip6/2001:db8::1": (IP6, "2001:db8::1", None, False),
    "/ip6/::ffff:192.0.2.1": (IP6, "::ffff:192.0.2.1", None, False),
    "/ip6zone/eth0/ip6/fe80::1": (IP6, "fe80::1", "eth0", False),
    "/ip6zone/1/ip6/::1": (IP6, "::1", "1", False),
    "/dns/example.com": (ANY, "example.com", None, True),
    "/dns4/example.com": (IP4, "example.com", None, True),
    "/dns6/localhost": (IP6, "localhost", None, True),
    "/dns6/_x-1.example.com.": (IP6, "_x-1.example.com.", None, True),
}
SOCKETS = {
    "/tcp/80": (STREAM, TCP, 80),
    "/udp/0": (DATAGRAM, UDP, 0),
    "/sctp/65535": (STREAM, 132, 65535),
    "/dccp/1": (6, 33, 1),
}
RESTS = {
    "/tcp/80": [
        "",
        "/ws",
        "/tls/sni/example.com/ws",
        "/http/http-path/a%2Fb",
        "/x-parity-wss/%2Fa",
        "/ip4/192.0.2.9/udp/1",
        "/unix/%2Fa",
        f"/p2p/{PEER}",
        f"/p2p/{RELAY}/p2p-circuit/ip4/192.0.2.9/tcp/1/p2p/{PEER}",
        f"/ws/p2p/{RELAY}/p2p-circuit/webrtc/p2p/{PEER}",
        "/p2p-circuit/quic-v1",
    ],
    "/udp/0": ["", "/quic-v1", "/quic/webtransport", "/quic-v1/webtransport", "/utp", "/webrtc-direct", "/p2p-circuit"],
    "/sctp/65535": ["", "/ws", "/noise"],
    "/dccp/1": ["", f"/p2p/{PEER}"],
}
PATHS = {
    "/unix/%2Frun%2Fa.sock": b"/run/a.sock",
    "/unix/stdio": b"stdio",
    "/unix/%00abstract": b"\0abstract",
    "/unix/%00a%00b": b"\0a\0b",
    "/unix/%FF": b"\xff",
    "/unix/" + "x" * 108: b"x" * 108,
}


@pytest.mark.parametrize("transport", SOCKETS)
@pytest.mark.parametrize("host", HOSTS)
def test_hosts_stand_below_transports(host: str, transport: str) -> None:
    family, name, zone, is_name = HOSTS[host]
    kind, proto, port = SOCKETS[transport]
    for rest in RESTS[transport]:
        endpoint = Endpoint.from_multiaddr(f"{host}{transport}{rest}")
        assert (endpoint.family, endpoint.type, endpoint.proto) == (family, kind, proto)
        assert (endpoint.host, endpoint.port, endpoint.zone, endpoint.path) == (name, port, zone, None)
        assert endpoint.is_name is is_name
        assert str(endpoint.address) == host + transport
        assert str(endpoint.rest) == rest


def test_the_table_above_has_all_of_the_package() -> None:
    assert {Multiaddr(host)[-1].name for host in HOSTS} == set(FAMILIES)
    assert {Multiaddr(transport)[0].name for transport in SOCKETS} == set(TRANSPORTS)


@pytest.mark.parametrize("rest", ["", "/http", f"/p2p/{PEER}", f"/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"])
@pytest.mark.parametrize("text", PATHS)
def test_unix_is_a_path(text: str, rest: str) -> None:
    endpoint = Endpoint.from_multiaddr(text + rest)
    assert (endpoint.family, endpoint.type, endpoint.proto) == (UNIX, STREAM, 0)
    assert (endpoint.host, endpoint.port, endpoint.zone, endpoint.is_name) == (None, None, None, False)
    assert endpoint.path == endpoint.sockaddr() == PATHS[text]
    assert (str(endpoint.address), str(endpoint.rest)) == (text, rest)


A_PORT = "put /tcp/PORT or /udp/PORT behind it"
TOR = "connect to Tor's SOCKS proxy, and ask it for the service"
I2P = "connect to the bridge of an I2P router"
ONION3 = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd"
A_HOST = "put a host in front, as in /ip4/192.0.2.1/tcp/4001"
CHARACTERS = "a host name has letters, digits, hyphens and dots"
FAULTS: dict[str, tuple[str, str | None]] = {
    "/ip4/192.0.2.1": ("ip4 has no port", A_PORT),
    "/ip6/::1/ipcidr/64": ("ip6 has no port", A_PORT),
    "/ip4/192.0.2.1/unix/%2Fa": ("ip4 has no port", A_PORT),
    "/ip4/192.0.2.1/memory/1/tcp/80": ("ip4 has no port", A_PORT),
    f"/dns/example.com/p2p/{PEER}": ("dns has no port", A_PORT),
    "/dns4/example.com/https": ("dns4 has no port", "put /tcp/443 behind it"),
    "/dns4/example.com/wss": ("dns4 has no port", "put /tcp/443 behind it"),
    "/dns4/example.com/tls/ws": ("dns4 has no port", "put /tcp/443 behind it"),
    "/dns4/example.com/ws": ("dns4 has no port", "put /tcp/80 behind it"),
    "/ip4/192.0.2.1/quic-v1": ("ip4 has no port", "put /udp/PORT behind it"),
    "/ip4/192.0.2.1/noise": ("ip4 has no port", "put /tcp/PORT behind it"),
    f"/p2p/{PEER}": NO_SOCKET["p2p"],
    f"/p2p/{RELAY}/p2p-circuit/ip4/192.0.2.1/tcp/80": NO_SOCKET["p2p"],
    f"/p2p-circuit/p2p/{PEER}": ("the relay's own address is missing", "put it in front of p2p-circuit"),
    "/p2p-circuit/ip4/192.0.2.1/tcp/80": ("the relay's own address is missing", "put it in front of p2p-circuit"),
    "/dnsaddr/example.com/tcp/80": (
        "dnsaddr stands for whatever addresses its TXT records have",
        "look them up, and use one of those",
    ),
    "/onion/timaq4ygg2iegci7:1234": ("a Tor service is reached through Tor only", TOR),
    f"/onion3/{ONION3}:1234": ("a Tor service is reached through Tor only", TOR),
    f"/garlic32/{'a' * 52}": ("an I2P destination is reached through I2P only", I2P),
    f"/garlic64/{'A' * 516}": ("an I2P destination is reached through I2P only", I2P),
    "/memory/7": ("memory is the inside of one process", "use /ip4/127.0.0.1/tcp/PORT or /unix/PATH"),
    "/http-path/a": NO_SOCKET["http-path"],
    "/ip6zone/eth0": ("a zone belongs to an IPv6 address", "put /ip6/ADDRESS behind it"),
    "/ip6zone/eth0/ip4/192.0.2.1/tcp/80": ("a zone belongs to an IPv6 address", "put /ip6/ADDRESS behind it"),
    "/ip6zone/eth0/ip6zone/eth0/ip6/::1/tcp/80": NO_SOCKET["ip6zone"],
    "/ip6zone/eth0/ip6/fe80::1": ("ip6 has no port", A_PORT),
    "/tcp/80": ("tcp does not say where", A_HOST),
    "/ws": ("ws does not say where", A_HOST),
    "/sni/example.com": ("sni does not say where", A_HOST),
    "/ip4/192.0.2.1/tcp/80/quic-v1": ("quic-v1 runs over udp, not over tcp", None),
    "/ip4/192.0.2.1/tcp/80/quic": ("quic runs over udp, not over tcp", None),
    "/ip4/192.0.2.1/tcp/80/webrtc-direct": ("webrtc-direct runs over udp, not over tcp", None),
    "/ip4/192.0.2.1/udp/80/webtransport": ("webtransport runs over quic-v1 or quic, not over udp", None),
    "/ip4/192.0.2.1/udp/80/ws": ("ws runs over tcp, sctp or unix, not over udp", None),
    "/ip4/192.0.2.1/tcp/80/tcp/80": ("tcp runs over ip4, ip6, dns, dns4 or dns6, not over tcp", None),
    "/unix/a/quic-v1": ("quic-v1 runs over udp, not over unix", None),
    "/unix/a/tcp/80": ("tcp runs over ip4, ip6, dns, dns4 or dns6, not over unix", None),
    "/unix/" + "x" * 109: ("the path of a socket has at most 108 bytes", None),
    "/unix/a%00b": ("the path of a socket has no zero byte", "an abstract one begins with it: /unix/%00NAME"),
    "/dns/münchen.example/tcp/80": ("a host name in DNS is ASCII", "write its A-labels, xn--…"),
    "/dns/127.0.0.1/tcp/80": ("a host name does not end in a number", "use ip4"),
    "/dns/127.1/tcp/80": ("a host name does not end in a number", "use ip4"),
    "/dns/2130706433./tcp/80": ("a host name does not end in a number", "use ip4"),
    "/dns/a.0X7F000001/tcp/80": ("a host name does not end in a number", "use ip4"),
    "/dns/0x/tcp/80": ("a host name does not end in a number", "use ip4"),
    "/dns6/::1/tcp/80": (CHARACTERS, "use ip6"),
    "/dns6/fe80::1%eth0/tcp/80": (CHARACTERS, "use ip6"),
    "/dns/a b/tcp/80": (CHARACTERS, None),
    "/dns/a\0/tcp/80": (CHARACTERS, None),
    "/dns/-/tcp/80": (CHARACTERS, None),
    "/dns/*.example.com/tcp/80": (CHARACTERS, None),
    "/dns/./tcp/80": ("a label of a host name has 1 to 63 characters", None),
    "/dns/a..b/tcp/80": ("a label of a host name has 1 to 63 characters", None),
    "/dns/.a/tcp/80": ("a label of a host name has 1 to 63 characters", None),
    f"/dns/{'a' * 64}.example/tcp/80": ("a label of a host name has 1 to 63 characters", None),
    f"/dns/{'a.' * 126}ab/tcp/80": ("a host name has at most 253 characters", None),
    f"/dns/{'a.' * 500_000}a/tcp/80": ("a host name has at most 253 characters", None),
}


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: text[:60])
def test_what_has_no_endpoint_is_told_what_is_missing(text: str) -> None:
    for address in (Multiaddr(text), text, bytes(Multiaddr(text))):
        with pytest.raises(ConversionError) as caught:
            Endpoint.from_multiaddr(address)
        assert (caught.value.reason, caught.value.hint) == FAULTS[text]
        assert caught.value.source == str(Multiaddr(text))
    assert len(str(caught.value)) < 300


def test_a_message_is_the_address_the_reason_and_the_hint() -> None:
    with pytest.raises(ConversionError) as caught:
        Endpoint.from_multiaddr("/dns4/example.com/https")
    assert str(caught.value) == "'/dns4/example.com/https': dns4 has no port; put /tcp/443 behind it"


def test_the_empty_address_has_no_endpoint() -> None:
    with pytest.raises(ConversionError, match=r"^'': the empty address says nothing$"):
        Endpoint.from_multiaddr(Multiaddr())


def test_every_protocol_that_begins_an_address_is_a_host_or_is_refused() -> None:
    begins = {text.split("/")[1] for text in FAULTS} | {*NO_SOCKET}
    assert begins | {*FAMILIES, "unix"} >= {*NO_SOCKET, *FAMILIES}
    assert {name for names in STANDS_ON.values() for name in names} <= {protocol.name for protocol in REGISTRY}
    assert {*STANDS_ON, *NO_SOCKET, *FAMILIES, *TRANSPORTS} <= {protocol.name for protocol in REGISTRY}


def test_what_is_no_address_is_told_so() -> None:
    with pytest.raises(ParseError):
        Endpoint.from_multiaddr("127.0.0.1:80")
    with pytest.raises(TypeError):
        Endpoint.from_multiaddr(80)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^an endpoint is read from an address: Endpoint.from_multiaddr\(address\)$"):
        Endpoint()
    with pytest.raises(TypeError, match=r"^an endpoint is read from an address"):
        Endpoint("/ip4/192.0.2.1/tcp/80")  # type: ignore[arg-type]


def test_the_longest_names_are_read() -> None:
    label = "a" * 63
    for name in (f"{label}.{label}.{label}.{'b' * 61}", f"{label}.{label}.{label}.{'b' * 61}.", "a." * 126 + "a"):
        assert fault_of_name(name) is None
        assert Endpoint.from_multiaddr(f"/dns/{name}/tcp/1").host == name


def test_without_unix_sockets_a_path_has_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_module, "_AF_UNIX", None)
    with pytest.raises(ConversionError) as caught:
        Endpoint.from_multiaddr("/unix/%2Fa")
    assert caught.value.reason == "this platform's Python has no Unix sockets"


def test_sockaddr_is_what_sockets_take() -> None:
    assert Endpoint.from_multiaddr("/ip4/192.0.2.1/udp/53").sockaddr() == ("192.0.2.1", 53)
    assert Endpoint.from_multiaddr("/ip6/2001:db8::1/tcp/80/ws").sockaddr() == ("2001:db8::1", 80, 0, 0)
    assert Endpoint.from_multiaddr("/ip6zone/7/ip6/fe80::1/tcp/80").sockaddr() == ("fe80::1", 80, 0, 7)
    index, name = socket.if_nameindex()[0]
    assert Endpoint.from_multiaddr(f"/ip6zone/{name}/ip6/fe80::1/tcp/80").sockaddr() == ("fe80::1", 80, 0, index)


@pytest.mark.parametrize("zone", ["nonexistent", "0x1", "1234567890", "٣", "a\0b", "-1", "\ud7ff" * 40])
def test_a_zone_that_is_not_here_is_named_with_those_that_are(zone: str) -> None:
    endpoint = Endpoint.from_multiaddr(f"/ip6zone/{zone}/ip6/fe80::1/tcp/80")
    with pytest.raises(ConversionError) as caught:
        endpoint.sockaddr()
    assert caught.value.reason.startswith("there is no interface '")
    assert caught.value.hint == "there are " + ", ".join(name for _, name in socket.if_nameindex())
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("host", ["fe80::1", "febf:ffff::1"])
def test_a_link_local_address_needs_a_zone(host: str) -> None:
    with pytest.raises(ConversionError, match=r"a link-local address needs a zone; put /ip6zone/INTERFACE in front$"):
        Endpoint.from_multiaddr(f"/ip6/{host}/tcp/80").sockaddr()
    assert Endpoint.from_multiaddr("/ip6/fec0::1/tcp/80").sockaddr() == ("fec0::1", 80, 0, 0)


def test_sockaddr_is_for_the_family_of_a_socket() -> None:
    ip4 = Endpoint.from_multiaddr("/ip4/192.0.2.1/udp/53")
    assert ip4.sockaddr(IP4) == ("192.0.2.1", 53)
    assert ip4.sockaddr(IP6) == ("::ffff:192.0.2.1", 53, 0, 0)
    assert Endpoint.from_multiaddr("/unix/%2Fa").sockaddr(UNIX) == b"/a"
    for text, family in ("/ip6/::1/udp/53", IP4), ("/unix/%2Fa", IP4), ("/ip4/192.0.2.1/udp/53", UNIX):
        with pytest.raises(ConversionError, match=r"a socket of another family cannot use it$"):
            Endpoint.from_multiaddr(text).sockaddr(family)
    with pytest.raises(ConversionError, match="is a name"):
        Endpoint.from_multiaddr("/dns/localhost/udp/53").sockaddr(IP4)


def test_a_name_has_no_sockaddr_before_it_is_looked_up() -> None:
    with pytest.raises(ConversionError, match=r"localhost is a name; resolve\(\) gives its addresses$"):
        Endpoint.from_multiaddr("/dns/localhost/tcp/80").sockaddr()


def test_names_are_looked_up_in_the_resolvers_order(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def look_up(*arguments: object) -> list[tuple[object, ...]]:
        asked.append(arguments)
        return [
            (IP6, STREAM, 6, "", ("2001:db8::1", 80, 0, 0)),
            (IP4, STREAM, 6, "", ("192.0.2.2", 80)),
            (IP6, STREAM, 6, "", ("2001:db8::1", 80, 0, 0)),
            (999, STREAM, 6, "", b"another family"),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    endpoint = Endpoint.from_multiaddr("/dns/example.com/udp/80/quic-v1")
    assert asked == []
    expected = ["/ip6/2001:db8::1/udp/80/quic-v1", "/ip4/192.0.2.2/udp/80/quic-v1"]
    for timeout in (None, 30.0):
        found = endpoint.resolve(timeout=timeout)
        assert found == tuple(map(Endpoint.from_multiaddr, expected))
    assert asked == [("example.com", 80, ANY, STREAM)] * 2


def test_a_resolver_that_finds_nothing_of_use_has_found_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(999, STREAM, 6, "", b"another family")])
    with pytest.raises(socket.gaierror) as caught:
        Endpoint.from_multiaddr("/dns/example.com/tcp/80").resolve()
    assert str(caught.value).endswith("it has no address, or link-local ones only: '/dns/example.com/tcp/80'")


def test_localhost_is_found() -> None:
    for found in Endpoint.from_multiaddr("/dns4/localhost/tcp/80/ws").resolve():
        assert (found.host, found.port, str(found.rest), found.is_name) == ("127.0.0.1", 80, "/ws", False)


def test_what_is_no_name_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "getaddrinfo")
    for text in ("/ip4/192.0.2.1/tcp/80", "/unix/%2Fa"):
        endpoint = Endpoint.from_multiaddr(text)
        assert endpoint.resolve() == (endpoint,)


def test_a_name_that_is_not_found_is_an_os_error_with_the_address() -> None:
    endpoint = Endpoint.from_multiaddr("/dns/nothing.invalid/tcp/80/ws")
    with pytest.raises(socket.gaierror) as caught:
        endpoint.resolve()
    assert caught.value.filename == "/dns/nothing.invalid/tcp/80"


def test_a_registry_of_ones_own_is_kept() -> None:
    mine = REGISTRY.extended("455,256,wg,multibase,public key")
    key = "uAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
    endpoint = Endpoint.from_multiaddr(Multiaddr(f"/dns4/localhost/udp/51820/wg/{key}", registry=mine))
    found, *_ = endpoint.resolve()
    for one in (endpoint, found):
        assert one.address.registry is one.rest.registry is mine
        assert str(one.rest) == f"/wg/{key}"


def test_endpoints_are_values() -> None:
    endpoint = Endpoint.from_multiaddr("/ip4/192.0.2.1/tcp/80/ws")
    assert endpoint == Endpoint.from_multiaddr("/ip4/192.0.2.1/tcp/80/ws")
    assert hash(endpoint) == hash(Endpoint.from_multiaddr("/ip4/192.0.2.1/tcp/80/ws"))
    assert endpoint != Endpoint.from_multiaddr("/ip4/192.0.2.1/tcp/80")
    assert endpoint != endpoint.address
    assert repr(endpoint) == "Endpoint.from_multiaddr('/ip4/192.0.2.1/tcp/80/ws')"
    assert eval(repr(endpoint)) == endpoint
    with pytest.raises(AttributeError, match="immutable"):
        endpoint.port = 81  # type: ignore[misc]


FRONTS = st.sampled_from([*(host + transport for host in HOSTS for transport in SOCKETS), *PATHS]).map(Multiaddr)


@given(multiaddrs(min_size=0) | st.builds(Multiaddr.encapsulate, FRONTS, multiaddrs(min_size=0)))
def test_any_address_has_an_endpoint_or_is_told_why_not(address: Multiaddr) -> None:
    try:
        endpoint = Endpoint.from_multiaddr(address)
    except ConversionError as error:
        assert error.source == str(address)
        assert pickle.loads(pickle.dumps(error)).args == error.args
    else:
        assert endpoint.to_multiaddr() == endpoint.address.encapsulate(endpoint.rest) == address
        assert Endpoint.from_multiaddr(endpoint.address).rest == Multiaddr()
        assert pickle.loads(pickle.dumps(endpoint)) == endpoint


@given(st.text(max_size=300))
def test_the_resolver_is_given_nothing_but_names(text: str) -> None:
    if fault_of_name(text) is None:
        assert text.isascii()
        with pytest.raises(OSError, match="illegal IP address"):  # of no form that C's library reads
            socket.inet_aton(text)
        text.encode("idna")


@needs_conformance
def test_addresses_in_use_have_endpoints() -> None:
    without: dict[str, int] = {}
    for line in (CONFORMANCE / "real-world.txt").read_text("utf-8").splitlines():
        try:
            Endpoint.from_multiaddr(line)
        except ConversionError as error:
            without[error.reason] = without.get(error.reason, 0) + 1
    assert sum(without.values()) < 200
    assert set(without) <= {
        *(reason for reason, _ in NO_SOCKET.values()),
        *(f"{name} has no port" for name in FAMILIES),
        "webtransport runs over quic-v1 or quic, not over udp",
        "webtransport runs over quic-v1 or quic, not over tcp",
        "webrtc-direct runs over udp, not over tcp",
    }
