"""The generated module: pipelines, trainer and server as Python that people edit."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from string import Template

from gyropilot.engine.features.recipes.catalogue import describe_step
from gyropilot.engine.tuning import Pipeline
from gyropilot.worker.definitions.facts import Facts
from gyropilot.worker.definitions.literals import LINE, write_assignment, write_value
from gyropilot.worker.definitions.wording import describe_steps, show

TEMPLATES = Path(__file__).with_name("templates")
PROCESSORS = "candidate_data_processors"
BEGIN, END = "# --- the job ---\n", "# --- the job ends ---\n"


def write_module(facts: Facts) -> dict[str, str]:
    """Return the files of the generated module by their names in its folder."""
    files = {
        f"{PROCESSORS}/__init__.py": '"""A file for each candidate pipeline: its recipe and its algorithm."""\n',
        "trainer.py": _write_trainer(facts),
        "sagemaker_serve.py": _read("sagemaker_serve.py"),
        "pyproject.toml": Template(_read("pyproject.toml")).substitute(job=facts.job.name),
        "README.md": _write_readme(facts),
    }
    return files | {f"{PROCESSORS}/{each.name}.py": _write_pipeline(each, facts.job.name) for each in facts.pipelines}


def _read(name: str) -> str:
    return (TEMPLATES / "module" / name).read_text(encoding="utf-8")


def _write_pipeline(pipeline: Pipeline, job: str) -> str:
    """Return the file of a pipeline: each step of its recipe with what it does."""
    steps = "".join(f"{_comment(describe_step(step))}        {write_value(step)},\n" for step in pipeline.recipe)
    recipe = f"(\n{steps}    )" if steps else "()"
    return (
        f'"""Pipeline {pipeline.name} of the AutoML job {job}: {pipeline.algorithm} and what is done before it."""\n\n'
        "from __future__ import annotations\n\n"
        "from gyropilot import engine\n\n"
        "PIPELINE = engine.Pipeline(\n"
        f"    name={write_value(pipeline.name)},\n"
        f"    algorithm={write_value(pipeline.algorithm)},\n"
        f"    recipe={recipe},\n"
        ")\n"
    )


def _comment(text: str) -> str:
    margin = "        # "
    return "".join(f"{margin}{line}\n" for line in textwrap.wrap(text, LINE - len(margin)))


def _write_trainer(facts: Facts) -> str:
    """Return the trainer with the job's facts in place of those that stand for them."""
    before, _, rest = _read("trainer.py").partition(BEGIN)
    _, _, after = rest.partition(END)
    problem = facts.job.problem
    ranges: Mapping[str, object] = {name: dict(space) for name, space in facts.spaces.items()}
    lines = (
        write_assignment("TASK", facts.task),
        write_assignment("DATA_FORMAT", problem.data_format),
        write_assignment("COMPRESSION", problem.compression),
        write_assignment("MAX_CANDIDATES", problem.max_candidates),
        write_assignment("MAX_RUNTIME_SECONDS", problem.max_runtime_seconds),
        "# Ranges are logarithmic unless they say otherwise.",
        write_assignment("RANGES: dict[str, dict[str, engine.Range | engine.Choice]]", ranges),
    )
    return "\n".join([before + BEGIN.rstrip(), *lines, END + after])


def _write_readme(facts: Facts) -> str:
    rows = (
        f"| `{PROCESSORS}/{each.name}.py` | {', '.join(map(show, (*each.recipe, each.algorithm)))} |"
        for each in facts.pipelines
    )
    template = Template(_read("README.md"))
    return template.substitute(job=show(facts.job.name), pipelines="\n".join(rows), steps=describe_steps())
