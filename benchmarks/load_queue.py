"""Fills the queue, lists it, lets quick workers drain it, and counts that no job was lost or run twice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.programs import running_server
from benchmarks.quick_server import GO
from benchmarks.stored_jobs import BUCKET, request_job
from gyropilot.sdk import Session
from gyropilot.service.ports import Query
from gyropilot.service.records import AutoMLJob, Candidate
from gyropilot.storage.databases import locate_sqlite
from gyropilot.storage.records_sql import SqlRecordStore

RUNNING = 8
"""Jobs that run at once."""
POLL_SECONDS = 0.1
DRAIN_SECONDS = 120.0


def measure_queue(home: Path, count: int) -> dict[str, Any]:
    """Return how long creating, listing and draining takes.

    Raises:
        RuntimeError: when a job is missing from a list, was lost or ran twice.
    """
    settings = {"GYROPILOT_MAX_RUNNING_JOBS": str(RUNNING)}
    with running_server(home, module="benchmarks.quick_server", settings=settings) as server:
        session = Session(endpoint_url=server.endpoint_url, home=home)
        s3, sagemaker = session.client("s3"), session.client("sagemaker")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="train/rows.csv", Body=b"x,y\n1,a\n2,b\n")
        names = {f"queued-{number:05}" for number in range(count)}
        began_at = time.perf_counter()
        for name in sorted(names):
            sagemaker.create_auto_ml_job(**request_job(name))
        created_at = time.perf_counter()
        _check(names, _list(sagemaker, "InProgress"), "waiting")
        listed_at = time.perf_counter()
        (home / GO).touch()
        while sagemaker.list_auto_ml_jobs(StatusEquals="InProgress", MaxResults=1)["AutoMLJobSummaries"]:
            if time.perf_counter() - listed_at > DRAIN_SECONDS:
                raise RuntimeError(f"jobs still wait after {DRAIN_SECONDS:g} s")
            time.sleep(POLL_SECONDS)
        drained_at = time.perf_counter()
        _check(names, _list(sagemaker, "Completed"), "completed")
    _check_that_each_ran_once(home, names)
    return {
        "jobs": count,
        "running_at_once": RUNNING,
        "create_seconds": round(created_at - began_at, 2),
        "list_seconds": round(listed_at - created_at, 3),
        "drain_seconds": round(drained_at - listed_at, 2),
    }


def _list(sagemaker: Any, status: str) -> list[str]:
    pages = sagemaker.get_paginator("list_auto_ml_jobs").paginate(
        StatusEquals=status, SortBy="CreationTime", MaxResults=100
    )
    return [job["AutoMLJobName"] for page in pages for job in page["AutoMLJobSummaries"]]


def _check(expected: set[str], found: list[str], what: str) -> None:
    if sorted(found) != sorted(expected):
        raise RuntimeError(f"{len(expected)} jobs should be {what}, each listed once; {len(found)} are listed")


def _check_that_each_ran_once(home: Path, names: set[str]) -> None:
    store = SqlRecordStore(locate_sqlite(home / "records.db"))
    try:
        jobs = store.find(AutoMLJob, Query())
        candidates = store.find(Candidate, Query())
    finally:
        store.close()
    _check(names, [job.name for job in jobs if job.attempts == 1], "completed at the first attempt")
    _check(names, [candidate.parent for candidate in candidates], "with one candidate")
