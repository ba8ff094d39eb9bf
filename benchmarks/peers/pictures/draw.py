"""Draws the pictures that standard input describes (JSON), each a row of panels with bars."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt

_OURS, _THEIRS = "#1f6f8b", "#b8b8b8"
_OURS_NAMES = {"auth-service", "least", "median"}
_INCHES_A_PANEL, _HEIGHT_INCHES, _DOTS_AN_INCH = 4.2, 2.6, 90


def main() -> None:
    """Draw all of them."""
    for picture in json.load(sys.stdin):
        draw(picture)


def draw(picture: Mapping[str, Any]) -> None:
    """Draw one, in rows of two panels."""
    panels = picture["panels"]
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    size = (_INCHES_A_PANEL * columns, _HEIGHT_INCHES * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    figure.suptitle(picture["title"])
    for axis, panel in zip(axes.flat, panels, strict=False):
        draw_panel(axis, panel)
    figure.savefig(picture["file"], dpi=_DOTS_AN_INCH, metadata={"Software": None})
    plt.close(figure)


def draw_panel(axis: Any, panel: Mapping[str, Any]) -> None:  # noqa: ANN401 - matplotlib is not typed here
    """Draw the bars with their values, this service in colour."""
    names, values = list(panel["bars"]), list(panel["bars"].values())
    colours = [_OURS if name in _OURS_NAMES else _THEIRS for name in names]
    bars = axis.barh(names, values, color=colours)
    labels = [f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in values]  # noqa: PLR2004
    axis.bar_label(bars, labels, padding=3, fontsize=8)
    if panel["logarithmic"]:
        axis.set_xscale("log")
        axis.set_xlim(left=min(1.0, *values))
        axis.xaxis.set_minor_formatter("")
    axis.margins(x=0.18)
    axis.invert_yaxis()
    axis.set_title(panel["title"], fontsize=9)
    axis.set_xlabel(panel["unit"], fontsize=8)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
