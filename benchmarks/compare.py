"""Measure this library beside others, on this machine, in one run; print tables, and draw the cost curves.

The libraries take turns at every few milliseconds, so that a machine that slows down slows them all.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import curves
import memory
import picture
import programs
import turns
from cases import ADDRESSES, OPERATIONS
from figures import CRAWL, Figures
from head import PYTHON, head, scope
from layout import section
from libraries import LIBRARIES, OWN
from plan import QUICK, Plan
from report import Report, curve_table, memory_table
from workers import TITLES, Field, install_for_node, missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PARTS = ("memory", "starts", "lines", "curves")
RESULTS = Path(__file__).parent / "results"
NAME = PYTHON.replace(" ", "-").lower()


def command_line() -> argparse.ArgumentParser:
    """Return what reads the command line."""
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
    return parser


def measurable(key: str, about: dict[str, Any]) -> set[str]:
    """Return what can be measured of a library."""
    owners = {"memory": {*TITLES}, "starts": {*LIBRARIES}, "lines": {*OWN}, "curves": {*curves.LIBRARIES}}
    return {*about["operations"], *(part for part in PARTS if key in owners[part])}


def sections(
    field: Field, plan: Plan, parts: Sequence[str], figures: Figures, picture_path: Path | None
) -> Iterator[str]:
    """Measure, and yield what is found section by section."""
    report = Report(figures, field.keys)
    operations = [part for part in parts if part in OPERATIONS]
    if operations:
        turns.time_addresses(figures, field, operations, plan)
        turns.time_crawl(figures, field, operations, plan)
        yield section("Summary", report.summary())
        yield section("Twelve addresses", report.operations(ADDRESSES))
        yield section("The crawl", report.operations([CRAWL]))
        yield section("Endpoints", report.endpoints())
        yield section("Address by address", *(report.by_address(key) for key in OWN if key in field.keys))
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
    parser = command_line()
    chosen = parser.parse_args(arguments)
    plan = QUICK if chosen.quick else Plan()
    if chosen.node:
        install_for_node(chosen.node)
    wanted = [key for key in TITLES if key in (chosen.library or TITLES)]
    absent = {key: reason for key in wanted if (reason := missing(key, chosen.node))}
    field = Field(tuple(key for key in wanted if key not in absent), chosen.node)
    if not field.keys:
        parser.error(f"there is nothing to measure: {'; '.join(f'{TITLES[key]}: {absent[key]}' for key in absent)}")
    abouts = field.abouts()
    possible = set[str]().union(*(measurable(key, about) for key, about in abouts.items()))
    parts = [part for part in (*OPERATIONS, *PARTS) if part in (chosen.only or possible) and part in possible]
    if not parts:
        names = ", ".join(TITLES[key] for key in field.keys)
        parser.error(f"there is nothing to measure: {', '.join(chosen.only)} cannot be measured of {names}")
    whole = not (chosen.quick or chosen.only or chosen.library)
    results: Path | None = chosen.results or (RESULTS if whole else None)
    if results:
        results.mkdir(parents=True, exist_ok=True)
    figures = Figures()
    measured = scope(quick=chosen.quick, only=chosen.only and parts, libraries=chosen.library and field.keys)
    texts = [head(measured, plan, abouts, absent)]
    print(texts[0])
    for text in filter(None, sections(field, plan, parts, figures, results and results / f"{NAME}.svg")):
        print(f"\n{text}", flush=True)
        texts.append(text)
    if results:
        (results / f"{NAME}.md").write_text("\n\n".join(texts) + "\n", "utf-8")
    if chosen.json:
        figures.save(chosen.json)


if __name__ == "__main__":
    main()
