"""What a `Multiaddr` does, beyond reading and writing."""

from __future__ import annotations

import copy
import dataclasses
import enum
import pickle

import pydantic
import pytest

from multiaddr_py import (
    REGISTRY,
    Component,
    Multiaddr,
    MultiaddrError,
    ParseError,
    PeerId,
    Protocol,
    ProtocolNotFoundError,
    Registry,
    UnknownProtocolError,
)

RELAY = "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
TARGET = "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
WITH_WG = REGISTRY.extended("455,256,wg,multibase,public key")
WG = "uAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
UDP = Multiaddr("/ip4/127.0.0.1/udp/1234")
UDP_BYTES = bytes.fromhex("047f000001910204d2")
EMPTY = Multiaddr()


class Text(str):
    """Text whose own `str` lies."""

    __slots__ = ()

    def __str__(self) -> str:
        return "/tcp/1"


class TestConstructor:
    @pytest.mark.parametrize(
        "address",
        [
            "/ip4/127.0.0.1/udp/1234",
            Text("/ip4/127.0.0.1/udp/1234"),
            UDP_BYTES,
            bytearray(UDP_BYTES),
            memoryview(UDP_BYTES),
            memoryview(bytes(byte for pair in zip(UDP_BYTES, UDP_BYTES, strict=True) for byte in pair))[::2],
            UDP,
            [Component("ip4", "127.0.0.1"), Component("udp", 1234)],
        ],
    )
    def test_takes_text_bytes_an_address_and_components(self, address: str) -> None:
        read = Multiaddr(address)
        assert read == UDP
        assert bytes(read) == read.to_bytes() == UDP_BYTES
        assert type(bytes(read)) is bytes

    def test_takes_an_iterator(self) -> None:
        assert Multiaddr(iter(UDP)) == UDP

    def test_copies_a_mutable_buffer(self) -> None:
        buffer = bytearray(UDP_BYTES)
        address = Multiaddr(buffer)
        buffer[1] = 10
        assert address == UDP

    @pytest.mark.parametrize("wrong", [None, 5, 1.5, True, object()])
    def test_refuses_other_types(self, wrong: str) -> None:
        message = f"^an address is read from text, bytes or components, not from {type(wrong).__name__}$"
        with pytest.raises(TypeError, match=message):
            Multiaddr(wrong)

    @pytest.mark.parametrize(
        ("wrong", "name"), [(["/tcp/80"], "str"), ([UDP], "Multiaddr"), ([6], "int"), ({6: 80}, "int")]
    )
    def test_refuses_other_things_among_components(self, wrong: str, name: str) -> None:
        with pytest.raises(TypeError, match=f"^an address is made from components, not from {name}$"):
            Multiaddr(wrong)

    def test_refuses_a_lone_component_and_names_the_list(self) -> None:
        with pytest.raises(TypeError, match=r"^an address is made from a list of components, not from a single one$"):
            Multiaddr(Component("tls"))  # type: ignore[arg-type] # what a user may try

    @pytest.mark.parametrize("address", [(), "/tls", b"\xc0\x03", UDP])
    def test_refuses_what_is_no_registry(self, address: str) -> None:
        for wrong in ("x", {"tls": REGISTRY["tls"]}, 5):
            with pytest.raises(TypeError, match=f"^a registry is a Registry, not {type(wrong).__name__}$"):
                Multiaddr(address, registry=wrong)  # type: ignore[arg-type] # that is what is tested

    def test_takes_its_address_by_position_only(self) -> None:
        with pytest.raises(TypeError):
            Multiaddr(address="/tcp/80")  # type: ignore[call-arg] # what a user may try

    @pytest.mark.parametrize("nothing", ["", "/", "///", b"", bytearray()])
    def test_no_text_and_no_bytes_give_the_empty_address(self, nothing: str) -> None:
        with pytest.raises(ParseError):
            Multiaddr(nothing)

    def test_the_empty_address(self) -> None:
        assert Multiaddr() == Multiaddr(()) == Multiaddr([]) == Multiaddr(EMPTY) == UDP[:0] == Multiaddr.join()
        assert not EMPTY
        assert UDP
        assert (str(EMPTY), bytes(EMPTY), len(EMPTY), list(EMPTY), repr(EMPTY)) == ("", b"", 0, [], "Multiaddr()")
        assert (EMPTY.split(), EMPTY.protocols(), EMPTY.peer_id) == ([], (), None)
        assert EMPTY / "tcp/80" == Multiaddr("/tcp/80")
        assert EMPTY < UDP

    def test_is_immutable(self) -> None:
        with pytest.raises(AttributeError, match="Multiaddr is immutable"):
            UDP.registry = WITH_WG  # type: ignore[misc] # that is what is tested
        with pytest.raises(AttributeError):
            UDP.anything = 1
        with pytest.raises(AttributeError):
            del UDP.registry  # pyright: ignore[reportAttributeAccessIssue]  that is what is tested
        with pytest.raises(AttributeError):
            setattr(UDP, "_bytes", b"")  # noqa: B010 # the way around a type checker
        assert not hasattr(UDP, "__dict__")

    def test_the_type_itself_holds_no_address_without_a_reader(self) -> None:
        with pytest.raises(AttributeError, match="_read"):
            Multiaddr.__mro__[1]()


