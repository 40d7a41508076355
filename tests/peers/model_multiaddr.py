"""A model of PyPI's `multiaddr`.

Where that asks a library for the rule (`idna` for names, `py-cid` for peer IDs), so does the model.
"""

from __future__ import annotations

import base64
import re
import socket
from functools import partial
from importlib import import_module
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote

from outcomes import Source, ours
from readings import Reading, RefusedError, framed, varint

from multiaddr_py import REGISTRY, Protocol

MISSING = {"ipfs", "p2p-stardust", "ech", "plaintextv2", "x-parity-ws", "x-parity-wss"}
NAMES = {protocol.name for protocol in REGISTRY} - MISSING
NUMBERS = {"tcp": 2, "udp": 2, "dccp": 2, "sctp": 2, "ipcidr": 1, "memory": 8}
HOSTS = {"dns", "dns4", "dns6", "dnsaddr", "sni"}


def read(source: Source) -> Reading:
    """Predict what the library makes of an input."""
    reading = Reading()
    if isinstance(source, bytes):
        _read_bytes(source, reading)
        return reading
    try:
        _read_text(source, reading)
    except RefusedError:
        reading.refuse()
    return reading


def _read_text(text: str, reading: Reading) -> None:
    if not text.startswith("/") and text:
        reading.note("no-first-slash")
    if text.startswith("//"):
        reading.note("empty-names")
    parts = text.strip("/").split("/")
    if not any(parts):
        reading.note("empty-address")
        reading.append(b"", "")
        return
    at = 0
    while at < len(parts):
        name, at = parts[at], at + 1
        if not name:
            reading.note("empty-names")
            continue
        if name == "unix":
            if at == len(parts) or not parts[at]:
                reading.note("unix")
                raise RefusedError
            rest = "/".join(filter(None, parts[at:]))
            source = "/unix/" + "/".join(parts[at:])
            reading.meet("unix", source, partial(_component_of_text, REGISTRY["unix"], rest))
            return
        name, equals, value = name.partition("=")
        if name not in NAMES:
            if name in REGISTRY:
                reading.note("missing-protocols")
            raise RefusedError
        if equals:
            reading.note("equals-sign")
        protocol = REGISTRY[name]
        if protocol.codec is None:
            following = next(filter(None, parts[at:]), None)
            if equals or (following is not None and following not in NAMES):
                if following in MISSING:
                    reading.note("missing-protocols")
                raise RefusedError
            reading.meet(name, f"/{name}", partial(_flag, protocol))
            continue
        if not equals:
            if at == len(parts):
                raise RefusedError
            value, at = parts[at], at + 1
        if value in NAMES:
            reading.note("names-as-values")
            raise RefusedError
        reading.meet(name, f"/{name}/{value}", partial(_component_of_text, protocol, value))


def _flag(protocol: Protocol) -> tuple[bytes, str]:
    return framed(protocol, b""), f"/{protocol.name}"


def _component_of_text(protocol: Protocol, value: str) -> tuple[bytes, str | None]:
    raw = _value_to_bytes(protocol.name, value)
    return framed(protocol, raw), _component_to_text(protocol.name, raw)


def _value_to_bytes(name: str, value: str) -> bytes:
    if name in NUMBERS:
        return int(value).to_bytes(NUMBERS[name])
    if name in ("ip4", "ip6"):
        return _ours_to_bytes(name, value)
    if name in HOSTS:
        _check_host(value)
        return value.encode()
    if name == "ip6zone":
        if not value.strip():
            raise RefusedError
        return value.strip().encode()
    if name == "unix":
        return unquote(_inner(value)).encode()
    if name == "http-path":
        if not value or re.search("%(?![0-9A-Fa-f]{2})", value):
            raise RefusedError
        return unquote(value).encode()
    if name == "p2p":
        return _peer_id(value)
    if name == "certhash":
        return _certhash(value)
    if name == "garlic64":
        raw = base64.b64decode(value, altchars=b"-~")
        if len(raw) < 386:
            raise RefusedError
        return raw
    if name == "garlic32":
        raw = base64.b32decode(value.upper() + "=" * (-len(value.upper()) % 8))
        if len(raw) < 35 and len(raw) != 32:
            raise RefusedError
        return raw
    return _onion(value, 16 if name == "onion" else 56)


def _ours_to_bytes(name: str, value: str) -> bytes:
    read = ours(f"/{name}/{value}")
    if read is None:
        raise RefusedError
    return read[0][len(varint(REGISTRY[name].code)) :]


def _inner(path: str) -> str:
    inner = path.replace("\\", "/").strip("/")
    if not inner:
        raise RefusedError
    return inner


def _check_host(value: str) -> None:
    idna: Any = import_module("idna")
    if not value:
        raise RefusedError
    idna.encode(value, uts46=True)


