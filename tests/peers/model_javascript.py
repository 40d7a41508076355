"""A model of npm's @multiformats/multiaddr: what it makes of any text and any bytes, by rules of its own.

Its text is a string of UTF-16 units, and its bases are those of npm's `multiformats`: both are in `bases_javascript`.
"""

from __future__ import annotations

import re
import socket
from functools import partial
from urllib.parse import quote, unquote

from bases_javascript import (
    BASE32,
    BASE58,
    BASE64URL,
    from_units,
    multihash_of_cid,
    read_big,
    read_multibase,
    read_rfc4648,
    units,
    utf8,
    write_big,
    write_rfc4648,
)
from outcomes import Source, ours
from readings import Reading, RefusedError, framed, is_old_form, varint

from multiaddr_py import REGISTRY, Protocol

MISSING = {"ech", "plaintextv2", "x-parity-ws", "x-parity-wss"}
PORTS = {"tcp", "udp", "dccp", "sctp"}
# What `parseInt` skips, as the inside of a set of characters.
BLANKS = "\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
MOST_SAFE = 2**53 - 1


def read(source: Source) -> Reading:
    """Predict what the library makes of an input."""
    reading = Reading()
    try:
        if isinstance(source, str):
            _read_text(source, reading)
        else:
            _read_bytes(source, reading)
    except RefusedError:
        reading.refuse()
    return reading


def _read_text(text: str, reading: Reading) -> None:
    if is_old_form(text):
        reading.note("unix-old-form")
    once = re.sub("//+", "/", text, count=1)  # the first of them, and only that
    if once.rstrip("/") != text.rstrip("/"):
        reading.note("first-empty-name")
    once = once.rstrip("/")
    if not once:
        reading.note("empty-address")
        reading.append(b"", "/")
        return
    if not once.startswith("/"):
        raise RefusedError
    segments = iter(once[1:].split("/"))
    for name in segments:
        protocol = _protocol(name, reading)
        if protocol.codec is None:
            reading.meet(name, f"/{name}", partial(_component_of_bytes, protocol, framed(protocol, b""), b""))
        else:
            value = next(segments, "")
            reading.meet(name, f"/{name}/{value}", partial(_component_of_text, protocol, value))


def _protocol(name: str, reading: Reading) -> Protocol:
    """Find a protocol of the peer's table; note one that only ours has."""
    protocol = REGISTRY.get(name)
    if protocol is None:
        raise RefusedError
    if protocol.name in MISSING:
        reading.note("missing-protocols")
        raise RefusedError
    return protocol


def _component_of_text(protocol: Protocol, text: str) -> tuple[bytes, str | None]:
    name = protocol.name
    if not text:
        raise RefusedError
    value = text
    if name == "unix":
        value = _decoded(text)
    elif name == "http-path":
        value = "/" + _decoded(text)
    elif name == "ip6":
        value = _host_of_url(text)
    elif name in PORTS and text != "NaN" and not (re.fullmatch("0|[1-9][0-9]{0,4}", text) and int(text) < 65536):
        raise RefusedError
    raw = _value_to_bytes(protocol, value)
    length = varint(len(raw)) if _is_prefixed(protocol) else b""
    return varint(protocol.code) + length + raw, _spelled(name, value)


def _is_prefixed(protocol: Protocol) -> bool:
    return protocol.size is None or protocol.name == "memory"


def _value_to_bytes(protocol: Protocol, value: str) -> bytes:
    name = protocol.name
    if name in PORTS:
        return bytes(2) if value == "NaN" else int(value).to_bytes(2)
    if name == "ip6":
        return socket.inet_pton(socket.AF_INET6, value)
    if name == "ip4":
        read = ours(f"/ip4/{value}")  # both want a dotted quad
        if read is None:
            raise RefusedError
        return read[0][1:]
    if name == "ipcidr":
        return read_big(value, "0123456789")
    if name == "p2p":
        return read_big(value, BASE58) if value[0] in "Q1" else multihash_of_cid(value)
    if name == "certhash":
        return read_multibase(value)
    if name in ("onion", "onion3"):
        return _onion(value, 16 if name == "onion" else 56)
    return utf8(value)


def _onion(value: str, size: int) -> bytes:
    address, port = value.split(":")
    if len(units(address)) != size:
        raise RefusedError
    number = re.match(f"[{BLANKS}]*([+-]?[0-9]+)", port)
    parsed = int(number[1]) if number else 0  # not a number is in every range, and is stored as 0
    if number and not 1 <= parsed <= 65536:
        raise RefusedError
    return read_rfc4648(address, BASE32, 5, any_case=True) + (parsed % 65536).to_bytes(2)


