"""Turns what the engine tells into records and log lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateResult,
    CandidateStarted,
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
from gyropilot.service.records import ENSEMBLING, TUNING, AutoMLJob, Candidate, Metric
from gyropilot.service.states import CandidateStatus, JobStatus, JobStep
from gyropilot.worker.artifacts import ModelShelf

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
    """

    def __init__(self, *, jobs: JobService, job: AutoMLJob, owner: str, shelf: ModelShelf, clock: Clock) -> None:
        self._jobs = jobs
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
            self.tell_step(step)

    def _note_data(self, data: DataRead) -> None:
        self._jobs.data.check_rows(data.rows)
        self._is_classification = ProblemType(data.problem_type).is_classification
        self._jobs.report(
            self._job,
            self._owner,
            resolved_problem_type=data.problem_type,
            resolved_objective=data.objective,
        )
        self.log(
            f"Read {data.rows} rows with a target and {data.columns} feature columns. "
            f"Problem type: {data.problem_type}; candidates are ranked by {data.objective}."
        )

    def tell_step(self, step: JobStep) -> None:
        """Note what the job is doing now."""
        self._jobs.report(self._job, self._owner, step=step)
        self.log(f"Step: {step.value}.")

    def _note_finding(self, message: str) -> None:
        self.log(message)
        finding = message[:FINDING_CHARACTERS]
        if finding not in self._findings and len(self._findings) < MAX_FINDINGS:
            self._findings = (*self._findings, finding)
            self._jobs.report(self._job, self._owner, findings=self._findings)

    def _note_pipelines(self, chosen: PipelinesChosen) -> None:
        self._jobs.report(self._job, self._owner, resolved_max_candidates=chosen.max_trials)
        for pipeline in chosen.recommendation.pipelines:
            self.log(f"Pipeline {pipeline.name}: {', '.join((*pipeline.recipe, pipeline.algorithm))}.")

    def note_failed_report(self, reason: str) -> None:
        """Show that a report is not there, before whatever else there is to tell."""
        self._findings = (reason[:FINDING_CHARACTERS], *self._findings)[:MAX_FINDINGS]
        self._jobs.report(self._job, self._owner, findings=self._findings)
        self.log(reason)

    def _start_candidate(self, started: CandidateStarted) -> None:
        name = name_candidate(self._job, started.id)
        if self._find(name) is None:
            self._jobs.report_candidate(self._job, self._draft(name, started.algorithm, started.parameters))
        self.log(f"Training {name} ({started.algorithm}).")

    def _finish_candidate(self, result: CandidateResult, *, is_best: bool) -> None:
        name = name_candidate(self._job, result.id)
        self.sizes[name] = result.size_bytes
        stored = self._find(name)
        if stored is not None and stored.status.is_finished:
            self.log(f"{name} ({result.algorithm}) was trained before.")
            return
        candidate = stored or self._draft(name, result.algorithm, result.parameters)
        self._jobs.report_candidate(self._job, self._complete(candidate, result))
        if is_best:
            self._crown(name)
        best = " It is the best so far." if is_best else ""
        score = f"{result.objective.metric} {result.objective.value:.6g}"
        self.log(f"{name} ({result.algorithm}) reached {score} after {result.fit_seconds:.1f} s of training.{best}")

    def _complete(self, candidate: Candidate, result: CandidateResult) -> Candidate:
        container = self._shelf.put(candidate.name, result.folder, is_classification=self._is_classification)
        return replace(
            candidate,
            status=CandidateStatus.COMPLETED,
            parameters=result.parameters,
            ended_at=self._clock(),
            objective=read_metric(result.objective),
            metrics=tuple(map(read_metric, result.scores)),
            latency_seconds=result.latency_seconds,
            fit_seconds=result.fit_seconds,
            containers=(container,),
        )

    def _fail_candidate(self, failed: CandidateFailed) -> None:
        name = name_candidate(self._job, failed.id)
        stored = self._find(name)
        if stored is None or not stored.status.is_finished:
            status = CandidateStatus.STOPPED if failed.was_stopped else CandidateStatus.FAILED
            candidate = stored or self._draft(name, failed.algorithm, {})
            self._jobs.report_candidate(
                self._job,
                replace(candidate, status=status, ended_at=self._clock(), failure_reason=failed.reason),
            )
        self.log(f"{name} ({failed.algorithm}) {'was given up' if failed.was_stopped else 'failed'}: {failed.reason}")

    def _end(self, finished: RunFinished) -> None:
        self._crown(name_candidate(self._job, finished.best.id))
        step = ENDS.get(finished.reason, JobStep.COMPLETED)
        self.outcome = Outcome(status=JobStatus.COMPLETED, step=step)
        self.log(f"The run ended ({finished.reason}) with {len(finished.candidates)} models; {self._best} is the best.")

    def _crown(self, name: str) -> None:
        if name != self._best:
            self._jobs.report(self._job, self._owner, best_candidate=name)
            self._best = name

    def _find(self, name: str) -> Candidate | None:
        try:
            return self._jobs.get_candidate(self._job, name)
        except NotFoundError:
            return None

    def _draft(self, name: str, algorithm: str, parameters: Mapping[str, object]) -> Candidate:
        now = self._clock()
        return Candidate(
            name=name, parent=self._job, algorithm=algorithm, parameters=parameters, created_at=now, modified_at=now
        )

    def log(self, message: str) -> None:
        """Add a line to the job's log."""
        self._jobs.log(self._job, [message])


def name_candidate(job: str, id_in_run: str) -> str:
    """Return a candidate's name as AWS writes it: `c03` of the job `churn` is `churn-trial-t3-1`.

    Raises:
        ValueError: when the id holds no number.
    """
    number = re.search(r"\d+", id_in_run)
    if number is None:
        raise ValueError(f"a candidate's id must hold its number, not {id_in_run!r}")
    return f"{job}-trial-t{int(number[0])}-1"


def read_metric(score: Score) -> Metric:
    """Return a score of the engine as the service keeps it."""
    return Metric(name=score.metric, value=score.value, higher_is_better=score.higher_is_better)
