"""A model of npm's @multiformats/multiaddr: what it makes of any text and any bytes, by rules of its own.

Its text is a string of UTF-16 units, and its bases are those of npm's `multiformats`; both are written down here.
"""

from __future__ import annotations

import re
import socket
from functools import partial
from urllib.parse import quote, unquote

from outcomes import Source, ours
from readings import Reading, Refused, framed, is_old_form, varint

from multiaddr_py import REGISTRY, Protocol

MISSING = {"ech", "plaintextv2", "x-parity-ws", "x-parity-wss"}
TEXT = {"ip6zone", "dns", "dns4", "dns6", "dnsaddr", "sni", "garlic64", "garlic32", "memory"}
PORTS = {"tcp", "udp", "dccp", "sctp"}
BLANKS = "\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
MOST_SAFE = 2**53 - 1


def read(source: Source) -> Reading:
    """Predict what the library makes of an input."""
    reading = Reading(source)
    try:
        if isinstance(source, str):
            _read_text(_joined(source), reading)
        else:
            _read_bytes(source, reading)
    except Refused:
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
        raise Refused
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
        raise Refused
    if protocol.name in MISSING:
        reading.note("missing-protocols")
        raise Refused
    return protocol


def _component_of_text(protocol: Protocol, text: str) -> tuple[bytes, str | None]:
    name = protocol.name
    if not text:
        raise Refused
    value = text
    if name == "unix":
        value = _decoded(text)
    elif name == "http-path":
        value = "/" + _decoded(text)
    elif name == "ip6":
        value = _host_of_url(text)
    elif name in PORTS and text != "NaN" and not (re.fullmatch("0|[1-9][0-9]{0,4}", text) and int(text) < 65536):
        raise Refused
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
        read = ours(f"/ip4/{value}")
        if read is None:
            raise Refused
        return read[0][1:]
    if name == "ipcidr":
        return _big_base(value, "0123456789")
    if name == "p2p":
        return _big_base(value, BASE58) if value[0] in "Q1" else _multihash_of_cid(value)
    if name == "certhash":
        return _multibase(value)
    if name in ("onion", "onion3"):
        return _onion(value, 16 if name == "onion" else 56)
    return _utf8(value)


def _onion(value: str, size: int) -> bytes:
    address, port = value.split(":")
    if len(_units(address)) != size:
        raise Refused
    number = re.match(f"[{BLANKS}]*([+-]?[0-9]+)", port)
    parsed = int(number[1]) if number else 0  # not a number is in every range, and is stored as 0
    if number and not 1 <= parsed <= 65536:
        raise Refused
    return _rfc4648(address, BASE32, 5, any_case=True) + (parsed % 65536).to_bytes(2)


def _spelled(name: str, value: str) -> str | None:
    try:
        if name == "unix":
            value = quote(value, safe="!*'()")
        elif name == "http-path":
            value = quote(_from_units(_units(value)[1:]), safe="!*'()")
    except UnicodeEncodeError:
        return None
    return f"/{name}/{value}"


def _host_of_url(text: str) -> str:
    """Return the address that a URL's host would be, of `http://[…]`: what a URL's parser strips is stripped."""
    authority = re.split(r"[?#\\]", "[" + re.sub("[\t\n\r]", "", text) + "]")[0].rpartition("@")[2]
    host = re.fullmatch(r"\[([0-9A-Fa-f:.]*)\](:[0-9]*)?", authority)
    if host is None or int(((host[2] or "")[1:] or "0")) > 65535:
        raise Refused
    if ours(f"/ip6/{host[1]}") is None:
        raise Refused
    return _in_hex(socket.inet_pton(socket.AF_INET6, host[1]))


def _in_hex(raw: bytes) -> str:
    """Write an address of IPv6 as a URL has it: compressed, and never dotted."""
    read = ours(REGISTRY["ip6"]._prefix + raw)
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
            raise Refused
        protocol = _protocol(known.name, reading)
        if protocol.name == "memory":
            reading.note("memory-as-text")
        if _is_prefixed(protocol):
            size = _varint(source, position, reading)
            if size > MOST_SAFE:
                raise Refused
            position += len(varint(size)) if size else 0  # the length 0 is read again, as a code, and refused
        else:
            size = (protocol.size or 0) // 8
        stop = position + size
        if stop > len(source):
            reading.note("truncated-value")
        component = source[start:stop], partial(_component_of_bytes, protocol, source[start:stop], source[position:stop])
        if len(reading.notes) == notes:
            reading.meet(protocol.name, *component)
        else:  # a component that is none of ours
            reading.append(*component[1]())
        start = stop


def _component_of_bytes(protocol: Protocol, whole: bytes, value: bytes) -> tuple[bytes, str | None]:
    return whole, f"/{protocol.name}" if protocol.codec is None else _spelled(protocol.name, _text_of_value(protocol, value))


