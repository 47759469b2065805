"""Renders a report as one page that needs nothing else: no script, no font, no address outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gyropilot.worker.reports.document import Picture, Report, Section, find_numbers, sort_findings, write_cell
from gyropilot.worker.reports.palette import name_colours, write_variables

TEMPLATES = Path(__file__).parent / "templates"


def render_html(report: Report) -> str:
    """Return the page; it follows the screen's choice of light or dark and can be read on a phone and on paper."""
    return fill_page(report, _Inline())


def fill_page(report: Report, place: Callable[[Picture], Markup]) -> str:
    """Return the page of a report, with its pictures as `place` gives them."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    template = environment.get_template("page.html.jinja")
    page: str = template.render(
        report=report,
        contents=[(name_section(section, number), section) for number, section in enumerate(report.sections, 1)],
        css=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        light=write_variables(is_dark=False),
        dark=write_variables(is_dark=True),
        kind_of=lambda block: type(block).__name__,
        find_numbers=find_numbers,
        sort_findings=sort_findings,
        write_cell=write_cell,
        place=place,
    )
    return page


def name_section(section: Section, number: int) -> str:
    """Return the name by which a section of a page is linked to."""
    return f"{number}-{re.sub('[^a-z0-9]+', '-', section.title.lower()).strip('-')}"


class _Inline:
    """Puts the drawings of one page into it: their ids must not meet."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, picture: Picture) -> Markup:
        self._count += 1
        svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>p{self._count}-", picture.as_svg())
        words = f'role="img" aria-label="{escape(picture.alternative)}"'
        # The height follows the width; what is drawn was written by us, names in it are escaped by Matplotlib.
        head = re.sub(
            r'(<svg[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"', rf'\1 {words} style="max-width:\2pt"', svg, count=1
        )
        return Markup(name_colours(head))  # noqa: S704
