"""Recommends pipelines: which recipes, with which algorithms, suit a table."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.errors import TaskError
from gyropilot.engine.features.encoders import DatetimeEncoder, SequenceEncoder, TextEncoder
from gyropilot.engine.features.recipes.catalogue import (
    COMPONENTS,
    DATES,
    EXTREMES,
    IMPUTE,
    INTERACTIONS,
    MARK_MISSING,
    ONE_HOT,
    ORDINAL,
    SCALE,
    SEQUENCES,
    TEXTS,
    check_recipe,
    choose_cells,
    find_combinations,
)
from gyropilot.engine.features.recipes.scaling import ExtremeValues
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.tuning import MAX_PIPELINES, Pipeline, Tuning

MANY_AMOUNTS = 10
"""With fewer columns of amounts their principal components would leave nothing out that is worth it."""

Recipe = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TableFacts:
    """What decides which recipes suit a table."""

    amounts: int
    """Columns of amounts, parts of dates and the like among them."""
    categories: int
    """Columns of categories."""
    has_gaps: bool
    """Whether amounts are missing."""
    has_extremes: bool
    """Whether some amounts lie far from all others."""
    has_interactions: bool
    """Whether combinations of amounts explain what they do not explain alone."""
    cells: Recipe
    """The steps for its columns of dates, texts and sequences."""


def find_facts(encoder: TableEncoder, matrix: NDArray[np.float32], answers: NDArray[np.float64]) -> TableFacts:
    """Return the facts of a table.

    Args:
        encoder: of all its columns.
        matrix: (n, features) rows that are learned from, as that encoder makes them.
        answers: (n, k) amounts, or marks of classes.
    """
    amounts = [place for place, feature in enumerate(encoder.features) if not feature.levels]
    kinds = {DATES: DatetimeEncoder, TEXTS: TextEncoder, SEQUENCES: SequenceEncoder}
    present = {type(each) for each in encoder.encoders}
    return TableFacts(
        amounts=len(amounts),
        categories=len(encoder.features) - len(amounts),
        has_gaps=bool(np.isnan(matrix[:, amounts]).any()),
        has_extremes=ExtremeValues.fit(matrix, encoder.features) is not None,
        has_interactions=bool(find_combinations(encoder, matrix, answers)),
        cells=tuple(step for step, kind in kinds.items() if kind in present),
    )


def choose_pipelines(
    encoder: TableEncoder,
    matrix: NDArray[np.float32],
    answers: NDArray[np.float64],
    algorithms: Sequence[str],
    tuning: Tuning,
) -> tuple[Pipeline, ...]:
    """Return the pipelines that were asked for, or those that suit the table.

    Args:
        encoder: of all its columns.
        matrix: (n, features) rows that are learned from, as that encoder makes them.
        answers: (n, k) amounts, or marks of classes.
        algorithms: names of those that may be used.
        tuning: what was asked for.

    Raises:
        TaskError: when a pipeline has an algorithm that may not be used, or a recipe that cannot be followed.
    """
    for pipeline in tuning.pipelines:
        if pipeline.algorithm not in algorithms:
            known = ", ".join(algorithms)
            raise TaskError(f"Pipeline {pipeline.name!r} has the algorithm {pipeline.algorithm!r}; there are {known}.")
        check_recipe(pipeline.recipe)
        choose_cells(encoder, pipeline.recipe)
    chosen = tuning.pipelines or recommend_pipelines(find_facts(encoder, matrix, answers), algorithms)
    names = [pipeline.name for pipeline in chosen]
    strangers = [trial.pipeline for trial in tuning.first if trial.pipeline not in names]
    if strangers:
        raise TaskError(f"There is no pipeline {strangers[0]!r} to begin with; there are {', '.join(names)}.")
    return chosen


def recommend_pipelines(facts: TableFacts, algorithms: Sequence[str]) -> tuple[Pipeline, ...]:
    """Return up to ten pipelines, `dpp0` and so on: the best of each algorithm first, then the second of each.

    Args:
        facts: of the table.
        algorithms: names of those that may be used.
    """
    recipes = {"xgboost": _for_trees, "linear-learner": _for_lines, "mlp": _for_networks}
    found = [
        [(name, recipe) for recipe in dict.fromkeys(recipes[name](facts))] for name in recipes if name in algorithms
    ]
    in_turn = [each for turn in itertools.zip_longest(*found) for each in turn if each is not None]
    return tuple(
        Pipeline(name=f"dpp{number}", algorithm=name, recipe=recipe)
        for number, (name, recipe) in enumerate(in_turn[:MAX_PIPELINES])
    )


def _for_trees(facts: TableFacts) -> Iterator[Recipe]:
    """Trees ask for missing amounts themselves, and compare the numbers of categories."""
    ordered = (ORDINAL,) if facts.categories else ()
    yield (*facts.cells, *ordered)
    if facts.has_interactions:
        yield (*facts.cells, INTERACTIONS, *ordered)
    if facts.categories or facts.has_gaps:
        yield (*facts.cells, *_fill(facts), *_mark(facts))


def _for_lines(facts: TableFacts) -> Iterator[Recipe]:
    rest = (*_fill(facts), *_mark(facts), *_tame(facts), SCALE)
    yield (*facts.cells, *rest)
    if facts.has_interactions:
        yield (*facts.cells, INTERACTIONS, *rest)
    if facts.amounts >= MANY_AMOUNTS:
        yield (*facts.cells, *rest, COMPONENTS)


def _for_networks(facts: TableFacts) -> Iterator[Recipe]:
    """Networks look up what each category means; marks of them are the other way."""
    ordered = (ORDINAL,) if facts.categories else ()
    yield (*facts.cells, *_fill(facts), *ordered, *_tame(facts), SCALE)
    if facts.categories:
        yield (*facts.cells, *_fill(facts), *_mark(facts), *_tame(facts), SCALE)
    if facts.has_interactions:
        yield (*facts.cells, INTERACTIONS, *_fill(facts), *ordered, *_tame(facts), SCALE)
    if facts.amounts >= MANY_AMOUNTS:
        yield (*facts.cells, *_fill(facts), *ordered, *_tame(facts), SCALE, COMPONENTS)


def _fill(facts: TableFacts) -> Recipe:
    return (MARK_MISSING, IMPUTE) if facts.has_gaps else (IMPUTE,)


def _mark(facts: TableFacts) -> Recipe:
    return (ONE_HOT,) if facts.categories else ()


def _tame(facts: TableFacts) -> Recipe:
    return (EXTREMES,) if facts.has_extremes else ()
