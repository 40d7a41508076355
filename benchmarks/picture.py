"""The picture of the cost curves."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from workers import TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from curves import Curve

READ, REFUSED, GUIDE = "#1f6fb4", "#d1660f", "#777777"
SLOWEST = 3
"""So many inputs of a panel are named and numbered."""


def draw(curves: Mapping[tuple[str, str], Curve], path: Path) -> None:
    """Draw a row of two panels for each library: texts and bytes, each kind of input as a line."""
    pyplot: Any = importlib.import_module("matplotlib.pyplot")  # by name: it need not be there when types are checked
    pyplot.rcParams["svg.fonttype"] = "none"
    pyplot.rcParams["svg.hashsalt"] = ""  # the same figures give the same file
    keys = list(dict.fromkeys(key for key, _ in curves))
    figure, panels = pyplot.subplots(
        len(keys), 2, figsize=(12, 4.2 * len(keys)), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for row, key in zip(panels, keys, strict=True):
        for panel, form in zip(row, ("text", "bytes"), strict=True):
            front = f"{form}: "
            draw_panel(
                panel,
                {
                    kind.removeprefix(front): curve
                    for (owner, kind), curve in curves.items()
                    if owner == key and kind.startswith(front)
                },
            )
            panel.set_title(f"{TITLES[key]}: {form}", loc="left")
    for panel in panels[-1]:
        panel.set_xlabel("characters or bytes")
    for row in panels:
        row[0].set_ylabel("seconds")
    handles = [
        pyplot.Line2D([], [], color=READ, label="read"),
        pyplot.Line2D([], [], color=REFUSED, label="refused, and the error written"),
        pyplot.Line2D([], [], color=GUIDE, linestyle=":", label="linear: 10 ns and 1 µs a character"),
        pyplot.Line2D([], [], color=GUIDE, linestyle="--", label="quadratic"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def draw_panel(panel: Any, curves: Mapping[str, Curve]) -> None:
    """Draw the curves of some inputs; name those that are slowest where they end, and number their ends."""
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.minorticks_off()
    panel.grid(alpha=0.2)
    lengths = max((curve.lengths for curve in curves.values()), key=len)
    shortest, longest = lengths[0], lengths[-1]
    for slope in (1e-8, 1e-6):
        panel.plot([shortest, longest], [slope * shortest, slope * longest], color=GUIDE, linestyle=":", linewidth=0.8)
    quadratic = [1e-5 * (length / shortest) ** 2 for length in lengths if length <= 1 << 16]
    panel.plot(lengths[: len(quadratic)], quadratic, color=GUIDE, linestyle="--", linewidth=0.8)
    for curve in curves.values():
        colour = REFUSED if curve.refused else READ
        panel.plot(curve.lengths, curve.seconds, color=colour, linewidth=0.9, alpha=0.7)
    panel.set_xlim(right=2.5 * longest)  # room for the numbers
    slowest = sorted(curves, key=lambda kind: curves[kind].seconds[-1] / curves[kind].lengths[-1], reverse=True)
    names = "\n".join(["the slowest:", *(f"{number} {kind}" for number, kind in enumerate(slowest[:SLOWEST], 1))])
    for number, kind in enumerate(slowest[:SLOWEST], 1):
        end = curves[kind].lengths[-1], curves[kind].seconds[-1]
        # Side by side, since lines may end at the same place.
        panel.annotate(str(number), end, (6 * number - 3, 0), textcoords="offset points", fontsize=8, va="center")
    panel.text(0.02, 0.97, names, transform=panel.transAxes, fontsize=8, va="top")