def _spelled(name: str, value: str) -> str | None:
    try:
        if name == "unix":
            value = quote(value, safe="!*'()")
        elif name == "http-path":
            value = quote(from_units(units(value)[1:]), safe="!*'()")
    except UnicodeEncodeError:
        return None
    return f"/{name}/{value}"


def _host_of_url(text: str) -> str:
    """Return the address that a URL's host would be, of `http://[…]`: what a URL's parser strips is stripped."""
    authority = re.split(r"[?#\\]", "[" + re.sub("[\t\n\r]", "", text) + "]")[0].rpartition("@")[2]
    host = re.fullmatch(r"\[([0-9A-Fa-f:.]*)\](:[0-9]*)?", authority)
    if host is None or int((host[2] or "")[1:] or "0") > 65535:
        raise RefusedError
    if ours(f"/ip6/{host[1]}") is None:
        raise RefusedError
    return _in_hex(socket.inet_pton(socket.AF_INET6, host[1]))


def _in_hex(raw: bytes) -> str:
    """Write an address of IPv6 as a URL has it: compressed, and never dotted."""
    read = ours(framed(REGISTRY["ip6"], raw))
    assert read is not None
    assert read[1] is not None
    value = read[1].removeprefix("/ip6/")
    dotted = re.fullmatch(r"::ffff:(\d+)\.(\d+)\.(\d+)\.(\d+)", value)
    if dotted is None:
        return value
    octets = [int(octet) for octet in dotted.groups()]
    return f"::ffff:{octets[0] << 8 | octets[1]:x}:{octets[2] << 8 | octets[3]:x}"


def _read_bytes(source: bytes, reading: Reading) -> None:
    start = 0
    if not source:
        reading.note("empty-address")
        reading.append(b"", "/")
    while start < len(source):
        notes = len(reading.notes)
        code = _varint(source, start, reading)
        position = start + len(varint(code))
        known = REGISTRY.get(code)
        if known is None:
            raise RefusedError
        protocol = _protocol(known.name, reading)
        if protocol.name == "memory":
            reading.note("memory-as-text")
        if _is_prefixed(protocol):
            size = _varint(source, position, reading)
            if size > MOST_SAFE:
                raise RefusedError
            position += len(varint(size)) if size else 0  # the length 0 is read again, as a code, and refused
        else:
            size = (protocol.size or 0) // 8
        stop = position + size
        if stop > len(source):
            reading.note("truncated-value")
        whole = source[start:stop]
        component = partial(_component_of_bytes, protocol, whole, source[position:stop])
        if len(reading.notes) == notes:
            reading.meet(protocol.name, whole, component)
        else:  # what begins here is no component of ours
            reading.append(*component())
        start = stop


def _component_of_bytes(protocol: Protocol, whole: bytes, value: bytes) -> tuple[bytes, str | None]:
    if protocol.codec is None:
        return whole, f"/{protocol.name}"
    return whole, _spelled(protocol.name, _text_of_value(protocol, value))


def _varint(source: bytes, position: int, reading: Reading) -> int:
    number = 0
    for place, byte in enumerate(source[position : position + 8]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if len(varint(number)) <= place:
                reading.note("long-varint")
            return number
    raise RefusedError


def _text_of_value(protocol: Protocol, raw: bytes) -> str:
    name = protocol.name
    if name == "ip4":
        if len(raw) != 4:
            raise RefusedError
        return ".".join(map(str, raw))
    if name == "ip6":
        if len(raw) != 16:
            raise RefusedError
        return _in_hex(raw)
    if name in PORTS:
        if len(raw) != 2:
            raise RefusedError
        return str(int.from_bytes(raw))
    if name == "ipcidr":
        return str(raw[0]) if raw else ""
    if name == "p2p":
        return write_big(raw, BASE58)
    if name == "certhash":
        return "u" + write_rfc4648(raw, BASE64URL, 6)
    if name in ("onion", "onion3"):
        if len(raw) < 2:
            raise RefusedError
        return f"{write_rfc4648(raw[:-2], BASE32, 5)}:{int.from_bytes(raw[-2:])}"
    return raw.decode("utf-8", "replace")


def _decoded(text: str) -> str:
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise RefusedError
    return unquote(text, errors="strict")
