"""Measure this library beside others, on this machine, in one run; print tables, and draw the cost curves.

The libraries take turns at every few milliseconds, so that a machine that slows down slows them all.
"""

from __future__ import annotations

import argparse
import platform
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import curves
import memory
import picture
import programs
import turns
from cases import ADDRESSES, OPERATIONS
from figures import CRAWL, Figures, machine
from layout import section
from libraries import BASELINE, OWN
from plan import QUICK, Plan
from report import Report, curve_table, memory_table
from workers import TITLES, Field, install_for_node, missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PARTS = ("memory", "starts", "lines", "curves")
RESULTS = Path(__file__).parent / "results"
NAME = f"{platform.python_implementation()}-{'.'.join(platform.python_version_tuple()[:2])}".lower()


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="measure little, in less than a minute")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*OPERATIONS, *PARTS],
        metavar="PART",
        help=f"measure some of: {', '.join([*OPERATIONS, *PARTS])}",
    )
    parser.add_argument(
        "--library", nargs="+", choices=TITLES, metavar="LIBRARY", help=f"measure some of: {', '.join(TITLES)}"
    )
    parser.add_argument(
        "--node",
        type=Path,
        metavar="DIRECTORY",
        help="measure @multiformats/multiaddr, too; npm installs it into this directory if it is not there",
    )
    parser.add_argument(
        "--results", type=Path, metavar="DIRECTORY", help="where the tables and the picture are written"
    )
    parser.add_argument("--json", type=Path, metavar="DIRECTORY", help="write the times, a file of pyperf's a library")
    return parser.parse_args(arguments)


def heading(field: Field, absent: dict[str, str]) -> str:
    """Say when, where and what was measured."""
    found = machine()
    with field.workers() as workers:
        abouts = {key: worker.about for key, worker in workers.items()}
    processor = found.get("cpu_model_name", platform.processor())
    compiler = found.get("python_compiler", "")
    lines = [
        f"{found['date'][:10]}, {processor}, {found['cpu_count']} CPUs, {found['platform']}",
        f"{platform.python_implementation()} {platform.python_version()}, {compiler}; pyperf {found['perf_version']}",
        *(f"{TITLES[key]}: {', '.join(about['versions'])}" for key, about in abouts.items()),
        *(f"{TITLES[key]}: not measured, {reason}" for key, reason in absent.items()),
    ]
    return "\n".join(f"- {line}" for line in lines)


def sections(
    field: Field, plan: Plan, parts: Sequence[str], figures: Figures, picture_path: Path | None
) -> Iterator[str]:
    """Measure, and yield what is found section by section."""
    report = Report(figures, field.keys)
    operations = [part for part in parts if part in OPERATIONS]
    if operations:
        turns.time_addresses(figures, field, operations, plan)
        yield section("Twelve addresses", report.operations(ADDRESSES))
        turns.time_crawl(figures, field, operations, plan)
        yield section("The crawl", report.operations([CRAWL]))
        own = [key for key in OWN if key in field.keys]
        if own and BASELINE in field.keys:
            yield section("Address by address", *map(report.by_address, own))
    if "memory" in parts:
        yield section("Memory", memory_table(memory.measure(field, plan)))
    if "starts" in parts:
        programs.time_starts(figures, field, plan)
        yield section("Starts", report.starts())
    if "lines" in parts:
        programs.time_lines(figures, field, plan)
        yield section("The command", report.lines(), report.loop())
    if "curves" in parts:
        found = curves.measure(field, plan)
        drawn = ""
        if picture_path is not None and find_spec("matplotlib"):
            picture.draw(found, picture_path)
            drawn = f"![Time against length]({picture_path.name})"
        yield section("Cost curves", drawn, curve_table(found))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    chosen = options(arguments)
    parts = chosen.only or [*OPERATIONS, *PARTS]
    plan = QUICK if chosen.quick else Plan()
    if chosen.node:
        install_for_node(chosen.node)
    absent = {key: reason for key in chosen.library or TITLES if (reason := missing(key, chosen.node))}
    field = Field(tuple(key for key in TITLES if key in (chosen.library or TITLES) and key not in absent), chosen.node)
    whole = not (chosen.quick or chosen.only or chosen.library)
    results: Path | None = chosen.results or (RESULTS if whole else None)
    if results:
        results.mkdir(parents=True, exist_ok=True)
    figures = Figures()
    texts = [
        f"# {platform.python_implementation()} {'.'.join(platform.python_version_tuple()[:2])}",
        heading(field, absent),
    ]
    print("\n\n".join(texts))
    for text in sections(field, plan, parts, figures, results and results / f"{NAME}.svg"):
        print(f"\n{text}", flush=True)
        texts.append(text)
    if results:
        (results / f"{NAME}.md").write_text("\n\n".join(texts) + "\n", "utf-8")
    if chosen.json:
        figures.save(chosen.json)


if __name__ == "__main__":
    main()
