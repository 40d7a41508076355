"""Errors: what a message says, that it is short and safe for any input, the fields, pickling."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multiaddr_py import (
    REGISTRY,
    Codec,
    Component,
    ConversionError,
    Multiaddr,
    MultiaddrError,
    ParseError,
    PeerId,
    Protocol,
    ProtocolNotFoundError,
    Registry,
    RegistryError,
    UnknownProtocolError,
)

MOST = 1500  # repr writes up to ten characters for one
"""No message is as long as this, whatever the input was."""

HOSTILE = ["\0\x1b[2J\x07", "\u202e\u2066", "\ud800\udfff", "\x7f\x80", "\u00a0\u3000\t\n", "\u0301", "'\"\\", "/"]
HOSTILE_TEXTS = [text * times for text in HOSTILE for times in (1, 10, 100_000)]


def id_of(text: str) -> str:
    """Spell a text without a backslash, which pytest would escape once more whenever it collects the tests again."""
    return " ".join([f"{ord(character):x}" for character in text[:3]] + [f"({len(text)})"])


def error_of(read: Callable[[], object]) -> MultiaddrError:
    with pytest.raises(MultiaddrError) as caught:
        read()
    return caught.value


def parse_error_of(source: str | bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        Multiaddr(source)
    return caught.value


# Messages


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "/ip4/1.2.3.400",
            "'/ip4/1.2.3.400': '1.2.3.400' is no value for ip4: an octet is over 255 (at character 5)",
        ),
        (
            "/ip4/example.com",
            (
                "'/ip4/example.com': 'example.com' is no value for ip4:"
                " an IPv4 address is four decimal numbers with dots between (at character 5); use dns4"
            ),
        ),
        (b"/tls", "0x2f746c73: 47 is no protocol's code (at byte 0); decode the text first"),
        (b"\x06\0", "0x0600: tcp has a value of 2 bytes, of which 1 are there (at byte 1)"),
        (b"\x06\0\x50\x35\x02a", "0x060050350261: dns has a value of 2 bytes, of which 1 are there (at byte 4)"),
        (b"\x35\0", "0x3500: dns has a value of length 0 (at byte 1)"),
        (b"\x80", "0x80: a varint is cut off (at byte 0)"),
        (b"\xc0\x83\0", "0xc08300: a varint is not minimal (at byte 0)"),
        (b"\xff" * 9 + b"\1", "0xffffffffffffffffff01: a varint has more than 9 bytes (at byte 0)"),
        (b"", "0x: an address has at least one component (at byte 0)"),
        ("/", "'/': an address has at least one component (at character 1)"),
        ("tcp/80", "'tcp/80': an address begins with / (at character 0); write it as in /ip4/127.0.0.1/tcp/80"),
        ("", "'': an address begins with / (at character 0)"),
        ("/tls//ws", "'/tls//ws': a component has no name (at character 5)"),
        ("/tls/tcp", "'/tls/tcp': tcp needs a value (at character 8)"),
        ("/tls/nope", "'/tls/nope': 'nope' is no protocol (at character 5)"),
        (
            "/unix/a/\ud800",
            "'/unix/a/\\ud800': 'a/\\ud800' is no value for unix: a lone surrogate is no character (at character 6)",
        ),
        ("/TCP/80", "'/TCP/80': 'TCP' is no protocol (at character 1); names are in lower case: tcp"),
        (
            "/tcp/\u0668\n",
            (
                "'/tcp/\u0668\\n': '\u0668\\n' is no value for tcp:"
                " a number is written in the digits 0 to 9 (at character 5)"
            ),
        ),
    ],
)
def test_a_message_states_the_rule_and_the_place(source: str | bytes, message: str) -> None:
    assert str(parse_error_of(source)) == message


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("/ip4/example.com", "use dns4"),
        ("/ip4/xn--bcher-kva.example", "use dns4"),
        ("/ip4/::1", "use ip6"),
        ("/ip4/1.2.3.400", None),
        ("/ip4/1.2.3", None),
        ("/ip4/b\u00fccher", None),
        ("/ip4/my-host", "use dns4"),
        ("/ip4/--", None),
        ("/ip6/1.2.3.4", "use ip4"),
        ("/ip6/fe80::1%eth0", "use ip6zone in front, as in /ip6zone/eth0/ip6/fe80::1"),
        ("/ip6/localhost", "use dns6"),
        ("/ip6/example.com", "use dns6"),
        ("/ip6/1.2.3.4.5", None),
        ("/ip6/www.example.com.", "use dns6"),
        ("/ip6/www.m\u00fcller.co.uk", None),
        ("/ip6/fe800000000000000000000000000001", None),
        ("/ip4/example.com.", "use dns4"),
        ("/ip6/[::1]", "leave the brackets out"),
        ("/ip6/[::1]:80", "leave the brackets out; a port is a component of its own, as in /ip6/::1/tcp/80"),
        ("/tcp/ 80", "there are blanks around it"),
        ("/tcp/ 99999", None),
        ("/http-path/%zz ", None),
        ("/ip4/1.2.3.4:80", "a port is a component of its own, as in /ip4/127.0.0.1/tcp/80"),
        ("/ip4/localhost:80", "a port is a component of its own, as in /ip4/127.0.0.1/tcp/80"),
        ("/ip4/0x7f.0.0.1", None),
        ("/p2p/bafybeialonepua4jodci5qd4245wev7tt3ebb5qpc3xhhnrohrxcmcukyo", "is this content, not a peer?"),
        ("/p2p/QmNope", None),
        ("/onion/aaaaaaaaaaaaaaaa.onion:80", "leave .onion out"),
        ("/TCP/80", "names are in lower case: tcp"),
        ("/IPFS/x", "names are in lower case: ipfs"),
        ("/Nope", None),
        (b"/ip4/1.2.3.4", "decode the text first"),
        (b"\xc0\x03/tls", None),
        (b"ip4", None),
    ],
)
def test_a_hint_is_given_where_something_else_was_likely_meant(source: str | bytes, hint: str | None) -> None:
    error = parse_error_of(source)
    assert error.hint == hint
    assert str(error).endswith(f"; {hint}" if hint else ")")


def test_the_fields_say_what_the_message_says() -> None:
    error = parse_error_of("/dns/a/ipfs/1")
    assert (error.reason, error.source, error.offset, error.protocol, error.hint) == (
        "'1' is no value for p2p: a varint is cut off",
        "/dns/a/ipfs/1",
        12,
        "p2p",
        None,
    )
    assert isinstance(error.__cause__, ValueError)


def test_the_offset_counts_code_points() -> None:
    error = parse_error_of("/dns/\U0001f310\u0301\u4f8b/tcp/x")
    assert error.offset == 13
    assert error.source[error.offset :] == "x"


@pytest.mark.parametrize(
    ("protocol", "value", "source", "reason"),
    [
        ("tcp", "x", "x", "'x' is no value for tcp: a number is written in the digits 0 to 9"),
        ("tcp", b"x", b"x", "0x78 is no value for tcp: a value of tcp has 2 bytes, not 1"),
        ("tcp", bytearray(b"xyz"), b"xyz", "0x78797a is no value for tcp: a value of tcp has 2 bytes, not 3"),
        ("tcp", 65536, "65536", "'65536' is no value for tcp: the number is not in 0 to 65535"),
        ("tcp", None, "", "tcp needs a value"),
        ("dns", "", "", "'' is no value for dns: the value is empty"),
        ("dns", b"", b"", "0x is no value for dns: the value is empty"),
        ("dns", "a/b", "a/b", "'a/b' is no value for dns: a value has no slash"),
        ("ipfs", "1", "1", "'1' is no value for p2p: a varint is cut off"),
        ("unix", "//", "//", "'//' is no value for unix: the value is empty"),
        ("tls", "x", "x", "'x' is no value for tls: it takes no value"),
        ("tls", b"x", b"x", "0x78 is no value for tls: it takes no value"),
        ("tls", 1, "1", "'1' is no value for tls: it takes no value"),
    ],
)
def test_the_source_of_a_wrong_component_is_its_value(
    protocol: str, value: object, source: str | bytes, reason: str
) -> None:
    with pytest.raises(ParseError) as caught:
        Component(protocol, value)
    error = caught.value
    assert (error.source, error.offset, error.reason) == (source, 0, reason)
    assert error.protocol == REGISTRY[protocol].name


# The excerpt


def test_an_excerpt_of_a_long_text_is_cut_on_either_side_and_shows_the_fault() -> None:
    source = "/dns/" + "a" * 100 + "/tcp/wrong/dns/" + "b" * 100
    excerpt, _, _ = str(parse_error_of(source)).partition(": ")
    assert excerpt == "'…" + "a" * 15 + "/tcp/wrong/dns/" + "b" * 30 + "…'"


def test_an_excerpt_is_cut_only_where_something_is_left_out() -> None:
    assert str(parse_error_of("/tcp/x/dns/" + "b" * 49)).startswith("'/tcp/x/dns/" + "b" * 49 + "': ")
    assert str(parse_error_of("/tcp/x/dns/" + "b" * 50)).startswith("'/tcp/x/dns/" + "b" * 49 + "…': ")
    assert str(parse_error_of("/dns/" + "a" * 50 + "/tcp/x")).startswith("'…dns/" + "a" * 50 + "/tcp/x': ")


def test_an_excerpt_of_long_bytes_is_cut_on_either_side_and_shows_the_fault() -> None:
    source = b"\x06\x11\x11" * 10 + b"\xff\x7f" + b"\x22" * 50
    excerpt, _, _ = str(parse_error_of(source)).partition(": ")
    assert excerpt == "…0x" + ("061111" * 10)[-16:] + "ff7f" + "22" * 14 + "…"


def test_an_excerpt_at_the_end_shows_what_is_before() -> None:
    source = b"\x06\x11\x11" * 10 + b"\x06"
    assert str(parse_error_of(source)).startswith("…0x1111" + "061111" * 7 + "06: ")


@pytest.mark.parametrize("length", [40, 41, 1000])
def test_a_value_is_quoted_with_at_most_40_characters(length: int) -> None:
    reason = parse_error_of("/tcp/" + "x" * length).reason
    quoted = "x" * 40 if length == 40 else "x" * 39 + "…"
    assert reason == f"'{quoted}' is no value for tcp: a number is written in the digits 0 to 9"


# Any input


@given(st.text() | st.text(st.sampled_from("".join(HOSTILE) + "ip4/tcp80")) | st.binary())
def test_any_input_is_an_address_or_has_a_short_message_that_is_safe_to_print(source: str | bytes) -> None:
    for read in (Multiaddr, PeerId):
        try:
            read(source)
        except ParseError as error:
            message = str(error)
            assert message.isprintable()
            assert len(message) < MOST
            assert 0 <= error.offset <= len(source)
            assert error.source == source


@pytest.mark.parametrize(
    "template", ["{}", "/{}", "/tcp/{}", "/tls/{}/ws", "/ip6/fe80::1%{}", "/unix/%{}", "/p2p/{}", "/certhash/{}"]
)
@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=id_of)
def test_hostile_text_has_a_short_message_that_is_safe_to_print(template: str, text: str) -> None:
    message = str(parse_error_of(template.format(text)))
    assert message.isprintable()
    assert len(message) < MOST


def test_a_message_is_short_even_where_repr_writes_ten_characters_for_one() -> None:
    for template in ("/{}", "/tcp/{}", "/ip6/%{}"):
        assert len(str(parse_error_of(template.format("\U000e0001" * 100)))) < MOST


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=id_of)
def test_every_other_error_is_short_and_safe_to_print_too(text: str) -> None:
    errors = [
        error_of(lambda: REGISTRY[text]),
        error_of(lambda: Multiaddr("/tls").get(text)),
        error_of(lambda: Component(text)),
        error_of(lambda: Component("tcp", text)),
        error_of(lambda: PeerId(text)),
        error_of(lambda: REGISTRY.extended(text)),
        error_of(lambda: REGISTRY.extended(f"7,16,{text},nope,")),
        error_of(lambda: REGISTRY.extended(f"7,16,foo,{text}x,")),
        error_of(lambda: Protocol(7, None, "foo", f"{text}x")),
        error_of(lambda: Protocol(7, 0, f"{text} x")),
        ConversionError("a rule", text),
        ConversionError("a rule", text.encode(errors="surrogatepass")),
        ConversionError("a rule", (text, 1)),
    ]
    for error in errors:
        assert str(error).isprintable()
        assert len(str(error)) < MOST


def test_a_code_that_no_text_can_hold_is_not_found_with_a_short_message() -> None:
    for look_up in (REGISTRY.__getitem__, Component, Multiaddr("/tls").get, Multiaddr("/tls").get_all):
        error = error_of(lambda look_up=look_up: look_up(10**5000))  # type: ignore[misc]
        assert type(error) is ProtocolNotFoundError
        assert len(str(error)) < MOST


def _chatty(text: str) -> bytes:
    error = ValueError("\0reason\n" * 10_000)
    error.add_note("\x1bhint" * 10_000)
    raise error


def test_the_reason_and_the_hint_of_a_codec_of_ones_own_are_cut_and_made_safe() -> None:
    codec = Codec("chatty", _chatty, bytes.decode, len)
    registry = Registry([Protocol(7, None, "chatty", codec)])
    with pytest.raises(ParseError) as caught:
        Multiaddr("/chatty/x", registry=registry)
    error = caught.value
    assert error.hint == "\x1bhint" * 10_000
    assert str(error).isprintable()
    assert len(str(error)) < 4000  # repr takes up to four characters for one of these
    assert "…" in str(error)


# Classes, pickling


def test_the_classes_can_be_caught_as_what_they_are() -> None:
    assert issubclass(UnknownProtocolError, ParseError)
    assert issubclass(ParseError, MultiaddrError)
    assert issubclass(ParseError, ValueError)
    assert issubclass(ProtocolNotFoundError, MultiaddrError)
    assert issubclass(ProtocolNotFoundError, LookupError)
    assert not issubclass(ProtocolNotFoundError, ValueError)
    assert issubclass(RegistryError, MultiaddrError)
    assert issubclass(RegistryError, ValueError)
    assert not issubclass(RegistryError, ParseError)
    assert issubclass(ConversionError, MultiaddrError)
    assert issubclass(ConversionError, ValueError)
    assert not issubclass(ConversionError, ParseError)


ERRORS: list[MultiaddrError] = [
    MultiaddrError("anything"),
    ParseError("a rule", "/source", 1),
    ParseError("a rule", b"source", 3, "tcp", "a hint"),
    UnknownProtocolError("a rule", "/source", 1, None, "a hint"),
    ProtocolNotFoundError("nope", "the registry"),
    ProtocolNotFoundError(5, "the address"),
    ProtocolNotFoundError(Protocol(5, 0, "five"), "the registry"),
    RegistryError("a rule"),
    RegistryError("a rule", "5,0,five,,"),
    ConversionError("a rule", "/source"),
    ConversionError("a rule", b"source", "a hint"),
    ConversionError("a rule", ("::1", 80, 0, 0), "a hint"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_error_pickles_and_copies_with_all_its_fields(error: MultiaddrError) -> None:
    copies = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for again in [*copies, copy.copy(error), copy.deepcopy(error)]:
        assert type(again) is type(error)
        assert again.args == error.args
        assert vars(again) == vars(error)
        assert str(again) == str(error)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ERRORS[1], "'/source': a rule (at character 1)"),
        (ERRORS[2], "0x736f75726365: a rule (at byte 3); a hint"),
        (ERRORS[4], "no protocol 'nope' in the registry"),
        (ERRORS[5], "no protocol 5 in the address"),
        (ERRORS[6], "no protocol <Protocol 5,0,five,,> in the registry"),
        (ERRORS[7], "a rule"),
        (ERRORS[8], "row '5,0,five,,': a rule"),
        (ERRORS[9], "'/source': a rule"),
        (ERRORS[10], "0x736f75726365: a rule; a hint"),
        (ERRORS[11], "('::1', 80, 0, 0): a rule; a hint"),
    ],
    ids=repr,
)
def test_the_message_is_made_from_the_fields(error: MultiaddrError, message: str) -> None:
    assert str(error) == message


def test_fields_that_are_not_given_are_none() -> None:
    error = ParseError("a rule", "/source", 1)
    assert (error.protocol, error.hint) == (None, None)
    assert RegistryError("a rule").row is None
    assert ConversionError("a rule", "/source").hint is None


@given(st.text(), st.text(), st.integers(0, 10))
@example("a\nb", "\ud800", 0)
def test_an_error_of_any_fields_has_a_printable_message(reason: str, source: str, offset: int) -> None:
    assert str(ParseError(reason, source, offset, None, reason)).isprintable()
    assert str(RegistryError(reason, source)).isprintable()
    assert str(ProtocolNotFoundError(source, reason)).isprintable()
    assert str(ConversionError(reason, (source, offset), reason)).isprintable()
