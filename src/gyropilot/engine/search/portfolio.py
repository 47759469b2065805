"""The portfolio: the configurations of all algorithms in the order in which they are worth their time."""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.engine.algorithms.views import ALL, COLUMNS
from gyropilot.engine.contracts import Algorithm, Plan
from gyropilot.engine.task import ProblemType

ENRICHED_FROM = 2
"""Configurations of lower priority are there for a first model in seconds, from plain columns."""
ENSEMBLE_FROM = 3
"""With at least this many candidates allowed, one of them is the ensemble."""


def plan_candidates(
    algorithms: Sequence[Algorithm],
    problem_type: ProblemType,
    rows: int,
    *,
    is_enriched: bool = False,
    max_candidates: int | None = None,
    seed: int = 0,
) -> list[Plan]:
    """Return what to train, in order: a floor model first, then by priority.

    Args:
        algorithms: which may be used.
        problem_type: configurations differ by it.
        rows: configurations differ by the table's length.
        is_enriched: whether the table has derived columns, which all may see that can, but for the first ones.
        max_candidates: only so many, the strongest, remain; one place is kept for the ensemble.
        seed: each plan gets a seed of its own from here.
    """
    entries = [
        (configuration, algorithm.name)
        for algorithm in algorithms
        if problem_type in algorithm.abilities.problem_types
        for configuration in algorithm.configurations(problem_type, rows)
    ]
    if max_candidates is not None:
        places = max_candidates - 1 if max_candidates >= ENSEMBLE_FROM else max_candidates
        entries = sorted(entries, key=lambda entry: -entry[0].strength)[:places]
    entries.sort(key=lambda entry: entry[0].priority)
    sees_all = {algorithm.name for algorithm in algorithms if algorithm.abilities.learns_from_codes and is_enriched}
    return [
        Plan(
            id=f"c{number:02d}",
            algorithm=name,
            parameters={
                **configuration.parameters,
                **({COLUMNS: ALL} if name in sees_all and configuration.priority >= ENRICHED_FROM else {}),
            },
            seed=seed + number,
        )
        for number, (configuration, name) in enumerate(entries, start=1)
    ]
