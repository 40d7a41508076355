"""`check_protocol`: it passes the library's codecs, and says of a broken one which law it breaks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import IntEnum
from struct import pack, unpack
from uuid import UUID

import pytest

from multiaddr_py import CODECS, REGISTRY, Codec, Component, ParseError, PeerId, Protocol
from multiaddr_py.testing import check_protocol


def read_hex(text: str) -> bytes:
    if not text or text.strip("0123456789abcdef") or len(text) % 2:
        raise ValueError("hex is pairs of 0 to 9 and a to f")
    return bytes.fromhex(text)


def hex_of(value: object) -> bytes:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("an int")
    if not 0 <= value < 256:
        raise ValueError("from 0 to 255")
    return bytes([value])


def protocol(
    to_raw: Callable[[str], bytes] = read_hex,
    to_text: Callable[[bytes], str] = bytes.hex,
    size: int | None = None,
    **functions: Callable[..., object],
) -> Protocol:
    return Protocol(455, size, "mine", Codec("mine", to_raw, to_text, **functions))  # type: ignore[arg-type] # of its types


EXAMPLES: dict[str, list[object]] = {
    "ip4": ["127.0.0.1", b"\0\0\0\0"],
    "ip6": ["::1", "::ffff:1.2.3.4"],
    "text": ["example.com"],
    "uint8": ["24", 0],
    "uint16": ["080", 65535],
    "uint64": [1 << 63],
    "peer_id": [PeerId("12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2")],
    "multihash": ["uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
    "multibase": ["uAQID"],
    "path": [b"/run/a.sock", "a"],
    "percent": ["a%2Fb"],
    "onion": ["aaimaq4ygg2iegci:80"],
    "onion3": ["vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234"],
    "garlic64": [bytes(386)],
    "garlic32": [bytes(32), bytes(35)],
}


@pytest.mark.parametrize("name", CODECS)
def test_the_codecs_of_the_library_keep_the_laws(name: str) -> None:
    for row in REGISTRY:
        if row.codec is CODECS[name]:
            check_protocol(row, EXAMPLES[name])


def test_a_sound_codec_of_ones_own_keeps_the_laws() -> None:
    check_protocol(protocol(), ["00ff", b"\x01"], refused=["0", "x", "FF"])
    check_protocol(protocol(), {"00ff": b"\x00\xff"})
    check_protocol(protocol(size=16), ["00ff"], refused=["00", b"\x00"])
    check_protocol(protocol(size=8, to_value=lambda raw: raw[0], from_value=hex_of), [0, 255, "7f"], refused=[256])


def accept_utf8(raw: bytes) -> None:
    if b"/" in raw:
        raise ValueError("no slash")
    raw.decode()


class Colour(IntEnum):
    RED = 1
    GREEN = 2


def read_colour(text: str) -> bytes:
    if text not in Colour.__members__:
        raise ValueError("a colour")
    return bytes([Colour[text]])


def uuid_of(value: object) -> bytes:
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, int):
        return UUID(int=value).bytes
    raise TypeError("a UUID or an int")


def number_of(value: object) -> bytes:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("an int")
    if value < 1:
        raise ValueError("at least 1")
    return value.to_bytes((value.bit_length() + 7) // 8)


def accept_number(raw: bytes) -> None:
    if not raw[0]:
        raise ValueError("a zero in front")


def read_number(text: str) -> bytes:
    raw = read_hex(text)
    accept_number(raw)
    return raw


@pytest.mark.parametrize(
    ("codec", "example"),
    [
        (
            Codec(
                "colour",
                read_colour,
                lambda raw: Colour(raw[0]).name,
                lambda raw: read_colour(Colour(raw[0]).name),
                size=8,
                to_value=lambda raw: Colour(raw[0]),
                from_value=lambda value: bytes([Colour(value)]),  # type: ignore[arg-type] # refused by the enumeration
            ),
            "RED",
        ),
        (
            Codec(
                "uuid",
                lambda text: UUID(text).bytes,
                lambda raw: str(UUID(bytes=raw)),
                size=128,
                to_value=lambda raw: UUID(bytes=raw),
                from_value=uuid_of,
            ),
            "123e4567-e89b-12d3-a456-426614174000",
        ),
        (
            Codec("number", read_number, bytes.hex, accept_number, to_value=int.from_bytes, from_value=number_of),
            b"\xff" * 2000,
        ),
        (Codec("any", lambda text: text.encode(errors="replace"), bytes.decode, accept_utf8), "a\ud800"),
    ],
    ids=["takes more than it gives", "takes numbers, too", "has huge numbers", "takes surrogates"],
)
def test_a_sound_codec_may_be_one_that(codec: Codec, example: object) -> None:
    check_protocol(Protocol(455, codec.size, "mine", codec), [example])


def to_upper(raw: bytes) -> str:
    return raw.hex().upper()


def with_slash(raw: bytes) -> str:
    return raw.hex("/")


def refuse_by_assertion(text: str) -> bytes:
    if text != "00ff":
        raise AssertionError("hex")
    return b"\0\xff"


calls = iter(range(10**9))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            protocol(to_raw=lambda text: read_hex(text) + b"\0"),
            "to_text(0x00ff00) is '00ff00', which is read as 0x00ff0000",
        ),
        (
            protocol(to_text=to_upper),
            "to_text(0x00ff) is '00FF', which is refused: hex is pairs of 0 to 9 and a to f",
        ),
        (protocol(to_text=with_slash), "to_text(0x00ff) is '00/ff', and a value has no slash"),
        (protocol(to_text=lambda raw: ""), "to_text(0x00ff) is '', which is refused: the value is empty"),
        (
            protocol(to_text=bytes),  # type: ignore[arg-type] # the fault
            "to_text(0x00ff) is a bytes, not a str",
        ),
        (protocol(to_text=lambda raw: f"{next(calls):04x}"), "is not the same when it is asked again"),
        (
            protocol(to_raw=lambda text: {"00ff": b"\0\xff"}[text]),
            "reading ' ' raises KeyError: ' '; a codec refuses with a ValueError",
        ),
        (
            protocol(to_raw=lambda text: 5),  # type: ignore[arg-type, return-value] # the fault
            "to_raw('00ff') is of type int, not bytes",
        ),
        (
            protocol(check=lambda raw: read_hex("x")),
            "the example '00ff' is accepted, but check(0x00ff) raises ValueError: hex is pairs",
        ),
        (protocol(check=lambda raw: {b"\0\xff": 0}[raw]), "raises KeyError: "),
        (
            protocol(to_value=lambda raw: 1 / 0),
            "0x00ff is accepted, but to_value(0x00ff) raises ZeroDivisionError: division by zero",
        ),
        (
            protocol(to_value=lambda raw: raw[0]),
            "to_value(0x00ff) is 0, which from_value does not take: its value is text or bytes, not int",
        ),
        (
            protocol(to_value=lambda raw: 10**5000),  # which Python refuses to write
            "to_value(0x00ff) is <int>, which from_value does not take: its value is text or bytes, not int",
        ),
        (protocol(to_value=lambda raw: raw[:1]), "to_value(0x00ff) is 0x00, which is read as 0x00"),
        (
            protocol(to_value=lambda raw: 256, from_value=hex_of),
            "to_value(0x00ff) is 256, which is refused: from 0 to 255",
        ),
        (
            protocol(from_value=lambda value: value.packed),
            "'bool' object has no attribute 'packed'; a codec refuses with a TypeError or a ValueError",
        ),
        (
            protocol(to_raw=refuse_by_assertion),
            "reading ' ' raises AssertionError: hex; a codec refuses with a ValueError",
        ),
    ],
)
def test_a_broken_codec_is_told_what_it_breaks(broken: Protocol, message: str) -> None:
    with pytest.raises(AssertionError, match=rf"^mine: .*{re.escape(message)}"):
        check_protocol(broken, ["00ff"])


def test_what_only_an_address_shows_is_told() -> None:
    """What is refused as a segment and read as the rest of an address swallows what stands behind it."""

    def refuse(text: str) -> bytes:
        raise ValueError("a segment")

    codec = Codec("rest", refuse, lambda raw: raw.decode().strip("/"), takes_rest=True)
    message = "^mine: 'a' twice in an address is read as '/mine/a/mine/a', not as two of it$"
    with pytest.raises(AssertionError, match=message):
        check_protocol(Protocol(455, None, "mine", codec), ["a"])


def test_a_codec_that_changes_its_mind_is_told() -> None:
    answers = iter([b"\0\xff"] * 6)

    def read(text: str) -> bytes:
        for answer in answers:
            return answer
        raise ValueError("no more")

    with pytest.raises(AssertionError, match=r"^mine: '00ff' does not stand in an address: .*no more"):
        check_protocol(protocol(to_raw=read), ["00ff"])


def test_an_example_that_is_refused_or_read_otherwise_is_told() -> None:
    with pytest.raises(AssertionError, match=r"^mine: the example 'zz' is refused: hex is pairs of 0 to 9 and a to f$"):
        check_protocol(protocol(), ["zz"])
    with pytest.raises(AssertionError, match=r"^mine: the example '00ff' is read as 0x00ff, not as 0xff00$"):
        check_protocol(protocol(), {"00ff": b"\xff\x00"})
    with pytest.raises(
        AssertionError, match=r"^mine: the example 0x00 is refused: a value of mine has 2 bytes, not 1$"
    ):
        check_protocol(protocol(size=16), [b"\x00"])


def test_a_text_is_no_collection_of_what_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^refused are a collection of values, not one of type str$"):
        check_protocol(protocol(), ["00"], refused="zz")


def test_what_is_to_be_refused_and_is_not_is_told() -> None:
    with pytest.raises(AssertionError, match=r"^mine: '01' is to be refused, and is read as 0x01$"):
        check_protocol(protocol(), ["00"], refused=["zz", "01"])


def test_the_cause_is_kept() -> None:
    with pytest.raises(AssertionError) as caught:
        check_protocol(protocol(to_value=lambda raw: 1 / 0), ["00"])
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_long_value_is_told_shortly() -> None:
    with pytest.raises(AssertionError) as caught:
        check_protocol(protocol(to_text=to_upper), ["ab" * 10_000])
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("tcp", ["80"]), TypeError, "a Protocol is checked, not str"),
        ((REGISTRY["tls"], ["1"]), ValueError, "tls has no value: there is nothing to check"),
        ((REGISTRY["tcp"], []), ValueError, "at least one example is needed"),
        ((REGISTRY["tcp"], {}), ValueError, "at least one example is needed"),
        ((REGISTRY["tcp"], "80"), TypeError, "examples are a collection of values, not one of type str"),
        ((REGISTRY["tcp"], None), TypeError, "examples are a collection of values, not one of type NoneType"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: tuple[Protocol, list[object]], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        check_protocol(*arguments)


def test_what_is_refused_is_refused_in_addresses_too() -> None:
    """The laws are those of addresses: the registry with this one protocol is what they are checked with."""
    with pytest.raises(ParseError):
        Component(REGISTRY["tcp"], "65536")
    check_protocol(REGISTRY["tcp"], ["80"], refused=["65536", "+1", b"", b"\0"])


def low(text: str) -> bytes:
    return text.lower().encode()


def refuse_long(raw: bytes) -> None:
    if len(raw) > 6:
        raise ValueError("too long")


def digits(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("digits")
    return text


def short_name(text: str) -> bytes:
    if not (text.isascii() and text.isalnum() and len(text) <= 63):
        raise ValueError("a name of 1 to 63 letters")
    return text.encode()


def accept_name(raw: bytes) -> None:
    if not (raw.isascii() and raw.isalnum()):
        raise ValueError("a name")


UNSOUND = {
    "lets an error of struct through": Codec(
        "port", lambda text: pack(">H", int(digits(text))), lambda raw: str(*unpack(">H", raw)), size=16
    ),
    "lets an OverflowError through": Codec(
        "port", lambda text: int(digits(text)).to_bytes(2), lambda raw: str(int.from_bytes(raw)), size=16
    ),
    "limits texts only": Codec("name", short_name, bytes.decode, accept_name),
    "writes no more than 32 bytes": Codec("hex", read_hex, lambda raw: raw[:32].hex()),
    "folds case, and its check does not": Codec("low", low, lambda raw: raw.decode().lower(), accept_utf8),
    "normalizes, and its check does not": Codec(
        "nfc",
        lambda text: unicodedata.normalize("NFC", text).encode(),
        lambda raw: unicodedata.normalize("NFC", raw.decode()),
        accept_utf8,
    ),
    "writes lone surrogates": Codec(
        "wtf8",
        lambda text: text.encode(errors="surrogatepass"),
        lambda raw: raw.decode(errors="surrogatepass"),
        lambda raw: accept_utf8(raw.replace(b"\xed\xa0\x80", b"")),
    ),
    "is not pure": Codec("dice", lambda text: bytes([next(calls) % 251]), lambda raw: str(raw[0])),
    "reads by chance what is not its own": Codec(
        "chance", lambda text: b"\0\xff" if text == "00ff" else bytes([next(calls) % 251]), bytes.hex
    ),
    "refuses long paths": Codec(
        "path", lambda text: text.encode(), lambda raw: raw.decode(), refuse_long, takes_rest=True
    ),
    "takes any number for a byte": Codec(
        "byte",
        lambda text: bytes([int(text)]) if text.isdigit() and text.isascii() and int(text) < 256 else read_hex("x"),
        lambda raw: str(raw[0]),
        size=8,
        to_value=lambda raw: raw[0],
        from_value=lambda value: bytes([int(value) & 255]),  # type: ignore[call-overload] # the fault
    ),
    "makes a list": Codec("list", lambda text: list(read_hex(text)), bytes.hex),  # type: ignore[arg-type, return-value] # the fault
    "makes text of a value": Codec(
        "text",
        read_hex,
        bytes.hex,
        to_value=lambda raw: int(raw.hex(), 16),
        from_value=str,  # type: ignore[arg-type] # the fault
    ),
}


@pytest.mark.parametrize("fault", UNSOUND)
def test_a_codec_is_caught_that(fault: str) -> None:
    codec = UNSOUND[fault]
    example = {
        "port": "80",
        "name": "ezs42",
        "nfc": "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
        "dice": "7",
        "byte": "7",
        "path": "ab",
    }.get(codec.name, "00ff")
    with pytest.raises(AssertionError, match=r"^mine: "):
        check_protocol(Protocol(455, codec.size, "mine", codec), [example])


def test_what_has_no_values_type_is_refused() -> None:
    check_protocol(protocol(), ["00"], refused=[1.5, None])
    with pytest.raises(AssertionError, match=r"^mine: the example 1\.5 is refused: its value is text or bytes"):
        check_protocol(protocol(), [1.5])
    with pytest.raises(TypeError, match=r"^an example stands for bytes, not for str$"):
        check_protocol(protocol(), {"00": "00"})
