"""What a `Component` is made from, and what it gives."""

from __future__ import annotations

import base64
import copy
import pickle
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

import pytest

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
    ProtocolNotFoundError,
    UnknownProtocolError,
)

PEER = "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
ONION3 = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd"
CERTHASH = "uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ"

TYPED = [
    ("ip4", "1.2.3.4", IPv4Address("1.2.3.4")),
    ("ip6", "::1", IPv6Address("::1")),
    ("ip6zone", "eth0", "eth0"),
    ("ipcidr", "24", 24),
    ("dns", "example.com", "example.com"),
    ("tcp", "80", 80),
    ("memory", "18446744073709551615", 2**64 - 1),
    ("p2p", PEER, PeerId(PEER)),
    ("certhash", CERTHASH, Multihash(0x12, base64.urlsafe_b64decode(CERTHASH[1:] + "==")[2:])),
    ("onion", "aaimaq4ygg2iegci:80", OnionAddress("aaimaq4ygg2iegci", 80)),
    ("onion3", f"{ONION3}:1234", OnionAddress(ONION3, 1234)),
    ("unix", "%2Frun%2Fa.sock", b"/run/a.sock"),
    ("http-path", "a%2Fb", b"a/b"),
    ("ech", "uAEX-DQBB", bytes.fromhex("0045fe0d0041")),
    ("garlic32", "a" * 51 + "q", bytes(31) + b"\x01"),
    ("garlic64", "A" * 515 + "=", bytes(386)),
    ("tls", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "text", "typed"), TYPED, ids=[row[0] for row in TYPED])
def test_a_value_is_text_bytes_or_typed(protocol: str, text: str | None, typed: object) -> None:
    component = Component(protocol, text)
    assert component.value == text
    assert component.typed_value == typed
    assert type(component.typed_value) is type(typed)
    assert Component(component.protocol, component.typed_value, registry=component.registry) == component
    assert Component(component.code, component.raw_value) == component
    assert Component(protocol, bytearray(component.raw_value)) == component
    assert Component(protocol, memoryview(component.raw_value)) == component
    assert Multiaddr(str(component)) == Multiaddr([component]) == Multiaddr(bytes(component))


def test_the_facts_of_a_component() -> None:
    component = Component("ipfs", PEER)
    assert component.protocol == REGISTRY["p2p"]
    assert (component.name, component.code, component.value) == ("p2p", 421, PEER)
    assert component.raw_value == bytes(PeerId(PEER))
    assert component.registry is REGISTRY
    assert str(component) == f"/p2p/{PEER}"
    assert bytes(component) == b"\xa5\x03\x26" + bytes(PeerId(PEER))
    tls = Component("tls")
    assert (str(tls), bytes(tls), tls.value, tls.raw_value, tls.typed_value) == ("/tls", b"\xc0\x03", None, b"", None)


def test_equality_and_hash_go_by_the_bytes() -> None:
    component = Component("tcp", 80)
    assert component == Component("tcp", "0080")
    assert hash(component) == hash(Component("tcp", "0080"))
    assert component != Component("udp", 80)
    assert component != Component("tcp", 81)
    assert component != Multiaddr([component])
    assert component != "/tcp/80"
    assert component != bytes(component)


def test_repr_evaluates() -> None:
    for protocol, text, _ in TYPED:
        component = Component(protocol, text)
        assert eval(repr(component)) == component
    own = REGISTRY.extended("455,256,wg,multibase,public key")
    assert repr(Component("tls", registry=own)) == "Component('tls', registry=<Registry of 45 protocols>)"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol: int) -> None:
    own = REGISTRY.extended("455,256,wg,multibase,public key")
    for component in (Component("tcp", 80), Component("tls"), Component("wg", bytes(range(32)), registry=own)):
        again = pickle.loads(pickle.dumps(component, protocol))
        assert again == component == copy.deepcopy(component)
        assert again.registry == component.registry


