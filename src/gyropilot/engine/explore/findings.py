"""What exploring a table finds besides what every run tells of its data. One stated rule and a remedy each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.data.findings import list_some, name_some
from gyropilot.engine.events import Finding, Severity
from gyropilot.engine.explore.figures import ColumnFigures, TargetFigures
from gyropilot.engine.explore.readings import Reading, write_cell
from gyropilot.engine.explore.statistics import find_outliers
from gyropilot.engine.task import ColumnKind

SKEW = 3.0
"""A target of greater skewness is told of."""
TAIL = 10.0
"""So is one whose kurtosis above that of the normal distribution is greater."""
TARGET_OUTLIERS = 0.001
"""Outlying targets of a greater share of the rows are told of."""
TARGET_LABELS = 50
"""So are more classes than this."""
ALIKE = 0.95
"""Two columns whose correlation is beyond this hold nearly the same."""
ANOMALIES = 0.01
"""Unusual rows of a greater share are told of."""
MISSING_WORDS = frozenset({"?", "-", "--", "na", "n/a", "nan", "null", "unknown", "missing", "not available"})
MISSING_NUMBERS = (-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0)
DISGUISED = 0.005
"""Words or numbers of a greater share of the rows that may stand for missing cells are told of."""


def find_in_target(target: TargetFigures) -> Iterator[Finding]:
    """Tell of amounts with far outliers, and of very many classes."""
    figures = target.statistics
    if figures is None:
        if target.distinct > TARGET_LABELS:
            yield Finding(
                severity=Severity.LOW,
                message=f"The target has {target.distinct} classes.",
                remedy="Take classes together if fewer answer the question; if they are amounts, ask for a regression.",
            )
        return
    if figures.outlier_share > TARGET_OUTLIERS:
        yield Finding(
            severity=Severity.MEDIUM,
            message=f"{figures.outlier_share:.1%} of the targets are outliers, up to {figures.maximum:.6g} and down to "
            f"{figures.minimum:.6g} around a median of {figures.median:.6g}.",
            remedy="Mend or remove those that are errors; rank candidates by MAE if single large errors are to count "
            "less.",
        )
    if abs(figures.skew) > SKEW or figures.kurtosis > TAIL:
        yield Finding(
            severity=Severity.MEDIUM,
            message=f"The target is skewed or has a heavy tail (skewness {figures.skew:.3g}, kurtosis "
            f"{figures.kurtosis:.3g}).",
            remedy="If ratios matter more than differences, predict the logarithm of the target.",
        )


def find_alike(names: Sequence[str], correlations: NDArray[np.float64]) -> list[Finding]:
    """Tell of pairs of columns that hold nearly the same."""
    pairs = [
        f"{names[first]!r} and {names[second]!r} ({correlations[first, second]:.2f})"
        for first, second in zip(*np.where(np.triu(np.abs(np.nan_to_num(correlations)) > ALIKE, 1)), strict=True)
    ]
    if not pairs:
        return []
    return [
        Finding(
            severity=Severity.LOW,
            message=f"Columns that hold nearly the same, by their correlation: {list_some(pairs)}.",
            remedy="Models can do with both; keep one if they are to be explained.",
        )
    ]


def find_disguised(readings: Sequence[Reading]) -> list[Finding]:
    """Tell of cells that may stand for missing ones: words that say so, and numbers far from all others."""
    found = []
    for reading in readings:
        for word, count in _find_stand_ins(reading):
            found.append(f"{reading.facts.name!r} ({word!r}, {count / len(reading.cells):.1%})")
    if not found:
        return []
    return [
        Finding(
            severity=Severity.LOW,
            message=f"Cells that may stand for missing ones, in {list_some(found)}.",
            remedy="Leave them empty if that is what they mean.",
        )
    ]


def find_unusual(anomalous: int, rows: int) -> list[Finding]:
    """Tell of many rows that are unlike the others."""
    if not rows or anomalous <= ANOMALIES * rows:
        return []
    return [
        Finding(
            severity=Severity.LOW,
            message=f"{anomalous / rows:.1%} of the rows are unlike the others.",
            remedy="Look at the anomalous rows below for errors; rare cases that are right should stay.",
        )
    ]


def find_idle(columns: Sequence[ColumnFigures]) -> list[Finding]:
    """Tell when no column tells anything of the answer by itself."""
    powers = [column.power for column in columns if column.power is not None]
    if not powers or max(powers) > 0.01:
        return []
    return [
        Finding(
            severity=Severity.HIGH,
            message=f"No column tells anything of the answer by itself: {name_some([each.name for each in columns])}.",
            remedy="Check that the target is the right column, and that rows and answers belong together.",
        )
    ]


def _find_stand_ins(reading: Reading) -> Iterator[tuple[str, int]]:
    rows = len(reading.cells)
    if reading.places is not None:
        counts = np.bincount(reading.places[reading.places >= 0], minlength=len(reading.categories))
        for word, count in zip(reading.categories, counts.tolist(), strict=True):
            if word.strip().lower() in MISSING_WORDS and count > DISGUISED * rows:
                yield word, count
    elif reading.facts.kind is ColumnKind.NUMERIC and reading.numbers is not None:
        filled = reading.numbers[~np.isnan(reading.numbers)]
        for number in MISSING_NUMBERS:
            count = int((filled == number).sum())
            if count > DISGUISED * rows and _is_far(number, filled[filled != number]):
                yield write_cell(number), count


def _is_far(number: float, others: NDArray[np.float64]) -> bool:
    """Tell whether a number is an outlier among others and not between them."""
    if len(others) < 2 or others.min() <= number <= others.max():
        return False
    return bool(find_outliers(np.append(others, number))[-1])
