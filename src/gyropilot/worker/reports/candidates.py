"""Has reports on a job's candidates made next to the training, and stores them under the job's output."""

from __future__ import annotations

import itertools
import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gyropilot.engine.events import CandidateFinished, Event, RunFinished
from gyropilot.service.jobs import JobService
from gyropilot.service.locations import Location
from gyropilot.service.records import TUNING
from gyropilot.worker.progress import name_candidate
from gyropilot.worker.reports.requests import (
    ALL_PAGES,
    EXPLAINABILITY,
    INSIGHTS,
    MAIN_FILES,
    PAGE,
    Answer,
    Request,
    tell_late,
)
from gyropilot.worker.reports.shelf import ReportShelf

log = logging.getLogger(__name__)

PLACES = {EXPLAINABILITY: "explainability", INSIGHTS: "model_monitor"}
"""The folder of each kind of report below the job's documentation."""
COMMAND = (sys.executable, "-m", "gyropilot.worker.reports.make")
TIME_OVER = "the job's time was over"
STORING_SECONDS = 0.5
"""So long what is there of a report that is late may take to be stored."""
DOCUMENTS, BEST, PAGES = range(3)
"""What is made first: the documents of all candidates, then all there is of the best, then pages of the others."""
WANTED = {DOCUMENTS: (), BEST: ALL_PAGES, PAGES: (PAGE,)}


@dataclass(order=True)
class _Wish:
    priority: int
    number: int
    kind: str = field(compare=False)
    candidate: str = field(compare=False)
    until: float | None = field(compare=False, default=None)
    is_done: threading.Event = field(compare=False, default_factory=threading.Event)
    is_wanted: bool = field(compare=False, default=True)
    is_stored: bool = field(compare=False, default=False)
    lacking: Sequence[str] = field(compare=False, default=())
    """Pages that are not there although it is stored."""
    failure: str = field(compare=False, default="")
    """Why there is no report."""


