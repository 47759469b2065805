"""The candidate definition notebook: templates in Markdown, whose blocks of Python become its code cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import nbformat

from gyropilot.engine.algorithms.catalogue import find_algorithms
from gyropilot.engine.search.portfolio import ENSEMBLE_FROM
from gyropilot.engine.task import Mode
from gyropilot.service.locations import Location
from gyropilot.service.records import Problem
from gyropilot.worker.definitions.facts import Facts
from gyropilot.worker.definitions.literals import write_assignment, write_value
from gyropilot.worker.definitions.wording import (
    describe_metric,
    describe_pipeline,
    describe_problem,
    describe_ranges,
    describe_split,
    describe_steps,
    describe_trials,
    quote_findings,
    show,
)

FORMAT: Any = nbformat.v4
"""The functions of the format, which have no types."""
PARTS = Path(__file__).with_name("templates") / "notebook"
PARTS_OF: Mapping[Mode, tuple[str, ...]] = {
    Mode.HYPERPARAMETER_TUNING: ("title", "setup", "pipelines", "tuning", "results", "linking", "deployment"),
    Mode.ENSEMBLING: ("title", "setup", "trials", "ensembling", "results", "deployment"),
}
"""The files that a notebook of each mode is made of, in order."""
CODE = re.compile(r"^```python ?(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
"""A code cell, and its tag if it has one."""
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def write_notebook(facts: Facts, module: Location | None = None) -> str:
    """Return the notebook of a job.

    Args:
        facts: of the job.
        module: of a job of tuning, where its generated module lies.
    """
    values = _collect_values(facts, module)
    cells: list[Any] = []
    for part in PARTS_OF[facts.task.mode]:
        for kind, tag, text in _split((PARTS / f"{part}.md").read_text(encoding="utf-8")):
            make = FORMAT.new_code_cell if kind == "code" else FORMAT.new_markdown_cell
            source = Template(text).substitute(values).strip()
            cells.append(make(source, id=f"{part}-{len(cells):02d}", metadata={"tags": [tag]} if tag else {}))
    notebook = FORMAT.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.validate(notebook)
    return f"{FORMAT.writes(notebook)}\n"


def _split(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the cells of a template: kind, tag, source. Values come later: none can end a cell."""
    pieces = CODE.split(text)
    for prose, tag, code in zip(pieces[::3], [*pieces[1::3], ""], [*pieces[2::3], ""], strict=True):
        if prose.strip():
            yield "markdown", "", prose
        if code:
            yield "code", tag, code


def _collect_values(facts: Facts, module: Location | None) -> dict[str, str]:
    """Return what stands for each name in the templates."""
    task, problem = facts.task, facts.job.problem
    shared = {
        "job": show(facts.job.name),
        "rows": f"{facts.rows:,}",
        "columns": f"{facts.columns:,}",
        "problem": describe_problem(task, facts.classes),
        "metric": describe_metric(task),
        "split": describe_split(task, facts.folds, has_validation=bool(problem.validation_uri)),
        "findings": quote_findings(facts.findings),
        "folder": write_value(f"{facts.job.name}-candidates"),
        "max_candidates": write_value(problem.max_candidates),
        "max_runtime_seconds": write_value(problem.max_runtime_seconds),
        "data": _describe_data(problem),
        "data_uri": write_value(problem.data_uri),
        "validation": f'fetch({write_value(problem.validation_uri)}, "validation")' if problem.validation_uri else "[]",
        "data_format": write_value(problem.data_format),
        "compression": write_value(problem.compression),
        "keys": write_value(["predicted_label", "probability"] if facts.environment else []),
        "environment": write_assignment("environment", dict(facts.environment)),
        "image": write_value(facts.image),
        "first_row": _read_first_row(problem),
        "unseen": write_assignment("unseen", [name for name in (task.target, task.weight_column) if name]),
    }
    return shared | (_of_ensembling(facts) if module is None else _of_tuning(facts, module))


def _of_tuning(facts: Facts, module: Location) -> dict[str, str]:
    names = [pipeline.name for pipeline in facts.pipelines]
    headed = (
        f"#### {show(pipeline.name)}: {show(pipeline.algorithm)}\n\n{describe_pipeline(pipeline)}"
        for pipeline in facts.pipelines
    )
    return {
        "plan": f"Gyropilot recommends {len(names)} candidate pipelines and would tune their hyperparameters.",
        "usual_candidates": "100, or as many as there is time for",
        "selection": f"# What is tuned: leave some out.\n{write_assignment('PIPELINES', names)}",
        "standard": "import sys\nfrom pathlib import Path",
        "module": write_assignment("module", {"bucket": module.bucket, "key_prefix": module.key}),
        "count": str(len(names)),
        "pipelines": "\n\n".join(headed),
        "steps": describe_steps(),
        "ranges": describe_ranges(facts.spaces),
        "chosen": "The model that was kept, and what rebuilds it. Of many trials the one with the best figure is also "
        "the luckiest: a second look, on other folds, decides, and another candidate may show a better figure.",
    }


def _of_ensembling(facts: Facts) -> dict[str, str]:
    algorithms = list(dict.fromkeys(plan.algorithm for plan in facts.trials))
    limit = facts.job.problem.max_candidates
    ensemble = ", and an ensemble of them" if limit is None or limit >= ENSEMBLE_FROM else ""
    return {
        "plan": f"Gyropilot trains a portfolio of {len(facts.trials)} configurations{ensemble}.",
        "usual_candidates": "all of the portfolio",
        "selection": f"# What is trained: leave some out.\n{write_assignment('ALGORITHMS', algorithms)}",
        "standard": "from dataclasses import replace\nfrom pathlib import Path",
        "trials": describe_trials(facts.trials),
        "task": write_assignment("task", facts.task),
        "objective": facts.task.objective,
        "algorithms": ", ".join(show(algorithm.name) for algorithm in find_algorithms((), Mode.ENSEMBLING)),
        "chosen": "The model that was kept, and what rebuilds it; of an ensemble, the weights of its members.",
    }


def _describe_data(problem: Problem) -> str:
    words = "compressed " * bool(problem.compression) + {"csv": "CSV", "parquet": "Parquet"}[problem.data_format]
    validation = f", that of rows to score on below {show(problem.validation_uri)}" if problem.validation_uri else ""
    return f"The job's data, files of {words}, lies below {show(problem.data_uri)}{validation}. It is downloaded."


def _read_first_row(problem: Problem) -> str:
    """Return the expression that reads the first row as it is written there."""
    if problem.data_format == "parquet":
        return "pd.read_parquet(training[0]).head(1)"
    compression = f", compression={write_value(problem.compression)}" if problem.compression else ""
    return f"pd.read_csv(training[0], nrows=1, dtype=str{compression})"
