"""What the systems have in common whose tables are pandas frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]  # of another environment

from benchmarks.tabular_systems.protocol import System


class FrameSystem(System):
    """Tables and rows are frames: a row that is asked for is a frame of one row, made beforehand."""

    _unwanted: Sequence[str] = ()
    """Columns that are no features: the target, and the weight where there is one."""

    def read(self, path: Path) -> Any:
        """Return the table of a Parquet file."""
        return pd.read_parquet(path)

    def choose_rows(self, table: Any, numbers: Sequence[int]) -> Any:
        """Return a frame of those rows."""
        return table.iloc[list(numbers)].drop(columns=list(self._unwanted)).reset_index(drop=True)
