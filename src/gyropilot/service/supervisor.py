"""Keeps the world as the records say: a worker for every open job, model servers for every endpoint.

`tick` compares records with running programs and takes the next step towards agreement. It holds no state that a
restart would miss: a server that starts anew finds open jobs and endpoints in the records and goes on.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gyropilot.service.endpoints import EndpointService
from gyropilot.service.errors import BlobNotFoundError, BucketNotFoundError, InvalidMoveError, NotFoundError
from gyropilot.service.identity import Identity
from gyropilot.service.jobs import JobService, Outcome
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobStore, Clock, Launcher, ModelClient, ModelServerSpec, Query
from gyropilot.service.queue import take_turns
from gyropilot.service.records import AutoMLJob, Container, Endpoint
from gyropilot.service.states import EndpointStatus, JobStatus, JobStep

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.1
STARTUP_SECONDS = 240.0
"""How long a model server may take until it answers: AWS's default."""
RESTARTS = 3
"""How often in a row a model server may die before its endpoint fails."""


class Book:
    """Where the model servers listen, and the bell that wakes the supervisor."""

    def __init__(self) -> None:
        self._addresses: dict[tuple[str, str], tuple[str, ...]] = {}
        self.bell = threading.Event()

    def addresses(self, endpoint: str, variant: str) -> Sequence[str]:
        """Return the addresses of a variant's servers that answer."""
        return self._addresses.get((endpoint, variant), ())

    def wake(self) -> None:
        """Say that there is something to do."""
        self.bell.set()

    def write(self, endpoint: str, variant: str, addresses: Sequence[str]) -> None:
        """Note where a variant's servers answer; none: strike it out."""
        if addresses:
            self._addresses[endpoint, variant] = tuple(addresses)
        else:
            self._addresses.pop((endpoint, variant), None)


@dataclass(kw_only=True)
class _Server:
    """One model server as the supervisor sees it."""

    spec: ModelServerSpec
    program: str = ""
    started_at: datetime
    is_ready: bool = False
    deaths: int = 0


