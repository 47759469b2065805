"""Measures the service under load: requests per second, long objects, a long queue, start and memory.

python -m benchmarks.load [--jobs 10000] [--seconds 10] [--object-mib 1024] [--queue 1000] [--only NAME,...]

Starts servers of its own in temporary state folders, prints a Markdown table and writes `benchmarks/results/load.json`
and `benchmarks/results/load.md`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.load_objects import measure_objects
from benchmarks.load_queue import measure_queue
from benchmarks.machine import describe_machine
from benchmarks.programs import RunningServer, running_server
from benchmarks.senders import at_full_load, at_rate
from benchmarks.signed_requests import sign_requests
from benchmarks.stored_jobs import fill
from gyropilot.sdk import Session

RESULTS = Path(__file__).resolve().parent / "results"
CONNECTIONS = 16
HALF_LOAD = 500.0
"""Requests per second: half of what is asked for."""
DESCRIBED = 2_000
"""How many different jobs are described."""
COPIES = 10
"""Of a request that is always the same, so that each sender has some."""
WARM_UP_SECONDS = 2.0
STARTS = 5


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured."""

    jobs: int
    """Stored jobs."""
    seconds: float
    """Of each load."""
    object_bytes: int
    """Of the long object."""
    queue: int
    """Jobs that wait."""


def measure_start(home: Path, sizes: Sizes) -> dict[str, Any]:
    """Return the seconds from a server's start to its first answer, with all jobs stored, and its memory then."""
    fill(home, sizes.jobs)
    seconds, idle = [], 0.0
    for _ in range(STARTS):
        with running_server(home) as server:
            seconds.append(round(server.start_seconds, 3))
            Session(endpoint_url=server.endpoint_url, home=home).client("sagemaker").list_auto_ml_jobs()
            idle = server.process.memory_info().rss / 2**20
    return {"seconds": seconds, "median_seconds": statistics.median(seconds), "idle_mib": round(idle, 1)}


def measure_requests(home: Path, sizes: Sizes) -> dict[str, Any]:
    """Return rates at full load, and latencies at half of what is asked for, of describing and listing."""
    names = fill(home, sizes.jobs)
    described = names[:: max(1, len(names) // DESCRIBED)]
    with running_server(home) as server:
        session = Session(endpoint_url=server.endpoint_url, home=home)
        requests = {
            "DescribeAutoMLJob": sign_requests(
                session, "DescribeAutoMLJob", [{"AutoMLJobName": name} for name in described]
            ),
            "ListAutoMLJobs, 10 to a page": sign_requests(session, "ListAutoMLJobs", [{}] * COPIES),
        }
        found = {title: _load(server, each, sizes) for title, each in requests.items()}
        long_pages = sign_requests(
            session,
            "ListAutoMLJobs",
            [{"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}] * COPIES,
        )
        found["ListAutoMLJobs, 100 to a page, newest first"] = _full_load(server, long_pages, sizes)
        memory = server.process.memory_info().rss / 2**20
    return {"loads": found, "memory_after_mib": round(memory, 1)}


def _load(server: RunningServer, requests: list[bytes], sizes: Sizes) -> dict[str, float]:
    """Return what a full load and half of what is asked for give."""
    found = _full_load(server, requests, sizes)
    half = at_rate(
        server.endpoint_url, requests, connections=CONNECTIONS, seconds=sizes.seconds, rate=HALF_LOAD
    ).check()
    return found | {
        "half_load_rate": round(half.rate, 1),
        "p50_ms": round(half.quantile_ms(0.5), 2),
        "p99_ms": round(half.quantile_ms(0.99), 2),
    }


def _full_load(server: RunningServer, requests: list[bytes], sizes: Sizes) -> dict[str, float]:
    url = server.endpoint_url
    at_full_load(url, requests, connections=CONNECTIONS, seconds=WARM_UP_SECONDS).check()
    used = _processor_seconds(server)
    full = at_full_load(url, requests, connections=CONNECTIONS, seconds=sizes.seconds).check()
    used = _processor_seconds(server) - used
    return {
        "rate": round(full.rate, 1),
        "p99_ms_at_full_load": round(full.quantile_ms(0.99), 2),
        "processor_ms": round(1000 * used / len(full.latencies), 3),
    }


def _processor_seconds(server: RunningServer) -> float:
    times = server.process.cpu_times()
    return float(times.user + times.system)


PARTS: dict[str, Callable[[Path, Sizes], dict[str, Any]]] = {
    "start": measure_start,
    "requests": measure_requests,
    "objects": lambda home, sizes: measure_objects(home, sizes.object_bytes),
    "queue": lambda home, sizes: measure_queue(home, sizes.queue),
}


def write_table(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    rows = []
    if start := result.get("start"):
        rows.append(("server: start to first answer, median", f"{start['median_seconds']:.2f} s", "1.5 s at most"))
        rows.append(("server: memory after its first answer", f"{start['idle_mib']:.0f} MiB", "143 MiB at most"))
    if requests := result.get("requests"):
        for title, load in requests["loads"].items():
            rows.append((title, f"{load['rate']:.0f} requests/s", "1,000 at least" if "p99_ms" in load else ""))
            rows.append((f"{title}: processor time of the server for each", f"{load['processor_ms']:.2f} ms", ""))
            if "p99_ms" not in load:
                continue
            latency = f"p50 {load['p50_ms']:.1f} ms, p99 {load['p99_ms']:.1f} ms"
            rows.append((f"{title}: at {load['half_load_rate']:.0f} requests/s", latency, "p99 20 ms at most"))
        rows.append(("server: memory after these loads", f"{requests['memory_after_mib']:.0f} MiB", ""))
    if objects := result.get("objects"):
        plain = objects["speeds"]["copy of the file"]
        for way, speed in objects["speeds"].items():
            share = f" ({100 * speed / plain:.0f} %)" if way != "copy of the file" else ""
            asked = "60 % at least" if share else ""
            rows.append((f"{objects['mib']} MiB, {way}", f"{speed:.0f} MB/s{share}", asked))
    if queue := result.get("queue"):
        rows.append((f"{queue['jobs']} jobs created", f"{queue['create_seconds']:.1f} s", ""))
        rows.append((f"{queue['jobs']} waiting jobs listed", f"{queue['list_seconds']:.2f} s, none missing", ""))
        rows.append((f"{queue['jobs']} jobs drained", f"{queue['drain_seconds']:.1f} s, none lost", "none lost"))
    lines = ["| what | measured | asked for |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="finished jobs that are stored")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each load lasts")
    parser.add_argument("--object-mib", type=int, default=1024, help="size of the object that is stored and read")
    parser.add_argument("--queue", type=int, default=1_000, help="jobs that wait in the queue")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to measure: " + ", ".join(PARTS))
    parser.add_argument("--result", type=Path, default=RESULTS / "load.json", help="where to write the figures")
    given = parser.parse_args()
    parts = given.only.split(",")
    if unknown := set(parts) - PARTS.keys():
        parser.error(f"--only takes {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    sizes = Sizes(jobs=given.jobs, seconds=given.seconds, object_bytes=given.object_mib << 20, queue=given.queue)
    result: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
    }
    for part in parts:
        print(f"{part} …", flush=True)
        with tempfile.TemporaryDirectory(prefix="gyropilot-benchmark-") as folder:
            result[part] = PARTS[part](Path(folder), sizes)
    given.result.parent.mkdir(parents=True, exist_ok=True)
    given.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    table = write_table(result)
    given.result.with_suffix(".md").write_text(table, encoding="utf-8")
    print(f"\n{table}")


if __name__ == "__main__":
    main()