class CandidateReports:
    """Takes a run's events; each finished candidate gets its insights, the best one all there is.

    Args:
        jobs: keeps the candidates' records, which name their reports.
        shelf: where reports go.
        run_folder: the engine's.
        scratch: a folder for reports on their way.
        is_wanted: whether reports are made at all.
        command: the program that makes them; its first argument is the run's folder.
    """

    def __init__(
        self,
        *,
        jobs: JobService,
        shelf: ReportShelf,
        run_folder: Path,
        scratch: Path,
        is_wanted: bool = True,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._jobs = jobs
        self._shelf = shelf
        self._command = [*command, str(run_folder)]
        self._scratch = scratch
        self._is_wanted = is_wanted
        self._wishes: queue.PriorityQueue[_Wish] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = threading.Event()
        self._starting = threading.Lock()
        self._best = ""
        self._others: dict[str, tuple[_Wish, _Wish]] = {}
        """Of each candidate its documents, then the same with a page."""
        self._thread = threading.Thread(target=self._serve, name="reports", daemon=True)
        self._notes: list[str] = []

    def __enter__(self) -> CandidateReports:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._wishes.put(_Wish(DOCUMENTS - 1, next(self._numbers), "", ""))
        self._kill()
        self._thread.join()
        self._close_streams()

    @property
    def notes(self) -> list[str]:
        """Files that could not be made, and why."""
        return list(dict.fromkeys(self._notes))

    @property
    def best(self) -> str:
        """The best candidate's name within the run; empty while it goes on."""
        return self._best

    def take(self, event: Event) -> None:
        """Note what a run tells; insights of a candidate are begun as soon as it is finished."""
        if not self._is_wanted:
            return
        if isinstance(event, CandidateFinished):
            name = event.result.id
            self._others[name] = (self._ask(INSIGHTS, name, DOCUMENTS), self._ask(INSIGHTS, name, PAGES))
        elif isinstance(event, RunFinished):
            self._best = event.best.id
            # All there is of it is asked for anew.
            for wish in self._others.pop(self._best, ()):
                wish.is_wanted = False

    def assess_others(self, until: float | None) -> None:
        """Wait for the documents of the other candidates; from then on the best one goes before."""
        for documents, _ in self._others.values():
            # What is not done by then is done with its page.
            documents.is_wanted = _await(documents, until)

    def explain_best(self, until: float | None) -> str:
        """Have the best candidate explained and return why that failed, or nothing."""
        return self._wait(self._ask(EXPLAINABILITY, self._best, BEST, until), until)

    def assess_best(self, until: float | None) -> str:
        """Have the best candidate's insights made, and those of others that are left; return why the best's failed."""
        failure = self._wait(self._ask(INSIGHTS, self._best, BEST, until), until)
        lacking = {"model insights": 0, "page of their model insights": 0}
        for documents, page in self._others.values():
            is_whole = _await(page, until) and not page.failure
            lacking["page of their model insights"] += not is_whole
            lacking["model insights"] += not (is_whole or documents.is_stored or page.is_stored)
        why = "the time was over, or they failed"
        words = [
            f"{number} of the other candidates have no {what}: {why}." for what, number in lacking.items() if number
        ]
        self._jobs.log(self._shelf.job.name, words)
        return failure

    # --- inside -------------------------------------------------------------------------------------------------------

    def _ask(self, kind: str, candidate: str, priority: int, until: float | None = None) -> _Wish:
        wish = _Wish(priority, next(self._numbers), kind, candidate, until)
        self._wishes.put(wish)
        return wish

    def _wait(self, wish: _Wish, until: float | None) -> str:
        if _await(wish, until):
            return wish.failure
        wish.is_wanted = False  # another one before it may be late
        self._kill()
        wish.is_done.wait(STORING_SECONDS)  # its documents may be there without its page
        if not wish.is_stored:
            return TIME_OVER
        if wish.lacking:
            self._notes.append(tell_late(wish.kind, wish.lacking))
        return ""

    def _serve(self) -> None:
        while True:
            wish = self._wishes.get()
            if self._is_over.is_set():
                return
            try:
                if wish.is_wanted:
                    wish.failure = self._make(wish)
            except Exception as error:
                log.exception("a report could not be stored")
                wish.failure = f"it could not be stored ({error})"
            wish.is_done.set()

    def _make(self, wish: _Wish) -> str:
        """Have one report made and store it; return why there is none."""
        job = self._shelf.job.name
        name = name_candidate(job, wish.candidate, is_trial=self._shelf.job.problem.mode == TUNING)
        folder = self._scratch / wish.kind / name
        request = Request(
            kind=wish.kind,
            id=wish.candidate,
            name=name,
            job=job,
            folder=str(folder),
            until=wish.until,
            pages=WANTED[wish.priority],
        )
        answer = self._send(request)
        self._notes += answer.notes
        self._jobs.log(job, answer.trace.splitlines())
        if self._is_over.is_set() or not (folder / MAIN_FILES[wish.kind]).exists():
            return answer.error
        place = self._shelf.documentation.child(PLACES[wish.kind], "output")
        self._store(folder, place.child(name))
        wish.lacking = [page for page in request.pages if not (folder / page).exists()]
        wish.is_stored = True
        self._jobs.note_report(job, name, **{f"{wish.kind}_url": str(place)})
        return answer.error

    def _send(self, request: Request) -> Answer:
        process = self._start()
        if process is None:
            return Answer(error="the job ended")
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(msgspec.json.encode(request) + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = b""
        return msgspec.json.decode(line, type=Answer) if line else Answer(error="the program that makes it ended")

    def _start(self) -> subprocess.Popen[bytes] | None:
        """Return the process that makes reports, started if it does not run; None when there is no time for any."""
        with self._starting:
            if self._is_over.is_set():
                return None
            if self._process is None or self._process.poll() is not None:
                self._close_streams()
                self._process = subprocess.Popen(  # noqa: S603  # the command is ours
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            return self._process

    def _close_streams(self) -> None:
        for stream in (self._process.stdin, self._process.stdout) if self._process is not None else ():
            with suppress(OSError):  # what was not sent cannot be sent any more
                stream.close()  # type: ignore[union-attr]  # both are pipes

    def _kill(self) -> None:
        with self._starting:
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def _store(self, folder: Path, place: Location) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".partial":
                self._shelf.put(place.child(*path.relative_to(folder).parts), path.read_bytes())


def _await(wish: _Wish, until: float | None) -> bool:
    """Wait for what is wished, and tell whether it is done."""
    return wish.is_done.wait(None if until is None else max(0.0, until - time.monotonic()))