class TestValue:
    def test_equality_hash_and_order_go_by_the_bytes(self) -> None:
        same, other = Multiaddr("/ip4/127.0.0.1/udp/01234"), Multiaddr("/ip4/127.0.0.2/udp/1234")
        assert UDP == same
        assert hash(UDP) == hash(same)
        assert UDP != other
        assert UDP < other
        assert UDP <= same
        assert other > UDP
        assert same >= UDP
        assert {UDP: 1}[same] == 1
        assert sorted([other, UDP]) == [UDP, other]

    def test_other_types_are_never_equal_and_have_no_order(self) -> None:
        assert UDP != str(UDP)
        assert UDP != bytes(UDP)
        assert Multiaddr("/tls") != Component("tls")
        for other in (str(UDP), bytes(UDP), Component("tls"), 1):
            for compare in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__"):
                assert getattr(UDP, compare)(other) is NotImplemented

    def test_registries_take_no_part_in_equality(self) -> None:
        assert Multiaddr("/tcp/80", registry=WITH_WG) == Multiaddr("/tcp/80")
        assert hash(Multiaddr("/tcp/80", registry=WITH_WG)) == hash(Multiaddr("/tcp/80"))

    def test_repr_evaluates_and_names_a_registry_of_ones_own(self) -> None:
        assert repr(UDP) == "Multiaddr('/ip4/127.0.0.1/udp/1234')"
        assert eval(repr(UDP)) == UDP
        assert repr(Multiaddr("/tls", registry=WITH_WG)) == "Multiaddr('/tls', registry=<Registry of 45 protocols>)"
        assert repr(Multiaddr(registry=WITH_WG)) == "Multiaddr(registry=<Registry of 45 protocols>)"

    def test_format(self) -> None:
        assert f"{UDP:x}" == "047f000001910204d2"
        assert f"{UDP}" == str(UDP)
        assert f"{UDP:>30}" == str(UDP).rjust(30)

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    @pytest.mark.parametrize("address", [UDP, EMPTY, Multiaddr(f"/wg/{WG}", registry=WITH_WG)])
    def test_pickles(self, address: Multiaddr, protocol: int) -> None:
        again = pickle.loads(pickle.dumps(address, protocol))
        assert again == address
        assert str(again) == str(address)
        assert again.registry == address.registry
        assert type(again) is Multiaddr

    def test_pickles_the_default_registry_by_name(self) -> None:
        assert pickle.loads(pickle.dumps(UDP)).registry is REGISTRY
        assert len(pickle.dumps(UDP)) < 150

    def test_loading_a_pickle_checks_again(self) -> None:
        damaged = pickle.dumps(UDP).replace(UDP_BYTES, UDP_BYTES[:-1] + b"\xd3")
        assert pickle.loads(damaged) == Multiaddr("/ip4/127.0.0.1/udp/1235")
        with pytest.raises(ParseError):
            pickle.loads(pickle.dumps(UDP).replace(UDP_BYTES, b"\xff" * len(UDP_BYTES)))

    def test_copies(self) -> None:
        assert copy.copy(UDP) == copy.deepcopy(UDP) == UDP
        assert copy.deepcopy(UDP).registry is REGISTRY

    def test_serves_as_a_field_of_a_dataclass(self) -> None:
        @dataclasses.dataclass(frozen=True, order=True)
        class Peer:
            address: Multiaddr = UDP

        assert Peer() == Peer(Multiaddr(UDP_BYTES))
        assert hash(Peer()) == hash(Peer(Multiaddr(UDP_BYTES)))
        assert dataclasses.asdict(Peer()) == {"address": UDP}


