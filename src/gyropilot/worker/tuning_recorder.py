"""Turns what tuning tells into records of its parts: what AWS shows of it as jobs of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gyropilot.api.documents.candidates import describe_containers
from gyropilot.engine.events import Event, Phase, PhaseBegan, PipelinePrepared, PipelinesChosen
from gyropilot.engine.tuning import Choice, Pipeline, Range, Recommendation
from gyropilot.service.errors import AlreadyExistsError
from gyropilot.service.jobs import JobService
from gyropilot.service.models import ModelService
from gyropilot.service.ports import Clock
from gyropilot.service.records import AutoMLJob, Container
from gyropilot.service.states import JobStatus
from gyropilot.service.tuning_names import (
    name_data_build,
    name_fit,
    name_recommendation,
    name_transform,
    name_tuning_job,
)
from gyropilot.service.tuning_records import (
    PipelineFit,
    PipelineTransform,
    ProcessingPart,
    TunedParameter,
    TunedPipeline,
    TuningJob,
)
from gyropilot.worker.artifacts import ModelShelf


@dataclass(kw_only=True)
class TuningRecorder:
    """Keeps the parts of a job in step with its run. Those that an earlier worker recorded stay as they are."""

    jobs: JobService
    """Where parts are told."""
    models: ModelService
    """Where the models of pipelines go."""
    shelf: ModelShelf
    """Where their archives go."""
    job: AutoMLJob
    """As it was claimed."""
    clock: Clock
    """Gives the time."""
    _chosen: PipelinesChosen | None = None

    def take(self, event: Event) -> None:
        """Record one event."""
        match event:
            case PhaseBegan(phase=phase):
                self._begin_phase(phase)
            case PipelinesChosen():
                self._chosen = event
                self._complete_processing(name_recommendation(self.job.name))
            case PipelinePrepared():
                self._note_pipeline(event)
            case _:
                return

    def recipe_of(self, pipeline: str) -> tuple[str, ...]:
        """Return the steps of a pipeline by its name; none before pipelines are chosen."""
        chosen: Sequence[Pipeline] = self._chosen.recommendation.pipelines if self._chosen else ()
        return next((each.recipe for each in chosen if each.name == pipeline), ())

    def _begin_phase(self, phase: Phase) -> None:
        job = self.job.name
        match phase:
            case Phase.ANALYZING:
                self._begin_processing(name_data_build(job))
            case Phase.PREPARING:
                self._complete_processing(name_data_build(job))
                self._begin_processing(name_recommendation(job))
            case Phase.TRAINING if not self.job.problem.is_definitions_only and self._chosen:
                self._begin_tuning(self._chosen)
            case _:
                return

    def _begin_processing(self, name: str) -> None:
        self.jobs.parts.report(self.job, ProcessingPart(name=name, **self._times()))
        self.jobs.parts.log(ProcessingPart, name, [f"Data: {self.job.problem.data_uri}."])

    def _complete_processing(self, name: str) -> None:
        self.jobs.parts.complete(self.job.name, ProcessingPart, name)

    def _begin_tuning(self, chosen: PipelinesChosen) -> None:
        part = TuningJob(
            name=name_tuning_job(self.job.name),
            pipelines=describe_pipelines(chosen.recommendation),
            max_candidates=chosen.max_trials,
            **self._times(),
        )
        self.jobs.parts.report(self.job, part)

    def _note_pipeline(self, prepared: PipelinePrepared) -> None:
        """Store the archive of a pipeline, the model that it is, and the two parts that made it and applied it."""
        pipeline = prepared.pipeline
        container = self.shelf.put_pipeline(pipeline.name, prepared.folder)
        fit = name_fit(self.job.name, pipeline.name)
        self._create_model(fit, container)
        transformed_at = self.clock()
        fitted_at = transformed_at - timedelta(seconds=prepared.transform_seconds)
        began_at = fitted_at - timedelta(seconds=prepared.fit_seconds)
        shared: dict[str, Any] = {"parent": self.job.name, "status": JobStatus.COMPLETED, "pipeline": pipeline.name}
        self.jobs.parts.report(
            self.job,
            PipelineFit(
                name=fit,
                created_at=began_at,
                modified_at=fitted_at,
                ended_at=fitted_at,
                algorithm=pipeline.algorithm,
                recipe=pipeline.recipe,
                columns=prepared.columns,
                model_data_url=container.model_data_url,
                **shared,
            ),
        )
        transform = PipelineTransform(
            name=name_transform(self.job.name, pipeline.name),
            created_at=fitted_at,
            modified_at=transformed_at,
            ended_at=transformed_at,
            model=fit,
            **shared,
        )
        self.jobs.parts.report(self.job, transform)
        words = f"{', '.join(pipeline.recipe)}: {prepared.columns} numbers of each row"
        self.jobs.parts.log(PipelineFit, fit, [f"Fitted {words} in {prepared.fit_seconds:.2f} s."])
        self.jobs.parts.log(
            PipelineTransform, transform.name, [f"Applied {words} in {prepared.transform_seconds:.2f} s."]
        )

    def _create_model(self, name: str, container: Container) -> None:
        request = {
            "ModelName": name,
            "ExecutionRoleArn": self.job.request["RoleArn"],
            "Containers": describe_containers([container]),
        }
        try:
            self.models.create(name, request, [container], tags=self.job.tags)
        except AlreadyExistsError:
            return  # by the worker before this one

    def _times(self) -> dict[str, Any]:
        now = self.clock()
        return {"parent": self.job.name, "created_at": now, "modified_at": now}


def describe_pipelines(recommendation: Recommendation) -> tuple[TunedPipeline, ...]:
    """Return pipelines and the ranges of their parameters as the service keeps them."""
    return tuple(
        TunedPipeline(
            name=each.name,
            algorithm=each.algorithm,
            recipe=each.recipe,
            parameters=tuple(
                _describe_parameter(name, within) for name, within in recommendation.spaces[each.algorithm].items()
            ),
        )
        for each in recommendation.pipelines
    )


def _describe_parameter(name: str, within: Range | Choice) -> TunedParameter:
    if isinstance(within, Choice):
        return TunedParameter(name=name, values=tuple(map(str, within.values)))
    return TunedParameter(
        name=name,
        low=within.low,
        high=within.high,
        is_whole=within.is_whole,
        is_logarithmic=within.is_logarithmic,
    )
