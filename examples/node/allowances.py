"""How often whoever may do something, of bounded size."""

from __future__ import annotations

from typing import Final

MOST_SOURCES: Final = 4096


class Allowances:
    """How often each of many may do something: so many times a second, and `burst` times at once."""

    def __init__(self, a_second: float, burst: float) -> None:
        self._a_second = a_second
        self._burst = burst
        self._left: dict[bytes, tuple[float, float]] = {}  # and when; the last was here last

    def take(self, who: bytes, now: float) -> bool:
        """Say whether somebody may do it once more, and count that."""
        left, since = self._left.pop(who, (self._burst, now))
        left = min(left + (now - since) * self._a_second, self._burst)
        allowed = left >= 1
        self._left[who] = (left - allowed, now)
        if len(self._left) > MOST_SOURCES:  # who was here longest ago has most likely all of its allowance again
            del self._left[next(iter(self._left))]
        return allowed
