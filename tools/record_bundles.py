"""Keeps one bundle of each problem type of this release, with what it predicts, for the tests of later releases.

Run once when a release is made: `python tools/record_bundles.py`. It never writes over a bundle that is there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import gyropilot
from gyropilot.engine import Budget, Task, fit

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "bundles"
ROWS = [["0.5", "red", "2024-03-04"], ["", "never seen", ""], ["-2", "", "2023-12-31"], ["1e3", "blue", "soon"]]


def make_table(problem: str) -> pa.Table:
    """Return a table with amounts, categories and dates, some missing, and an answer that follows them."""
    random = np.random.default_rng(0)
    amount = random.normal(size=300)
    colour = random.choice(["red", "green", "blue"], size=300)
    month = random.integers(1, 13, size=300)
    signal = amount + (colour == "red") + 0.1 * month + 0.2 * random.normal(size=300)
    answers: dict[str, list[Any]] = {
        "regression": signal.tolist(),
        "binary": np.where(signal > np.median(signal), "yes", "no").tolist(),
        "multiclass": np.select([signal < 0.3, signal > 1.3], ["low", "high"], "middle").tolist(),
    }
    return pa.table(
        {
            "amount": pa.array([None if row % 13 == 0 else value for row, value in enumerate(amount.tolist())]),
            "colour": pa.array([None if row % 11 == 0 else value for row, value in enumerate(colour.tolist())]),
            "when": [f"2024-{number:02d}-15" for number in month],
            "answer": answers[problem],
        }
    )


def main() -> None:
    """Write what is not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for problem in ("binary", "multiclass", "regression"):
        archive = FOLDER / f"{gyropilot.__version__}-{problem}.tar.gz"
        if archive.exists():
            print(f"{archive.name} is there already")
            continue
        fitted = fit(make_table(problem), Task(target="answer"), Budget(max_candidates=4))
        prediction = fitted.predictor.predict_rows(ROWS)
        expected: dict[str, Any] = {"rows": ROWS, "labels": list(prediction.labels)}
        if prediction.values is not None:
            expected["values"] = prediction.values.tolist()
        if prediction.probabilities is not None:
            expected["probabilities"] = prediction.probabilities.tolist()
        archive.with_name(archive.name.removesuffix(".tar.gz") + ".json").write_text(json.dumps(expected, indent=1))
        fitted.save(archive)
        print(f"{archive.name}: {archive.stat().st_size:,} bytes, {fitted.candidates[0].algorithm}")


if __name__ == "__main__":
    main()
