"""The steps of a transform job: model, plan, then object by object."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from time import monotonic

from gyropilot.engine.errors import RequestError
from gyropilot.service.archives import fetch_archives, fuse_containers
from gyropilot.service.errors import BlobNotFoundError
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.records import TransformJob
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.service.transform_inputs import TransformInput
from gyropilot.serving.stages import open_model
from gyropilot.worker.claim import Claim
from gyropilot.worker.transform.answer import RecordAnswerer
from gyropilot.worker.transform.ledger import Ledger
from gyropilot.worker.transform.output import OutputWriter
from gyropilot.worker.transform.plan import LARGEST_RECORD, TransformPlan, make_plan
from gyropilot.worker.transform.records import Batch, RecordError, read_batches
from gyropilot.worker.workplace import Workplace

PROGRESS_SECONDS = 10.0
"""How often the log tells how far a long object is."""


class _StoppedError(Exception):
    """The job was asked to stop."""


class _EndingError(Exception):
    """The worker was asked to end: the job is another's."""


def transform(place: Workplace, job: TransformJob, claim: Claim) -> Outcome:
    """Run a claimed job to its end and return how it ended.

    An object that cannot be predicted from fails the job; the predictions of the others are written all the same.

    Raises:
        InvalidRequestError: when input or output is no longer there, or the request contradicts itself or the model.
        UnservableError, BundleError: when the model cannot be served.
        LeaseLostError: when the worker no longer holds the job.
    """
    served = fuse_containers(job.containers)
    plan = make_plan(job, served.environment)
    folder = place.folder_of(job)
    environment = {**served.environment, **job.transform.environment}
    model = open_model(fetch_archives(served, place.blobs, folder / "model"), environment)
    if job.status is JobStatus.STOPPING:  # its last worker had no time to tidy up
        claim.stop.set()
    inputs = _leave_out_own_outputs(place.transforms.find_inputs(job.transform), job.started_at or job.created_at)
    place.transforms.report(job.name, claim.owner, step=JobStep.TRANSFORMING)
    run = _Run(place, job, claim, plan, RecordAnswerer(model, plan), Ledger(folder))
    return run.go_through(inputs)


def _leave_out_own_outputs(inputs: Sequence[TransformInput], began_at: datetime) -> Sequence[TransformInput]:
    """Return the inputs without what an earlier worker wrote among them: the output may lie below the same prefix."""
    outputs = {(each.output.bucket, each.output.key) for each in inputs}
    return [
        each for each in inputs if (each.blob.bucket, each.blob.key) not in outputs or each.blob.modified_at < began_at
    ]


class _Run:
    """One worker's work on a job."""

    def __init__(
        self,
        place: Workplace,
        job: TransformJob,
        claim: Claim,
        plan: TransformPlan,
        answerer: RecordAnswerer,
        ledger: Ledger,
    ) -> None:
        self._place = place
        self._job = job
        self._claim = claim
        self._plan = plan
        self._answerer = answerer
        self._ledger = ledger
        # More threads than cores would only hold more batches; large ones are few, so that they fit into memory.
        asked = min(job.transform.max_concurrent or place.cores, place.cores)
        self._workers = max(1, min(asked, LARGEST_RECORD // plan.batch_bytes))
        self._rows = 0

    def go_through(self, inputs: Sequence[TransformInput]) -> Outcome:
        """Predict for every object and return how the job ended."""
        failures: list[str] = []
        started = monotonic()
        self._ledger.abort_upload(self._place.blobs)
        try:
            self._check_wanted()
            for source in inputs:
                if self._ledger.has_done(source):
                    self._log(f"{source.uri} was done before.")
                    continue
                try:
                    self._transform(source)
                except RequestError as error:
                    separator = ", " if isinstance(error, RecordError) else ": "
                    failures.append(f"{source.uri}{separator}{error}")
                    self._log(f"{failures[-1]} Nothing is written for this object.")
        except _StoppedError:
            self._ledger.remove_outputs(self._place.blobs)
            self._log("The job was asked to stop: what it had written is removed.")
            return Outcome(status=JobStatus.STOPPED, step=JobStep.STOPPED)
        self._log(f"{len(inputs)} objects with {_rate(self._rows, monotonic() - started)}; {len(failures)} failed.")
        return _judge(failures)

    def _transform(self, source: TransformInput) -> None:
        started, rows_before = monotonic(), self._rows
        writer = OutputWriter(
            self._place.blobs,
            source.output,
            self._plan.accept,
            on_upload=lambda upload: self._ledger.note_upload(source, upload),
        )
        try:
            self._write_answers(source, writer)
        except BaseException:
            writer.abort()
            raise
        self._ledger.note_done(source, writer.finish())
        self._log(f"{source.uri}: {_rate(self._rows - rows_before, monotonic() - started)} to {source.output}.")

    def _write_answers(self, source: TransformInput, writer: OutputWriter) -> None:
        blob, started = source.blob, monotonic()
        tell_at, rows_before = started + PROGRESS_SECONDS, self._rows
        try:
            opened = self._place.blobs.open(blob.bucket, blob.key)
            with opened as (_, content), ThreadPoolExecutor(self._workers) as pool:
                batches = map(self._answerer.prepare, read_batches(content, self._plan))
                for batch, answer in _answer_in_order(pool, batches, self._answerer.answer, self._workers):
                    self._check_wanted()
                    if batch.header_line:
                        self._log(f"{source.uri}: line {batch.header_line} is the header and was passed over.")
                    writer.write(answer)
                    self._rows += len(batch.records)
                    if monotonic() >= tell_at:
                        self._log(f"{source.uri}: {_rate(self._rows - rows_before, monotonic() - started)} so far.")
                        tell_at = monotonic() + PROGRESS_SECONDS
        except BlobNotFoundError:
            raise RequestError("the object was deleted meanwhile.") from None

    def _check_wanted(self) -> None:
        if self._claim.is_ending:
            raise _EndingError
        if self._claim.stop.is_set():
            raise _StoppedError

    def _log(self, message: str) -> None:
        self._place.transforms.log(self._job.name, [message])


def _answer_in_order(
    pool: ThreadPoolExecutor, batches: Iterable[Batch], answer: Callable[[Batch], bytes], workers: int
) -> Iterator[tuple[Batch, bytes]]:
    """Yield each batch with its answer, in order; as many are at hand as there are workers, and one more."""
    waiting: deque[tuple[Batch, Future[bytes]]] = deque()
    reader, failure = iter(batches), None
    has_more = True
    while has_more:
        try:
            batch = next(reader)
            waiting.append((batch, pool.submit(answer, batch)))
        except StopIteration:
            has_more = False
        except RequestError as error:
            has_more, failure = False, error  # what was read before may hold a bad record too, and that came first
        while waiting and (len(waiting) > workers or not has_more):
            first, answered = waiting.popleft()
            yield first, answered.result()
    if failure is not None:
        raise failure


def _rate(rows: int, seconds: float) -> str:
    return f"{rows} rows in {seconds:.1f} s ({rows / max(seconds, 1e-3):.0f} rows/s)"


def _judge(failures: list[str]) -> Outcome:
    if not failures:
        return Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED)
    more = f" {len(failures) - 1} more objects failed; the log names them." if len(failures) > 1 else ""
    reason = f"ClientError: {failures[0]}{more}"
    return Outcome(status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason=reason)
