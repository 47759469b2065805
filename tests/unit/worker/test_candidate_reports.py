"""Reports next to a run: what is stored, and what a job tells of reports that fail."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gyropilot.engine import Budget, Task, fit
from gyropilot.engine.events import Event
from gyropilot.service.locations import Location
from gyropilot.service.records import AutoMLJob, Candidate
from gyropilot.service.states import JobStep
from gyropilot.worker.artifacts import ModelShelf
from gyropilot.worker.progress import Progress
from gyropilot.worker.reports.best import keep_for_reports, report_best
from gyropilot.worker.reports.candidates import COMMAND, CandidateReports
from gyropilot.worker.reports.shelf import ReportShelf
from tests.unit.service.house import IDENTITY, House


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """A run's folder, and what it told."""
    folder = tmp_path_factory.mktemp("run")
    random = np.random.default_rng(0)
    table = {"x": random.normal(size=80), "z": random.choice(["a", "b"], 80)}
    table["y"] = 3 * table["x"] + (table["z"] == "a")
    task = Task(target="y", algorithms=("linear-learner", "lightgbm"))
    events: list[Event] = []
    fit(table, task, Budget(max_candidates=2, in_process=True), folder=folder, on_event=events.append)
    return folder, events


class Desk:
    """A job whose run is told anew."""

    def __init__(self, house: House, run: tuple[Path, list[Event]], tmp_path: Path) -> None:
        self.house = house
        self.folder = shutil.copytree(run[0], tmp_path / "run")
        self.events = run[1]
        house.create_job()
        job = house.claim()
        assert job is not None
        place, scratch = Location("data", "out/churn"), tmp_path / "scratch"
        models = ModelShelf(blobs=house.blobs, identity=IDENTITY, job="churn", place=place, scratch=scratch)
        self.progress = Progress(jobs=house.service.jobs, job=job, owner="w1", shelf=models, clock=house.clock)
        self.shelf = ReportShelf(blobs=house.blobs, job=job)
        self.scratch = scratch / "reports"

    def report(self, program: str = "", seconds: float | None = None) -> JobStep:
        """Return the step in which the job ends; another program than the true one may be tried."""
        command = (sys.executable, "-c", program) if program else COMMAND
        jobs = self.house.service.jobs
        with CandidateReports(
            jobs=jobs, shelf=self.shelf, run_folder=self.folder, scratch=self.scratch, command=command
        ) as reports:
            for event in self.events:
                self.progress.take(event)
                reports.take(event)
            report_best(reports, self.progress, None if seconds is None else time.monotonic() + seconds)
        return self.progress.outcome.step

    @property
    def job(self) -> AutoMLJob:
        return self.house.service.jobs.get("churn")

    def best(self) -> Candidate:
        return self.house.service.jobs.get_candidate("churn", self.job.best_candidate)

    def list_keys(self) -> list[str]:
        prefix = "out/churn/documentation/"
        found = self.house.blobs.list("data", prefix=prefix).blobs
        return [blob.key.removeprefix(prefix) for blob in found]


@pytest.fixture
def desk(house: House, run: tuple[Path, list[Event]], tmp_path: Path) -> Desk:
    return Desk(house, run, tmp_path)


def test_all_files_are_stored_before_the_record_names_them(desk: Desk) -> None:
    assert desk.report() is JobStep.COMPLETED
    best = desk.best()
    assert best.explainability_url == "s3://data/out/churn/documentation/explainability/output"
    assert best.insights_url == "s3://data/out/churn/documentation/model_monitor/output"
    keys = desk.list_keys()
    for name in ("analysis.json", "report.html", "report.ipynb", "explanations_shap/out.csv"):
        assert f"explainability/output/{best.name}/{name}" in keys
    for candidate in ("churn-trial-t1-1", "churn-trial-t2-1"):
        for name in ("statistics.json", "graphs.json", "report.html"):
            assert f"model_monitor/output/{candidate}/{name}" in keys
    assert not [key for key in keys if key.endswith(".partial")]
    for key in keys:
        if key.endswith(".json"):
            with desk.house.blobs.open("data", f"out/churn/documentation/{key}") as (_, content):
                json.loads(content.read(), parse_constant=pytest.fail)  # NaN is no JSON


def test_a_report_that_fails_does_not_fail_the_job(desk: Desk) -> None:
    (desk.folder / "rows.arrow").unlink()
    assert desk.report() is JobStep.EXPLAINABILITY_ERROR
    assert desk.job.findings[0].startswith(
        "The explainability report of the best candidate could not be made: FileNotFoundError: "
    )
    assert desk.best().explainability_url == ""
    assert desk.best().insights_url  # the other report is there
    log = "\n".join(line.message for line in desk.house.logs.read("/aws/sagemaker/AutoMLJobs", "churn"))
    assert "Traceback" in log


def test_insights_that_fail(desk: Desk) -> None:
    for path in desk.folder.glob("candidates/*/predictions.npy"):
        path.write_bytes(b"nothing")
    assert desk.report() is JobStep.INSIGHTS_ERROR
    assert "The model insights report of the best candidate could not be made: ValueError" in desk.job.findings[0]
    assert desk.best().explainability_url


def test_a_program_that_ends_by_itself(desk: Desk) -> None:
    assert desk.report("raise SystemExit(3)") is JobStep.EXPLAINABILITY_ERROR
    assert [finding.rpartition(": ")[2] for finding in desk.job.findings[:2]] == [
        "the program that makes it ended."
    ] * 2


def test_a_program_that_hangs_is_ended_in_time(desk: Desk) -> None:
    assert desk.report("import time; time.sleep(1000)", seconds=0.5) is JobStep.COMPLETED
    assert {finding.rpartition(": ")[2] for finding in desk.job.findings[:2]} == {"the job's time was over."}
    assert desk.list_keys() == []


@pytest.mark.parametrize(("limit", "kept"), [(10, 1.5), (60, 4.8), (300, 24), (3600, 60)])
def test_short_jobs_keep_little_for_reports(limit: float, kept: float) -> None:
    assert keep_for_reports(limit) == pytest.approx(kept)


DOCUMENTS_ONLY = """
import json, pathlib, sys
for line in sys.stdin:
    request = json.loads(line)
    if request.get("pages"):
        break
    folder = pathlib.Path(request["folder"])
    folder.mkdir(parents=True)
    (folder / "statistics.json").write_text("{}")
    print("{}", flush=True)
sys.stdin.read()
"""
"""Makes documents; hangs where a page is asked for."""


def test_documents_of_all_candidates_come_before_pages(desk: Desk) -> None:
    assert desk.report(DOCUMENTS_ONLY, seconds=5) is JobStep.COMPLETED
    others = [f"churn-trial-{name}-1" for name in ("t1", "t2")]
    written = [key for key in desk.list_keys() if key.endswith("statistics.json")]
    assert {key.split("/")[2] for key in written} >= {name for name in others if name != desk.job.best_candidate}
    log = [line.message for line in desk.house.logs.read("/aws/sagemaker/AutoMLJobs", "churn")]
    assert not [line for line in log if "have no model insights" in line]
    assert [line for line in log if "have no page of their model insights" in line]