class TestSequence:
    def test_is_a_sequence_of_components(self) -> None:
        assert len(UDP) == 2
        assert list(UDP) == [UDP[0], UDP[1]] == [Component("ip4", "127.0.0.1"), Component("udp", "1234")]
        assert list(reversed(UDP)) == [UDP[-1], UDP[-2]]
        for index in (2, -3):
            with pytest.raises(IndexError):
                UDP[index]

    def test_a_slice_is_an_address(self) -> None:
        address = Multiaddr("/ip4/1.2.3.4/udp/4001/quic-v1/webtransport")
        components = list(address)
        for start in (None, *range(-5, 6)):
            for stop in (None, *range(-5, 6)):
                for step in (None, -3, -2, -1, 1, 2, 3):
                    part = slice(start, stop, step)
                    assert address[part] == Multiaddr(components[part])
        with pytest.raises(ValueError, match="step"):
            address[::0]

    def test_a_slice_keeps_the_registry(self) -> None:
        address = Multiaddr(f"/wg/{WG}/tcp/80", registry=WITH_WG)
        assert all(part.registry is WITH_WG for part in (address[:1], address[::-1], address[:0]))

    def test_a_name_is_no_index_and_the_error_names_get(self) -> None:
        with pytest.raises(TypeError, match=r"get\('tcp'\)"):
            UDP["tcp"]  # type: ignore[call-overload] # what a user may try

    def test_in_takes_protocols_and_components(self) -> None:
        assert "udp" in UDP
        assert 273 in UDP
        assert REGISTRY["udp"] in UDP
        assert Component("udp", 1234) in UDP
        assert "ipfs" in Multiaddr(f"/p2p/{TARGET}")
        others: list[object] = [
            "tcp",
            6,
            REGISTRY["tcp"],
            Component("udp", 1235),
            "foo",
            5,
            True,
            None,
            "/udp/1234",
            UDP,
        ]
        for absent in others:
            assert absent not in UDP

    def test_index_and_count(self) -> None:
        address = Multiaddr("/ip4/1.2.3.4/tcp/80/ip4/1.2.3.4/tcp/81")
        assert address.index("tcp") == 1
        assert address.index(6, 2) == 3
        assert address.index(Component("tcp", 81)) == 3
        assert address.index("tcp", -1) == 3
        assert (address.count("tcp"), address.count(Component("tcp", 81)), address.count("udp")) == (2, 1, 0)
        for absent in ("udp", Component("tcp", 82)):
            with pytest.raises(ValueError, match="does not occur"):
                address.index(absent)
        with pytest.raises(ValueError, match="does not occur"):
            address.index("tcp", 2, 3)

    @pytest.mark.parametrize(
        ("absent", "name"),
        [("udp", "udp"), ("ipfs", "p2p"), (REGISTRY["sctp"], "sctp"), (Component("tcp", 82), "'/tcp/82'")],
    )
    def test_index_names_what_does_not_occur(self, absent: str, name: str) -> None:
        with pytest.raises(ValueError, match=f"^{name} does not occur in the address$"):
            Multiaddr("/ip4/1.2.3.4/tcp/80").index(absent)

    def test_index_and_count_refuse_address_text_and_unknown_names(self) -> None:
        for look_up in (UDP.index, UDP.count):
            with pytest.raises(ProtocolNotFoundError):
                look_up("/udp/1234")
            with pytest.raises(TypeError):
                look_up(UDP)  # type: ignore[arg-type] # what a user may try

    def test_what_a_look_up_does_not_find_is_quoted_short(self) -> None:
        for absent in (Component("dns", "a\x1b" * 10_000), "tcp"):
            with pytest.raises(ValueError, match="does not occur") as caught:
                UDP.index(absent)
            assert len(str(caught.value)) < 200
            assert str(caught.value).isprintable()
        with pytest.raises(TypeError) as wrong:
            UDP["x" * 10_000]  # type: ignore[call-overload] # that is what is tested
        assert len(str(wrong.value)) < 200

    def test_matches_patterns(self) -> None:
        match UDP:
            case [Component("ip4", host), Component("udp", port)]:
                assert (host, port) == ("127.0.0.1", "1234")
            case _:
                pytest.fail("no match")
        match UDP:
            case [Component("ip6"), *_]:
                pytest.fail("a match of another protocol")
            case [*_, Component(name="udp")]:
                pass
            case _:
                pytest.fail("no match")

    def test_split(self) -> None:
        address = Multiaddr("/ip4/1.2.3.4/tcp/80/tls/ws")
        parts = ["/ip4/1.2.3.4", "/tcp/80", "/tls", "/ws"]
        assert [str(part) for part in address.split()] == parts
        assert address.split(-5) == address.split(99) == address.split(4) == address.split(3) == address.split()
        assert [str(part) for part in address.split(1)] == ["/ip4/1.2.3.4", "/tcp/80/tls/ws"]
        assert address.split(0) == [address]


