"""Programs that serving is compared by: a model server that starts cold, a library alone, AutoGluon and a wrapper."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import urllib3

from benchmarks.environments import prepare_environment
from benchmarks.latency import measure_latency

STARTS = 5
START_SECONDS = 60.0
POLL_SECONDS = 0.002
TREES = 500
ROOT = Path(__file__).resolve().parents[1]


def measure_cold_start(archive: Path, folder: Path, row: bytes) -> dict[str, float]:
    """Return medians over fresh model servers: seconds from the start to the first prediction, MiB when idle then."""
    seconds: list[float] = []
    memory: list[float] = []
    for _ in range(STARTS):
        announcement = folder / "address"
        command = [sys.executable, "-m", "gyropilot.serving", "--model", str(archive), "--port", "0"]
        began_at = time.perf_counter()
        process = subprocess.Popen([*command, "--announce", str(announcement)], cwd=ROOT)
        try:
            address = wait_for_address(announcement, process)
            answer = urllib3.request(
                "POST", f"{address}/invocations", body=row, headers={"content-type": "text/csv", "connection": "close"}
            )
            seconds.append(time.perf_counter() - began_at)
            if answer.status != 200:  # HTTP: OK
                raise RuntimeError(f"answered {answer.status}: {answer.data!r}")
            memory.append(psutil.Process(process.pid).memory_info().rss / 2**20)
        finally:
            process.terminate()
            process.wait(30)
            announcement.unlink(missing_ok=True)
    return {"seconds": round(statistics.median(seconds), 3), "idle_mib": round(statistics.median(memory), 1)}


def wait_for_address(announcement: Path, process: subprocess.Popen[bytes], seconds: float = START_SECONDS) -> str:
    """Return what a program announces.

    Raises:
        RuntimeError: when it ends before, or takes too long.
    """
    deadline = time.monotonic() + seconds
    while not announcement.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} does not listen")
        time.sleep(POLL_SECONDS)
    return announcement.read_text(encoding="utf-8")


def measure_trees(training: Path, target: str, calls: int) -> dict[str, Any]:
    """Return what LightGBM's own `predict` takes for a row of numbers that is at hand, of one model of 500 trees."""
    # Only here: the processes of senders import what the main program does, and are to be up soon.
    import lightgbm
    import numpy as np
    import pyarrow.csv

    table = pyarrow.csv.read_csv(training)
    columns = [table.column(name) for name in table.column_names if name != target]
    codes = [
        column.dictionary_encode().combine_chunks().indices if str(column.type) == "string" else column
        for column in columns
    ]
    matrix = np.column_stack([np.asarray(column, dtype=np.float64) for column in codes])
    answers = np.asarray(table.column(target).dictionary_encode().combine_chunks().indices)
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, lightgbm.Dataset(matrix, answers), TREES)
    one = measure_latency(lambda number: booster.predict(matrix[number % len(matrix)][None]), calls=calls, warm_up=50)
    many = np.tile(matrix, (-(-100_000 // len(matrix)), 1))[:100_000]
    began_at = time.perf_counter()
    booster.predict(many)
    return {"one_row": one.as_document(), "100000_rows_seconds": round(time.perf_counter() - began_at, 4)}


def measure_rival(
    training: Path,
    rows: bytes,
    target: str,
    budget: int,
    folder: Path,
    measure_http: Callable[[str], dict[str, float]],
) -> dict[str, Any]:
    """Train AutoGluon (`high_quality`) in its own environment and return what its predictions cost."""
    python = prepare_environment("autogluon")
    (folder / "rows.csv").write_bytes(rows)
    announcement, figures = folder / "rival-address", folder / "rival.json"
    process = subprocess.Popen(
        [
            str(python), "-m", "benchmarks.autogluon_server", "--training", str(training), "--target", target,
            "--rows", str(folder / "rows.csv"), "--budget", str(budget), "--figures", str(figures),
            "--announce", str(announcement),
        ],
        cwd=ROOT,
    )  # fmt: skip
    try:
        address = wait_for_address(announcement, process, 5 * budget + 600.0)
        over_http = measure_http(address)
    finally:
        process.terminate()
        process.wait(60)
    found: dict[str, Any] = json.loads(figures.read_bytes())
    return {**found, "over_http": over_http}
