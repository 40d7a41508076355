"""Percent-encoded bytes: HTTP paths and socket paths.

Only RFC 3986's unreserved characters are written as they are, so that every implementation reads the same;
any character is read, `+` as a plus.
"""

from __future__ import annotations

from multiaddr_py.codecs._codec import Codec
from multiaddr_py.codecs.name import encode_utf8

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_ENCODED = [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]
_DIGITS = "0123456789abcdefABCDEF"
_DECODED = {(first + second).encode(): bytes.fromhex(first + second) for first in _DIGITS for second in _DIGITS}


def _to_raw(text: str) -> bytes:
    raw = encode_utf8(text)
    if b"%" not in raw:
        return raw
    escapes = iter(raw.split(b"%"))
    head = next(escapes)
    try:
        return head + b"".join([_DECODED[escape[:2]] + escape[2:] for escape in escapes])
    except KeyError:
        raise ValueError("a % is followed by two hex digits") from None


def _to_text(raw: bytes) -> str:
    return "".join([_ENCODED[byte] for byte in raw])


PERCENT = Codec("percent", _to_raw, _to_text, to_value=bytes)
PATH = Codec("path", _to_raw, _to_text, to_value=bytes, takes_rest=True)
