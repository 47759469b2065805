"""Keeps bundles of this release, with what they predict, for the tests of later releases: one of each problem type, and
one of columns of every kind.

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


def make_columns() -> pa.Table:
    """Return a table with columns of every kind, each of which has a say in the answer."""
    random = np.random.default_rng(1)
    topic = random.integers(2, size=400)
    words = [("ship", "sailor", "harbour", "wave"), ("butter", "oven", "flour", "sugar")]
    days = random.integers(1, 29, size=(400, 2))
    town = random.integers(40, size=400)
    level = random.normal(size=400)
    readings = level[:, None] + 0.1 * random.normal(size=(400, 12))
    noise = 0.1 * random.normal(size=400)
    return pa.table(
        {
            "town": [f"town {number}" for number in town],
            "note": [f"The {' '.join(random.choice(words[each], size=5))}." for each in topic],
            "readings": [",".join(f"{number:.2f}" for number in row) for row in readings],
            "opened": [f"2024-03-{day:02d}T08:30" for day in days[:, 0]],
            "closed_timestamp": (1_711_929_600 + 86_400 * days[:, 1]).astype(np.float64),
            "price": [f"${number:,.2f}" for number in np.exp(5 + level)],
            "answer": topic + level + 0.1 * (days[:, 1] - days[:, 0]) + 0.05 * (town % 7) + noise,
        }
    )


COLUMN_ROWS = [
    ["town 3", "a Sailor, a ship!", "1.5,1.4,,1.6", "2024-03-05T08:30", "1712016000", "$1,234.50"],
    ["nowhere", "", "", "", "", ""],
    ["", "unheard of", "[1; 2; 3]", "2024-03-20T08:30+02:00", "1.7126208e9", "99"],
]


def main() -> None:
    """Write what is not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    problems = ("binary", "multiclass", "regression")
    tables = {problem: (make_table(problem), ROWS) for problem in problems} | {"columns": (make_columns(), COLUMN_ROWS)}
    for problem, (table, rows) in tables.items():
        archive = FOLDER / f"{gyropilot.__version__}-{problem}.tar.gz"
        if archive.exists():
            print(f"{archive.name} is there already")
            continue
        fitted = fit(table, Task(target="answer"), Budget(max_candidates=4))
        prediction = fitted.predictor.predict_rows(rows)
        expected: dict[str, Any] = {"rows": rows, "labels": list(prediction.labels)}
        if prediction.values is not None:
            expected["values"] = prediction.values.tolist()
        if prediction.probabilities is not None:
            expected["probabilities"] = prediction.probabilities.tolist()
        archive.with_name(archive.name.removesuffix(".tar.gz") + ".json").write_text(json.dumps(expected, indent=1))
        fitted.save(archive)
        print(f"{archive.name}: {archive.stat().st_size:,} bytes, {fitted.candidates[0].algorithm}")


if __name__ == "__main__":
    main()
