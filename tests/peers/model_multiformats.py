"""A model of PyPI's `multiformats`, its module `multiaddr`: few protocols, and text that stays as it was written."""

from __future__ import annotations

import ipaddress
from functools import partial

from outcomes import Source, ours
from readings import Reading, RefusedError, framed, varint

from multiaddr_py import REGISTRY, Protocol

KNOWN = {
    *("ip4", "ip6", "tcp", "udp", "udt", "utp", "tls", "noise", "quic", "http", "https", "ws", "wss"),
    *("p2p-websocket-star", "p2p-stardust", "p2p-webrtc-star", "p2p-webrtc-direct", "p2p-circuit"),
}


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
    first, slash, rest = text.partition("/")
    if first:
        reading.note("first-segment")
    if not slash:
        reading.note("empty-address")
        reading.append(b"", "")
        return
    if text.endswith("/"):
        reading.note("trailing-slash")
    segments = iter(rest.split("/"))
    for name in segments:
        protocol = _protocol(name, reading)
        if protocol.codec is None:
            reading.meet(name, f"/{name}", partial(_flag, protocol))
        else:
            value = next(segments, None)
            if value is None:
                raise RefusedError
            reading.meet(name, f"/{name}/{value}", partial(_component_of_text, protocol, value))


def _protocol(name: str, reading: Reading) -> Protocol:
    if name in (meeting.protocol for meeting in reading.meetings):
        reading.note("repeated-protocols")
        raise RefusedError
    if name not in KNOWN:
        if name in REGISTRY:
            reading.note("missing-protocols")
        raise RefusedError
    return REGISTRY[name]


def _flag(protocol: Protocol) -> tuple[bytes, str]:
    return framed(protocol, b""), f"/{protocol.name}"


def _component_of_text(protocol: Protocol, value: str) -> tuple[bytes, str]:
    if protocol.name in ("tcp", "udp"):
        raw = _port(value)
    elif protocol.name == "ip6":
        raw = ipaddress.IPv6Address(value).packed
    else:
        raw = ipaddress.IPv4Address(value).packed
    return framed(protocol, raw), f"/{protocol.name}/{value}"


def _port(value: str) -> bytes:
    if not value.isdigit() or not int(value) < 65536:
        raise RefusedError
    return int(value).to_bytes(2)


def _read_bytes(source: bytes, reading: Reading) -> None:
    if not source:
        reading.note("empty-address")
        reading.append(b"", "")
    start = 0
    while start < len(source):
        # Framing is checked as here, so what is not read here from the next code on is not read there.
        protocol = next((it for it in REGISTRY if source.startswith(varint(it.code), start)), None)
        if protocol is None:
            raise RefusedError
        _protocol(protocol.name, reading)
        value = start + len(varint(protocol.code))
        stop = value + (protocol.size or 0) // 8
        if stop > len(source):
            raise RefusedError
        reading.meet(protocol.name, source[start:stop], partial(_component_of_bytes, protocol, source[value:stop]))
        start = stop


def _component_of_bytes(protocol: Protocol, raw: bytes) -> tuple[bytes, str]:
    if protocol.codec is None:
        return _flag(protocol)
    if protocol.name == "ip6":
        text = str(ipaddress.IPv6Address(raw))
    else:
        read = ours(framed(protocol, raw))
        assert read is not None
        text = str(read[1]).rpartition("/")[2]
    return framed(protocol, raw), f"/{protocol.name}/{text}"
