from __future__ import annotations

import itertools
import re
import sys
from html.parser import HTMLParser

import nbformat
import numpy as np
import pytest

from gyropilot.worker.reports import palette
from gyropilot.worker.reports.canvas import Axis
from gyropilot.worker.reports.charts import (
    draw_bars,
    draw_boxes,
    draw_heat_map,
    draw_histogram,
    draw_lines,
    draw_points,
    draw_spans,
)
from gyropilot.worker.reports.document import (
    Advice,
    Bullets,
    Findings,
    Paragraph,
    Pictures,
    Report,
    Section,
    Table,
    write_cell,
)
from gyropilot.worker.reports.render_html import render_html
from gyropilot.worker.reports.render_notebook import render_notebook
from gyropilot.worker.reports.render_pdf import UnavailableError, render_pdf

HOSTILE = '<script>alert("x")</script> & $a$ _b_ | `c`'
NUMBERS = np.random.default_rng(0).normal(size=200)
X = Axis(label="price", unit="USD")
Y = Axis(label="share")


@pytest.fixture(scope="module")
def report() -> Report:
    square = np.asarray(np.corrcoef(NUMBERS.reshape(4, 50)))
    names = [HOSTILE, "_hidden", "", "d"]
    pictures = [
        draw_histogram("Größe", [0, 1], [3], x=X, alternative="All are alike."),
        draw_histogram("größe", [0, 1, 2], [5, 7], x=X, marks={"median": 1.2}, alternative="Most are above 1."),
        draw_bars(HOSTILE, names, [1, -2, 3, 4], x=X, texts=["1", "-2", "3", "4"], errors=[1] * 4, alternative=HOSTILE),
        draw_lines("Lines", {HOSTILE: ([0, 1], [0, 1]), "_b": ([0, 1], [1, 0])}, x=X, y=Y, alternative="Two lines."),
        draw_points("Points", {"a": (NUMBERS, NUMBERS)}, x=X, y=Y, texts=[(0, 0, HOSTILE)], alternative="A line."),
        draw_heat_map(
            "Map", square, names, names, limits=(-1, 1), is_diverging=True, scale="correlation", alternative="None."
        ),
        draw_boxes("Boxes", {HOSTILE: [0, 1, 2, 3, 4]}, x=X, alternative="One box."),
        draw_spans("Spans", [(HOSTILE, 0, 2, "_a"), ("b", 1, 3, "b")], x=X, alternative="Two spans."),
    ]
    table = Table(header=[HOSTILE, "part", "none"], rows=[[HOSTILE, 0.25, None], ["b", 0.0, None]], shares=["part"])
    findings = Findings(items=[Advice(severity="low", message="second"), Advice(severity="high", message=HOSTILE)])
    return Report(
        title=HOSTILE,
        lead=HOSTILE,
        facts={"rows": 12345, HOSTILE: HOSTILE},
        sections=[
            Section(title="Words", blocks=[Paragraph(text=HOSTILE), Bullets(items=[HOSTILE]), table, findings]),
            Section(title="Pictures", blocks=[Pictures(items=pictures)]),
        ],
    )


class Page(HTMLParser):
    """Collects the tags, attributes and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_page_needs_nothing_from_outside_and_runs_nothing(report: Report) -> None:
    page = Page(render_html(report))
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed"} == set()
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "xlink:href", "action", "data"}:
                assert (value or "").startswith("#")
    assert "@import" not in page.words
    assert re.findall(r"url\((?!#)", render_html(report)) == []


def test_a_page_shows_what_it_is_given_as_it_is_written(report: Report) -> None:
    page = Page(render_html(report))
    assert page.words.count(HOSTILE) >= 6
    assert "12,345" in page.words
    assert "25.0%" in page.words
    assert page.words.index(HOSTILE) < page.words.index("second")


def test_every_picture_of_a_page_has_words_and_ids_of_its_own(report: Report) -> None:
    page = Page(render_html(report))
    pictures = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert [picture["role"] for picture in pictures] == ["img"] * 8
    assert all(picture["aria-label"] for picture in pictures)
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = {(a.get("href") or a.get("xlink:href") or "#")[1:] for _, a in page.tags}
    assert links - {""} <= set(ids)


def test_a_picture_has_no_colour_that_a_dark_page_cannot_change(report: Report) -> None:
    page = Page(render_html(report))
    drawn = " ".join(f"{a.get('style')} {a.get('fill')} {a.get('stroke')}" for tag, a in page.tags if tag != "style")
    assert re.findall(r"#[0-9a-f]{6}", drawn) == []
    named = set(re.findall(r"var\((--[a-z0-9-]+)\)", drawn))
    assert named <= set(re.findall(r"(--[a-z0-9-]+):", palette.write_variables(is_dark=True)))


def test_every_colour_has_one_role() -> None:
    names = re.findall(r"(--[a-z0-9-]+):", palette.write_variables(is_dark=False))
    roles = 4 + len(palette.SERIES) + len(palette.LEVELS) + len(palette.OPPOSITES)
    assert len(names) == len(set(names)) == roles


def test_a_notebook_is_valid_and_holds_the_pictures(report: Report) -> None:
    text = render_notebook(report)
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert {cell.cell_type for cell in notebook.cells} == {"markdown"}
    pictures = notebook.cells[-1]
    assert len(pictures.attachments) == 8
    assert set(re.findall(r"\(attachment:([^)]+)\)", pictures.source)) == set(pictures.attachments)
    assert "<script>" not in text
    assert all(line.count(" | ") == 2 for line in notebook.cells[1].source.splitlines() if line.startswith("| "))


def test_a_report_is_printed(report: Report) -> None:
    assert render_pdf(report).startswith(b"%PDF-")


def test_the_absence_of_pango_is_told_with_its_remedy(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoPango:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    for name in [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoPango(), *sys.meta_path])
    with pytest.raises(UnavailableError, match="apt-get install libpango"):
        render_pdf(report)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (None, "\N{EN DASH}"),
        (float("nan"), "\N{EN DASH}"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (3.0, "3"),
        (0.123456, "0.1235"),
        (1234.56, "1,235"),
        (98765.43, "98,765.4"),
        (0.00001234, "1.23e-05"),
        (2.5e12, "2,500,000,000,000"),
        (float("inf"), "inf"),
        ("words", "words"),
    ],
)
def test_cells_are_written_as_people_read_them(cell: str | float | None, written: str) -> None:
    assert write_cell(cell) == written


def test_shares_are_written_in_percent() -> None:
    assert [write_cell(share, is_share=True) for share in (0, 0.0004, 0.5, 1)] == ["0.0%", "< 0.1%", "50.0%", "100.0%"]


@pytest.mark.parametrize("step", [1e-7, 0.00012345, 1, 123_456.789])
def test_long_numbers_along_an_axis_do_not_run_into_each_other(step: float) -> None:
    edges = [step * place for place in range(-3, 4)]
    figure = draw_histogram("h", edges, [1] * 6, x=Axis(label="x"), alternative="six bins").figure
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(boxes) > 1
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
