"""The 64 digits of a long number in base 32 or 58, all at once.

They stand in one number, in fields of so many bits a digit. A step parts every field into two of half the digits,
all fields in one operation on the long number: six steps part 64 digits, where a loop would take 64 divisions.
"""

from __future__ import annotations

_DIGITS = 64
_HALVES = (32, 16, 8, 4, 2, 1)


def _parting32(digits: int) -> tuple[int, int, int]:
    lower = (1 << 5 * digits) - 1
    mask = int.from_bytes(lower.to_bytes(2 * digits) * (_DIGITS // 2 // digits))
    return 5 * digits, mask, (1 << 8 * digits) - (1 << 5 * digits)


def _parting58(digits: int) -> tuple[int, int, int, int]:
    divisor = 58**digits
    # Multiplying by the next number over 2**bits / divisor divides what is below divisor**2, which a field holds:
    # the result is too great by less than 1 / divisor. Fields of 16 bits a digit have room for these products.
    bits = (divisor**3).bit_length()
    lower = (1 << 8 * digits) - 1
    mask = int.from_bytes(lower.to_bytes(4 * digits) * (_DIGITS // 2 // digits))
    return (1 << bits) // divisor + 1, bits, mask, (1 << 16 * digits) - divisor


_PARTINGS32 = [_parting32(digits) for digits in _HALVES]
"""For each step: by how many bits the upper half of a field is shifted, a mask of it then,
and what moves it from where it counts to where its own field begins."""

_PARTINGS58 = [_parting58(digits) for digits in _HALVES]
"""The same, and in front what the fields are multiplied by."""


def digits32(number: int) -> bytes:
    """Return 64 digits of base 32, each as a byte."""
    for bits, mask, move in _PARTINGS32:
        number += (number >> bits & mask) * move
    return number.to_bytes(_DIGITS)


def digits58(number: int) -> bytes:
    """Return 64 digits of base 58, each as a byte."""
    for factor, bits, mask, move in _PARTINGS58:
        number += (number * factor >> bits & mask) * move
    return number.to_bytes(2 * _DIGITS)[1::2]
