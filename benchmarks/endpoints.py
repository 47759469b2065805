"""Measures endpoints under load: many clients for a minute, and how soon a killed model server is back.

python -m benchmarks.endpoints [--clients 200] [--seconds 60] [--kills 5]

Starts a server of its own in a temporary state folder, serves a small stored model, prints a Markdown table and writes
`benchmarks/results/endpoints.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psutil
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks.machine import describe_machine
from benchmarks.programs import ROOT, RunningServer, running_server
from benchmarks.senders import at_full_load
from benchmarks.signed_requests import sign_invocations
from gyropilot.sdk import Session

RESULTS = Path(__file__).resolve().parent / "results"
ARCHIVE = ROOT / "tests" / "data" / "bundles" / "0.1.0-binary.tar.gz"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:gyropilot-1"
ROLE = "arn:aws:iam::000000000000:role/GyropilotExecutionRole"
ROW = b"0.5,red,2024-03-04\n"
NAME = "measured"
WARM_UP_SECONDS = 2.0
POLL_SECONDS = 0.02
START_SECONDS = 60.0


def create_endpoint(session: Session) -> None:
    """Serve the stored model, and capture nothing."""
    s3, sagemaker = session.client("s3"), session.client("sagemaker")
    s3.create_bucket(Bucket="bench")
    s3.put_object(Bucket="bench", Key="model.tar.gz", Body=ARCHIVE.read_bytes())
    container = {"Image": IMAGE, "ModelDataUrl": "s3://bench/model.tar.gz"}
    sagemaker.create_model(ModelName=NAME, PrimaryContainer=cast("Any", container), ExecutionRoleArn=ROLE)
    variant = {"VariantName": "all", "ModelName": NAME, "InstanceType": "x", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[cast("Any", variant)])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    deadline = time.perf_counter() + START_SECONDS
    while sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"] != "InService":
        if time.perf_counter() > deadline:
            raise RuntimeError("the endpoint does not come into service")
        time.sleep(POLL_SECONDS)


def measure_load(session: Session, clients: int, seconds: float) -> dict[str, Any]:
    """Return what many clients at once get; every answer must be a good one."""
    requests = sign_invocations(session, NAME, [ROW] * clients)
    url = session.endpoint_url
    at_full_load(url, requests, connections=clients, seconds=WARM_UP_SECONDS).check()
    load = at_full_load(url, requests, connections=clients, seconds=seconds)
    errors = sum(count for status, count in load.statuses.items() if status != 200)
    one = at_full_load(url, requests, connections=2, seconds=min(seconds, 10.0)).check()
    return {
        "clients": clients,
        "seconds": round(load.seconds, 1),
        "requests": len(load.latencies),
        "errors": errors,
        "rate": round(load.rate, 1),
        "p50_ms": round(load.quantile_ms(0.5), 2),
        "p99_ms": round(load.quantile_ms(0.99), 2),
        "two_clients_p50_ms": round(one.quantile_ms(0.5), 2),
        "two_clients_p99_ms": round(one.quantile_ms(0.99), 2),
    }


def find_model_server(server: RunningServer) -> psutil.Process:
    """Return the model server's process."""
    for child in server.process.children(recursive=True):
        if "gyropilot.serving" in child.cmdline():
            return child
    raise RuntimeError("there is no model server")


def measure_kills(server: RunningServer, session: Session, kills: int) -> dict[str, Any]:
    """Return how long a caller waits for its answer after the model server was killed, and what was refused."""
    config = Config(retries={"total_max_attempts": 1})
    runtime = session.boto_session.client("sagemaker-runtime", endpoint_url=session.endpoint_url, config=config)
    waits, refused = [], 0
    for _ in range(kills):
        runtime.invoke_endpoint(EndpointName=NAME, Body=ROW, ContentType="text/csv")
        find_model_server(server).kill()
        killed_at = time.perf_counter()
        while True:
            try:
                runtime.invoke_endpoint(EndpointName=NAME, Body=ROW, ContentType="text/csv")
                break
            except ClientError:
                refused += 1
        waits.append(round(time.perf_counter() - killed_at, 3))
    return {"waits_seconds": waits, "median_seconds": statistics.median(waits), "refused": refused}


def write_table(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    load, kills = result["load"], result["kills"]
    rows = [
        (
            f"{load['clients']} clients for {load['seconds']:.0f} s: errors",
            f"{load['errors']} of {load['requests']}",
            "0",
        ),
        (f"{load['clients']} clients: requests of one row", f"{load['rate']:.0f} per second", ""),
        (f"{load['clients']} clients: latency", f"p50 {load['p50_ms']:.0f} ms, p99 {load['p99_ms']:.0f} ms", ""),
        ("2 clients: latency", f"p50 {load['two_clients_p50_ms']:.1f} ms, p99 {load['two_clients_p99_ms']:.1f} ms", ""),
        (
            "a killed model server: next answer after",
            f"{kills['median_seconds']:.2f} s, {max(kills['waits_seconds']):.2f} s at most",
            "2 s at most",
        ),
        ("a killed model server: requests refused after it", str(kills["refused"]), "those under way"),
    ]
    lines = ["| what | measured | asked for |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gyropilot-bench-") as folder:
        home = Path(folder) / "home"
        with running_server(home) as server:
            session = Session(endpoint_url=server.endpoint_url, home=home)
            create_endpoint(session)
            result: dict[str, Any] = {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": describe_machine(),
                "load": measure_load(session, options.clients, options.seconds),
                "kills": measure_kills(server, session, options.kills),
            }
    (RESULTS / "endpoints.json").write_text(json.dumps(result, indent=2) + "\n")
    print(write_table(result), end="")


if __name__ == "__main__":
    main()
