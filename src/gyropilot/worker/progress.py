"""Turns what the engine tells into records and log lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateResult,
    CandidateStarted,
    CandidateStopped,
    DataRead,
    Event,
    Found,
    Phase,
    PhaseBegan,
    PipelinesChosen,
    RunFinished,
    Score,
)
from gyropilot.engine.task import ProblemType
from gyropilot.service.errors import NotFoundError
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.jobs import JobService
from gyropilot.service.ports import Clock
from gyropilot.service.records import ENSEMBLING, TUNING, AutoMLJob, Candidate, Container, Metric
from gyropilot.service.states import CandidateStatus, JobStatus, JobStep
from gyropilot.service.tuning_names import name_trial
from gyropilot.service.tuning_records import PipelineFit
from gyropilot.worker.artifacts import ModelShelf
from gyropilot.worker.tuning_recorder import TuningRecorder

STEPS: Mapping[str, Mapping[Phase, JobStep]] = {
    ENSEMBLING: {
        Phase.ANALYZING: JobStep.ANALYZING_DATA,
        Phase.PREPARING: JobStep.PRE_TRAINING,
        Phase.TRAINING: JobStep.TRAINING_MODELS,
    },
    TUNING: {
        Phase.ANALYZING: JobStep.ANALYZING_DATA,
        Phase.PREPARING: JobStep.FEATURE_ENGINEERING,
        Phase.TRAINING: JobStep.MODEL_TUNING,
    },
}
"""The job's step in each phase of a mode; a phase without one leaves it as it is."""
DEFINING_STEPS: Mapping[Phase, JobStep] = {Phase.ANALYZING: JobStep.ANALYZING_DATA}
"""The same of a job that ends once its candidates are defined."""
ENDS: Mapping[str, JobStep] = {
    "deadline": JobStep.MAX_RUNTIME_REACHED,
    "max_candidates": JobStep.MAX_CANDIDATES_REACHED,
}
"""How a job ends for each reason that is not simply being through."""
MAX_FINDINGS = 5
FINDING_CHARACTERS = 1024


