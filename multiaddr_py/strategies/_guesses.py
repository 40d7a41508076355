"""Values of codecs that the library does not know: many texts and bytes are tried, and those count that are taken."""

from __future__ import annotations

from base64 import b32encode, urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multiaddr_py import Protocol

_WORDS: Final = """
0 1 7 42 80 255 443 1000 1234 4001 65535 123456 20260102 -1 +1 0.5 1.5 1e3 50% 1.2 1.2.3 v1.2.3 1.2.3.4 ::1
a A x z abc ABC Abc hello hello-world hello_world node1 red green blue true false on off yes no none default
example.com localhost a.example a@b.example user@example.com a:b a=b a,b a.b a-b a_b a+b a:1 key:value eth0
00:11:22:33:44:55 00-11-22-33-44-55 123e4567-e89b-12d3-a456-426614174000 #fff #ff8000 0x00 0x00ff en en-GB
2026-01-02 2026-01-02T03:04:05Z 03:04 03:04:05 10s 5m 1h 1kB 10MB main tcp udp GET QmFv Zm9v Zm9vYg==
"""
_TEXTS: Final = _WORDS.split()
_MOST: Final = 64


def _texts() -> Iterator[str]:
    yield from _TEXTS
    for length in range(1, _MOST + 1):
        raw = bytes(range(length))
        for character in "01aAfFzZ":
            yield character * length
        yield raw.hex()
        yield raw.hex().upper()
        yield "u" + urlsafe_b64encode(raw).decode().rstrip("=")
        yield urlsafe_b64encode(raw).decode()
        yield b32encode(raw).decode()
        yield b32encode(raw).decode().lower().rstrip("=")


def _raws() -> Iterator[bytes]:
    for byte in range(0x100):
        yield bytes([byte])
    for length in range(2, _MOST + 1):
        yield bytes(length)
        yield b"\x01" * length
        yield b"\xff" * length
        yield bytes(range(length))
        yield b"a" * length
    for text in _TEXTS:
        yield text.encode()


def read_text(protocol: Protocol, text: str) -> bytes:
    """Return the bytes of a text, none if it is no value."""
    assert protocol.codec is not None
    try:
        raw = bytes(protocol.codec.to_raw(text))
    except Exception:  # a codec that raises the wrong error is not the strategies' to judge: `check_protocol` tells
        return b""
    return raw if protocol.size in (None, 8 * len(raw)) else b""


def accepts(protocol: Protocol, raw: bytes) -> bool:
    """Say whether bytes are a value."""
    assert protocol.codec is not None
    if protocol.size not in (None, 8 * len(raw)):
        return False
    try:
        protocol.codec.check(raw)
    except Exception:  # as above
        return False
    return True


def guessed_values(protocol: Protocol) -> tuple[bytes, ...]:
    """Return values of a protocol's codec, those first that texts stand for; none if all that was tried is refused."""
    return (_found_once if _is_hashable(protocol) else _found)(protocol)


def _is_hashable(protocol: Protocol) -> bool:
    """Say whether a protocol has a hash: the functions of its codec may be objects that have none."""
    try:
        hash(protocol)
    except TypeError:
        return False
    return True


def _found(protocol: Protocol) -> tuple[bytes, ...]:
    found = [raw for text in _texts() if (raw := read_text(protocol, text))]
    return tuple(dict.fromkeys(found + [raw for raw in _raws() if accepts(protocol, raw)]))


_found_once = lru_cache(maxsize=64)(_found)
