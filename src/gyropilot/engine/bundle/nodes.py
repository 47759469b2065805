"""What an ONNX graph is gathered in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from gyropilot.engine.bundle.operators import OPERATORS
from gyropilot.engine.bundle.trees_in_graph import INPUT


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
        assert operator in OPERATORS[domain], f"{operator} is not among the operators that models are opened with"
        output = self.name(operator.lower())
        small = {name: value for name, value in attributes.items() if not isinstance(value, np.ndarray)}
        node = helper.make_node(operator, list(inputs), [output], name=output, domain=domain, **small)
        for name, value in attributes.items():
            if isinstance(value, np.ndarray):
                _add_array(node, name, value)
        self.nodes.append(node)
        return output

    def pick(self, columns: NDArray[np.int32]) -> str:
        """Add the choice of some columns of the input."""
        return self.add("Gather", [INPUT, self.constant(columns.astype(np.int64))], axis=1)


def _add_array(node: Any, name: str, array: NDArray[Any]) -> None:
    """Add an attribute of many numbers one by one: lists of them would take ten times the memory of the model."""
    attribute = node.attribute.add(name=name)
    if np.issubdtype(array.dtype, np.floating):
        attribute.type = onnx.AttributeProto.FLOATS
        attribute.floats.extend(np.ascontiguousarray(array, dtype=np.float32).data)
    elif array.dtype.kind == "S":
        attribute.type = onnx.AttributeProto.STRINGS
        attribute.strings.extend(map(bytes, array))
    else:
        attribute.type = onnx.AttributeProto.INTS
        attribute.ints.extend(np.ascontiguousarray(array, dtype=np.int64).data)
