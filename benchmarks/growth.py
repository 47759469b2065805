"""Measures how the time and the memory of Gyropilot's training grow with the rows of a table.

python -m benchmarks.growth [--rows 10000,100000,1000000] [--columns 100] [--budgets 60,120,600] [--seed 0]

One synthetic generator makes all tables: numbers, some of them missing, and texts of few and of many categories; the
answer is one of two classes. What grows with the rows is the time to a first model, which is the same model on every
table, and the memory; a budget is used up whatever the table. Prints a Markdown table; writes `growth.json`,
`growth.md` and `growth.svg` to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.environments import ROOT
from benchmarks.machine import describe_machine
from benchmarks.splits import DataSet, Split
from benchmarks.tabular import Plan, choose_cores, find_pythons, measure_run

RESULTS = ROOT / "benchmarks" / "results"
SYSTEM = "gyropilot"
TARGET = "answer"
TEST_ROWS = 10_000
TEXT_SHARE = 0.2
"""Every fifth column is text."""
CATEGORIES = (5, 40, 1_000)
MISSING_SHARE = 0.05
SIGNAL_COLUMNS = 12


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What a table of so many rows cost."""

    rows: int
    columns: int
    budget_seconds: float
    failure: str
    error: float | None
    """1 - AUC."""
    fit_seconds: float | None
    first_model_seconds: float | None
    """From the loaded table to a first model: reading its kinds, preparing it, training, scoring and exporting."""
    models: int | None
    peak_memory_bytes: int

    @property
    def microseconds_per_row(self) -> float | None:
        """Time to the first model for each row."""
        return None if self.first_model_seconds is None else 1e6 * self.first_model_seconds / self.rows

    @property
    def bytes_per_row(self) -> float:
        """Peak memory for each row; for few rows it is that of the programs."""
        return self.peak_memory_bytes / self.rows


def make_table(rows: int, columns: int, seed: int) -> pa.Table:
    """Return a table of that many rows and features, and a target of two classes that some of them explain."""
    generator = np.random.default_rng(seed)
    effects = np.random.default_rng(0)  # what is to be learned is the same in all tables
    logit = np.zeros(rows)
    features: dict[str, pa.Array] = {}
    for index in range(columns):
        weight = effects.normal() if index < SIGNAL_COLUMNS else 0.0
        if index % round(1 / TEXT_SHARE) == 0:
            features[f"text_{index}"], signal = _make_text(generator, effects, rows, CATEGORIES[index % 3])
        else:
            features[f"number_{index}"], signal = _make_numbers(generator, rows)
        logit += weight * signal
    chances = 1 / (1 + np.exp(-logit))
    answers = np.where(generator.random(rows) < chances, "yes", "no")
    return pa.table({**features, TARGET: pa.array(answers.tolist(), pa.string())})


def _make_text(
    generator: np.random.Generator, effects: np.random.Generator, rows: int, categories: int
) -> tuple[pa.Array, NDArray[np.float64]]:
    codes = generator.integers(0, categories, size=rows)
    words = pa.array([f"word {number}" for number in range(categories)])
    return words.take(pa.array(codes)), effects.normal(size=categories)[codes]


def _make_numbers(generator: np.random.Generator, rows: int) -> tuple[pa.Array, NDArray[np.float64]]:
    values = generator.normal(size=rows)
    is_missing = generator.random(rows) < MISSING_SHARE
    return pa.array(values.round(4), mask=is_missing), np.where(is_missing, 0.0, np.sin(2 * values) + values)


