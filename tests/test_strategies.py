"""The strategies: what they draw, how often, what it shrinks to, and what is no argument."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument, NoSuchExample
from hypothesis.strategies import SearchStrategy

from multiaddr_py import (
    REGISTRY,
    Codec,
    Component,
    Multiaddr,
    Multihash,
    OnionAddress,
    ParseError,
    PeerId,
    Protocol,
    Registry,
    _hypothesis,
)
from multiaddr_py.net import Endpoint
from multiaddr_py.strategies import (
    Spelling,
    components,
    dialable,
    hostile,
    multiaddr_texts,
    multiaddrs,
    near_misses,
    peer_ids,
    relayed,
    thin_waist,
    values,
)
from multiaddr_py.strategies._faults import OF_BYTES, OF_TEXT

Drawn = TypeVar("Drawn")

ZERO_KEY = PeerId.from_key("Ed25519", bytes(32))
WITH_VALUES = [protocol for protocol in REGISTRY if protocol.codec is not None]


def drawn(strategy: SearchStrategy[Drawn], count: int = 3000) -> list[Drawn]:
    """Return what a strategy draws."""
    seen: list[Drawn] = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(strategy)
    def look(value: Drawn) -> None:
        seen.append(value)

    look()
    return seen


def occurs(strategy: SearchStrategy[Drawn], holds: Callable[[Drawn], bool]) -> bool:
    """Say whether something is drawn within a long time; as soon as it is, that is enough."""
    long = settings(
        max_examples=20_000,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    try:
        find(strategy, holds, settings=long)
    except NoSuchExample:
        return False
    return True


@pytest.fixture(scope="module")
def addresses() -> list[Multiaddr]:
    return drawn(multiaddrs())


def _even(raw: bytes) -> None:
    if len(raw) % 2:
        raise ValueError("an even number of bytes")


def _none() -> bytes:
    raise ValueError("no value")


def _of(*values: bytes) -> Callable[[bytes], object]:
    return lambda raw: None if raw in values else _none()


def _from_pairs(text: str) -> bytes:
    raw = text.encode("ascii")
    _even(raw)
    return raw


def _to_pairs(raw: bytes) -> str:
    return raw.decode("latin-1").replace("/", "")


EVEN = Protocol(1000, None, "even", Codec("even", _from_pairs, _to_pairs, _even))
OWN = REGISTRY.extended(
    EVEN,
    "1001,256,wg,multibase,",
    "1002,272,peer,peer_id,",
    "1003,64,inlined,peer_id,",
    "1004,96,label,text,",
    "1005,1200,hash,multihash,",
    "1006,16,short,multihash,",
    "1007,256,garlic,garlic32,",
    "1008,3200,destination,garlic64,",
    "1009,24,piece,percent,",
)


# What is drawn


def test_every_protocol_occurs(addresses: list[Multiaddr]) -> None:
    long = drawn(multiaddrs(min_size=5), 1000)
    assert {protocol for address in addresses + long for protocol in address.protocols()} == set(REGISTRY)
    assert {component.protocol for component in drawn(components(), 2500)} == set(REGISTRY)


@pytest.mark.parametrize(
    "codec",
    [
        Codec("colour", lambda text: {"red": b"r", "green": b"g"}.get(text) or _none(), bytes.decode, _of(b"r", b"g")),
        Codec("digits", lambda text: text.encode() if text.isdigit() and len(text) == 4 else _none(), bytes.decode),
        Codec("pair", lambda text: text.encode() if text.count("=") == 1 else _none(), bytes.decode),
    ],
    ids=repr,
)
def test_a_choosy_codec_of_ones_own_is_drawn_often(codec: Codec) -> None:
    registry = REGISTRY.extended(Protocol(1000, None, "own", codec))
    assert sum("own" in address for address in drawn(multiaddrs(registry=registry), 300)) > 5
    assert find(components(protocols=["own"], registry=registry), lambda component: True).name == "own"


def test_a_codec_whose_values_nobody_can_guess_says_so() -> None:
    protocol = Protocol(1000, None, "own", Codec("none", lambda text: _none(), bytes.decode, _of()))
    registry = REGISTRY.extended(protocol)
    for strategy in (multiaddrs, components, multiaddr_texts):
        with pytest.raises(
            InvalidArgument, match=r"what the values of own are cannot be guessed: say it, values=\{'own'"
        ):
            strategy(registry=registry)
    assert all(
        protocol not in address.protocols() for address in drawn(multiaddrs(protocols=["tls"], registry=registry), 9)
    )
    assert drawn(near_misses(registry=registry), 20)
    assert drawn(hostile(registry=registry), 20)


@pytest.mark.parametrize(
    ("size", "codec"), [(8, "peer_id"), (8, "multihash"), (8, "garlic64"), (264, "garlic32"), (1 << 40, "percent")]
)
def test_a_size_of_which_there_is_no_value_is_refused_on_the_call(size: int, codec: str) -> None:
    registry = Registry([Protocol(9, size, "own", codec), REGISTRY["tcp"]])
    with pytest.raises(InvalidArgument, match="own"):
        multiaddrs(registry=registry)
    assert drawn(near_misses(registry=registry), 20)


def test_a_codec_that_has_no_hash_or_raises_what_it_should_not_is_drawn_all_the_same() -> None:
    @dataclass  # and so it has no hash
    class Hex:
        length: int

        def __call__(self, text: str) -> bytes:
            return {f"{n:02x}": bytes([n]) for n in range(256)}[text]  # a `KeyError` is no refusal

    registry = Registry([Protocol(1, None, "own", Codec("hex", Hex(1), bytes.hex))])
    assert find(components(registry=registry), lambda component: True).name == "own"
    assert drawn(hostile(registry=registry), 20)


def test_values_may_be_said_later() -> None:
    ports = st.deferred(lambda: low)
    strategy = components(protocols=["tcp"], values={"tcp": ports})
    low = st.integers(1, 9)
    assert {str(component) for component in drawn(strategy, 100)} == {f"/tcp/{port}" for port in range(1, 10)}


def test_the_greatest_fixed_size_can_be_drawn() -> None:
    registry = Registry([Protocol(9, 8 * 2000, "own", "multibase")])
    for strategy in (components(registry=registry), multiaddrs(registry=registry), near_misses(registry=registry)):
        given(strategy)(settings(database=None, max_examples=10)(lambda drawn: None))()
    with pytest.raises(InvalidArgument, match="a value of own has 2001 bytes: that is too much to draw"):
        components(registry=Registry([Protocol(9, 8 * 2001, "own", "multibase")]))


@pytest.mark.parametrize("size", [16, 1024, 1032, 1040, 1048, 1056])
def test_a_multihash_of_a_fixed_size_has_it(size: int) -> None:
    registry = Registry([Protocol(9, size, "own", "multihash")])
    assert {len(component.raw_value) for component in drawn(components(registry=registry), 20)} == {size // 8}


def test_the_comments_of_a_table_do_not_count() -> None:
    bare = Registry([Protocol(row.code, row.size, row.name, row.codec) for row in REGISTRY])
    for address in drawn(dialable(protocols=["dns", "tcp"], registry=bare), 50):
        Endpoint.from_multiaddr(address)


def test_any_name_of_a_protocol_will_do() -> None:
    registry = Registry([Protocol(1, 0, "a@b"), Protocol(2, 8, ".", "uint8"), Protocol(3, 0, "*")])
    assert {component.name for component in drawn(components(registry=registry), 50)} == {"a@b", ".", "*"}
    assert {component.name for address in drawn(multiaddrs(registry=registry), 99) for component in address} == {
        "a@b",
        ".",
        "*",
    }


def test_every_protocol_of_another_registry_occurs() -> None:
    found = drawn(components(registry=OWN), 2000)
    assert {component.protocol for component in found} == set(OWN)
    assert all(component.registry is OWN for component in found)
    own = [protocol for protocol in OWN if protocol not in REGISTRY]
    whole = drawn(multiaddrs(protocols=own, registry=OWN), 500)
    assert {protocol for address in whole for protocol in address.protocols()} == set(own)


def test_a_registry_without_the_usual_protocols_will_do() -> None:
    registry = Registry([EVEN, Protocol(1, 0, "bare")])
    found = {protocol.name for address in drawn(multiaddrs(registry=registry), 50) for protocol in address.protocols()}
    assert found == {"even", "bare"}
    assert all(miss.source for miss in drawn(near_misses(str, registry=registry), 50))
    assert all(miss.source for miss in drawn(near_misses(bytes, registry=registry), 50))
    assert all(isinstance(source, str | bytes) for source in drawn(hostile(registry=registry), 50))


def test_the_mix_looks_like_addresses_in_use(addresses: list[Multiaddr]) -> None:
    def share(holds: Callable[[Multiaddr], bool]) -> float:
        return sum(map(holds, addresses)) / len(addresses)

    assert share(lambda address: address[0].name in ("ip4", "ip6", "dns", "dns4", "dnsaddr")) > 0.7
    assert share(lambda address: address[1:2].protocols()[:1] == (REGISTRY["tcp"],)) > 0.35
    assert 0.25 < share(lambda address: "p2p" in address) < 0.75
    assert 0.01 < share(lambda address: "p2p-circuit" in address) < 0.2
    assert share(lambda address: len(address) > 6) < 0.15
    by_length = Counter(map(len, addresses))
    assert max(by_length, key=by_length.__getitem__) in (2, 3)


@pytest.mark.parametrize(
    ("name", "edges"),
    [
        ("tcp", ["0", "65535"]),
        ("ip4", ["0.0.0.0", "127.0.0.1", "255.255.255.255"]),
        ("ip6", ["::", "::1", "::ffff:0.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
        ("p2p", [str(PeerId(b"\0\x2a" + bytes(42))), "11", "QmNLei78zWmzUdbeRB3CiUfAizWUrbeeZh5K1rhAQKCh51"]),
        ("memory", ["0", str((1 << 64) - 1)]),
        ("ipcidr", ["0", "255"]),
        ("certhash", ["uAAA"]),
        ("unix", ["%2F", "%00abstract"]),
    ],
)
def test_edges_come_often(name: str, edges: list[str]) -> None:
    """Each at least once in 300 values, which chance alone would hardly bring once in a life."""
    seen = Counter(drawn(values(name), 300))
    assert all(seen[edge] for edge in edges), seen.most_common(9)


def test_the_greatest_code_comes_often(addresses: list[Multiaddr]) -> None:
    counts = Counter(protocol.name for address in addresses for protocol in address.protocols())
    assert counts["plaintextv2"] > counts["p2p-stardust"] > 0


def test_the_lengths_of_values_take_one_byte_and_two() -> None:
    lengths = {
        len(component.raw_value) for component in drawn(components(protocols=["dns", "garlic64", "certhash"]), 500)
    }
    assert min(lengths) < 0x80 <= max(lengths)


@given(thin_waist())
def test_a_thin_waist_is_an_ip_address_and_a_port(address: Multiaddr) -> None:
    assert len(address) == 2
    assert address[0].name in ("ip4", "ip6")
    assert address[1].name in ("tcp", "udp")


@given(dialable())
def test_what_is_dialable_has_an_endpoint(address: Multiaddr) -> None:
    endpoint = Endpoint.from_multiaddr(address)
    assert endpoint.port != 0
    assert endpoint.host not in ("0.0.0.0", "::")
    if "ip4" in address or "ip6" in address:
        assert endpoint.sockaddr()  # which a link-local address without a zone has not


@given(relayed())
def test_what_is_relayed_goes_through_one_relay(address: Multiaddr) -> None:
    place = address.index("p2p-circuit")
    assert address.count("p2p-circuit") == 1
    assert address[place - 1].name == "p2p"
    assert address[:place].peer_id == address[place - 1].typed_value
    Endpoint.from_multiaddr(address)
    behind = [component.name for component in address[place + 1 :]]
    assert behind in ([], ["p2p"], ["webrtc", "p2p"])


@given(peer_ids(key_types=["Ed25519", "Secp256k1"]))
def test_peer_ids_of_a_type_have_such_a_key(peer_id: PeerId) -> None:
    assert peer_id.key is not None
    assert peer_id.key[0] in ("Ed25519", "Secp256k1")


def test_peer_ids_are_of_every_type() -> None:
    found = drawn(peer_ids(), 300)
    assert {peer_id.key[0] for peer_id in found if peer_id.key} == {"Ed25519", "Secp256k1"}
    assert {bytes(peer_id)[0] for peer_id in found} == {0x00, 0x12}
    assert max(len(bytes(peer_id)) for peer_id in found) == 44
    assert {bytes(peer_id)[0] for peer_id in drawn(peer_ids(key_types=["RSA", "ECDSA"]), 30)} == {0x12}


def test_spellings_are_mostly_not_canonical_and_of_every_kind() -> None:
    found = drawn(multiaddr_texts(), 2000)
    assert sum(spelling.text != spelling.canonical for spelling in found) > 1000
    texts = [spelling.text for spelling in found]
    for part in ("/ipfs/", "::", "/tcp/0", "%2f", "/p2p/b", "/p2p/z"):
        assert any(part in text for text in texts), part
    assert any(text.endswith("//") for text in texts)


@pytest.mark.parametrize("name", ["unix", "http-path"])
@pytest.mark.parametrize(("raw", "texts"), [(b"\xff", {"%FF", "%ff"}), (b"/%", {"%2F%25", "%2f%25"})])
def test_paths_are_spelled_whether_or_not_they_are_text(name: str, raw: bytes, texts: set[str]) -> None:
    spellings = multiaddr_texts(protocols=[name], min_size=1, max_size=1, values={name: st.just(raw)})
    assert {spelling.text.rstrip("/") for spelling in drawn(spellings, 60)} >= {f"/{name}/{text}" for text in texts}


@pytest.mark.parametrize("protocol", WITH_VALUES, ids=lambda protocol: protocol.name)
def test_every_value_that_can_be_is_spelled_otherwise(protocol: Protocol) -> None:
    assert protocol.codec is not None
    found = drawn(multiaddr_texts(protocols=[protocol], max_size=1), 40)
    assert all(str(Multiaddr(spelling.text)) == spelling.canonical for spelling in found)
    one_way = protocol.codec.name in ("ip4", "text")
    assert one_way or any(spelling.text.rstrip("/") != spelling.canonical for spelling in found)


@pytest.mark.parametrize("protocol", WITH_VALUES, ids=lambda protocol: protocol.name)
def test_every_fault_of_a_value_is_one(protocol: Protocol) -> None:
    assert protocol.codec is not None
    of_text, of_bytes = OF_TEXT.get(protocol.codec.name, ()), OF_BYTES.get(protocol.codec.name, ())
    for component in drawn(components(protocols=[protocol]), 20):
        wrong = [(fault.reason, fault.spoil(component)) for fault in of_text]
        for reason, value in [*wrong, *((fault.reason, fault.spoil(component)) for fault in of_bytes)]:
            with pytest.raises(ParseError):
                print(reason, value, Component(protocol, value))


def test_near_misses_have_faults_of_every_kind() -> None:
    reasons = {miss.reason for miss in drawn(near_misses(), 1500)}
    every = {fault.reason for table in (OF_TEXT, OF_BYTES) for faults in table.values() for fault in faults}
    assert len(every & reasons) > len(every) / 3
    for reason in (
        "an address begins with /",
        "a component has a name",
        "there is no such protocol",
        "the value is missing",
        "the value is empty",
        "a varint is minimal",
        "a varint has at most 9 bytes",
        "a value has at least one byte",
        "the value is cut off",
    ):
        assert reason in reasons or occurs(near_misses(), lambda miss: miss.reason == reason)  # noqa: B023 # called at once


@pytest.mark.parametrize("kind", [str, bytes])
def test_a_kind_of_source_is_drawn_alone(kind: type[Any]) -> None:
    assert {type(miss.source) for miss in drawn(near_misses(kind), 50)} == {kind}
    assert {type(source) for source in drawn(hostile(kind), 50)} == {kind}


@pytest.mark.parametrize(
    "holds",
    [
        lambda text: len(text) == 500,
        lambda text: "\ud800" in text,
        lambda text: "\x1b" in text,
        lambda text: text.count("/") > 100,
        lambda text: text.startswith("/p2p/") and len(text) > 200,
    ],
    ids=["long", "surrogates", "escapes", "deep", "peer ID"],
)
def test_hostile_texts_are_long_deep_and_strange(holds: Callable[[str], bool]) -> None:
    assert occurs(hostile(str, max_size=500), holds)


@pytest.mark.parametrize(
    "holds",
    [
        lambda raw: len(raw) == 500,
        lambda raw: raw.startswith(b"\x80" * 20),
        lambda raw: raw.count(b"\xa2\x02") > 50,
        lambda raw: raw.startswith(b"/"),
    ],
    ids=["long", "endless varint", "deep", "text"],
)
def test_hostile_bytes_are_long_deep_and_misleading(holds: Callable[[bytes], bool]) -> None:
    assert occurs(hostile(bytes, max_size=500), holds)


# What may be said


@given(st.data(), st.integers(0, 12), st.integers(0, 12))
def test_sizes_are_kept_to(data: st.DataObject, least: int, more: int) -> None:
    address = data.draw(multiaddrs(min_size=least, max_size=least + more))
    assert least <= len(address) <= least + more


@pytest.mark.parametrize("strategy", [dialable, relayed])
@pytest.mark.parametrize("size", [*range(1, 13), 100])
def test_an_address_of_a_grammar_has_any_size_that_there_is(
    strategy: Callable[..., SearchStrategy[Multiaddr]], size: int
) -> None:
    least = 1 if strategy is dialable else 4
    if size < least:
        with pytest.raises(InvalidArgument, match="leave no such address"):
            strategy(min_size=size, max_size=size)
    else:
        assert {len(address) for address in drawn(strategy(min_size=size, max_size=size), 20)} == {size}


def test_an_empty_address_is_drawn_where_it_may_be() -> None:
    assert not find(multiaddrs(min_size=0), lambda address: True)
    assert all(drawn(multiaddrs(), 100))


@pytest.mark.parametrize(
    "protocols", [["ip4", "tcp"], [4, 273, 421], [REGISTRY["tls"]], ["ipfs"], {"unix", "http"}], ids=str
)
def test_only_the_protocols_occur_that_are_wanted(protocols: list[str]) -> None:
    wanted = {REGISTRY[protocol] for protocol in protocols}
    found = {protocol for address in drawn(multiaddrs(protocols=protocols), 300) for protocol in address.protocols()}
    assert found == wanted
    assert {component.protocol for component in drawn(components(protocols=protocols), 100)} == wanted


def test_what_is_dialable_can_be_restricted() -> None:
    for address in drawn(dialable(protocols=["ip6", "udp", "quic-v1", "memory"]), 50):
        assert [component.name for component in address] in (["ip6", "udp"], ["ip6", "udp", "quic-v1"])
    for address in drawn(relayed(protocols=["dns", "tcp", "wss", "p2p", "p2p-circuit"]), 50):
        assert set(address.protocols()) <= {REGISTRY[name] for name in ("dns", "tcp", "wss", "p2p", "p2p-circuit")}


def test_values_can_be_given_of_what_nobody_knows() -> None:
    codec = Codec("wind", lambda text: b"nord" if text == "nord" else _none(), bytes.decode, _of(b"nord"))
    registry = Registry([Protocol(1, None, "own", codec), Protocol(2, 16, "port", "uint16")])
    given_values = {"own": st.just("nord"), "port": st.just(7)}
    with pytest.raises(InvalidArgument, match="what the values of own are cannot be guessed"):
        near_misses(protocols=["own"], registry=registry)
    found = drawn(near_misses(registry=registry, values=given_values), 300)
    assert "own" in {miss.protocol for miss in found}
    for miss in found:
        with pytest.raises(ParseError):
            Multiaddr(miss.source, registry=registry)
    assert occurs(hostile(str, registry=registry, values=given_values), lambda text: "/own/nord" in text)
    assert occurs(hostile(bytes, registry=registry, values=given_values), lambda raw: b"\x01\x04nord" in raw)
    with pytest.raises(InvalidArgument, match="own, which is not drawn here"):
        near_misses(registry=registry, protocols=["port"], values={"own": st.just("nord")})


def test_values_can_be_given() -> None:
    given_values = {
        "tcp": st.integers(4001, 4009),
        "ip4": st.just("192.0.2.1"),
        "dns": st.just(b"a.example"),
    }
    for address in drawn(dialable(values=given_values, protocols=["ip4", "dns", "tcp"]), 50):
        assert address[0].value in ("192.0.2.1", "a.example")
        assert 4001 <= int(address[1].value or "") <= 4009
    for component in drawn(components(protocols=["tcp"], values={6: st.just(1)}), 5):
        assert component.typed_value == 1


def test_a_given_value_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(InvalidArgument, match=r"values\['tcp'\] drew 70000: .*the number is not in 0 to 65535"):
        find(multiaddrs(protocols=["tcp"], values={"tcp": st.just(70000)}), lambda address: True)


@pytest.mark.parametrize(
    "strategy", [multiaddrs(), dialable(protocols=["ip4", "tcp"]), components(), near_misses(), multiaddr_texts()]
)
def test_a_strategy_is_written_in_a_few_words(strategy: SearchStrategy[object]) -> None:
    shown = repr(strategy)
    assert " of " in shown
    assert " at 0x" not in shown.replace("<lambda> at 0x", "")
    assert len(shown) < 700


# What it shrinks to


@pytest.mark.parametrize(
    ("strategy", "condition", "smallest"),
    [
        (multiaddrs(), lambda address: True, "/ip4/0.0.0.0"),
        (multiaddrs(min_size=2), lambda address: True, "/ip4/0.0.0.0/tcp/0"),
        (multiaddrs(), lambda address: "tcp" in address and "ip4" in address, "/ip4/0.0.0.0/tcp/0"),
        (
            multiaddrs(),
            lambda address: any(c.name == "tcp" and c.typed_value > 9000 for c in address),
            "/ip4/0.0.0.0/tcp/9001",
        ),
        (multiaddrs(), lambda address: "dns" in address, "/dns/example.com"),
        (multiaddrs(), lambda address: "unix" in address, "/unix/%2Frun%2Fa.sock"),
        (thin_waist(), lambda address: "ip6" in address, "/ip6/::/tcp/0"),
        (thin_waist(), lambda address: "udp" in address, "/ip4/0.0.0.0/udp/0"),
        (dialable(), lambda address: "udp" in address, "/ip4/127.0.0.1/udp/1"),
        (dialable(), lambda address: True, "/ip4/127.0.0.1/tcp/1"),
        (components(), lambda component: True, "/ip4/0.0.0.0"),
        (st.lists(components(), min_size=1).map(Multiaddr), lambda address: True, "/ip4/0.0.0.0"),
        (
            relayed(),
            lambda address: True,
            f"/ip4/127.0.0.1/tcp/1/p2p/{PeerId.from_key('Ed25519', bytes(32))}/p2p-circuit",
        ),
    ],
    ids=str,
)
def test_what_fails_shrinks_to_what_a_person_would_write(
    strategy: SearchStrategy[Drawn], condition: Callable[[Drawn], bool], smallest: str
) -> None:
    quietly = settings(database=None, max_examples=5000, derandomize=True)
    assert str(find(strategy, condition, settings=quietly)) == smallest


# What makes no sense


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: multiaddrs(min_size=-1), "min_size=-1 is less than 0"),
        (lambda: multiaddrs(min_size=True), "min_size=True is no int"),
        (lambda: multiaddrs(max_size=2.0), "max_size=2.0 is no int"),  # type: ignore[arg-type] # the fault
        (lambda: multiaddrs(min_size=3, max_size=2), "max_size=2 is less than min_size=3"),
        (lambda: multiaddrs(protocols="tcp"), r"protocols='tcp' is no collection of protocols; write \['tcp'\]"),
        (lambda: multiaddrs(protocols=6), "protocols=6 is no collection of protocols"),  # type: ignore[arg-type] # the fault
        (lambda: multiaddrs(protocols=["tpc"]), "no protocol 'tpc' in the registry"),
        (lambda: multiaddrs(protocols=[1.5]), "looked up by its name, its code or a Protocol"),  # type: ignore[list-item] # the fault
        (lambda: multiaddrs(protocols=[]), r"protocols=\[\] leaves no protocol"),
        (lambda: multiaddrs(registry="ip4"), "registry='ip4' is no Registry"),  # type: ignore[arg-type] # the fault
        (lambda: multiaddrs(registry=Registry([])), "the registry has no protocols"),
        (lambda: multiaddrs(values=[]), r"values=\[\] is no mapping from protocols to strategies"),  # type: ignore[arg-type] # the fault
        (lambda: multiaddrs(values={"tcp": 80}), r"values\['tcp'\]=80 is no strategy; st.just"),  # type: ignore[arg-type] # the fault
        (lambda: multiaddrs(values={"tls": st.none()}), "tls, which has no value"),
        (lambda: multiaddrs(protocols=["udp"], values={"tcp": st.just(1)}), "tcp, which is not drawn here"),
        (lambda: multiaddrs(values={"x": st.just(1)}), "values: no protocol 'x' in the registry"),
        (lambda: thin_waist(protocols=["ip4"]), r"protocols=\['ip4'\] of .* leaves no such address"),
        (lambda: dialable(protocols=["tls"]), "leaves no such address"),
        (lambda: relayed(max_size=2), "min_size=1 and max_size=2 leave no such address"),
        (lambda: components(protocols=[]), "leaves no protocol"),
        (lambda: values("tls"), "tls has no value"),
        (lambda: values("tpc"), "protocol: no protocol 'tpc' in the registry"),
        (lambda: peer_ids(key_types=["DSA"]), "'DSA' is no type of key; there are Ed25519, Secp256k1, RSA, ECDSA"),
        (lambda: peer_ids(key_types="RSA"), r"key_types='RSA' is no collection of types; write \['RSA'\]"),
        (lambda: peer_ids(key_types=[]), r"key_types=\[\] leaves no type"),
        (lambda: multiaddr_texts(min_size=0), "min_size=0: the empty address has no text"),
        (lambda: near_misses(int), "kind=<class 'int'> is neither str nor bytes nor None"),  # type: ignore[arg-type] # the fault
        (lambda: hostile(5), "kind=5 is neither"),  # type: ignore[call-overload] # the fault
        (lambda: hostile(max_size=10), "max_size=10 is less than 64"),
        (lambda: hostile(max_size=10**12), "max_size=1000000000000 is more than 10000000"),
        (lambda: multiaddrs(values={"tcp": st.nothing()}), r"values\['tcp'\] draws nothing"),
        (lambda: multiaddrs(values={"p2p": st.just("1"), "ipfs": st.just("1")}), "two strategies for p2p"),
        (lambda: multiaddrs(protocols=b"tcp"), "protocols=b'tcp' is no collection"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_on_the_call(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        call()


# With Hypothesis


@pytest.mark.parametrize("kind", [Multiaddr, Component, PeerId, Multihash, OnionAddress, Protocol, Registry])
def test_a_type_has_its_strategy(kind: type) -> None:
    _hypothesis.register()
    values_of_it: SearchStrategy[object] = st.from_type(kind)
    assert {type(value) for value in drawn(values_of_it, 20)} == {kind}


def test_a_sequence_of_something_else_holds_no_addresses() -> None:
    _hypothesis.register()
    for kind, item in ((Sequence[str], str), (Sequence[int], int), (Collection[bytes], bytes)):
        for found in drawn(st.from_type(kind), 60):
            assert all(isinstance(one, item) for one in found)


def python(code: str) -> str:
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.skipif(not entry_points(group="hypothesis", name="multiaddr_py"), reason="the package is not installed")
def test_hypothesis_knows_the_types_by_itself() -> None:
    code = """
