"""Protocols and registries: the table, look-ups, extension, errors that name the row, pickling."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure import load_pure

import multiaddr_py
from multiaddr_py import (
    CODECS,
    REGISTRY,
    Codec,
    Component,
    Multiaddr,
    ParseError,
    Protocol,
    ProtocolNotFoundError,
    Registry,
    RegistryError,
    UnknownProtocolError,
)

TABLE = Path(multiaddr_py.__file__).parent / "protocols.csv"
HEADER = "code,size,name,codec,comment"
PICKLES = range(pickle.HIGHEST_PROTOCOL + 1)


def from_rows(*rows: str) -> Registry:
    return Registry.from_csv(io.StringIO("\n".join([HEADER, *rows])))


# A codec of one's own: a colour, by name in text and as one byte


COLOURS = ["", "red", "green", "blue"]


def colour_to_raw(text: str) -> bytes:
    if text not in COLOURS[1:]:
        raise ValueError("a colour is red, green or blue")
    return bytes([COLOURS.index(text)])


def colour_to_text(raw: bytes) -> str:
    return COLOURS[raw[0]]


def check_colour(raw: bytes) -> None:
    if not 0 < raw[0] < len(COLOURS):
        raise ValueError("there are three colours")


def colour_from_value(value: object) -> bytes:
    if not isinstance(value, int):
        raise TypeError("a colour is an int")
    return bytes([value])


COLOUR = Codec(
    "colour", colour_to_raw, colour_to_text, check_colour, size=8, to_value=int.from_bytes, from_value=colour_from_value
)
COLOURED = REGISTRY.extended(Protocol(300, 8, "paint", COLOUR, "a colour"))


# Protocols


def test_a_protocol_has_what_its_row_says() -> None:
    sni = REGISTRY["sni"]
    assert (sni.code, sni.size, sni.name, sni.codec) == (449, None, "sni", CODECS["text"])
    assert sni.comment == "Server Name Indication RFC 6066 \u00a7 3"
    tls = REGISTRY["tls"]
    assert (tls.code, tls.size, tls.name, tls.codec) == (448, 0, "tls", None)


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        (Protocol(455, 256, "wg", "multibase", "public key"), "<Protocol 455,256,wg,multibase,public key>"),
        (Protocol(5, None, "five", CODECS["text"]), "<Protocol 5,V,five,text,>"),
        (Protocol(5, 0, "five"), "<Protocol 5,0,five,,>"),
        (Protocol(300, 8, "paint", COLOUR, "a, b"), "<Protocol 300,8,paint,colour,a, b>"),
    ],
)
def test_the_repr_of_a_protocol_is_its_row(protocol: Protocol, text: str) -> None:
    assert repr(protocol) == text


def test_protocols_are_equal_and_hash_alike_when_their_rows_are_equal() -> None:
    one = Protocol(5, 16, "five", "uint16", "x")
    assert one == Protocol(5, 16, "five", CODECS["uint16"], "x")
    assert hash(one) == hash(Protocol(5, 16, "five", "uint16", "x"))
    others = [
        Protocol(6, 16, "five", "uint16", "x"),
        Protocol(5, None, "five", "text", "x"),
        Protocol(5, 16, "six", "uint16", "x"),
        Protocol(5, 16, "five", "multibase", "x"),
        Protocol(5, 16, "five", "uint16"),
    ]
    assert one not in others
    assert len({one, *others}) == 6
    assert one != (5, 16, "five", CODECS["uint16"], "x")


def test_a_protocol_does_not_change() -> None:
    protocol = Protocol(5, 0, "five")
    with pytest.raises(AttributeError, match=r"^Protocol is immutable: 'code' cannot be set$"):
        protocol.code = 6  # type: ignore[misc] # that is what is tested
    with pytest.raises(AttributeError, match=r"^Protocol is immutable: 'code' cannot be deleted$"):
        del protocol.code  # pyright: ignore[reportAttributeAccessIssue]  that is what is tested


def test_a_protocol_matches_by_position() -> None:
    match REGISTRY["tcp"]:
        case Protocol(6, 16, name):
            assert name == "tcp"
        case _:
            pytest.fail("a protocol does not match its code and size")


WRONG_PROTOCOLS: list[tuple[Callable[[], Protocol], str]] = [
    (lambda: Protocol(-1, 0, "x"), "a code is a number from 0 to 9223372036854775807, not '-1'"),
    (lambda: Protocol(2**63, 0, "x"), "a code is a number from 0 to 9223372036854775807, not '9223372036854775808'"),
    (lambda: Protocol(5, 12, "x", "text"), "a size is 0, V or a multiple of 8 bits, not '12'"),
    (lambda: Protocol(5, -8, "x", "text"), "a size is 0, V or a multiple of 8 bits, not '-8'"),
    (lambda: Protocol(5, 0, ""), "a name has no slash, no blank and at least one character: ''"),
    (lambda: Protocol(5, 0, "a/b"), "a name has no slash, no blank and at least one character: 'a/b'"),
    (lambda: Protocol(5, 0, "a b"), "a name has no slash, no blank and at least one character: 'a b'"),
    (lambda: Protocol(5, 0, "a\t"), r"a name has no slash, no blank and at least one character: 'a\t'"),
    (lambda: Protocol(5, 0, "a\u00a0b"), r"a name has no slash, no blank and at least one character: 'a\xa0b'"),
    (lambda: Protocol(5, 0, "\ud800"), r"a name has no slash, no blank and at least one character: '\ud800'"),
    (lambda: Protocol(5, 0, "x", "text"), "a protocol of size 0 has no value, so it has no codec: 'text'"),
    (lambda: Protocol(5, None, "x"), "a protocol with a value has a codec"),
    (lambda: Protocol(5, 8, "x"), "a protocol with a value has a codec"),
    (lambda: Protocol(5, 8, "x", "uint16"), "codec 'uint16' needs a size of 16, not 8"),
    (lambda: Protocol(5, None, "x", "ip4"), "codec 'ip4' needs a size of 32, not V"),
    (lambda: Protocol(5, None, "x", COLOUR), "codec 'colour' needs a size of 8, not V"),
    (lambda: Protocol(5, 8, "x", "colour"), "there is no codec 'colour'; there are " + ", ".join(CODECS)),
]


# pytest would escape a backslash in a name once more whenever it collects the tests again.
@pytest.mark.parametrize(
    ("make", "message"), WRONG_PROTOCOLS, ids=[message.replace("\\", "") for _, message in WRONG_PROTOCOLS]
)
def test_a_protocol_whose_fields_do_not_fit_is_refused(make: Callable[[], Protocol], message: str) -> None:
    with pytest.raises(RegistryError) as caught:
        make()
    assert str(caught.value) == message
    assert caught.value.row is None


def test_the_last_code_of_all_is_a_protocols() -> None:
    registry = Registry([Protocol(2**63 - 1, 0, "last")])
    assert bytes(Multiaddr("/last", registry=registry)) == b"\xff" * 8 + b"\x7f"


def test_a_number_that_no_text_can_hold_is_refused_like_any_other() -> None:
    makes: list[Callable[[], Protocol]] = [
        lambda: Protocol(10**5000, 0, "x"),
        lambda: Protocol(5, 10**5000 + 1, "x", "text"),
        lambda: Protocol(5, 8 * 10**5000, "x", "ip4"),
    ]
    for make in makes:
        with pytest.raises(RegistryError):
            make()


FIELDS = "a Protocol has an int, an int or None, a str, a Codec or its name or None, and a str"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Protocol(True, 0, "x"), FIELDS),
        (lambda: Protocol("5", 0, "x"), FIELDS),  # type: ignore[arg-type] # that is what is tested
        (lambda: Protocol(5, False, "x"), FIELDS),
        (lambda: Protocol(5, 8.0, "x", "uint8"), FIELDS),  # type: ignore[arg-type] # that is what is tested
        (lambda: Protocol(5, 0, "x", None, None), FIELDS),  # type: ignore[arg-type] # that is what is tested
        (lambda: Protocol(5, 0, b"five"), FIELDS),  # type: ignore[arg-type] # that is what is tested
        (lambda: Protocol(5, 0, None), FIELDS),  # type: ignore[arg-type] # that is what is tested
        (lambda: Protocol(5, None, "five", 5), FIELDS),  # type: ignore[arg-type] # that is what is tested
        (lambda: Registry(["5,0,five,,"]), "a registry is made of Protocols, not of str"),  # type: ignore[list-item] # that is what is tested
        (lambda: REGISTRY.extended(5), "a registry is made of Protocols, not of int"),  # type: ignore[arg-type] # that is what is tested
    ],
    ids=[
        "code of truth",
        "code of text",
        "size of truth",
        "size of a float",
        "no comment",
        "name of bytes",
        "no name",
        "codec of a number",
        "registry of text",
        "extended by a number",
    ],
)
def test_a_field_or_a_row_of_another_type_is_a_type_error(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        make()


@given(st.integers(0, 2**63 - 1))
def test_a_code_is_written_as_a_minimal_varint(code: int) -> None:
    registry = Registry([Protocol(code, 0, "x")])
    raw = bytes(Multiaddr("/x", registry=registry))
    assert len(raw) == max(1, -(-code.bit_length() // 7))
    assert sum((byte & 0x7F) << (7 * index) for index, byte in enumerate(raw)) == code
    assert [byte >> 7 for byte in raw] == [1] * (len(raw) - 1) + [0]
    assert str(Multiaddr(raw, registry=registry)) == "/x"


# The default table


def test_the_default_registry_is_the_table_of_the_package() -> None:
    assert Registry.from_csv(TABLE) == Registry.from_csv(str(TABLE)) == REGISTRY
    with TABLE.open(encoding="utf-8") as file:
        assert Registry.from_csv(file) == REGISTRY
        assert not file.closed


def test_whoever_imports_the_package_again_reads_the_same_table() -> None:
    assert list(map(repr, load_pure().REGISTRY.rows)) == list(map(repr, REGISTRY.rows))


def test_the_registry_counts_codes_in_the_order_of_the_table() -> None:
    codes = [int(line.split(",")[0]) for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
    assert [protocol.code for protocol in REGISTRY] == list(dict.fromkeys(codes))
    assert len(REGISTRY) == len(set(codes)) == 44
    assert repr(REGISTRY) == "<Registry of 44 protocols>"


def test_memory_and_the_rows_beyond_upstream_are_as_the_design_says() -> None:
    assert REGISTRY["memory"].size == 64
    assert [REGISTRY[name].code for name in ("plaintextv2", "x-parity-ws", "x-parity-wss", "ech")] == [
        7367777,
        4770,
        4780,
        9849,
    ]


# Look-up


def test_a_protocol_is_found_by_name_alias_code_and_itself() -> None:
    p2p = REGISTRY["p2p"]
    for key in ("p2p", "ipfs", 421, p2p, Protocol(421, None, "p2p", "peer_id", "preferred over /ipfs")):
        assert REGISTRY[key] is p2p
        assert REGISTRY.get(key) is p2p
        assert key in REGISTRY


def test_an_alias_gives_the_canonical_protocol() -> None:
    assert dict(REGISTRY.aliases) == {"ipfs": REGISTRY["p2p"]}
    assert str(Multiaddr("/ipfs/11")) == "/p2p/11"
    with pytest.raises(TypeError):
        REGISTRY.aliases["x"] = REGISTRY["tcp"]  # type: ignore[index] # that is what is tested


@pytest.mark.parametrize(
    "key",
    [
        "TCP",
        "",
        "tcp ",
        "6",
        0,
        -6,
        2**64,
        Protocol(6, 16, "tcp", "uint16", "another comment"),
        Protocol(421, None, "ipfs", "peer_id", "backwards compatibility; equivalent to /p2p"),
    ],
    ids=repr,
)
def test_what_is_not_there_is_not_found(key: str | int | Protocol) -> None:
    assert key not in REGISTRY
    assert REGISTRY.get(key) is None
    assert REGISTRY.get(key, REGISTRY["udp"]) is REGISTRY["udp"]
    with pytest.raises(ProtocolNotFoundError, match=r"^no protocol .* in the registry$") as caught:
        REGISTRY[key]
    assert caught.value.key == key


@pytest.mark.parametrize("key", [True, False, None, 6.0, b"tcp", ["tcp"], REGISTRY])
def test_a_key_of_another_type_is_a_type_error_but_merely_not_in_the_registry(key: object) -> None:
    name = type(key).__name__
    rule = f"^a protocol is looked up by its name, its code or a Protocol, not by {name}$"
    assert key not in REGISTRY
    with pytest.raises(TypeError, match=rule):
        REGISTRY[key]  # type: ignore[index] # that is what is tested
    with pytest.raises(TypeError, match=rule):
        REGISTRY.get(key)  # type: ignore[call-overload] # that is what is tested


def test_a_registry_does_not_change() -> None:
    with pytest.raises(AttributeError, match=r"^Registry is immutable: 'aliases' cannot be set$"):
        REGISTRY.aliases = {}  # type: ignore[misc] # that is what is tested
    with pytest.raises(TypeError):
        REGISTRY["x"] = REGISTRY["tcp"]  # type: ignore[index] # that is what is tested


# Tables


def test_blanks_around_a_cell_do_not_count_and_a_comment_may_have_commas() -> None:
    table = " code , size,name ,\tcodec, comment\r\n 5 , V , five , text , one, two \r\n\n   \n6,0,six,,"
    registry = Registry.from_csv(io.StringIO(table))
    assert list(registry) == [Protocol(5, None, "five", "text", "one, two"), Protocol(6, 0, "six")]


def test_leading_zeros_of_a_number_in_the_table_are_read() -> None:
    assert list(from_rows("005,016,five,uint16,")) == [Protocol(5, 16, "five", "uint16")]


def test_a_table_of_the_header_alone_is_an_empty_registry() -> None:
    assert from_rows() == Registry(())


def test_a_table_may_bring_its_own_codecs() -> None:
    table = f"{HEADER}\n7,8,paint,colour,\n8,16,port,uint16,"
    registry = Registry.from_csv(io.StringIO(table), codecs={**CODECS, "colour": COLOUR})
    assert registry["paint"].codec is COLOUR
    assert str(Multiaddr(b"\x07\x02\x08\0\x50", registry=registry)) == "/paint/green/port/80"
    with pytest.raises(RegistryError, match="there is no codec 'uint16'; there are colour"):
        Registry.from_csv(io.StringIO(table), codecs={"colour": COLOUR})


WRONG_ROWS = [
    ("x,16,foo,uint16,", "'x' is no code"),
    ("-1,16,foo,uint16,", "'-1' is no code"),
    ("+7,16,foo,uint16,", "'+7' is no code"),
    ("0x7,16,foo,uint16,", "'0x7' is no code"),
    ("7_0,16,foo,uint16,", "'7_0' is no code"),
    ("\u0667,16,foo,uint16,", "'\u0667' is no code"),
    (",16,foo,uint16,", "'' is no code"),
    ("7,x,foo,uint16,", "'x' is no size"),
    ("7,v,foo,text,", "'v' is no size"),
    ("7,,foo,text,", "'' is no size"),
    ("7,1.0,foo,text,", "'1.0' is no size"),
    ("9223372036854775808,0,foo,,", "a code is a number from 0 to 9223372036854775807, not '9223372036854775808'"),
    ("99999999999999999999,0,foo,,", "'99999999999999999999' is no code"),
    ("7,12,foo,multibase,", "a size is 0, V or a multiple of 8 bits, not '12'"),
    ("7,16,foo,nope,", "there is no codec 'nope'; there are " + ", ".join(CODECS)),
    ("7,8,foo,uint16,", "codec 'uint16' needs a size of 16, not 8"),
    ("7,V,foo,ip4,", "codec 'ip4' needs a size of 32, not V"),
    ("7,0,foo,text,", "a protocol of size 0 has no value, so it has no codec: 'text'"),
    ("7,V,foo,,", "a protocol with a value has a codec"),
    ("7,0,a/b,,", "a name has no slash, no blank and at least one character: 'a/b'"),
    ("7,0,a b,,", "a name has no slash, no blank and at least one character: 'a b'"),
    ("7,0,,,", "a name has no slash, no blank and at least one character: ''"),
    ("7,0,foo", "column 'codec' is missing"),
    ("7,0,foo,", "column 'comment' is missing"),
    ("7", "column 'size' is missing"),
    ("6,V,foo,text,", "'foo' has the code of 'tcp', but another size or codec"),
    ("6,16,foo,multibase,", "'foo' has the code of 'tcp', but another size or codec"),
    ("448,V,foo,text,", "'foo' has the code of 'tls', but another size or codec"),
    ("7,16,tcp,uint16,", "two protocols have the name 'tcp'"),
    ("6,16,tcp,uint16,", "two protocols have the name 'tcp'"),
    ("7,V,ipfs,peer_id,", "two protocols have the name 'ipfs'"),
]


@pytest.mark.parametrize(("row", "rule"), WRONG_ROWS, ids=[ascii(row).replace("\\", "") for row, _ in WRONG_ROWS])
def test_a_wrong_row_is_refused_by_an_error_that_names_the_row_and_the_rule(row: str, rule: str) -> None:
    table = [*TABLE.read_text(encoding="utf-8").splitlines(), f" {row} ", "1,0,behind,,"]
    reads: list[Callable[[], Registry]] = [
        lambda: Registry.from_csv(io.StringIO("\n".join(table))),
        lambda: REGISTRY.extended(row),
        lambda: REGISTRY.extended("1,0,before,,", row),
    ]
    for read in reads:
        with pytest.raises(RegistryError) as caught:
            read()
        assert str(caught.value) == f"row {row!r}: {rule}"
        assert (caught.value.row, caught.value.reason) == (row, rule)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "code,size,name",
        "code,size,name,comment",
        "size,code,name,codec,comment",
        "Code,Size,Name,Codec,Comment",
        f"{HEADER},",
        f"\ufeff{HEADER}",
        "4,32,ip4,ip4,",
    ],
)
def test_a_table_with_another_header_is_refused(header: str) -> None:
    with pytest.raises(RegistryError) as caught:
        Registry.from_csv(io.StringIO(f"{header}\n6,16,tcp,uint16,"))
    assert caught.value.reason == f"the table begins with the columns {HEADER}"
    assert caught.value.row == header


def test_an_empty_file_is_refused_for_its_header(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.touch()
    with pytest.raises(RegistryError, match=f"^row '': the table begins with the columns {HEADER}$"):
        Registry.from_csv(path)


def test_protocols_that_cannot_stand_together_are_refused_without_a_table_too() -> None:
    with pytest.raises(RegistryError, match=r"^row '6,16,y,uint16,z': 'y' has the code of 'x', but another size"):
        Registry([Protocol(6, None, "x", "text"), Protocol(6, 16, "y", "uint16", "z")])
    with pytest.raises(RegistryError, match=r"^row '7,0,x,,': two protocols have the name 'x'$"):
        Registry([Protocol(6, 0, "x"), Protocol(7, 0, "x")])


# Equality


def test_registries_are_equal_when_their_rows_are_in_the_same_order() -> None:
    five, six = Protocol(5, 0, "five"), Protocol(6, 0, "six")
    assert Registry([five, six]) == Registry(iter([five, six])) == Registry([five]).extended(six)
    assert hash(Registry([five, six])) == hash(Registry([five]).extended("6,0,six,,"))
    assert Registry([five, six]) != Registry([six, five])
    assert Registry([five]) != Registry([five, Protocol(5, 0, "cinq")])
    assert Registry([five]) != [five]
    assert len({hash(Registry(rows)) for rows in ([], [five], [six], [five, six])}) > 1
    assert REGISTRY.extended() == REGISTRY


# An extended registry

WG = REGISTRY.extended("455,256,wg,multibase,public key")
KEY = bytes(range(32))
KEY_TEXT = "uAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
WIRE = b"\xc7\x03" + KEY


def test_an_extended_registry_is_a_new_one() -> None:
    assert "wg" not in REGISTRY
    assert WG["wg"] == Protocol(455, 256, "wg", "multibase", "public key")
    assert (len(WG), len(REGISTRY)) == (45, 44)
    assert repr(WG) == "<Registry of 45 protocols>"
    assert list(WG)[:-1] == list(REGISTRY)


def test_a_row_may_add_an_alias() -> None:
    registry = REGISTRY.extended("6,16,transmission-control,uint16,")
    assert registry.aliases["transmission-control"] is registry["tcp"]
    assert (len(registry), set(registry.aliases)) == (44, {"ipfs", "transmission-control"})
    assert str(Multiaddr("/transmission-control/80", registry=registry)) == "/tcp/80"


def test_an_address_with_an_added_protocol_is_read_and_written() -> None:
    address = Multiaddr(f"/ip4/127.0.0.1/udp/51820/wg/{KEY_TEXT}/tls", registry=WG)
    assert bytes(address) == bytes.fromhex("047f000001 9102ca6c") + WIRE + b"\xc0\x03"
    assert str(address) == f"/ip4/127.0.0.1/udp/51820/wg/{KEY_TEXT}/tls"
    assert Multiaddr(bytes(address), registry=WG) == address
    assert address.registry is WG
    assert address.value_for_protocol("wg") == KEY_TEXT
    assert address[2].typed_value == KEY
    assert address.get(455) == Component("wg", KEY, registry=WG)
    assert address.protocols()[2] == WG["wg"]
    assert repr(address) == f"Multiaddr('{address}', registry=<Registry of 45 protocols>)"


def test_text_of_an_added_protocol_is_read_in_any_base_and_written_in_one() -> None:
    assert str(Multiaddr(f"/wg/f{KEY.hex()}", registry=WG)) == f"/wg/{KEY_TEXT}"


@pytest.mark.parametrize("size", [0, 1, 31, 33])
def test_a_value_of_another_length_than_the_row_says_is_refused(size: int) -> None:
    text = f"/tls/wg/f{bytes(size).hex()}"
    rule = f"a value of wg has 32 bytes, not {size}"
    with pytest.raises(ParseError, match=rule) as caught:
        Multiaddr(text, registry=WG)
    assert (caught.value.protocol, caught.value.offset) == ("wg", 8)
    for value in (bytes(size), f"f{bytes(size).hex()}"):
        with pytest.raises(ParseError, match=rule):
            Component("wg", value, registry=WG)


def test_bytes_of_an_added_protocol_that_are_cut_off_are_refused() -> None:
    with pytest.raises(ParseError, match="wg has a value of 32 bytes, of which 31 are there") as caught:
        Multiaddr(b"\xc0\x03" + WIRE[:-1], registry=WG)
    assert (caught.value.protocol, caught.value.offset) == ("wg", 4)


@pytest.mark.parametrize("source", [f"/wg/{KEY_TEXT}", WIRE, Multiaddr(WIRE, registry=WG)])
def test_without_its_registry_an_added_protocol_is_unknown(source: str | bytes | Multiaddr) -> None:
    with pytest.raises(UnknownProtocolError) as caught:
        Multiaddr(source, registry=REGISTRY)
    assert caught.value.protocol is None


def test_a_joined_address_has_the_registry_of_its_left_operand() -> None:
    tunnel, host = Multiaddr(WIRE, registry=WG), Multiaddr("/ip4/127.0.0.1")
    for joined in (tunnel / "tls", tunnel / host, tunnel.encapsulate(b"\xc0\x03"), tunnel / f"wg/{KEY_TEXT}"):
        assert joined.registry is WG
        assert joined.startswith(tunnel)
    assert Multiaddr.join(tunnel, host).registry is WG
    with pytest.raises(UnknownProtocolError):
        host / tunnel
    with pytest.raises(UnknownProtocolError):
        host.encapsulate(tunnel)
    assert Multiaddr(host, registry=WG) / tunnel == Multiaddr(bytes(host) + WIRE, registry=WG)


def test_components_carry_their_registry_into_an_address() -> None:
    component = Component("wg", KEY, registry=WG)
    assert (str(component), bytes(component)) == (f"/wg/{KEY_TEXT}", WIRE)
    assert repr(component) == f"Component('wg', '{KEY_TEXT}', registry=<Registry of 45 protocols>)"
    assert Multiaddr([component, Component("tls")]).registry is WG
    with pytest.raises(UnknownProtocolError):
        Multiaddr([Component("tls"), component])
    assert Multiaddr([Component("tls"), component], registry=WG)[1] == component


def test_a_value_of_an_added_protocol_is_replaced_by_text_bytes_or_a_typed_value() -> None:
    address = Multiaddr(f"/tls/wg/{KEY_TEXT}/ws", registry=WG)
    other = bytes(reversed(KEY))
    for value in (other, f"f{other.hex()}", f"F{other.hex().upper()}"):
        replaced = address.replace("wg", value)
        assert bytes(replaced) == b"\xc0\x03\xc7\x03" + other + b"\xdd\x03"
        assert replaced.registry is WG
    with pytest.raises(ParseError, match="a value of wg has 32 bytes, not 31"):
        address.replace("wg", other[:-1])


def test_decapsulate_and_slices_keep_the_registry() -> None:
    address = Multiaddr(f"/tls/wg/{KEY_TEXT}/ws", registry=WG)
    for rest in (
        address.decapsulate("/ws"),
        address[:2],
        address[::-1],
        address.split()[1],
        address.decapsulate_code("ws"),
    ):
        assert rest.registry is WG
        assert "wg" in rest


def test_a_codec_of_ones_own_is_read_written_and_refused_like_the_others() -> None:
    address = Multiaddr("/tls/paint/blue", registry=COLOURED)
    assert bytes(address) == b"\xc0\x03\xac\x02\x03"
    assert str(Multiaddr(bytes(address), registry=COLOURED)) == "/tls/paint/blue"
    assert address[1].typed_value == 3
    assert Component("paint", 3, registry=COLOURED) == address[1]
    with pytest.raises(ParseError, match="'pink' is no value for paint: a colour is red, green or blue") as caught:
        Multiaddr("/tls/paint/pink", registry=COLOURED)
    assert (caught.value.protocol, caught.value.offset) == ("paint", 11)
    with pytest.raises(ParseError, match="0x09 is no value for paint: there are three colours") as caught:
        Multiaddr(b"\xc0\x03\xac\x02\x09", registry=COLOURED)
    assert (caught.value.protocol, caught.value.offset) == ("paint", 4)
    with pytest.raises(ParseError, match="there are three colours"):
        Component("paint", 9, registry=COLOURED)
    with pytest.raises(TypeError, match=r"^paint: a colour is an int$"):
        Component("paint", 1.5, registry=COLOURED)


def test_a_protocol_whose_codec_takes_the_rest_needs_no_name_for_it() -> None:
    registry = Registry([Protocol(5, None, "file", "path"), Protocol(6, 0, "end")])
    assert str(Multiaddr("/file/a/b/end", registry=registry)) == "/file/%2Fa%2Fb%2Fend"
    assert str(Multiaddr("/file/a/end", registry=registry)) == "/file/a/end"


def test_a_path_that_its_codec_refuses_is_refused() -> None:
    def refuse_dots(raw: bytes) -> None:
        if b"/../" in raw:
            raise ValueError("a path does not go up")

    plain = Codec("plain", str.encode, bytes.decode, refuse_dots, takes_rest=True)
    registry = Registry([Protocol(5, None, "file", plain)])
    assert Multiaddr("/file/a/b", registry=registry)[0].raw_value == b"/a/b"
    with pytest.raises(ParseError, match="is no value for file: a path does not go up"):
        Multiaddr("/file/a/../b", registry=registry)


# The empty registry, which is false


def test_an_empty_registry_is_not_taken_for_none_at_all() -> None:
    empty = Registry(())
    assert not empty
    assert (len(empty), list(empty), dict(empty.aliases)) == (0, [], {})
    assert repr(empty) == "<Registry of 0 protocols>"
    for source in ("/tcp/80", b"\x06\0\x50", Multiaddr("/tcp/80"), [Component("tcp", 80)]):
        with pytest.raises(UnknownProtocolError):
            Multiaddr(source, registry=empty)
    with pytest.raises(ProtocolNotFoundError):
        Component("tcp", 80, registry=empty)
    nothing = Multiaddr(registry=empty)
    assert nothing.registry is empty
    assert nothing == Multiaddr()
    assert repr(nothing) == "Multiaddr(registry=<Registry of 0 protocols>)"
    for join in (nothing.__truediv__, nothing.encapsulate, nothing.decapsulate):
        with pytest.raises(UnknownProtocolError):
            join("/tcp/80")
    assert "tcp" not in nothing
    with pytest.raises(ProtocolNotFoundError):
        nothing.get("tcp")


def test_an_empty_registry_can_be_extended_and_pickled() -> None:
    empty = Registry(())
    assert list(empty.extended("5,0,five,,")) == [Protocol(5, 0, "five")]
    for protocol in PICKLES:
        assert pickle.loads(pickle.dumps(empty, protocol)) == empty
        again = pickle.loads(pickle.dumps(Multiaddr(registry=empty), protocol))
        assert again.registry == empty


# Pickling


@pytest.mark.parametrize("protocol", PICKLES)
def test_the_default_registry_pickles_by_name(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(REGISTRY, protocol)) is REGISTRY


@pytest.mark.parametrize("protocol", PICKLES)
@pytest.mark.parametrize(
    "registry",
    [
        WG,
        COLOURED,
        WG.extended(Protocol(300, 8, "paint", COLOUR), "5,0,five,,"),
        REGISTRY.extended(),
        Registry([Protocol(300, 8, "paint", COLOUR), Protocol(300, 8, "color", COLOUR)]),
        Registry([Protocol(5, 0, "five")]).extended("6,0,six,,"),
    ],
    ids=["row", "codec", "extended twice", "extended by nothing", "own", "own extended"],
)
def test_a_registry_is_equal_to_what_it_is_pickled_to(registry: Registry, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(registry, protocol))
    assert again == registry
    assert hash(again) == hash(registry)
    assert list(again) == list(registry)
    assert again.aliases == registry.aliases


def test_a_pickled_extended_registry_holds_the_added_rows_only() -> None:
    once = REGISTRY.extended("455,256,wg,multibase,public key")
    for registry, added in ((once, [b"wg"]), (once.extended("5,0,five,,"), [b"wg", b"five"])):
        pickled = pickle.dumps(registry)
        assert [name in pickled for name in added] == [True] * len(added)
        assert b"webtransport" not in pickled
    assert b"webtransport" in pickle.dumps(Registry(REGISTRY))


@pytest.mark.parametrize("protocol", PICKLES)
def test_addresses_and_components_pickle_with_their_registry(protocol: int) -> None:
    for address in (Multiaddr(f"/tls/wg/{KEY_TEXT}", registry=WG), Multiaddr("/paint/red", registry=COLOURED)):
        again = pickle.loads(pickle.dumps(address, protocol))
        assert again == address
        assert again.registry == address.registry
        assert str(again) == str(address)
        component = pickle.loads(pickle.dumps(address[-1], protocol))
        assert component == address[-1]
        assert component.registry == address.registry


@pytest.mark.parametrize("protocol", PICKLES)
def test_a_protocol_pickles_with_its_codec_by_name_or_by_its_functions(protocol: int) -> None:
    for row in (*REGISTRY, Protocol(300, 8, "paint", COLOUR, "a colour")):
        again = pickle.loads(pickle.dumps(row, protocol))
        assert again == row
        assert hash(again) == hash(row)
    assert pickle.loads(pickle.dumps(REGISTRY["tcp"], protocol)).codec is CODECS["uint16"]


def test_a_codec_of_ones_own_named_like_one_of_the_package_is_not_taken_for_it() -> None:
    impostor = Codec("uint8", colour_to_raw, colour_to_text, check_colour, size=8)
    row = Protocol(300, 8, "paint", impostor)
    assert row != Protocol(300, 8, "paint", "uint8")
    assert pickle.loads(pickle.dumps(row)) == row


def test_a_registry_is_made_again_of_its_rows() -> None:
    assert Registry(REGISTRY.rows) == REGISTRY
    without = Registry(row for row in REGISTRY.rows if row.name != "tcp")
    assert "tcp" not in without
    assert "ipfs" in without


def test_a_registry_extended_a_thousand_times_pickles() -> None:
    registry = REGISTRY
    for number in range(1_000):
        registry = registry.extended(Protocol(100_000 + number, 0, f"x{number}"))
    assert pickle.loads(pickle.dumps(registry)) == copy.deepcopy(registry) == registry


def test_a_codec_that_takes_the_rest_goes_with_any_length_only() -> None:
    with pytest.raises(RegistryError, match="codec 'path' takes values of any length, so it needs a size of V, not 32"):
        REGISTRY.extended("74,32,up,path,")


def test_a_file_that_is_no_table_is_a_registry_error(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes(b"\xef\xbb\xbfcode,size,name,codec,comment\n455,256,wg,multibase,public key\n")
    assert Registry.from_csv(table)["wg"].code == 455  # with a byte-order mark
    table.write_bytes(b"code,size,name,codec,comment\n1,0,a,,\xff\n")
    with pytest.raises(RegistryError, match=r"^the table is not UTF-8$"):
        Registry.from_csv(table)
    with pytest.raises(TypeError, match="from a file of text, not of bytes"), table.open("rb") as file:
        Registry.from_csv(file)  # type: ignore[arg-type] # that is what is tested
    table.write_bytes(b"")
    with pytest.raises(RegistryError, match="the table begins with the columns"):
        Registry.from_csv(table)


NAME_AND_SIZE = "a codec's name is a str, and its size an int or None"
FUNCTIONS = "all of a codec but its name, its size and takes_rest are functions"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": 5}, NAME_AND_SIZE),
        ({"size": "8"}, NAME_AND_SIZE),
        ({"size": True}, NAME_AND_SIZE),
        ({"to_raw": None}, FUNCTIONS),
        ({"to_text": "x"}, FUNCTIONS),
        ({"check": 8}, FUNCTIONS),
        ({"to_value": 1}, FUNCTIONS),
        ({"from_value": None}, FUNCTIONS),
    ],
)
def test_a_codec_of_wrong_types_is_a_type_error(fields: dict[str, object], message: str) -> None:
    right = {"name": "x", "to_raw": bytes.fromhex, "to_text": bytes.hex}
    assert Codec(**right).name == "x"  # type: ignore[arg-type] # of a dictionary
    with pytest.raises(TypeError, match=f"^{message}$"):
        Codec(**right | fields)  # type: ignore[arg-type] # as above
