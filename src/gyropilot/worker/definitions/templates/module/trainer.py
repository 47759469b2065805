"""Trains the pipelines of this folder with Gyropilot's engine; no server is needed.

python trainer.py train.csv --model model.tar.gz --pipelines dpp0 dpp1 --max-candidates 20
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from gyropilot import engine

# --- the job ---
TASK = engine.Task(target="target", mode=engine.Mode.HYPERPARAMETER_TUNING)
DATA_FORMAT = "csv"
COMPRESSION = ""
MAX_CANDIDATES = None
MAX_RUNTIME_SECONDS = None
RANGES: dict[str, dict[str, engine.Range | engine.Choice]] = {}
# --- the job ends ---


def list_pipelines() -> list[str]:
    """Return the names of the files that describe pipelines."""
    folder = Path(__file__).with_name("candidate_data_processors")
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def load_pipeline(name: str) -> engine.Pipeline:
    """Return the pipeline that a file of `candidate_data_processors` describes.

    Raises:
        ValueError: when there is no such file.
    """
    if name not in list_pipelines():
        raise ValueError(f"There is no pipeline {name!r}; there are {', '.join(list_pipelines())}.")
    module: Any = import_module(f"candidate_data_processors.{name}")
    pipeline: engine.Pipeline = module.PIPELINE
    return pipeline


def read_files(paths: Sequence[Path | str]) -> engine.Files:
    """Return data files as the engine takes them; they have one header, and the format of the job's data."""
    return engine.Files(paths=[Path(path) for path in paths], data_format=DATA_FORMAT, compression=COMPRESSION)


def train(
    paths: Sequence[Path | str],
    pipelines: Sequence[engine.Pipeline],
    *,
    validation: Sequence[Path | str] = (),
    ranges: Mapping[str, Mapping[str, engine.Range | engine.Choice]] = RANGES,
    budget: engine.Budget | None = None,
    on_event: Callable[[Any], None] = engine.print_progress,
) -> engine.Model:
    """Tune the pipelines and return the best model.

    Args:
        paths: files to learn from.
        pipelines: what is tuned, at most ten.
        validation: files on which candidates are only scored.
        ranges: for each algorithm, what its hyperparameters may be.
        budget: how much may be spent; what the job may spend unless given.
        on_event: called with everything that happens.
    """
    return engine.fit(
        read_files(paths),
        replace(TASK, tuning=engine.Tuning(pipelines=tuple(pipelines), ranges=ranges)),
        budget or engine.Budget(max_candidates=MAX_CANDIDATES, max_runtime_seconds=MAX_RUNTIME_SECONDS),
        validation=read_files(validation) if validation else None,
        on_event=on_event,
    )


def main() -> None:
    """Train on files and write the best model."""
    parser = argparse.ArgumentParser(description="Tune the candidate pipelines of this folder.")
    parser.add_argument("data", nargs="+", help="files to learn from")
    parser.add_argument("--validation", nargs="+", default=[], help="files on which candidates are only scored")
    parser.add_argument("--model", default="model.tar.gz", help="where the best model goes")
    names = list_pipelines()
    parser.add_argument("--pipelines", nargs="+", default=names, choices=names, help="what is tuned; all unless given")
    parser.add_argument("--max-candidates", type=int, default=MAX_CANDIDATES)
    parser.add_argument("--max-runtime-seconds", type=float, default=MAX_RUNTIME_SECONDS)
    given = parser.parse_args()
    model = train(
        given.data,
        [load_pipeline(name) for name in given.pipelines],
        validation=given.validation,
        budget=engine.Budget(max_candidates=given.max_candidates, max_runtime_seconds=given.max_runtime_seconds),
    )
    model.save(given.model)
    print(f"The best model is in {given.model}.")


if __name__ == "__main__":
    main()