@dataclass(kw_only=True)
class _Run:
    """The worker of one job as the supervisor sees it."""

    program: str
    starts: int = field(default=1)


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Write an error down instead of raising it: the next round tries again."""
    try:
        yield
    except Exception:
        log.exception("the supervisor could not tend %s and goes on", what)


class UnservableError(Exception):
    """An endpoint cannot be served as it is described; the message says why."""


class Supervisor:
    """Starts, restarts and stops workers and model servers."""

    def __init__(
        self,
        *,
        jobs: JobService,
        endpoints: EndpointService,
        blobs: BlobStore,
        launcher: Launcher,
        client: ModelClient,
        book: Book,
        identity: Identity,
        clock: Clock,
        folder: Path,
        max_running_jobs: int,
        max_attempts: int,
    ) -> None:
        self._jobs = jobs
        self._endpoints = endpoints
        self._blobs = blobs
        self._launcher = launcher
        self._client = client
        self._book = book
        self._identity = identity
        self._clock = clock
        self._folder = folder
        self._max_running_jobs = max_running_jobs
        self._max_attempts = max_attempts
        self._runs: dict[str, _Run] = {}
        self._servers: dict[str, list[_Server]] = {}
        self._has_waiting_jobs = False

    def run(self, stopped: threading.Event) -> None:
        """Tick until told to stop: when woken and every second, at once when there is room for a job that waits."""
        while not stopped.is_set():
            self._book.bell.clear()
            self.tick()
            self._pause()

    def tick(self) -> None:
        """Take the next step for every job and endpoint; one that fails keeps none of the others waiting."""
        with _going_on("the jobs"):
            self._tend_jobs()
        with _going_on("the endpoints"):
            self._tend_endpoints()

    def _pause(self) -> None:
        """Wait for the next round, and meanwhile look after programs alone: reading a long queue takes its time."""
        if self._has_starting_servers():
            self._book.bell.wait(BUSY_SECONDS)
        elif not self._has_waiting_jobs:
            self._book.bell.wait(IDLE_SECONDS)
        else:
            for _ in range(round(IDLE_SECONDS / BUSY_SECONDS)):
                if self._book.bell.wait(BUSY_SECONDS) or self._has_ended_runs():
                    return

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def _tend_jobs(self) -> None:
        open_jobs = self._jobs.find_open()
        self._has_waiting_jobs = False
        for name in set(self._runs) - {job.name for job in open_jobs}:
            if not self._launcher.is_alive(self._runs[name].program):
                del self._runs[name]
        running = sum(1 for run in self._runs.values() if self._launcher.is_alive(run.program))
        for job in self._line_up(open_jobs):
            with _going_on(f"the job {job.name}"):
                running += self._tend_job(job, has_room=running < self._max_running_jobs)

    def _line_up(self, open_jobs: Sequence[AutoMLJob]) -> Iterator[AutoMLJob]:
        """Yield the jobs that were begun, then those that wait, in the order of their turns."""
        running = [job for job in open_jobs if job.name in self._runs or self._is_held(job)]
        names = {job.name for job in running}
        yield from running
        yield from take_turns([job for job in open_jobs if job.name not in names], running)

    def _is_held(self, job: AutoMLJob) -> bool:
        return job.lease is not None and job.lease.expires_at > self._clock()

    def _tend_job(self, job: AutoMLJob, *, has_room: bool) -> int:
        """Take the next step for one open job and return how many workers that started."""
        run = self._runs.get(job.name)
        if run is not None:
            if self._launcher.is_alive(run.program):
                return 0
            job = self._jobs.release(job.name, run.program)
        if self._is_held(job):
            return 0  # another server's worker has it
        if job.status is JobStatus.STOPPING:
            self._jobs.end_without_worker(job.name, Outcome(status=JobStatus.STOPPED, step=JobStep.STOPPED))
            return 0
        starts = run.starts if run is not None else 0
        if max(job.attempts, starts) >= self._max_attempts:
            self._fail_job(job, run)
            return 0
        if not has_room:
            self._has_waiting_jobs = True
            return 0
        self._runs[job.name] = _Run(program=self._launcher.start_worker(job.name), starts=starts + 1)
        return 1

    def _has_ended_runs(self) -> bool:
        return any(not self._launcher.is_alive(run.program) for run in self._runs.values())

    def _fail_job(self, job: AutoMLJob, run: _Run | None) -> None:
        words = self._launcher.output(run.program).strip() if run is not None else ""
        reason = f"InternalServerError: {self._max_attempts} workers ended before the job did."
        if words:
            reason += f" The last one wrote: {words[-600:]}"
        self._jobs.end_without_worker(
            job.name, Outcome(status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason=reason)
        )

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def _tend_endpoints(self) -> None:
        endpoints = self._endpoints.find(Query())
        for name in set(self._servers) - {endpoint.name for endpoint in endpoints}:
            self._take_down(name)
        for endpoint in endpoints:
            with _going_on(f"the endpoint {endpoint.name}"):
                self._tend_endpoint(endpoint)

    def _tend_endpoint(self, endpoint: Endpoint) -> None:
        if endpoint.status is EndpointStatus.DELETING:
            self._take_down(endpoint.name)
            self._endpoints.remove(endpoint.name)
        elif endpoint.status is EndpointStatus.FAILED:
            self._take_down(endpoint.name)
        else:
            self._keep_serving(endpoint)

    def _keep_serving(self, endpoint: Endpoint) -> None:
        try:
            servers = self._servers.get(endpoint.name)
            if servers is None:
                servers = self._servers[endpoint.name] = self._plan(endpoint)
            for server in servers:
                self._tend_server(server)
            self._publish(endpoint, servers)
            if endpoint.status is EndpointStatus.CREATING and all(server.is_ready for server in servers):
                self._endpoints.move(endpoint.name, EndpointStatus.IN_SERVICE)
        except UnservableError as error:
            self._endpoints.move(endpoint.name, EndpointStatus.FAILED, failure_reason=str(error))
            self._take_down(endpoint.name)
        except (NotFoundError, InvalidMoveError):
            return  # deleted meanwhile: the next round takes it down

    def _plan(self, endpoint: Endpoint) -> list[_Server]:
        now = self._clock()
        servers: list[_Server] = []
        for variant in endpoint.variants:
            container = self._only_container(endpoint.containers[variant.name])
            archive = self._fetch(container, self._folder / endpoint.name / variant.name)
            spec = ModelServerSpec(
                endpoint=endpoint.name, variant=variant.name, archive=archive, environment=dict(container.environment)
            )
            servers += [_Server(spec=spec, started_at=now) for _ in range(variant.instance_count)]
        return servers

    def _only_container(self, containers: Sequence[Container]) -> Container:
        if len(containers) != 1:
            raise UnservableError(f"Models of {len(containers)} containers in series are not served by Gyropilot yet.")
        if not self._identity.serves_image(containers[0].image):
            raise UnservableError(
                f"The image {containers[0].image} is not one of Gyropilot's; use a candidate's InferenceContainers."
            )
        return containers[0]

    def _fetch(self, container: Container, folder: Path) -> Path:
        place = Location.parse(container.model_data_url)
        folder.mkdir(parents=True, exist_ok=True)
        archive, partial = folder / "model.tar.gz", folder / "model.tar.gz.partial"
        try:
            with self._blobs.open(place.bucket, place.key) as (_, content), partial.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
        except (BucketNotFoundError, BlobNotFoundError):
            raise UnservableError(f"Could not find model data at {container.model_data_url}.") from None
        return partial.replace(archive)

    def _tend_server(self, server: _Server) -> None:
        if not server.program:
            self._start(server)
        elif not self._launcher.is_alive(server.program):
            server.deaths += 1
            if server.deaths >= RESTARTS:
                words = self._launcher.output(server.program).strip()[-800:]
                raise UnservableError(f"The model server ended {server.deaths} times. The last one wrote: {words}")
            self._start(server)
        elif not server.is_ready:
            address = self._launcher.address(server.program)
            server.is_ready = address is not None and self._client.is_ready(address)
            if server.is_ready:
                server.deaths = 0
            elif self._clock() - server.started_at > timedelta(seconds=STARTUP_SECONDS):
                self._launcher.stop(server.program)
                raise UnservableError(f"The model server did not answer within {STARTUP_SECONDS:g} s.")

    def _start(self, server: _Server) -> None:
        server.is_ready = False
        server.started_at = self._clock()
        server.program = self._launcher.start_model_server(server.spec)

    def _publish(self, endpoint: Endpoint, servers: Sequence[_Server]) -> None:
        for variant in endpoint.variants:
            ready = [
                address
                for server in servers
                if server.spec.variant == variant.name and server.is_ready
                if (address := self._launcher.address(server.program))
            ]
            self._book.write(endpoint.name, variant.name, ready)

    def _take_down(self, name: str) -> None:
        for server in self._servers.pop(name, ()):
            self._book.write(name, server.spec.variant, ())
            if server.program:
                self._launcher.stop(server.program)
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def _has_starting_servers(self) -> bool:
        return any(not server.is_ready for servers in self._servers.values() for server in servers)