class Progress:
    """Keeps a job's records in step with its run. Artifacts are stored before the record that names them.

    A run that is taken up again tells of its finished candidates once more: their records stay as they are.

    Args:
        jobs: where progress is told.
        job: as it was claimed.
        owner: who claimed it.
        shelf: where models go.
        clock: gives the time.
        recorder: of a job of tuning, keeps the parts of it.
    """

    def __init__(
        self,
        *,
        jobs: JobService,
        job: AutoMLJob,
        owner: str,
        shelf: ModelShelf,
        clock: Clock,
        recorder: TuningRecorder | None = None,
    ) -> None:
        self._jobs = jobs
        self._recorder = recorder
        self._job = job.name
        self._defines_only = job.problem.is_definitions_only
        self._steps = DEFINING_STEPS if self._defines_only else STEPS[job.problem.mode]
        self._owner = owner
        self._shelf = shelf
        self._clock = clock
        self._findings = job.findings
        self._best = job.best_candidate
        self._is_classification = False
        self.outcome = Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED)
        """How the job ended, once the run told so."""
        self.sizes: dict[str, int] = {}
        """Bytes of the models of the candidates that finished, by name."""
        self.is_over = False
        """Whether the run is not to go on."""

    def take(self, event: Event) -> None:
        """Record one event.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
            InvalidRequestError: when the data has fewer rows than the quotas ask for.
        """
        if self._recorder is not None:
            self._recorder.take(event)
        match event:
            case PhaseBegan(phase=phase):
                self._begin_phase(phase)
            case DataRead():
                self._note_data(event)
            case Found(message=message):
                self._note_finding(message)
            case PipelinesChosen():
                self._note_pipelines(event)
            case CandidateStarted():
                self._start_candidate(event)
            case CandidateFinished(result=result, is_best=is_best):
                self._finish_candidate(result, is_best=is_best)
            case CandidateFailed():
                self._fail_candidate(event)
            case CandidateStopped():
                self._stop_candidate(event)
            case RunFinished():
                self._end(event)
            case _:
                return

    def _begin_phase(self, phase: Phase) -> None:
        if phase is Phase.TRAINING and self._defines_only:
            self.outcome = Outcome(status=JobStatus.COMPLETED, step=JobStep.CANDIDATE_DEFINITIONS_GENERATED)
            self.is_over = True
            return
        step = self._steps.get(phase)
        if step is not None:
            self._jobs.report(self._job, self._owner, step=step)
            self._log(f"Step: {step.value}.")

    def _note_data(self, data: DataRead) -> None:
        self._jobs.data.check_rows(data.rows)
        self._is_classification = ProblemType(data.problem_type).is_classification
        self._jobs.report(
            self._job,
            self._owner,
            resolved_problem_type=data.problem_type,
            resolved_objective=data.objective,
        )
        self._log(
            f"Read {data.rows} rows with a target and {data.columns} feature columns. "
            f"Problem type: {data.problem_type}; candidates are ranked by {data.objective}."
        )

    def _note_finding(self, message: str) -> None:
        self._log(message)
        finding = message[:FINDING_CHARACTERS]
        if finding not in self._findings and len(self._findings) < MAX_FINDINGS:
            self._findings = (*self._findings, finding)
            self._jobs.report(self._job, self._owner, findings=self._findings)

    def _note_pipelines(self, chosen: PipelinesChosen) -> None:
        self._jobs.report(self._job, self._owner, resolved_max_candidates=chosen.max_trials)
        for pipeline in chosen.recommendation.pipelines:
            self._log(f"Pipeline {pipeline.name}: {', '.join((*pipeline.recipe, pipeline.algorithm))}.")

    def note_failed_report(self, reason: str) -> None:
        """Show that a report is not there, whatever else there is to tell."""
        kept = self._findings[: MAX_FINDINGS - 1]
        self._findings = (*kept, reason[:FINDING_CHARACTERS])
        self._jobs.report(self._job, self._owner, findings=self._findings)
        self._log(reason)

    def _start_candidate(self, started: CandidateStarted) -> None:
        name = self._name(started.id)
        if self._find(name) is None:
            draft = self._draft(name, started.algorithm, started.parameters, started.pipeline)
            self._jobs.report_candidate(self._job, draft)
        self._tell(name, f"Training {name} ({_word(started)}).")

    def _finish_candidate(self, result: CandidateResult, *, is_best: bool) -> None:
        name = self._name(result.id)
        self.sizes[name] = result.size_bytes
        stored = self._find(name)
        if stored is not None and stored.status.is_finished:
            self._log(f"{name} ({_word(result)}) was trained before.")
            return
        candidate = stored or self._draft(name, result.algorithm, result.parameters, result.pipeline)
        self._jobs.report_candidate(self._job, self._complete(candidate, result))
        if is_best:
            self._crown(name)
        best = " It is the best so far." if is_best else ""
        score = f"{result.objective.metric} {result.objective.value:.6g}"
        words = f"{name} ({_word(result)}) reached {score} after {result.fit_seconds:.1f} s of training.{best}"
        self._tell(name, words, *_word_parts(result))

    def _complete(self, candidate: Candidate, result: CandidateResult) -> Candidate:
        return replace(
            candidate,
            status=CandidateStatus.COMPLETED,
            parameters=result.parameters,
            pipeline=result.pipeline,
            recipe=result.recipe,
            ended_at=self._clock(),
            objective=read_metric(result.objective),
            metrics=tuple(map(read_metric, result.scores)),
            part_metrics=tuple(tuple(map(read_metric, scores)) for scores in result.part_scores),
            latency_seconds=result.latency_seconds,
            fit_seconds=result.fit_seconds,
            containers=self._store(candidate.name, result),
        )

    def _store(self, name: str, result: CandidateResult) -> tuple[Container, ...]:
        if not result.pipeline:
            return (self._shelf.put(name, result.folder, is_classification=self._is_classification),)
        return self._shelf.put_trial(
            name, result.folder, result.pipeline, result.algorithm, is_classification=self._is_classification
        )

    def _fail_candidate(self, failed: CandidateFailed) -> None:
        name = self._name(failed.id)
        stored = self._find(name)
        if stored is None or not stored.status.is_finished:
            status = CandidateStatus.STOPPED if failed.was_stopped else CandidateStatus.FAILED
            candidate = stored or self._draft(name, failed.algorithm, {})
            self._jobs.report_candidate(
                self._job,
                replace(candidate, status=status, ended_at=self._clock(), failure_reason=failed.reason),
            )
        words = "was given up" if failed.was_stopped else "failed"
        self._tell(name, f"{name} ({_word(failed)}) {words}: {failed.reason}")

    def _stop_candidate(self, stopped: CandidateStopped) -> None:
        name = self._name(stopped.id)
        stored = self._find(name)
        if stored is not None and stored.status.is_finished:
            return
        candidate = stored or self._draft(name, stopped.algorithm, stopped.parameters, stopped.pipeline)
        ended = replace(
            candidate,
            status=CandidateStatus.STOPPED,
            ended_at=self._clock(),
            failure_reason=stopped.reason,
            metrics=(read_metric(stopped.loss),),
            fit_seconds=stopped.fit_seconds,
        )
        self._jobs.report_candidate(self._job, ended)
        score = f"{stopped.loss.metric} {stopped.loss.value:.6g}"
        self._tell(name, f"{name} ({_word(stopped)}) was stopped early at {score}. {stopped.reason}")

    def _end(self, finished: RunFinished) -> None:
        self._crown(self._name(finished.best.id))
        step = ENDS.get(finished.reason, JobStep.COMPLETED)
        self.outcome = Outcome(status=JobStatus.COMPLETED, step=step)
        self._log(
            f"The run ended ({finished.reason}) with {len(finished.candidates)} models; {self._best} is the best."
        )

    def _crown(self, name: str) -> None:
        if name != self._best:
            self._jobs.report(self._job, self._owner, best_candidate=name)
            self._best = name

    def _find(self, name: str) -> Candidate | None:
        try:
            return self._jobs.get_candidate(self._job, name)
        except NotFoundError:
            return None

    def _draft(self, name: str, algorithm: str, parameters: Mapping[str, object], pipeline: str = "") -> Candidate:
        now = self._clock()
        return Candidate(
            name=name,
            parent=self._job,
            algorithm=algorithm,
            parameters=parameters,
            pipeline=pipeline,
            recipe=self._recorder.recipe_of(pipeline) if self._recorder is not None else (),
            created_at=now,
            modified_at=now,
        )

    def _name(self, id_in_run: str) -> str:
        return name_candidate(self._job, id_in_run, is_trial=self._recorder is not None)

    def _tell(self, candidate: str, message: str, *more: str) -> None:
        """Log something of a candidate; a trial has a log of its own too, with more of it."""
        self._log(message)
        if self._recorder is not None:
            self._jobs.parts.log(PipelineFit, candidate, [message, *more])

    def _log(self, message: str) -> None:
        self._jobs.log(self._job, [message])


