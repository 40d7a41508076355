"""I2P's addresses: a destination in I2P's base 64, or its hash or an encrypted one in base 32."""

from __future__ import annotations

from multiaddr_py._multibase import read_base32, read_base64, without_padding, write_base32, write_base64
from multiaddr_py.codecs._codec import Codec

_LAST = "-~"  # of I2P's base 64, for + and /


def _garlic64_to_raw(text: str) -> bytes:
    raw = read_base64(without_padding(text, 4) if text.endswith("=") else text, _LAST)
    _check_garlic64(raw)
    return raw


def _garlic64_to_text(raw: bytes) -> str:
    return write_base64(raw, _LAST)


def _check_garlic64(raw: bytes) -> None:
    if len(raw) < 386:
        raise ValueError(f"an I2P destination has at least 386 bytes, not {len(raw)}")


def _garlic32_to_raw(text: str) -> bytes:
    raw = read_base32(text)
    _check_garlic32(raw)
    return raw


def _check_garlic32(raw: bytes) -> None:
    if len(raw) < 35 and len(raw) != 32:
        raise ValueError(f"an I2P address in base 32 has 32 bytes, or at least 35, not {len(raw)}")


GARLIC64 = Codec("garlic64", _garlic64_to_raw, _garlic64_to_text, _check_garlic64, to_value=bytes)
GARLIC32 = Codec("garlic32", _garlic32_to_raw, write_base32, _check_garlic32, to_value=bytes)
