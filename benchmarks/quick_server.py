"""`python -m benchmarks.quick_server`: the server, whose workers are threads that end each job without learning.

They do what any worker does about a job's record: claim it, store a candidate, bring the job to its end. They begin
when the file `go` is in the state folder.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.stored_jobs import make_best_candidate
from gyropilot.execution.inline import InlineLauncher, InlineProgram
from gyropilot.server.program import serve
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.jobs import JobService
from gyropilot.service.ports import ModelServerSpec
from gyropilot.service.service import now
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.settings import Settings, read_settings
from gyropilot.storage.open import open_stores

GO = "go"
POLL_SECONDS = 0.05


class QuickWorkers:
    """The function of the threads."""

    def __init__(self, settings: Settings) -> None:
        stores = open_stores(settings)
        self._go: Path = settings.home / GO
        self._lease_seconds = settings.lease_seconds
        self._jobs = JobService(
            records=stores.records, blobs=stores.blobs, headers=stores.headers, logs=stores.logs, clock=now
        )

    def run(self, reference: str, program: InlineProgram) -> None:
        """Run one AutoML job."""
        name = reference.partition("/")[2]
        while not self._go.exists():
            if program.stopping.wait(POLL_SECONDS):
                return
        owner = f"quick-{name}"
        job = self._jobs.claim(name, owner, self._lease_seconds)
        if job is None:
            return
        candidate = make_best_candidate(job.name, now())
        self._jobs.report_candidate(job.name, candidate)
        self._jobs.report(name, owner, best_candidate=candidate.name, step=JobStep.TRAINING_MODELS)
        self._jobs.finish(name, owner, Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED))


def refuse_to_serve(spec: ModelServerSpec, program: InlineProgram) -> None:
    """Serve no model: nothing here asks for one."""
    raise NotImplementedError(f"{spec.endpoint} is not served here")


def open_launcher(settings: Settings) -> InlineLauncher:
    """Return the launcher of quick workers."""
    return InlineLauncher(QuickWorkers(settings).run, refuse_to_serve)


if __name__ == "__main__":
    serve(read_settings(), open_launcher=open_launcher)
