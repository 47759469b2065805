"""Measures explanations and statistics of quality: time, additivity, standard error.

python -m benchmarks.explaining [--data examples/data/adult.csv] [--target income] [--budget 60]

Trains the default ensemble on a table, explains rows of it with the best model, assesses it, prints a Markdown table
and writes `benchmarks/results/explaining.json`. With `--folder` an earlier run's folder is gone on with, or kept.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine
from gyropilot.engine import Budget, Task, run
from gyropilot.engine.budget import Deadline
from gyropilot.engine.events import RunFinished
from gyropilot.engine.problems.tabular.evidence import Records
from gyropilot.engine.quality.report import assess

RESULTS = Path(__file__).resolve().parent / "results"
DATA = Path(__file__).resolve().parents[1] / "examples" / "data" / "adult.csv"


def train(data: Path, target: str, budget: float, folder: Path) -> str:
    """Return the best candidate's name."""
    for event in run([data], Task(target=target), Budget(max_runtime_seconds=budget), folder=folder):
        if isinstance(event, RunFinished):
            return event.best.id
    raise AssertionError("a run ends with RunFinished")


def measure_explanation(records: Records, candidate: str) -> dict[str, Any]:
    """Explain the kept rows and return the figures."""
    wall, cpu = time.perf_counter(), time.process_time()
    explained = records.explain(candidate, Deadline())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    explanation, model = explained.explanation, records.open(candidate)
    predictions = model.run(explained.encoder.derive(explained.base)).astype(np.float64)
    given = predictions[:, 1:] if len(model.classes) == 2 else predictions
    whole = explanation.values.sum(axis=1) + explanation.expected
    size = float(np.sqrt((explanation.values**2).mean()))
    return {
        "rows": len(explanation.values),
        "columns": len(explanation.columns),
        "seconds": round(wall, 2),
        "processor_seconds": round(cpu, 2),
        "method": explanation.method,
        "largest_additivity_error": float(np.abs(whole - given).max() / max(1.0, np.abs(given).max())),
        "standard_error_of_a_value": float(np.sqrt((explanation.standard_error**2).mean())),
        "size_of_a_value": size,
    }


def measure_quality(records: Records, candidate: str) -> dict[str, Any]:
    """Assess the candidate and return the figures."""
    wall, cpu = time.perf_counter(), time.process_time()
    evidence, base = records.find_evidence(candidate)
    quality = assess(evidence, records.encoder, base)
    return {
        "rows": quality.rows,
        "seconds": round(time.perf_counter() - wall, 2),
        "processor_seconds": round(time.process_time() - cpu, 2),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description="Measure explanations and statistics of quality.")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--target", default="income")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of training")
    parser.add_argument("--folder", type=Path, help="where the run is kept, or lies already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        folder = given.folder or Path(scratch)
        best = train(given.data, given.target, given.budget, folder)
        records = Records(folder)
        result = records.recall(best)
        document = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": describe_machine(),
            "table": given.data.name,
            "model": {"algorithm": result.algorithm, "size_bytes": result.size_bytes},
            "explanation": measure_explanation(records, best),
            "quality": measure_quality(records, best),
        }
    (RESULTS / "explaining.json").write_text(json.dumps(document, indent=1) + "\n")
    print(write_table(document))


def write_table(document: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    explanation, quality = document["explanation"], document["quality"]
    share = explanation["standard_error_of_a_value"] / explanation["size_of_a_value"]
    return "\n".join(
        [
            f"| {document['table']}, {document['model']['algorithm']} | |",
            "|---|---|",
            f"| {explanation['rows']:,} rows of {explanation['columns']} columns explained | "
            f"{explanation['seconds']} s ({explanation['processor_seconds']} s of processors) |",
            f"| largest error of additivity | {explanation['largest_additivity_error']:.1g} |",
            f"| standard error of a value | {share:.1%} of its size |",
            f"| quality of {quality['rows']:,} rows assessed | {quality['seconds']} s |",
        ]
    )


if __name__ == "__main__":
    main()
