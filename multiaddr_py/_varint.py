"""Unsigned varints: minimal, at most nine bytes.

`varint` writes them. Reading is done here: the library takes non-minimal and endless ones,
and where one ends must be known anyway.
https://github.com/multiformats/unsigned-varint
"""

from __future__ import annotations

import varint

MOST_BYTES = 9
MOST = (1 << 7 * MOST_BYTES) - 1
"""The greatest number that nine bytes hold."""

_SHORT: list[bytes] = [varint.encode(number) for number in range(0x80)]


def write_varint(number: int) -> bytes:
    """Write a number from 0 to `MOST`."""
    if 0 <= number < 0x80:  # nearly always
        return _SHORT[number]
    if not 0 <= number <= MOST:  # the library would not return from a negative one
        raise ValueError(f"a varint of {MOST_BYTES} bytes holds 0 to {MOST}")
    encoded: bytes = varint.encode(number)
    return encoded


def read_varint(raw: bytes, start: int) -> tuple[int, int]:
    """Read the varint that begins at `start`; return it and where it ends."""
    if start < len(raw) and raw[start] < 0x80:  # nearly always
        return raw[start], start + 1
    number = bits = 0
    for byte in raw[start : start + MOST_BYTES]:
        number |= (byte & 0x7F) << bits
        bits += 7
        if byte < 0x80:
            if byte == 0 and bits > 7:
                raise ValueError("a varint is not minimal")
            return number, start + bits // 7
    if len(raw) - start < MOST_BYTES:
        raise ValueError("a varint is cut off")
    raise ValueError(f"a varint has more than {MOST_BYTES} bytes")
