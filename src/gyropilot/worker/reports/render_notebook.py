"""Renders a report as a notebook of texts: nothing in it is to be run."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

import nbformat
from nbformat.v4 import new_markdown_cell, new_notebook

from gyropilot.worker.reports.document import (
    Bullets,
    Cell,
    Findings,
    Paragraph,
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
    cells = [new_markdown_cell("\n\n".join(_introduce(report)), id="section-0")]
    for number, section in enumerate(report.sections, 1):
        attachments: dict[str, dict[str, str]] = {}
        text = "\n\n".join(_write_section(section, attachments))
        kept = {"attachments": attachments} if attachments else {}
        cells.append(new_markdown_cell(text, id=f"section-{number}", **kept))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(notebook)
    content: str = nbformat.writes(notebook)
    return content + "\n"


def escape_markdown(text: str) -> str:
    """Return plain text so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", " ".join(text.split()))


def _introduce(report: Report) -> Iterator[str]:
    yield f"# {escape_markdown(report.title)}"
    yield escape_markdown(report.lead)
    yield "\n".join(f"* {escape_markdown(name)}: {_write(cell)}" for name, cell in report.facts.items())
    yield "**Contents**"
    yield "\n".join(f"{number}. {escape_markdown(each.title)}" for number, each in enumerate(report.sections, 1))


def _write_section(section: Section, attachments: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield the paragraphs of a section, and put its pictures into its cell's attachments."""
    yield f"## {escape_markdown(section.title)}"
    for block in section.blocks:
        if isinstance(block, Pictures):
            for picture in block.items:
                name = f"picture-{len(attachments) + 1}.png"
                attachments[name] = {"image/png": b64encode(picture.as_png()).decode("ascii")}
                yield f"**{escape_markdown(picture.title)}**"
                yield f"![{escape_markdown(picture.alternative)}](attachment:{name})"
        else:
            yield from _write_block(block)


def _write_block(block: Paragraph | Bullets | Table | Findings) -> Iterator[str]:
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