def test_is_immutable() -> None:
    component = Component("tcp", 80)
    with pytest.raises(AttributeError, match="Component is immutable: 'raw_value' cannot be set"):
        component.raw_value = b""  # type: ignore[misc] # that is what is tested
    with pytest.raises(AttributeError, match="Component is immutable: 'raw_value' cannot be deleted"):
        del component.raw_value  # pyright: ignore[reportAttributeAccessIssue]  that is what is tested
    assert not hasattr(component, "__dict__")


@pytest.mark.parametrize(
    ("protocol", "value", "source", "reason"),
    [
        ("tcp", "65536", "65536", "the number is over 65535"),
        ("tcp", "", "", "the value is empty"),
        ("tcp", None, "", "tcp needs a value"),
        ("tcp", b"\0", b"\0", "a value of tcp has 2 bytes, not 1"),
        ("tcp", 65536, "65536", "the number is not in 0 to 65535"),
        ("tcp", -1, "-1", "the number is not in 0 to 65535"),
        ("dns", b"", b"", "the value is empty"),
        ("dns", b"a/b", b"a/b", "a name has no slash"),
        ("dns", b"\xff", b"\xff", "a name is UTF-8"),
        ("dns", "a/b", "a/b", "a value has no slash"),
        ("dns", "\ud800", "\ud800", "a lone surrogate is no character"),
        ("certhash", Multihash(-1, b""), "Multihash(code=-1, digest=b'')", "a varint of 9 bytes holds 0 to"),
        ("onion", OnionAddress("a" * 16, 0), None, "an onion address has a port from 1 to 65535"),
        ("onion3", OnionAddress("a" * 16, 1), None, "an address of this kind has 56 characters, not 16"),
        ("ip6", IPv6Address("fe80::1%eth0"), "fe80::1%eth0", "an IPv6 address has no zone"),
        ("tls", "x", "x", "it takes no value"),
        ("tls", "", "", "it takes no value"),
        ("tls", b"x", b"x", "it takes no value"),
        ("tls", 5, "5", "it takes no value"),
        ("unix", "///", "///", "the value is empty"),
        ("unix", "%zz", "%zz", "a % is followed by two hex digits"),
        ("unix", "\ud800/x", "\ud800/x", "a lone surrogate is no character"),
    ],
)
def test_what_is_no_value_is_a_parse_error(
    protocol: str, value: object, source: str | bytes | None, reason: str
) -> None:
    with pytest.raises(ParseError) as caught:
        Component(protocol, value)
    error = caught.value
    assert reason in error.reason
    assert (error.offset, error.protocol) == (0, protocol)
    assert error.source == (str(value) if source is None else source)
    assert not isinstance(error, UnknownProtocolError)


