"""Which rows a model is worst on: segments of single columns whose rows it misses by more than the others.

Every segment of every column is tested against the other rows, and only those are told that are worse beyond what so
many tests would show by chance: a normal test on the difference of the means with the variance of all rows, and Holm's
correction for their number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.encoders import UNSEEN, CategoricalEncoder, DatetimeEncoder, Encoder
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.quality.evidence import Evidence, Numbers

Matrix = NDArray[np.float32]

PARTS = 5
"""Amounts are cut into so many parts of about the same size."""
MAX_CATEGORIES = 30
"""The most frequent categories of a column are segments."""
FEWEST_ROWS = 30
LARGEST_SHARE = 0.6
"""A segment that has more of the rows is no part of them but most."""
LEVEL = 0.05
"""The chance that any segment is told of that is no worse."""
MAX_SLICES, MAX_OF_COLUMN = 12, 3


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A segment that the model is worse on than on other rows."""

    column: str
    segment: str
    """Which cells of the column its rows have, in words."""
    rows: int
    loss: float
    """What its rows are missed by: the share of wrong labels, or the mean absolute error."""
    other_loss: float
    """The same of all other rows."""
    p_value: float
    """The chance of such a difference where there is none, corrected for the number of segments."""


def find_slices(encoder: TableEncoder, base: Matrix, evidence: Evidence) -> tuple[list[Slice], int]:
    """Return the segments that a model is significantly worse on, the worst first, and how many were tested.

    Segments are ordered by how much of the whole loss would go if they were like the others.

    Args:
        encoder: what made the numbers.
        base: (n, base features) the numbers of the evidence's rows.
        evidence: what was predicted for them.
    """
    losses, weights = evidence.losses, evidence.weights
    spread = float(np.sqrt(np.average((losses - np.average(losses, weights=weights)) ** 2, weights=weights)))
    tested: list[tuple[float, Slice]] = []
    for column, segment, inside in _cut(encoder, base):
        share = weights[inside].sum() / weights.sum()
        if inside.sum() < FEWEST_ROWS or not 0 < share <= LARGEST_SHARE or not spread:
            continue
        mine = float(np.average(losses[inside], weights=weights[inside]))
        others = float(np.average(losses[~inside], weights=weights[~inside]))
        error = spread * math.sqrt(1 / _count(weights[inside]) + 1 / _count(weights[~inside]))
        chance = 0.5 * math.erfc((mine - others) / error / math.sqrt(2))
        found = Slice(
            column=column, segment=segment, rows=int(inside.sum()), loss=mine, other_loss=others, p_value=chance
        )
        tested.append((share * (mine - others), found))
    return _choose(tested), len(tested)


def _choose(tested: list[tuple[float, Slice]]) -> list[Slice]:
    """Return what is significant after Holm's correction, the costliest first, a few of each column at most."""
    significant, corrected = [], 0.0
    for rank, (cost, found) in enumerate(sorted(tested, key=lambda each: each[1].p_value)):
        corrected = max(corrected, min(1.0, found.p_value * (len(tested) - rank)))
        if corrected > LEVEL:
            break
        significant.append((cost, replace(found, p_value=corrected)))
    chosen: list[Slice] = []
    for _, found in sorted(significant, key=lambda each: -each[0]):
        if sum(each.column == found.column for each in chosen) < MAX_OF_COLUMN:
            chosen.append(found)
    return chosen[:MAX_SLICES]


def _count(weights: Numbers) -> float:
    """Return how many rows of equal weight say as much (Kish)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _cut(encoder: TableEncoder, base: Matrix) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Give each segment as column, words and (n,) whether a row is inside."""
    first = 0
    for each in encoder.encoders:
        numbers = base[:, first]
        first += len(each.outputs)
        yield each.name, "missing", np.isnan(numbers)
        if isinstance(each, CategoricalEncoder):
            for code, category in enumerate(each.categories[:MAX_CATEGORIES]):
                yield each.name, f"= {category}", numbers == code
            yield each.name, "a category that is rare or was not in the training data", numbers == UNSEEN
        else:
            yield from _cut_amounts(each, numbers)


def _cut_amounts(encoder: Encoder, numbers: Matrix) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return
    borders = np.unique(np.quantile(known, np.linspace(0, 1, PARTS + 1)))
    for low, high in itertools.pairwise(borders):
        is_last = high == borders[-1]
        words = f"{_word(encoder, low)} to {'' if is_last else 'below '}{_word(encoder, high)}"
        yield _name(encoder), words, (numbers >= low) & ((numbers <= high) if is_last else (numbers < high))


def _name(encoder: Encoder) -> str:
    """Return the column's name, with what its first number measures where that is not the cell itself."""
    if isinstance(encoder, DatetimeEncoder) or len(encoder.outputs) == 1:
        return encoder.name
    measure = encoder.outputs[0].removeprefix(f"{encoder.name}: ")
    return f"{encoder.name} ({measure})"


def _word(encoder: Encoder, number: float) -> str:
    if isinstance(encoder, DatetimeEncoder):
        return str(np.datetime64("2000-01-01") + np.timedelta64(int(number), "D"))
    return f"{number:.6g}"
