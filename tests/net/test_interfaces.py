"""The addresses of this machine's interfaces, and what stands for all of them."""

from __future__ import annotations

import socket
import subprocess
import sys
from ipaddress import IPv6Address
from json import loads
from pathlib import Path
from shutil import which

import ifaddr
import pytest
from apart import run_in_own_network

from multiaddr_py import Multiaddr
from multiaddr_py.net import bind, expand_unspecified, interface_addresses, listen, thin_waist

INTERFACES = [
    Multiaddr(text)
    for text in (
        "/ip4/127.0.0.1",
        "/ip6/::1",
        "/ip4/192.0.2.1",
        "/ip6/2001:db8::1",
        "/ip6zone/eth0/ip6/fe80::1",
    )
]
IP4 = ["/ip4/127.0.0.1", "/ip4/192.0.2.1"]
IP6 = ["/ip6/::1", "/ip6/2001:db8::1", "/ip6zone/eth0/ip6/fe80::1"]


# Of this machine


@pytest.mark.skipif(which("ip") is None, reason="the command ip is wanted")
def test_interfaces_are_those_of_the_command_ip() -> None:
    shown = loads(subprocess.run(["ip", "-j", "addr"], capture_output=True, check=True).stdout)
    expected = {
        ("/ip6zone/" + link["ifname"] if ip["scope"] == "link" and ip["family"] == "inet6" else "")
        + f"/ip{'6' if ip['family'] == 'inet6' else '4'}/{ip['local']}"
        for link in shown
        for ip in link["addr_info"]
    }
    assert {str(address) for address in interface_addresses()} == expected


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="Linux has it, if it has IPv6")
def test_interfaces_are_those_that_linux_lists() -> None:
    expected = set()
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        raw, *_, scope, _, name = line.split()
        zone = f"/ip6zone/{name}" if scope == "20" else ""
        expected.add(Multiaddr(f"{zone}/ip6/{IPv6Address(bytes.fromhex(raw)).compressed}"))
    assert {address for address in interface_addresses() if "ip6" in address} == expected


def test_no_address_is_there_twice_and_loopback_is_one() -> None:
    found = interface_addresses()
    assert len(set(found)) == len(found)
    assert Multiaddr("/ip4/127.0.0.1") in found


def check_own_network() -> None:
    expected = ["/ip4/127.0.0.1", "/ip6/::1", "/ip6zone/lo/ip6/fe80::1", "/ip6zone/lo/ip6/fe80::2"]
    assert sorted(map(str, interface_addresses())) == expected
    with listen("/ip6/::/tcp/0/ws") as listener:
        port = listener.socket.getsockname()[1]
        assert sorted(map(str, listener.addresses())) == [f"{ip}/tcp/{port}/ws" for ip in expected[1:]]


def test_a_link_local_address_has_its_interface_as_zone() -> None:
    run_in_own_network(check_own_network)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ifaddr", None)
    for ask in (interface_addresses, lambda: expand_unspecified("/ip4/0.0.0.0"), lambda: thin_waist(1)):
        with pytest.raises(ModuleNotFoundError) as caught:
            ask()
        assert str(caught.value) == "interfaces are found with ifaddr, as the extra net has it: pip install ifaddr"
        assert caught.value.name == "ifaddr"
    address = Multiaddr("/ip4/127.0.0.1/tcp/1")
    assert expand_unspecified(address) == [address]


# What stands for all


@pytest.mark.parametrize(
    ("address", "expanded"),
    [
        ("/ip4/0.0.0.0/tcp/4001/ws", [f"{ip}/tcp/4001/ws" for ip in IP4]),
        ("/ip6/::/udp/4001/quic-v1", [f"{ip}/udp/4001/quic-v1" for ip in IP6]),
        ("/ip6zone/eth0/ip6/::/tcp/1", [f"{ip}/tcp/1" for ip in IP6]),
        ("/ip4/0.0.0.0", IP4),
        ("/ip6/::", IP6),
        ("/ip4/192.0.2.9/tcp/1", None),
        ("/ip6/::1/tcp/1", None),
        ("/ip6/::ffff:0.0.0.0/tcp/1", None),
        ("/ip6zone/eth0", None),
        ("/dns4/0.0.0.0.example/tcp/1", None),
        ("/unix/a", None),
        ("/tcp/1/ip4/0.0.0.0", None),
        ("/memory/0", None),
    ],
)
def test_an_unspecified_address_stands_for_those_of_its_family(address: str, expanded: list[str] | None) -> None:
    found = expand_unspecified(address, interfaces=INTERFACES)
    assert [str(one) for one in found] == ([address] if expanded is None else expanded)
    assert expand_unspecified(Multiaddr(address), interfaces=iter(INTERFACES)) == found


def test_the_empty_address_stands_for_itself() -> None:
    assert expand_unspecified(Multiaddr(), interfaces=INTERFACES) == [Multiaddr()]


def test_the_thin_waist_is_a_port_at_each_interface() -> None:
    assert thin_waist(4001, interfaces=INTERFACES) == [one.encapsulate("/tcp/4001") for one in INTERFACES]
    assert thin_waist(0, "sctp", interfaces=INTERFACES[:1]) == [Multiaddr("/ip4/127.0.0.1/sctp/0")]
    assert thin_waist(1, "udp") == [one.encapsulate("/udp/1") for one in interface_addresses()]


def test_the_thin_waist_has_transports_only() -> None:
    with pytest.raises(ValueError) as caught:
        thin_waist(80, "http")
    assert str(caught.value) == "a transport is one of tcp, udp, sctp, dccp, not 'http'"


# Where a socket is reached


def test_a_listener_at_one_address_has_that_one() -> None:
    with listen("/ip4/127.0.0.1/tcp/0/ws") as listener:
        assert listener.addresses() == [listener.address]


def test_a_listener_at_all_addresses_of_ip4_has_each() -> None:
    with listen("/ip4/0.0.0.0/tcp/0/ws") as listener:
        port = listener.socket.getsockname()[1]
        assert listener.addresses() == [
            one.encapsulate(f"/tcp/{port}/ws") for one in interface_addresses() if "ip4" in one
        ]


def test_a_listener_at_all_addresses_of_ip6_has_those_of_ip4_only_if_it_hears_them() -> None:
    every = interface_addresses()
    if Multiaddr("/ip6/::1") not in every:
        pytest.skip("no IPv6 here")
    for ipv6_only, families in ((True, ["ip6"]), (False, ["ip6", "ip4"])):
        with bind("/ip6/::/udp/0/quic-v1", ipv6_only=ipv6_only) as sock:
            port = sock.socket.getsockname()[1]
            expected = [one.encapsulate(f"/udp/{port}/quic-v1") for name in families for one in every if name in one]
            assert sock.addresses() == expected


def test_an_interface_may_have_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "if_indextoname", lambda index: f"a%b{index}")
    adapter = ifaddr.Adapter(
        "a%b7", "a%b7", [ifaddr.IP(("fe80::1%a%b7", 0, 7), 64, "a%b7"), ifaddr.IP("192.0.2.1", 24, "a")]
    )
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: [adapter])
    assert list(map(str, interface_addresses())) == ["/ip6zone/a%b7/ip6/fe80::1", "/ip4/192.0.2.1"]


def test_without_an_interface_of_the_family_the_address_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ifaddr, "get_adapters", list)
    with listen("/ip4/0.0.0.0/tcp/0") as listener:
        assert listener.addresses() == [listener.address]
