"""Looks for features that alone give the target away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAK = 0.99
"""A feature that alone removes this share of the error of guessing is suspected to hold the answer."""
SAMPLE_ROWS = 20_000
"""So many rows at most are asked; one half of them learns, the other judges."""
FEWEST_ROWS, FEWEST_ERRORS = 50, 10
"""Fewer rows, or fewer rows that guessing gets wrong, prove nothing."""
CLASSES = 50
"""Classes beyond so many of the most frequent ones count as one."""
CODES = 256

Codes = NDArray[np.uint8]
Numbers = NDArray[np.float64]


def find_leaking_features(
    names: Sequence[str], codes: Codes, answers: Numbers, *, is_classification: bool, seed: int
) -> list[tuple[str, float]]:
    """Return the features that alone tell the target, and the share of the error of guessing that each removes.

    Half of a sample learns the most frequent class, or the mean rank of the target, of each code of a feature; the
    other half judges. A guess is the most frequent class, or the mean rank, of all rows.

    Args:
        names: the features' names.
        codes: (n, p) quantised features.
        answers: (n,) class numbers or amounts.
        is_classification: which of the two.
        seed: which rows are in the sample.
    """
    if len(answers) < FEWEST_ROWS:
        return []
    rows = np.random.default_rng(seed).permutation(len(answers))[:SAMPLE_ROWS]
    judge = _judge_classes(answers[rows]) if is_classification else _judge_amounts(answers[rows])
    sample = np.asfortranarray(codes[rows])
    judged = ((name, judge(sample[:, index])) for index, name in enumerate(names))
    return [(name, share) for name, share in judged if share >= LEAK]


def _judge_classes(answers: Numbers) -> Callable[[Codes], float]:
    classes = answers.astype(np.int64)
    frequent = np.argsort(-np.bincount(classes), kind="stable")[:CLASSES]
    place = np.full(int(classes.max()) + 1, len(frequent))
    place[frequent] = np.arange(len(frequent))
    kinds, half = len(frequent) + 1, len(classes) // 2
    learned, judged = np.split(place[classes], [half])
    guess = int(np.bincount(learned).argmax())
    errors = int((judged != guess).sum())

    def judge(codes: Codes) -> float:
        if errors < FEWEST_ERRORS:
            return 0.0
        counts = np.bincount(codes[:half].astype(np.int64) * kinds + learned, minlength=CODES * kinds)
        counts = counts.reshape(CODES, kinds)
        said = _fill(counts.argmax(axis=1), counts.sum(axis=1) > 0, guess)
        return 1 - float((said[codes[half:]] != judged).sum()) / errors

    return judge


def _judge_amounts(answers: Numbers) -> Callable[[Codes], float]:
    """Ranks are judged instead of amounts, so that a logarithm of the target is found as well."""
    distinct, place, counts = np.unique(answers, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    half = len(ranks) // 2
    learned, judged = np.split(ranks, [half])
    guess = float(learned.mean())
    error = float(((judged - guess) ** 2).sum())

    def judge(codes: Codes) -> float:
        if len(distinct) == 1 or error == 0:
            return 0.0
        sizes = np.bincount(codes[:half], minlength=CODES)
        sums = np.bincount(codes[:half], weights=learned, minlength=CODES)
        said = _fill(sums / np.maximum(sizes, 1), sizes > 0, guess)
        return 1 - float(((said[codes[half:]] - judged) ** 2).sum()) / error

    return judge


def _fill(said: NDArray[Any], is_seen: NDArray[np.bool_], guess: float) -> NDArray[Any]:
    """Let codes that no learning row has say what the code below says; amounts close by are alike."""
    nearest = np.maximum.accumulate(np.where(is_seen, np.arange(len(said)), -1))
    return np.where(nearest >= 0, said[nearest], guess)
