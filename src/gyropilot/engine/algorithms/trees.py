"""Turns the libraries' trees into the engine's neutral form: thresholds on codes become thresholds on numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import Trees


class TreeCollector:
    """Gathers trees: whole, or node by node."""

    def __init__(self, borders: Sequence[NDArray[np.float32]]) -> None:
        self._borders = borders
        self._feature: list[int] = []
        self._code: list[int] = []
        self._left: list[int] = []
        self._right: list[int] = []
        self._value: list[Sequence[float]] = []
        self._root: list[int] = []
        self._output: list[int] = []

    def add_tree(
        self,
        feature: NDArray[np.int64],
        code: NDArray[np.int64],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        value: NDArray[np.float64],
    ) -> None:
        """Add a tree whose leaves add to all raw scores.

        Args:
            feature: (nodes,) column that is asked; -1 in a leaf.
            code: (nodes,) codes up to it go left.
            left: (nodes,) the node to the left, counted from this tree's root.
            right: (nodes,) the node to the right.
            value: (nodes, outputs) what a leaf adds.
        """
        first = len(self._feature)
        self.begin_tree(0)
        self._feature += feature.tolist()
        self._code += code.tolist()
        self._left += (first + left).tolist()
        self._right += (first + right).tolist()
        self._value += value.tolist()

    def begin_tree(self, output: int) -> None:
        """Begin a tree that adds to a raw score; its first node is the next one added."""
        self._root.append(len(self._feature))
        self._output.append(output)

    def add_leaf(self, value: float) -> int:
        """Add a leaf and return its number."""
        return self._add(-1, 0, value)

    def add_split(self, feature: int, code: int) -> int:
        """Add a node that sends codes up to `code` left, and return its number; `join` gives it its children."""
        return self._add(feature, code, 0.0)

    def join(self, node: int, left: int, right: int) -> None:
        """Give a node its children."""
        self._left[node], self._right[node] = left, right

    def finish(self, base: NDArray[np.float64]) -> Trees:
        """Return everything gathered."""
        feature = np.array(self._feature, dtype=np.int32)
        return Trees(
            feature=feature,
            threshold=_find_thresholds(self._borders, feature, np.array(self._code, dtype=np.int64)),
            left=np.array(self._left, dtype=np.int32),
            right=np.array(self._right, dtype=np.int32),
            value=np.array(self._value, dtype=np.float32),
            root=np.array(self._root, dtype=np.int32),
            output=np.array(self._output, dtype=np.int32),
            base=base,
        )

    def _add(self, feature: int, code: int, value: float) -> int:
        self._feature.append(feature)
        self._code.append(code)
        self._left.append(0)
        self._right.append(0)
        self._value.append((value,))
        return len(self._feature) - 1


def _find_thresholds(
    borders: Sequence[NDArray[np.float32]], feature: NDArray[np.int32], code: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the borders above codes: those below 1 only hold missing numbers, above the last one there is none."""
    counts = np.array([len(cuts) for cuts in borders])
    first = np.cumsum(counts) - counts
    flat = np.concatenate([*borders, np.zeros(1, dtype=np.float32)])
    place = np.clip(first[feature] + code - 1, 0, len(flat) - 1)
    threshold = np.where(code > counts[feature], np.float32(np.inf), flat[place])
    return np.where(feature < 0, 0, np.where(code < 1, -np.inf, threshold)).astype(np.float32)
