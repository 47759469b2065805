"""Measures batch transform: rows per second, and whether memory grows with the rows.

python -m benchmarks.transform [--rows 1000000] [--candidates 4]

Starts a server of its own in a temporary state folder, trains on `examples/data/adult.csv`, predicts for a tenth of the
rows and for all of them, prints a Markdown table and writes `benchmarks/results/transform.json`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, cast

from benchmarks.machine import describe_machine
from benchmarks.programs import MemoryWatch, RunningServer, running_server
from gyropilot.sdk import Session

RESULTS = Path(__file__).resolve().parent / "results"
DATA = Path(__file__).resolve().parents[1] / "examples" / "data" / "adult.csv"
BUCKET, TARGET = "benchmark", "income"
ROLE = "arn:aws:iam::000000000000:role/GyropilotExecutionRole"
TRAINING_ROWS = 8_000
POLL_SECONDS = 0.2
WORKER = "worker with its lanes"


def train(session: Session, candidates: int) -> str:
    """Train, make a model of the best candidate and return its algorithm."""
    s3, sagemaker = session.client("s3"), session.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    lines = DATA.read_bytes().splitlines(keepends=True)[: TRAINING_ROWS + 1]
    s3.put_object(Bucket=BUCKET, Key="train/adult.csv", Body=b"".join(lines))
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/"}
    asked = {
        "InputDataConfig": [{"DataSource": {"S3DataSource": source}, "TargetAttributeName": TARGET}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "AutoMLJobConfig": {"Mode": "ENSEMBLING", "CompletionCriteria": {"MaxCandidates": candidates}},
        "RoleArn": ROLE,
    }
    sagemaker.create_auto_ml_job(AutoMLJobName="rows", **cast("Any", asked))
    while True:
        job: Any = sagemaker.describe_auto_ml_job(AutoMLJobName="rows")
        if job["AutoMLJobStatus"] not in {"InProgress", "Stopping"}:
            break
        time.sleep(POLL_SECONDS)
    if job["AutoMLJobStatus"] != "Completed":
        raise RuntimeError(f"the job that makes the model ended as {job['AutoMLJobStatus']}: {job}")
    best = job["BestCandidate"]
    sagemaker.create_model(ModelName="rows", Containers=best["InferenceContainers"], ExecutionRoleArn=ROLE)
    step = sagemaker.describe_training_job(TrainingJobName=best["CandidateName"])
    return step["HyperParameters"]["algorithm"]


def write_rows(path: Path, count: int) -> None:
    """Write a file of rows without the target, which are those of the table over and over again."""
    header, *lines = DATA.read_text(encoding="utf-8").splitlines()
    place = header.split(",").index(TARGET)
    assert place == header.count(","), "the target is the last column, and no cell behind a comma is cut off"
    rows = [line.rpartition(",")[0] + "\n" for line in lines]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(islice(chain.from_iterable(repeat(rows)), count))


def transform(session: Session, server: RunningServer, path: Path, count: int) -> dict[str, Any]:
    """Predict for so many rows and return what it took."""
    sagemaker, name = session.client("sagemaker"), f"rows-{count}"
    write_rows(path, count)
    session.client("s3").upload_file(str(path), BUCKET, f"{name}/in.csv")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/in.csv"}
    asked = {
        "TransformInput": {"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/{name}", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "local", "InstanceCount": 1},
    }
    with MemoryWatch(server.process) as memory:
        sagemaker.create_transform_job(TransformJobName=name, ModelName="rows", **cast("Any", asked))
        while True:
            job: Any = sagemaker.describe_transform_job(TransformJobName=name)
            if job["TransformJobStatus"] not in {"InProgress", "Stopping"}:
                break
            time.sleep(POLL_SECONDS)
    if job["TransformJobStatus"] != "Completed":
        raise RuntimeError(f"the transform of {count} rows ended as {job['TransformJobStatus']}: {job}")
    found = sum(_count_lines(session, f"{name}/in.csv.out"))
    if found != count:
        raise RuntimeError(f"{count} rows have {found} predictions")
    seconds = (job["TransformEndTime"] - job["TransformStartTime"]).total_seconds()
    return {
        "rows": count,
        "mib": round(path.stat().st_size / 2**20, 1),
        "seconds": round(seconds, 2),
        "rows_per_second": round(count / seconds),
        "peak_mib": round(memory.peaks[WORKER] / 2**20, 1),
    }


def _count_lines(session: Session, key: str) -> Iterator[int]:
    content: Any = session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"]
    while piece := content.read(1 << 20):
        yield piece.count(b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the longer file")
    parser.add_argument("--candidates", type=int, default=4, help="of the job that makes the model; the best counts")
    parser.add_argument("--result", type=Path, default=RESULTS / "transform.json", help="where to write the figures")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gyropilot-benchmark-") as folder:
        home = Path(folder) / "state"
        with running_server(home) as server:
            session = Session(endpoint_url=server.endpoint_url, home=home)
            algorithm = train(session, given.candidates)
            rows = Path(folder) / "rows.csv"
            runs = [transform(session, server, rows, count) for count in (given.rows // 10, given.rows)]
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "algorithm": algorithm,
        "runs": runs,
    }
    given.result.parent.mkdir(parents=True, exist_ok=True)
    given.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"The model: {algorithm}.\n\n| rows | size | seconds, with the worker's start | rows/s | peak memory |")
    print("|---|---|---|---|---|")
    for run in runs:
        cells = (run["rows"], f"{run['mib']} MiB", run["seconds"], run["rows_per_second"], f"{run['peak_mib']} MiB")
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
