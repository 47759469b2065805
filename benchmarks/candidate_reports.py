"""Measures what the reports on a candidate cost, by the rows of its table.

python -m benchmarks.candidate_reports [--rows 1000,100000,1000000] [--columns 20] [--seed 0]

Tables are those of `benchmarks.growth`. On each one model of LightGBM is trained; then the program that a job starts
for it explains and assesses that model, with page, PDF and notebook. Prints a Markdown table and writes
`benchmarks/results/candidate_reports.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from benchmarks.environments import ROOT
from benchmarks.growth import TARGET, make_table
from benchmarks.machine import describe_machine
from gyropilot.engine import Budget, Task, run
from gyropilot.engine.events import RunFinished
from gyropilot.worker.reports.requests import ALL_PAGES, EXPLAINABILITY, INSIGHTS, Answer, Request

RESULT = ROOT / "benchmarks" / "results" / "candidate_reports.json"
PROGRAM = "gyropilot.worker.reports.make"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a report on a model of so many rows cost, imports and reading the run's folder included."""

    rows: int
    columns: int
    kind: str
    seconds: float
    processor_seconds: float
    peak_memory_bytes: int


def train(folder: Path, rows: int, columns: int, seed: int) -> str:
    """Train one model on a table of so many rows and return its name within the run."""
    table = folder / "table.parquet"
    pq.write_table(make_table(rows, columns, seed + 1), table)
    task = Task(target=TARGET, algorithms=("lightgbm",), seed=seed)
    for event in run([table], task, Budget(max_candidates=1), folder=folder / "run", data_format="parquet"):
        if isinstance(event, RunFinished):
            return event.best.id
    raise AssertionError("a run ends with RunFinished")


def measure(rows: int, columns: int, seed: int) -> Iterator[Cost]:
    """Make both reports on a model of so many rows."""
    with tempfile.TemporaryDirectory(prefix="gyropilot-reports-") as name:
        folder = Path(name)
        # In a process of its own: what this one holds would count as the reporting program's memory.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            best = pool.submit(train, folder, rows, columns, seed).result()
        for kind in (EXPLAINABILITY, INSIGHTS):
            place = str(folder / kind)
            request = Request(kind=kind, id=best, name=best, job="measured", folder=place, pages=ALL_PAGES)
            yield _make(request, folder / "run", rows, columns)


def _make(request: Request, folder: Path, rows: int, columns: int) -> Cost:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", PROGRAM, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    with process.stdin:
        process.stdin.write(msgspec.json.encode(request) + b"\n")
    with process.stdout:
        answer = msgspec.json.decode(process.stdout.read(), type=Answer)
    _, status, usage = os.wait4(process.pid, 0)
    if status or answer.error:
        raise SystemExit(f"the report on {rows} rows ended with status {status}: {answer.error}")
    return Cost(
        rows=rows,
        columns=columns,
        kind=request.kind,
        seconds=time.monotonic() - began,
        processor_seconds=usage.ru_utime + usage.ru_stime,
        peak_memory_bytes=usage.ru_maxrss * 1024,
    )


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000,100000,1000000", help="of each table")
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    costs = []
    print("| rows | report | seconds | processor seconds | peak memory |\n|---:|---|---:|---:|---:|")
    for rows in map(int, given.rows.split(",")):
        for cost in measure(rows, given.columns, given.seed):
            costs.append(cost)
            print(
                f"| {cost.rows:,} | {cost.kind} | {cost.seconds:.1f} s | {cost.processor_seconds:.1f} s "
                f"| {cost.peak_memory_bytes / 2**20:.0f} MiB |",
                flush=True,
            )
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "costs": [asdict(cost) for cost in costs],
    }
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