def measure_growth(rows: int, columns: int, budget: float, seed: int) -> Growth:
    """Train on a table of that many rows, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="gyropilot-growth-") as name:
        folder = Path(name)
        split = Split(train=folder / "train.parquet", test=folder / "test.parquet")
        pq.write_table(make_table(rows, columns, seed + 1), split.train)
        pq.write_table(make_table(TEST_ROWS, columns, seed + 2), split.test)
        data = DataSet(name=f"growth_{rows}", path=split.train, target=TARGET, problem="binary", weight="")
        plan = Plan(
            sets=[data],
            systems=[SYSTEM],
            budgets=[budget],
            seed=seed,
            weighted=False,
            cores=choose_cores(),
            pythons=find_pythons([SYSTEM], []),
        )
        record = measure_run(plan, data, plan.run_of(data, SYSTEM, budget), split, folder)
    return Growth(
        rows=rows,
        columns=columns,
        budget_seconds=budget,
        failure=record.failure,
        error=record.error,
        fit_seconds=record.fit_seconds,
        first_model_seconds=record.first_model_seconds,
        models=record.models,
        peak_memory_bytes=record.peak_memory_bytes,
    )


def write_table(growths: Sequence[Growth]) -> str:
    """Return the figures as Markdown."""
    lines = [
        "| rows | columns | first model | per row | peak memory | per row | budget | fit | models | 1 - AUC |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for growth in growths:
        first, per_row = growth.first_model_seconds, growth.microseconds_per_row
        cells = [
            f"{growth.rows:,}",
            f"{growth.columns}",
            "failed" if first is None else f"{first:.1f} s",
            "" if per_row is None else f"{per_row:.1f} µs",
            f"{growth.peak_memory_bytes / 2**20:,.0f} MiB",
            f"{growth.bytes_per_row:,.0f} B",
            f"{growth.budget_seconds:g} s",
            "" if growth.fit_seconds is None else f"{growth.fit_seconds:.1f} s",
            str(growth.models or ""),
            "" if growth.error is None else f"{growth.error:.5f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(growths: Sequence[Growth]) -> str:
    """Return time and memory over rows as an SVG, all axes logarithmic."""
    done = [growth for growth in growths if growth.first_model_seconds]
    panels: list[tuple[str, Callable[[Growth], float]]] = [
        ("to the first model, seconds", lambda growth: growth.first_model_seconds or 1.0),
        ("peak memory, MiB", lambda growth: growth.peak_memory_bytes / 2**20),
    ]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="760" height="320" font-family="sans-serif" font-size="12">'
    ]
    for number, (title, figure) in enumerate(panels):
        points = [(float(growth.rows), figure(growth)) for growth in done]
        parts.append(f'<g transform="translate({70 + 380 * number} 40)">{_draw_panel(title, points)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _draw_panel(title: str, points: Sequence[tuple[float, float]]) -> str:
    width, height = 280, 220
    parts = [f'<text x="0" y="-16">{title}</text>']
    parts.append(f'<path d="M0 0V{height}H{width}" fill="none" stroke="#888"/>')
    if not points:
        return "".join(parts)
    (left, right), (bottom, top) = (_decades([point[axis] for point in points]) for axis in (0, 1))
    for decade in range(left, right + 1):
        x = width * (decade - left) / (right - left)
        parts.append(f'<text x="{x:.0f}" y="{height + 18}" text-anchor="middle">{10**decade:,}</text>')
    for decade in range(bottom, top + 1):
        y = height - height * (decade - bottom) / (top - bottom)
        parts.append(f'<text x="-6" y="{y + 4:.0f}" text-anchor="end">{10.0**decade:,g}</text>')
        parts.append(f'<path d="M0 {y:.0f}H{width}" stroke="#eee"/>')
    places = [
        (
            width * (math.log10(across) - left) / (right - left),
            height - height * (math.log10(up) - bottom) / (top - bottom),
        )
        for across, up in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#1f6feb"/>' for x, y in places]
    return "".join(parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10000,100000,1000000", help="of the tables, separated by commas")
    parser.add_argument("--columns", type=int, default=100, help="features of the tables")
    parser.add_argument("--budgets", default="60,120,600", help="seconds for each table, separated by commas")
    parser.add_argument("--seed", type=int, default=0, help="of the tables and of the training")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder that the figures go to")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    growths: list[Growth] = []
    sizes = [int(rows) for rows in arguments.rows.split(",")]
    budgets = [float(budget) for budget in arguments.budgets.split(",")]
    if len(budgets) not in {1, len(sizes)}:
        parser.error(f"--budgets has {len(budgets)} numbers for {len(sizes)} tables")
    for rows, budget in zip(sizes, budgets * (len(sizes) // len(budgets)), strict=True):
        growths.append(measure_growth(rows, arguments.columns, budget, arguments.seed))
        print(f"{rows:,} rows: {growths[-1].failure or 'done'}", flush=True)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "growth": [asdict(growth) for growth in growths],
    }
    (arguments.results / "growth.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (arguments.results / "growth.md").write_text(write_table(growths), encoding="utf-8")
    (arguments.results / "growth.svg").write_text(draw(growths), encoding="utf-8")
    print(f"\n{write_table(growths)}")


if __name__ == "__main__":
    main()
