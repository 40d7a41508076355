"""Back from what `socket` and `ipaddress` say to addresses, and from addresses to networks."""

from __future__ import annotations

import ipaddress
import socket
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiaddr_py import REGISTRY, Component, ConversionError, Multiaddr
from multiaddr_py.net import Endpoint, from_ip, from_sockaddr, from_socket, to_ip_network

IP4, IP6, UNIX = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX
STREAM, DATAGRAM, DCCP = socket.SOCK_STREAM, socket.SOCK_DGRAM, 6
LO = socket.if_nametoindex("lo")
NOWHERE = 2**31 - 2
"""An index that no interface has."""


# From a socket's address


@pytest.mark.parametrize(
    ("family", "sockaddr", "kind", "proto", "address"),
    [
        (IP4, ("192.0.2.7", 4001), STREAM, 0, "/ip4/192.0.2.7/tcp/4001"),
        (IP4, ("192.0.2.7", 4001), STREAM, socket.IPPROTO_TCP, "/ip4/192.0.2.7/tcp/4001"),
        (IP4, ("192.0.2.7", 0), DATAGRAM, 0, "/ip4/192.0.2.7/udp/0"),
        (IP4, ("192.0.2.7", 65535), DATAGRAM, socket.IPPROTO_UDP, "/ip4/192.0.2.7/udp/65535"),
        (IP4, ("192.0.2.7", 1), STREAM, 132, "/ip4/192.0.2.7/sctp/1"),
        (IP4, ("192.0.2.7", 1), socket.SOCK_SEQPACKET, 132, "/ip4/192.0.2.7/sctp/1"),
        (IP4, ("192.0.2.7", 1), DCCP, 33, "/ip4/192.0.2.7/dccp/1"),
        (IP4, ("192.0.2.7", 1), DCCP, 0, "/ip4/192.0.2.7/dccp/1"),
        (IP6, ("2001:db8::1", 1, 0, 0), STREAM, 0, "/ip6/2001:db8::1/tcp/1"),
        (IP6, ("2001:DB8:0::1", 1), STREAM, 0, "/ip6/2001:db8::1/tcp/1"),
        (IP6, ("::", 1, 7, 0), DATAGRAM, 0, "/ip6/::/udp/1"),
        (IP6, ("::ffff:192.0.2.7", 1, 0, 0), STREAM, 0, "/ip4/192.0.2.7/tcp/1"),
        (IP6, ("::ffff:192.0.2.7", 1, 0, LO), STREAM, 0, "/ip4/192.0.2.7/tcp/1"),
        (IP6, ("::ffff:0:c000:207", 1, 0, 0), STREAM, 0, "/ip6/::ffff:0:c000:207/tcp/1"),
        (IP6, ("::1.2.3.4", 1, 0, 0), STREAM, 0, "/ip6/::102:304/tcp/1"),
        (IP6, ("fe80::1", 1, 0, LO), STREAM, 0, "/ip6zone/lo/ip6/fe80::1/tcp/1"),
        (IP6, ("fe80::1%eth9", 1, 0, 0), STREAM, 0, "/ip6zone/eth9/ip6/fe80::1/tcp/1"),
        (IP6, ("fe80::1%eth9", 1, 0, LO), STREAM, 0, "/ip6zone/lo/ip6/fe80::1/tcp/1"),
        (IP6, ("fe80::1", 1, 0, NOWHERE), STREAM, 0, f"/ip6zone/{NOWHERE}/ip6/fe80::1/tcp/1"),
        (IP6, ("fe80::1", 1, 0, 0), STREAM, 0, "/ip6/fe80::1/tcp/1"),
        (UNIX, "/run/a.sock", STREAM, 0, "/unix/%2Frun%2Fa.sock"),
        (UNIX, b"/run/a.sock", STREAM, 0, "/unix/%2Frun%2Fa.sock"),
        (UNIX, "a.sock", STREAM, 0, "/unix/a.sock"),
        (UNIX, "/a\udcff", STREAM, 0, "/unix/%2Fa%FF"),
        (UNIX, b"\0abstract", STREAM, 0, "/unix/%00abstract"),
    ],
)
def test_a_sockaddr_is_an_address(family: int, sockaddr: Any, kind: int, proto: int, address: str) -> None:
    assert str(from_sockaddr(family, sockaddr, kind, proto)) == address


