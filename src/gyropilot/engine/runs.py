"""Trains models on a table within a budget: the engine's front door."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

from gyropilot.engine.budget import Budget
from gyropilot.engine.bundle.archive import pack
from gyropilot.engine.bundle.load import load
from gyropilot.engine.data.source import Files, Source, find_source
from gyropilot.engine.errors import TaskError
from gyropilot.engine.events import CandidateResult, Event, RunFinished
from gyropilot.engine.model import Model
from gyropilot.engine.problems.tabular.ensembling import EnsemblingRun
from gyropilot.engine.problems.tabular.recommendation import recommend_for
from gyropilot.engine.problems.tabular.run import Assignment, TabularRun
from gyropilot.engine.problems.tabular.tuning import TuningRun
from gyropilot.engine.search.spaces import PARAMETERS
from gyropilot.engine.task import Mode, Task
from gyropilot.engine.tuning import Pipeline, Recommendation, Trial, Tuning

LARGE_BYTES = 100_000_000
"""From this size on the mode is tuning where it is left open."""


def run(
    paths: Sequence[Path],
    task: Task,
    budget: Budget,
    *,
    folder: Path,
    validation: Sequence[Path] = (),
    data_format: str = "csv",
    compression: str = "",
    stop: Flag | None = None,
) -> Iterator[Event]:
    """Train on files and yield what happens; a folder that holds the same run unfinished is gone on with.

    Args:
        paths: data files of one header.
        task: what is to be learned.
        budget: the limits; the clock starts with the first event that is asked for.
        validation: data files on which candidates are only scored; none: `task` says how they are.
        folder: where the run keeps its state; a killed run goes on from its last finished candidate.
        data_format: `csv` or `parquet`.
        compression: `gzip` for compressed CSV, or nothing.
        stop: set it from another thread to end the run with the best model so far.

    Raises:
        DataError: when nothing can be learned from the data.
        TaskError: when the task asks for what does not exist or does not fit.
        BudgetSpentError: when the time was over, or a stop asked for, before there was a model.
        TrainingError: when every candidate failed.
    """
    source = Files(paths=paths, data_format=data_format, compression=compression)
    scored = replace(source, paths=validation) if validation else None
    return _run(source, scored, task, budget, folder, stop or Flag())


def fit(
    data: Any,
    target: str | Task,
    budget: Budget | None = None,
    *,
    validation: Any = None,
    folder: Path | str | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Model:
    """Train on a table and return the best model.

    Args:
        data: path of a CSV or Parquet file, a pandas or Polars frame, an Arrow table, columns or rows by name.
        target: the column to predict, or a whole task.
        budget: the limits; None: all cores, until the portfolio is through.
        validation: a table like `data` on which candidates are only scored; None: `target` says how they are.
        folder: where the run's state and bundles stay; None: only the best model stays, in memory.
        on_event: called with everything that happens.

    Raises:
        DataError, TaskError, BudgetSpentError, TrainingError: as `run` does.
    """
    task = target if isinstance(target, Task) else Task(target=target)
    keep = folder is not None
    place = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix="gyropilot-run-"))
    try:
        scored = None if validation is None else find_source(validation)
        for event in _run(find_source(data), scored, task, budget or Budget(), place, Flag()):
            if on_event is not None:
                on_event(event)
            if isinstance(event, RunFinished):
                pack(event.best.folder, place / "model.tar.gz")
                archive = (place / "model.tar.gz").read_bytes()
                return Model(load(event.best.folder), archive, event.candidates)
        raise AssertionError("a run ends with RunFinished")
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)


def recommend(data: Any, task: Task, *, validation: Any = None, folder: Path | str | None = None) -> Recommendation:
    """Return what tuning would try on a table; nothing is trained.

    Args:
        data: a table as `fit` takes it, or a source such as `Files`.
        task: what is to be learned, in the mode of tuning.
        validation: a table like `data` on which candidates would be scored.
        folder: where a run of the same task finds the prepared data again; None: it is not kept.

    Raises:
        DataError, TaskError: as `run` does.
    """
    scored = None if validation is None else find_source(validation)
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="gyropilot-run-") as name:
            return recommend_for(find_source(data), scored, task, Path(name))
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    return recommend_for(find_source(data), scored, task, place)


def repeat(result: CandidateResult) -> Tuning:
    """Return what trains the pipeline of a candidate of tuning again, with its hyperparameters: with one trial, alone.

    Raises:
        TaskError: when the candidate is not one of tuning.
    """
    if not result.pipeline:
        raise TaskError(f"the candidate {result.id!r} has no pipeline: it is not one of tuning")
    return repeat_trial(
        Pipeline(name=result.pipeline, algorithm=result.algorithm, recipe=result.recipe), result.parameters
    )


def repeat_trial(pipeline: Pipeline, parameters: Mapping[str, Any]) -> Tuning:
    """Return what trains a pipeline alone, with the parameters of one of its candidates."""
    known = {name: value for name, value in parameters.items() if name in PARAMETERS[pipeline.algorithm]}
    trial = Trial(pipeline=pipeline.name, parameters=known, seed=parameters.get("seed"))
    return Tuning(pipelines=(pipeline,), first=(trial,))


def _run(
    source: Source, validation: Source | None, task: Task, budget: Budget, folder: Path, stop: Flag
) -> Iterator[Event]:
    folder.mkdir(parents=True, exist_ok=True)
    task = decide_mode(task, source)
    kinds: dict[Mode, type[TabularRun]] = {Mode.ENSEMBLING: EnsemblingRun, Mode.HYPERPARAMETER_TUNING: TuningRun}
    given = Assignment(source=source, validation=validation, task=task, budget=budget, folder=folder, stop=stop)
    yield from kinds[task.mode](given).run()


def decide_mode(task: Task, source: Source) -> Task:
    """Return the task in the mode that suits the size of its data, if that is left open."""
    if task.mode is not Mode.AUTO:
        return task
    is_large = source.size_bytes() >= LARGE_BYTES
    return replace(task, mode=Mode.HYPERPARAMETER_TUNING if is_large else Mode.ENSEMBLING)
