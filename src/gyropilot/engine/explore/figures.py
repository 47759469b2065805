"""What is found in a table, as plain numbers and words. `gyropilot.worker.reports` shows it."""

from __future__ import annotations

from dataclasses import dataclass

from gyropilot.engine.events import Finding
from gyropilot.engine.task import ColumnKind, ProblemType

Cells = tuple[str | float | None, ...]
"""Cells of a row, or of a column."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many rows lie where."""

    edges: tuple[float, ...]
    """(bins + 1,) where bins begin and end."""
    counts: tuple[int, ...]
    """(bins,) rows in each."""
    outside: int = 0
    """Rows beyond the edges, which far outliers would else stretch."""


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Figures of a column of numbers, missing ones left out."""

    mean: float
    deviation: float
    """The standard deviation."""
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float
    skew: float
    kurtosis: float
    """Above that of the normal distribution."""
    outlier_share: float
    """Share of the numbers beyond `OUTLIER_RANGES` times the range between the quartiles, below or above them."""


@dataclass(frozen=True, kw_only=True)
class Relation:
    """How the answer depends on one column."""

    groups: tuple[str, ...]
    """Stretches of numbers, or categories."""
    rows: tuple[int, ...]
    """Rows of each."""
    answers: tuple[tuple[float, ...], ...]
    """For each group the mean of the target, or the share of each of the target's shown classes."""


@dataclass(frozen=True, kw_only=True)
class ColumnFigures:
    """One feature column."""

    name: str
    kind: ColumnKind
    left_out: str
    """Why it is not learned from; empty: it is."""
    missing: int
    """Empty cells, of all rows that are learned from."""
    missing_share: float
    distinct: int
    """Different cells in the sample; of text, different words."""
    power: float | None
    """Prediction power; None: the column is not learned from, or there are too few rows to tell."""
    statistics: Statistics | None
    """Of numbers."""
    histogram: Histogram | None
    """Of numbers, of dates in days since 1970, and of the words of texts."""
    frequent: tuple[tuple[str, int], ...]
    """The most frequent cells and their rows in the sample."""
    relation: Relation | None
    """How the answer depends on it, where that is shown."""


@dataclass(frozen=True, kw_only=True)
class TargetFigures:
    """The target."""

    name: str
    problem_type: ProblemType
    missing: int
    """Rows without an answer, of all rows."""
    invalid: int
    """Rows whose answer or weight cannot be used, of all rows."""
    distinct: int
    """Different answers in the sample."""
    shown_classes: tuple[str, ...]
    """The classes that relations show: the positive one of two, or the most frequent ones; empty for amounts."""
    labels: tuple[tuple[str, int], ...]
    """Classes and their rows in the sample, most frequent first."""
    statistics: Statistics | None
    """Of amounts."""
    histogram: Histogram | None
    """Of amounts."""
    outliers: tuple[int, ...]
    """Rows of the sample with the most extreme outlying amounts."""


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A row that is there more than once in the sample."""

    row: int
    """Its number in the sample."""
    count: int
    """How often it is there."""


@dataclass(frozen=True, kw_only=True)
class Anomaly:
    """A row that is unlike the others."""

    row: int
    """Its number in the sample."""
    score: float
    """Negative: the row is easier to set apart than most."""
    cells: tuple[str, ...]
    """What is most unusual about it."""


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """All that was found in a table."""

    rows: int
    """All rows that were read."""
    sampled_rows: int
    """Rows that were looked at."""
    power_rows: int
    """Rows of which prediction power was measured."""
    repeated_rows: int
    """Rows equal to an earlier one in all that is learned from and in the answer, of all rows."""
    target: TargetFigures
    columns: tuple[ColumnFigures, ...]
    findings: tuple[Finding, ...]
    """The engine's own, and those of the exploration."""
    header: tuple[str, ...]
    """Names of the columns of the rows below."""
    excerpt: tuple[Cells, ...]
    """Some rows, drawn at random."""
    shown_rows: dict[int, Cells]
    """Every row of the sample that another figure names."""
    duplicates: tuple[Duplicate, ...]
    """The most frequent ones in the sample."""
    correlated: tuple[str, ...]
    """Names of the columns of numbers of the matrix below."""
    correlations: tuple[tuple[float | None, ...], ...]
    """Pearson's correlations; None where there is none."""
    anomalies: tuple[Anomaly, ...]
    """The most unusual rows, worst first."""
    anomaly_scores: Histogram | None
    """Of all rows of the sample."""
    anomalous_rows: int
    """Rows of the sample with a negative score."""