@pytest.mark.parametrize("unnamed", ["", b""])
def test_an_unnamed_unix_socket_has_no_address(unnamed: str | bytes) -> None:
    with pytest.raises(ConversionError) as caught:
        from_sockaddr(UNIX, unnamed)
    assert caught.value.reason == "an unnamed Unix socket has no address"
    assert caught.value.hint == "bind it to a path to give it one"


@pytest.mark.parametrize(
    ("family", "sockaddr", "kind", "proto", "reason"),
    [
        (socket.AF_PACKET, ("lo", 3), STREAM, 0, "no protocol is for sockets of AF_PACKET"),
        (UNIX, "/run/a.sock", DATAGRAM, 0, f"unix is for streams, not for sockets of type {DATAGRAM}"),
        (999, "?", STREAM, 0, "no protocol is for sockets of family 999"),
        (
            IP4,
            ("192.0.2.7", 1),
            socket.SOCK_RAW,
            1,
            f"no protocol is for sockets of type {socket.SOCK_RAW} and protocol 1",
        ),
        (IP4, ("192.0.2.7", 1), DATAGRAM, 136, f"no protocol is for sockets of type {DATAGRAM} and protocol 136"),
        (IP4, ("localhost", 1), STREAM, 0, "'localhost' is no value for ip4: an IPv4 address is four decimal numbers"),
        (IP4, ("192.0.2.7", 65536), STREAM, 0, "'65536' is no value for tcp: the number is not in 0 to 65535"),
        (IP4, ("192.0.2.7", -1), STREAM, 0, "'-1' is no value for tcp: the number is not in 0 to 65535"),
        (IP4, ("192.0.2.7", None), STREAM, 0, "tcp needs a value"),
        (IP4, (None, 1), STREAM, 0, "ip4 needs a value"),
        (IP6, ("192.0.2.7", 1, 0, 0), STREAM, 0, "'192.0.2.7' is no value for ip6: "),
    ],
)
def test_what_has_no_address_is_refused_with_the_reason(
    family: int, sockaddr: Any, kind: int, proto: int, reason: str
) -> None:
    with pytest.raises(ConversionError) as caught:
        from_sockaddr(family, sockaddr, kind, proto)
    assert caught.value.reason.startswith(reason)
    assert caught.value.source == sockaddr


@pytest.mark.parametrize(
    ("family", "sockaddr", "name"),
    [
        (IP4, "192.0.2.7", "AF_INET"),
        (IP4, ["192.0.2.7", 1], "AF_INET"),
        (IP4, ("192.0.2.7",), "AF_INET"),
        (IP4, (), "AF_INET"),
        (IP6, ("::1",), "AF_INET6"),
        (IP6, (1, 1), "AF_INET6"),
        (IP6, b"::1", "AF_INET6"),
        (IP6, ("fe80::1", 1, 0, -1), "AF_INET6"),
        (UNIX, ("192.0.2.7", 1), "AF_UNIX"),
        (UNIX, None, "AF_UNIX"),
    ],
)
def test_what_is_no_sockaddr_of_the_family_is_a_type_error(family: int, sockaddr: Any, name: str) -> None:
    with pytest.raises(TypeError) as caught:
        from_sockaddr(family, sockaddr)
    assert str(caught.value) == f"this is no address of a socket of {name}: {sockaddr!r}"


def test_a_registry_of_ones_own_is_that_of_the_address() -> None:
    mine = REGISTRY.extended("6000,0,mine,,")
    address = from_sockaddr(IP4, ("192.0.2.7", 1), registry=mine)
    assert address.registry is mine
    assert str(address / "mine") == "/ip4/192.0.2.7/tcp/1/mine"


hosts = st.builds(lambda raw: Component("ip4", raw), st.binary(min_size=4, max_size=4)) | st.builds(
    lambda raw: Component("ip6", raw), st.binary(min_size=16, max_size=16)
)
ports = st.builds(Component, st.sampled_from(["tcp", "udp", "sctp", "dccp"]), st.integers(0, 0xFFFF))


