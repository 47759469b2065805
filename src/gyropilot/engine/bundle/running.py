"""Opens a bundle's graph and runs it: a few rows in ONNX Runtime as it is, many with its trees as circuits."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gyropilot.engine.budget import count_cores
from gyropilot.engine.bundle.circuits import Layout, prepare_columns, run_circuit
from gyropilot.engine.bundle.manifest import PREDICTOR
from gyropilot.engine.bundle.operators import check_operators
from gyropilot.engine.bundle.trees_in_graph import INPUT, divide_graph
from gyropilot.engine.errors import BundleError

FEWEST_ROWS_AT_ONCE = 256
"""Fewer rows are not worth a thread of their own."""
MOST_ROWS_AT_ONCE = 4096
"""Networks keep several hundred numbers for each row that is predicted at once, circuits a bit for each choice."""
MOST_NUMBERS = 1 << 19
"""Symmetric trees keep thousands for each row; more numbers than this at once do not fit into the processor's cache."""
BYTES_PER_ROW = 3000
"""To make circuits takes about as long as they save with a row for each so many bytes of the graph."""

Numbers = NDArray[np.float32]


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that all models of the process share; ONNX Runtime and numpy work without Python's lock."""
    return ThreadPoolExecutor(count_cores(), thread_name_prefix="predict")


class Graph:
    """A graph that is open; safe to use from several threads.

    Args:
        path: where it lies; the file may be deleted as soon as the graph is open.
        numbers_per_row: how many numbers it keeps for a row at once, where they are many.
    """

    def __init__(self, path: Path, numbers_per_row: int = 0) -> None:
        self._session = _open_session(path)
        self._most = MOST_NUMBERS // max(numbers_per_row, MOST_NUMBERS // MOST_ROWS_AT_ONCE)
        self._circuits = _LateCircuits(path)

    @property
    def width(self) -> int:
        """How many numbers a row must have."""
        return int(self._session.get_inputs()[0].shape[1])

    @property
    def outputs(self) -> int:
        """How many numbers it makes of a row."""
        return int(self._session.get_outputs()[0].shape[1])

    def run(self, features: Numbers) -> Numbers:
        """Return (n, outputs) numbers for encoded rows (n, features)."""
        if len(features) < 2 * FEWEST_ROWS_AT_ONCE:
            return self._run_part(features)
        circuits = self._circuits.find(len(features))
        if circuits is None:
            return _run_parts(self._run_part, features, max(self._most, 1))
        return _run_parts(circuits.run, features, MOST_ROWS_AT_ONCE)

    def _run_part(self, features: Numbers) -> Numbers:
        predictions: Numbers = self._session.run(None, {INPUT: features})[0]
        return predictions


class Circuits:
    """The trees of a graph as circuits, and the rest of the graph."""

    def __init__(self, rest: bytes, layouts: Mapping[str, Layout]) -> None:
        self._session = onnxruntime.InferenceSession(rest, _options(), providers=["CPUExecutionProvider"])
        self._layouts = layouts

    def run(self, features: Numbers) -> Numbers:
        """Return what the graph makes of encoded rows (n, features), some thousands at most."""
        columns = prepare_columns(features)
        given = {name: run_circuit(layout, columns)[: len(features)] for name, layout in self._layouts.items()}
        given[INPUT] = features
        predictions: Numbers = self._session.run(None, given)[0]
        return predictions


class _LateCircuits:
    """Circuits that are made when so many rows were predicted that they would have been worth it."""

    def __init__(self, path: Path) -> None:
        # An open file can be read when its name is gone, and takes no memory until then.
        self._file = os.open(path, os.O_RDONLY)
        self._close = weakref.finalize(self, os.close, self._file)
        self._needed = os.fstat(self._file).st_size // BYTES_PER_ROW
        self._seen = 0
        self._lock = Lock()
        self._made: Circuits | None = None

    def find(self, rows: int) -> Circuits | None:
        """Return the circuits; None: there are none, or not yet.

        Args:
            rows: how many are to be predicted now.
        """
        if not self._close.alive:
            return self._made
        if not self._lock.acquire(blocking=False):
            return None  # another thread makes them
        try:
            self._seen += rows
            if self._seen >= self._needed and self._close.alive:
                with os.fdopen(self._file, "rb", closefd=False) as file:
                    self._made = make_circuits(file.read())
                self._close()
            return self._made
        finally:
            self._lock.release()


def make_circuits(graph: bytes) -> Circuits | None:
    """Return the trees of an ONNX model as circuits; None: it has none that are known, or too large ones."""
    divided = divide_graph(graph)
    return None if divided is None else Circuits(divided.rest, divided.layouts)


def _run_parts(run: Callable[[Numbers], Numbers], features: Numbers, most: int) -> Numbers:
    """Run equal parts of many rows in threads, as many at once as there are cores."""
    cores = count_cores()
    count = cores * -(-len(features) // (cores * most))
    size = max(-(-len(features) // count), min(FEWEST_ROWS_AT_ONCE, most))
    parts = [features[first : first + size] for first in range(0, len(features), size)]
    return np.concatenate(list(_threads().map(run, parts)))


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.load_model_format", "ONNX")  # no other is checked
    options.intra_op_num_threads = 1  # a row is quicker on one thread than shared among several
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _open_session(path: Path) -> onnxruntime.InferenceSession:
    graph = read_graph(path.parent)
    try:
        check_operators(graph)
        del graph
        # From the file: a session keeps the bytes that it is given.
        return onnxruntime.InferenceSession(path, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        # ONNX Runtime's errors have no common class of their own.
        raise BundleError(f"The model's {PREDICTOR} cannot be read: {error}") from error


def open_graph(folder: Path, numbers_per_row: int = 0) -> Graph:
    """Open the graph of a bundle, or of its second stage.

    Args:
        folder: where the bundle lies; it may be deleted as soon as the graph is open.
        numbers_per_row: how many numbers the graph keeps for a row at once, where they are many.

    Raises:
        BundleError: when there is none that can be read.
    """
    return Graph(folder / PREDICTOR, numbers_per_row)


def read_graph(folder: Path) -> bytes:
    """Return the graph that a folder holds.

    Raises:
        BundleError: when there is none.
    """
    try:
        return (folder / PREDICTOR).read_bytes()
    except FileNotFoundError:
        raise BundleError(f"There is no {PREDICTOR} in the model.") from None
