"""The commands that look at jobs, against an installation whose worker the tests play."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gyropilot import Session
from gyropilot.cli import main
from gyropilot.cli.create_job import JobPlan, create_job
from gyropilot.cli.tables import recognise_tables
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.states import JobStatus, JobStep
from tests.wire.installation import Installation
from tests.wire.sdk import BUCKET, TABLE, candidate, start

pytestmark = pytest.mark.usefixtures("no_defaults", "here")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(installation: Installation, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPILOT_ENDPOINT_URL", installation.url)
    monkeypatch.setenv("GYROPILOT_HOME", str(home))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        captured = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def churn(installation: Installation, home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A job that has ended with two candidates, a log and three reports."""
    path = tmp_path_factory.mktemp("tables") / "churn.csv"
    path.write_text(TABLE)
    session = Session(endpoint_url=installation.url, home=home, sagemaker_config={})
    start(session, path, "churn", total_job_runtime_in_seconds=60)
    jobs = installation.service.jobs
    jobs.claim("churn", "worker", 60)
    jobs.report_candidate("churn", candidate("churn", 1, 0.5))
    jobs.report_candidate("churn", candidate("churn", 2, 0.75))
    jobs.log("churn", ["Read 2 rows."])
    jobs.report("churn", "worker", best_candidate="churn-c002")
    jobs.finish("churn", "worker", Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED))
    for name in ("documentation/z.html", "documentation/a/page.html", "documentation/a/report.pdf", "model.bin"):
        session.s3_client.put_object(Bucket=BUCKET, Key=f"churn/{name}", Body=b"<html>")
    return "churn"


def read(run: Run, *arguments: str) -> Any:
    code, out, error = run(*arguments, "--json")
    assert code == 0, error
    return json.loads(out)


def test_what_is_told_of_jobs_is_told_to_programs_in_the_words_of_the_api(run: Run, churn: str) -> None:
    assert [job["AutoMLJobName"] for job in read(run, "jobs")] == [churn]
    described = read(run, "describe", churn)
    assert described["BestCandidate"]["CandidateName"] == "churn-c002"
    assert described["BestCandidate"]["CreationTime"] == "2026-01-01T00:00:00Z"
    assert "ResponseMetadata" not in described
    assert [each["CandidateName"] for each in read(run, "candidates", churn, "--limit", "1")] != []
    assert read(run, "candidates", churn, "c001")["CandidateName"] == "churn-c001"
    board = read(run, "leaderboard", churn)
    assert board["best_candidate"] == "churn-c002"
    assert [(row["candidate"], row["score"]) for row in board["leaderboard"]] == [
        ("churn-c002", 0.75),
        ("churn-c001", 0.5),
    ]
    assert read(run, "logs", churn) == [{"message": "Read 2 rows."}]
    assert read(run, "stop", churn) == {"job": churn, "status": "Completed", "best_candidate": "churn-c002"}
    assert read(run, "endpoints") == []


def test_the_same_in_words(run: Run, churn: str) -> None:
    for arguments, words in (
        (("jobs",), "churn"),
        (("describe", churn), "c002"),
        (("candidates", churn, "--status", "completed"), "churn-c001"),
        (("candidates", churn, "c001"), "F1 0.5"),
        (("leaderboard", churn), "0.75"),
        (("logs", "-f", churn), "Read 2 rows."),
        (("stop", churn), "churn was over before: Completed; best model churn-c002, F1 0.75"),
        (("endpoints",), "gyropilot deploy JOB"),
    ):
        code, out, error = run(*arguments)
        assert (code, error) == (0, "")
        assert words in out


