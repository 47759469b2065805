"""The `gyropilot` command as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from gyropilot.sdk import Session
from tests.acceptance.running import ROOT, ROWS_OF_CLI, RunningServer, describe, read_rows, write_rows

pytestmark = pytest.mark.usefixtures("session")


def run(server: RunningServer, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gyropilot.cli", *arguments],
        env={**server.environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=150,
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    header, rows = read_rows("adult.csv", ROWS_OF_CLI)
    path = tmp_path_factory.mktemp("tables") / "people.csv"
    path.write_bytes(write_rows([header, *rows]))
    return path


@pytest.fixture(scope="module")
def fitted(server: RunningServer, table: Path) -> subprocess.CompletedProcess[str]:
    return run(
        server, "fit", str(table), "--target", "income", "--max-runtime", "20", "--job-name", "from-cli",
        "--algorithms", "lightgbm,linear-learner", "--objective", "AUC",
    )  # fmt: skip


def test_fit_shows_progress_and_a_leaderboard(fitted: subprocess.CompletedProcess[str]) -> None:
    assert fitted.returncode == 0, fitted.stderr
    assert fitted.stderr == ""
    assert "TrainingModels" in fitted.stdout
    assert "AUC" in fitted.stdout
    assert "from-cli-trial-t1-1" in fitted.stdout
    assert "lightgbm" in fitted.stdout
    assert "xgboost" not in fitted.stdout
    assert "gyropilot describe from-cli" in fitted.stdout
    assert "Traceback" not in fitted.stdout


def test_describe_and_jobs_show_it(server: RunningServer, fitted: subprocess.CompletedProcess[str]) -> None:
    described = run(server, "describe", "from-cli")
    assert described.returncode == 0, described.stderr
    assert "BinaryClassification" in described.stdout
    assert "from-cli-trial-t1-1" in described.stdout
    listed = run(server, "jobs")
    assert "from-cli" in listed.stdout


def test_env_makes_a_shell_speak_to_the_server(server: RunningServer, session: Session) -> None:
    printed = run(server, "env")
    assert printed.returncode == 0, printed.stderr
    script = (
        printed.stdout + "\n\"$0\" -c \"import boto3; print(boto3.client('sts').get_caller_identity()['Account'])\""
    )
    done = subprocess.run(
        ["sh", "-c", script, sys.executable], env=server.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "000000000000\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("describe", "unknown"), "unknown"),
        (("fit", "{table}", "--target", "incme"), "Did you mean 'income'?"),
        (("fit", "{table}", "--target", "income", "--job-name", "not a name"), "not a name"),
        (("fit", "{table}", "--target", "income", "--algorithms", "crystal-ball"), "crystal-ball"),
    ],
)
def test_failures_are_words(server: RunningServer, table: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(server, *(argument.format(table=table) for argument in arguments))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_leaves_the_job_to_the_server(server: RunningServer, session: Session, table: Path) -> None:
    command = ["fit", str(table), "--target", "income", "--max-runtime", "120", "--job-name", "left-alone"]
    with subprocess.Popen(
        [sys.executable, "-m", "gyropilot.cli", *command], env=server.environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("Job left-alone")
        assert "InProgress" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        out = running.communicate(timeout=30)[0]
    assert running.returncode == 130
    assert "Look at it with: gyropilot describe left-alone" in out
    assert describe(session, "left-alone")["AutoMLJobStatus"] in {"InProgress", "Completed"}
    if describe(session, "left-alone")["AutoMLJobStatus"] == "InProgress":
        session.client("sagemaker").stop_auto_ml_job(AutoMLJobName="left-alone")


def test_two_that_need_a_server_at_once_share_one(tmp_path: Path) -> None:
    nobody = RunningServer(tmp_path / "home")
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda _: run(nobody, "env"), range(2))
    try:
        assert first.returncode == second.returncode == 0, first.stderr + second.stderr
        assert first.stdout == second.stdout
    finally:
        os.kill(pid := json.loads((nobody.home / "server.json").read_text())["pid"], 15)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=30)