@given(hosts, ports)
def test_the_address_of_an_endpoints_sockaddr_is_the_endpoint(host: Component, port: Component) -> None:
    zone = [Component("ip6zone", "lo")] if host.name == "ip6" else []
    endpoint = Endpoint.from_multiaddr(Multiaddr([*zone, host, port]))
    address = from_sockaddr(endpoint.family, endpoint.sockaddr(), endpoint.type, endpoint.proto)
    mapped = IPv6Address(host.raw_value).ipv4_mapped if host.name == "ip6" else None
    assert address == (endpoint.address if mapped is None else Multiaddr([Component("ip4", mapped), port]))


@given(st.binary(min_size=1, max_size=108).filter(lambda path: path[0] == 0 or b"\0" not in path))
def test_the_address_of_a_path_is_its_endpoint(path: bytes) -> None:
    address = Multiaddr([Component("unix", path)])
    sockaddr = Endpoint.from_multiaddr(address).sockaddr()
    assert from_sockaddr(UNIX, sockaddr) == from_sockaddr(UNIX, path.decode("utf-8", "surrogateescape")) == address


# From a socket


@pytest.mark.parametrize(("kind", "name"), [(STREAM, "tcp"), (DATAGRAM, "udp")])
def test_a_socket_of_elsewhere_has_an_address(kind: int, name: str) -> None:
    with socket.socket(IP4, kind) as sock:
        assert str(from_socket(sock)) == f"/ip4/0.0.0.0/{name}/0"
        sock.bind(("127.0.0.1", 0))
        assert str(from_socket(sock)) == f"/ip4/127.0.0.1/{name}/{sock.getsockname()[1]}"


def test_a_socket_without_another_end_says_so() -> None:
    with socket.socket() as sock, pytest.raises(OSError, match="not connected"):
        from_socket(sock, peer=True)


def test_both_ends_of_a_pair_are_unnamed() -> None:
    one, other = socket.socketpair()
    with one, other:
        for peer in (False, True):
            with pytest.raises(ConversionError) as caught:
                from_socket(one, peer=peer)
            assert str(caught.value) == ("'': an unnamed Unix socket has no address; bind it to a path to give it one")


def test_an_autobound_unix_socket_is_abstract() -> None:
    with socket.socket(UNIX) as sock:
        sock.bind("")
        name = sock.getsockname()
        assert isinstance(name, bytes)
        assert from_socket(sock)[0].raw_value == name


def test_an_ip4_peer_of_an_ip6_socket_is_ip4() -> None:
    with socket.socket(IP6) as server, socket.socket(IP4) as client:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, False)
        server.bind(("::", 0))
        server.listen()
        client.connect(("127.0.0.1", server.getsockname()[1]))
        accepted, _ = server.accept()
        with accepted:
            assert from_socket(accepted, peer=True) == from_socket(client)
            assert from_socket(accepted) == from_socket(client, peer=True)
            assert from_socket(accepted)[0] == Component("ip4", "127.0.0.1")


# IP addresses and networks


@pytest.mark.parametrize(
    ("ip", "address"),
    [
        ("192.0.2.7", "/ip4/192.0.2.7"),
        ("192.0.2.0/24", "/ip4/192.0.2.0/ipcidr/24"),
        ("192.0.2.7/24", "/ip4/192.0.2.7/ipcidr/24"),
        ("192.0.2.0/255.255.255.0", "/ip4/192.0.2.0/ipcidr/24"),
        ("2001:DB8::1", "/ip6/2001:db8::1"),
        ("2001:db8::/32", "/ip6/2001:db8::/ipcidr/32"),
        ("::ffff:192.0.2.7", "/ip6/::ffff:192.0.2.7"),
        ("fe80::1%eth0", "/ip6zone/eth0/ip6/fe80::1"),
        ("fe80::1%eth0/64", "/ip6zone/eth0/ip6/fe80::1/ipcidr/64"),
        (IPv4Address("192.0.2.7"), "/ip4/192.0.2.7"),
        (IPv4Network("0.0.0.0/0"), "/ip4/0.0.0.0/ipcidr/0"),
        (IPv4Interface("192.0.2.7/32"), "/ip4/192.0.2.7/ipcidr/32"),
        (IPv6Address("fe80::1%3"), "/ip6zone/3/ip6/fe80::1"),
        (IPv6Network("2001:db8::/128"), "/ip6/2001:db8::/ipcidr/128"),
        (IPv6Interface("fe80::1%eth0/64"), "/ip6zone/eth0/ip6/fe80::1/ipcidr/64"),
    ],
)
def test_what_ipaddress_has_is_an_address(ip: Any, address: str) -> None:
    assert str(from_ip(ip)) == address


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2.7 ", "192.0.2.256", "192.0.2.0/33", "::/129", "::1%", "1/"])
def test_text_that_is_no_ip_address_is_refused(text: str) -> None:
    with pytest.raises(ConversionError) as caught:
        from_ip(text)
    assert str(caught.value) == f"{text!r}: it is neither an IP address nor one with a prefix length"


