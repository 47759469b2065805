"""What is said of a column of numbers."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the encoded matrix, as algorithms see it."""

    name: str
    """Its name."""
    levels: int = 0
    """How many categories its numbers stand for; 0: they are amounts."""


@lru_cache(maxsize=256)
def find_others(columns: tuple[int, ...], width: int) -> NDArray[np.intp]:
    """Return the columns of a matrix of so many that are not among these."""
    return np.setdiff1d(np.arange(width), columns)
