"""How far addresses reach: vectors along the edges of every registered block, and laws about any address.

A row of `scopes.jsonl` has an address, its scope, and the block or domain that decides, or null.
"""

from __future__ import annotations

import csv
import ipaddress
import json
import os
import shutil
import string
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

import multiaddr_py
from multiaddr_py import Component, Multiaddr, ParseError, Protocol, Registry
from multiaddr_py.net.scopes import (
    Finding,
    RegistryRow,
    Scope,
    embedded_ip4,
    is_loopback,
    is_private,
    is_public,
    is_relayed,
    is_thin_waist,
    is_unspecified,
    scope,
)
from multiaddr_py.strategies import multiaddrs

PACKAGE = Path(multiaddr_py.__file__).parent
MILLION = 1_000_000
PEER = "/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Vector(TypedDict):
    text: str
    scope: str
    block: str | None


VECTORS: list[Vector] = [
    json.loads(line) for line in Path(__file__).with_name("scopes.jsonl").read_text(encoding="ascii").splitlines()
]


def table(name: str) -> list[dict[str, str]]:
    with (PACKAGE / "net" / name).open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file))


NAMES = table("special_names.csv")
BLOCKS = {ipaddress.ip_network(row["block"]): row for row in table("special_purpose.csv")}


def block_of(finding: Finding) -> str | None:
    return None if finding.row is None else finding.row.block


# Vectors


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{number}" for number, _ in enumerate(VECTORS, 1)])
def test_an_address_has_the_scope_that_its_row_says(vector: Vector) -> None:
    address = Multiaddr(vector["text"])
    finding = scope(address)
    assert (finding.scope.value, block_of(finding)) == (vector["scope"], vector["block"])
    assert finding == scope(vector["text"]) == scope(bytes(address))
    assert finding.reason
    assert finding.reason.isprintable()
    assert finding.reason.isascii()
    assert len(finding.reason) < 100
    assert is_public(address) == (vector["scope"] == "global")
    assert is_private(address) == (vector["scope"] == "private")
    assert is_loopback(address) == (vector["scope"] == "loopback")
    assert is_unspecified(address) == (vector["scope"] == "unspecified")


def test_every_scope_has_a_vector() -> None:
    assert {vector["scope"] for vector in VECTORS} == {member.value for member in Scope}


def test_every_row_of_the_registries_has_a_vector_that_it_decides() -> None:
    decided = {vector["block"] for vector in VECTORS}
    assert [row["block"] for row in [*BLOCKS.values(), *NAMES] if row["block"] not in decided] == []


def test_every_block_has_vectors_at_both_edges_and_beyond_them() -> None:
    addresses = {Multiaddr(vector["text"]) for vector in VECTORS}
    for block in BLOCKS:
        first, last = int(block.network_address), int(block.broadcast_address)
        for number in (first - 1, first, last, last + 1):
            if 0 <= number < 1 << block.max_prefixlen:
                edge = number.to_bytes(block.max_prefixlen // 8)
                assert Multiaddr([Component(f"ip{block.version}", edge)]) in addresses, block


def test_no_vector_stands_there_twice() -> None:
    texts = [vector["text"] for vector in VECTORS]
    assert len(set(texts)) == len(texts)


# What is said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/ip4/10.1.2.3", "in 10.0.0.0/8, Private-Use"),
        ("/ip4/8.8.8.8", "in no block with a special purpose"),
        ("/ip6/::ffff:10.1.2.3", "IPv4-mapped address of 10.1.2.3: in 10.0.0.0/8, Private-Use"),
        ("/ip6/2002:a01:203::1", "6to4 address of 10.1.2.3: in 10.0.0.0/8, Private-Use"),
        ("/ip6/2001:0:808:808:0:0:f5fe:fdfc", "Teredo address of 10.1.2.3: in 10.0.0.0/8, Private-Use"),
        ("/ip6/64:ff9b::808:808", "NAT64 address of 8.8.8.8: in no block with a special purpose"),
        ("/ip6/64:ff9b:1::a01:203", "local NAT64 address of 10.1.2.3: in 10.0.0.0/8, Private-Use"),
        ("/ip6/64:ff9b:1::808:808", "local NAT64 address of 8.8.8.8: in 64:ff9b:1::/48, IPv4-IPv6 Translat."),
        ("/dns/nas.home.arpa", "in the domain home.arpa, RFC 8375"),
        ("/dns/db.internal", "in the domain internal, resolution 2024.07.29.06"),
        ("/dns/nas", "a single label is looked up in the local domains"),
        ("/dns/ipfs.io", "in no special domain; only looking it up tells more"),
        ("/dns4/127.1", "a host name does not end in a number"),
        ("/dns/a:80", "a host name has letters, digits, hyphens and dots"),
        ("/dns/a..b", "a label of a host name has 1 to 63 characters"),
        ("/dns/" + "a." * 200, "a host name has at most 253 characters"),
        ("/unix/%2Fa", "a Unix socket is the inside of one machine"),
        ("/memory/1", "memory is the inside of one process"),
        ("/onion/aaimaq4ygg2iegci:80", "a Tor service is reached through Tor only"),
        (PEER, "a peer ID says who, not where"),
        ("/tls/ws", "tls does not say where"),
        ("/ip6zone/eth0", "a zone without an address"),
    ],
)
def test_the_reason_is(text: str, reason: str) -> None:
    assert scope(text).reason == reason


