"""What the SDK makes of jobs that run and end; the tests play the worker."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from gyropilot import (
    AutoML,
    CandidateEstimator,
    CSVSerializer,
    NoBestCandidateError,
    Predictor,
    Session,
    UnexpectedStatusException,
)
from gyropilot.sdk.job_log import AUTOML_GROUP, JobLog
from gyropilot.sdk.progress import look_at
from gyropilot.sdk.watch import NotebookView, watch_job
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.states import CandidateStatus, JobStatus, JobStep
from tests.wire.installation import IDENTITY, Installation
from tests.wire.sdk import TABLE, candidate, start

pytestmark = pytest.mark.usefixtures("no_defaults")


# --- candidates -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played(installation: Installation, home: Path, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    """A job of 320 candidates, more than a page holds, that is still running."""
    path = tmp_path_factory.mktemp("tables") / "played.csv"
    path.write_text(TABLE)
    session = Session(endpoint_url=installation.url, home=home, sagemaker_config={})
    automl = start(session, path, "played", total_job_runtime_in_seconds=3600)
    jobs = installation.service.jobs
    jobs.claim("played", "worker", 60)
    for number in range(320):
        jobs.report_candidate("played", candidate("played", number, number / 1000))
    jobs.report_candidate(
        "played", replace(candidate("played", 320, 0), objective=None, status=CandidateStatus.IN_PROGRESS)
    )
    jobs.report("played", "worker", step=JobStep.TRAINING_MODELS)
    return automl


def test_all_candidates_are_listed_not_only_a_page(played: AutoML) -> None:
    names = [found["CandidateName"] for found in played.list_candidates()]
    assert len(names) == len(set(names)) == 321
    assert len(played.list_candidates(max_results=310)) == 310
    best = played.list_candidates(sort_by="FinalObjectiveMetricValue", sort_order="Descending", max_results=2)
    assert [found["CandidateName"] for found in best] == ["played-c319", "played-c318"]
    assert [found["CandidateName"] for found in played.list_candidates(status_equals="InProgress")] == ["played-c320"]
    arn = IDENTITY.training_job_arn("played-c007")
    assert [found["CandidateName"] for found in played.list_candidates(candidate_arn=arn)] == ["played-c007"]
    with pytest.raises(ValueError, match="max_results must be at least 1, not 0"):
        played.list_candidates(max_results=0)


def test_a_job_without_a_candidate_yet_says_so(played: AutoML) -> None:
    with pytest.raises(NoBestCandidateError) as caught:
        played.best_candidate()
    assert str(caught.value) == (
        "AutoML job played has no best candidate yet (InProgress: TrainingModels); ask again later, or wait for it."
    )
    with pytest.raises(KeyError):
        played.deploy(1, "ml.m5.large")


def test_the_leaderboard_is_a_frame_with_the_best_first(played: AutoML) -> None:
    frame = played.leaderboard()
    assert list(frame["candidate"][:2]) == ["played-c319", "played-c318"]
    assert frame["candidate"].iloc[-1] == "played-c320"
    assert set(frame["algorithm"]) == {"lightgbm"}
    assert frame["score"].iloc[0] == frame["F1"].iloc[0] == pytest.approx(0.319)


def test_a_candidate_without_a_model_is_not_deployed(played: AutoML) -> None:
    (training,) = played.list_candidates(status_equals="InProgress")
    training.pop("InferenceContainers", None)
    with pytest.raises(ValueError, match="Candidate played-c320 has no model to deploy"):
        played.create_model("none", candidate=training)


def test_progress_tells_stage_candidates_score_and_time(played: AutoML, installation: Installation) -> None:
    installation.service.jobs.report("played", "worker", best_candidate="played-c319")
    progress = look_at(played.sagemaker_session, "played")
    assert str(progress) == "Training models, 320 models, 1 in training, best F1 0.319"
    assert progress.limit_seconds == 3600
    assert 0 <= progress.elapsed_seconds < 600
    assert progress.seconds_left == pytest.approx(3600 - progress.elapsed_seconds)
    assert played.best_candidate()["CandidateName"] == "played-c319"


def test_an_object_without_a_job_says_what_to_do(session: Session) -> None:
    with pytest.raises(ValueError, match="There is no job yet: call fit, or give job_name"):
        AutoML(sagemaker_session=session).best_candidate()


# --- the end of a job -------------------------------------------------------------------------------------------------


def finish(installation: Installation, name: str, **outcome: Any) -> None:
    installation.service.jobs.claim(name, "worker", 60)
    installation.service.jobs.finish(name, "worker", Outcome(**outcome))


def test_a_failed_job_raises_with_its_reason(installation: Installation, session: Session, table: Path) -> None:
    automl = start(session, table, "failed")
    finish(installation, "failed", status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason="ClientError: Too bad.")
    assert automl.latest_auto_ml_job is not None
    with pytest.raises(UnexpectedStatusException) as caught:
        automl.latest_auto_ml_job.wait(logs=False)
    assert str(caught.value) == "Error for AutoML job failed: Failed. Reason: ClientError: Too bad."
    assert caught.value.actual_status == "Failed"
    with pytest.raises(NoBestCandidateError, match=r"ended without a candidate .* Too bad"):
        automl.best_candidate()
    for wait in (session.wait_for_auto_ml_job, lambda name: session.logs_for_auto_ml_job(name, wait=True)):
        with pytest.raises(UnexpectedStatusException):
            wait("failed")


def test_a_stopped_job_is_a_warning(
    installation: Installation, session: Session, table: Path, caplog: pytest.LogCaptureFixture
) -> None:
    automl = start(session, table, "stopped")
    assert automl.latest_auto_ml_job is not None
    installation.service.jobs.claim("stopped", "worker", 60)
    automl.latest_auto_ml_job.stop()
    assert automl.latest_auto_ml_job.describe()["AutoMLJobStatus"] == "Stopping"
    installation.service.jobs.finish("stopped", "worker", Outcome(status=JobStatus.STOPPED, step=JobStep.STOPPED))
    automl.latest_auto_ml_job.wait()
    assert "Job ended with status 'Stopped' rather than 'Completed'" in caplog.text


@pytest.fixture
def ended(installation: Installation, session: Session, table: Path) -> str:
    """A job with a log that has ended."""
    name = f"ended-{datetime.now(UTC):%H%M%S%f}"
    start(session, table, name, total_job_runtime_in_seconds=60)
    installation.service.jobs.claim(name, "worker", 60)
    installation.service.jobs.report_candidate(name, candidate(name, 1, 0.5))
    installation.service.jobs.log(name, ["Read 2 rows.", "[bold]The end.[/bold]"])
    installation.service.jobs.report(name, "worker", best_candidate=f"{name}-c001")
    installation.service.jobs.finish(name, "worker", Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED))
    return name


def test_without_a_terminal_progress_is_lines(session: Session, ended: str) -> None:
    text = io.StringIO()
    assert watch_job(session, ended, console=Console(file=text, width=200), shows_log=True).is_over
    *log, candidate_line, last = text.getvalue().splitlines()
    assert log == ["Read 2 rows.", "[bold]The end.[/bold]"]
    assert candidate_line == f"0:00  {ended}-c001 (lightgbm): F1 0.5, the best so far"
    assert re.fullmatch(r"\d+:\d\d  Completed, 1 model, best F1 0\.5", last)
    silent = io.StringIO()
    watch_job(session, ended, console=Console(file=silent, width=200))
    assert silent.getvalue().splitlines() == [candidate_line, last]


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_shows_candidates_a_line_and_a_bar(session: Session, ended: str, columns: int) -> None:
    def watch(**options: bool) -> str:
        text = io.StringIO()
        console = Console(file=text, force_terminal=True, width=columns)
        watch_job(session, ended, console=console, shows_log=True, **options)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.getvalue())

    shown = watch()
    assert re.search(r"c001 +lightgbm +0\.5 +0:00", shown)
    assert "lightgbm" not in watch(keeps_candidates=False)
    assert "[bold]The end.[/bold]" in shown
    assert "Completed, 1 model, best F1 0.5" in shown
    assert re.search(r"━ \d+:\d\d of 1:00", shown)
    assert max(len(line) for line in shown.replace("\r", "\n").split("\n")) <= columns


def test_a_notebook_shows_the_same_in_one_place(session: Session, ended: str) -> None:
    shown: list[str] = []
    view = NotebookView(shown.append)
    view.show(look_at(session, ended), JobLog(session.client("logs"), AUTOML_GROUP, ended).read_new())
    view.show(look_at(session, ended), [])
    assert len(shown) == 2
    assert "Read 2 rows." in shown[1]
    assert "best F1 0.5" in shown[1]
    assert shown[1].startswith("<pre")


def test_a_log_is_printed(session: Session, ended: str, capsys: pytest.CaptureFixture[str]) -> None:
    session.logs_for_auto_ml_job(ended)
    session.logs_for_auto_ml_job(ended, wait=True)
    assert capsys.readouterr().out.splitlines() == 2 * ["Read 2 rows.", "[bold]The end.[/bold]"]
    session.logs_for_auto_ml_job("played")
    assert capsys.readouterr().out == "", "a job without a log has no lines"


# --- models -----------------------------------------------------------------------------------------------------------


def test_a_predictor_sends_and_reads(installation: Installation, session: Session, home: Path) -> None:
    """The model of this installation answers with what it was asked; its endpoint is not in service."""
    with pytest.raises(ClientError, match="not found"):
        Predictor("nowhere", session, serializer=CSVSerializer()).predict([[1, 2]])
    with pytest.raises(TypeError, match="takes no colour"):
        Predictor("nowhere", session, colour="red")


def test_candidates_steps_are_described(played: AutoML) -> None:
    (found,) = played.list_candidates(candidate_name="played-c001")
    estimator = CandidateEstimator(found, sagemaker_session=played.sagemaker_session)
    assert (estimator.name, estimator.steps) == ("played-c001", [{"name": "played-c001", "type": "TrainingJob"}])
    (step,) = estimator.get_steps()
    assert (step.name, step.type, step.inputs) == ("played-c001", "TrainingJob", step.description["InputDataConfig"])
    with pytest.raises(ValueError, match="Cannot format input 1"):
        estimator.fit(1)
