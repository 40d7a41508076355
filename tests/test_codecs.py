"""Every codec on its own: laws, oracles from the standard library, typed values; and `PeerId` and `Multihash`."""

from __future__ import annotations

import ast
import base64
import copy
import hashlib
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from pathlib import PurePosixPath
from string import ascii_letters, hexdigits
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from multiaddr_py import (
    CODECS,
    REGISTRY,
    Codec,
    Component,
    Multiaddr,
    MultiaddrError,
    Multihash,
    OnionAddress,
    ParseError,
    PeerId,
)
from multiaddr_py.strategies import components

TYPES: dict[str, type] = {
    "ip4": IPv4Address,
    "ip6": IPv6Address,
    "text": str,
    "uint8": int,
    "uint16": int,
    "uint64": int,
    "peer_id": PeerId,
    "multihash": Multihash,
    "multibase": bytes,
    "path": bytes,
    "percent": bytes,
    "onion": OnionAddress,
    "onion3": OnionAddress,
    "garlic64": bytes,
    "garlic32": bytes,
}

PROTOCOLS = {protocol.codec.name: protocol for protocol in reversed(list(REGISTRY)) if protocol.codec is not None}
"""The first protocol of each codec."""

RAW = {
    name: components(protocols=[protocol]).map(lambda component: component.raw_value)
    for name, protocol in PROTOCOLS.items()
}
"""Valid values in bytes, by the name of the codec."""


def framed(code: int, digest: bytes) -> bytes:
    """Write a multihash of a short digest."""
    return bytes([code, len(digest)]) + digest


each_codec = pytest.mark.parametrize("name", CODECS)


def refused_by(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError as error:
        assert not isinstance(error, MultiaddrError), "a codec raises a plain ValueError"
        return True
    return False


# Laws


def test_these_tests_know_every_codec_and_the_table_uses_every_one() -> None:
    assert list(TYPES) == list(CODECS)
    assert PROTOCOLS.keys() == CODECS.keys()
    assert [codec.name for codec in CODECS.values()] == list(CODECS)


def test_codecs_of_numbers_ips_and_onions_go_with_one_size_only() -> None:
    sizes = {"ip4": 32, "ip6": 128, "uint8": 8, "uint16": 16, "uint64": 64, "onion": 96, "onion3": 296}
    assert {codec.name: codec.size for codec in CODECS.values() if codec.size is not None} == sizes


@each_codec
@given(data=st.data())
def test_reading_what_was_written_gives_it_back(name: str, data: st.DataObject) -> None:
    codec, raw = CODECS[name], data.draw(RAW[name])
    codec.check(raw)
    text = codec.to_text(raw)
    assert text
    assert "/" not in text
    assert codec.to_raw(text) == raw


@each_codec
@given(data=st.data())
def test_what_was_read_is_accepted_as_bytes(name: str, data: st.DataObject) -> None:
    codec = CODECS[name]
    text = data.draw(st.text(st.characters(exclude_characters="/")) | st.text("0123456789abcdefuzQ:.%=-~"))
    try:
        raw = codec.to_raw(text)
    except ValueError as error:
        assert not isinstance(error, MultiaddrError)
        return
    if raw:  # an empty value is refused by others
        codec.check(raw)
        assert codec.size in (None, 8 * len(raw))
        assert codec.to_raw(codec.to_text(raw)) == raw


@each_codec
@given(data=st.data())
def test_a_typed_value_has_its_type_and_reads_as_the_same_bytes(name: str, data: st.DataObject) -> None:
    raw = data.draw(RAW[name])
    component = Component(PROTOCOLS[name], raw)
    value = component.typed_value
    assert type(value) is TYPES[name]
    assert Component(component.protocol, value) == component
    if TYPES[name] not in (str, bytes):
        assert CODECS[name].from_value(value) == raw


@pytest.mark.parametrize("name", [name for name, codec in CODECS.items() if TYPES[name] in (str, bytes)])
def test_where_text_or_bytes_are_the_typed_value_nothing_else_is_read(name: str) -> None:
    with pytest.raises(TypeError, match=r"^its value is text or bytes, not int$"):
        CODECS[name].from_value(5)


@each_codec
def test_a_codec_is_a_frozen_record_that_pickles(name: str) -> None:
    codec = CODECS[name]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(codec, protocol))
        assert again == codec
        assert hash(again) == hash(codec)
    with pytest.raises(AttributeError, match=r"^Codec is immutable: 'name' cannot be set$"):
        codec.name = "other"  # type: ignore[misc] # that is what is tested
    assert repr(codec) == f"<Codec {name}>"


def test_a_codec_writes_its_text_as_the_typed_value_unless_told_otherwise() -> None:
    codec = Codec("ascii", str.encode, bytes.decode, len)
    assert codec.to_value(b"a") == "a"
    assert codec.size is None
    assert not codec.takes_rest
    with pytest.raises(TypeError):
        codec.from_value(5)


