"""Figures of rows: which are there twice, and which are unlike the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.data.findings import hash_rows
from gyropilot.engine.explore.figures import Anomaly, Duplicate
from gyropilot.engine.explore.readings import Reading, write_cell

SHOWN = 10
TREES = 100
FEWEST_ROWS = 50
NORMAL_SCORE = -0.6
"""An isolation forest gives a row that is as easy to set apart as any -0.5, and unusual ones less (Liu, Ting and Zhou
2008); from here on a row counts as unusual."""
UNUSUAL_CELLS = 3

Numbers = NDArray[np.float64]


def find_duplicates(table: pa.Table) -> tuple[Duplicate, ...]:
    """Return the rows that are there most often, with all their cells equal."""
    hashes = hash_rows(table.columns, table.num_rows)
    _, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))[:SHOWN]
    return tuple(Duplicate(row=int(first[index]), count=int(counts[index])) for index in order if counts[index] > 1)


def correlate(columns: Sequence[Numbers]) -> Numbers:
    """Return (columns, columns) Pearson's correlations, each of the rows where both numbers are there; NaN: none."""
    matrix = np.column_stack(columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = (matrix - np.nanmean(matrix, axis=0)) / np.nanstd(matrix, axis=0)
        known = (~np.isnan(matrix)).astype(np.float64)
        values = np.nan_to_num(matrix)
        counts, sums, squares = known.T @ known, values.T @ known, (values**2).T @ known
        spread = counts * squares - sums**2
        found = (counts * (values.T @ values) - sums * sums.T) / np.sqrt(spread * spread.T)
    found[~np.isfinite(found) | (spread <= 1e-9) | (spread.T <= 1e-9)] = np.nan
    clipped: Numbers = np.clip(found, -1, 1)
    return clipped


def score_anomalies(readings: Sequence[Reading], seed: int) -> Numbers | None:
    """Return (n,) how unlike the others each row is, negative for the unusual ones; None for a table of few rows."""
    if not readings or len(readings[0].cells) < FEWEST_ROWS:
        return None
    from sklearn.ensemble import IsolationForest

    matrix = np.column_stack([_fill(reading) for reading in readings])
    forest = IsolationForest(n_estimators=TREES, random_state=seed, n_jobs=1).fit(matrix)
    scores: Numbers = forest.score_samples(matrix) - NORMAL_SCORE
    return scores


def describe_anomalies(scores: Numbers, readings: Sequence[Reading]) -> tuple[Anomaly, ...]:
    """Return the most unusual rows with what is most unusual about each."""
    worst = [int(row) for row in np.argsort(scores, kind="stable")[:SHOWN] if scores[row] < 0]
    strange = np.column_stack([_measure_strangeness(reading) for reading in readings])
    return tuple(
        Anomaly(
            row=row,
            score=float(scores[row]),
            cells=tuple(
                f"{readings[index].facts.name} = {_write(readings[index], row)}"
                for index in np.argsort(-strange[row], kind="stable")[:UNUSUAL_CELLS]
            ),
        )
        for row in worst
    )


def _fill(reading: Reading) -> Numbers:
    """Return a column as numbers without gaps: of categories, how rare each is."""
    if reading.places is not None:
        return _rate_rarity(reading)
    assert reading.numbers is not None
    known = reading.numbers[~np.isnan(reading.numbers)]
    middle = float(np.median(known)) if len(known) else 0.0
    limit = np.finfo(np.float32).max / 10  # the forest works in single precision
    return np.clip(np.nan_to_num(reading.numbers, nan=middle), -limit, limit)


def _rate_rarity(reading: Reading) -> Numbers:
    assert reading.places is not None
    groups, count = reading.group(0)
    counts = np.bincount(groups, minlength=count)
    rarity: Numbers = -np.log(np.maximum(counts, 1) / len(groups))[groups]
    return rarity


def _measure_strangeness(reading: Reading) -> Numbers:
    """Return how far a cell is from the middle of its column, in units that make columns comparable."""
    if reading.places is not None:
        return _rate_rarity(reading)
    numbers = _fill(reading)
    lower, middle, upper = np.quantile(numbers, [0.25, 0.5, 0.75])
    reach = (upper - lower) or numbers.std() or 1.0
    strange: Numbers = np.abs(numbers - middle) / reach
    return strange


def _write(reading: Reading, row: int) -> str:
    text = write_cell(reading.cells[row].as_py())
    return (text if len(text) <= 40 else f"{text[:39]}…") or "(missing)"
