"""Writes a job's candidate definitions as soon as its run has told what they need."""

from __future__ import annotations

from gyropilot.engine.events import DataRead, Event, Found, Phase, PhaseBegan, PipelinesChosen
from gyropilot.engine.task import Mode, Task
from gyropilot.service.jobs import JobService
from gyropilot.service.records import AutoMLJob
from gyropilot.worker.definitions.write import DefinitionWriter


class DefinitionWatch:
    """Takes the events of a run; a job that has its definitions, from a worker before this one, keeps them."""

    def __init__(self, *, jobs: JobService, job: AutoMLJob, owner: str, task: Task, writer: DefinitionWriter) -> None:
        self._jobs = jobs
        self._job = job
        self._owner = owner
        self._task = task
        self._writer = writer
        self._is_done = bool(job.candidate_definitions_url)
        self._data: DataRead | None = None
        self._findings: tuple[str, ...] = ()

    def take(self, event: Event) -> None:
        """Look at one event, and write the definitions when it is the last that they need.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """
        match event:
            case _ if self._is_done:
                return
            case DataRead():
                self._data = event
            case Found(message=message):
                self._findings = (*self._findings, message)
            case PipelinesChosen(recommendation=recommendation):
                self._note(self._writer.write_tuning(self._task, recommendation))
            case PhaseBegan(phase=Phase.TRAINING) if self._data and self._task.mode is Mode.ENSEMBLING:
                self._note(self._writer.write_ensembling(self._task, self._data, self._findings))
            case _:
                return

    def _note(self, url: str) -> None:
        self._jobs.report(self._job.name, self._owner, candidate_definitions_url=url)
        self._jobs.log(self._job.name, [f"The candidate definitions are in {url}."])
        self._is_done = True
