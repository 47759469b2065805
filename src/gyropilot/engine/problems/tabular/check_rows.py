"""Rows on which an exported model must repeat its library: real ones, and ones with cells that training never had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gyropilot.engine.contracts import TrainingData
from gyropilot.engine.features.encoders import UNSEEN
from gyropilot.engine.features.quantiser import quantise

REAL_ROWS = 500
ALTERED_ROWS = 500
MISSING_SHARE = 0.2
UNSEEN_SHARE = 0.1


def add_check_rows(data: TrainingData, seed: int) -> tuple[TrainingData, tuple[int, ...]]:
    """Return the table with altered rows after its own, and the numbers of the rows to check.

    Altered rows are copies of real ones in which some numbers are missing and some categories were never seen. They are
    only scored: they have no answer, no weight and no fold.
    """
    random = np.random.default_rng(seed)
    count = len(data.target)
    real = np.sort(random.choice(count, min(REAL_ROWS, count), replace=False))
    altered = data.features[random.choice(count, ALTERED_ROWS)]
    chance = random.random(altered.shape)
    is_category = np.array(data.levels) > 0
    altered[(chance < UNSEEN_SHARE) & is_category] = UNSEEN
    altered[chance > 1 - MISSING_SHARE] = np.nan
    extended = replace(
        data,
        features=np.concatenate([data.features, altered]),
        codes=np.concatenate([data.codes, quantise(altered, list(data.borders))]),
    )
    return extended, (*real.tolist(), *range(count, count + ALTERED_ROWS))
