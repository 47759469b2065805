"""Typical rows that others are compared with: the centres of equal parts of the training rows.

The rows are cut in two halves along the direction in which they differ most, the halves again, and so on, so that each
centre stands for as many rows as any other. A centre has the median of each amount, which in many columns is a value
that most rows have, and the most frequent of each category. No centre is a row of the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.data.dates import write_date
from gyropilot.engine.features.encoders import CategoricalEncoder, Cell, DatetimeEncoder, NumericEncoder
from gyropilot.engine.features.table_encoder import TableEncoder

Matrix = NDArray[np.float32]
Baseline = tuple[tuple[Cell, ...], ...]
"""Rows of cells, one for each encoder."""

MAX_ROWS = 5000
"""So many of the training rows are cut into parts."""
FEWEST_ROWS = 10
"""A part has at least so many rows."""
LEVELS = ((10, 4), (40, 3))
"""Up to so many columns the rows are halved so often; the wider the table, the more each comparison costs."""
FEWEST_LEVELS = 2
LARGEST_CATEGORIES, STEPS = 8, 12
DIGITS = 6

_ORIGIN = datetime(2000, 1, 1)


def find_baseline(encoder: TableEncoder, features: Matrix, rows: NDArray[np.int64], seed: int) -> Baseline:
    """Return the centres of the training rows, at most 16; texts and sequences have no centre: their cells are empty.

    Args:
        encoder: what encoded the rows.
        features: (n, features) what it made of them.
        rows: the rows that are learned from.
        seed: which rows are looked at, when there are many.
    """
    if len(rows) > MAX_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_ROWS, replace=False))
    base = np.asarray(features[rows, : len(encoder.base_features)])
    halvings = next((levels for columns, levels in LEVELS if len(encoder.encoders) <= columns), FEWEST_LEVELS)
    parts = [np.arange(len(base))]
    places = _place_rows(encoder, base)
    for _ in range(halvings):
        if min(map(len, parts)) < 2 * FEWEST_ROWS:
            break
        parts = [half for part in parts for half in _halve(places, part)]
    return tuple(_find_centre(encoder, base[part]) for part in parts)


def _place_rows(encoder: TableEncoder, base: Matrix) -> NDArray[np.float64]:
    """Return where rows lie: amounts by their ranks from 0 to 1, frequent categories by marks of their own."""
    columns = []
    for feature, numbers in zip(encoder.base_features, base.T, strict=True):
        if feature.levels:
            codes = np.arange(min(feature.levels, LARGEST_CATEGORIES))
            columns.append((numbers[:, None] == codes) / math.sqrt(2))
            continue
        distinct, place = np.unique(numbers, return_inverse=True)
        columns.append((place / max(len(distinct) - 1, 1))[:, None])
    return np.concatenate(columns, axis=1).astype(np.float64)


def _halve(places: NDArray[np.float64], part: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    offsets = places[part] - places[part].mean(axis=0)
    direction = offsets.var(axis=0) + 1e-12
    for _ in range(STEPS):
        direction = offsets.T @ (offsets @ direction)
        direction /= max(float(np.linalg.norm(direction)), 1e-300)
    order = part[np.argsort(offsets @ direction, kind="stable")]
    return order[: len(order) // 2], order[len(order) // 2 :]


def _find_centre(encoder: TableEncoder, base: Matrix) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    first = 0
    for each in encoder.encoders:
        find = _CENTRES.get(type(each), _leave_empty)
        cells.append(find(each, base[:, first : first + len(each.outputs)]))
        first += len(each.outputs)
    return tuple(cells)


def _find_median(_: NumericEncoder, numbers: Matrix) -> Cell:
    known = numbers[~np.isnan(numbers)].astype(np.float64)
    return float(f"{np.median(known):.{DIGITS}g}") if 2 * len(known) >= len(numbers) else None


def _find_mode(encoder: CategoricalEncoder, codes: Matrix) -> Cell:
    shifted = np.where(np.isnan(codes[:, 0]), len(encoder.categories), codes[:, 0]).astype(np.int64)
    counts = np.bincount(shifted[shifted >= 0], minlength=len(encoder.categories) + 1)
    return (*encoder.categories, None)[int(counts.argmax())]


def _find_middle(encoder: DatetimeEncoder, parts: Matrix) -> Cell:
    days = parts[~np.isnan(parts[:, 0]), 0].astype(np.float64)
    if 2 * len(days) < len(parts):
        return None
    moment = _ORIGIN + timedelta(days=float(np.median(days)))
    return write_date(moment if encoder.has_time else moment.replace(hour=0, minute=0, second=0), encoder.date_format)


def _leave_empty(*_: object) -> Cell:
    return None


_CENTRES: dict[type, Callable[..., Cell]] = {
    NumericEncoder: _find_median,
    CategoricalEncoder: _find_mode,
    DatetimeEncoder: _find_middle,
}
