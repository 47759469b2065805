"""Columns that are computed from encoded columns, the same in training and in serving.

Derivations are plain data, stored in the manifest of a model, and read base columns only: those that come straight from
cells. What they compute does not depend on which rows are computed together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

PAIR_STRIDE = 1 << 20
"""Two keys become one: the first times this, plus the second."""

_ROWS_AT_ONCE = 4096
_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
}


class Arithmetic(msgspec.Struct, frozen=True, kw_only=True, tag="arithmetic"):
    """Two columns become one; missing where either is, or where no finite number comes out."""

    name: str
    operator: Literal["add", "subtract", "multiply", "divide"]
    left: int
    right: int

    @property
    def reads(self) -> tuple[int, ...]:
        """The base columns it needs."""
        return self.left, self.right


class Lookup(msgspec.Struct, frozen=True, kw_only=True, tag="lookup"):
    """A number for each category of a column, or for each pair of categories of two columns.

    A category's key is 0 when the cell is missing, 1 when its category was not there in training, and its code plus 2
    otherwise. The key of a pair is the first one's times 2^20, plus the second one's.
    """

    name: str
    columns: tuple[int, ...]
    keys: tuple[int, ...] = ()
    """The keys of the numbers, ascending; empty: they are 0, 1, 2 and so on."""
    values: tuple[float | None, ...]
    """A number for each key; none: missing."""
    default: float | None = None
    """The number for all other keys."""
    minuend: int | None = None
    """A column of numbers from which what was looked up is taken off; none: the number stays as it is."""

    @property
    def reads(self) -> tuple[int, ...]:
        """The base columns it needs."""
        return self.columns if self.minuend is None else (*self.columns, self.minuend)

    def __post_init__(self) -> None:
        if not 1 <= len(self.columns) <= 2:
            raise ValueError(f"columns of lookup {self.name!r} must be one or two, not {len(self.columns)}")
        if self.keys and len(self.keys) != len(self.values):
            raise ValueError(f"lookup {self.name!r} has {len(self.keys)} keys and {len(self.values)} values")
        if any(low >= high for low, high in zip(self.keys, self.keys[1:], strict=False)):
            raise ValueError(f"keys of lookup {self.name!r} must ascend")


class MissingCount(msgspec.Struct, frozen=True, kw_only=True, tag="missing_count"):
    """How many of a row's base columns are missing."""

    name: str

    @property
    def reads(self) -> tuple[int, ...]:
        """No column in particular."""
        return ()


class Cyclic(msgspec.Struct, frozen=True, kw_only=True, tag="cyclic"):
    """Where a number stands on a circle, so that the end of a period is next to its beginning."""

    name: str
    column: int
    period: float
    function: Literal["sin", "cos"]

    @property
    def reads(self) -> tuple[int, ...]:
        """The base column it needs."""
        return (self.column,)

    def __post_init__(self) -> None:
        if not self.period > 0:
            raise ValueError(f"the period of {self.name!r} must be above 0, not {self.period}")


Derivation = Arithmetic | Lookup | MissingCount | Cyclic

Matrix = NDArray[np.float32]


def find_keys(base: Matrix, columns: Sequence[int]) -> NDArray[np.int64]:
    """Return each row's key in a lookup of one or two columns of categories."""
    keys: NDArray[np.int64] = _keys(base, np.array(columns)[:, None])[:, 0]
    return keys


def make_lookup(
    name: str,
    columns: Sequence[int],
    keys: NDArray[np.int64],
    values: NDArray[np.float64],
    default: float = math.nan,
    minuend: int | None = None,
) -> Lookup:
    """Return the lookup that has these values.

    Args:
        name: what the new column is called.
        columns: one or two columns of categories, by their places among the base columns.
        keys: (k,) different keys, as `find_keys` makes them.
        values: (k,) the number of each; NaN for missing.
        default: the number of all other keys.
        minuend: a column of numbers from which what is looked up is taken off.
    """
    order = np.argsort(keys)
    keys, values = keys[order], values[order]
    if len(columns) == 1:
        # The keys of one column are close together: their places tell them.
        dense = np.full(int(keys[-1]) + 1 if len(keys) else 0, default, dtype=np.float64)
        dense[keys] = values
        keys, values = keys[:0], dense
    return Lookup(
        name=name,
        columns=tuple(map(int, columns)),
        keys=tuple(keys.tolist()),
        values=tuple(map(_shorten, values.tolist())),
        default=_shorten(default),
        minuend=minuend,
    )


