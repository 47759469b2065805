"""A service on memory stores, a clock that stands still and programs that are threads."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gyropilot.execution.inline import InlineLauncher, InlineProgram
from gyropilot.execution.model_client import HttpModelClient
from gyropilot.service.identity import Identity
from gyropilot.service.invocations import Invocation
from gyropilot.service.ports import Answer, ModelServerSpec
from gyropilot.service.quotas import PROFILES, Quotas
from gyropilot.service.records import AutoMLJob, Container, Problem, Variant
from gyropilot.service.service import Limits, Service, build_service
from gyropilot.storage.blobs_memory import MemoryBlobStore
from gyropilot.storage.headers import StoredHeaderReader
from gyropilot.storage.logs_memory import MemoryLogStore
from gyropilot.storage.records_memory import MemoryRecordStore

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
IDENTITY = Identity(account_id="000000000000", region="us-east-1")
PROBLEM = Problem(data_uri="s3://data/train/", target="y", output_uri="s3://data/out")
LEASE_SECONDS = 10.0


@dataclass
class HandClock:
    """A clock that moves when told to."""

    now: datetime = BEGINNING

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Echo(BaseHTTPRequestHandler):
    """A model that answers with the request; the body `fail` is answered with an error."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # an answer in one piece: two of them would wait for each other in the network

    server: EchoServer

    def do_GET(self) -> None:
        is_silent = f"http://127.0.0.1:{self.server.server_port}" in self.server.programs.silent
        self._answer(503 if is_silent else 200, b"")

    def do_POST(self) -> None:
        if self.server.programs.broken:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["content-length"]))
        self._answer(400 if body == b"fail" else 200, body)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        return


class EchoServer(ThreadingHTTPServer):
    """Serves the model as the test's programs say."""

    def __init__(self, programs: Programs) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.programs = programs
        self._connections: list[Any] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        """Close the kept connections as well, as the end of a process does."""
        super().server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Programs:
    """What the programs of a test do, and which of them ran."""

    work: Any = None
    worked: list[str] = field(default_factory=list)
    failing_servers: int = 0
    served: list[ModelServerSpec] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    """The addresses of servers that do not say that they are well."""
    broken: bool = False
    """Whether servers break off instead of answering."""

    def run_worker(self, job: str, program: InlineProgram) -> None:
        name = job.partition("/")[2]
        self.worked.append(name)
        if self.work is None:
            program.stopping.wait()
        else:
            self.work(name, program)

    def serve(self, spec: ModelServerSpec, program: InlineProgram) -> None:
        self.served.append(spec)
        if self.failing_servers:
            self.failing_servers -= 1
            raise RuntimeError("this model cannot be served")
        server = EchoServer(self)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        program.announce(f"http://127.0.0.1:{server.server_port}")
        program.stopping.wait()
        server.shutdown()
        server.server_close()
        thread.join()


class CrowdedLauncher(InlineLauncher):
    """A launcher that has no room for some jobs."""

    def __init__(self, programs: Programs) -> None:
        super().__init__(programs.run_worker, programs.serve)
        self.refused: set[str] = set()

    def start_worker(self, job: str) -> str:
        if job.partition("/")[2] in self.refused:
            raise OSError("no more processes")
        return super().start_worker(job)


@dataclass(kw_only=True)
class House:
    """A service and its insides."""

    service: Service
    clock: HandClock
    blobs: MemoryBlobStore
    records: MemoryRecordStore
    logs: MemoryLogStore
    programs: Programs
    launcher: CrowdedLauncher
    client: HttpModelClient

    def put(self, key: str, content: bytes, bucket: str = "data") -> None:
        self.blobs.put(bucket, key, io.BytesIO(content))

    def create_job(self, name: str = "churn", problem: Problem = PROBLEM, *, created_by: str = "") -> AutoMLJob:
        return self.service.jobs.create(name, {"AutoMLJobName": name}, problem, created_by=created_by)

    def claim(self, name: str = "churn", owner: str = "w1") -> AutoMLJob | None:
        return self.service.jobs.claim(name, owner, LEASE_SECONDS)

    def invoke(self, name: str = "live", body: bytes = b"1", *, variant: str = "") -> tuple[str, Answer]:
        return self.service.invocations.invoke(Invocation(endpoint=name, body=body, headers={}, variant=variant))

    def create_endpoint(self, name: str = "live", *variants: Variant, image: str = IDENTITY.ensembling_image) -> None:
        self.put("model.tar.gz", b"a model")
        container = Container(image=image, model_data_url="s3://data/model.tar.gz", environment={"KEY": "value"})
        self.service.models.create("m", {}, [container])
        self.service.endpoint_configs.create("c", {}, variants or [Variant(name="all", model="m")])
        self.service.endpoints.create(name, "c")


@contextmanager
def open_house(folder: Path, *, max_running_jobs: int = 1, quotas: Quotas = PROFILES["generous"]) -> Iterator[House]:
    clock, programs = HandClock(), Programs()
    records, blobs, logs = MemoryRecordStore(), MemoryBlobStore(), MemoryLogStore()
    launcher = CrowdedLauncher(programs)
    client = HttpModelClient()
    service = build_service(
        identity=IDENTITY,
        records=records,
        blobs=blobs,
        headers=StoredHeaderReader(blobs),
        logs=logs,
        launcher=launcher,
        client=client,
        folder=folder,
        limits=Limits(max_running_jobs=max_running_jobs, max_attempts=3, quotas=quotas),
        clock=clock,
    )
    blobs.create_bucket("data")
    house = House(
        service=service,
        clock=clock,
        blobs=blobs,
        records=records,
        logs=logs,
        programs=programs,
        launcher=launcher,
        client=client,
    )
    house.put("train/a.csv", b"x,y\n1,no\n2,yes\n")
    try:
        yield house
    finally:
        launcher.close()
        client.close()


def with_target(target: str) -> Problem:
    return replace(PROBLEM, target=target)
