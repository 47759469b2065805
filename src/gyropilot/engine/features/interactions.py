"""Finds pairs of amounts whose sum, difference, product or quotient says what neither of them says alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.derivations import Arithmetic, Program

MAX_COLUMNS = 10
"""Only so many columns, those that say most alone, are paired."""
MAX_FOUND = 12
MAX_PER_COLUMN = 5
SAMPLE = 10_000
BINS = 32
PASSES = 2
"""How often the two columns' own effects are fitted in turn."""
LEAST_SHARE = 0.01
"""A combination explains at least this share of what the two columns leave unexplained."""
CHANCE = 3.0
"""And so many times what the same number of bins would explain by chance."""

Numbers = NDArray[np.float64]
Bins = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class _Found:
    derivation: Arithmetic
    share: float


def find_interactions(
    features: NDArray[np.float32],
    names: Sequence[str],
    columns: Sequence[int],
    answers: Numbers,
    *,
    seed: int = 0,
) -> list[Arithmetic]:
    """Return the combinations of two amounts that explain most beyond both.

    Each pair's own effects are fitted as steps over 32 bins of either column. A combination is judged by how much of
    what remains its bins explain: a product of two columns, say, explains nothing new when their effects add up.

    Args:
        features: (n, p) encoded rows that may be learned from.
        names: the columns' names.
        columns: which of them are amounts.
        answers: (n, k) amounts, or marks of classes.
        seed: which rows of a long table are looked at.
    """
    if len(features) > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(features), SAMPLE, replace=False))
        features, answers = features[rows], answers[rows]
    spread = answers.std(axis=0)
    answers = (answers - answers.mean(axis=0)) / np.where(spread > 0, spread, 1)
    binned = {column: _bin(features[:, column]) for column in columns}
    alone = {column: _explain(bins, answers) for column, bins in binned.items()}
    strong = sorted(binned, key=lambda column: -alone[column])[:MAX_COLUMNS]
    found = [
        each
        for left, right in itertools.combinations(sorted(strong), 2)
        for each in _try_pair(features, names, left, right, _remain(binned[left], binned[right], answers))
    ]
    return [each.derivation for each in _choose(found)]


def _try_pair(
    features: NDArray[np.float32], names: Sequence[str], left: int, right: int, remaining: Numbers
) -> list[_Found]:
    """Return the best combination of a pair, if it is good enough."""
    first, second = names[left], names[right]
    trials = [
        Arithmetic(name=f"{first} + {second}", operator="add", left=left, right=right),
        Arithmetic(name=f"{first} - {second}", operator="subtract", left=left, right=right),
        Arithmetic(name=f"{first} x {second}", operator="multiply", left=left, right=right),
        Arithmetic(name=f"{first} / {second}", operator="divide", left=left, right=right),
        Arithmetic(name=f"{second} / {first}", operator="divide", left=right, right=left),
    ]
    derived = Program(trials).extend(features)[:, features.shape[1] :]
    by_chance = BINS / len(features)
    shares = [_explain(_bin(column), remaining) for column in derived.T]
    best = int(np.argmax(shares))
    is_good = shares[best] > max(LEAST_SHARE, CHANCE * by_chance)
    return [_Found(derivation=trials[best], share=shares[best])] if is_good else []


def _choose(found: list[_Found]) -> list[_Found]:
    """Return the best, of which no column takes part in too many."""
    chosen: list[_Found] = []
    uses: dict[int, int] = {}
    for each in sorted(found, key=lambda one: -one.share):
        pair = each.derivation.left, each.derivation.right
        if len(chosen) < MAX_FOUND and all(uses.get(column, 0) < MAX_PER_COLUMN for column in pair):
            chosen.append(each)
            uses |= {column: uses.get(column, 0) + 1 for column in pair}
    return chosen


def _bin(column: NDArray[np.float32]) -> Bins:
    """Return bins of about equally many rows; missing numbers have the first for themselves."""
    present = column[~np.isnan(column)]
    if not len(present):
        return np.zeros(len(column), dtype=np.int64)
    cuts = np.unique(np.quantile(present, np.linspace(0, 1, BINS)[1:-1], method="lower"))
    bins = 1 + np.searchsorted(cuts, column, side="left")
    return np.where(np.isnan(column), 0, bins).astype(np.int64)


def _remain(first: Bins, second: Bins, answers: Numbers) -> Numbers:
    """Return the answers without the effects of two columns, which add up, in units of what remains."""
    remaining = answers
    for bins in (first, second) * PASSES:
        remaining = remaining - _means(bins, remaining)[bins]
    spread = remaining.std(axis=0)
    scaled: Numbers = remaining / np.where(spread > 0, spread, 1)
    return scaled


def _means(bins: Bins, numbers: Numbers) -> Numbers:
    counts = np.maximum(np.bincount(bins, minlength=BINS + 1), 1)
    sums = np.stack([np.bincount(bins, weights=column, minlength=BINS + 1) for column in numbers.T], axis=1)
    means: Numbers = sums / counts[:, None]
    return means


def _explain(bins: Bins, numbers: Numbers) -> float:
    """Return the share of the variance of numbers, whose mean is 0, that the bins' means explain."""
    explained = np.square(_means(bins, numbers)[bins]).mean()
    return float(explained / max(float(np.square(numbers).mean()), 1e-12))