class TestLookUp:
    ADDRESS = Multiaddr("/ip4/1.2.3.4/tcp/80/tls/tcp/81")

    def test_get_finds_the_first_or_gives_the_default(self) -> None:
        first = self.ADDRESS[1]
        assert self.ADDRESS.get("tcp") == self.ADDRESS.get(6) == self.ADDRESS.get(REGISTRY["tcp"]) == first
        assert self.ADDRESS.get("udp") is None
        assert self.ADDRESS.get("udp", first) is first

    def test_get_all_finds_every_one(self) -> None:
        assert self.ADDRESS.get_all("tcp") == (self.ADDRESS[1], self.ADDRESS[3])
        assert self.ADDRESS.get_all("udp") == ()

    def test_value_for_protocol(self) -> None:
        assert self.ADDRESS.value_for_protocol("tcp") == "80"
        assert self.ADDRESS.value_for_protocol("tls") is None
        with pytest.raises(ProtocolNotFoundError, match="no protocol 'udp' in the address"):
            self.ADDRESS.value_for_protocol("udp")

    def test_protocols_keeps_repeats(self) -> None:
        assert self.ADDRESS.protocols() == tuple(REGISTRY[name] for name in ("ip4", "tcp", "tls", "tcp"))

    @pytest.mark.parametrize("method", ["get", "get_all", "value_for_protocol", "decapsulate_code", "index", "count"])
    def test_a_typo_is_not_an_absence(self, method: str) -> None:
        for unknown in ("tpc", "TCP", "", 7, -1, WITH_WG["wg"]):
            with pytest.raises(ProtocolNotFoundError):
                getattr(self.ADDRESS, method)(unknown)
        for wrong in (True, None, 6.0, b"tcp"):
            with pytest.raises(TypeError):
                getattr(self.ADDRESS, method)(wrong)

    @pytest.mark.parametrize(
        ("text", "peer"),
        [
            ("/ip4/1.2.3.4/tcp/80", None),
            (f"/ip4/1.2.3.4/tcp/80/p2p/{TARGET}", TARGET),
            (f"/ip4/1.2.3.4/tcp/80/p2p/{RELAY}/p2p-circuit", None),
            (f"/ip4/1.2.3.4/tcp/80/p2p/{RELAY}/p2p-circuit/p2p/{TARGET}", TARGET),
            (f"/p2p/{RELAY}/p2p-circuit/p2p/{TARGET}/p2p-circuit", None),
            (f"/p2p/{RELAY}/p2p/{TARGET}", TARGET),
            (f"/p2p-circuit/p2p/{TARGET}", TARGET),
        ],
    )
    def test_peer_id_is_whom_one_ends_up_talking_to(self, text: str, peer: str | None) -> None:
        assert Multiaddr(text).peer_id == (None if peer is None else PeerId(peer))

    def test_there_is_no_peer_id_where_the_code_means_something_else(self) -> None:
        table = Registry([Protocol(421, 16, "x", "uint16")])
        assert Multiaddr("/x/1", registry=table).peer_id is None


