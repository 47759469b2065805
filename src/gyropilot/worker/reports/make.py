"""Makes the reports on candidates: `python -m gyropilot.worker.reports.make RUN_FOLDER`.

A process of its own, so that a report that hangs, crashes or takes too much memory ends alone. It reads requests from
its standard input, a line of JSON each, and answers each with a line once its files are there. Files of a report appear
one after the other, the documents before the pages, so that what is there when the time is over is of use.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from gyropilot.engine.budget import Deadline
from gyropilot.engine.explain.clarify import write_analysis, write_baseline, write_values
from gyropilot.engine.files import writing
from gyropilot.engine.problems.tabular.evidence import Records
from gyropilot.engine.quality.report import assess, write_graphs, write_statistics
from gyropilot.worker.reports.document import Report
from gyropilot.worker.reports.explanation import make_explanation_report
from gyropilot.worker.reports.quality import make_quality_report
from gyropilot.worker.reports.render_html import render_html
from gyropilot.worker.reports.render_notebook import render_notebook
from gyropilot.worker.reports.render_pdf import UnavailableError, render_pdf
from gyropilot.worker.reports.requests import EXPLAINABILITY, INSIGHTS, MAIN_FILES, Answer, Request
from gyropilot.worker.reports.subject import Subject

NICENESS = 10
"""Training goes before."""
PAGE_SECONDS, PRINT_SECONDS = 1.5, 2.5
"""What is left for the page when rows are explained no longer, and the least that PDF and notebook are begun with."""
PAGE_SHARE = 0.35
"""On a busy machine everything takes longer: so much of the time is left for the page then."""
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
    report = make(records, request, folder, deadline)
    _write(folder / "report.html", render_html(report))
    if not request.is_full:
        return
    late = []
    for name, render in (("report.pdf", render_pdf), ("report.ipynb", render_notebook)):
        if deadline.seconds_left < PRINT_SECONDS:
            late.append(name)
            continue
        try:
            _write(folder / name, render(report))
        except UnavailableError as error:
            yield str(error)
    if late:
        yield f"The {request.kind} report has no {' and no '.join(late)}: the job's time was over."


def _explain(records: Records, request: Request, folder: Path, deadline: Deadline) -> Report:
    page = PAGE_SECONDS if request.until is None else max(PAGE_SECONDS, PAGE_SHARE * deadline.seconds_left)
    own = min(deadline.at - page, time.monotonic() + EXPLAINING_SECONDS)
    explained = records.explain(request.id, Deadline(at=own))
    explanation = explained.explanation
    tables = folder / "explanations_shap"
    tables.mkdir(exist_ok=True)
    _write(tables / "baseline.csv", write_baseline(explanation.columns, explained.baseline))
    _write(tables / "out.csv", write_values(explanation))
    _write(folder / MAIN_FILES[EXPLAINABILITY], _encode(write_analysis(explanation, explained.words)))
    return make_explanation_report(explained, _subject(records, request))


def _assess(records: Records, request: Request, folder: Path, _: Deadline) -> Report:
    began, start = datetime.now(UTC), time.perf_counter()
    evidence, base = records.find_evidence(request.id)
    quality = assess(evidence, records.encoder, base, seed=records.prepared.seed)
    seconds = time.perf_counter() - start
    _write(folder / "graphs.json", _encode(write_graphs(quality)))
    _write(folder / MAIN_FILES[INSIGHTS], _encode(write_statistics(quality, began, seconds)))
    return make_quality_report(quality, _subject(records, request), seconds)


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


def _write(path: Path, content: str | bytes) -> None:
    with writing(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main()
