"""Measures predictions as users of an endpoint meet them, next to AutoGluon behind the usual wrapper.

python -m benchmarks.serving [--budget 60] [--seconds 10] [--soak 60] [--calls 2000] [--model MODEL.tar.gz] [--alone]

Trains on `examples/data/adult.csv` unless given a model of that table, serves the model with a server of its own in a
temporary state folder, prints a Markdown table and writes `benchmarks/results/serving.json`.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import urllib3

from benchmarks.latency import measure_latency
from benchmarks.machine import describe_machine
from benchmarks.programs import RunningServer, find_listening_url, running_server
from benchmarks.senders import at_full_load
from benchmarks.serving_programs import measure_cold_start, measure_rival, measure_trees
from benchmarks.signed_requests import sign_invocations
from gyropilot.sdk import Session

RESULT = Path(__file__).resolve().parent / "results" / "serving.json"
DATA = Path(__file__).resolve().parents[1] / "examples" / "data" / "adult.csv"
TARGET, TRAINING_ROWS = "income", 8_000
NAME, BUCKET = "benchmark", "benchmark"
ROLE = "arn:aws:iam::000000000000:role/GyropilotExecutionRole"
POLL_SECONDS = 0.02
WARM_UP = 200
REQUESTS = 500
"""Different requests of one row."""
CONNECTIONS, CLIENTS = 16, 200
MANY_ROWS = (1_000, 100_000)
RECOVERY_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Table:
    """The example data, divided."""

    training: Path
    """CSV with a header."""
    rows: Sequence[Sequence[str]]
    """Held-out rows without the target."""

    @classmethod
    def divide(cls, folder: Path) -> Table:
        """Write the rows that train, and keep the others."""
        with DATA.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file))
        training = folder / "training.csv"
        with training.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows[:TRAINING_ROWS]])
        target = header.index(TARGET)
        return cls(training=training, rows=[row[:target] + row[target + 1 :] for row in rows[TRAINING_ROWS:]])

    def take(self, count: int) -> list[Sequence[str]]:
        """Return so many rows, over and over again."""
        return [self.rows[place % len(self.rows)] for place in range(count)]


def write_rows(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def train(table: Table, budget: int, archive: Path) -> Path:
    """Train the default ensemble and return where it lies."""
    from gyropilot.engine import Budget, Task, fit  # only here, as below

    fit(table.training, Task(target=TARGET), Budget(max_runtime_seconds=budget)).save(archive)
    return archive


def measure_in_process(archive: Path, table: Table, calls: int) -> dict[str, Any]:
    """Return what predicting costs without any HTTP."""
    from gyropilot.engine.bundle.load import load  # only here: processes of senders import this module, too

    predictor = load(archive)
    one = measure_latency(
        lambda number: predictor.predict_rows([table.rows[number % len(table.rows)]]), calls=calls, warm_up=WARM_UP
    )
    found: dict[str, Any] = {"algorithm": predictor.manifest.algorithm, "one_row": one.as_document()}
    for count in MANY_ROWS:
        rows, began_at = table.take(count), time.perf_counter()
        predictor.predict_rows(rows)
        found[f"{count}_rows_seconds"] = round(time.perf_counter() - began_at, 4)
    return found


def deploy(session: Session, archive: Path) -> float:
    """Put the model behind an endpoint and return the seconds until it is in service."""
    s3, sagemaker = session.client("s3"), session.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(archive), BUCKET, "model.tar.gz")
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:gyropilot-1"
    sagemaker.create_model(
        ModelName=NAME,
        PrimaryContainer={"Image": image, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"},
        ExecutionRoleArn=ROLE,
    )
    variant: Any = {"VariantName": "main", "ModelName": NAME, "InstanceType": "local", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[variant])
    began_at = time.perf_counter()
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    while (status := sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"]) != "InService":
        if status == "Failed":
            raise RuntimeError("the endpoint failed")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - began_at


def measure_endpoint(session: Session, table: Table, given: argparse.Namespace) -> dict[str, Any]:
    """Return latencies of one caller, rates at full load, and how 200 callers fare."""
    url = session.endpoint_url
    one = sign_invocations(session, NAME, [write_rows([row]) for row in table.take(REQUESTS)])
    many = sign_invocations(session, NAME, [write_rows(table.take(1_000))] * CONNECTIONS)
    alone = at_full_load(url, one, connections=2, seconds=given.seconds).check()
    found: dict[str, Any] = {
        # Of two callers, one in each process of senders.
        "one_row_p50_ms": round(alone.quantile_ms(0.5), 3),
        "one_row_p99_ms": round(alone.quantile_ms(0.99), 3),
    }
    for rows, requests in ((1, one), (1_000, many)):
        load_ = at_full_load(url, requests, connections=CONNECTIONS, seconds=given.seconds).check()
        found[f"rows_per_second_by_{rows}"] = round(rows * load_.rate)
    soak = at_full_load(url, one, connections=CLIENTS, seconds=given.soak).check()
    found["clients"] = {
        "connections": CLIENTS,
        "seconds": round(soak.seconds, 1),
        "answers": len(soak.latencies),
        "errors": 0,
        "p50_ms": round(soak.quantile_ms(0.5), 2),
        "p99_ms": round(soak.quantile_ms(0.99), 2),
    }
    return found


def measure_recovery(server: RunningServer, session: Session, table: Table) -> dict[str, Any]:
    """Kill the model server and return how long the endpoint did not answer."""
    runtime = session.client("sagemaker-runtime")
    row = write_rows(table.take(1))
    port = int(find_listening_url(server.process, "gyropilot.serving").rpartition(":")[2])
    (victim,) = [
        child
        for child in server.process.children(recursive=True)
        if any(each.laddr.port == port and each.status == psutil.CONN_LISTEN for each in child.net_connections("tcp"))
    ]
    victim.kill()
    killed_at = time.perf_counter()
    refused = 0
    while True:
        try:
            runtime.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=row)["Body"].read()
        except runtime.exceptions.ClientError:
            refused += 1
            if time.perf_counter() - killed_at > RECOVERY_SECONDS:
                raise
            time.sleep(POLL_SECONDS)
            continue
        return {"seconds": round(time.perf_counter() - killed_at, 3), "refused": refused}


def measure_keep_alive(address: str, rows: Sequence[bytes], calls: int) -> dict[str, float]:
    """Return the latency of one row at a program that serves `/invocations`, of one caller."""
    pool = urllib3.PoolManager()

    def ask(number: int) -> None:
        body, headers = rows[number % len(rows)], {"Content-Type": "text/csv"}
        answer = pool.request("POST", f"{address}/invocations", body=body, headers=headers)
        if answer.status != 200:  # HTTP: OK
            raise RuntimeError(f"answered {answer.status}: {answer.data!r}")

    return measure_latency(ask, calls=calls, warm_up=min(WARM_UP, calls // 4)).as_document()


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Run everything in a fresh folder."""
    table = Table.divide(folder)
    archive = given.model or train(table, given.budget, folder / "model.tar.gz")
    rows = [write_rows([row]) for row in table.take(REQUESTS)]
    result: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "bundle_bytes": archive.stat().st_size,
    }

    def note(name: str, figures: Any) -> None:
        result[name] = figures
        print(f"  {name}: {figures}", flush=True)

    note("in_process", measure_in_process(archive, table, given.calls))
    note("cold_start", measure_cold_start(archive, folder, rows[0]))
    note("one_tree_model", measure_trees(table.training, TARGET, given.calls))
    with running_server(folder / "state") as server:
        session = Session(endpoint_url=server.endpoint_url, home=folder / "state")
        note("in_service_seconds", round(deploy(session, archive), 3))
        model_url = find_listening_url(server.process, "gyropilot.serving")
        note("model_server", measure_keep_alive(model_url, rows, given.calls))
        note("endpoint", measure_endpoint(session, table, given))
        note("recovery", measure_recovery(server, session, table))
    if not given.alone:
        calls = max(given.calls // 10, 50)
        many = write_rows(table.take(MANY_ROWS[-1]))
        note(
            "autogluon",
            measure_rival(
                table.training, many, TARGET, given.budget, folder, lambda url: measure_keep_alive(url, rows, calls)
            ),
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=60, help="seconds of each training")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--soak", type=float, default=60.0, help=f"seconds of {CLIENTS} callers at once")
    parser.add_argument("--calls", type=int, default=2_000, help="predictions of one row on each way")
    parser.add_argument("--model", type=Path, help="a model of the table, instead of training one")
    parser.add_argument("--alone", action="store_true", help="without AutoGluon")
    parser.add_argument("--result", type=Path, default=RESULT, help="where to write the figures as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gyropilot-benchmark-") as folder:
        result = measure(Path(folder), given)
    given.result.parent.mkdir(parents=True, exist_ok=True)
    given.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("| what | measured |\n|---|---|")
    for name, value in flatten(result):
        print(f"| {name} | {value} |")


def flatten(document: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the figures of a document with their paths."""
    rows: list[tuple[str, Any]] = []
    for name, value in document.items():
        rows += flatten(value, f"{prefix}{name}, ") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return rows


if __name__ == "__main__":
    main()
