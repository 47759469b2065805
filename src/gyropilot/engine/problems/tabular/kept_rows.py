"""Rows that are kept as they were read: explanations show their cells, and take words out of their texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT
from gyropilot.engine.files import writing

ROWS = "rows.arrow"
MAX_ROWS = 1000


def keep_rows(tables: list[pa.Table], folds: NDArray[np.uint8], seed: int, folder: Path) -> None:
    """Store a sample of the rows that candidates are only scored on, or of all when there are none, in random order.

    Args:
        tables: what the prepared rows come from, one after the other.
        folds: (n,) the fold of each prepared row.
        seed: which rows are taken.
        folder: the run's.
    """
    held = np.flatnonzero(folds == HOLDOUT)
    rows = held if len(held) else np.arange(len(folds))
    rows = np.random.default_rng(seed).permutation(rows)[:MAX_ROWS]
    parts, first = [], 0
    for table in tables:
        inside = rows[(rows >= first) & (rows < first + table.num_rows)] - first
        first += table.num_rows
        if len(inside):
            parts.append(table.take(inside).select(tables[0].column_names))
    kept = pa.concat_tables(parts, promote_options="permissive").combine_chunks()
    with writing(folder / ROWS) as partial, pa.ipc.new_file(partial, kept.schema) as writer:
        writer.write_table(kept)


def read_kept_rows(folder: Path) -> pa.Table:
    """Return the rows that were kept of a run."""
    with pa.memory_map(str(folder / ROWS)) as file:
        return pa.ipc.open_file(file).read_all()
