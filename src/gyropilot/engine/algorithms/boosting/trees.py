"""Turns the libraries' trees into the engine's neutral form: thresholds on codes become thresholds on numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import Trees


class TreeCollector:
    """Gathers nodes tree by tree."""

    def __init__(self, borders: Sequence[NDArray[np.float32]]) -> None:
        self._borders = borders
        self._feature: list[int] = []
        self._threshold: list[float] = []
        self._left: list[int] = []
        self._right: list[int] = []
        self._value: list[float] = []
        self._root: list[int] = []
        self._output: list[int] = []

    def begin_tree(self, output: int) -> None:
        """Begin a tree that adds to a raw score; its first node is the next one added."""
        self._root.append(len(self._feature))
        self._output.append(output)

    def add_leaf(self, value: float) -> int:
        """Add a leaf and return its number."""
        return self._add(-1, 0.0, value)

    def add_split(self, feature: int, code: int) -> int:
        """Add a node that sends codes up to `code` left, and return its number; `join` gives it its children."""
        cuts = self._borders[feature]
        if code < 1:
            return self._add(feature, -np.inf, 0.0)
        return self._add(feature, float(cuts[code - 1]) if code <= len(cuts) else np.inf, 0.0)

    def join(self, node: int, left: int, right: int) -> None:
        """Give a node its children."""
        self._left[node], self._right[node] = left, right

    def finish(self, base: NDArray[np.float64]) -> Trees:
        """Return everything gathered."""
        return Trees(
            feature=np.array(self._feature, dtype=np.int32),
            threshold=np.array(self._threshold, dtype=np.float32),
            left=np.array(self._left, dtype=np.int32),
            right=np.array(self._right, dtype=np.int32),
            value=np.array(self._value, dtype=np.float32),
            root=np.array(self._root, dtype=np.int32),
            output=np.array(self._output, dtype=np.int32),
            base=base,
        )

    def _add(self, feature: int, threshold: float, value: float) -> int:
        self._feature.append(feature)
        self._threshold.append(threshold)
        self._left.append(0)
        self._right.append(0)
        self._value.append(value)
        return len(self._feature) - 1
