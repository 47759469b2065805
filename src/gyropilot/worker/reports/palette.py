"""The colours of reports, each by its role, on light and on dark ground.

Pictures are drawn in the light colours, none of which has two roles; a page puts a CSS variable in the place of each,
so that one drawing fits both.
"""

from __future__ import annotations

import re
from typing import Any

INK, MUTED, GRID, PAPER = "#1c2430", "#5c6675", "#e3e7ec", "#ffffff"
SERIES = ("#2f6fb5", "#d9822b", "#2e8b6f", "#c2453c", "#7b5ea7", "#8a7a2f", "#c2609a", "#6f7a88")
"""Colours of things side by side, told apart with every kind of colour vision."""
LEVELS = ("#edf3fa", "#d0e1f2", "#a9cae8", "#7aadd9", "#4e8dc6", "#2a6cab", "#0d4b86")
"""From little to much."""
OPPOSITES = (
    "#a5342c", "#c4625a", "#da918a", "#ebbfba", "#f5e1df", "#f2f3f5", "#dfe9f4", "#b8d2ea", "#88b3db", "#578fc6",
    "#2d69a6",
)  # fmt: skip
"""From far below to far above, with the middle nearly unseen."""

_DARK = {
    INK: "#e6eaf0",
    MUTED: "#a2adbb",
    GRID: "#2d3642",
    PAPER: "#12161c",
    **dict(
        zip(
            SERIES,
            ("#6aa9e9", "#f0a35c", "#5cc3a1", "#ee7f77", "#b297db", "#c9b75a", "#e896c4", "#a3adba"),
            strict=True,
        )
    ),
    **dict(zip(LEVELS, ("#1b2632", "#21364b", "#294d70", "#346796", "#4a86bd", "#74a9da", "#b0d3f5"), strict=True)),
    **dict(
        zip(
            OPPOSITES,
            ("#f19a92", "#d3736b", "#ab534c", "#7d3d39", "#4b2b2b", "#20262e", "#233446", "#2b4c6c", "#376b9b",
             "#4f8fca", "#86bdf0"),
            strict=True,
        )
    ),
}  # fmt: skip
_NAMES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    PAPER: "paper",
    **{colour: f"series-{number}" for number, colour in enumerate(SERIES)},
    **{colour: f"level-{number}" for number, colour in enumerate(LEVELS)},
    **{colour: f"opposite-{number}" for number, colour in enumerate(OPPOSITES)},
}
LOOKS: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": f"cycler('color', {list(SERIES)})",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "patch.linewidth": 0,
    "svg.fonttype": "none",
    "svg.hashsalt": "gyropilot",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.color": MUTED,
    "ytick.labelsize": 9,
    "ytick.major.size": 0,
}
"""Settings of Matplotlib under which pictures are drawn and written. Texts of an SVG stay texts."""


def name_colours(svg: str) -> str:
    """Return an SVG with the variables of a page in the place of its colours."""
    return re.sub("#[0-9a-f]{6}", lambda found: _name(found[0]), svg)


def write_variables(*, is_dark: bool) -> str:
    """Return the CSS variables of all colours."""
    return " ".join(f"--{name}: {_DARK[colour] if is_dark else colour};" for colour, name in _NAMES.items())


def _name(colour: str) -> str:
    return f"var(--{_NAMES[colour]})" if colour in _NAMES else colour
