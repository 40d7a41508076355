"""How much is measured: in a whole run, and in a quick one."""

from __future__ import annotations

from typing import NamedTuple

import crawl


class Plan(NamedTuple):
    """Numbers of everything; the defaults are those of a whole run."""

    processes: int = 3
    """A process's hashes and memory may be lucky; so there are several."""
    rounds: int = 12
    seconds: float = 0.002
    """Of one operation on one address in one round."""
    crawl_size: int = crawl.COUNT
    crawl_sample: int = crawl.COUNT // 10
    crawl_rounds: int = 5
    objects: int = 100_000
    starts: int = 31
    lines: int = crawl.COUNT // 2
    line_rounds: int = 5
    longest: int = 1 << 20
    """Of hostile inputs, in characters or bytes."""

    def crawl(self) -> tuple[str, ...]:
        """Return the addresses of the crawl."""
        return crawl.addresses(self.crawl_size)


QUICK = Plan(
    processes=1,
    rounds=3,
    seconds=0.001,
    crawl_size=2000,
    crawl_sample=1000,
    crawl_rounds=3,
    objects=10_000,
    starts=5,
    lines=2000,
    line_rounds=3,
    longest=1 << 14,
)