def _varint(source: bytes, position: int, reading: Reading) -> int:
    number = 0
    for place, byte in enumerate(source[position : position + 8]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if len(varint(number)) <= place:
                reading.note("long-varint")
            return number
    raise Refused


def _text_of_value(protocol: Protocol, raw: bytes) -> str:
    name = protocol.name
    if name == "ip4":
        if len(raw) != 4:
            raise Refused
        return ".".join(map(str, raw))
    if name == "ip6":
        if len(raw) != 16:
            raise Refused
        return _in_hex(raw)
    if name in PORTS:
        if len(raw) != 2:
            raise Refused
        return str(int.from_bytes(raw))
    if name == "ipcidr":
        return str(raw[0]) if raw else ""
    if name == "p2p":
        return _write_big(raw, BASE58)
    if name == "certhash":
        return "u" + _write_rfc4648(raw, BASE64URL, 6)
    if name in ("onion", "onion3"):
        if len(raw) < 2:
            raise Refused
        return f"{_write_rfc4648(raw[:-2], BASE32, 5)}:{int.from_bytes(raw[-2:])}"
    return raw.decode("utf-8", "replace")


# Text as JavaScript has it.


def _units(text: str) -> list[str]:
    encoded = text.encode("utf-16-le", "surrogatepass")
    return [chr(int.from_bytes(encoded[at : at + 2], "little")) for at in range(0, len(encoded), 2)]


def _from_units(units: list[str]) -> str:
    return _joined("".join(units))


def _joined(text: str) -> str:
    """Join the surrogates that stand side by side."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _utf8(text: str) -> bytes:
    return re.sub("[\ud800-\udfff]", "\ufffd", text).encode()


def _decoded(text: str) -> str:
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise Refused
    return unquote(text, errors="strict")


# Its bases.

BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE58FLICKR = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
BASE64URL = _LETTERS + "-_"
POWERS: dict[str, tuple[str, int, bool]] = {
    "0": ("01", 1, False),
    "7": ("01234567", 3, False),
    "f": ("0123456789abcdef", 4, True),
    "F": ("0123456789abcdef", 4, True),
    "b": (BASE32, 5, True),
    "B": (BASE32, 5, True),
    "c": (BASE32 + "=", 5, True),
    "C": (BASE32 + "=", 5, True),
    "v": (BASE32HEX, 5, True),
    "V": (BASE32HEX, 5, True),
    "t": (BASE32HEX + "=", 5, True),
    "T": (BASE32HEX + "=", 5, True),
    "h": ("ybndrfg8ejkmcpqxot1uwisza345h769", 5, False),
    "m": (_LETTERS + "+/", 6, False),
    "M": (_LETTERS + "+/=", 6, False),
    "u": (BASE64URL, 6, False),
    "U": (BASE64URL + "=", 6, False),
}
OTHERS: dict[str, tuple[str, bool]] = {
    "9": ("0123456789", False),
    "k": (BASE36, True),
    "K": (BASE36, True),
    "z": (BASE58, False),
    "Z": (BASE58FLICKR, False),
}


def _multibase(text: str) -> bytes:
    prefix, rest = text[0], text[1:]
    if prefix in POWERS:
        alphabet, bits, any_case = POWERS[prefix]
        return _rfc4648(rest, alphabet, bits, any_case=any_case)
    if prefix in OTHERS:
        alphabet, any_case = OTHERS[prefix]
        return _big_base(rest, alphabet, any_case=any_case)
    if prefix == "\0":
        return _utf8(rest)
    raise Refused


def _rfc4648(text: str, alphabet: str, bits: int, *, any_case: bool) -> bytes:
    digits = {character: digit for digit, character in enumerate(alphabet)}
    if any_case:
        digits |= {character.upper(): digit for character, digit in digits.items()}
    text = text.rstrip("=")
    out, buffer, held = bytearray(), 0, 0
    for character in text:
        if character not in digits:
            raise Refused
        buffer = (buffer << bits | digits[character]) & 0xFFFFFFFF
        held += bits
        if held >= 8:
            held -= 8
            out.append(buffer >> held & 0xFF)
    if held >= bits or buffer << (8 - held) & 0xFF:
        raise Refused
    return bytes(out)


def _write_rfc4648(raw: bytes, alphabet: str, bits: int) -> str:
    whole = "".join(f"{byte:08b}" for byte in raw)
    whole += "0" * (-len(whole) % bits)
    return "".join(alphabet[int(whole[at : at + bits], 2)] for at in range(0, len(whole), bits))


def _big_base(text: str, alphabet: str, *, any_case: bool = False) -> bytes:
    """Read a base that is no power of two.

    A character beyond Latin-1 has no place in the peer's table, and is not refused:
    it sets the last byte to 0 and loses what was carried out of it.
    """
    digits = {character: digit for digit, character in enumerate(alphabet)}
    if any_case:
        digits |= {character.upper(): digit for character, digit in digits.items()}
    units = _units(text)
    zeros = 0
    while zeros < len(units) and units[zeros] == alphabet[0]:
        zeros += 1
    number: list[int] = []  # the lowest byte first
    for unit in units[zeros:]:
        if ord(unit) > 255:
            carry, rest = 0, 1
            number[:1] = [0]
        elif unit in digits:
            carry, rest = digits[unit], 0
        else:
            raise Refused
        for at in range(rest, len(number)):
            carry += len(alphabet) * number[at]
            number[at] = carry & 0xFF
            carry >>= 8
        while carry:
            number.append(carry & 0xFF)
            carry >>= 8
    return bytes(zeros) + bytes(reversed(number)).lstrip(b"\0")


def _write_big(raw: bytes, alphabet: str) -> str:
    number, text = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return alphabet[0] * (len(raw) - len(raw.lstrip(b"\0"))) + text


def _multihash_of_cid(text: str) -> bytes:
    if text[0] not in "zbk":
        raise Refused
    cid = _multibase(text)
    version, at = _cid_varint(cid, 0)
    if version != 1:
        raise Refused
    _, at = _cid_varint(cid, at)
    begin = at
    _, at = _cid_varint(cid, at)
    size, at = _cid_varint(cid, at)
    if at + size != len(cid):
        raise Refused
    return cid[begin:]


def _cid_varint(cid: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(cid[at : at + 9]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if place and not byte:
                raise Refused
            return number, at + place + 1
    raise Refused