def name_candidate(job: str, id_in_run: str, *, is_trial: bool = False) -> str:
    """Return a candidate's name as AWS writes it: `c03` of the job `churn` is `churn-trial-t3-1`.

    That is how it is in ensembling. A trial of tuning is called after its job and number, and a digest.

    Raises:
        ValueError: when the id holds no number.
    """
    number = re.search(r"\d+", id_in_run)
    if number is None:
        raise ValueError(f"a candidate's id must hold its number, not {id_in_run!r}")
    return name_trial(job, int(number[0])) if is_trial else f"{job}-trial-t{int(number[0])}-1"


def _word_parts(result: CandidateResult) -> Iterator[str]:
    for number, scores in enumerate(result.part_scores, 1):
        figures = ", ".join(f"{score.metric} {score.value:.6g}" for score in scores)
        yield f"Part {number} of the rows that it was not trained on: {figures}."


def _word(event: CandidateStarted | CandidateResult | CandidateStopped | CandidateFailed) -> str:
    """Return what is trained: an algorithm, or a pipeline of one."""
    pipeline = "" if isinstance(event, CandidateFailed) else event.pipeline
    return f"{pipeline} {event.algorithm}".strip()


def read_metric(score: Score) -> Metric:
    """Return a score of the engine as the service keeps it."""
    return Metric(name=score.metric, value=score.value, higher_is_better=score.higher_is_better)
