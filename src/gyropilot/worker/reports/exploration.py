"""The report of a table before a model is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from gyropilot.engine.explore.figures import ColumnFigures, Exploration
from gyropilot.engine.explore.power import FOLDS
from gyropilot.engine.explore.statistics import OUTLIER_RANGES
from gyropilot.engine.task import ColumnKind
from gyropilot.worker.reports import exploration_columns as columns
from gyropilot.worker.reports import exploration_pictures as pictures
from gyropilot.worker.reports.document import (
    Advice,
    Block,
    Bullets,
    Cell,
    Findings,
    Paragraph,
    Pictures,
    Report,
    Section,
    Table,
)

SAMPLE_COLUMNS = 30
"""So many columns of the rows are shown, those of most prediction power."""


def describe_exploration(found: Exploration, *, job: str, made_at: datetime) -> Report:
    """Return the report of what was found in a job's table.

    Args:
        found: the figures.
        job: the job's name.
        made_at: when they were made.
    """
    parts = (
        ("Findings", _tell_findings(found)),
        ("Target", _show_target(found)),
        ("Sample of the rows", _show_sample(found)),
        ("Features", columns.show_features(found)),
        ("How the answer depends on single columns", _show_relations(found)),
        ("Duplicate rows", _show_duplicates(found)),
        ("Correlations", _show_correlations(found)),
        ("Anomalous rows", _show_anomalies(found)),
        ("Missing values", columns.show_missing(found)),
        ("Cardinality", columns.show_cardinality(found)),
        ("Descriptive statistics", columns.show_statistics(found)),
        ("Definitions", _define(found)),
    )
    sampled = (
        f"All figures but those of the whole table were made of {found.sampled_rows:,} rows, drawn at random from "
        f"{found.rows:,}."
        if found.sampled_rows < found.rows
        else f"All figures were made of all {found.rows:,} rows."
    )
    return Report(
        title=f"Data exploration: {job}",
        lead=f"What the table holds, what to mend before training, and which columns tell something. {sampled}",
        facts={
            "Job": job,
            "Rows": found.rows,
            "Columns": len(found.header),
            "Target": found.target.name,
            "Problem type": found.target.problem_type.value,
            "Made": made_at.strftime("%Y-%m-%d %H:%M UTC"),
        },
        sections=[Section(title=title, blocks=list(blocks)) for title, blocks in parts],
    )


def _tell_findings(found: Exploration) -> Iterator[Block]:
    if found.findings:
        yield Findings(
            items=[
                Advice(severity=each.severity.value, message=each.message, remedy=each.remedy)
                for each in found.findings
            ]
        )
    else:
        yield Paragraph(text="Nothing was found that should be looked at.")
    target, rows = found.target, found.rows
    yield Table(
        caption="Properties of the table",
        header=["Property", "Number", "Share of the rows"],
        shares=["Share of the rows"],
        rows=[
            ["Rows", rows, None],
            ["Columns, with the target", len(found.header), None],
            ["Duplicate rows", found.repeated_rows, found.repeated_rows / rows],
            ["Rows without a target", target.missing, target.missing / rows],
            ["Rows with an invalid target or weight", target.invalid, target.invalid / rows],
        ],
    )
    kinds = {kind: sum(each.kind is kind for each in found.columns) for kind in ColumnKind}
    total = max(1, len(found.columns))
    yield Table(
        caption="Types of the feature columns",
        header=[columns.TYPE, "Columns", "Share of the columns"],
        shares=["Share of the columns"],
        rows=[[kind.value, count, count / total] for kind, count in kinds.items()],
    )


def _show_target(found: Exploration) -> Iterator[Block]:
    target = found.target
    yield Pictures(items=[pictures.draw_target(found)])
    if target.statistics is None:
        yield Table(
            caption=f"Classes, most frequent first{columns.cut_caption(len(target.labels))}",
            header=["Label", "Rows", "Share"],
            shares=["Share"],
            rows=[
                [label, count, count / _count_answers(found)] for label, count in target.labels[: columns.TABLE_ROWS]
            ],
        )
        return
    figures = target.statistics
    yield Table(
        caption="The target's numbers",
        header=["Figure", "Value"],
        rows=[
            ["Mean", figures.mean],
            ["Median", figures.median],
            ["Minimum", figures.minimum],
            ["Maximum", figures.maximum],
            ["Skewness", figures.skew],
            ["Kurtosis, above the normal distribution's", figures.kurtosis],
            ["Different values", target.distinct],
            ["Outliers, in percent", round(100 * figures.outlier_share, 2)],
            ["Missing", target.missing],
            ["Invalid", target.invalid],
        ],
    )
    if target.outliers:
        yield _list_rows(found, "Rows of the most extreme outliers of the target", target.outliers)


def _show_sample(found: Exploration) -> Iterator[Block]:
    by_name = {each.name: each for each in found.columns}
    names = _choose_columns(found)
    places = [found.header.index(name) for name in names]
    powers = [None if name not in by_name else by_name[name].power for name in names]
    rows: list[Sequence[Cell]] = [
        [columns.POWER, *("" if power is None else f"{power:.3f}" for power in powers)],
        [columns.TYPE, *(by_name[name].kind.value if name in by_name else "" for name in names)],
        *(["", *(columns.show_cell(row[place]) for place in places)] for row in found.excerpt),
    ]
    yield Paragraph(
        text="Rows drawn at random, under each column's prediction power and type. "
        "Prediction power says how much of the answer a column tells by itself; see the definitions."
    )
    yield Table(header=["", *names], rows=rows)
    if len(names) < len(found.header):
        yield Paragraph(
            text=f"The target and the {len(names) - 1} columns of most prediction power, of {len(found.columns)}."
        )


def _show_relations(found: Exploration) -> Iterator[Block]:
    related = sorted((each for each in found.columns if each.relation), key=lambda each: -(each.power or 0))
    if not related:
        yield Paragraph(text="No column tells anything of the answer by itself.")
        return
    yield Paragraph(text="The columns of most prediction power, and what the target is along each of them.")
    yield Pictures(items=[pictures.draw_relation(found, each) for each in related])


def _show_duplicates(found: Exploration) -> Iterator[Block]:
    share = found.repeated_rows / found.rows
    yield Paragraph(
        text=f"{found.repeated_rows:,} of {found.rows:,} rows ({share:.2%}) are equal to an earlier one in all columns "
        "that are learned from, and in the target."
    )
    if found.duplicates:
        counts = {each.row: each.count for each in found.duplicates}
        yield _list_rows(
            found, "Rows that are there most often, all columns being equal", list(counts), ("Times", counts)
        )


def _show_correlations(found: Exploration) -> Iterator[Block]:
    if len(found.correlated) < 2:
        yield Paragraph(text="There are fewer than two columns of numbers.")
        return
    pairs = [
        (abs(value), first, second, value)
        for row, first in enumerate(found.correlated)
        for second, value in zip(found.correlated[:row], found.correlations[row], strict=False)
        if value is not None
    ]
    yield Pictures(items=[pictures.draw_correlations(found)])
    yield Table(
        caption="The strongest correlations",
        header=["Column", "Other column", "Correlation"],
        rows=[[first, second, value] for _, first, second, value in sorted(pairs, key=lambda each: -each[0])[:10]],
    )


def _show_anomalies(found: Exploration) -> Iterator[Block]:
    if found.anomaly_scores is None:
        yield Paragraph(text="There are too few rows to tell which are unlike the others.")
        return
    share = found.anomalous_rows / found.sampled_rows
    yield Paragraph(
        text=f"{found.anomalous_rows:,} of {found.sampled_rows:,} rows ({share:.2%}) have a negative score: they are "
        "easier to set apart from the others than most. They may be errors, or rare cases that are right."
    )
    yield Pictures(items=[pictures.draw_anomaly_scores(found)])
    if found.anomalies:
        scores = {each.row: round(each.score, 4) for each in found.anomalies}
        yield Table(
            caption="The most unusual rows, and what is most unusual about them",
            header=["Score", "Most unusual cells"],
            rows=[[round(each.score, 4), ", ".join(each.cells)] for each in found.anomalies],
        )
        yield _list_rows(found, "The same rows", list(scores), ("Score", scores))


def _define(found: Exploration) -> Iterator[Block]:
    measure = (
        "2 AUC - 1, with AUC the mean over the classes (at most the 20 most frequent) of the area under the curve of "
        "one class against the others"
        if found.target.problem_type.is_classification
        else "R², the share of the target's variance that is told, and 0 where it is negative"
    )
    yield Bullets(
        items=[
            f"Prediction power: what a column tells of the target by itself, between 0 (nothing) and 1 (all). It is "
            f"{measure}. Groups of alike cells, at most 64 stretches of numbers or all categories, learn the answer of "
            f"{FOLDS - 1} parts of {found.power_rows:,} rows and are judged on the fifth part, in turn; of texts, a "
            f"linear model of their words does. It is no feature importance: columns that tell little by themselves "
            f"may tell much together.",
            f"Outlier: a number further from the quartiles than {OUTLIER_RANGES:g} times the range between them.",
            "Skewness and kurtosis: how lopsided, and how heavy-tailed, numbers are; both are 0 of the normal "
            "distribution.",
            "Anomaly score: from an isolation forest over all columns that are learned from. Rows that random splits "
            "set apart early have negative scores.",
            "Correlation: Pearson's, of the rows where both numbers are there; it sees straight lines only.",
            "Severity: high, a model of this data may be of no use; medium, models or their scores may be worse than "
            "they could be; low, good to know.",
        ]
    )
    yield Paragraph(
        text="Do not repeat rows of a rare class before training (up-sampling): copies of one row would be learned "
        "from and judged at once, and scores would look better than they are. Weights do the same without copies."
    )


def _list_rows(
    found: Exploration,
    caption: str,
    rows: Sequence[int],
    extra: tuple[str, dict[int, int] | dict[int, float]] | None = None,
) -> Table:
    names = _choose_columns(found)
    places = [found.header.index(name) for name in names]
    return Table(
        caption=caption,
        header=[*([extra[0]] if extra else []), *names],
        rows=[
            [
                *([extra[1][row]] if extra else []),
                *(columns.show_cell(found.shown_rows[row][place]) for place in places),
            ]
            for row in rows
        ],
    )


def _choose_columns(found: Exploration) -> list[str]:
    """Return the target and the columns of most prediction power, these in the order of the table."""
    best = sorted(found.columns, key=_rank)[:SAMPLE_COLUMNS]
    chosen = {each.name for each in best}
    return [found.target.name, *(name for name in found.header if name in chosen)]


def _rank(column: ColumnFigures) -> float:
    return 1.0 if column.left_out else -(column.power or 0.0)


def _count_answers(found: Exploration) -> int:
    return max(1, sum(count for _, count in found.target.labels))
