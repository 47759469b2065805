"""Measures the command line as one waits for it: imports, help, and a whole `gyropilot fit`.

python -m benchmarks.command_line [--budget 20] [--repeats 10] [--fits 3]

Starts fresh processes. `fit` trains on 1,000 rows of `examples/data/adult.csv`, without a server, which it starts
itself, and then with it; medians of several such pairs are told. Everything has its bytecode, as it has for a user from
the second start on: it is kept in a folder of this run, and the first pair, which fills it, is not counted. Prints a
Markdown table and writes `benchmarks/results/command_line.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "command_line.json"
DATA = ROOT / "examples" / "data" / "adult.csv"
TARGET = "income"
ROWS = 1_000
PROGRAM = ("-m", "gyropilot.cli")
FIRST_MODEL = re.compile(r"^\d+:\d\d  \S+ \([\w-]+\): F1 [\d.]+")
"""A line that tells of a candidate."""
ASKED = {
    "import gyropilot": "0.3 s at most",
    "gyropilot --help": "0.4 s at most",
    "first model": "5 s at most",
    "over the budget": "5 s at most",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a process took its time."""

    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a `gyropilot fit` went, from the start of its process."""

    first_line_seconds: float
    """Until the job's name stood there."""
    first_model_seconds: float
    """Until the first candidate stood there with its score."""
    wall_seconds: float
    over_budget_seconds: float
    """Of the whole command; negative: it was through before its budget."""
    candidates: int


def give_bytecode(folder: Path) -> None:
    """Have all programs that are started keep their bytecode here, even where the environment forbids to write any.

    Without it each of them would compile the libraries anew, which takes longer than all else.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)


def time_process(arguments: Sequence[str], repeats: int) -> Run:
    """Run Python with these arguments several times and return the median times; one run before is not counted."""
    runs = []
    for _ in range(repeats + 1):
        before, began_at = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - began_at
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        runs.append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    walls, cpus = zip(*runs[1:], strict=True)
    return Run(wall_seconds=statistics.median(walls), cpu_seconds=statistics.median(cpus))


def time_fit(table: Path, home: Path, budget: int) -> Fit:
    """Run the command as a user would, and look at what it says when.

    Raises:
        RuntimeError: when it fails, or shows no candidate.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GYROPILOT_", "AWS_"))}
    environment = kept | {"GYROPILOT_HOME": str(home), "GYROPILOT_PORT": "0"}
    arguments = ("fit", str(table), "--target", TARGET, "--time", f"{budget}s", "--metric", "F1")
    command = [sys.executable, *PROGRAM, *arguments, "--problem-type", "binary"]
    began_at = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        seen = [(time.perf_counter() - began_at, line) for line in running.stdout]
    wall = time.perf_counter() - began_at
    models = [moment for moment, line in seen if FIRST_MODEL.match(line)]
    if running.returncode or not models:
        raise RuntimeError(f"gyropilot fit ended with {running.returncode}: {''.join(line for _, line in seen)}")
    return Fit(
        first_line_seconds=seen[0][0],
        first_model_seconds=models[0],
        wall_seconds=wall,
        over_budget_seconds=wall - budget,
        candidates=len(models),
    )


def time_fits(budget: int, repeats: int) -> dict[str, Fit]:
    """Run the command without a server and with the one that it started, and return the medians of several pairs.

    One pair before is not counted.
    """
    pairs = [time_pair(budget) for _ in range(repeats + 1)][1:]
    return {name: take_medians([pair[name] for pair in pairs]) for name in pairs[0]}


def take_medians(fits: Sequence[Fit]) -> Fit:
    """Return the median of each figure; of an even number the lower one of the middle."""
    return Fit(**{field.name: statistics.median_low(getattr(fit, field.name) for fit in fits) for field in fields(Fit)})


def time_pair(budget: int) -> dict[str, Fit]:
    """Run the command twice, without a server and with the one that it started."""
    with tempfile.TemporaryDirectory(prefix="gyropilot-benchmark-") as folder:
        home, table = Path(folder) / "home", Path(folder) / "people.csv"
        table.write_bytes(b"".join(DATA.read_bytes().splitlines(keepends=True)[: ROWS + 1]))
        try:
            return {name: time_fit(table, home, budget) for name in ("without a server", "with a server")}
        finally:
            server = psutil.Process(json.loads((home / "server.json").read_bytes())["pid"])
            server.terminate()
            server.wait(60)


def format_report(starts: dict[str, Run], fits: dict[str, Fit]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| what | measured | asked for |", "|---|---|---|"]
    for name, run in starts.items():
        figures = f"{run.wall_seconds:.2f} s, {run.cpu_seconds:.2f} s of a core"
        lines.append(f"| {name}, a process | {figures} | {ASKED.get(name, '')} |")
    for name, fit in fits.items():
        lines += [
            f"| fit {name}: its job is there | {fit.first_line_seconds:.2f} s | |",
            f"| fit {name}: first model | {fit.first_model_seconds:.2f} s | {ASKED['first model']} |",
            f"| fit {name}: over the budget | {fit.over_budget_seconds:+.2f} s, {fit.candidates} candidates "
            f"| {ASKED['over the budget']} |",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=20, help="limit of each fit in seconds")
    parser.add_argument("--repeats", type=int, default=10, help="how often a process is started")
    parser.add_argument("--fits", type=int, default=3, help="how many pairs of fits are timed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gyropilot-bytecode-") as folder:
        give_bytecode(Path(folder))
        starts = {
            "python": time_process(("-c", "pass"), options.repeats),
            "import gyropilot": time_process(("-c", "import gyropilot"), options.repeats),
            "gyropilot --help": time_process((*PROGRAM, "--help"), options.repeats),
            "gyropilot version": time_process((*PROGRAM, "version"), options.repeats),
        }
        fits = time_fits(options.budget, options.fits)
    print(format_report(starts, fits))
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "load_average": os.getloadavg()[0],
        "budget_seconds": options.budget,
        "fit_pairs": options.fits,
        "starts": {name: asdict(run) for name, run in starts.items()},
        "fits": {name: asdict(fit) for name, fit in fits.items()},
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
