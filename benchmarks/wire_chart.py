"""The table as a picture: one panel a row, each peer a bar, the bar that we are held to a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt  # after the choice of what draws

__all__ = ["draw"]

_OURS, _OTHERS, _BAR = "#1f6f8b", "#c3c9cc", "#b3261e"


def draw(lines: list[Any], path: Path) -> None:
    """Ratios, on a logarithmic scale, of every row that has a reference."""
    shown = [line for line in lines if line.row.reference is not None]
    columns = 3
    rows = -(-len(shown) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(14, 1.9 * rows), layout="constrained")
    for panel in panels.flat[len(shown) :]:
        panel.axis("off")
    for panel, line in zip(panels.flat, shown, strict=False):
        _panel(panel, line)
    figure.suptitle("modelhub and its peers on one loopback server; × the reference, less is better except for calls/s")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)


def _panel(panel: Any, line: Any) -> None:
    names = list(line.ratios)[::-1]
    values = [line.ratios[name] for name in names]
    drawn = panel.barh(names, values, color=[_OURS if name == "modelhub" else _OTHERS for name in names])
    panel.bar_label(drawn, [f"{value:.2g}" for value in values], padding=3, fontsize=8)
    panel.set_xscale("log")
    panel.margins(x=0.25)
    if line.row.bar is not None:
        panel.axvline(line.row.bar, color=_BAR, linewidth=1)
    held = "" if line.row.bar is None else f", {'≥' if line.row.at_least else '≤'} {line.row.bar:g}"
    panel.set_title(f"{line.row.title} (× {line.row.reference}{held})", fontsize=9, loc="left")
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
