"""Arrow without pandas, which it imports with the first array that it makes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

import pyarrow as pa


def leave_pandas_out() -> None:
    """Have Arrow do without pandas in this process: a worker holds no frames, and a small table is read much sooner.

    Once Arrow has found that there is none it does not look again, but where a frame is asked for.
    """
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        pa.array([True])
    finally:
        sys.meta_path.remove(hidden)


class _Hidden(MetaPathFinder):
    """Says of pandas, unless it is imported already, that it is not installed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:  # noqa: ARG002
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