def test_a_scope_that_no_zone_can_have_is_refused() -> None:
    with pytest.raises(ConversionError, match="a lone surrogate is no character") as caught:
        from_ip("fe80::1%\ud800")
    assert caught.value.source == "fe80::1%\ud800"


@pytest.mark.parametrize("ip", [b"\x7f\0\0\1", 1, None, Multiaddr("/ip4/127.0.0.1")])
def test_what_is_no_ip_address_is_a_type_error(ip: Any) -> None:
    with pytest.raises(TypeError) as caught:
        from_ip(ip)
    assert str(caught.value) == f"an IP address, a network or its text is wanted, not {type(ip).__name__}"


@given(st.text() | st.from_regex(r"[0-9a-f.:]{1,20}(%[^%]{1,3})?(/[0-9.]{1,3})?", fullmatch=True))
def test_any_text_is_an_address_or_a_conversion_error(text: str) -> None:
    try:
        address = from_ip(text)
    except ConversionError as error:
        assert error.source == text
    else:
        assert address[-1].name in ("ip4", "ip6", "ipcidr")


networks = st.builds(
    lambda raw, length: IPv4Network((raw, length), strict=False), st.binary(min_size=4, max_size=4), st.integers(0, 32)
) | st.builds(
    lambda raw, length: IPv6Network((raw, length), strict=False),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 128),
)


@given(networks)
def test_networks_go_there_and_back(network: IPv4Network | IPv6Network) -> None:
    address = from_ip(network)
    assert to_ip_network(address) == to_ip_network(str(address)) == to_ip_network(bytes(address)) == network
    assert from_ip(str(network)) == address


@given(hosts, st.integers(0, 255))
def test_without_strictness_the_bits_behind_a_prefix_do_not_matter(host: Component, length: int) -> None:
    address = Multiaddr([host, Component("ipcidr", length)])
    longest = len(host.raw_value) * 8
    if length > longest:
        with pytest.raises(ConversionError) as caught:
            to_ip_network(address, strict=False)
        assert caught.value.reason == f"no prefix of {host.name} has {length} bits"
        return
    network = to_ip_network(address, strict=False)
    assert network == ipaddress.ip_network(f"{host.value}/{length}", strict=False)
    if network.network_address.packed == host.raw_value:
        assert to_ip_network(address) == network
    else:
        with pytest.raises(ConversionError) as caught:
            to_ip_network(address)
        assert caught.value.reason == "bits are set behind the prefix"
        assert caught.value.hint == f"write {from_ip(network)}"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "/ip4/192.0.2.7",
            "'/ip4/192.0.2.7': it says no prefix length; put /ipcidr/32 behind it for this one address",
        ),
        ("/ip6/::1", "'/ip6/::1': it says no prefix length; put /ipcidr/128 behind it for this one address"),
        ("/ip4/192.0.2.7/ipcidr/33", "'/ip4/192.0.2.7/ipcidr/33': no prefix of ip4 has 33 bits"),
        (
            "/ip4/192.0.2.7/ipcidr/24",
            ("'/ip4/192.0.2.7/ipcidr/24': bits are set behind the prefix; write /ip4/192.0.2.0/ipcidr/24"),
        ),
        (Multiaddr(), "'': a network is /ip4 or /ip6, then /ipcidr, and nothing else"),
        *(
            (text, f"{text!r}: a network is /ip4 or /ip6, then /ipcidr, and nothing else")
            for text in (
                "/ipcidr/24",
                "/ip4/192.0.2.0/ipcidr/24/tcp/80",
                "/ip4/192.0.2.0/tcp/80",
                "/ip6zone/eth0/ip6/fe80::/ipcidr/10",
                "/dns/example.com/ipcidr/24",
            )
        ),
    ],
)
def test_what_is_no_network_is_refused(address: Any, message: str) -> None:
    with pytest.raises(ConversionError) as caught:
        to_ip_network(address)
    assert str(caught.value) == message
