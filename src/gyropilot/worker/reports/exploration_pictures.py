"""The pictures of the data exploration report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gyropilot.engine.explore.figures import ColumnFigures, Exploration, Histogram
from gyropilot.engine.explore.readings import write_day
from gyropilot.engine.task import ColumnKind, ProblemType
from gyropilot.worker.reports.canvas import Axis
from gyropilot.worker.reports.charts import draw_bars, draw_heat_map, draw_histogram
from gyropilot.worker.reports.document import Picture, write_cell

BARS = 20
HISTOGRAMS = 12
WRITTEN_CELLS = 12
"""Correlations are written into a matrix of so few columns."""
SHARE = Axis(label="share of the rows", unit="%")
UNITS = {ColumnKind.DATETIME: "days since 1970", ColumnKind.TEXT: "words", ColumnKind.SEQUENCE: "mean"}


def draw_target(found: Exploration) -> Picture:
    """Draw how the target's answers are distributed."""
    target = found.target
    title = f"Distribution of {target.name}"
    if target.histogram and target.statistics:
        figures = target.statistics
        return draw_histogram(
            title,
            target.histogram.edges,
            target.histogram.counts,
            x=Axis(label=target.name),
            marks={"median": figures.median},
            alternative=f"Histogram of {target.name}: from {write_cell(figures.minimum)} to "
            f"{write_cell(figures.maximum)}, half of the rows between {write_cell(figures.lower_quartile)} and "
            f"{write_cell(figures.upper_quartile)}.{_mention_outside(target.histogram)}",
        )
    total = max(1, sum(count for _, count in target.labels))
    shown = target.labels[:BARS]
    return draw_bars(
        title,
        [label for label, _ in shown],
        [100 * count / total for _, count in shown],
        x=SHARE,
        texts=[f"{count:,}" for _, count in shown],
        alternative=f"Bars of the classes of {target.name}: "
        + ", ".join(f"{label} {count / total:.1%}" for label, count in shown[:8]),
    )


def draw_powers(found: Exploration) -> Picture | None:
    """Draw the prediction power of the columns that have most; None when it is not known of any."""
    powers = sorted(
        ((each.power, each.name) for each in found.columns if each.power is not None), key=lambda each: -each[0]
    )[:BARS]
    if not powers:
        return None
    return draw_bars(
        "Prediction power" + (f" (the best {BARS})" if len(found.columns) > BARS else ""),
        [name for _, name in powers],
        [power for power, _ in powers],
        x=Axis(label="prediction power", limits=(0, 1.12)),
        texts=[f"{power:.2f}" for power, _ in powers],
        alternative="Bars of prediction power, best first: "
        + ", ".join(f"{name} {power:.2f}" for power, name in powers[:8]),
    )


def draw_relation(found: Exploration, column: ColumnFigures) -> Picture:
    """Draw the target along the stretches or categories of a column."""
    relation, target = column.relation, found.target
    assert relation is not None
    title = f"{target.name} along {column.name}"
    if target.problem_type is ProblemType.MULTICLASS:
        shares = np.array(relation.answers)
        return draw_heat_map(
            title,
            100 * shares,
            relation.groups,
            target.shown_classes,
            limits=(0, 100),
            scale="share of the rows (%)",
            x=target.name,
            alternative=f"Shares of the classes of {target.name} for each group of {column.name}: "
            + ", ".join(
                f"{group} mostly {target.shown_classes[int(row.argmax())]} ({row.max():.0%})"
                for group, row in zip(relation.groups[:8], shares, strict=False)
            ),
        )
    is_class = target.problem_type.is_classification
    means = [(100 if is_class else 1) * answers[0] for answers in relation.answers]
    label = f"share of {target.shown_classes[0]}" if is_class else f"mean of {target.name}"
    return draw_bars(
        title,
        relation.groups,
        means,
        x=Axis(label=label, unit="%" if is_class else ""),
        texts=[f"{count:,} rows" for count in relation.rows],
        alternative=f"The {label} for each group of {column.name}: "
        + ", ".join(
            f"{group} {mean:.4g}{'%' if is_class else ''}" for group, mean in zip(relation.groups, means, strict=True)
        ),
    )


def draw_correlations(found: Exploration) -> Picture:
    """Draw the matrix of correlations."""
    values = np.array([[np.nan if cell is None else cell for cell in row] for row in found.correlations])
    written = (
        [[f"{round(cell, 2) + 0.0:.2f}" for cell in row] for row in values] if len(values) <= WRITTEN_CELLS else None
    )
    return draw_heat_map(
        "Correlations of numbers",
        values,
        found.correlated,
        found.correlated,
        limits=(-1, 1),
        is_diverging=True,
        texts=written,
        scale="Pearson's correlation",
        alternative=f"Matrix of the correlations of {len(found.correlated)} columns; the table below lists the "
        "strongest.",
    )


def draw_anomaly_scores(found: Exploration) -> Picture:
    """Draw how the anomaly scores of the rows are distributed."""
    scores = found.anomaly_scores
    assert scores is not None
    return draw_histogram(
        "Anomaly scores",
        scores.edges,
        scores.counts,
        x=Axis(label="anomaly score, negative for unusual rows"),
        marks={"0": 0.0} if scores.edges[0] < 0 else {},
        alternative=f"Histogram of anomaly scores; {found.anomalous_rows:,} of {found.sampled_rows:,} rows are below "
        "0.",
    )


def draw_missing(gaps: Sequence[ColumnFigures]) -> Picture:
    """Draw the share of missing cells of columns."""
    shown = gaps[:BARS]
    return draw_bars(
        "Missing cells" + (f" (the worst {BARS} columns)" if len(gaps) > BARS else ""),
        [each.name for each in shown],
        [100 * each.missing_share for each in shown],
        x=Axis(label="missing", unit="% of the rows", limits=(0, 116)),
        texts=[f"{each.missing_share:.1%}" for each in shown],
        alternative="Bars of the share of missing cells, worst first: "
        + ", ".join(f"{each.name} {each.missing_share:.1%}" for each in shown[:8]),
    )


def draw_histograms(found: Exploration) -> list[Picture]:
    """Draw where the values of the columns of most prediction power lie."""
    columns = sorted(
        (each for each in found.columns if not each.left_out and (each.histogram or each.frequent)),
        key=lambda each: -(each.power or 0),
    )
    return [_draw_values(found, each) for each in columns[:HISTOGRAMS]]


def _draw_values(found: Exploration, column: ColumnFigures) -> Picture:
    if column.histogram is None:
        return draw_bars(
            column.name,
            [word for word, _ in column.frequent],
            [100 * count / found.sampled_rows for _, count in column.frequent],
            x=SHARE,
            texts=[f"{count:,}" for _, count in column.frequent],
            alternative=f"Bars of the {len(column.frequent)} most frequent of {column.distinct:,} categories: "
            + ", ".join(f"{word} {count / found.sampled_rows:.1%}" for word, count in column.frequent[:8]),
        )
    edges = column.histogram.edges
    write = write_day if column.kind is ColumnKind.DATETIME else write_cell
    return draw_histogram(
        column.name,
        edges,
        column.histogram.counts,
        x=Axis(label=column.name, unit=UNITS.get(column.kind, "")),
        marks={"median": column.statistics.median} if column.statistics else {},
        alternative=f"Histogram of {column.name} from {write(edges[0])} to {write(edges[-1])}."
        f"{_mention_outside(column.histogram)}",
    )


def _mention_outside(histogram: Histogram) -> str:
    return f" {histogram.outside:,} outliers are beyond the picture." if histogram.outside else ""