class TestEncapsulate:
    @pytest.mark.parametrize(
        "operand",
        ["/quic-v1", b"\xcd\x03", bytearray(b"\xcd\x03"), Multiaddr("/quic-v1"), Component("quic-v1")],
    )
    def test_takes_every_kind_of_operand(self, operand: str) -> None:
        whole = Multiaddr("/ip4/127.0.0.1/udp/1234/quic-v1")
        assert UDP.encapsulate(operand) == UDP / operand == Multiaddr.join(UDP, operand) == whole
        assert whole.decapsulate(operand) == UDP
        assert whole.endswith(operand)
        assert not UDP.endswith(operand)
        assert (Multiaddr("/quic-v1") / UDP).startswith(operand)
        assert not whole.startswith(operand)

    @pytest.mark.parametrize("method", ["encapsulate", "decapsulate", "startswith", "endswith", "join", "__truediv__"])
    @pytest.mark.parametrize("wrong", [None, 5, ["/tcp/80"], [Component("tls")], UDP.split()])
    def test_refuses_other_operands(self, method: str, wrong: object) -> None:
        with pytest.raises(TypeError, match=f"wanted, not {type(wrong).__name__}$"):
            getattr(UDP, method)(*[UDP][: method == "join"], wrong)

    def test_only_the_slash_operator_puts_the_missing_slash_in_front(self) -> None:
        assert UDP / f"p2p/{TARGET}" == UDP / f"/p2p/{TARGET}" == UDP.encapsulate(f"/p2p/{TARGET}")
        for method in (UDP.encapsulate, UDP.decapsulate, UDP.startswith, UDP.endswith):
            with pytest.raises(ParseError):
                method("quic-v1")
        for text, source in (("", "/"), ("x", "/x")):
            with pytest.raises(ParseError) as caught:
                UDP / text
            assert caught.value.source == source

    def test_a_subclass_of_str_is_read_by_its_characters(self) -> None:
        class Transport(str, enum.Enum):  # noqa: UP042  what a `StrEnum` formats as is its text
            QUIC = "quic-v1"
            TLS = "/tls"

        assert UDP / Transport.QUIC / Transport.TLS == Multiaddr("/ip4/127.0.0.1/udp/1234/quic-v1/tls")
        assert (UDP / Transport.TLS).decapsulate(Transport.TLS) == UDP

    def test_there_is_no_plus(self) -> None:
        with pytest.raises(TypeError):
            UDP + UDP  # type: ignore[operator] # what a user may try

    def test_join(self) -> None:
        assert Multiaddr.join("/ip4/1.2.3.4", b"\x06\x00\x50", Component("tls")) == Multiaddr("/ip4/1.2.3.4/tcp/80/tls")
        assert Multiaddr.join(Component("tls"), EMPTY, "/ws") == Multiaddr("/tls/ws")

    @pytest.mark.parametrize(
        ("whole", "part", "left"),
        [
            ("/ip4/1.2.3.4/tcp/8080", "/tcp/80", "/ip4/1.2.3.4/tcp/8080"),
            ("/ip4/1.2.3.4/tcp/80", "/tcp/80", "/ip4/1.2.3.4"),
            ("/ip4/1.2.3.4/tcp/80", "/ip4/1.2.3.4", ""),
            ("/tcp/80/udp/1/tcp/80/ws", "/tcp/80", "/tcp/80/udp/1"),
            ("/tcp/80/ws/tcp/80", "/tcp/80/ws", ""),
            ("/tls/tls/ws/tls/tls/tls/ws/tls", "/tls/tls/ws", "/tls/tls/ws/tls"),
            ("/tls/tls/tls", "/tls/tls", "/tls"),
            ("/ws/tls/tls/ws/tls/tls/tls", "/ws/tls/tls", "/ws/tls/tls"),
            ("/tls/ws/tls/noise", "/tls/ws/tls/ws", "/tls/ws/tls/noise"),
            # The bytes occur, but inside a value.
            ("/dns/%06%00P/tcp/81", "/tcp/80", "/dns/%06%00P/tcp/81"),
            ("/http-path/a%06%00P/tcp/81", "/tcp/80", "/http-path/a%06%00P/tcp/81"),
            ("/tcp/80/http-path/a%06%00P", "/tcp/80", ""),
        ],
    )
    def test_decapsulate_cuts_whole_components_at_the_last_occurrence(self, whole: str, part: str, left: str) -> None:
        address = Multiaddr(whole)
        assert str(address.decapsulate(part)) == left
        if left == whole:
            assert address.decapsulate(part) is address

    def test_the_empty_address_is_a_neutral_operand(self) -> None:
        assert UDP.decapsulate(EMPTY) is UDP
        assert UDP.startswith(EMPTY)
        assert UDP.endswith(EMPTY)
        assert EMPTY.endswith(EMPTY)
        assert UDP / EMPTY == UDP
        assert not EMPTY.startswith(UDP)
        assert EMPTY.decapsulate(UDP) is EMPTY

    def test_endswith_counts_whole_components(self) -> None:
        assert not Multiaddr("/http-path/a%06%00P").endswith("/tcp/80")
        assert Multiaddr("/http-path/a%06%00P/tcp/80").endswith("/tcp/80")

    def test_decapsulate_code_cuts_at_the_last_of_a_protocol(self) -> None:
        address = Multiaddr("/tcp/80/udp/1/tcp/81/ws")
        for tcp in ("tcp", 6, REGISTRY["tcp"]):
            assert address.decapsulate_code(tcp) == Multiaddr("/tcp/80/udp/1")
        assert address.decapsulate_code("sctp") is address

    def test_replace(self) -> None:
        address = Multiaddr("/ip4/1.2.3.4/tcp/80/tcp/81")
        for value in ("00443", 443, b"\x01\xbb"):
            assert address.replace("tcp", value) == Multiaddr("/ip4/1.2.3.4/tcp/443/tcp/81")
        with pytest.raises(ProtocolNotFoundError, match=r"^no protocol 'udp' in the address$"):
            address.replace("udp", 1)
        with pytest.raises(ParseError):
            address.replace("tcp", "x")


