"""What tuning would try on a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gyropilot.engine.algorithms.catalogue import find_algorithms
from gyropilot.engine.budget import Budget
from gyropilot.engine.contracts import HOLDOUT, TrainingData
from gyropilot.engine.data.source import Source
from gyropilot.engine.data.store import read_training_data
from gyropilot.engine.errors import TaskError
from gyropilot.engine.metrics.catalogue import find_metric
from gyropilot.engine.problems.tabular.enrich import take_answers
from gyropilot.engine.problems.tabular.prepare import Prepared, prepare
from gyropilot.engine.search.pipelines import choose_pipelines
from gyropilot.engine.search.spaces import Tuned, Workload, find_space
from gyropilot.engine.task import Mode, Task
from gyropilot.engine.tuning import Pipeline, Recommendation

SAMPLE = 20_000
"""So many rows of a long table tell which recipes suit it."""


def choose(
    prepared: Prepared, data: TrainingData, algorithms: Sequence[str], task: Task, budget: Budget | None = None
) -> tuple[tuple[Pipeline, ...], dict[str, Tuned]]:
    """Return the pipelines of a task, and for each of their algorithms what is tuned.

    Args:
        prepared: what is known of the table.
        data: the table.
        algorithms: names of those that may be used.
        task: what was asked for.
        budget: the limits; None: none.

    Raises:
        TaskError: when the task asks for pipelines or ranges that do not exist.
    """
    learned = np.flatnonzero(data.folds != HOLDOUT)
    learned = learned[:: -(-len(learned) // SAMPLE)]
    answers = take_answers(data, learned)
    pipelines = choose_pipelines(prepared.encoder, data.features[learned], answers, algorithms, task.tuning)
    workload = Workload(
        rows=prepared.rows,
        columns=len(prepared.encoder.features),
        outputs=data.output_count,
        folds=prepared.fold_count,
        lanes=budget.lanes if budget else 1,
        seconds=budget.max_runtime_seconds if budget else None,
    )
    ranges = task.tuning.ranges
    tuned = {
        name: find_space(name, prepared.problem_type, workload, ranges.get(name, {}))
        for name in dict.fromkeys(pipeline.algorithm for pipeline in pipelines)
    }
    return pipelines, tuned


def recommend_for(source: Source, validation: Source | None, task: Task, folder: Path) -> Recommendation:
    """Return what tuning would try on a table, which is left prepared in a folder.

    Raises:
        DataError: when nothing can be learned from the data.
        TaskError: when the task is not one of tuning, or asks for what does not exist.
    """
    if task.mode is not Mode.HYPERPARAMETER_TUNING:
        raise TaskError(f"only tuning has pipelines to recommend; the task's mode is {task.mode.value}")
    algorithms = [algorithm.name for algorithm in find_algorithms(task.algorithms, task.mode)]
    prepared = prepare(source, validation, task, folder)
    pipelines, tuned = choose(prepared, read_training_data(folder / "data"), algorithms, task)
    return describe_choice(prepared, pipelines, tuned, task)


def describe_choice(
    prepared: Prepared, pipelines: tuple[Pipeline, ...], tuned: Mapping[str, Tuned], task: Task
) -> Recommendation:
    """Return what was chosen for a table together with what is known of that."""
    return Recommendation(
        pipelines=pipelines,
        spaces={name: each.space for name, each in tuned.items()},
        problem_type=prepared.problem_type.value,
        objective=find_metric(prepared.problem_type, task.objective).name,
        classes=prepared.classes,
        folds=prepared.fold_count,
        rows=prepared.rows,
        columns=len(prepared.encoder.encoders),
        findings=tuple(map(str, prepared.findings)),
    )
