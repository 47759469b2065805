"""What a report consists of, whatever it is rendered to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from gyropilot.worker.reports.palette import LOOKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = str | int | float | None
"""What a cell of a table holds; None: nothing is known."""

DOTS_PER_INCH = 160
"""Of pictures in notebooks: twice what a screen shows."""


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Plain text."""

    text: str
    """What it says."""


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """A list of short texts."""

    items: Sequence[str]
    """One text each."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells. Columns that hold only numbers are set flush right."""

    header: Sequence[str]
    """The columns' titles, with units."""
    rows: Sequence[Sequence[Cell]]
    """As many cells each as there are columns."""
    caption: str = ""
    """What the table shows."""
    shares: Sequence[str] = ()
    """Titles of columns whose numbers are shares of 1: they are written in percent, with a bar."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Something the reader should know, and what to do about it."""

    severity: str
    """`high`, `medium` or `low`."""
    message: str
    """What was found."""
    remedy: str = ""
    """What to do about it."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found, worst first."""

    items: Sequence[Advice]
    """In any order."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawing and what it says."""

    title: str
    """What it shows."""
    alternative: str
    """What a person learns from it who cannot see it, in words and numbers."""
    figure: Figure
    """The drawing; its colours are those of `palette`."""
    is_wide: bool = False
    """Whether it takes the width of the page rather than of a column."""

    def as_svg(self, *, has_flat_points: bool = False) -> str:
        """Return the drawing as SVG, in the colours of light paper, without prologue and metadata.

        Args:
            has_flat_points: whether clouds of points are one image rather than a shape each, which takes a program that
                prints them so long.
        """
        from matplotlib import rc_context
        from matplotlib.collections import PathCollection

        for part in self.figure.axes:
            for drawn in part.collections:
                drawn.set_rasterized(has_flat_points and isinstance(drawn, PathCollection))
        file = BytesIO()
        with rc_context(LOOKS):
            self.figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True, dpi=DOTS_PER_INCH)
        text = file.getvalue().decode("utf-8")
        return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)

    def as_png(self) -> bytes:
        """Return the drawing as PNG on white."""
        from matplotlib import rc_context

        file = BytesIO()
        with rc_context(LOOKS):
            self.figure.savefig(file, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
        return file.getvalue()


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Drawings side by side, as many in a row as there is room for."""

    items: Sequence[Picture]
    """In the order of reading."""


Block = Paragraph | Bullets | Table | Findings | Pictures


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a report with a heading."""

    title: str
    """The heading."""
    blocks: Sequence[Block]
    """In the order of reading."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A document with a table of contents."""

    title: str
    """What it is about."""
    lead: str
    """What the reader gets from it, in a sentence or two."""
    sections: Sequence[Section]
    """In the order of reading."""
    facts: Mapping[str, Cell] = field(default_factory=dict)
    """What stands under the title: names, times, sizes."""


def write_cell(cell: Cell, *, is_share: bool = False) -> str:
    """Return a cell as people read it: four significant digits, thousands apart, a dash for what is not known."""
    if cell is None or cell != cell:  # only NaN differs from itself
        return "\N{EN DASH}"
    if isinstance(cell, str):
        return cell
    if is_share:
        return f"{cell:.1%}" if abs(cell) >= 0.001 or cell == 0 else "< 0.1%"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int) or (float(cell).is_integer() and abs(cell) < 1e15):
        return f"{int(cell):,}"
    return f"{cell:,.4g}" if 1e-4 <= abs(cell) < 1e4 else f"{cell:,.1f}" if 1e4 <= abs(cell) < 1e9 else f"{cell:.3g}"


def find_numbers(table: Table) -> list[bool]:
    """Tell for each column of a table whether it holds only numbers."""
    columns = [[row[index] for row in table.rows] for index in range(len(table.header))]
    return [
        any(cell is not None for cell in cells) and not any(isinstance(cell, str) for cell in cells)
        for cells in columns
    ]


def sort_findings(findings: Findings) -> list[Advice]:
    """Return findings, worst first."""
    order = {"high": 0, "medium": 1, "low": 2}
    return sorted(findings.items, key=lambda item: order[item.severity])
