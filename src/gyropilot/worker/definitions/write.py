"""Puts a job's candidate definitions below its output path."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gyropilot.engine.algorithms.catalogue import find_algorithms
from gyropilot.engine.events import DataRead
from gyropilot.engine.search.portfolio import plan_candidates
from gyropilot.engine.task import Mode, ProblemType, Task
from gyropilot.engine.tuning import Recommendation
from gyropilot.service.identity import Identity
from gyropilot.worker.definitions.facts import Facts
from gyropilot.worker.definitions.modules import write_module
from gyropilot.worker.definitions.notebook import write_notebook
from gyropilot.worker.reports.shelf import ReportShelf

MODULE = "generated_module"
NOTEBOOK = "SageMakerAutopilotCandidateDefinitionNotebook.ipynb"


@dataclass(frozen=True, kw_only=True)
class DefinitionWriter:
    """Writes the candidate definitions of one job."""

    shelf: ReportShelf
    """Where the job's files go."""
    identity: Identity
    """Whose image serves the models."""

    def write_tuning(self, task: Task, recommended: Recommendation) -> str:
        """Write the generated module and the notebook of a job of tuning, and return where the notebook lies.

        Args:
            task: what the engine was asked to learn.
            recommended: what it would try.
        """
        facts = Facts(
            job=self.shelf.job,
            task=_resolve(task, recommended),
            image=self.identity.ensembling_image,
            classes=recommended.classes,
            rows=recommended.rows,
            columns=recommended.columns,
            folds=recommended.folds,
            findings=recommended.findings,
            pipelines=recommended.pipelines,
            spaces=recommended.spaces,
        )
        module = self.shelf.definitions.child(MODULE)
        for name, text in write_module(facts).items():
            self.shelf.put(module.child(name), text.encode())
        # Last: whoever finds the notebook finds what it imports.
        return self._put_notebook(write_notebook(facts, module))

    def write_ensembling(self, task: Task, data: DataRead, findings: tuple[str, ...]) -> str:
        """Write the notebook of a job of ensembling, and return where it lies.

        Args:
            task: what the engine was asked to learn.
            data: what is known of the table.
            findings: what its owner should know.
        """
        resolved = _resolve(task, data)
        assert resolved.problem_type is not None, "given or inferred"
        trials = plan_candidates(
            find_algorithms(task.algorithms, Mode.ENSEMBLING),
            resolved.problem_type,
            data.rows,
            max_candidates=self.shelf.job.problem.max_candidates,
            seed=task.seed,
        )
        facts = Facts(
            job=self.shelf.job,
            task=resolved,
            image=self.identity.ensembling_image,
            rows=data.rows,
            columns=data.columns,
            folds=data.folds,
            findings=findings,
            trials=tuple(trials),
        )
        return self._put_notebook(write_notebook(facts))

    def _put_notebook(self, text: str) -> str:
        return self.shelf.put(self.shelf.notebooks.child(NOTEBOOK), text.encode())


def _resolve(task: Task, known: DataRead | Recommendation) -> Task:
    """Return a task in which nothing is left open that the table has answered."""
    return replace(task, problem_type=ProblemType(known.problem_type), objective=known.objective)
