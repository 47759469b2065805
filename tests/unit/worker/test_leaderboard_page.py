"""The page of a job's candidates."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gyropilot.service.records import AutoMLJob, Candidate, Metric
from gyropilot.service.states import CandidateStatus
from gyropilot.worker.reports.document import Paragraph, Pictures, Report, Table
from gyropilot.worker.reports.leaderboard import describe_leaderboard, rank
from gyropilot.worker.reports.render_html import render_html
from tests.unit.service.house import BEGINNING, PROBLEM

JOB = AutoMLJob(
    name="churn",
    created_at=BEGINNING,
    modified_at=BEGINNING,
    request={},
    problem=PROBLEM,
    best_candidate="churn-trial-t9-1",
    resolved_problem_type="regression",
    resolved_objective="mse",
)


def make(number: int, value: float | None, algorithm: str = "lightgbm", **changes: object) -> Candidate:
    began = BEGINNING + timedelta(seconds=number)
    mse = None if value is None else Metric(name="mse", value=value, higher_is_better=False)
    about: dict[str, object] = {
        "name": f"churn-trial-t{number}-1",
        "parent": "churn",
        "algorithm": algorithm,
        "created_at": began,
        "modified_at": began,
        "ended_at": began + timedelta(seconds=2),
        "objective": mse,
        "metrics": () if mse is None else (mse, Metric(name="r2", value=0.5, higher_is_better=True)),
        "latency_seconds": 1e-5 * number,
        "fit_seconds": 1.5,
        "status": CandidateStatus.FAILED if mse is None else CandidateStatus.COMPLETED,
    }
    return Candidate(**about | changes)  # type: ignore[arg-type]  # each is of its field's type


ENSEMBLE = make(9, 1.0, "weighted-ensemble", parameters={"weights": {"c01": 3, "c02": 1}})
CANDIDATES = [make(1, 2.0), make(2, 3.0, "xgboost"), make(3, None, failure_reason="it broke"), ENSEMBLE]


def describe(candidates: list[Candidate]) -> Report:
    return describe_leaderboard(
        JOB, candidates, sizes={"churn-trial-t1-1": 2_500_000}, made_at=BEGINNING + timedelta(seconds=60)
    )


def tables(report: Report) -> list[Table]:
    return [block for section in report.sections for block in section.blocks if isinstance(block, Table)]


def test_candidates_are_ranked_by_the_objective() -> None:
    assert [each.objective.value for each in rank(CANDIDATES) if each.objective] == [1.0, 2.0, 3.0]


def test_what_the_page_tells() -> None:
    report = describe(CANDIDATES)
    board, given_up, members = tables(report)
    assert board.header == ["#", "Candidate", "Algorithm", "mse", "Latency (µs)", "Size (MB)", "Training (s)", "r2"]
    assert board.rows[1] == [2, "churn-trial-t1-1", "lightgbm", 2.0, pytest.approx(10), 2.5, 1.5, 0.5]
    assert given_up.rows == [["churn-trial-t3-1", "lightgbm", "Failed", "it broke"]]
    assert members.rows == [["churn-trial-t1-1", "lightgbm", 0.75], ["churn-trial-t2-1", "xgboost", 0.25]]
    assert (report.facts["Best mse"], report.facts["Time"]) == (1.0, "60 s")
    page = render_html(report)
    assert page.count("<svg") == 4
    assert "the best candidate, averages the predictions" in page


def test_the_pictures_say_what_they_show() -> None:
    shown = [b for section in describe(CANDIDATES).sections for b in section.blocks if isinstance(b, Pictures)]
    words = [picture.alternative for block in shown for picture in block.items]
    assert words == [
        "Points, one for each candidate. Best: weighted-ensemble, 1 at 90 µs. Fastest: lightgbm, 2 at 10 µs.",
        "Bars of weights: lightgbm 75%, xgboost 25%",
        "The best mse goes from 2 after 3 s to 1 after 11 s.",
        "4 candidates from 1 s to 11 s after the job began, the first one on top.",
    ]


@pytest.mark.parametrize("candidates", [[], [make(3, None)], [make(1, 2.0)], [ENSEMBLE]])
def test_jobs_of_few_candidates_have_a_page_too(candidates: list[Candidate]) -> None:
    report = describe(candidates)
    assert any(isinstance(block, Paragraph) for section in report.sections for block in section.blocks)
    assert "Leaderboard: churn" in render_html(report)
