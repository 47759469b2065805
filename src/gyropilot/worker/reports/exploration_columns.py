"""The parts of the data exploration report that go column by column."""

from __future__ import annotations

from collections.abc import Iterator

from gyropilot.engine.explore.figures import Exploration
from gyropilot.engine.explore.readings import write_cell
from gyropilot.engine.task import ColumnKind
from gyropilot.worker.reports import exploration_pictures as pictures
from gyropilot.worker.reports.document import Block, Paragraph, Pictures, Table

TABLE_ROWS = 200
"""A table has so many rows at most."""
CELL_CHARACTERS = 60
POWER, TYPE, MISSING = "Prediction power", "Type", "Missing"


def show_features(found: Exploration) -> Iterator[Block]:
    """Show what is known of every column, best first."""
    drawn = pictures.draw_powers(found)
    if drawn:
        yield Pictures(items=[drawn])
    else:
        yield Paragraph(text="There are too few rows to measure prediction power.")
    columns = sorted(found.columns, key=lambda each: -1.0 if each.power is None else -1 - each.power)
    has_reasons = any(each.left_out for each in columns)
    yield Table(
        caption=f"All columns, those of most prediction power first{cut_caption(len(columns))}",
        header=["Column", TYPE, POWER, MISSING, "Different", *["Not learned from, because"] * has_reasons],
        shares=[MISSING],
        rows=[
            [each.name, each.kind.value, _round(each.power), each.missing_share, each.distinct]
            + [each.left_out] * has_reasons
            for each in columns[:TABLE_ROWS]
        ],
    )


def show_missing(found: Exploration) -> Iterator[Block]:
    """Show which columns have gaps, worst first."""
    gaps = sorted((each for each in found.columns if each.missing), key=lambda each: -each.missing)
    if not gaps:
        yield Paragraph(text="No cell of a feature is missing.")
        return
    yield Paragraph(text=f"{len(gaps)} of {len(found.columns)} columns have missing cells.")
    yield Pictures(items=[pictures.draw_missing(gaps)])
    yield Table(
        caption=f"Columns with missing cells, worst first{cut_caption(len(gaps))}",
        header=["Column", "Missing cells", MISSING],
        shares=[MISSING],
        rows=[[each.name, each.missing, each.missing_share] for each in gaps[:TABLE_ROWS]],
    )


def show_cardinality(found: Exploration) -> Iterator[Block]:
    """Show how many different categories and words columns have."""
    words = sorted(
        (each for each in found.columns if each.kind in {ColumnKind.CATEGORICAL, ColumnKind.TEXT}),
        key=lambda each: -each.distinct,
    )
    if not words:
        yield Paragraph(text="There is no column of categories or texts.")
        return
    yield Table(
        caption=f"Different categories, and different words of texts, in {found.sampled_rows:,} rows"
        + cut_caption(len(words)),
        header=["Column", TYPE, "Different", "Most frequent"],
        rows=[
            [each.name, each.kind.value, each.distinct, ", ".join(show_cell(word) for word, _ in each.frequent[:3])]
            for each in words[:TABLE_ROWS]
        ],
    )


def show_statistics(found: Exploration) -> Iterator[Block]:
    """Show where the numbers of columns lie."""
    numbers = [(each, each.statistics) for each in found.columns if each.statistics]
    drawn = pictures.draw_histograms(found)
    if drawn:
        yield Paragraph(text="Where the values of the columns of most prediction power lie, outliers left out.")
        yield Pictures(items=drawn)
    if not numbers:
        yield Paragraph(text="There is no column of numbers.")
        return
    yield Table(
        caption=f"Columns of numbers{cut_caption(len(numbers))}",
        header=["Column", "Mean", "Std. dev.", "Minimum", "Quartile", "Median", "3rd quartile", "Maximum", "Outliers"],
        shares=["Outliers"],
        rows=[
            (
                each.name,
                of.mean,
                of.deviation,
                of.minimum,
                of.lower_quartile,
                of.median,
                of.upper_quartile,
                of.maximum,
                of.outlier_share,
            )
            for each, of in numbers[:TABLE_ROWS]
        ],
    )


def show_cell(cell: str | float | None) -> str:
    """Return a cell as it is written in the data; years have no marks of thousands."""
    text = write_cell(cell)
    return f"{text[: CELL_CHARACTERS - 1]}…" if len(text) > CELL_CHARACTERS else text


def cut_caption(count: int) -> str:
    """Return what a caption says of a table that is cut."""
    return f" (the first {TABLE_ROWS} of {count:,})" if count > TABLE_ROWS else ""


def _round(power: float | None) -> float | None:
    return None if power is None else round(power, 3)