def test_the_row_is_that_of_the_registry() -> None:
    assert scope("/ip4/192.88.99.1").row == RegistryRow(
        registry="iana-ipv4-special-registry",
        block="192.88.99.0/24",
        scope=Scope.RESERVED,
        reference="RFC 7526",
        name="Deprecated (6to4 Relay Anycast)",
        allocation="2001-06",
        termination="2015-03",
    )
    assert scope("/ip6/fe80::1").row == RegistryRow(
        registry="iana-ipv6-special-registry",
        block="fe80::/10",
        scope=Scope.LINK_LOCAL,
        reference="RFC 4291",
        name="Link-Local Unicast",
        allocation="2006-02",
        source=True,
        destination=True,
        forwardable=False,
        globally_reachable=False,
        reserved_by_protocol=True,
    )
    assert scope("/dns/a.onion").row == RegistryRow("special-use-domain-names", "onion", Scope.OVERLAY, "RFC 7686")


def test_a_row_is_shown_without_what_the_registry_leaves_open() -> None:
    row = scope("/dns/a.onion").row
    assert repr(row) == (
        "RegistryRow(registry='special-use-domain-names', block='onion', scope=<Scope.OVERLAY: 'overlay'>,"
        " reference='RFC 7686')"
    )
    assert "globally_reachable=False" in repr(scope("/ip4/10.0.0.1").row)


def test_the_empty_address_reaches_nothing() -> None:
    assert scope(Multiaddr()) == (Scope.UNKNOWN, "no address", None)


@pytest.mark.parametrize(
    "function", [scope, is_public, is_private, is_loopback, is_unspecified, is_thin_waist, is_relayed]
)
def test_what_is_no_address_raises_what_the_constructor_raises(function: object) -> None:
    assert callable(function)
    for text in ("", "/", "10.0.0.1", "/ip4/10.0.0.256", "/ip6/fe80::1%eth0"):
        with pytest.raises(ParseError):
            function(text)
    with pytest.raises(ParseError):
        function(b"\x04\x0a")
    for other in (None, 1, ipaddress.ip_address("10.0.0.1"), Component("ip4", "10.0.0.1")):
        with pytest.raises(TypeError):
            function(other)


# The registries


def test_the_tables_have_the_columns_of_a_row() -> None:
    for name, columns in ("special_purpose.csv", RegistryRow._fields), ("special_names.csv", RegistryRow._fields[:4]):
        assert tuple(table(name)[0]) == columns
        for row in table(name):
            assert None not in row
            assert None not in row.values(), f"{row} lacks a cell"
            assert row["registry"]
            assert row["reference"]
            assert row["scope"] in {member.value for member in Scope}


def test_the_tables_have_as_many_rows_as_the_registries() -> None:
    registries = [row["registry"] for row in [*BLOCKS.values(), *NAMES]]
    assert {registry: registries.count(registry) for registry in registries} == {
        "iana-ipv4-special-registry": 26,  # one row of the registry has two addresses
        "ipv4-address-space": 1,
        "iana-ipv6-special-registry": 25,
        "ipv6-address-space": 17,
        "special-use-domain-names": 42,
        "locally-served-dns-zones": 74,  # beyond those that are special-use domain names, too
        "icann-board": 1,
    }


def test_no_block_or_domain_stands_there_twice() -> None:
    assert len(BLOCKS) == len(table("special_purpose.csv"))
    assert len({row["block"] for row in NAMES}) == len(NAMES)
    assert all(row["block"] == row["block"].lower().strip(".") for row in NAMES)


