"""Prediction power: how much of the answer one column tells by itself, judged on rows that were not learned from.

Of amounts it is R², the share of the variance that is told, and 0 where it is negative; of classes it is 2 AUC - 1,
where AUC is the mean over classes of the area under the curve of one class against the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.explore.readings import Reading
from gyropilot.engine.task import ColumnKind

FOLDS = 5
POWER_ROWS = 20_000
"""So many rows at most are asked, and fewer of texts."""
TEXT_ROWS = 5_000
FEWEST_ROWS = 50
"""Fewer rows tell nothing."""
MOST_GROUPS, ROWS_PER_GROUP = 64, 20
"""Numbers are cut into so many stretches at most, of so many rows at least."""
SHOWN_CLASSES = 20
"""The most frequent classes that count."""
FEWEST_OF_CLASS = 5
PRIOR_ROWS = 3.0
"""A group's answer is its rows' and that of so many rows of the whole table."""
WORD_BITS = 12

Numbers = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What columns are asked for."""

    values: Numbers
    """(n, answers) amounts in one column, or for each class whether a row is of it."""
    is_classification: bool
    rows: NDArray[np.int64]
    """Which rows of the sample they belong to, in random order."""

    def __len__(self) -> int:
        return len(self.rows)


def pose_answers(values: Numbers, *, is_classification: bool, seed: int) -> Answers:
    """Return the answers that columns are asked for.

    Args:
        values: (n,) class numbers or amounts; NaN where there is no answer.
        is_classification: which of the two.
        seed: which rows are asked.
    """
    known = np.flatnonzero(~np.isnan(values))
    rows = known[np.random.default_rng(seed).permutation(len(known))[:POWER_ROWS]]
    chosen = values[rows]
    if is_classification:
        classes, counts = np.unique(chosen, return_counts=True)
        kept = classes[np.argsort(-counts, kind="stable")[:SHOWN_CLASSES]]
        kept = kept[1:] if len(classes) == 2 else kept  # one of two classes tells of the other
        answers = (chosen[:, None] == kept[None, :]).astype(np.float64)
    else:
        answers = chosen[:, None]
    return Answers(values=answers, is_classification=is_classification, rows=rows)


def measure_power(reading: Reading, answers: Answers) -> float | None:
    """Return a column's prediction power, between 0 and 1; None when there are too few rows to tell."""
    if len(answers) < FEWEST_ROWS:
        return None
    if reading.facts.kind is ColumnKind.TEXT:
        return _judge_text(reading.cells, answers)
    groups, count = reading.group(max(2, min(MOST_GROUPS, len(answers) // ROWS_PER_GROUP)))
    chosen = groups[answers.rows]
    folds = np.arange(len(answers)) % FOLDS
    said = np.empty_like(answers.values)
    for fold in range(FOLDS):
        judged = folds == fold
        said[judged] = _answer(chosen[~judged], answers.values[~judged], count)[chosen[judged]]
    return _judge(said, answers.values, folds, is_classification=answers.is_classification)


def _answer(groups: Groups, values: Numbers, count: int) -> Numbers:
    """Return (groups, answers) what each group says: the mean of its rows, drawn towards that of all."""
    sizes = np.bincount(groups, minlength=count)[:, None]
    sums = np.column_stack([np.bincount(groups, weights=column, minlength=count) for column in values.T])
    said: Numbers = (sums + PRIOR_ROWS * values.mean(axis=0)) / (sizes + PRIOR_ROWS)
    return said


def _judge(said: Numbers, values: Numbers, folds: Groups, *, is_classification: bool) -> float:
    if not is_classification:
        total = ((values - values.mean()) ** 2).sum()
        return max(0.0, 1 - float(((values - said) ** 2).sum() / total)) if total > 0 else 0.0
    areas = [
        _find_area(said[folds == fold, index], values[folds == fold, index])
        for index in range(values.shape[1])
        if min(values[:, index].sum(), (1 - values[:, index]).sum()) >= FEWEST_OF_CLASS
        for fold in range(FOLDS)
    ]
    known = [area for area in areas if area is not None]
    return max(0.0, 2 * float(np.mean(known)) - 1) if known else 0.0


def _find_area(said: Numbers, is_class: Numbers) -> float | None:
    """Return the area under the curve: the chance that a row of the class is said to be so more than another."""
    positives = float(is_class.sum())
    negatives = len(is_class) - positives
    if not positives or not negatives:
        return None
    different, place = np.unique(said, return_inverse=True)
    of_class = np.bincount(place, weights=is_class, minlength=len(different))
    others = np.bincount(place, minlength=len(different)) - of_class
    below = np.cumsum(others) - others
    return float((of_class * (below + others / 2)).sum() / (positives * negatives))


def _judge_text(cells: pa.ChunkedArray, answers: Answers) -> float:
    """Let a ridge regression on the words say the answers."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import Ridge

    rows, values = answers.rows[:TEXT_ROWS], answers.values[:TEXT_ROWS]
    texts = [cell or "" for cell in cells.take(pa.array(rows)).to_pylist()]
    words = HashingVectorizer(n_features=1 << WORD_BITS, alternate_sign=False).transform(texts)
    folds = np.arange(len(rows)) % FOLDS
    said = np.empty_like(values)
    for fold in range(FOLDS):
        judged = folds == fold
        model = Ridge(alpha=1.0, solver="sparse_cg").fit(words[~judged], values[~judged])
        said[judged] = model.predict(words[judged]).reshape(-1, values.shape[1])
    return _judge(said, values, folds, is_classification=answers.is_classification)
