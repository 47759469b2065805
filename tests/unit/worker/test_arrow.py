"""What a worker does not import, and still can."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import pyarrow as pa
from gyropilot.worker.arrow import leave_pandas_out

leave_pandas_out()
table = pa.table({"a": [1, None]})
assert "pandas" not in sys.modules, "imported"
assert table.to_pandas().shape == (2, 1)
"""


def test_arrow_does_without_pandas_until_a_frame_is_asked_for() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
