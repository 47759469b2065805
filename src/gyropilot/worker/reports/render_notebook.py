"""Renders a report as a notebook of texts: nothing in it is to be run."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

import nbformat
from nbformat.v4 import new_markdown_cell, new_notebook

from gyropilot.worker.reports.document import (
    Block,
    Bullets,
    Cell,
    Findings,
    Paragraph,
    Picture,
    Pictures,
    Report,
    Section,
    Table,
    find_numbers,
    sort_findings,
    write_cell,
)


def render_notebook(report: Report) -> str:
    """Return the notebook's JSON; it is a valid notebook of format 4, with pictures as attachments of its cells."""
    cells = [_make_cell(0, "\n\n".join(_introduce(report)), ())]
    for number, section in enumerate(report.sections, 1):
        pictures = [each for block in section.blocks if isinstance(block, Pictures) for each in block.items]
        cells.append(_make_cell(number, "\n\n".join(_write_section(section)), pictures))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)
    return text + "\n"


def escape_markdown(text: str) -> str:
    """Return plain text so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", " ".join(text.split()))


def _make_cell(number: int, text: str, pictures: list[Picture] | tuple[()]) -> nbformat.NotebookNode:
    attachments = {
        _name_file(picture): {"image/png": b64encode(picture.as_png()).decode("ascii")} for picture in pictures
    }
    cell: nbformat.NotebookNode = new_markdown_cell(text, id=f"section-{number}")
    if attachments:
        cell["attachments"] = attachments
    return cell


def _introduce(report: Report) -> Iterator[str]:
    yield f"# {escape_markdown(report.title)}"
    yield escape_markdown(report.lead)
    yield "\n".join(f"* {escape_markdown(name)}: {_write(cell)}" for name, cell in report.facts.items())
    yield "**Contents**"
    yield "\n".join(f"{number}. {escape_markdown(each.title)}" for number, each in enumerate(report.sections, 1))


def _write_section(section: Section) -> Iterator[str]:
    yield f"## {escape_markdown(section.title)}"
    for block in section.blocks:
        yield from _write_block(block)


def _write_block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text=text):
            yield escape_markdown(text)
        case Bullets(items=items):
            yield "\n".join(f"* {escape_markdown(item)}" for item in items)
        case Table():
            yield from _write_table(block)
        case Findings():
            yield from (
                f"> **{item.severity.capitalize()} severity.** {escape_markdown(item.message)}"
                + (f"  \n> {escape_markdown(item.remedy)}" if item.remedy else "")
                for item in sort_findings(block)
            )
        case Pictures(items=pictures):
            for picture in pictures:
                yield f"**{escape_markdown(picture.title)}**"
                yield f"![{escape_markdown(picture.alternative)}](attachment:{_name_file(picture)})"


def _write_table(table: Table) -> Iterator[str]:
    if table.caption:
        yield f"**{escape_markdown(table.caption)}**"
    shares = [title in table.shares for title in table.header]
    lines = [
        [escape_markdown(title) for title in table.header],
        ["---:" if is_number else ":---" for is_number in find_numbers(table)],
        *([_write(cell, is_share=is_share) for cell, is_share in zip(row, shares, strict=True)] for row in table.rows),
    ]
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _write(cell: Cell, *, is_share: bool = False) -> str:
    return escape_markdown(write_cell(cell, is_share=is_share)) or " "


def _name_file(picture: Picture) -> str:
    return re.sub("[^a-z0-9]+", "-", picture.title.lower()).strip("-") + ".png"
