"""Variations of configurations that did well: what is tried when the portfolio is through and time is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gyropilot.engine.contracts import Parameters, Plan
from gyropilot.engine.tuning import Range

CHANGES = 3
"""How many of its parameters a variation changes."""
SPREAD = 0.5
"""How far: the standard deviation of the logarithm, or of the share of a linear range."""
BEST = 3
"""Only the best configurations of so many algorithms are varied."""
PATIENCE, TRACE = 15, 0.0005
"""When so many in a row were not better by at least this share, more would hardly help."""
LAST_NUMBER = 99


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A configuration that was trained."""

    algorithm: str
    """Name in the catalogue."""
    parameters: Parameters
    """Its settings."""
    loss: float
    """How good it was; less is better."""


class Variations:
    """Gives variation after variation, until many in a row were no better than what was there before them."""

    def __init__(self, ranges: Mapping[str, Mapping[str, Range]], *, first: int, seed: int) -> None:
        self._ranges = ranges
        self._number = first
        self._seed = seed

    def next(self, tried: Sequence[Tried]) -> Plan | None:
        """Return what to train next, given what was trained in order; None when it would hardly help.

        Args:
            tried: all that was trained, in the order in which it was finished.
        """
        parents = _find_best([each for each in tried if self._ranges.get(each.algorithm)])
        if not parents or self._number > LAST_NUMBER or _count_vain(tried) >= PATIENCE:
            return None
        seed = self._seed + self._number
        parent = parents[choose_parent([each.loss for each in parents], seed=seed)]
        plan = Plan(
            id=f"c{self._number:02d}",
            algorithm=parent.algorithm,
            parameters=vary(parent.parameters, self._ranges[parent.algorithm], seed=seed),
            seed=seed,
        )
        self._number += 1
        return plan


def _find_best(tried: Sequence[Tried]) -> list[Tried]:
    """Return the best of each algorithm: variations of one alone would resemble each other in an ensemble."""
    best: dict[str, Tried] = {}
    for each in tried:
        if each.algorithm not in best or each.loss < best[each.algorithm].loss:
            best[each.algorithm] = each
    return list(best.values())


def _count_vain(tried: Sequence[Tried]) -> int:
    """Return how many of the last ones were no better, by a trace at least, than the best before them."""
    best, vain = float("inf"), 0
    for each in tried:
        is_better = each.loss < best - TRACE * abs(best) if best < float("inf") else True
        vain = 0 if is_better else vain + 1
        best = min(best, each.loss)
    return vain


def vary(parameters: Parameters, ranges: Mapping[str, Range], *, seed: int) -> dict[str, int | float | str | bool]:
    """Return parameters of which a few are changed a little, within their ranges.

    Args:
        parameters: a configuration; what has no range stays as it is.
        ranges: the parameters that may change; one that the configuration leaves out may come in.
        seed: the same seed makes the same variation.
    """
    random = np.random.default_rng(seed)
    varied = dict(parameters)
    names = sorted(ranges)
    for name in random.choice(names, min(CHANGES, len(names)), replace=False):
        varied[str(name)] = _move(ranges[str(name)], varied.get(str(name)), random)
    return varied


def choose_parent(losses: Sequence[float], *, seed: int) -> int:
    """Return which of several configurations is varied next: one of the best, the better the likelier."""
    ranked = np.argsort(losses, kind="stable")[:BEST]
    chances = 0.5 ** np.arange(len(ranked))
    return int(np.random.default_rng(seed).choice(ranked, p=chances / chances.sum()))


def _move(within: Range, value: int | float | str | bool | None, random: np.random.Generator) -> int | float:
    start = float(value) if value is not None else within.middle
    step = SPREAD * float(random.normal())
    if within.is_logarithmic:
        moved = max(start, within.low) * float(np.exp(step))
    else:
        moved = start + step * (within.high - within.low)
    moved = float(np.clip(moved, within.low, within.high))
    return round(moved) if within.is_whole else float(f"{moved:.4g}")
