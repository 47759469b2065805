"""Adds derived columns to a table: combinations of amounts, and mean answers of categories.

Which rule adds which was decided by measurements: benchmarks/experiments.md, E5.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import DERIVED, PLAIN, TrainingData
from gyropilot.engine.features.derivations import Derivation, Program
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.features.recipes.catalogue import find_combinations
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.features.target_means import TargetMeans, fit_target_means
from gyropilot.engine.task import ProblemType

MAX_ROWS = 2_000_000
"""Longer tables are not enriched: for a while their numbers are in memory twice."""
GROUPS = 5
"""Where the rows of one fold are all that is learned from, they are dealt into so many groups for mean answers."""
MAX_MEANS = 12
"""Only so many columns, those of most categories, get mean answers."""
MANY_LEVELS = {ProblemType.REGRESSION: 3, ProblemType.BINARY: 4}
"""Columns of at least so many categories get mean answers; in problems of many classes none does."""
MAX_MARKS = 20


def enrich(encoder: TableEncoder, data: TrainingData, folds: int, seed: int) -> tuple[TableEncoder, TrainingData]:
    """Return encoder and table with derived columns after the plain ones, or both as they are.

    Args:
        encoder: how cells become numbers.
        data: the table without derived columns.
        folds: how many folds there are.
        seed: which rows of a long table are looked at.
    """
    if len(data.target) > MAX_ROWS:
        return encoder, data
    groups = _group_rows(data, folds, seed)
    learned = np.any(groups, axis=0) if folds > 1 else data.folds == 1  # what is held out has no say
    combinations: list[Derivation] = [
        *find_combinations(encoder, data.features[learned], take_answers(data, learned), seed=seed)
    ]
    means = _find_means(encoder, data, groups, folds)
    if not combinations and not means:
        return encoder, data
    plain = data.features.shape[1]
    derived = Program(combinations).extend(data.features)[:, plain:]
    # Fold by fold, as `column_folds` says: each fold's columns of means stand side by side.
    ordered: list[Derivation] = [*combinations, *(mean.lookups[fold] for fold in range(folds) for mean in means)]
    columns = [derived, *(mean.columns[:, fold, None] for fold in range(folds) for mean in means)]
    added = np.concatenate(columns, axis=1)
    borders = fit_borders(added[learned], seed=seed)
    owners = [PLAIN] * plain + [DERIVED] * len(combinations) + [fold for fold in range(folds) for _ in means]
    enriched = replace(
        data,
        features=np.concatenate([data.features, added], axis=1),
        codes=np.concatenate([data.codes, quantise(added, borders)], axis=1),
        borders=[*data.borders, *borders],
        levels=(*data.levels, *(0 for _ in ordered)),
        column_folds=tuple(owners),
    )
    return msgspec.structs.replace(encoder, derivations=(*encoder.derivations, *ordered)), enriched


def take_answers(data: TrainingData, rows: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the answers of some rows, (n, 1) amounts, or (n, k) marks of classes, the most frequent of many."""
    target = data.target[rows]
    if data.problem_type is not ProblemType.MULTICLASS:
        return target[:, None]
    labels = target.astype(np.int64)
    frequent = np.argsort(-np.bincount(labels, minlength=data.class_count), kind="stable")[:MAX_MARKS]
    marks: NDArray[np.float64] = (labels[:, None] == frequent).astype(np.float64)
    return marks


def _group_rows(data: TrainingData, folds: int, seed: int) -> list[NDArray[np.bool_]]:
    """Return which rows each fold has; where only one is trained, those that it learns from are dealt into groups."""
    inside = [data.folds == fold for fold in range(folds)]
    if folds == 1:
        group = np.random.default_rng(seed).integers(0, GROUPS, len(data.folds))
        inside += [(data.folds == 1) & (group == number) for number in range(GROUPS)]
    return inside


def _find_means(
    encoder: TableEncoder, data: TrainingData, groups: list[NDArray[np.bool_]], folds: int
) -> list[TargetMeans]:
    least = MANY_LEVELS.get(data.problem_type)
    if least is None:
        return []
    levels = np.array([feature.levels for feature in encoder.base_features])
    chosen = sorted(np.flatnonzero(levels >= least).tolist(), key=lambda column: -levels[column])[:MAX_MEANS]
    return [
        fit_target_means(
            data.features, encoder.base_features[column].name, column, data.target, data.weights, groups, folds
        )
        for column in sorted(chosen)
    ]