REVERSE_ZONES = [row["block"] for row in NAMES if row["block"].partition(".in-addr.")[0].replace(".", "").isdigit()]
REVERSE_ZONES += [row["block"] for row in NAMES if row["block"].endswith("ip6.arpa")]


@pytest.mark.parametrize("zone", REVERSE_ZONES)
def test_a_reverse_zone_reaches_as_far_as_its_addresses(zone: str) -> None:
    labels = zone.split(".")[-3::-1]
    if zone.endswith("in-addr.arpa"):
        address = "/ip4/" + ".".join([*labels, *["255"] * (4 - len(labels))])
    else:
        nibbles = "".join(labels).ljust(32, "f")
        address = "/ip6/" + ":".join(nibbles[place : place + 4] for place in range(0, 32, 4))
    assert scope(f"/dns/{zone}").scope == scope(address).scope


def test_the_registry_of_the_ipv6_address_space_covers_it() -> None:
    space = [ipaddress.IPv6Network(text) for text in ("2000::/3", "fc00::/7", "fe80::/10")]
    space += [ipaddress.IPv6Network(row["block"]) for row in BLOCKS.values() if row["registry"] == "ipv6-address-space"]
    assert list(ipaddress.collapse_addresses(space)) == [ipaddress.IPv6Network("::/0")]
    assert sum(block.num_addresses for block in space) == 1 << 128


def test_what_is_global_is_globally_reachable_and_the_reverse() -> None:
    through = {"::ffff:0:0/96", "2001::/32", "2002::/16"}  # these reach as far as the IPv4 address that they carry
    for row in BLOCKS.values():
        if row["block"] in through:
            assert (row["scope"], row["globally_reachable"] == "True") == ("global", False)
        else:
            assert (row["scope"] == "global") == (row["globally_reachable"] == "True"), row["block"]


def test_what_routers_forward_within_a_network_is_not_reserved_and_what_they_do_not_is_not_private() -> None:
    for row in BLOCKS.values():
        if "special" not in row["registry"] or row["block"] == "100::/64":  # forwarded in order to be thrown away
            continue
        if row["forwardable"] == "True":
            assert row["scope"] != "reserved", row["block"]
        else:
            assert row["scope"] not in ("private", "shared", "benchmarking"), row["block"]


def test_what_was_given_back_is_reserved() -> None:
    given_back = {row["block"]: row["scope"] for row in BLOCKS.values() if row["termination"]}
    assert given_back == {"192.88.99.0/24": "reserved", "2001:10::/28": "reserved"}


# Laws


def smallest_block(address: Address) -> dict[str, str] | None:
    """Find the block by trying all."""
    around = [block for block in BLOCKS if block.version == address.version and address in block]
    return BLOCKS[max(around, key=lambda block: block.prefixlen)] if around else None


def carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Find the IPv4 address by other means than the package."""
    if address in ipaddress.IPv6Network("64:ff9b::/96") or address in ipaddress.IPv6Network("64:ff9b:1::/48"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped if address.ipv4_mapped is not None else address.sixtofour


def expected(address: Address) -> tuple[str, str | None]:
    row = smallest_block(address)
    inner = carried(address) if isinstance(address, ipaddress.IPv6Address) else None
    if inner is not None:
        assert row is not None
        inner_row = smallest_block(inner)
        reaches = "global" if inner_row is None else inner_row["scope"]
        if not (reaches == "global" and row["scope"] != "global") and inner_row is not None:
            row = inner_row
    return ("global", None) if row is None else (row["scope"], row["block"])


def inside(block: Network) -> st.SearchStrategy[Address]:
    """Draw addresses at the edges and inside of a block, and just outside."""
    first, last = int(block.network_address), int(block.broadcast_address)
    top = (1 << block.max_prefixlen) - 1
    numbers = st.integers(max(first - 2, 0), min(last + 2, top)) | st.sampled_from([first, last])
    return numbers.map(type(block.network_address))


ADDRESSES: st.SearchStrategy[Address] = st.one_of(
    st.sampled_from(list(BLOCKS)).flatmap(inside),
    st.ip_addresses(),
    # An address of IPv4 with a purpose, in one of IPv6.
    st.builds(
        lambda prefix, address, left: ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address) << left),
        st.sampled_from(
            ["::ffff:0:0", "2002::", "2001::", "64:ff9b::", "64:ff9b:1::", "64:ff9b:1:2::", "::", "2003::"]
        ),
        st.sampled_from([block for block in BLOCKS if block.version == 4]).flatmap(inside),
        st.sampled_from([0, 80]),
    ),
)


@given(ADDRESSES)
def test_the_smallest_block_around_an_address_decides(address: Address) -> None:
    finding = scope(Multiaddr([Component(f"ip{address.version}", address.packed)]))
    assert (finding.scope.value, block_of(finding)) == expected(address)


@given(ADDRESSES)
def test_an_address_carries_another_one_where_the_standard_library_finds_one(address: Address) -> None:
    inner = carried(address) if isinstance(address, ipaddress.IPv6Address) else None
    assert embedded_ip4(address.packed) == (None if inner is None else inner.packed)


@given(ADDRESSES)
def test_an_address_is_never_more_public_than_the_one_that_it_carries(address: Address) -> None:
    raw = embedded_ip4(address.packed)
    if raw is not None and is_public(Multiaddr([Component("ip6", address.packed)])):
        assert is_public(Multiaddr([Component("ip4", raw)]))


@given(multiaddrs(), multiaddrs(min_size=0))
def test_what_follows_the_host_changes_nothing(address: Multiaddr, rest: Multiaddr) -> None:
    if [component.name for component in address] != ["ip6zone"]:
        assert scope(address / rest) == scope(address)


@given(multiaddrs())
def test_any_address_has_a_scope_and_a_reason_that_is_short(address: Multiaddr) -> None:
    finding = scope(address)
    assert finding.reason.isprintable()
    assert len(finding.reason) < 100


LABELS = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=8) | st.sampled_from(
    ["localhost", "local", "arpa", "home", "internal", "example", "com", "1", "0x7f", "", "a", "a" * 63, "a" * 64]
)


@given(st.lists(LABELS, min_size=1).map(".".join).filter(bool))
def test_a_name_that_is_judged_is_a_host_name(name: str) -> None:
    finding = scope(Multiaddr([Component("dns", name.encode())]))
    if finding.scope is not Scope.RESERVED:
        name = name.removesuffix(".")
        assert name.isascii()
        assert len(name) <= 253
        labels = name.lower().split(".")
        assert all(0 < len(label) < 64 for label in labels)
        assert set("".join(labels)) <= set(string.ascii_lowercase + string.digits + "-_")
        assert not labels[-1].isdigit()
        assert finding == scope(f"/dns/{name.upper()}.")


@given(st.sampled_from(NAMES), st.lists(st.sampled_from(["a", "b-c", "_d", "10", "localhost", "x" * 20]), max_size=5))
def test_the_longest_domain_around_a_name_decides(row: dict[str, str], labels: list[str]) -> None:
    finding = scope("/dnsaddr/" + ".".join([*labels, row["block"]]))
    assert finding.row is not None
    # A longer one is possible: a name below `arpa` may begin with the number of a network.
    assert finding.row.block.endswith(row["block"])
    if finding.row.block == row["block"]:
        assert finding.scope.value == row["scope"]


# Addresses with another one inside


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2002:102:304::", "1.2.3.4"),
        ("2002:102:304:ffff:ffff:ffff:ffff:ffff", "1.2.3.4"),
        # The server is 65.54.227.120.
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
        ("64:ff9b::102:304", "1.2.3.4"),
        ("64:ff9b:1::102:304", "1.2.3.4"),
        ("64:ff9b:1:fffe:dcba:9876:102:304", "1.2.3.4"),
        ("::102:304", None),
        ("::fffe:102:304", None),
        ("::ffff:0:102:304", None),
        ("64:ff9b:0:0:0:1:102:304", None),
        ("64:ff9b:2::102:304", None),
        ("2001:1::102:304", None),
        ("2606:4700:4700::1111", None),
    ],
)
def test_the_ipv4_address_inside_is(outside: str, inside: str | None) -> None:
    raw = None if inside is None else Component("ip4", inside).raw_value
    assert embedded_ip4(Component("ip6", outside).raw_value) == raw


def test_nothing_is_inside_what_is_not_16_bytes() -> None:
    for raw in (b"", b"\x20\x02\x01\x02", bytes(10) + b"\xff\xff", b"\x20\x02" + bytes(15)):
        assert embedded_ip4(raw) is None


# The rest


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("/ip4/1.2.3.4", True),
        ("/ip6/::1", True),
        ("/ip4/1.2.3.4/tcp/80", True),
        ("/ip6/::1/udp/80/quic-v1", True),
        ("/ip6zone/eth0/ip6/fe80::1", True),
        ("/ip6zone/eth0/ip6/fe80::1/tcp/80/ws", True),
        (f"/ip4/1.2.3.4/tcp/80{PEER}/p2p-circuit", True),
        ("/ip4/1.2.3.4/sctp/80", False),
        ("/ip4/1.2.3.4/dccp/80", False),
        ("/ip4/1.2.3.4/ipcidr/24", False),
        ("/ip4/1.2.3.4/ip4/1.2.3.4", False),
        (f"/ip4/1.2.3.4{PEER}", False),
        ("/ip6zone/eth0", False),
        ("/ip6zone/a/ip6zone/b/ip6/fe80::1", False),
        ("/dns4/localhost/tcp/80", False),
        ("/dns4/ip4/tcp/80", False),
        ("/tcp/80", False),
        ("/unix/a", False),
        (f"{PEER}/ip4/1.2.3.4", False),
    ],
)
def test_a_thin_waist_is_ip_with_nothing_tcp_or_udp_on_it(text: str, is_one: bool) -> None:
    assert is_thin_waist(text) == is_thin_waist(Multiaddr(text)) == is_thin_waist(bytes(Multiaddr(text))) == is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("/p2p-circuit", True),
        (f"/ip4/1.2.3.4/tcp/80{PEER}/p2p-circuit", True),
        (f"/ip4/1.2.3.4/tcp/80{PEER}/p2p-circuit{PEER}", True),
        (f"/ip4/1.2.3.4/tcp/80{PEER}", False),
        ("/dns/p2p-circuit/tcp/80", False),
    ],
)
def test_an_address_is_relayed_where_it_has_a_circuit(text: str, is_one: bool) -> None:
    assert is_relayed(text) == is_relayed(Multiaddr(text)) == is_relayed(bytes(Multiaddr(text))) == is_one


def test_the_empty_address_is_nothing_of_this() -> None:
    functions = (is_public, is_private, is_loopback, is_unspecified, is_thin_waist, is_relayed)
    assert [function(Multiaddr()) for function in functions] == [False] * 6


@pytest.mark.parametrize(
    "name",
    [
        "a" * MILLION,
        "." * MILLION,
        "a." * MILLION,
        "1" * MILLION,
        "0x" + "f" * MILLION,
        "\u3002" * MILLION,
        "a." * MILLION + "localhost",
        "localhost" + "." * MILLION,
    ],
    ids=lambda name: repr(name[:12]),
)
def test_a_name_of_a_million_characters_is_reserved(name: str) -> None:
    assert scope(f"/dns/{name}").scope is Scope.RESERVED


def test_an_address_of_a_million_components_has_the_scope_of_the_first() -> None:
    assert scope("/ip4/10.0.0.1" + "/tcp/1" * MILLION).scope is Scope.PRIVATE
    assert scope("/ip6zone/a" * MILLION).scope is Scope.UNKNOWN


def run(*command: str, **environment: str) -> str:
    """Run a command whose coverage is not measured."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, encoding="utf-8", env={**own, **environment}
    ).stdout.strip()


