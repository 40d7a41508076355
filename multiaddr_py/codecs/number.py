"""Numbers: decimal in text, big-endian in bytes. ASCII digits only; leading zeros are read and go away."""

from __future__ import annotations

from multiaddr_py._arguments import is_integer
from multiaddr_py.codecs._codec import Codec


def read_decimal(text: str, most: int) -> int:
    """Read a decimal number from 0 to `most`."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a number is written in the digits 0 to 9")
    digits = text.lstrip("0")
    # `int` would take quadratic time on a long number, or refuse it with a reason of its own; 64 bits have 20 digits.
    if len(digits) > 20 or (number := int(digits or "0")) > most:
        raise ValueError(f"the number is over {most}")
    return number


def _integer(value: object, size: int) -> bytes:
    if not is_integer(value):
        raise TypeError(f"its value is an int, text or bytes, not {type(value).__name__}")
    if not 0 <= value < 1 << size:
        raise ValueError(f"the number is not in 0 to {(1 << size) - 1}")
    return value.to_bytes(size // 8)


def _uint8_to_raw(text: str) -> bytes:
    return read_decimal(text, 0xFF).to_bytes(1)


def _uint16_to_raw(text: str) -> bytes:
    return read_decimal(text, 0xFFFF).to_bytes(2)


def _uint64_to_raw(text: str) -> bytes:
    return read_decimal(text, 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8)


def _to_text(raw: bytes) -> str:
    return str(int.from_bytes(raw))


def _uint8_from_value(value: object) -> bytes:
    return _integer(value, 8)


def _uint16_from_value(value: object) -> bytes:
    return _integer(value, 16)


def _uint64_from_value(value: object) -> bytes:
    return _integer(value, 64)


UINT8 = Codec("uint8", _uint8_to_raw, _to_text, size=8, to_value=int.from_bytes, from_value=_uint8_from_value)
UINT16 = Codec("uint16", _uint16_to_raw, _to_text, size=16, to_value=int.from_bytes, from_value=_uint16_from_value)
UINT64 = Codec("uint64", _uint64_to_raw, _to_text, size=64, to_value=int.from_bytes, from_value=_uint64_from_value)
