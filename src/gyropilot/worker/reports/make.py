"""Makes the reports on candidates: `python -m gyropilot.worker.reports.make RUN_FOLDER`.

A process of its own, so that a report that hangs, crashes or takes too much memory ends alone. It reads requests from
its standard input, a line of JSON each, and answers each with a line once its files are there. Files of a report appear
one after the other, the documents before the pages, so that what is there when the time is over is of use. What draws
is imported for the first page: documents are wanted of all candidates, pages when there is time.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gyropilot.engine.budget import Deadline
from gyropilot.engine.explain.clarify import write_analysis, write_baseline, write_values
from gyropilot.engine.files import write_file
from gyropilot.engine.problems.tabular.evidence import Records
from gyropilot.engine.quality.report import Quality, assess, write_graphs, write_statistics
from gyropilot.worker.reports.requests import EXPLAINABILITY, INSIGHTS, MAIN_FILES, Answer, Request
from gyropilot.worker.reports.subject import Subject

if TYPE_CHECKING:
    from gyropilot.worker.reports.document import Report

NICENESS = 10
"""Training goes before."""
PAGES_SECONDS, PAGES_SHARE, LARGEST_PAGES_SHARE = 3.0, 0.35, 0.5
"""What is left for the pages when rows are explained no longer: more of a long time, since everything takes longer on a
busy machine, and at most half of a short one."""
EXPLAINING_SECONDS = 120.0
"""Without a limit of the job, rows are explained for so long at most."""


def main() -> None:
    """Make what is asked for until nobody asks any more."""
    os.nice(NICENESS)
    records = Records(Path(sys.argv[1]))
    for line in sys.stdin.buffer:
        answer = _answer(records, msgspec.json.decode(line, type=Request))
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def _answer(records: Records, request: Request) -> Answer:
    try:
        return Answer(notes=tuple(_make(records, request)))
    except Exception as error:
        # Whatever it is, it must not end the job whose report this is.
        return Answer(error=f"{type(error).__name__}: {error}", trace=traceback.format_exc())


def _make(records: Records, request: Request) -> Iterator[str]:
    """Write the files and give a note for each that is not there."""
    folder = Path(request.folder)
    folder.mkdir(parents=True, exist_ok=True)
    deadline = Deadline() if request.until is None else Deadline(at=request.until)
    make = {EXPLAINABILITY: _explain, INSIGHTS: _assess}[request.kind]
    describe = make(records, request, folder, deadline)
    if request.pages:
        from gyropilot.worker.reports.pages import write_pages

        yield from write_pages(describe(), request, folder, deadline)


def _explain(records: Records, request: Request, folder: Path, deadline: Deadline) -> Callable[[], Report]:
    left = deadline.seconds_left
    own = max((1 - LARGEST_PAGES_SHARE) * left, min(left - PAGES_SECONDS, (1 - PAGES_SHARE) * left))
    explained = records.explain(request.id, Deadline(at=time.monotonic() + min(own, EXPLAINING_SECONDS)))
    explanation = explained.explanation
    tables = folder / "explanations_shap"
    tables.mkdir(exist_ok=True)
    write_file(tables / "baseline.csv", write_baseline(explanation.columns, explained.baseline).encode())
    write_file(tables / "out.csv", write_values(explanation).encode())
    write_file(folder / MAIN_FILES[EXPLAINABILITY], _encode(write_analysis(explanation, explained.words)))

    def describe() -> Report:
        from gyropilot.worker.reports.explanation import make_explanation_report

        return make_explanation_report(explained, _subject(records, request))

    return describe


def _assess(records: Records, request: Request, folder: Path, _: Deadline) -> Callable[[], Report]:
    quality, began, seconds = _look_at(records, request.id)
    write_file(folder / "graphs.json", _encode(write_graphs(quality)))
    write_file(folder / MAIN_FILES[INSIGHTS], _encode(write_statistics(quality, began, seconds)))

    def describe() -> Report:
        from gyropilot.worker.reports.quality import make_quality_report

        return make_quality_report(quality, _subject(records, request), seconds)

    return describe


@cache  # documents are asked for first, then the same with pages; what is kept is small
def _look_at(records: Records, candidate: str) -> tuple[Quality, datetime, float]:
    """Return a candidate's quality, when finding it began, and how many seconds it took."""
    began, start = datetime.now(UTC), time.perf_counter()
    evidence, base = records.find_evidence(candidate)
    quality = assess(evidence, records.encoder, base, seed=records.prepared.seed)
    return quality, began, time.perf_counter() - start


def _subject(records: Records, request: Request) -> Subject:
    result, prepared = records.recall(request.id), records.prepared
    return Subject(
        job=request.job,
        candidate=request.name,
        algorithm=result.algorithm,
        problem_type=prepared.problem_type.value,
        target=prepared.target,
        objective=result.objective.metric,
        higher_is_better=result.objective.higher_is_better,
        figure=result.objective.value,
    )


def _encode(document: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


if __name__ == "__main__":
    main()
