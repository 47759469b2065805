"""Measures the service as a user meets it: start, first candidate, deadline, latency, sizes.

python benchmarks/service.py [--budget 60] [--calls 2000]

Starts a server of its own in a temporary state folder, trains on `examples/data/adult.csv`, serves the best candidate,
prints a Markdown table and writes `benchmarks/results/service.json`.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.latency import Latency, measure_latency  # noqa: E402  # run as a script, the root is not on the path
from benchmarks.loading import measure_loading  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402
from benchmarks.programs import (  # noqa: E402
    QUIET_SAMPLE_SECONDS,
    MemoryWatch,
    RunningServer,
    find_listening_url,
    running_server,
)
from gyropilot.engine.bundle.load import load  # noqa: E402
from gyropilot.sdk import Session  # noqa: E402

DATA = ROOT / "examples" / "data" / "adult.csv"
TARGET = "income"
TRAINING_ROWS = 8_000
RESULT = ROOT / "benchmarks" / "results" / "service.json"
POLL_SECONDS = 0.05
WARM_UP = 200
SHORT_BUDGET = 8
"""Seconds of a job that its budget ends; the main job may be through before."""
NAME = "benchmark"
OBJECT_BYTES = 256 << 20
"""Size of the object that is stored and read."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The example data, divided."""

    training: bytes
    """CSV with a header."""
    rows: Sequence[Sequence[str]]
    """Held-out rows without the target."""

    @classmethod
    def read(cls) -> Table:
        """Read the example: the first rows train, the others are predicted."""
        with DATA.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows[:TRAINING_ROWS]])
        target = header.index(TARGET)
        held_out = [[cell for index, cell in enumerate(row) if index != target] for row in rows[TRAINING_ROWS:]]
        return cls(training=text.getvalue().encode(), rows=held_out)

    def csv_row(self, number: int) -> bytes:
        """Return one held-out row as a line of CSV."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(self.rows[number % len(self.rows)])
        return text.getvalue().encode()


@dataclass(frozen=True, kw_only=True)
class JobTimes:
    """How a job went, in seconds since its creation unless said otherwise."""

    budget: int
    started: float
    """Until it was seen to be past its first step."""
    first_candidate: float | None
    """Until its first candidate was finished; None when there was no time for one."""
    total: float
    """Until it ended."""
    end: str
    """Why it ended: its last secondary status."""
    candidates: int
    objective: str = ""
    best: float | None = None

    @property
    def over_budget(self) -> float | None:
        """Seconds between the budget's end and the job's; None when the job was through before."""
        return None if self.end == "Completed" else self.total - self.budget

    def as_document(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return {
            "budget_seconds": self.budget,
            "started_seconds": round(self.started, 3),
            "first_candidate_seconds": None if self.first_candidate is None else round(self.first_candidate, 3),
            "total_seconds": round(self.total, 3),
            "over_budget_seconds": None if self.over_budget is None else round(self.over_budget, 3),
            "end": self.end,
            "candidates": self.candidates,
            "objective": self.objective,
            "best": self.best,
        }


def run_job(session: Session, name: str, bucket: str, budget: int) -> tuple[JobTimes, dict[str, Any]]:
    """Train with a budget and return the times and the best candidate."""
    sagemaker = session.client("sagemaker")
    sagemaker.create_auto_ml_job(
        AutoMLJobName=name,
        InputDataConfig=[
            {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train/"}},
                "TargetAttributeName": TARGET,
            }
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/output"},
        AutoMLJobConfig={"Mode": "ENSEMBLING", "CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": budget}},
        RoleArn=session.role_arn,
    )
    started: float | None = None
    while True:
        job = sagemaker.describe_auto_ml_job(AutoMLJobName=name)
        if started is None and job["AutoMLJobSecondaryStatus"] != "Starting":
            started = time.time() - job["CreationTime"].timestamp()
        if job["AutoMLJobStatus"] in {"Completed", "Failed", "Stopped"}:
            break
        time.sleep(POLL_SECONDS)
    if "limit" not in job.get("FailureReason", "limit"):  # too little time is a result, anything else is none
        raise RuntimeError(f"the job ended as {job['AutoMLJobStatus']}: {job.get('FailureReason')}")
    pages = sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(
        AutoMLJobName=name, StatusEquals="Completed"
    )
    candidates = [candidate for page in pages for candidate in page["Candidates"]]
    created_at = job["CreationTime"]
    best: dict[str, Any] = dict(job.get("BestCandidate", {}))
    objective = best["FinalAutoMLJobObjectiveMetric"] if best else None
    first_ends = [(candidate["EndTime"] - created_at).total_seconds() for candidate in candidates]
    times = JobTimes(
        budget=budget,
        started=started or 0.0,
        first_candidate=min(first_ends, default=None),
        total=(job["EndTime"] - created_at).total_seconds(),
        end=job["AutoMLJobSecondaryStatus"],
        candidates=len(candidates),
        objective=objective["MetricName"] if objective else "",
        best=float(objective["Value"]) if objective else None,
    )
    return times, best


def deploy(session: Session, best: dict[str, Any]) -> float:
    """Put the best candidate behind an endpoint and return the seconds until it is in service."""
    sagemaker = session.client("sagemaker")
    sagemaker.create_model(
        ModelName=NAME, PrimaryContainer=best["InferenceContainers"][0], ExecutionRoleArn=session.role_arn
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME,
        ProductionVariants=[{"VariantName": "main", "ModelName": NAME, "InitialInstanceCount": 1}],
    )
    began_at = time.perf_counter()
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    while True:
        endpoint = sagemaker.describe_endpoint(EndpointName=NAME)
        if endpoint["EndpointStatus"] == "InService":
            return time.perf_counter() - began_at
        if endpoint["EndpointStatus"] == "Failed":
            raise RuntimeError(f"the endpoint failed: {endpoint.get('FailureReason')}")
        time.sleep(POLL_SECONDS)


def measure_calls(server: RunningServer, session: Session, table: Table, archive: Path, calls: int) -> dict[str, Any]:
    """Time a prediction of one row on the ways to the model, from the longest to the shortest."""
    runtime = session.client("sagemaker-runtime")

    def through_boto3(number: int) -> bytes:
        answer = runtime.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=table.csv_row(number))
        return answer["Body"].read()

    keys = session.environment()
    signer = SigV4Auth(
        Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]), "sagemaker", session.region
    )
    url = f"{server.endpoint_url}/endpoints/{NAME}/invocations"
    requests = []
    for number in range(len(table.rows)):
        request = AWSRequest("POST", url, {"Content-Type": "text/csv"}, table.csv_row(number))
        signer.add_auth(request)
        requests.append((dict(request.headers.items()), table.csv_row(number)))
    pool = urllib3.PoolManager()

    def through_http(number: int) -> bytes:
        headers, body = requests[number % len(requests)]
        return _answered(pool.request("POST", url, body=body, headers=headers))

    model_url = find_listening_url(server.process, "gyropilot.serving") + "/invocations"

    def at_the_model_server(number: int) -> bytes:
        _, body = requests[number % len(requests)]
        return _answered(pool.request("POST", model_url, body=body, headers={"Content-Type": "text/csv"}))

    predictor = load(archive)

    def in_process(number: int) -> object:
        return predictor.predict_rows([table.rows[number % len(table.rows)]])

    ways = {
        "InvokeEndpoint with boto3": through_boto3,
        "InvokeEndpoint, signed beforehand": through_http,
        "model server alone": at_the_model_server,
        "in process": in_process,
    }
    measured: dict[str, Latency] = {}
    for name, way in ways.items():
        measured[name] = measure_latency(way, calls=calls, warm_up=WARM_UP)
        print(f"  {name}: p50 {measured[name].p50_ms:.3f} ms, p99 {measured[name].p99_ms:.3f} ms", flush=True)
    return {name: latency.as_document() for name, latency in measured.items()}


def measure_objects(session: Session, bucket: str, folder: Path) -> dict[str, float]:
    """Return MB/s of storing and reading an object, next to a copy of the file that is flushed to the same disk."""
    s3 = session.client("s3")
    source, target, key = folder / "object", folder / "copy", "benchmark/object"
    block = os.urandom(1 << 20)
    with source.open("wb") as file:
        for _ in range(OBJECT_BYTES >> 20):
            file.write(block)

    def copy() -> None:
        with source.open("rb") as content, target.open("wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())

    def put() -> None:
        with source.open("rb") as content:
            s3.put_object(Bucket=bucket, Key=key, Body=content)

    def put_presigned() -> None:
        url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
        with source.open("rb") as content:
            _answered(urllib3.request("PUT", url, body=content, headers={"Content-Length": str(OBJECT_BYTES)}))

    def get() -> None:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"]
        while content.read(1 << 20):
            pass

    ways = {
        "copy of the file": copy,
        "PutObject with boto3": put,
        "PutObject, presigned": put_presigned,
        "upload_file": lambda: s3.upload_file(str(source), bucket, key),
        "GetObject with boto3": get,
    }
    speeds = {}
    for name, way in ways.items():
        began_at = time.perf_counter()
        way()
        speeds[name] = round(OBJECT_BYTES / 1e6 / (time.perf_counter() - began_at), 1)
        print(f"  {OBJECT_BYTES >> 20} MiB, {name}: {speeds[name]:.0f} MB/s", flush=True)
    s3.delete_object(Bucket=bucket, Key=key)
    source.unlink()
    target.unlink()
    return speeds


def _answered(response: urllib3.BaseHTTPResponse) -> bytes:
    if response.status != 200:  # HTTP: OK
        raise RuntimeError(f"answered {response.status}: {response.data!r}")
    return response.data


def measure(home: Path, *, budget: int, calls: int) -> dict[str, Any]:
    """Run everything in a fresh state folder."""
    table = Table.read()
    with running_server(home) as server, MemoryWatch(server.process) as memory:
        print(f"server: {server.start_seconds:.2f} s from start to the first answer", flush=True)
        session = Session(endpoint_url=server.endpoint_url, home=home)
        bucket = session.default_bucket()
        session.client("s3").put_object(Bucket=bucket, Key="train/adult.csv", Body=table.training)
        jobs = {}
        best: dict[str, Any] = {}
        for name, seconds in (("short", SHORT_BUDGET), ("long", budget)):
            times, best = run_job(session, f"{NAME}-{name}", bucket, seconds)
            jobs[name] = times
            print(
                f"job of {seconds} s: first candidate after {_seconds(times.first_candidate)}, "
                f"ended after {times.total:.2f} s with {times.candidates} candidates",
                flush=True,
            )
        if not best:
            sys.exit(
                f"the job of {budget} s ended without a model: this machine is too busy, or needs a greater --budget"
            )
        in_service_seconds = deploy(session, best)
        print(f"endpoint: in service after {in_service_seconds:.2f} s", flush=True)
        place = best["InferenceContainers"][0]["ModelDataUrl"].removeprefix(f"s3://{bucket}/")
        objects = measure_objects(session, bucket, home)
        archive = home / "best.tar.gz"
        session.client("s3").download_file(bucket, place, str(archive))
        memory.interval_seconds = QUIET_SAMPLE_SECONDS
        latencies = measure_calls(server, session, table, archive, calls)
        session.client("sagemaker").delete_endpoint(EndpointName=NAME)
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "server_start_seconds": round(server.start_seconds, 3),
        "jobs": {name: times.as_document() for name, times in jobs.items()},
        "endpoint_in_service_seconds": round(in_service_seconds, 3),
        "one_row": latencies,
        "predictor": measure_loading(archive),
        "objects_mb_per_second": objects,
        "bundle_bytes": archive.stat().st_size,
        "peak_memory_mib": {role: round(size / 2**20, 1) for role, size in sorted(memory.peaks.items())},
    }


def print_table(result: dict[str, Any]) -> None:
    """Print the figures as Markdown."""
    short, long = result["jobs"]["short"], result["jobs"]["long"]
    rows = [
        ("server: start to first answer", f"{result['server_start_seconds']:.2f} s"),
        ("job: creation to reading its data", f"{long['started_seconds']:.2f} s"),
        ("job: creation to first candidate", _seconds(long["first_candidate_seconds"])),
    ]
    rows += [(f"job of {job['budget_seconds']} s", _describe_end(job)) for job in (short, long)]
    rows.append(("endpoint: creation to in service", f"{result['endpoint_in_service_seconds']:.2f} s"))
    rows += [
        (f"one row, {way}: p50 / p99", f"{latency['p50_ms']:.2f} / {latency['p99_ms']:.2f} ms")
        for way, latency in result["one_row"].items()
    ]
    predictor = result["predictor"]
    rows.append(("predictor: import", f"{predictor['import_seconds']:.2f} s, {predictor['memory_mib']:.0f} MiB"))
    rows.append(("predictor: opening the best model", f"{predictor['load_seconds']:.3f} s"))
    rows += [
        (f"{OBJECT_BYTES >> 20} MiB, {way}", f"{speed:.0f} MB/s")
        for way, speed in result["objects_mb_per_second"].items()
    ]
    rows.append(("size of the best model's archive", f"{result['bundle_bytes'] / 1e6:.2f} MB"))
    rows += [(f"peak memory, {role}", f"{size:.0f} MiB") for role, size in result["peak_memory_mib"].items()]
    print("\n| what | measured |\n|---|---|")
    for row in rows:
        print(f"| {row[0]} | {row[1]} |")


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"


def _describe_end(job: dict[str, Any]) -> str:
    over = job["over_budget_seconds"]
    if over is not None:
        moment = f"{over:.2f} s after" if over > 0 else f"{-over:.2f} s before"
        return f"ended {moment} its budget did, {job['candidates']} candidates"
    return f"through after {job['total_seconds']:.1f} s, {job['candidates']} candidates"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=60, help="seconds of the main job")
    parser.add_argument("--calls", type=int, default=2_000, help="predictions of one row on each way")
    parser.add_argument("--result", type=Path, default=RESULT, help="where to write the figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gyropilot-benchmark-") as folder:
        result = measure(Path(folder), budget=arguments.budget, calls=arguments.calls)
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    arguments.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print_table(result)


if __name__ == "__main__":
    main()
