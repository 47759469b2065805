"""Puts a job's candidate definitions below its output path."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

from gyropilot.engine.algorithms.catalogue import find_algorithms
from gyropilot.engine.data.folds import count_folds
from gyropilot.engine.events import DataRead
from gyropilot.engine.search.portfolio import plan_candidates
from gyropilot.engine.task import Mode, ProblemType, Task
from gyropilot.engine.tuning import Recommendation
from gyropilot.service.identity import Identity
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobProperties, BlobStore
from gyropilot.service.records import AutoMLJob
from gyropilot.service.tuning_names import name_recommendation
from gyropilot.worker.definitions.facts import Facts
from gyropilot.worker.definitions.modules import write_module
from gyropilot.worker.definitions.notebook import write_notebook

FOLDER = "sagemaker-automl-candidates"
MODULE = "generated_module"
NOTEBOOK = "SageMakerAutopilotCandidateDefinitionNotebook.ipynb"
MEDIA_TYPES = {
    ".ipynb": "application/x-ipynb+json",
    ".md": "text/markdown; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
    ".toml": "application/toml",
}


@dataclass(frozen=True, kw_only=True)
class DefinitionShelf:
    """Where the candidate definitions of one job go."""

    blobs: BlobStore
    """Keeps them."""
    identity: Identity
    """Whose image serves the models."""
    job: AutoMLJob
    """Whose candidates are defined."""

    def put_tuning(self, task: Task, recommended: Recommendation) -> str:
        """Write the generated module and the notebook of a job of tuning, and return where the notebook lies.

        Args:
            task: what the engine was asked to learn.
            recommended: what it would try.
        """
        facts = Facts(
            job=self.job,
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
        folder = self._folder.child(name_recommendation(self.job.name))
        module = folder.child(MODULE)
        for name, text in write_module(facts).items():
            self._put(module.child(name), text)
        # Last: whoever finds the notebook finds what it imports.
        return self._put(folder.child("notebooks", NOTEBOOK), write_notebook(facts, module))

    def put_ensembling(self, task: Task, data: DataRead, findings: tuple[str, ...]) -> str:
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
            max_candidates=self.job.problem.max_candidates,
            seed=task.seed,
        )
        facts = Facts(
            job=self.job,
            task=resolved,
            image=self.identity.ensembling_image,
            rows=data.rows,
            columns=data.columns,
            folds=count_folds(data.rows),
            findings=findings,
            trials=tuple(trials),
        )
        return self._put(self._folder.child("notebooks", NOTEBOOK), write_notebook(facts))

    @property
    def _folder(self) -> Location:
        return Location.parse(self.job.problem.output_uri).child(self.job.name, FOLDER)

    def _put(self, place: Location, text: str) -> str:
        properties = BlobProperties(content_type=MEDIA_TYPES[Path(place.key).suffix])
        self.blobs.put(place.bucket, place.key, io.BytesIO(text.encode()), properties)
        return str(place)


def _resolve(task: Task, known: DataRead | Recommendation) -> Task:
    """Return a task in which nothing is left open that the table has answered."""
    return replace(task, problem_type=ProblemType(known.problem_type), objective=known.objective)
