"""A real server process and what the tests ask of it."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import psutil

from gyropilot.sdk import Session

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "examples" / "data"
ROWS_OF_CLI = 500
BUCKET = "acceptance"
START_SECONDS = 60
JOB_SECONDS = 150


class WaitedInVainError(AssertionError):
    """What was waited for did not come; the message holds what was there instead."""


def wait_for(
    ask: Callable[[], T], until: Callable[[T], bool], *, seconds: float = 60.0, pause_seconds: float = 0.1
) -> T:
    """Ask until the answer is right and return it."""
    deadline = time.monotonic() + seconds
    while not until(answer := ask()):
        if time.monotonic() > deadline:
            raise WaitedInVainError(f"after {seconds:g} s still {answer}")
        time.sleep(pause_seconds)
    return answer


@dataclass
class RunningServer:
    """A server on its own state folder, as a user would start it. Jobs write reports where the settings say so."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GYROPILOT_", "AWS_"))}
        own = {"GYROPILOT_HOME": str(self.home), "GYROPILOT_PORT": "0", "GYROPILOT_REPORTS": "none"}
        return {**kept, **own, **self.settings}

    def start(self) -> Session:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "server.json").unlink(missing_ok=True)
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gyropilot.server"], env=self.environment, stdout=log, stderr=log
            )
        wait_for((self.home / "server.json").exists, bool, seconds=START_SECONDS)
        return Session(home=self.home)

    def end(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(60)

    def lose_machine(self) -> None:
        """Kill the server and all that it started at once, as a power cut does: none is left to react to the others."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        stopped: dict[int, psutil.Process] = {}
        while new := [each for each in (root, *root.children(recursive=True)) if each.pid not in stopped]:
            for each in new:
                stopped[each.pid] = each
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.suspend()
        for each in reversed(stopped.values()):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait(60)
        psutil.wait_procs(list(stopped.values()), timeout=60)

    def worker_of(self, job: str, resource: str = "automl-job") -> psutil.Process | None:
        """Return the process that works on a job."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            if child.cmdline()[-2:] == ["gyropilot.worker", f"{resource}/{job}"]:
                return child
        return None


# --- data -------------------------------------------------------------------------------------------------------------


def read_rows(name: str, count: int) -> tuple[list[str], list[list[str]]]:
    """Return header and first rows of an example table."""
    with (DATA / name).open(newline="") as file:
        reader = csv.reader(file)
        return next(reader), [row for row, _ in zip(reader, range(count), strict=False)]


def write_rows(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def without(position: int, rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[*row[:position], *row[position + 1 :]] for row in rows]


# --- jobs -------------------------------------------------------------------------------------------------------------


def request(name: str, key: str, target: str, seconds: int, **changes: Any) -> dict[str, Any]:
    """Return the parameters of `create_auto_ml_job`; `changes` replace members."""
    channel = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{key}"}},
        "TargetAttributeName": target,
    }
    if key.endswith(".parquet"):
        channel["ContentType"] = "x-application/vnd.amazon+parquet"
    return {
        "AutoMLJobName": name,
        "InputDataConfig": [channel],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "AutoMLJobConfig": {"Mode": "ENSEMBLING", "CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": seconds}},
        "RoleArn": "arn:aws:iam::000000000000:role/GyropilotExecutionRole",
        **changes,
    }


def create(session: Session, parameters: Mapping[str, Any]) -> None:
    session.client("sagemaker").create_auto_ml_job(**parameters)


def describe(session: Session, job: str) -> Any:
    return session.client("sagemaker").describe_auto_ml_job(AutoMLJobName=job)


def candidates(session: Session, job: str, **query: Any) -> Any:
    return session.client("sagemaker").list_candidates_for_auto_ml_job(AutoMLJobName=job, **query)["Candidates"]


def is_over(job: Any) -> bool:
    return job["AutoMLJobStatus"] not in {"InProgress", "Stopping"}


def wait_for_end(session: Session, job: str) -> Any:
    return wait_for(lambda: describe(session, job), is_over, seconds=JOB_SECONDS)


def wait_for_candidates(session: Session, job: str, count: int = 1) -> Any:
    """Wait until so many candidates are completed and return them."""
    return wait_for(
        lambda: candidates(session, job, StatusEquals="Completed"),
        lambda found: len(found) >= count or is_over(describe(session, job)),
        seconds=JOB_SECONDS,
    )


def log_of(session: Session, job: str) -> list[Any]:
    """Return the events of a job's log."""
    answer: Any = session.client("logs").get_log_events(
        logGroupName="/aws/sagemaker/AutoMLJobs", logStreamName=job, startFromHead=True
    )
    return list(answer["events"])


def text_of(session: Session, job: str) -> str:
    """Return what a job's log says."""
    return "\n".join(event["message"] for event in log_of(session, job))


def seconds_of(session: Session, job: str) -> float:
    """Return the time from a job's first worker to its end."""
    events = log_of(session, job)
    return float(events[-1]["timestamp"] - events[0]["timestamp"]) / 1000


# --- endpoints --------------------------------------------------------------------------------------------------------


def create_endpoint(session: Session, name: str, candidate: Any, **environment: str) -> None:
    """Deploy a candidate; `environment` replaces variables of its container."""
    sagemaker = session.client("sagemaker")
    containers = [
        {**container, "Environment": {**container["Environment"], **environment}}
        for container in candidate["InferenceContainers"]
    ]
    role = "arn:aws:iam::000000000000:role/GyropilotExecutionRole"
    sagemaker.create_model(ModelName=name, Containers=cast("Any", containers), ExecutionRoleArn=role)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "all", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def wait_for_endpoint(session: Session, name: str) -> Any:
    sagemaker = session.client("sagemaker")
    endpoint = wait_for(
        lambda: sagemaker.describe_endpoint(EndpointName=name), lambda found: found["EndpointStatus"] != "Creating"
    )
    assert endpoint["EndpointStatus"] == "InService", endpoint.get("FailureReason")
    return endpoint


def invoke(session: Session, name: str, body: bytes, **headers: str) -> str:
    answer = session.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=body, **{"ContentType": "text/csv", **headers}
    )
    return answer["Body"].read().decode()