class TestRegistries:
    def test_the_left_operands_registry_counts(self) -> None:
        wg = Multiaddr(f"/wg/{WG}", registry=WITH_WG)
        assert wg.registry is WITH_WG
        for joined in (wg / UDP, wg.encapsulate("/tcp/80"), Multiaddr.join(wg, UDP), wg / Component("tls")):
            assert joined.registry is WITH_WG
        with pytest.raises(UnknownProtocolError):
            UDP / wg
        with pytest.raises(UnknownProtocolError):
            UDP.encapsulate(wg[0])
        assert Multiaddr(wg).registry is WITH_WG
        assert str(wg / f"wg/{WG}") == f"/wg/{WG}/wg/{WG}"

    def test_a_registry_that_is_given_checks_what_another_one_read(self) -> None:
        wg = Multiaddr(f"/wg/{WG}", registry=WITH_WG)
        with pytest.raises(UnknownProtocolError):
            Multiaddr(wg, registry=REGISTRY)
        with pytest.raises(UnknownProtocolError):
            Multiaddr(wg, registry=Registry(()))
        assert Multiaddr(UDP, registry=WITH_WG).registry is WITH_WG
        assert Multiaddr(EMPTY, registry=WITH_WG).registry is WITH_WG

    def test_components_have_the_first_ones_registry(self) -> None:
        wg, tls = Component("wg", WG, registry=WITH_WG), Component("tls")
        assert Multiaddr([wg, tls]).registry is WITH_WG
        assert Multiaddr([tls, wg], registry=WITH_WG).registry is WITH_WG
        with pytest.raises(UnknownProtocolError):
            Multiaddr([tls, wg])


