"""Measures what the data exploration of a job costs, by the rows of its table.

python -m benchmarks.reports [--rows 1000,100000,1000000] [--columns 100] [--seed 0] [--folder FOLDER]

Tables are those of `benchmarks.growth`. For each, the table is read and prepared as at the start of a run, which keeps
the sample; then the exploration is made by the program that a job starts for it, with one thread. Prints a Markdown
table and writes `reports.json` and `reports.md` to `benchmarks/results/`, or to the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.environments import ROOT
from benchmarks.growth import TARGET, make_table
from benchmarks.machine import describe_machine
from gyropilot.engine.data.source import Files
from gyropilot.engine.explore.sample import FACTS, TABLE
from gyropilot.engine.problems.tabular.prepare import SAMPLE, prepare
from gyropilot.engine.task import Task
from gyropilot.worker.reports.explore_table import NOTEBOOK, PAGE
from gyropilot.worker.reports.exploring import ONE_THREAD, PROGRAM

RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What the exploration of a table of so many rows cost."""

    rows: int
    columns: int
    prepare_seconds: float
    """Reading and preparing the table, the sample among it."""
    sample_bytes: int
    seconds: float
    """Wall clock of the exploring program."""
    processor_seconds: float
    peak_memory_bytes: int
    page_bytes: int
    notebook_bytes: int


def keep_sample(folder: Path, rows: int, columns: int, seed: int) -> float:
    """Prepare a table of so many rows in a folder, and return how many seconds that took."""
    table = folder / "table.parquet"
    pq.write_table(make_table(rows, columns, seed + 1), table)
    began = time.monotonic()
    prepare(Files(paths=[table], data_format="parquet", compression=""), None, Task(target=TARGET), folder)
    return time.monotonic() - began


def measure(rows: int, columns: int, seed: int) -> Cost:
    """Explore a table of so many rows."""
    with tempfile.TemporaryDirectory(prefix="gyropilot-reports-") as name:
        folder = Path(name)
        # In a process of its own: what this one holds would count as the exploring program's memory.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            prepare_seconds = pool.submit(keep_sample, folder, rows, columns, seed).result()
        sample, out = folder / SAMPLE, folder / "out"
        began = time.monotonic()
        command = [sys.executable, "-m", PROGRAM, str(sample), str(out), "--job", f"rows-{rows}"]
        process = subprocess.Popen(command, env={**os.environ, **ONE_THREAD})
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"the exploration of {rows} rows ended with status {status}")
        return Cost(
            rows=rows,
            columns=columns,
            prepare_seconds=prepare_seconds,
            sample_bytes=sum((sample / part).stat().st_size for part in (TABLE, FACTS)),
            seconds=time.monotonic() - began,
            processor_seconds=usage.ru_utime + usage.ru_stime,
            peak_memory_bytes=usage.ru_maxrss * 1024,
            page_bytes=(out / PAGE).stat().st_size,
            notebook_bytes=(out / NOTEBOOK).stat().st_size,
        )


def tabulate(costs: Sequence[Cost]) -> str:
    """Return the costs as a Markdown table."""
    lines = [
        "| rows | columns | preparing | exploring | processor | peak memory | sample | page | notebook |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {cost.rows:,} | {cost.columns} | {cost.prepare_seconds:.1f} s | {cost.seconds:.1f} s "
            f"| {cost.processor_seconds:.1f} s | {cost.peak_memory_bytes / 2**20:,.0f} MiB "
            f"| {cost.sample_bytes / 1e6:.1f} MB | {cost.page_bytes / 1e6:.2f} MB "
            f"| {cost.notebook_bytes / 1e6:.2f} MB |"
            for cost in costs
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all sizes and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reports", description=__doc__)
    parser.add_argument("--rows", default="1000,100000,1000000")
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=RESULTS)
    given = parser.parse_args()
    costs = [measure(int(rows), given.columns, given.seed) for rows in given.rows.split(",")]
    text = tabulate(costs)
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "costs": [asdict(cost) for cost in costs],
    }
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "reports.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (given.folder / "reports.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
