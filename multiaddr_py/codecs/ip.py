"""IP addresses.

Text is read and written here: what `ipaddress` writes for an IPv6 address depends on the version of Python,
and the C library has a form of its own for `::1.2.3.4`.
RFC 4291, section 2.2, and RFC 5952.
"""

from __future__ import annotations

from struct import unpack

from multiaddr_py.codecs._codec import Codec
from multiaddr_py.errors import hinted, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_OCTET_TEXTS = [str(number) for number in range(256)]
_OCTETS = {text: number for number, text in enumerate(_OCTET_TEXTS)}
_HEX = "0123456789abcdefABCDEF"
MAPPED = bytes(10) + b"\xff\xff"
_ZERO_RUNS = tuple(":" + "0:" * length for length in range(8, 1, -1))
"""From the longest to the shortest that is compressed, with the colons on both sides."""


def _quad(text: str) -> bytes:
    try:
        first, second, third, fourth = text.split(".")
        return bytes((_OCTETS[first], _OCTETS[second], _OCTETS[third], _OCTETS[fourth]))
    except (ValueError, KeyError):
        raise ValueError(_wrong_quad(text)) from None


def _wrong_quad(text: str) -> str:
    octets = text.split(".")
    if not all(octet.isascii() and octet.isdigit() for octet in octets):
        return "an IPv4 address is four decimal numbers with dots between"
    if len(octets) != 4:
        return "an IPv4 address has four octets"
    if any(octet != "0" and octet.startswith("0") for octet in octets):
        return "an octet has no leading zeros"
    return "an octet is over 255"


def _ip4_to_raw(text: str) -> bytes:
    try:
        return _quad(text)
    except ValueError as error:
        host, colon, port = text.partition(":")
        if colon and port.isdigit():
            error.add_note("a port is a component of its own, as in /ip4/127.0.0.1/tcp/80")
        elif colon:
            error.add_note("use ip6")
        elif _is_name(host):
            error.add_note("use dns4")
        raise


def _is_name(text: str) -> bool:
    """Say whether text looks like a host name, for a hint."""
    label = text[-64:].removesuffix(".").rpartition(".")[2]
    return text[:254].isascii() and label.replace("-", "").isalnum() and not label.isdigit()


def _ip4_to_text(raw: bytes) -> str:
    first, second, third, fourth = raw
    return f"{_OCTET_TEXTS[first]}.{_OCTET_TEXTS[second]}.{_OCTET_TEXTS[third]}.{_OCTET_TEXTS[fourth]}"


def _ip6_to_raw(text: str) -> bytes:
    if "%" in text:
        raise hinted("an IPv6 address has no zone", "use ip6zone in front, as in /ip6zone/eth0/ip6/fe80::1")
    if ":" not in text:
        error = ValueError("an IPv6 address has colons")
        if _is_name(text) and text.strip(_HEX):
            error.add_note("use dns6")
        elif text.count(".") == 3 and text.replace(".", "").isdigit():
            error.add_note("use ip4")
        raise error
    if text.startswith("["):
        port = "; a port is a component of its own, as in /ip6/::1/tcp/80" if "]:" in text else ""
        raise hinted("an IPv6 address has no brackets here", f"leave the brackets out{port}")
    if len(text) > 45:  # of eight groups, the last two as an IPv4 address
        raise ValueError("an IPv6 address has at most 45 characters")
    head, compressed, tail = text.partition("::")
    if "::" in tail or tail.startswith(":"):
        raise ValueError(":: stands once at most")
    front = _groups(head, may_end=not compressed)
    if not compressed:
        if len(front) != 16:
            raise ValueError("an IPv6 address has eight groups, or :: for some of them")
        return front
    back = _groups(tail, may_end=True)
    if len(front) + len(back) > 14:
        raise ValueError(":: stands for at least one group")
    return front + bytes(16 - len(front) - len(back)) + back


def _groups(text: str, *, may_end: bool) -> bytes:
    """Read groups with single colons between; the last of the address may be an IPv4 address."""
    if not text:
        return b""
    groups = text.split(":")
    raw = b""
    if may_end and "." in groups[-1]:
        raw = _quad(groups.pop())
    digits = "".join([group.zfill(4) for group in groups])
    if len(digits) != 4 * len(groups) or not all(groups) or digits.strip(_HEX):
        raise ValueError("a group is one to four hex digits")
    return bytes.fromhex(digits) + raw


def _ip6_to_text(raw: bytes) -> str:
    if raw.startswith(MAPPED):
        return "::ffff:" + _ip4_to_text(raw[12:])
    groups = ":%x:%x:%x:%x:%x:%x:%x:%x:" % unpack(">8H", raw)
    for run in _ZERO_RUNS:
        if run in groups:
            head, _, tail = groups.partition(run)
            return f"{head[1:]}::{tail[:-1]}"
    return groups[1:-1]


def _ip4_to_value(raw: bytes) -> IPv4Address:
    from ipaddress import IPv4Address  # late: many programs never ask for one

    return IPv4Address(raw)


def _ip4_from_value(value: object) -> bytes:
    from ipaddress import IPv4Address, IPv4Interface  # late, as above

    if not isinstance(value, IPv4Address) or isinstance(value, IPv4Interface):  # whose mask would be lost
        raise TypeError(f"its value is an IPv4Address, text or bytes, not {type(value).__name__}")
    return value.packed


def _ip6_to_value(raw: bytes) -> IPv6Address:
    from ipaddress import IPv6Address  # late, as above

    return IPv6Address(raw)


def _ip6_from_value(value: object) -> bytes:
    from ipaddress import IPv6Address, IPv6Interface  # late, as above

    if not isinstance(value, IPv6Address) or isinstance(value, IPv6Interface):
        raise TypeError(f"its value is an IPv6Address, text or bytes, not {type(value).__name__}")
    if value.scope_id is not None:
        raise hinted("an IPv6 address has no zone", f"use ip6zone for {quote(value.scope_id)}")
    return value.packed


IP4 = Codec("ip4", _ip4_to_raw, _ip4_to_text, size=32, to_value=_ip4_to_value, from_value=_ip4_from_value)
IP6 = Codec("ip6", _ip6_to_raw, _ip6_to_text, size=128, to_value=_ip6_to_value, from_value=_ip6_from_value)
