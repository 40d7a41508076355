"""Memory per object."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from turns import rounds
from workers import Field

if TYPE_CHECKING:
    from plan import Plan


class Memory(NamedTuple):
    """Bytes an object; None where a library does not read the addresses, or does not run under Python."""

    sizes: float | None
    """`sys.getsizeof` of an object of seven bytes and of these."""
    short: float | None
    """What was allocated for many of these."""
    crawled: float | None
    """What was allocated for addresses of the crawl."""


def short_address(number: int) -> str:
    """Return an address of seven bytes, which every library reads; it is another one for each number."""
    return f"/ip4/{10 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.1/quic"


def measure(field: Field, plan: Plan) -> dict[str, Memory]:
    """Return the memory of each library's objects."""
    texts = [[short_address(number) for number in range(plan.objects)], list(plan.crawl()[: plan.objects])]
    result = {}
    for place in rounds("memory", len(field.keys)):
        key = field.keys[place]
        answers = []
        for some in texts:
            with Field((key,), field.node).workers() as workers:  # a new process for each
                answers.append(workers[key].ask("memory", texts=some))
        short, crawled = answers
        result[key] = Memory(short["sizes"], short["allocated"], crawled["allocated"])
    return result