from hypothesis import find, strategies as st
import sys
assert "multiaddr_py.strategies" not in sys.modules
from multiaddr_py import Multiaddr
class Message:
    def __init__(self, sender: Multiaddr) -> None:
        self.sender = sender
print(find(st.builds(Message), lambda message: True).sender)
"""
    assert python(code) == "/ip4/0.0.0.0\n"


def test_the_library_alone_imports_nothing_of_hypothesis() -> None:
    code = """
import sys, multiaddr_py, multiaddr_py.net, multiaddr_py.testing, multiaddr_py.cli
print([name for name in sys.modules if name.startswith(("hypothesis", "pytest"))])
"""
    assert python(code) == "[]\n"


def test_without_hypothesis_the_strategies_say_what_to_install() -> None:
    code = """
import sys
sys.modules["hypothesis"] = None
try:
    import multiaddr_py.strategies
except ModuleNotFoundError as error:
    print(error)
"""
    assert python(code) == "Hypothesis is needed (the extra `hypothesis` has it): pip install hypothesis\n"


def test_there_is_no_plugin_of_pytest() -> None:
    assert [entry for entry in entry_points(group="pytest11") if entry.value.startswith("multiaddr_py")] == []


@given(st.data())
def test_spellings_and_near_misses_are_of_another_registry_too(data: st.DataObject) -> None:
    spelling: Spelling = data.draw(multiaddr_texts(registry=OWN, values={"even": st.just("ab")}))
    assert str(Multiaddr(spelling.text, registry=OWN)) == spelling.canonical
    miss = data.draw(near_misses(registry=OWN, protocols=[protocol for protocol in OWN if protocol != EVEN]))
    with pytest.raises(ParseError) as caught:
        Multiaddr(miss.source, registry=OWN)
    assert (caught.value.offset, caught.value.protocol) == (miss.offset, miss.protocol)


def test_what_any_text_is_a_value_of_is_drawn() -> None:
    taken = Codec("any", lambda text: text.encode(errors="replace"), lambda raw: raw.hex())
    registry = Registry([Protocol(1, None, "own", taken), Protocol(2, 16, "pair", taken)])
    found = drawn(components(registry=registry), 200)
    assert {component.name for component in found} == {"own", "pair"}
    assert all(len(component.raw_value) == 2 for component in found if component.name == "pair")


def test_a_path_alone_is_missed_nearly() -> None:
    for miss in drawn(near_misses(protocols=["unix"]), 60):
        with pytest.raises(ParseError):
            Multiaddr(miss.source)


def test_one_byte_is_no_part_of_a_component() -> None:
    registry = Registry([Protocol(0x2F, 0, "bare")])  # the code is that of a slash: text may be bytes
    for miss in drawn(near_misses(registry=registry), 60):
        with pytest.raises(ParseError):
            Multiaddr(miss.source, registry=registry)


def test_nothing_is_missed_nearly_where_nothing_is_known() -> None:
    codec = Codec("none", lambda text: _none(), bytes.decode, _of())
    for kind in (str, bytes):
        with pytest.raises(InvalidArgument, match="leaves nothing that could be wrong"):
            near_misses(kind, registry=Registry([Protocol(1, None, "own", codec)]))
    assert drawn(hostile(registry=Registry([Protocol(1, None, "own", codec)])), 20)


def test_old_paths_are_a_spelling() -> None:
    assert occurs(multiaddr_texts(protocols=["unix"], max_size=1), lambda spelling: spelling.text.startswith("/unix//"))