def test_reports_are_listed_and_fetched_the_pages_first(run: Run, churn: str, tmp_path: Path) -> None:
    listed = read(run, "report", churn)
    assert [each["name"] for each in listed] == [
        "documentation/z.html",
        "documentation/a/page.html",
        "documentation/a/report.pdf",
    ]
    assert listed[0]["address"] == f"s3://{BUCKET}/churn/documentation/z.html"
    code, out, _ = run("report", churn, "--output", str(tmp_path / "reports"))
    assert code == 0
    assert "z.html" in out
    assert (tmp_path / "reports" / "documentation" / "a" / "report.pdf").read_bytes() == b"<html>"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("describe", "chrun"), "There is no job 'chrun'. Did you mean 'churn'? List them with: gyropilot jobs"),
        (("leaderboard", "zzz"), "There is no job 'zzz'. List them with: gyropilot jobs"),
        (("candidates", "churn", "c003"), "The job churn has no candidate 'c003'. Did you mean"),
        (("report", "chur"), "Did you mean 'churn'?"),
        (("logs", "chrun"), "There is no job or endpoint 'chrun'. Did you mean 'churn'?"),
        (("stop", "chrun"), "Did you mean 'churn'?"),
        (("deploy", "chrun"), "Did you mean 'churn'?"),
        (("deploy", "churn", "--endpoint", "nobody", "--update"), "There is no endpoint 'nobody'"),
        (("invoke", "nobody", "--row", "1"), "There is no endpoint 'nobody'"),
        (("endpoints", "--delete", "nobody"), "There is no endpoint 'nobody'"),
        (("predict", "chrun", "{table}"), "There is no file, job or model 'chrun'. Did you mean 'churn'?"),
        (("predict", "nowhere/model.tar.gz", "{table}"), "There is no file nowhere/model.tar.gz"),
        (("evaluate", "churn", "{table}", "--candidate", "c9"), "The job churn has no candidate 'c9'"),
        (("export", "chrun"), "Did you mean 'churn'?"),
        (("transform", "chrun", "{table}"), "Did you mean 'churn'?"),
    ],
)
def test_what_is_not_there_ends_with_3_and_what_may_be_meant(
    run: Run, churn: str, table: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, out, error = run(*(argument.format(table=table) for argument in arguments))
    assert (code, out) == (3, "")
    assert words in error


def test_unknown_keys_end_with_4(run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [{"access_key_id": "AKIAUNKNOWN000000000", "secret_access_key": "x" * 40}]
    (tmp_path / "credentials.json").write_text(json.dumps({"keys": keys}))
    monkeypatch.setenv("GYROPILOT_HOME", str(tmp_path))
    code, out, error = run("jobs", "--json")
    assert (code, out) == (4, "")
    assert json.loads(error)["exit_code"] == 4


def test_algorithms_that_are_not_there_are_asked_about(run: Run, table: Path) -> None:
    code, _, error = run("fit", str(table), "--target", "y", "--algorithms", "lightgbm,xgbost")
    assert code == 2
    assert "'xgbost' is none of" in error
    assert "Did you mean 'xgboost'?" in error


def test_a_plan_becomes_a_job_with_all_that_was_said(
    installation: Installation, session: Session, tmp_path: Path
) -> None:
    path, held_out = tmp_path / "rows.csv", tmp_path / "held-out.csv"
    for each in (path, held_out):
        each.write_text("x,w,y\n1,1,2\n3,1,4\n")
    plan = JobPlan(
        name="planned",
        tables=recognise_tables([path]),
        target="y",
        max_runtime_seconds=60,
        validation=recognise_tables([held_out]),
        weights="w",
        features=("x",),
        max_candidates=3,
        algorithms=("lightgbm", "xgboost"),
        seed=7,
        goal={"ProblemType": "Regression", "AutoMLJobObjective": {"MetricName": "MAE"}},
    )
    create_job(session, plan)
    problem = installation.service.jobs.get("planned").problem
    assert (problem.target, problem.weight_column, problem.seed) == ("y", "w", 7)
    assert (problem.problem_type, problem.objective) == ("regression", "mae")
    assert (problem.max_candidates, problem.max_runtime_seconds) == (3, 60)
    assert problem.algorithms == ("lightgbm", "xgboost")
    data = installation.service.jobs.data
    assert [blob.key for blob in data.find(problem.validation_uri)] == ["gyropilot/planned/validation/held-out.csv"]
    assert data.read_feature_specification(problem.features_uri).names == ("x",)
    assert problem.output_uri == f"s3://{BUCKET}/gyropilot/output"


def test_a_job_that_is_told_little_is_asked_for_little(
    installation: Installation, session: Session, table: Path
) -> None:
    create_job(session, JobPlan(name="plain", tables=recognise_tables([table]), target="y", max_runtime_seconds=60))
    problem = installation.service.jobs.get("plain").problem
    assert (problem.seed, problem.max_candidates, problem.problem_type, problem.algorithms) == (0, None, "", ())


@pytest.mark.parametrize("seed", ["x", "-1", "2147483648", "²"])
def test_a_seed_is_a_whole_number(session: Session, table: Path, seed: str) -> None:
    with pytest.raises(Exception, match=f"The tag gyropilot:seed must be a whole number from 0 to .*, not '{seed}'"):
        start(session, table, "seeded", tags={"gyropilot:seed": seed})
