"""What an ONNX graph is gathered in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

INPUT = "features"
"""The graph's input: encoded rows (n, features)."""


class Nodes:
    """Gathers nodes and constants under names of their own."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0

    def name(self, stem: str) -> str:
        """Return a name that nothing else has."""
        self._count += 1
        return f"{stem}_{self._count}"

    def constant(self, array: NDArray[Any] | np.float32, stem: str = "constant") -> str:
        """Add a constant and return its name."""
        name = self.name(stem)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, operator: str, inputs: Sequence[str], *, domain: str = "", **attributes: Any) -> str:
        """Add an operator and return the name of its only output."""
        output = self.name(operator.lower())
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def pick(self, columns: NDArray[np.int32]) -> str:
        """Add the choice of some columns of the input."""
        return self.add("Gather", [INPUT, self.constant(columns.astype(np.int64))], axis=1)