class Program:
    """Derivations that are ready to be computed, all of a kind at once."""

    def __init__(self, derivations: Sequence[Derivation]) -> None:
        self._width = len(derivations)
        groups: dict[Any, list[tuple[int, Any]]] = {}
        for place, each in enumerate(derivations):
            groups.setdefault(_group(each), []).append((place, each))
        self._steps = [
            (np.array([place for place, _ in members]), _compile(kind, [each for _, each in members]))
            for kind, members in groups.items()
        ]

    def extend(self, base: Matrix) -> Matrix:
        """Return the base columns (n, p) with the derived ones after them: (n, p + d)."""
        rows, columns = base.shape
        whole = np.empty((rows, columns + self._width), dtype=np.float32)
        whole[:, :columns] = base
        with np.errstate(all="ignore"):
            for first in range(0, rows, _ROWS_AT_ONCE):
                part = base[first : first + _ROWS_AT_ONCE]
                for places, compute in self._steps:
                    whole[first : first + _ROWS_AT_ONCE, columns + places] = compute(part)
        derived = whole[:, columns:]
        derived[np.isinf(derived)] = np.nan
        return whole


_Compute = Callable[[Matrix], NDArray[Any]]


def _group(derivation: Derivation) -> object:
    if isinstance(derivation, Arithmetic):
        return derivation.operator
    if isinstance(derivation, Lookup):
        return len(derivation.columns), bool(derivation.keys), derivation.minuend is not None
    return type(derivation)


def _compile(kind: object, members: list[Any]) -> _Compute:
    """Return what computes the columns of all members of a group, which are alike, side by side."""
    if isinstance(kind, str):
        return _compile_arithmetic(_OPERATIONS[kind], members)
    if kind is MissingCount:
        return lambda base: np.isnan(base).sum(axis=1, keepdims=True)
    if kind is Cyclic:
        return _compile_cyclic(members)
    find = _compile_sparse(members) if members[0].keys else _compile_dense(members)
    if members[0].minuend is None:
        return find
    minuends = np.array([each.minuend for each in members])
    return lambda base: base[:, minuends].astype(np.float64) - find(base)


def _compile_arithmetic(operation: Callable[[Any, Any], Any], members: list[Arithmetic]) -> _Compute:
    left = np.array([each.left for each in members])
    right = np.array([each.right for each in members])
    return lambda base: operation(base[:, left].astype(np.float64), base[:, right].astype(np.float64))


def _compile_cyclic(members: list[Cyclic]) -> _Compute:
    columns = np.array([each.column for each in members])
    turns = [(getattr(math, each.function), 2 * math.pi / each.period) for each in members]

    def compute(base: Matrix) -> NDArray[np.float64]:
        # numpy's own sine may differ in its last digit between one row and many.
        numbers = base[:, columns].T.tolist()
        return np.array(
            [
                [turn(number * factor) for number in column]
                for (turn, factor), column in zip(turns, numbers, strict=True)
            ]
        ).T

    return compute


def _keys(base: Matrix, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the keys (n, lookups) of lookups, whose columns are (1 or 2, lookups)."""
    picked = base[:, columns]
    keys = np.where(np.isnan(picked), 0, picked + 2).astype(np.int64)
    return keys[:, 0] if len(columns) == 1 else keys[:, 0] * PAIR_STRIDE + keys[:, 1]


def _compile_dense(members: list[Lookup]) -> _Compute:
    """Compile lookups whose numbers lie at their keys, one table after the other; each ends with its default."""
    columns = np.array([each.columns for each in members]).T
    sizes = np.array([len(each.values) for each in members])
    begin = np.cumsum([0, *(sizes + 1)])[:-1]
    values = np.array([value for each in members for value in (*each.values, each.default)], dtype=np.float64)
    return lambda base: values[begin + np.minimum(_keys(base, columns), sizes)]


def _compile_sparse(members: list[Lookup]) -> _Compute:
    """Compile lookups with keys of their own: one sorted list of all, each lookup in a range to itself."""
    columns = np.array([each.columns for each in members]).T
    shift = np.arange(len(members)) * (PAIR_STRIDE * PAIR_STRIDE)
    keys = np.concatenate([np.array(each.keys) + first for each, first in zip(members, shift, strict=True)])
    values = np.array([value for each in members for value in each.values], dtype=np.float64)
    defaults = np.array([each.default for each in members], dtype=np.float64)

    def compute(base: Matrix) -> NDArray[np.float64]:
        wanted = _keys(base, columns) + shift
        places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[places] == wanted, values[places], defaults)

    return compute


def _shorten(number: float) -> float | None:
    """Return the number with no more digits than single precision keeps; None when that is not finite."""
    with np.errstate(over="ignore"):
        single = np.float32(number)
    return float(str(single)) if np.isfinite(single) else None
