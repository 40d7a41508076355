"""Cost curves: the time of reading an input against its length, for long and for hostile inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import hostile
from libraries import BASELINE, OWN
from turns import rounds
from workers import Field

if TYPE_CHECKING:
    from plan import Plan

LIBRARIES = (*OWN, BASELINE)
"""What the curves are of."""

SHORTEST = 1 << 8
STEP = 4
"""Each length is so many times the one before."""

PATIENCE = 0.25
"""Seconds: what takes longer is not tried at a greater length."""


class Curve(NamedTuple):
    """What one library does with one kind of input."""

    lengths: tuple[int, ...]
    seconds: tuple[float, ...]
    refused: bool

    @property
    def growth(self) -> float:
        """How many times longer the last input takes than the one before: 4 is linear, 16 quadratic, 1 constant."""
        return self.seconds[-1] / self.seconds[-2]


def measure(field: Field, plan: Plan) -> dict[tuple[str, str], Curve]:
    """Return curves by library and kind of input."""
    curves = {}
    keys = tuple(key for key in field.keys if key in LIBRARIES)
    lengths = [SHORTEST]
    while lengths[-1] < plan.longest:
        lengths.append(lengths[-1] * STEP)
    kinds = list(hostile.CASES)
    with Field(keys, field.node).workers() as workers:
        for place in rounds("cost curves", len(kinds)):
            for key, worker in workers.items():
                answers = []
                for length in lengths:
                    answers.append(worker.ask("read_hostile", kind=kinds[place], size=length))
                    if answers[-1]["seconds"] > PATIENCE:
                        break
                curves[key, kinds[place]] = Curve(
                    tuple(lengths[: len(answers)]),
                    tuple(answer["seconds"] for answer in answers),
                    answers[-1]["refused"],
                )
    return curves
