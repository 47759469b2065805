"""Interventional Shapley values of a model's columns, in batches that keep its predictor busy.

Few columns are explained exactly, from every set of them. Otherwise each row walks to each row of the baseline along a
random order of the columns that differ, and along the same order backwards (Mitchell, Cooper, Frank and Holmes,
"Sampling permutations for Shapley value estimation", JMLR 2022): of two columns that act together both get what an
exact computation gives them, only what three or more do together is left to chance. How much that is, the same rows
along other orders show.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.budget import Deadline
from gyropilot.engine.explain.explanation import EXACT, PERMUTATION, Explanation
from gyropilot.engine.explain.game import Game, Matrix, Numbers

EXACT_COLUMNS = 6
"""Up to so many columns every set of them is asked for."""
ROWS_AT_ONCE = 4096
"""About so many mixed rows are predicted at once."""
REPEATED_ROWS, REPETITIONS = 12, 4
"""So many rows are explained again so often, to see how much is left to chance."""

Marks = NDArray[np.bool_]


def explain(
    game: Game, base: Matrix, labels: tuple[str, ...], *, seed: int = 0, deadline: Deadline | None = None
) -> Explanation:
    """Return the SHAP values of rows; when the time does not allow all, those of the first ones, at least one batch.

    Args:
        game: the model and its baseline.
        base: (n, base features) the rows' numbers; at least one row.
        labels: what the model's predictions are of.
        seed: which orders are drawn.
        deadline: when no further batch is begun.
    """
    deadline = deadline or Deadline()
    is_exact = game.players <= EXACT_COLUMNS
    find = _Enumeration(game) if is_exact else _Walks(game)
    first, repeated = find.batch, base[: min(REPEATED_ROWS, find.batch)]
    parts = [find.values(base[:first], [seed, 0])]
    turns = [] if is_exact else range(1, REPETITIONS)
    again = [find.values(repeated, [seed, 0, turn]) for turn in turns if deadline.seconds_left > 0]
    for start in range(first, len(base), find.batch):
        if deadline.seconds_left <= 0:
            break
        parts.append(find.values(base[start : start + find.batch], [seed, start]))
    values = np.concatenate(parts)
    names = tuple(each.name for each in game.encoder.encoders)
    return Explanation(
        columns=names,
        labels=labels,
        values=values,
        expected=game.baseline_predictions.mean(axis=0),
        predictions=game.predict(base[: len(values)]),
        method=EXACT if is_exact else PERMUTATION,
        standard_error=_find_error([values[: len(repeated)], *again], is_exact=is_exact),
        asked=len(base),
    )


def _find_error(runs: list[Numbers], *, is_exact: bool) -> Numbers:
    """Return the standard error (columns, labels) of one row's values: how far repetitions lie apart."""
    if is_exact:
        return np.zeros(runs[0].shape[1:])
    if len(runs) < 2:
        return np.full(runs[0].shape[1:], np.nan)
    error: Numbers = np.sqrt(np.var(runs, axis=0, ddof=1).mean(axis=0))
    return error


class _Enumeration:
    """Every set of columns."""

    def __init__(self, game: Game) -> None:
        self._game = game
        players = game.players
        self._sets: Marks = np.array(list(itertools.product([False, True], repeat=players)))
        sizes = self._sets.sum(axis=1)
        # What a set's prediction counts for a player: as one that it joined, or as one that it did not.
        share = np.array([1 / (players * math.comb(players - 1, size)) for size in range(players)])
        joined = np.where(self._sets, share[np.maximum(sizes - 1, 0)][:, None], 0)
        absent = np.where(self._sets, 0, share[np.minimum(sizes, players - 1)][:, None])
        self._shares = joined - absent
        self.batch = max(1, ROWS_AT_ONCE // (len(self._sets) * len(game.baseline)))

    def values(self, base: Matrix, _: list[int]) -> Numbers:
        """Return the SHAP values (rows, columns, labels)."""
        game = self._game
        own = self._sets[:, game.column_of]
        # By rows, sets, rows of the baseline, numbers.
        mixed = np.where(own[None, :, None, :], base[:, None, None, :], game.baseline[None, None, :, :])
        found = game.predict(mixed.reshape(-1, base.shape[1]))
        found = found.reshape(len(base), len(self._sets), len(game.baseline), -1).mean(axis=2)
        values: Numbers = np.einsum("rsl,sp->rpl", found, self._shares)
        return values


class _Walks:
    """One random order for each pair of a row and a row of the baseline, forwards and backwards."""

    def __init__(self, game: Game) -> None:
        self._game = game
        steps = 2 * max(game.players - 1, 1)
        self.batch = max(1, ROWS_AT_ONCE // (steps * len(game.baseline)))

    def values(self, base: Matrix, seeds: list[int]) -> Numbers:
        """Return the SHAP values (rows, columns, labels)."""
        game, rows, others = self._game, len(base), len(self._game.baseline)
        row, other = np.repeat(np.arange(rows), others), np.tile(np.arange(others), rows)
        differs = self._find_differences(base)[row, other]
        keys = np.random.default_rng(seeds).random(differs.shape) + ~differs  # columns that do not differ come last
        order = np.argsort(keys, axis=1)
        there, back = self._walk(base, row, other, order, differs.sum(axis=1))
        gains = (np.diff(there, axis=1) - np.diff(back, axis=1)) / 2
        values = np.zeros_like(gains)
        np.put_along_axis(values, order[:, :, None], gains, axis=1)
        mean: Numbers = values.reshape(rows, others, game.players, -1).mean(axis=1)
        return mean

    def _find_differences(self, base: Matrix) -> Marks:
        """Return (rows, baseline, columns) whether any number of a column differs."""
        game = self._game
        mine, theirs = base[:, None, :], game.baseline[None, :, :]
        differ = (mine != theirs) & ~(np.isnan(mine) & np.isnan(theirs))
        starts = np.flatnonzero(np.diff(game.column_of, prepend=-1))
        marks: Marks = np.logical_or.reduceat(differ, starts, axis=2)
        return marks

    def _walk(
        self,
        base: Matrix,
        row: NDArray[np.int64],
        other: NDArray[np.int64],
        order: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> tuple[Numbers, Numbers]:
        """Return the predictions (pairs, columns + 1, labels) on the way to the row, and with the sets' complements."""
        game = self._game
        goal, start = game.predict(base)[row], game.baseline_predictions[other]
        there = np.repeat(goal[:, None, :], game.players + 1, axis=1)
        back = np.repeat(start[:, None, :], game.players + 1, axis=1)
        there[:, 0], back[:, 0] = start, goal
        inner = np.maximum(lengths - 1, 0)
        pair = np.repeat(np.arange(len(row)), inner)
        step = np.arange(len(pair)) - np.repeat(np.cumsum(inner) - inner, inner) + 1
        if len(pair):
            rank = np.argsort(order, axis=1)
            is_own = (rank[pair] < step[:, None])[:, game.column_of]
            mine, theirs = base[row[pair]], game.baseline[other[pair]]
            mixed = np.concatenate([np.where(is_own, mine, theirs), np.where(is_own, theirs, mine)])
            found = game.predict(mixed)
            there[pair, step], back[pair, step] = found[: len(pair)], found[len(pair) :]
        return there, back
