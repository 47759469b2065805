"""The `gyropilot` command as a user types it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from gyropilot.sdk import Session
from tests.acceptance.running import ROOT, ROWS_OF_CLI, RunningServer, describe, read_rows, wait_for, write_rows

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
        server, "fit", str(table), "--target", "income", "--time", "90s", "--job-name", "from-cli",
        "--algorithms", "lightgbm,linear-learner", "--metric", "AUC", "--max-candidates", "3", "--seed", "3",
    )  # fmt: skip


def test_fit_shows_progress_and_a_leaderboard(fitted: subprocess.CompletedProcess[str]) -> None:
    assert fitted.returncode == 0, fitted.stderr
    assert fitted.stderr == ""
    assert "Training models" in fitted.stdout
    assert re.search(
        r"^0:\d\d  from-cli-trial-t\d+-1 \(\w[\w-]+\): AUC 0\.\d+, the best so far$", fitted.stdout, re.MULTILINE
    )
    assert "lightgbm" in fitted.stdout
    assert "xgboost" not in fitted.stdout
    assert "\x1b" not in fitted.stdout, "lines for a pipe are plain"
    assert fitted.stdout.splitlines()[-4:-2] == ["Try next:", "  gyropilot predict from-cli new.csv"]
    assert "Traceback" not in fitted.stdout


def test_describe_and_jobs_show_it(server: RunningServer, fitted: subprocess.CompletedProcess[str]) -> None:
    described = run(server, "describe", "from-cli")
    assert described.returncode == 0, described.stderr
    assert "BinaryClassification" in described.stdout
    assert "trial-t1-1" in described.stdout
    listed = run(server, "jobs")
    assert "from-cli" in listed.stdout


def test_what_is_tried_next_works(
    server: RunningServer, fitted: subprocess.CompletedProcess[str], table: Path, tmp_path: Path
) -> None:
    """Predict here, score, deploy, ask, predict there, take down: every way gives the same answers."""
    header, *rows = table.read_text().splitlines()[:6]
    position = header.split(",").index("income")
    new = tmp_path / "new.csv"
    new.write_text(
        "\n".join(",".join(cell for at, cell in enumerate(row.split(",")) if at != position) for row in (header, *rows))
        + "\n"
    )

    def ask(*arguments: str) -> Any:
        done = run(server, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    predicted = [row["income"] for row in ask("predict", "from-cli", str(new))["predictions"]]
    assert len(predicted) == len(rows)
    assert ask("evaluate", "from-cli", str(table))["metrics"]["AUC"] > 0.8
    assert ask("deploy", "from-cli", "--endpoint", "cli-end")["EndpointStatus"] == "InService"
    assert [each["EndpointName"] for each in ask("endpoints")] == ["cli-end"]
    assert ask("invoke", "cli-end", str(new))["answer"].split() == predicted
    one = run(server, "invoke", "cli-end", "--row", new.read_text().splitlines()[1])
    assert one.stdout.split() == predicted[:1]
    refused = run(server, "invoke", "cli-end", "--row", "1,2")
    assert (refused.returncode, "Expected number of columns" in refused.stderr) == (1, True)
    # What a model server says becomes lines of the log a little later.
    wait_for(lambda: ask("logs", "cli-end"), lambda lines: any("Expected number" in line["message"] for line in lines))
    again = run(server, "deploy", "from-cli", "--endpoint", "cli-end")
    assert (again.returncode, "--update" in again.stderr) == (1, True)
    assert ask("deploy", "from-cli", "--endpoint", "cli-end", "--update")["EndpointStatus"] == "InService"
    assert ask("endpoints", "--delete", "cli-end") == {"deleted": "cli-end"}
    (file,) = ask("transform", "from-cli", str(new), "--output", str(tmp_path / "out"))["files"]
    assert Path(file).read_text().split() == predicted
    assert ask("export", "from-cli", "--output", str(tmp_path / "model.tar.gz"))["format"] == "bundle"
    assert [
        row["income"] for row in ask("predict", str(tmp_path / "model.tar.gz"), str(new))["predictions"]
    ] == predicted


def test_a_job_that_nobody_waits_for_is_followed_and_stopped(server: RunningServer, table: Path) -> None:
    done = run(server, "fit", str(table), "--target", "income", "--job-name", "detached", "--detach", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"job": "detached"}
    stopped = run(server, "stop", "detached", "--json")
    assert json.loads(stopped.stdout)["status"] in {"Stopped", "Completed"}
    assert run(server, "logs", "-f", "detached").returncode == 0


def test_doctor_looks_at_the_server(server: RunningServer, tmp_path: Path) -> None:
    done = run(server, "doctor", "--json")
    found = {each["subject"]: each["state"] for each in json.loads(done.stdout)}
    assert done.returncode == (1 if "broken" in found.values() else 0)
    assert {found[subject] for subject in ("python", "libraries", "state folder", "keys", "records", "server")} == {
        "ok"
    }
    nobody = run(server, "doctor", GYROPILOT_ENDPOINT_URL="http://127.0.0.1:1")
    assert nobody.returncode == 1
    assert "http://127.0.0.1:1 does not answer" in nobody.stdout
    assert "unset GYROPILOT_ENDPOINT_URL" in nobody.stdout


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
    ("arguments", "code", "words"),
    [
        (("describe", "unknown"), 3, "unknown"),
        (("fit", "{table}", "--target", "incme"), 3, "did you mean 'income'?"),
        (("fit", "{table}", "--target", "income", "--job-name", "not a name"), 1, "not a name"),
        (("fit", "{table}", "--target", "income", "--algorithms", "crystal-ball"), 2, "crystal-ball"),
    ],
)
def test_failures_are_words(
    server: RunningServer, table: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = run(server, *(argument.format(table=table) for argument in arguments))
    assert done.returncode == code
    assert "Error: " in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def read_until(terminal: int, words: str) -> str:
    """Read what a command writes to its terminal until these words are there."""
    shown = ""
    while words not in shown:
        piece = os.read(terminal, 65536)
        assert piece, shown
        shown += piece.decode(errors="replace")
    return shown


def test_ctrl_c_stops_with_the_best_model(server: RunningServer, session: Session, table: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    words = ["fit", str(table), "--target", "income", "--time", "2m", "--job-name", "interrupted"]
    with subprocess.Popen(
        [sys.executable, "-m", "gyropilot.cli", *words],
        env={**server.environment, "TERM": "xterm-256color"}, stdin=theirs, stdout=theirs, stderr=theirs,
    ) as running:  # fmt: skip
        os.close(theirs)
        read_until(ours, "best F1 0.")
        running.send_signal(signal.SIGINT)
        shown = read_until(ours, "Try next:")
        assert running.wait(60) == 130
    os.close(ours)
    assert "Stopping, with the best model so far" in shown
    assert "Best model: interrupted-trial-" in shown
    assert describe(session, "interrupted")["AutoMLJobStatus"] in {"Stopped", "Completed"}


def test_serve_tells_programs_where_it_listens(tmp_path: Path) -> None:
    environment = RunningServer(tmp_path / "home").environment
    command = [sys.executable, "-m", "gyropilot.cli", "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        assert told["pid"] == running.pid
        found = run(RunningServer(tmp_path / "home"), "env", "--json", GYROPILOT_ENDPOINT_URL=told["endpoint_url"])
        assert json.loads(found.stdout)["AWS_ENDPOINT_URL"] == told["endpoint_url"]
        running.terminate()
        assert running.wait(60) == 0


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