class Node(pydantic.BaseModel):
    address: Multiaddr
    peer: PeerId | None = None


class TestPydantic:
    def test_takes_an_instance_or_text(self) -> None:
        assert Node(address=UDP).address is UDP
        assert Node.model_validate({"address": str(UDP), "peer": TARGET}) == Node(address=UDP, peer=PeerId(TARGET))
        assert Node.model_validate_json(f'{{"address": "{UDP}"}}') == Node(address=UDP)
        assert Node.model_validate_json(f'{{"address": "{UDP}"}}', strict=True) == Node(address=UDP)

    @pytest.mark.parametrize("wrong", [bytes(UDP), 5, None, "x", "", "/tcp/99999", ["/tcp/80"], Component("tls")])
    def test_everything_else_is_a_validation_error(self, wrong: object) -> None:
        with pytest.raises(pydantic.ValidationError):
            Node.model_validate({"address": wrong})

    def test_a_validation_error_states_the_rule(self) -> None:
        with pytest.raises(pydantic.ValidationError, match="an octet is over 255") as caught:
            Node.model_validate({"address": "/ip4/1.2.3.400"})
        assert [error["loc"] for error in caught.value.errors()] == [("address",)]

    def test_strict_takes_an_instance_only(self) -> None:
        assert Node.model_validate({"address": UDP}, strict=True).address is UDP
        with pytest.raises(pydantic.ValidationError):
            Node.model_validate({"address": str(UDP)}, strict=True)

    def test_serves_without_a_model(self) -> None:
        assert pydantic.TypeAdapter(Multiaddr).validate_python(str(UDP)) == UDP

    def test_serialises_to_text_in_json_only(self) -> None:
        node = Node(address=UDP, peer=PeerId(TARGET))
        assert node.model_dump_json() == f'{{"address":"{UDP}","peer":"{TARGET}"}}'
        assert node.model_dump() == {"address": UDP, "peer": PeerId(TARGET)}

    @pytest.mark.parametrize("mode", ["validation", "serialization"])
    def test_json_schema(self, mode: str) -> None:
        properties = Node.model_json_schema(mode=mode)["properties"]  # type: ignore[arg-type] # both of its modes
        assert properties["address"] == {"type": "string", "format": "multiaddr", "title": "Address"}
        assert {"type": "string", "format": "libp2p-peer-id"} in properties["peer"]["anyOf"]


def test_every_error_has_one_root() -> None:
    for error in (ParseError, UnknownProtocolError, ProtocolNotFoundError):
        assert issubclass(error, MultiaddrError)