def _peer_id(value: str) -> bytes:
    if not value:
        raise RefusedError
    base58: Any = import_module("base58")
    try:
        raw: bytes = base58.b58decode(value)
    except ValueError:
        raw = b""
    if _is_short_multihash(raw):
        return raw
    cid: Any = import_module("cid")
    parsed: bytes = cid.make_cid(value).buffer
    return parsed


def _is_short_multihash(raw: bytes) -> bool:
    return len(raw) >= 2 and len(raw) == raw[1] + 2 and raw[0] in (0x12, 0)


def _certhash(value: str) -> bytes:
    if not value.startswith("u"):
        raise RefusedError
    multibase: Any = import_module("multibase")
    raw: bytes = multibase.decode(value)
    _check_multihash(raw)
    return raw


def _check_multihash(raw: bytes) -> None:
    multihash: Any = import_module("multihash")
    multihash.decode(raw)


def _onion(value: str, size: int) -> bytes:
    address, port = value.split(":", 1)
    address = address.removesuffix(".onion")
    if len(address) != size or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise RefusedError
    raw = base64.b32decode(address.upper())
    if len(raw) * 8 != size * 5:
        raise RefusedError
    return raw + int(port).to_bytes(2)


def _component_to_text(name: str, raw: bytes) -> str | None:
    """Write a component; None where that fails."""
    try:
        text = _value_to_text(name, raw)
    except (RefusedError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return f"/{name}{text}" if name == "unix" else f"/{name}/{text}"


def _value_to_text(name: str, raw: bytes) -> str:
    if name in NUMBERS:
        if len(raw) != NUMBERS[name]:
            raise RefusedError
        return str(int.from_bytes(raw))
    if name == "ip4":
        return socket.inet_ntop(socket.AF_INET, raw.rjust(4, b"\0"))
    if name == "ip6":
        return socket.inet_ntop(socket.AF_INET6, raw.rjust(16, b"\0"))
    if not raw:
        raise RefusedError
    if name in HOSTS:
        _check_host(raw.decode())
        return raw.decode()
    if name == "ip6zone":
        if not raw.decode().strip():
            raise RefusedError
        return raw.decode().strip()
    if name == "unix":
        return "/" + quote(_inner(raw.decode()))
    if name == "http-path":
        return quote(raw.decode(), safe="")
    if name == "p2p":
        return _peer_id_to_text(raw)
    if name == "certhash":
        _check_multihash(raw)
        return "u" + base64.urlsafe_b64encode(raw).decode().rstrip("=")
    if name == "garlic64":
        if len(raw) < 386:
            raise RefusedError
        return base64.b64encode(raw, altchars=b"-~").decode()
    if name == "garlic32":
        if len(raw) < 35 and len(raw) != 32:
            raise RefusedError
        return base64.b32encode(raw).decode().lower().rstrip("=")
    if len(raw) != (12 if name == "onion" else 37) or raw.endswith(b"\0\0"):
        raise RefusedError
    return f"{base64.b32encode(raw[:-2]).decode().lower()}:{int.from_bytes(raw[-2:])}"


def _peer_id_to_text(raw: bytes) -> str:
    base58: Any = import_module("base58")
    if not _is_short_multihash(raw):
        cid: Any = import_module("cid")
        parsed = cid.from_bytes(raw)
        if parsed.codec != "libp2p-key":
            raise RefusedError
        if not _is_short_multihash(parsed.multihash):
            text: str = parsed.encode("base32").decode()
            return text
        raw = parsed.multihash
    written: str = base58.b58encode(raw).decode()
    return written


def _read_bytes(source: bytes, reading: Reading) -> None:
    """Follow the bytes, which the constructor does not look at, as `str()` does."""
    if not source:
        reading.note("empty-address")
    elif ours(source) is None:
        reading.note("bytes-unchecked")
    stream = BytesIO(source)
    reading.append(b"", "")
    while stream.tell() < len(source):
        start = stream.tell()
        code = _varint(stream)
        protocol = None if code is None else REGISTRY.get(code)
        if protocol is None or protocol.name in MISSING:
            if protocol is not None:
                reading.note("missing-protocols")
            reading.append(source[start:], None)
            return
        size: int | None = 0 if protocol.codec is None else protocol.size and protocol.size // 8
        if size is None:
            size = _varint(stream)
        if size is None or size >= 2**63:
            reading.append(source[start:], None)
            return
        raw = stream.read(size)
        text = f"/{protocol.name}" if protocol.codec is None else _component_to_text(protocol.name, raw)
        component = source[start : stream.tell()]
        if ours(source) is None:
            reading.append(component, text)
        else:
            reading.meet(protocol.name, component, lambda component=component, text=text: (component, text))  # type: ignore[misc]


def _varint(stream: BytesIO) -> int | None:
    number = place = 0
    while byte := stream.read(1):
        number |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            return number
        place += 1
    return None