def test_a_star_import_gives_the_table_and_the_record() -> None:
    names: dict[str, object] = {}
    exec("from multiaddr_py.codecs import *", names)
    del names["__builtins__"]
    assert names == {"CODECS": CODECS, "Codec": Codec}


def test_the_table_of_codecs_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CODECS["mine"] = CODECS["text"]  # type: ignore[index] # that is what is tested


# Wrong values


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("ip4", "1.2.3", "an IPv4 address has four octets"),
        ("ip4", "1.2.3.04", "an octet has no leading zeros"),
        ("ip4", "1.2.3.4.5.6", "an IPv4 address has four octets"),
        ("ip4", "0.2.3.256", "an octet is over 255"),
        ("ip4", "1.2.3.x", "an IPv4 address is four decimal numbers with dots between"),
        ("ip6", "1", "an IPv6 address has colons"),
        ("ip6", "fe80::1%lo", "an IPv6 address has no zone"),
        ("ip6", "[::1]", "an IPv6 address has no brackets here"),
        ("ip6", "1:2", "an IPv6 address has eight groups, or :: for some of them"),
        ("ip6", "1:2:3:4::5:6:7:8", ":: stands for at least one group"),
        ("ip6", "1::2::3", ":: stands once at most"),
        ("ip6", "1:::2", ":: stands once at most"),
        ("ip6", "12345::", "a group is one to four hex digits"),
        ("ip6", "X::X", "a group is one to four hex digits"),
        ("ip6", "::" + "0" * 44, "an IPv6 address has at most 45 characters"),
        ("text", "\ud800", "a lone surrogate is no character"),
        ("uint8", "256", "the number is over 255"),
        ("uint16", "65536", "the number is over 65535"),
        ("uint64", "18446744073709551616", "the number is over 18446744073709551615"),
        ("uint16", "+1", "a number is written in the digits 0 to 9"),
        ("uint16", "", "a number is written in the digits 0 to 9"),
        ("peer_id", "1" * 129, "a peer ID has at most 128 characters"),
        ("multihash", "f1202ff", "a multihash says 2 bytes of digest and has 1"),
        ("multibase", "x", "'x' is no multibase prefix; those read are f F b B c C v V t T h k K z Z m M u U"),
        ("multibase", "f0", "hex takes two characters for a byte"),
        ("multibase", "f0g", "'g' is no character of this base"),
        ("multibase", "uA", "there is a character more than the bytes need"),
        ("multibase", "baaa", "there is a character more than the bytes need"),
        ("multibase", "cab", "padding has to fill up 8 characters"),
        ("path", "%2", "a % is followed by two hex digits"),
        ("percent", "%zz", "a % is followed by two hex digits"),
        ("onion", "a" * 16, "an onion address ends in a colon and a port"),
        ("onion", "a" * 16 + ":0", "an onion address has a port from 1 to 65535"),
        ("onion", "a" * 17 + ":1", "an address of this kind has 16 characters, not 17"),
        ("onion3", "a" * 16 + ":1", "an address of this kind has 56 characters, not 16"),
        ("onion3", "a" * 56 + ".onion:1", "the address is written without .onion"),
        ("garlic64", "AAAA", "an I2P destination has at least 386 bytes, not 3"),
        ("garlic64", "AA=", "padding has to fill up 4 characters"),
        ("garlic32", "aa", "an I2P address in base 32 has 32 bytes, or at least 35, not 1"),
    ],
)
def test_text_that_is_no_value_raises_a_plain_error_with_the_rule(name: str, text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        CODECS[name].to_raw(text)
    assert str(caught.value) == reason
    assert not isinstance(caught.value, MultiaddrError)


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("text", b"a/b", "a name has no slash"),
        ("text", b"\xff", "a name is UTF-8"),
        ("peer_id", b"\x12\x1f" + bytes(31), "a sha2-256 digest has 32 bytes, not 31"),
        ("peer_id", b"\x00\x2b" + bytes(43), "a key in a peer ID has at most 42 bytes, not 43"),
        ("peer_id", b"\x11\0", "a peer ID is a sha2-256 or an identity multihash, not one of code 0x11"),
        ("multihash", b"\x12", "a varint is cut off"),
        ("multihash", b"\x92\0\0", "a varint is not minimal"),
        ("multihash", b"\xff" * 9 + b"\1\0", "a varint has more than 9 bytes"),
        ("onion", bytes(12), "an onion address has a port from 1 to 65535"),
        ("onion3", bytes(37), "an onion address has a port from 1 to 65535"),
        ("garlic64", bytes(385), "an I2P destination has at least 386 bytes, not 385"),
        ("garlic32", bytes(34), "an I2P address in base 32 has 32 bytes, or at least 35, not 34"),
    ],
)
def test_bytes_that_are_no_value_raise_a_plain_error_with_the_rule(name: str, raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        CODECS[name].check(raw)
    assert str(caught.value) == reason
    assert not isinstance(caught.value, MultiaddrError)


@pytest.mark.parametrize(
    ("protocol", "value", "wanted"),
    [
        ("ip4", 0x7F000001, "an IPv4Address"),
        ("ip4", IPv6Address("::1"), "an IPv4Address"),
        ("ip6", IPv4Address("127.0.0.1"), "an IPv6Address"),
        ("tcp", True, "an int"),
        ("tcp", 80.0, "an int"),
        ("tcp", [80], "an int"),
        ("ipcidr", False, "an int"),
        ("memory", True, "an int"),
        ("p2p", 421, "a PeerId"),
        ("certhash", (0x12, bytes(32)), "a Multihash"),
        ("onion", ("a" * 16, 80), "an OnionAddress"),
        ("onion3", ("a" * 56, 80), "an OnionAddress"),
        ("dns", 5, "text or bytes"),
        ("unix", PurePosixPath("/a"), "text or bytes"),
        ("http-path", 5, "text or bytes"),
        ("ech", [1], "text or bytes"),
        ("garlic64", object(), "text or bytes"),
    ],
)
def test_a_value_of_another_type_is_a_type_error(protocol: str, value: object, wanted: str) -> None:
    with pytest.raises(TypeError, match=f"^{protocol}: its value is {wanted}.*, not {type(value).__name__}$"):
        Component(protocol, value)


@pytest.mark.parametrize(
    ("protocol", "value"),
    [("ipcidr", 256), ("tcp", 65536), ("tcp", -1), ("memory", 2**64), ("tcp", 10**5000), ("memory", -(10**5000))],
    ids=["ipcidr over", "tcp over", "tcp under", "memory over", "tcp far over", "memory far under"],
)
def test_an_integer_out_of_range_is_a_parse_error(protocol: str, value: int) -> None:
    with pytest.raises(ParseError, match=r"the number is not in 0 to \d+$") as caught:
        Component(protocol, value)
    assert (caught.value.protocol, caught.value.offset) == (protocol, 0)


@pytest.mark.parametrize(
    ("protocol", "value"),
    [
        ("onion", OnionAddress("a" * 16, 0)),
        ("onion", OnionAddress("a" * 15, 80)),
        ("onion", OnionAddress("a" * 16, 10**5000)),
        ("onion3", OnionAddress("a" * 56, -(10**5000))),
        ("certhash", Multihash(-1, b"")),
        ("certhash", Multihash(2**63, b"")),
        ("certhash", Multihash(10**5000, b"")),
    ],
    ids=["port 0", "short address", "port far over", "port far under", "code under", "code over", "code far over"],
)
def test_a_typed_value_with_a_field_out_of_range_is_a_parse_error(protocol: str, value: object) -> None:
    with pytest.raises(ParseError) as caught:
        Component(protocol, value)
    assert (caught.value.protocol, caught.value.offset) == (protocol, 0)


def test_an_ipv6_address_with_a_scope_is_refused_and_the_hint_says_where_zones_go() -> None:
    with pytest.raises(ParseError, match=r"^[^ ]* is no value for ip6: an IPv6 address has no zone;") as caught:
        Component("ip6", IPv6Address("fe80::1%eth0"))
    assert caught.value.hint == "use ip6zone for 'eth0'"
    assert caught.value.source == "fe80::1%eth0"


# IP addresses: `ipaddress` is the oracle


def ip4_of(text: str) -> bytes | None:
    try:
        return IPv4Address(text).packed
    except AddressValueError:
        return None


def ip6_of(text: str) -> bytes | None:
    try:
        return IPv6Address(text).packed
    except AddressValueError:
        return None


OCTETS = st.integers(0, 300).map(str) | st.sampled_from(["", "00", "01", "-1", " 1", "1e1", "\u0661"])


@given(st.lists(OCTETS, min_size=3, max_size=5).map(".".join) | st.text("0123456789."))
@example("1.2.3.4")
@example("1.2.3.4\n")
def test_ip4_reads_exactly_what_ipaddress_reads(text: str) -> None:
    expected = ip4_of(text)
    if expected is None:
        assert refused_by(CODECS["ip4"].to_raw, text)
    else:
        assert CODECS["ip4"].to_raw(text) == expected


@given(RAW["ip4"])
def test_ip4_writes_what_ipaddress_writes(raw: bytes) -> None:
    assert CODECS["ip4"].to_text(raw) == str(IPv4Address(raw))


GROUPS = st.sampled_from(["", "", "0", "1", "00", "abcd", "FFFF", "12345", "g", "1.2.3.4", "1.2.3.256", "+1", "\u0661"])


@given(st.lists(GROUPS, min_size=2, max_size=10).map(":".join) | st.text("0123456789abcdefABCDEF:."))
@example("::")
@example(":::")
@example("1:2:3:4:5:6:7::")
@example("1:2:3:4:5:6:7:8::")
@example("::ffff:1.2.3.4")
@example("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
@example("1.2.3.4")
@example("")
def test_ip6_reads_exactly_what_ipaddress_reads(text: str) -> None:
    expected = ip6_of(text)
    if expected is None:
        assert refused_by(CODECS["ip6"].to_raw, text)
    else:
        assert CODECS["ip6"].to_raw(text) == expected


@given(RAW["ip6"])
def test_ip6_reads_every_form_that_ipaddress_writes(raw: bytes) -> None:
    address = IPv6Address(raw)
    for text in (str(address), address.exploded, address.exploded.upper()):
        assert CODECS["ip6"].to_raw(text) == raw


@given(RAW["ip6"])
def test_ip6_writes_what_ipaddress_writes_unless_an_ipv4_address_is_mapped(raw: bytes) -> None:
    address = IPv6Address(raw)
    assume(address.ipv4_mapped is None)  # there Python's versions differ
    assert CODECS["ip6"].to_text(raw) == str(address)


@given(RAW["ip4"])
def test_ip6_writes_a_mapped_ipv4_address_as_a_quad(raw: bytes) -> None:
    assert CODECS["ip6"].to_text(bytes(10) + b"\xff\xff" + raw) == f"::ffff:{IPv4Address(raw)}"


# Numbers


@given(st.integers(0, 2**64 - 1), st.integers(0, 50))
def test_leading_zeros_of_a_number_are_read_and_go_away(number: int, zeros: int) -> None:
    raw = CODECS["uint64"].to_raw("0" * zeros + str(number))
    assert raw == number.to_bytes(8)
    assert CODECS["uint64"].to_text(raw) == str(number)


@given(st.characters(codec="utf-8"))
@example("\u00b2")
@example("\u0665")
def test_a_number_has_ascii_digits_only(character: str) -> None:
    assume(character not in "0123456789")
    assert refused_by(CODECS["uint16"].to_raw, f"1{character}")
    assert refused_by(CODECS["uint16"].to_raw, f"{character}1")


# Multibase: `base64` is the oracle

Z_BASE_32 = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "ybndrfg8ejkmcpqxot1uwisza345h769")
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
BASE58BTC = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE58FLICKR = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


def digits(raw: bytes, alphabet: str) -> str:
    """Write bytes as a number, with a zero digit for each leading zero byte."""
    number, text = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return alphabet[0] * (len(raw) - len(raw.lstrip(b"\0"))) + text


def base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


WRITERS: dict[str, Callable[[bytes], str]] = {
    "f": bytes.hex,
    "F": lambda raw: raw.hex().upper(),
    "b": base32,
    "B": lambda raw: base32(raw).upper(),
    "c": lambda raw: base64.b32encode(raw).decode().lower(),
    "C": lambda raw: base64.b32encode(raw).decode(),
    "v": lambda raw: base64.b32hexencode(raw).decode().rstrip("=").lower(),
    "V": lambda raw: base64.b32hexencode(raw).decode().rstrip("="),
    "t": lambda raw: base64.b32hexencode(raw).decode().lower(),
    "T": lambda raw: base64.b32hexencode(raw).decode(),
    "h": lambda raw: base32(raw).translate(Z_BASE_32),
    "k": lambda raw: digits(raw, BASE36),
    "K": lambda raw: digits(raw, BASE36).upper(),
    "z": lambda raw: digits(raw, BASE58BTC),
    "Z": lambda raw: digits(raw, BASE58FLICKR),
    "m": lambda raw: base64.b64encode(raw).decode().rstrip("="),
    "M": lambda raw: base64.b64encode(raw).decode(),
    "u": lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
    "U": lambda raw: base64.urlsafe_b64encode(raw).decode(),
}
BITS = {**dict.fromkeys("fF", 4), **dict.fromkeys("bBcCvVtTh", 5), **dict.fromkeys("mMuU", 6)}
READ = {
    **dict.fromkeys("fF", hexdigits),
    **dict.fromkeys("bBcC", ascii_letters + "234567"),
    **dict.fromkeys("vVtT", "0123456789abcdefghijklmnopqrstuvABCDEFGHIJKLMNOPQRSTUV"),
    "h": "ybndrfg8ejkmcpqxot1uwisza345h769",
    **dict.fromkeys("kK", BASE36 + BASE36.upper()),
    **dict.fromkeys("zZ", BASE58BTC),
    **dict.fromkeys("mM", ascii_letters + "0123456789+/"),
    **dict.fromkeys("uU", ascii_letters + "0123456789-_"),
}
"""The characters that a base has, in any case where both are read."""
QUANTA = {**dict.fromkeys("cCtT", 8), **dict.fromkeys("MU", 4)}

read_multibase = CODECS["multibase"].to_raw


@pytest.mark.parametrize("prefix", WRITERS)
@given(raw=st.binary(min_size=1, max_size=300))
@example(raw=b"\0\0\1")
@example(raw=b"\xfb\xff\xfe")
def test_every_base_reads_what_an_independent_writer_writes(prefix: str, raw: bytes) -> None:
    assert read_multibase(prefix + WRITERS[prefix](raw)) == raw


@pytest.mark.parametrize("prefix", "zZ")
@pytest.mark.parametrize("length", [*range(1, 70), 127, 128, 129, 255, 256, 257, 511, 512, 513, 1022, 1023])
def test_base_58_is_read_in_every_length_up_to_the_longest(prefix: str, length: int) -> None:
    alphabet = BASE58BTC if prefix == "z" else BASE58FLICKR
    assert read_multibase(prefix + alphabet[-1] * length) == shortest(58**length - 1)
    assert read_multibase(prefix + alphabet[1] + "1" * (length - 1)) == shortest(58 ** (length - 1))


def shortest(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


@given(st.binary(min_size=1))
def test_multibase_is_written_in_base64url_without_padding(raw: bytes) -> None:
    assert CODECS["multibase"].to_text(raw) == "u" + WRITERS["u"](raw)


@pytest.mark.parametrize("prefix", "fFbBcCvVtTkK")
@given(raw=st.binary(min_size=1, max_size=40))
def test_bases_of_one_case_are_read_in_any(prefix: str, raw: bytes) -> None:
    text = WRITERS[prefix](raw)
    mixed = "".join(character.upper() if index % 2 else character.lower() for index, character in enumerate(text))
    for variant in (text.upper(), text.lower(), mixed):
        assert read_multibase(prefix + variant) == raw


@given(st.binary(min_size=1, max_size=40))
def test_z_base_32_is_lower_case_only(raw: bytes) -> None:
    text = WRITERS["h"](raw)
    assume(text.upper() != text)
    assert refused_by(read_multibase, "h" + text.upper())


@pytest.mark.parametrize("prefix", "bBvVhmu")
@given(raw=st.binary(min_size=1, max_size=40), flips=st.integers(1, 31))
def test_bits_left_over_are_ignored(prefix: str, raw: bytes, flips: int) -> None:
    text = WRITERS[prefix](raw)
    left_over = BITS[prefix] * len(text) % 8
    flips %= 1 << left_over
    assume(flips)
    alphabet = [WRITERS[prefix](bytes([value << (8 - BITS[prefix])]))[0] for value in range(1 << BITS[prefix])]
    changed = text[:-1] + alphabet[alphabet.index(text[-1]) | flips]
    assert changed != text
    assert read_multibase(prefix + changed) == raw


@pytest.mark.parametrize("prefix", "fFbBvVhmu")
def test_a_length_that_no_bytes_have_is_refused(prefix: str) -> None:
    zero = WRITERS[prefix](b"\0")[0]
    lengths = {len(WRITERS[prefix](bytes(size))) for size in range(40)}
    for length in range(40):
        assert refused_by(read_multibase, prefix + zero * length) == (length not in lengths), length


@pytest.mark.parametrize("prefix", BITS)
@given(raw=st.binary(min_size=1, max_size=20), count=st.integers(0, 9))
def test_padding_stands_exactly_where_the_base_has_it(prefix: str, raw: bytes, count: int) -> None:
    padded = WRITERS[prefix](raw)
    bare = padded.rstrip("=")
    wanted = -len(bare) % QUANTA[prefix] if prefix in QUANTA else 0
    assert padded == bare + "=" * wanted
    assert refused_by(read_multibase, prefix + bare + "=" * count) == (count != wanted)
    assert refused_by(read_multibase, prefix + "=" + bare)


@pytest.mark.parametrize("prefix", WRITERS)
@given(raw=st.binary(min_size=1, max_size=20), strange=st.characters(codec="utf-8"))
@example(raw=b"ab", strange=" ")
@example(raw=b"ab", strange="\n")
@example(raw=b"ab", strange="_")
@example(raw=b"ab", strange="\u017f")
@example(raw=b"ab", strange="\u212a")
def test_a_character_that_the_base_does_not_have_is_refused(prefix: str, raw: bytes, strange: str) -> None:
    assume(strange not in READ[prefix])
    text = WRITERS[prefix](raw)
    for position in (0, len(text) // 2, len(text)):
        if strange == "=" and prefix in QUANTA:
            continue  # padding has a test of its own
        assert refused_by(read_multibase, prefix + text[:position] + strange + text[position:])


@pytest.mark.parametrize("prefix", "kKzZ")
def test_a_base_that_is_no_power_of_two_is_read_up_to_1024_characters(prefix: str) -> None:
    zero = WRITERS[prefix](b"\0")
    assert read_multibase(prefix + zero * 1023) == bytes(1023)
    with pytest.raises(ValueError, match=r"^in this base at most 1024 characters are read$"):
        read_multibase(prefix + zero * 1024)


@pytest.mark.parametrize("prefix", BITS)
def test_a_base_of_a_power_of_two_is_read_in_any_length(prefix: str) -> None:
    raw = bytes(range(256)) * 300
    assert read_multibase(prefix + WRITERS[prefix](raw)) == raw


@given(st.characters(codec="utf-8"))
@example("p")
@example("9")
@example("\0")
def test_no_other_prefix_is_read(prefix: str) -> None:
    assume(prefix not in WRITERS)
    assert refused_by(read_multibase, prefix + "00000000")


@pytest.fixture
def few_digits() -> Iterator[None]:
    """Let the interpreter refuse to turn numbers of more than 640 digits into text or back."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("few_digits")
@pytest.mark.parametrize("prefix", WRITERS)
def test_every_base_is_read_where_the_interpreter_refuses_long_numbers(prefix: str) -> None:
    raw = b"\xff" * 600
    assert read_multibase(prefix + WRITERS[prefix](raw)) == raw


@pytest.mark.usefixtures("few_digits")
def test_huge_numbers_are_parse_errors_where_the_interpreter_refuses_them() -> None:
    for value in ("1" * 5000, 10**5000, "1" * 641):
        with pytest.raises(ParseError, match=r"the number is (over|not in 0 to) 65535"):
            Component("tcp", value)


# Garlic and onion addresses


@given(RAW["garlic64"])
def test_garlic64_is_i2ps_base_64_with_or_without_padding(raw: bytes) -> None:
    text = base64.b64encode(raw, b"-~").decode()
    assert CODECS["garlic64"].to_text(raw) == text
    assert CODECS["garlic64"].to_raw(text.rstrip("=")) == raw
    assert refused_by(CODECS["garlic64"].to_raw, text + "=")


@given(RAW["garlic32"])
def test_garlic32_is_base_32_in_any_case_without_padding(raw: bytes) -> None:
    assert CODECS["garlic32"].to_text(raw) == base32(raw)
    assert CODECS["garlic32"].to_raw(base32(raw).upper()) == raw
    assert refused_by(CODECS["garlic32"].to_raw, base32(raw) + "=")


@given(RAW["onion"] | RAW["onion3"])
def test_an_onion_address_is_base_32_in_any_case_and_a_port(raw: bytes) -> None:
    name = "onion" if len(raw) == 12 else "onion3"
    address, port = base32(raw[:-2]), int.from_bytes(raw[-2:])
    assert CODECS[name].to_text(raw) == f"{address}:{port}"
    assert CODECS[name].to_raw(f"{address.upper()}:{port:09}") == raw
    assert CODECS[name].to_value(raw) == (address, port)


def test_an_onion_address_is_at_run_time_what_type_checkers_take_it_for() -> None:
    module = ast.parse(inspect.getsource(sys.modules[OnionAddress.__module__]))
    (checked,) = (node for node in ast.walk(module) if isinstance(node, ast.ClassDef))
    fields = [ast.unparse(node.target) for node in checked.body if isinstance(node, ast.AnnAssign)]
    assert (OnionAddress.__name__, list(OnionAddress._fields)) == (checked.name, fields)
    assert OnionAddress.__doc__ == ast.get_docstring(checked)


# Percent-encoding: `urllib.parse` is the oracle

PIECES = st.characters(codec="utf-8", exclude_characters="/%") | st.from_regex(r"%[0-9A-Fa-f]{2}", fullmatch=True)


@pytest.mark.parametrize("name", ["percent", "path"])
@given(text=st.lists(PIECES).map("".join))
@example(text="a+b%2B %ff")
def test_percent_encoding_reads_what_urllib_reads(name: str, text: str) -> None:
    assert CODECS[name].to_raw(text) == unquote_to_bytes(text)


@pytest.mark.parametrize("name", ["percent", "path"])
@given(raw=st.binary())
@example(raw=bytes(range(256)))
def test_percent_encoding_writes_what_urllib_writes(name: str, raw: bytes) -> None:
    assert CODECS[name].to_text(raw) == quote_from_bytes(raw, safe="")


@given(st.text(max_size=3))
@example("")
@example("2")
@example("+1")
@example("\uff12\uff10")
def test_a_percent_sign_without_two_hex_digits_is_refused(rest: str) -> None:
    assume(not (len(rest) >= 2 and set(rest[:2]) <= set("0123456789abcdefABCDEF")))
    assert refused_by(CODECS["percent"].to_raw, "a%" + rest)


@pytest.mark.parametrize("text", ["%", "%zz", "/", "///", "", "a/\ud800"])
def test_what_is_neither_a_segment_nor_an_old_form_path_is_no_socket_path(text: str) -> None:
    with pytest.raises(ParseError, match="is no value for unix"):
        Component("unix", text)


def test_a_protocol_without_value_takes_no_bytes_at_all() -> None:
    assert Component("tls", b"") == Component("tls")
    with pytest.raises(ParseError, match="it takes no value"):
        Component("tls", b"\0")


# Peer IDs

ED25519 = "12D3KooWQF6Q3i1QkziJQ9mkNNcyFD8GPQz6R6oEvT75wgsVXm4v"
ED25519_CID = "bafzaajaiaejcbvszjytmvzcufrfvzxs4wzrqaijkox7ksvjq2wsr4wfl7gii5zmd"
HASHED = b"\x12\x20" + bytes(range(32))
PEER_IDS = RAW["peer_id"].map(PeerId)


def cid(raw: bytes, codec: int = 0x72) -> bytes:
    return bytes([1, codec]) + raw


@given(RAW["peer_id"])
def test_a_peer_id_is_read_from_every_one_of_its_forms(raw: bytes) -> None:
    peer = PeerId(raw)
    assert bytes(peer) == raw
    assert str(peer) == digits(raw, BASE58BTC)
    assert peer.to_cid() == peer.to_cid("base32") == "b" + base32(cid(raw))
    assert peer.to_cid("base36") == "k" + digits(cid(raw), BASE36)
    forms: list[str | bytes | bytearray | memoryview | PeerId] = [str(peer), peer.to_cid(), peer.to_cid("base36")]
    for form in [*forms, bytearray(raw), memoryview(raw), peer]:
        assert PeerId(form) == peer


@pytest.mark.parametrize("byte", [b"\0", b"\x01", b"\x7f", b"\xff"])
def test_base_58_is_written_in_every_length_of_a_peer_id(byte: bytes) -> None:
    for raw in [b"\x12\x20" + byte * 32, *(bytes([0, length]) + byte * length for length in range(43))]:
        assert str(PeerId(raw)) == digits(raw, BASE58BTC)


def test_a_peer_id_known_from_elsewhere_is_read_as_text_and_as_a_cid() -> None:
    assert str(PeerId(ED25519_CID)) == ED25519
    assert PeerId(ED25519).to_cid() == ED25519_CID
    assert repr(PeerId(ED25519_CID)) == f"PeerId('{ED25519}')"


def test_a_cid_is_written_in_two_bases_only() -> None:
    with pytest.raises(ValueError, match=r"^a peer ID is written in base32 or base36, not in 'base58btc'$"):
        PeerId(HASHED).to_cid("base58btc")  # type: ignore[arg-type] # that is what is tested


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (framed(0, b"\x08\x01\x12\x20" + bytes(range(32))), ("Ed25519", bytes(range(32)))),
        (framed(0, b"\x08\x02\x12\x21" + bytes(range(33))), ("Secp256k1", bytes(range(33)))),
        (framed(0, b"\x08\x00\x12\x01a"), ("RSA", b"a")),
        (framed(0, b"\x08\x03\x12\x00"), ("ECDSA", b"")),
        (framed(0, b"\x08\x04\x12\x01a"), None),
        (framed(0, b"\x08\x01\x12\x02a"), None),
        (framed(0, b"\x08\x01\x12\x01ab"), None),
        (framed(0, b"\x10\x01\x12\x01a"), None),
        (framed(0, b"\x08\x01\x1a\x01a"), None),
        (framed(0, b"\x08\x01\x12"), None),
        (framed(0, b""), None),
        (HASHED, None),
    ],
)
def test_a_peer_id_gives_the_key_that_it_contains(raw: bytes, key: tuple[str, bytes] | None) -> None:
    assert PeerId(raw).key == key
    if key is not None:
        assert PeerId.from_key(*key) == PeerId(raw)


@pytest.mark.parametrize("size", [0, 1, 33, 38, 39, 127, 128, 294])
def test_a_peer_id_is_the_hash_of_a_key_that_is_longer_than_42_bytes(size: int) -> None:
    message = b"\x08\x00\x12" + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + bytes(size)
    raw = framed(0, message) if len(message) <= 42 else framed(0x12, hashlib.sha256(message).digest())
    assert bytes(PeerId.from_key("RSA", bytes(size))) == raw


def test_a_peer_id_is_made_of_the_keys_of_the_specification_only() -> None:
    with pytest.raises(ValueError, match=r"^a public key is of type RSA, Ed25519, Secp256k1, ECDSA, not 'ed25519'$"):
        PeerId.from_key("ed25519", bytes(32))
    with pytest.raises(ValueError, match=r"^a key of Ed25519 has 32 bytes, not 64$"):
        PeerId.from_key("Ed25519", bytes(64))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "'' is no peer ID: a peer ID has at least one character"),
        ("Qm0", "'Qm0' is no peer ID: a peer ID that begins with Qm has 46 characters, not 3"),
        (" " + ED25519, "is no peer ID: ' ' is no multibase prefix"),
        ("1" * 129, "is no peer ID: a peer ID has at most 128 characters"),
        ("f0272" + HASHED.hex(), "is no peer ID: a peer ID in multibase is a CID of version 1, not 2"),
        ("f0171" + HASHED.hex(), "is no peer ID: a peer ID is a CID of codec libp2p-key, not 0x71"),
        (b"", "0x is no peer ID: a varint is cut off"),
        (b"\x12\x1f" + bytes(31), "is no peer ID: a sha2-256 digest has 32 bytes, not 31"),
        (b"\0\x2b" + bytes(43), "is no peer ID: a key in a peer ID has at most 42 bytes, not 43"),
        (b"\x11\x14" + bytes(20), "is no peer ID: a peer ID is a sha2-256 or an identity multihash, not one of"),
        (cid(HASHED), "is no peer ID: a multihash says 114 bytes of digest and has 34"),
    ],
)
def test_what_is_no_peer_id_is_a_parse_error(source: str | bytes, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        PeerId(source)
    error = caught.value
    assert reason in error.reason
    assert (error.source, error.offset, error.protocol) == (source, 0, None)


def test_the_cid_of_content_gets_a_hint() -> None:
    with pytest.raises(ParseError) as caught:
        PeerId("b" + base32(cid(HASHED, 0x70)))
    assert caught.value.hint == "is this content, not a peer?"


def test_the_longest_text_of_a_peer_id_has_128_characters() -> None:
    with pytest.raises(ParseError, match="a multihash says 0 bytes of digest and has 126"):
        PeerId("1" * 128)


@pytest.mark.parametrize("source", [None, 5, ["Qm"], Component("tcp", 80)])
def test_a_peer_id_from_another_type_is_a_type_error(source: object) -> None:
    name = type(source).__name__
    with pytest.raises(TypeError, match=f"^a peer ID is read from text or bytes, not from {name}$"):
        PeerId(source)  # type: ignore[arg-type] # that is what is tested


@given(PEER_IDS, PEER_IDS)
def test_peer_ids_are_compared_by_their_bytes(one: PeerId, other: PeerId) -> None:
    left, right = bytes(one), bytes(other)
    assert (one == other, one != other) == (left == right, left != right)
    assert (one < other, one <= other, one > other, one >= other) == (
        left < right,
        left <= right,
        left > right,
        left >= right,
    )
    assert {one, PeerId(left), other} == {PeerId(left), PeerId(right)}


def test_a_peer_id_equals_neither_its_text_nor_its_bytes() -> None:
    peer: object = PeerId(ED25519)
    assert peer != ED25519
    assert peer != bytes(PeerId(ED25519))
    with pytest.raises(TypeError):
        assert PeerId(ED25519) < ED25519  # type: ignore[operator] # that is what is tested


def test_a_peer_id_pickles_copies_and_does_not_change() -> None:
    peer = PeerId(ED25519)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(peer, protocol)) == peer
    assert copy.copy(peer) == copy.deepcopy(peer) == peer
    with pytest.raises(AttributeError, match=r"^PeerId is immutable: 'name' cannot be set$"):
        peer.name = "x"
    with pytest.raises(AttributeError, match=r"^PeerId is immutable: '_bytes' cannot be deleted$"):
        del peer._bytes  # pyright: ignore[reportAttributeAccessIssue]  that is what is tested


def test_a_peer_id_of_a_text_subclass_keeps_plain_text_in_its_error() -> None:
    class Shouting(str):
        def __str__(self) -> str:
            return self.upper()

    assert PeerId(Shouting(ED25519)) == PeerId(ED25519)
    with pytest.raises(ParseError) as caught:
        PeerId(Shouting("nothing"))
    assert type(caught.value.source) is str
    assert caught.value.source == "nothing"


# Multihashes


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0x00, "identity"),
        (0x11, "sha1"),
        (0x12, "sha2-256"),
        (0x13, "sha2-512"),
        (0x1B, "keccak-256"),
        (2**63 - 1, None),
    ],
)
def test_a_multihash_has_the_name_that_the_multicodec_table_gives_its_code(code: int, name: str | None) -> None:
    assert Multihash(code, b"").name == name


def test_a_multihash_is_a_tuple_of_a_code_and_a_digest() -> None:
    value = Component("certhash", "f1203616263").typed_value
    assert value == (0x12, b"abc")
    assert isinstance(value, Multihash)
    assert (value.code, value.digest) == (0x12, b"abc")
    assert Multiaddr([Component("certhash", value)]) == Multiaddr("/certhash/uEgNhYmM")
    assert pickle.loads(pickle.dumps(value)) == value
    assert type(pickle.loads(pickle.dumps(value))) is Multihash
