"""Keeps the world as the records say: a worker for every open job, model servers for every endpoint.

`tick` compares records with running programs and takes the next step towards agreement. It holds no state that a
restart would miss: a server that starts anew finds open jobs and endpoints in the records and goes on.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gyropilot.service.archives import UnservableError, fetch_archive, find_only_container
from gyropilot.service.endpoints import EndpointService
from gyropilot.service.errors import InvalidMoveError, NotFoundError
from gyropilot.service.identity import Identity
from gyropilot.service.job_queue import JobQueue, going_on
from gyropilot.service.ports import BlobStore, Clock, Launcher, ModelClient, ModelServerSpec, Query
from gyropilot.service.records import Endpoint
from gyropilot.service.states import EndpointStatus

IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.1
STARTUP_SECONDS = 240.0
"""How long a model server may take until it answers: AWS's default."""
RESTARTS = 3
"""How often in a row a model server may die before its endpoint fails."""
LONGEST_LINE = 1 << 18
"""Bytes of output without a line break that are not waited for any longer."""


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
    read: int = 0
    """Bytes of the program's output that its log has."""


class Supervisor:
    """Starts, restarts and stops workers and model servers."""

    def __init__(
        self,
        *,
        queues: Sequence[JobQueue],
        endpoints: EndpointService,
        blobs: BlobStore,
        launcher: Launcher,
        client: ModelClient,
        book: Book,
        identity: Identity,
        clock: Clock,
        folder: Path,
    ) -> None:
        self._queues = queues
        self._endpoints = endpoints
        self._blobs = blobs
        self._launcher = launcher
        self._client = client
        self._book = book
        self._identity = identity
        self._clock = clock
        self._folder = folder
        self._servers: dict[str, list[_Server]] = {}

    def run(self, stopped: threading.Event) -> None:
        """Tick until told to stop: when woken and every second, at once when there is room for a job that waits."""
        while not stopped.is_set():
            self._book.bell.clear()
            self.tick()
            self._pause()

    def tick(self) -> None:
        """Take the next step for every job and endpoint; one that fails keeps none of the others waiting."""
        for queue in self._queues:
            with going_on("the jobs"):
                queue.tend()
        with going_on("the endpoints"):
            self._tend_endpoints()

    def _pause(self) -> None:
        """Wait for the next round, and meanwhile look after programs alone: reading a long queue takes its time."""
        if self._has_starting_servers():
            self._book.bell.wait(BUSY_SECONDS)
        elif not any(queue.has_waiting for queue in self._queues):
            self._book.bell.wait(IDLE_SECONDS)
        else:
            for _ in range(round(IDLE_SECONDS / BUSY_SECONDS)):
                if self._book.bell.wait(BUSY_SECONDS) or any(queue.has_ended_runs for queue in self._queues):
                    return

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def _tend_endpoints(self) -> None:
        endpoints = self._endpoints.find(Query())
        for name in set(self._servers) - {endpoint.name for endpoint in endpoints}:
            self._take_down(name)
        for endpoint in endpoints:
            with going_on(f"the endpoint {endpoint.name}"):
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
            container = find_only_container(endpoint.containers[variant.name], self._identity)
            archive = fetch_archive(container, self._blobs, self._folder / endpoint.name / variant.name)
            spec = ModelServerSpec(
                endpoint=endpoint.name, variant=variant.name, archive=archive, environment=dict(container.environment)
            )
            servers += [_Server(spec=spec, started_at=now) for _ in range(variant.instance_count)]
        return servers

    def _tend_server(self, server: _Server) -> None:
        self._copy_output(server)
        if not server.program:
            self._start(server)
        elif not self._launcher.is_alive(server.program):
            server.deaths += 1
            self._log(server, "The model server ended.")
            if server.deaths >= RESTARTS:
                words = self._launcher.output(server.program).strip()[-800:]
                raise UnservableError(f"The model server ended {server.deaths} times. The last one wrote: {words}")
            self._start(server)
        elif not server.is_ready:
            address = self._launcher.address(server.program)
            server.is_ready = address is not None and self._client.is_ready(address)
            if server.is_ready:
                server.deaths = 0
                self._log(server, "The model server answers.")
            elif self._clock() - server.started_at > timedelta(seconds=STARTUP_SECONDS):
                self._launcher.stop(server.program)
                raise UnservableError(f"The model server did not answer within {STARTUP_SECONDS:g} s.")

    def _start(self, server: _Server) -> None:
        server.is_ready = False
        server.started_at = self._clock()
        server.program, server.read = self._launcher.start_model_server(server.spec), 0
        self._log(server, "A model server was started.")

    def _copy_output(self, server: _Server) -> None:
        """Bring whole lines that a model server wrote into its log; of one that is gone the last one too."""
        is_alive = self._launcher.is_alive(server.program)
        while server.program:
            piece, end = self._launcher.read_output(server.program, server.read)
            cut = piece.rfind(b"\n") + 1
            if is_alive and (cut or len(piece) < LONGEST_LINE):
                piece, end = piece[:cut], end - len(piece) + cut
            if not piece:
                return
            self._log(server, *piece.decode(errors="replace").splitlines())
            server.read = end

    def _log(self, server: _Server, *messages: str) -> None:
        self._endpoints.log(server.spec.endpoint, f"{server.spec.variant}/{server.program}", messages)

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
                self._copy_output(server)
                self._log(server, "The model server was stopped.")
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def _has_starting_servers(self) -> bool:
        return any(not server.is_ready for servers in self._servers.values() for server in servers)
