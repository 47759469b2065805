"""Draws numbers: histograms, bars, lines, points, heat maps, boxes and spans of time, all with the same looks.

Each function returns a `Picture`, which needs a title, named axes with units, and an alternative in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from gyropilot.worker.reports.canvas import HEIGHT, WIDTH, Axis, open_canvas, shorten
from gyropilot.worker.reports.document import Picture
from gyropilot.worker.reports.palette import GRID, INK, LEVELS, MUTED, OPPOSITES, PAPER, SERIES

ROW_HEIGHT = 0.27
"""Inches of a bar with its label."""
FEW_POINTS = 50
"""So few points are drawn large."""
MOST_POINTS = 1_500
"""So many points at most are drawn of one scatter; they are thinned by taking every so-manieth."""
MOST_IN_LEGEND = 4
"""A legend of more groups stands beside the points: it would cover them."""
BESIDE: Mapping[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
"""Where it stands then."""
MARKERS = "oDs^"
"""What points look like when all colours are taken once, twice, three times."""
SEQUENTIAL, DIVERGING = ListedColormap(LEVELS), ListedColormap(OPPOSITES)

Numbers = NDArray[np.float64]


ROWS = Axis(label="rows")


def draw_histogram(
    title: str,
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    x: Axis,
    y: Axis = ROWS,
    marks: Mapping[str, float] | None = None,
    alternative: str,
) -> Picture:
    """Draw how many rows lie between each two edges.

    Args:
        title: what is shown.
        edges: (bins + 1,) where bins begin and end.
        counts: (bins,) how many rows are in each.
        x: what is counted.
        y: how it is counted.
        marks: places to mark, such as the median.
        alternative: the same in words.
    """
    with open_canvas() as canvas:
        canvas.axes.stairs(counts, edges, fill=True, color=SERIES[0], edgecolor=PAPER, linewidth=0.6)
        canvas.axes.grid(visible=False, axis="x")
        for name, place in (marks or {}).items():
            canvas.axes.axvline(place, color=INK, linewidth=1, linestyle=(0, (4, 3)))
            canvas.axes.annotate(
                f" {name}", (place, 1), xycoords=("data", "axes fraction"), va="top", fontsize=8.5, color=INK
            )
        canvas.name_axes(x, y)
        return Picture(title=title, alternative=alternative, figure=canvas.figure)


def draw_bars(
    title: str,
    labels: Sequence[str],
    values: Sequence[float],
    *,
    x: Axis,
    texts: Sequence[str] = (),
    errors: Sequence[float] | None = None,
    colours: Sequence[str] | None = None,
    alternative: str,
) -> Picture:
    """Draw one horizontal bar for each label, the first one on top.

    Args:
        title: what is shown.
        labels: what each bar stands for.
        values: how long each is.
        x: what is measured.
        texts: what is written at the end of each.
        errors: half the width of each bar's uncertainty.
        colours: a colour of the palette for each bar; None: all are alike.
        alternative: the same in words.
    """
    places = np.arange(len(labels))
    with open_canvas(height=0.75 + ROW_HEIGHT * max(3, len(labels))) as canvas:
        canvas.axes.barh(places, values, height=0.72, color=list(colours or [SERIES[0]]))
        if errors is not None:
            canvas.axes.errorbar(values, places, xerr=errors, fmt="none", ecolor=INK, elinewidth=1, capsize=2)
        ends = np.asarray(values) + np.sign(values) * np.asarray(errors if errors is not None else 0)
        for place, value, end, text in zip(places, values, ends, texts, strict=False):
            canvas.axes.annotate(
                text,
                (end, place),
                xytext=(4 if value >= 0 else -4, 0),
                textcoords="offset points",
                va="center",
                ha="left" if value >= 0 else "right",
                fontsize=8.5,
                color=MUTED,
            )
        if texts:
            canvas.axes.margins(x=0.16)
        _list_rows(canvas.axes, labels)
        canvas.axes.grid(visible=False, axis="y")
        canvas.name_axes(x, Axis(label=""))
        return Picture(title=title, alternative=alternative, figure=canvas.figure)


def draw_lines(
    title: str,
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x: Axis,
    y: Axis,
    reference: tuple[Sequence[float], Sequence[float]] | None = None,
    has_steps: bool = False,
    alternative: str,
) -> Picture:
    """Draw lines through points.

    Args:
        title: what is shown.
        lines: name → (x, y); a single line has no legend.
        x: what x measures.
        y: what y measures.
        reference: (x, y) of a dashed line to compare with, such as chance.
        has_steps: whether y stays the same until the next point.
        alternative: the same in words.
    """
    with open_canvas() as canvas:
        if reference:
            canvas.axes.plot(*reference, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        for number, (name, (xs, ys)) in enumerate(lines.items()):
            style = "steps-post" if has_steps else "default"
            colour = SERIES[number % len(SERIES)]
            canvas.axes.plot(xs, ys, color=colour, linewidth=1.7, drawstyle=style, label=_name_in_legend(name))
        if len(lines) > 1:
            canvas.axes.legend()
        canvas.name_axes(x, y)
        return Picture(title=title, alternative=alternative, figure=canvas.figure)


def draw_points(
    title: str,
    groups: Mapping[str, tuple[Sequence[float] | Numbers, Sequence[float] | Numbers]],
    *,
    x: Axis,
    y: Axis,
    reference: tuple[Sequence[float], Sequence[float]] | None = None,
    texts: Sequence[tuple[float, float, str]] = (),
    alternative: str,
) -> Picture:
    """Draw points, at most `MOST_POINTS` of each group.

    Args:
        title: what is shown.
        groups: name → (x, y); a single group has no legend, an empty one only takes up a colour.
        x: what x measures.
        y: what y measures.
        reference: (x, y) of a dashed line to compare with.
        texts: (x, y, words) to write next to points.
        alternative: the same in words.
    """
    total = sum(len(xs) for xs, _ in groups.values())
    size = 36 if total <= FEW_POINTS else 16 if total <= 5 * FEW_POINTS else 7
    is_wide = len(groups) > MOST_IN_LEGEND
    with open_canvas(width=2 * WIDTH if is_wide else WIDTH) as canvas:
        for number, (name, (xs, ys)) in enumerate(groups.items()):
            if not len(xs):
                continue
            step = -(-len(xs) // MOST_POINTS)
            canvas.axes.scatter(
                xs[::step],
                ys[::step],
                s=size,
                color=SERIES[number % len(SERIES)],
                marker=MARKERS[number // len(SERIES) % len(MARKERS)],
                alpha=0.75,
                linewidths=0,
                label=_name_in_legend(name),
            )
        if reference:
            canvas.axes.plot(*reference, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        for at_x, at_y, text in texts:
            canvas.axes.annotate(text, (at_x, at_y), xytext=(5, 4), textcoords="offset points", fontsize=8.5, color=INK)
        if len(groups) > 1:
            canvas.axes.legend(markerscale=1.6 if size < 36 else 1.0, **(BESIDE if is_wide else {}))
        canvas.name_axes(x, y)
        return Picture(title=title, alternative=alternative, figure=canvas.figure, is_wide=is_wide)


def draw_heat_map(
    title: str,
    values: Numbers,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    limits: tuple[float, float],
    is_diverging: bool = False,
    texts: Sequence[Sequence[str]] | None = None,
    x: str = "",
    y: str = "",
    scale: str,
    alternative: str,
) -> Picture:
    """Draw a matrix as coloured cells, the first row on top.

    Args:
        title: what is shown.
        values: (rows, columns) numbers; NaN stays empty.
        rows: names of the rows.
        columns: names of the columns.
        limits: what the ends of the colour scale mean; a diverging one has its middle between them.
        is_diverging: whether the colours go two ways from the middle.
        texts: what is written into each cell.
        x: what the columns are.
        y: what the rows are.
        scale: what the colours measure, with its unit.
        alternative: the same in words.
    """
    cells = max(len(rows), len(columns))
    width = max(WIDTH, 2.2 + 0.34 * len(columns))
    with open_canvas(width=width, height=max(HEIGHT, 1.6 + ROW_HEIGHT * len(rows))) as canvas:
        colours = DIVERGING if is_diverging else SEQUENTIAL
        drawn = canvas.axes.pcolormesh(
            np.ma.masked_invalid(values), cmap=colours, vmin=limits[0], vmax=limits[1], edgecolors=PAPER, linewidth=1
        )
        canvas.axes.invert_yaxis()
        canvas.axes.grid(visible=False)
        for spine in canvas.axes.spines.values():
            spine.set_visible(False)
        canvas.axes.set_yticks(np.arange(len(rows)) + 0.5, [shorten(name) for name in rows])
        canvas.axes.set_xticks(np.arange(len(columns)) + 0.5, [shorten(name) for name in columns])
        if cells > 3 or max(map(len, columns), default=0) > 8:
            canvas.axes.tick_params(axis="x", rotation=90)
        for (row, column), number in np.ndenumerate(values):
            if texts is not None and number == number:
                is_strong = abs((number - limits[0]) / (limits[1] - limits[0]) - (0.5 if is_diverging else 0.0))
                colour = PAPER if is_strong > (0.3 if is_diverging else 0.55) else INK
                canvas.axes.text(
                    column + 0.5, row + 0.5, texts[row][column], ha="center", va="center", fontsize=8, color=colour
                )
        bar = canvas.figure.colorbar(drawn, ax=canvas.axes, shrink=0.8, aspect=24, pad=0.02)
        bar.outline.set_visible(False)
        bar.set_label(scale, color=MUTED)
        canvas.axes.set_xlabel(x)
        canvas.axes.set_ylabel(y)
        return Picture(title=title, alternative=alternative, figure=canvas.figure, is_wide=width > WIDTH)


def draw_boxes(
    title: str,
    boxes: Mapping[str, Sequence[float]],
    *,
    x: Axis,
    alternative: str,
) -> Picture:
    """Draw for each label the range of its numbers.

    Args:
        title: what is shown.
        boxes: name → five numbers: low end, lower quartile, median, upper quartile, high end.
        x: what is measured.
        alternative: the same in words.
    """
    figures = [
        {"whislo": low, "q1": lower, "med": median, "q3": upper, "whishi": high, "fliers": []}
        for low, lower, median, upper, high in boxes.values()
    ]
    with open_canvas(height=0.75 + ROW_HEIGHT * 1.2 * max(3, len(boxes))) as canvas:
        canvas.axes.bxp(
            figures,
            positions=list(range(len(boxes))),
            orientation="horizontal",
            widths=0.6,
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": SERIES[0], "alpha": 0.55, "linewidth": 0},
            medianprops={"color": INK, "linewidth": 1.4},
            whiskerprops={"color": MUTED, "linewidth": 1},
            capprops={"color": MUTED, "linewidth": 1},
        )
        _list_rows(canvas.axes, list(boxes))
        canvas.axes.grid(visible=False, axis="y")
        canvas.name_axes(x, Axis(label=""))
        return Picture(title=title, alternative=alternative, figure=canvas.figure)


def draw_spans(title: str, spans: Sequence[tuple[str, float, float, str]], *, x: Axis, alternative: str) -> Picture:
    """Draw when each thing began and ended.

    Args:
        title: what is shown.
        spans: (name, begin, end, group) each, the first one on top; groups take colours in their order.
        x: what time is measured from, and in what.
        alternative: the same in words.
    """
    groups = list(dict.fromkeys(group for *_, group in spans))
    with open_canvas(width=2 * WIDTH, height=0.9 + 0.23 * max(4, len(spans))) as canvas:
        for number, group in enumerate(groups):
            chosen = [(place, span) for place, span in enumerate(spans) if span[3] == group]
            canvas.axes.barh(
                [place for place, _ in chosen],
                [end - begin for _, (_, begin, end, _) in chosen],
                left=[begin for _, (_, begin, _, _) in chosen],
                height=0.7,
                color=SERIES[number % len(SERIES)],
                label=_name_in_legend(group),
            )
        _list_rows(canvas.axes, [name for name, *_ in spans])
        canvas.axes.grid(visible=False, axis="y")
        canvas.axes.legend(**BESIDE)
        canvas.axes.set_xlim(left=0)
        canvas.name_axes(x, Axis(label=""))
        return Picture(title=title, alternative=alternative, figure=canvas.figure, is_wide=True)


def _name_in_legend(name: str) -> str:
    """Return a label that a legend shows even if it begins with an underscore."""
    return f"\N{ZERO WIDTH SPACE}{shorten(name)}"


def _list_rows(axes: Any, labels: Sequence[str]) -> None:
    axes.set_yticks(np.arange(len(labels)), [shorten(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.spines["left"].set_color(GRID)