def test_the_tables_are_read_from_a_zip_too(tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "multiaddr_py"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    archive = shutil.make_archive(str(tmp_path / "package"), "zip", copy.parent)
    code = """
from multiaddr_py.net import scopes
print(scopes.__file__, scopes.scope("/ip4/10.0.0.1").scope, scopes.is_public("/dns/a.b"))
"""
    file = str(Path(archive) / "multiaddr_py" / "net" / "scopes.py")
    assert run(sys.executable, "-P", "-c", code, PYTHONPATH=archive) == f"{file} Scope.PRIVATE True"


def test_importing_the_module_reads_no_table() -> None:
    code = f"import sys; sys.path[:0] = {sys.path}; import multiaddr_py.net.scopes; print(*sys.modules)"
    # Without `site`, which would run what other packages have in their `.pth` files.
    modules = run(sys.executable, "-I", "-S", "-c", code).split()
    assert not {"csv", "importlib.resources", "asyncio", "dataclasses"} & set(modules)


def test_a_registry_of_ones_own_may_call_anything_an_address() -> None:
    registry = Registry(
        [
            Protocol(1, None, "ip4", "multibase"),
            Protocol(2, 48, "ip6", "multibase"),
            Protocol(3, None, "dns", "multibase"),
        ]
    )
    for name in ("ip4", "ip6"):
        address = Multiaddr([Component(name, b"\xff\0\0\0\0\1", registry=registry)])
        assert scope(address)[:2] == (Scope.UNKNOWN, f"{name} does not say where")
    assert scope(Multiaddr([Component("dns", b"\xff", registry=registry)])).scope is Scope.RESERVED
