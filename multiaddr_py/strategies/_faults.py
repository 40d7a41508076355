"""What can be wrong with a value of a codec, and the rule that it breaks: a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from multiaddr_py.strategies._values import multihash

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from multiaddr_py import Component


Source = TypeVar("Source", str, bytes)


class Fault(NamedTuple, Generic[Source]):
    """A rule, and what makes the text or the bytes of a value that breaks it out of a component that does not."""

    reason: str
    spoil: Callable[[Component], Source]


def _text(component: Component) -> str:
    return component.value or ""


def _instead(text: str) -> Callable[[Component], str]:
    return lambda component: text


_BLANKS: Final = (
    Fault("a blank stands before the value", lambda it: " " + _text(it)),
    Fault("a line ends behind the value", lambda it: _text(it) + "\n"),
    Fault("a zero byte stands behind the value", lambda it: _text(it) + "\0"),
)
_SURROGATE: Final = (Fault("a lone surrogate is no character", lambda it: _text(it) + "\ud800"),)
_NUMBER: Final = (
    *_BLANKS,
    Fault("the number is too great", lambda it: str(1 << 8 * len(it.raw_value))),
    Fault("the number has more digits than any", _instead("9" * 5000)),
    Fault("a number has no sign", lambda it: "+" + _text(it)),
    Fault("a number has no sign", lambda it: "-" + _text(it)),
    Fault("a number has no underscore", lambda it: _text(it) + "_0"),
    Fault("a number is decimal", lambda it: hex(int(_text(it)))),
    Fault("a number is whole", lambda it: _text(it) + ".0"),
    Fault("a digit is of another script", lambda it: _text(it)[:-1] + chr(0x660 + int(_text(it)[-1]))),
)
_ESCAPES: Final = (
    Fault("two hex digits follow a %", _instead("%2Fa%zz")),
    Fault("two hex digits follow a %", _instead("%2Fa%2")),
    Fault("two hex digits follow a %", _instead("%")),
    Fault("two hex digits follow a %", _instead("%\uff12\uff10")),
    Fault("a lone surrogate is no character", _instead("%2F\udfff")),
)
_MULTIBASE: Final = (
    *_BLANKS,
    Fault("there is no such base", lambda it: "x" + _text(it)),
    Fault("the base has no padding", lambda it: _text(it) + "="),
    Fault("nothing stands in the base", _instead("u")),
    Fault("a character is not of the base", lambda it: _text(it) + "+"),
    Fault("hex takes two characters for a byte", lambda it: "f0" + it.raw_value.hex()),
    Fault("there is a character more than bytes need", _instead("uA")),
)
_ONION: Final = (
    *_BLANKS,
    Fault("there is no port 0", lambda it: _text(it).partition(":")[0] + ":0"),
    Fault("the port is over 65535", lambda it: _text(it).partition(":")[0] + ":65536"),
    Fault("the port is missing", lambda it: _text(it).partition(":")[0]),
    Fault("the port is missing", lambda it: _text(it).partition(":")[0] + ":"),
    Fault("the address is too short", lambda it: _text(it)[1:]),
    Fault("the address is too long", lambda it: "a" + _text(it)),
    Fault("the address is written without .onion", lambda it: _text(it).replace(":", ".onion:")),
    Fault("base 32 has no 1", lambda it: "1" + _text(it)[1:]),
    Fault("a number has no sign", lambda it: _text(it).replace(":", ":+")),
)

OF_TEXT: Final[Mapping[str, tuple[Fault[str], ...]]] = {
    "ip4": (
        *_BLANKS,
        Fault("an octet is over 255", lambda it: "256" + _text(it)[_text(it).index(".") :]),
        Fault("an octet has a leading zero", lambda it: "0" + _text(it)),
        Fault("there are three octets", lambda it: _text(it)[: _text(it).rindex(".")]),
        Fault("there are five octets", lambda it: _text(it) + ".0"),
        Fault("an octet is empty", lambda it: _text(it) + "."),
        Fault("an octet is decimal", lambda it: "0x7f" + _text(it)[_text(it).index(".") :]),
        Fault("an octet has no sign", lambda it: "+" + _text(it)),
        Fault("a digit is of another script", lambda it: _text(it)[:-1] + chr(0x660 + int(_text(it)[-1]))),
        Fault("a port is a component of its own", lambda it: _text(it) + ":80"),
        Fault("it is an IPv6 address", lambda it: "::ffff:" + _text(it)),
        Fault("it is one number", lambda it: str(int.from_bytes(it.raw_value))),
    ),
    "ip6": (
        *_BLANKS,
        Fault("a zone is a component of its own", lambda it: _text(it) + "%eth0"),
        Fault("there are no brackets", lambda it: f"[{_text(it)}]"),
        Fault("there are nine groups", _instead("1:2:3:4:5:6:7:8:9")),
        Fault("there are seven groups", _instead("1:2:3:4:5:6:7")),
        Fault("there are eight groups beside ::", _instead("1:2:3:4::5:6:7:8")),
        Fault("a group has five digits", _instead("2001:0db80::")),
        Fault("a group is hex", _instead("2001:g::")),
        Fault(":: stands twice", _instead("2001::1::2")),
        Fault("there are three colons", _instead(":::")),
        Fault("there are three colons", _instead("1:::2")),
        Fault("the last group is empty", _instead("1:2:3:4:5:6:7:")),
        Fault("the first group is empty", _instead(":1:2:3:4:5:6:7")),
        Fault("an IPv4 address stands at the end only", _instead("1.2.3.4::")),
        Fault("an IPv4 address stands for two groups", _instead("1:2:3:4:5:6:7:1.2.3.4")),
        Fault("an octet is over 255", _instead("::ffff:256.0.0.1")),
        Fault("an octet has a leading zero", _instead("::ffff:01.2.3.4")),
        Fault("there are three octets", _instead("::ffff:1.2.3")),
        Fault("it is an IPv4 address", _instead("1.2.3.4")),
        Fault("a digit is of another script", _instead("::\u0661")),
    ),
    "text": _SURROGATE,
    **dict.fromkeys(("uint8", "uint16", "uint64"), _NUMBER),
    "peer_id": (
        *_BLANKS,
        Fault("base 58 has no 0", lambda it: _text(it) + "0"),
        Fault("a peer ID that begins with Qm has 46 characters", _instead("Qm" + "1" * 43)),
        Fault("the length is not the digest's", _instead("Qm" + "1" * 44)),
        Fault("there are over 128 characters", _instead("1" * 129)),
        Fault("it is a CID of content", lambda it: "f0155" + it.raw_value.hex()),
        Fault("it is a CID of version 2", lambda it: "f0272" + it.raw_value.hex()),
        Fault("it is a CID without a hash", _instead("f0172")),
        Fault("a varint is not minimal", lambda it: "f01f200" + it.raw_value.hex()),
        Fault("a peer ID has no sha3-256", _instead("f0172" + multihash(0x16, bytes(32)).hex())),
        Fault("a sha2-256 digest has 32 bytes", _instead("f0172" + multihash(0x12, bytes(31)).hex())),
        Fault("a key in a peer ID has at most 42 bytes", _instead("f0172" + multihash(0, bytes(43)).hex())),
        Fault("a byte stands behind the hash", lambda it: f"f0172{it.raw_value.hex()}00"),
    ),
    "multihash": (
        *_MULTIBASE,
        Fault("the digest is cut off", lambda it: "f" + it.raw_value.hex()[:-2]),
        Fault("a byte stands behind the digest", lambda it: f"f{it.raw_value.hex()}00"),
        Fault("a varint is not minimal", _instead("f920000")),
        Fault("a varint has more than 9 bytes", _instead("f" + "ff" * 9 + "0100")),
        Fault("over 1,024 characters of a base that is no power of two", _instead("z" + "1" * 1024)),
    ),
    "multibase": (
        *_MULTIBASE,
        Fault("over 1,024 characters of a base that is no power of two", _instead("k" + "0" * 1024)),
    ),
    "path": _ESCAPES,
    "percent": _ESCAPES + _SURROGATE,
    **dict.fromkeys(("onion", "onion3"), _ONION),
    "garlic64": (
        *_BLANKS,
        Fault("a destination has at least 386 bytes", lambda it: _text(it)[:512]),
        Fault("the padding is wrong", lambda it: _text(it) + "="),
        Fault("a character is not of I2P's base 64", lambda it: "+" + _text(it)[1:]),
    ),
    "garlic32": (
        *_BLANKS,
        Fault("no address has 33 bytes", _instead("a" * 53)),
        Fault("no address has 31 bytes", _instead("a" * 50)),
        Fault("there is no padding", lambda it: _text(it) + "="),
        Fault("base 32 has no 1", lambda it: "1" + _text(it)[1:]),
    ),
}
"""The faults of a value's text, by the codec's name."""

OF_BYTES: Final[Mapping[str, tuple[Fault[bytes], ...]]] = {
    "text": (
        Fault("a name has no slash", lambda it: it.raw_value + b"/"),
        Fault("a name is UTF-8", lambda it: it.raw_value + b"\xff"),
        Fault("a lone surrogate is no character", lambda it: it.raw_value + b"\xed\xa0\x80"),
        Fault("UTF-8 is as short as can be", lambda it: it.raw_value + b"\xc0\xaf"),
        Fault("a character is cut off", lambda it: it.raw_value + b"\xe2\x82"),
    ),
    "peer_id": (
        Fault("a sha2-256 digest has 32 bytes", lambda it: multihash(0x12, bytes(31))),
        Fault("a sha2-256 digest has 32 bytes", lambda it: multihash(0x12, bytes(33))),
        Fault("a key in a peer ID has at most 42 bytes", lambda it: multihash(0, bytes(43))),
        Fault("a peer ID has no sha2-512", lambda it: multihash(0x13, bytes(64))),
        Fault("a byte stands behind the hash", lambda it: it.raw_value + b"\0"),
        Fault("a peer ID is no CID in bytes", lambda it: b"\x01\x72" + it.raw_value),
        Fault("a varint is not minimal", lambda it: b"\x92\x00\x20" + bytes(32)),
        Fault("a varint is cut off", lambda it: b"\x80"),
    ),
    "multihash": (
        Fault("a byte stands behind the digest", lambda it: it.raw_value + b"\0"),
        Fault("the digest is cut off", lambda it: it.raw_value[:-1] or b"\x12"),
        Fault("a varint is not minimal", lambda it: b"\x92\x00\x00"),
        Fault("a varint has more than 9 bytes", lambda it: b"\xff" * 9 + b"\x01\x00"),
    ),
    **dict.fromkeys(("onion", "onion3"), (Fault("there is no port 0", lambda it: it.raw_value[:-2] + b"\0\0"),)),
    "garlic64": (Fault("a destination has at least 386 bytes", lambda it: it.raw_value[:385]),),
    "garlic32": (
        Fault("no address has 31 bytes", lambda it: it.raw_value[:31]),
        Fault("no address has 33 bytes", lambda it: it.raw_value[:32] + b"\0"),
        Fault("no address has 34 bytes", lambda it: it.raw_value[:32] + b"\0\0"),
    ),
}
"""The faults of a value's bytes, by the codec's name; other codecs take any bytes of the right number."""
