"""The head of the results: what was measured, when, where, and how much of it."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import crawl
from cases import OPERATIONS
from figures import machine
from turns import WHOLE
from workers import TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plan import Plan

PYTHON = f"{platform.python_implementation()} {'.'.join(platform.python_version_tuple()[:2])}"


def scope(*, quick: bool, only: Sequence[str] | None, libraries: Sequence[str] | None) -> str:
    """Say whether all is measured, little of it, or a part."""
    run = "a quick run, whose figures are rough" if quick else "a whole run"
    if not only and not libraries:
        return run
    names = [TITLES[key] for key in libraries or ()]
    part = " of ".join(", ".join(some) for some in (only, names) if some)
    return f"a part: {part}" + (f"; {run}" if quick else "")


def amounts(plan: Plan) -> list[str]:
    """Say how often things are measured, and what the crawl consists of."""
    read = " and ".join(OPERATIONS[operation] for operation in WHOLE)
    often = (
        f"rounds: {plan.rounds} over the addresses, of {1000 * plan.seconds:.0f} ms an operation and address, "
        f"in each process; processes: {plan.processes}; rounds over the crawl: {plan.crawl_rounds}; "
        f"starts: {plan.starts}; of the command over {plan.lines:,} lines: {plan.line_rounds}"
    )
    sizes = f"{plan.crawl_size:,} addresses for {read}, {plan.crawl_sample:,} of them for other operations"
    return [often, f"the crawl: {sizes}; seed {crawl.SEED}", f"of every hundred of the crawl: {crawl.mix()}"]


def head(measured: str, plan: Plan, abouts: Mapping[str, dict[str, Any]], absent: Mapping[str, str]) -> str:
    """Return the title and the list under it."""
    found = machine()
    processor = found.get("cpu_model_name", platform.processor())
    compiler = found.get("python_compiler", "")
    lines = [
        measured,
        f"{found['date'][:10]}, {processor}, {found['cpu_count']} CPUs, {found['platform']}",
        f"{platform.python_implementation()} {platform.python_version()}, {compiler}; pyperf {found['perf_version']}",
        *(f"{TITLES[key]}: {', '.join(about['versions'])}" for key, about in abouts.items()),
        *(f"{TITLES[key]}: not measured, {reason}" for key, reason in absent.items()),
        *amounts(plan),
    ]
    return "\n".join([f"# Benchmarks: {PYTHON}", "", *(f"- {line}" for line in lines)])
