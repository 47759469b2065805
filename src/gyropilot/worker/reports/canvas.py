"""What pictures are drawn on: a sheet with two named axes, in the looks of reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from gyropilot.worker.reports.palette import LOOKS

WIDTH, HEIGHT = 4.6, 3.1
"""Inches of a picture, of which 72 dots each: two fit side by side on a page, one on a phone."""
LABEL_CHARACTERS = 24
TICKS, FEW_TICKS = 6, 3
"""Marks along an axis at most, and where they are too long to stand side by side."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What one side of a picture measures."""

    label: str
    """The quantity."""
    unit: str = ""
    """Its unit, where it has one."""
    is_log: bool = False
    """Whether equal steps are equal ratios."""
    limits: tuple[float, float] | None = None
    """Where it begins and ends; None: with the data."""

    def __str__(self) -> str:
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(kw_only=True)
class Canvas:
    """A figure with one set of axes to draw on, and then the picture it becomes."""

    axes: Axes
    """Matplotlib's axes."""
    figure: Figure
    """Matplotlib's figure."""

    def name_axes(self, x: Axis, y: Axis) -> None:
        """Label and scale both axes; an axis without a label keeps its marks."""
        for side, axis, drawn in (("x", x, self.axes.xaxis), ("y", y, self.axes.yaxis)):
            self.axes.set(**{f"{side}label": str(axis)})
            if axis.is_log:
                self.axes.set(**{f"{side}scale": "log"})
            if axis.label:
                drawn.set_major_locator(LogLocator(subs=(1, 2, 5)) if axis.is_log else MaxNLocator(TICKS))
                drawn.set_major_formatter(FuncFormatter(lambda number, _: write_tick(number)))
                drawn.set_minor_formatter(NullFormatter())
            if axis.limits:
                self.axes.set(**{f"{side}lim": axis.limits})


@contextmanager
def open_canvas(width: float = WIDTH, height: float = HEIGHT) -> Iterator[Canvas]:
    """Give a canvas of so many inches, in the looks of reports."""
    with rc_context(LOOKS):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield Canvas(axes=figure.add_subplot(), figure=figure)
        # The places of all parts are found once, not again for each format that is written.
        figure.draw_without_rendering()
        drawn = figure.axes[0].xaxis
        fewer = {MaxNLocator: MaxNLocator(FEW_TICKS), LogLocator: LogLocator()}.get(type(drawn.get_major_locator()))
        if fewer and _has_overlaps(drawn.get_ticklabels()):
            drawn.set_major_locator(fewer)
            figure.draw_without_rendering()
        figure.set_layout_engine("none")


def shorten(name: str, most: int = LABEL_CHARACTERS) -> str:
    """Return a label that is not too long, and that Matplotlib takes as it is written."""
    words = " ".join(name.split()) or "(empty)"
    cut = words if len(words) <= most else words[: most - 1] + "…"
    return cut.replace("$", r"\$")


def write_tick(number: float) -> str:
    """Return a number as it stands along an axis: long ones in thousands, millions or billions."""
    for unit, size, least in (("G", 1e9, 1e9), ("M", 1e6, 1e6), ("k", 1e3, 1e4)):
        if abs(number) >= least:
            return f"{number / size:.4g}{unit}".replace("-", "\N{MINUS SIGN}")
    return f"{number:.6g}".replace("-", "\N{MINUS SIGN}")


def _has_overlaps(labels: Sequence[Text]) -> bool:
    """Tell whether marks along an axis run into each other."""
    boxes = sorted((label.get_window_extent() for label in labels if label.get_text()), key=lambda box: box.x0)
    return any(left.x1 > right.x0 for left, right in pairwise(boxes))
