"""Turns the libraries' trees into the engine's neutral form: thresholds on codes become thresholds on numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import Trees


class TreeCollector:
    """Gathers trees, each as arrays of its nodes."""

    def __init__(self, borders: Sequence[NDArray[np.float32]]) -> None:
        self._borders = borders
        self._trees: list[tuple[NDArray[Any], ...]] = []
        self._outputs: list[int] = []
        self._nodes = 0

    def add_tree(
        self,
        feature: NDArray[Any],
        code: NDArray[Any],
        left: NDArray[Any],
        right: NDArray[Any],
        value: NDArray[Any],
        output: int = 0,
    ) -> None:
        """Add a tree.

        Args:
            feature: (nodes,) column that is asked; -1 in a leaf. The first node is the root.
            code: (nodes,) codes up to it go left.
            left: (nodes,) the node to the left, counted from the root.
            right: (nodes,) the node to the right.
            value: (nodes, numbers) what a leaf adds.
            output: which raw score the first of the leaves' numbers is added to.
        """
        self._trees.append((feature, code, self._nodes + left, self._nodes + right, value))
        self._outputs.append(output)
        self._nodes += len(feature)

    def finish(self, base: NDArray[np.float64]) -> Trees:
        """Return everything gathered."""
        sizes = [len(tree[0]) for tree in self._trees]
        feature, code, left, right, value = (np.concatenate(arrays) for arrays in zip(*self._trees, strict=True))
        feature = feature.astype(np.int32)
        return Trees(
            feature=feature,
            threshold=np.where(feature < 0, 0, find_thresholds(self._borders, feature, code.astype(np.int64))),
            left=np.where(feature < 0, 0, left).astype(np.int32),
            right=np.where(feature < 0, 0, right).astype(np.int32),
            value=np.where((feature < 0)[:, None], value, 0).astype(np.float32),
            root=np.cumsum([0, *sizes[:-1]]).astype(np.int32),
            output=np.array(self._outputs, dtype=np.int32),
            base=base,
        )


def find_thresholds(
    borders: Sequence[NDArray[np.float32]], feature: NDArray[np.int32], code: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the borders above codes: those below 1 only hold missing numbers, above the last one there is none."""
    counts = np.array([len(cuts) for cuts in borders])
    first = np.cumsum(counts) - counts
    flat = np.concatenate([*borders, np.zeros(1, dtype=np.float32)])
    place = np.clip(first[feature] + code - 1, 0, len(flat) - 1)
    threshold = np.where(code > counts[feature], np.float32(np.inf), flat[place])
    return np.where(code < 1, -np.inf, threshold).astype(np.float32)