@pytest.mark.parametrize(
    ("protocol", "value"),
    [
        ("tcp", True),
        ("tcp", 80.0),
        ("tcp", IPv4Address("1.2.3.4")),
        ("ip4", IPv6Address("::1")),
        ("ip4", IPv4Interface("1.2.3.4/24")),
        ("ip6", IPv6Interface("::1/64")),
        ("ip4", 1),
        ("ip6", IPv4Address("1.2.3.4")),
        ("p2p", Multihash(0, b"")),
        ("certhash", (0x12, bytes(32))),
        ("certhash", PeerId(PEER)),
        ("onion", ("a" * 16, 80)),
        ("dns", 5),
        ("unix", 5),
        ("ech", ["uAA"]),
        ("garlic32", 1),
    ],
)
def test_a_value_of_the_wrong_type_is_a_type_error_that_names_the_protocol(protocol: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{protocol}: its value is .*, not {type(value).__name__}$"):
        Component(protocol, value)


def test_a_number_that_python_will_not_write_is_a_parse_error_too() -> None:
    with pytest.raises(ParseError, match="the number is not in 0 to 65535") as caught:
        Component("tcp", 10**5000)
    assert caught.value.source == "<huge int>"


@pytest.mark.parametrize(
    ("protocol", "value"),
    [
        ("onion", OnionAddress("a" * 16, True)),
        ("onion", OnionAddress("a" * 16, "80")),  # type: ignore[arg-type] # that is what is tested
        ("onion3", OnionAddress(b"a" * 56, 80)),  # type: ignore[arg-type] # that is what is tested
        ("certhash", Multihash(True, b"")),
        ("certhash", Multihash("sha2-256", bytes(32))),  # type: ignore[arg-type] # that is what is tested
        ("certhash", Multihash(0x12, "digest")),  # type: ignore[arg-type] # that is what is tested
    ],
)
def test_what_is_in_a_typed_value_has_its_type_too(protocol: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{protocol}: its value is an? {type(value).__name__} of "):
        Component(protocol, value)


def test_a_multihash_with_a_code_outside_the_table_is_a_certhash() -> None:
    assert Component("certhash", Multihash(0x300000, b"digest")).typed_value == Multihash(0x300000, b"digest")


def test_what_is_no_registry_is_a_type_error() -> None:
    for wrong in (None, {"tcp": REGISTRY["tcp"]}):
        with pytest.raises(TypeError, match="a registry is a Registry, not"):
            Component("tcp", 80, registry=wrong)  # type: ignore[arg-type] # that is what is tested


def test_a_second_initialisation_changes_nothing() -> None:
    component, peer = Component("tcp", 80), PeerId(PEER)
    for made, arguments in (
        (component, ("tcp", 81)),
        (peer, ("11",)),
        (REGISTRY, ([],)),
        (REGISTRY["tcp"], (7, 0, "x")),
    ):
        with pytest.raises(AttributeError, match="is immutable"):
            type(made).__init__(made, *arguments)  # type: ignore[arg-type] # of four classes
    assert (component, peer, REGISTRY["tcp"].code) == (Component("tcp", 80), PeerId(PEER), 6)


def test_a_codec_of_ones_own_can_neither_leave_a_mutable_value_nor_a_message_within_a_message() -> None:
    to_raw: Callable[[str], bytes] = bytearray.fromhex  # type: ignore[assignment] # that is what is tested
    from_value: Callable[[object], bytes] = lambda value: bytearray(2)  # type: ignore[assignment, return-value] # as above  # noqa: E731
    mutable = Codec("mutable", to_raw, bytes.hex, from_value=from_value)
    nested = Codec("nested", lambda text: bytes(PeerId(text)), bytes.hex)
    own = REGISTRY.extended(Protocol(70, None, "mutable", mutable), Protocol(71, None, "nested", nested))
    for value in ("0000", bytearray(2), object()):
        assert type(Component("mutable", value, registry=own).raw_value) is bytes
    assert type(Multiaddr("/mutable/0000", registry=own)[0].raw_value) is bytes
    with pytest.raises(ParseError) as caught:
        Multiaddr("/tls/nested/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", registry=own)
    assert caught.value.hint == "is this content, not a peer?"
    assert str(caught.value).count("(at character") == str(caught.value).count("is this content") == 1
    assert (caught.value.offset, caught.value.protocol) == (12, "nested")


def test_an_unknown_protocol_is_not_found() -> None:
    for unknown in ("foo", "TCP", 5):
        with pytest.raises(ProtocolNotFoundError):
            Component(unknown, "1")
    for wrong in (True, None, 6.0):
        with pytest.raises(TypeError):
            Component(wrong, "1")  # type: ignore[arg-type] # what a user may try


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("stdio", b"stdio"),
        ("%2Frun%2Fa", b"/run/a"),
        ("%00name", b"\0name"),
        ("/run/a", b"/run/a"),
        ("run/a", b"/run/a"),
        ("//run//a//", b"/run//a"),
        ("%2Frun/a", b"/%2Frun/a"),
        ("a%zz", b"/a%zz"),
        ("a%2Fb", b"a/b"),
        ("a%20b", b"a b"),
        ("a/tcp/80", b"/a/tcp/80"),
    ],
)
def test_a_unix_value_is_a_segment_or_with_a_slash_a_path_as_it_stands(text: str, path: bytes) -> None:
    component = Component("unix", text)
    assert component.raw_value == path
    assert Component("unix", component.value) == component
