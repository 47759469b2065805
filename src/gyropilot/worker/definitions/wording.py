"""A job and its pipelines in plain words, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gyropilot.engine.contracts import Plan
from gyropilot.engine.features.recipes.catalogue import STEPS, describe_step
from gyropilot.engine.metrics.catalogue import find_metric
from gyropilot.engine.task import ProblemType, Task
from gyropilot.engine.tuning import Choice, Pipeline, Range

PROBLEMS: Mapping[ProblemType, str] = {
    ProblemType.BINARY: "binary classification",
    ProblemType.MULTICLASS: "multiclass classification",
    ProblemType.REGRESSION: "regression",
}
SHOWN_CLASSES = 10
PLAIN = frozenset(" -_.,:;/()[]{}<>=+?!#%&@^~'\"")
"""What a code span of Markdown may hold besides letters and digits, also in a table."""


def show(text: object) -> str:
    """Return a name as code; one that would end the code, or the cell of a table, has its characters spelled out."""
    word = str(text)
    if word.strip() == word != "" and all(letter.isalnum() or letter in PLAIN for letter in word):
        return f"`{word}`"
    return f"<code>{''.join(map(_spell, word))}</code>"


def make_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = (header, ["---"] * len(header), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def describe_problem(task: Task, classes: Sequence[str]) -> str:
    """Return what is learned, and how good is measured."""
    problem = task.problem_type
    assert problem is not None, "known once the data was read"
    words = f"**{PROBLEMS[problem]}** of the column {show(task.target)}"
    if classes:
        names = ", ".join(map(show, classes[:SHOWN_CLASSES])) + ", …" * (len(classes) > SHOWN_CLASSES)
        words += f", which has {len(classes)} classes ({names})"
    if task.weight_column:
        words += f"; the column {show(task.weight_column)} says how much each row counts"
    return f"{words}."


def describe_metric(task: Task) -> str:
    """Return the metric that ranks candidates: its name, what it is, and its direction."""
    assert task.problem_type is not None, "known once the data was read"
    metric = find_metric(task.problem_type, task.objective)
    meaning = (metric.function.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    direction = "higher" if metric.higher_is_better else "lower"
    return f"{show(metric.name)} ({meaning[0].lower()}{meaning[1:]}); the {direction} the better."


def describe_split(task: Task, folds: int, *, has_validation: bool) -> str:
    """Return which rows scores come from; no model is scored on rows that it has learned from."""
    if has_validation:
        return "Candidates are scored on the rows of the validation channel, from which none learns."
    if task.validation_fraction is not None:
        return f"Candidates are scored on {task.validation_fraction:.0%} of the rows, drawn at random and held out."
    if folds == 1:
        return (
            "The table is long for the time: candidates are scored on rows drawn at random and held out, up to a fifth."
        )
    return (
        f"The rows are dealt at random into {folds} folds, alike in the target. A candidate is trained {folds} times, "
        "each time without one fold, and scored on that one: every row is scored by a model that has not seen it."
    )


def describe_pipeline(pipeline: Pipeline) -> str:
    """Return a pipeline's steps in order, and what each does."""
    lines = [f"{number}. {show(step)}: {describe_step(step)}" for number, step in enumerate(pipeline.recipe, 1)]
    if not lines:
        lines = ["1. Columns of numbers are learned from as they are."]
    return "\n".join([*lines, f"{len(lines) + 1}. {show(pipeline.algorithm)} learns from these numbers."])


def describe_steps() -> str:
    """Return a table of all steps that a recipe may have."""
    return make_table(["step", "what it does"], ([show(step), describe_step(step)] for step in STEPS))


def describe_trials(trials: Iterable[Plan]) -> str:
    """Return a table of the configurations of a portfolio."""
    rows = (
        [
            str(number),
            show(trial.algorithm),
            ", ".join(show(f"{name}={value}") for name, value in trial.parameters.items()),
        ]
        for number, trial in enumerate(trials, 1)
    )
    return make_table(["trial", "algorithm", "settings"], rows)


def quote_findings(findings: Sequence[str]) -> str:
    """Return what the data's owner should know, or nothing; none of it is taken for Markdown."""
    if not findings:
        return ""
    lines = (f"* {''.join(_spell(letter) for letter in finding)}" for finding in findings)
    return "\n### What was noticed in the data\n\n" + "\n".join(lines)


def _spell(letter: str) -> str:
    return letter if letter.isalnum() or letter in " .,:;%'()" else f"&#{ord(letter)};"


def describe_ranges(spaces: Mapping[str, Mapping[str, Range | Choice]]) -> str:
    """Return a table of what is tuned."""
    rows = (
        [show(algorithm), show(name), _describe_range(within)]
        for algorithm, space in spaces.items()
        for name, within in space.items()
    )
    return make_table(["algorithm", "hyperparameter", "range"], rows)


def _describe_range(within: Range | Choice) -> str:
    if isinstance(within, Choice):
        return ", ".join(map(show, within.values))
    words = f"{within.low:g} to {within.high:g}"
    words += ", whole numbers" * within.is_whole
    return words + ", logarithmic" * within.is_logarithmic
