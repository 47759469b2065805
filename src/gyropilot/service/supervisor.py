"""Keeps the world as the records say: a worker for every open job, model servers for every endpoint.

`tick` compares records with running programs and takes the next step towards agreement. It holds no state that a
restart would miss: a server that starts anew finds open jobs and endpoints in the records and goes on.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gyropilot.service.archives import UnservableError, fetch_archives, fuse_containers
from gyropilot.service.endpoints import INVOCATION_SECONDS, EndpointService
from gyropilot.service.errors import InvalidMoveError, NotFoundError
from gyropilot.service.job_queue import JobQueue, going_on
from gyropilot.service.model_servers import ModelServer, ModelServers
from gyropilot.service.ports import BlobStore, Clock, ModelServerSpec, Query
from gyropilot.service.records import Deployment, Endpoint
from gyropilot.service.states import EndpointStatus

IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.1


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
class _Retired:
    """Model servers that an update has replaced: they answer what they were asked before, then they are stopped."""

    servers: list[ModelServer]
    folder: Path
    """Where their archives lie."""
    until: datetime


@dataclass(kw_only=True)
class _Fleet:
    """The model servers of one endpoint."""

    serving: list[ModelServer]
    coming: list[ModelServer] = field(default_factory=list)
    """Those of an update, until all of them answer."""
    retired: list[_Retired] = field(default_factory=list)

    def __iter__(self) -> Iterator[ModelServer]:
        yield from self.serving
        yield from self.coming
        for group in self.retired:
            yield from group.servers


class Supervisor:
    """Starts, restarts and stops workers and model servers."""

    def __init__(
        self,
        *,
        queues: Sequence[JobQueue],
        endpoints: EndpointService,
        servers: ModelServers,
        blobs: BlobStore,
        book: Book,
        clock: Clock,
        folder: Path,
    ) -> None:
        self._queues = queues
        self._endpoints = endpoints
        self._servers = servers
        self._blobs = blobs
        self._book = book
        self._clock = clock
        self._folder = folder
        self._fleets: dict[str, _Fleet] = {}

    def run(self, stopped: threading.Event) -> None:
        """Tick until told to stop: when woken and every second, at once when there is room for a job that waits."""
        while not stopped.is_set():
            self._book.bell.clear()
            self.tick()
            self._pause(stopped)

    def tick(self) -> None:
        """Take the next step for every job and endpoint; one that fails keeps none of the others waiting."""
        for queue in self._queues:
            with going_on("the jobs"):
                queue.tend()
        with going_on("the endpoints"):
            self._tend_endpoints()

    def _pause(self, stopped: threading.Event) -> None:
        """Wait for the next round, and meanwhile look after programs alone: reading a long queue takes its time."""
        if self._has_starting_servers():
            self._book.bell.wait(BUSY_SECONDS)
        elif not any(queue.has_waiting for queue in self._queues):
            self._book.bell.wait(IDLE_SECONDS)
        elif not stopped.wait(BUSY_SECONDS):  # what is created in quick succession waits together
            for _ in range(round(IDLE_SECONDS / BUSY_SECONDS) - 1):
                if self._book.bell.wait(BUSY_SECONDS) or any(queue.has_ended_runs for queue in self._queues):
                    return

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def _tend_endpoints(self) -> None:
        endpoints = self._endpoints.find(Query())
        for name in set(self._fleets) - {endpoint.name for endpoint in endpoints}:
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
            fleet = self._fleets.get(endpoint.name)
            if fleet is None:
                shutil.rmtree(self._folder / endpoint.name, ignore_errors=True)  # of a server before this one
                fleet = self._fleets[endpoint.name] = _Fleet(serving=self._plan(endpoint.name, endpoint.deployment))
            for server in fleet.serving:
                self._servers.tend(server)
            self._publish(endpoint.name, fleet.serving)
            if endpoint.status is EndpointStatus.CREATING and all(server.is_ready for server in fleet.serving):
                self._endpoints.move(endpoint.name, EndpointStatus.IN_SERVICE)
            if endpoint.update is not None:
                self._go_on_with_update(endpoint, endpoint.update, fleet)
            self._dismiss_retired(fleet)
        except UnservableError as error:
            self._endpoints.move(endpoint.name, EndpointStatus.FAILED, failure_reason=str(error))
            self._take_down(endpoint.name)
        except (NotFoundError, InvalidMoveError):
            return  # deleted meanwhile: the next round takes it down

    def _plan(self, endpoint: str, deployment: Deployment) -> list[ModelServer]:
        now = self._clock()
        servers: list[ModelServer] = []
        for variant in deployment.variants:
            model = fuse_containers(deployment.containers[variant.name])
            folder = self._folder_of(endpoint, deployment.number) / variant.name
            spec = ModelServerSpec(
                endpoint=endpoint,
                variant=variant.name,
                archives=fetch_archives(model, self._blobs, folder),
                environment=dict(model.environment),
            )
            servers += [ModelServer(spec=spec, started_at=now) for _ in range(variant.instance_count)]
        return servers

    def _folder_of(self, endpoint: str, number: int) -> Path:
        """Return where the archives of an endpoint's deployment lie."""
        return self._folder / endpoint / str(number)

    def _go_on_with_update(self, endpoint: Endpoint, update: Deployment, fleet: _Fleet) -> None:
        """Start the model servers of an update, and let them answer once all of them can; if they cannot, go back."""
        try:
            fleet.coming = fleet.coming or self._plan(endpoint.name, update)
            for server in fleet.coming:
                self._servers.tend(server)
        except UnservableError as error:
            for server in fleet.coming:
                self._servers.stop(server)
            fleet.coming = []
            self._endpoints.finish_update(endpoint.name, failure_reason=f"The update failed. {error}")
            return
        if all(server.is_ready for server in fleet.coming):
            # Who was asked goes on to answer: a request may be under way for as long as a model may take.
            until = self._clock() + timedelta(seconds=INVOCATION_SECONDS)
            folder = self._folder_of(endpoint.name, endpoint.number)
            fleet.retired.append(_Retired(servers=fleet.serving, folder=folder, until=until))
            fleet.serving, fleet.coming = fleet.coming, []
            self._publish(endpoint.name, fleet.serving)
            self._endpoints.finish_update(endpoint.name)

    def _dismiss_retired(self, fleet: _Fleet) -> None:
        """Stop the servers whose last requests are over; a variant that is gone was kept until now as well."""
        over = [group for group in fleet.retired if group.until <= self._clock()]
        fleet.retired = [group for group in fleet.retired if group not in over]
        kept = {server.spec.variant for server in fleet}
        for group in over:
            for server in group.servers:
                if server.spec.variant not in kept:
                    self._book.write(server.spec.endpoint, server.spec.variant, ())
                self._servers.stop(server)
            shutil.rmtree(group.folder, ignore_errors=True)

    def _publish(self, endpoint: str, servers: Sequence[ModelServer]) -> None:
        for variant in dict.fromkeys(server.spec.variant for server in servers):
            found = (self._servers.address(server) for server in servers if server.spec.variant == variant)
            self._book.write(endpoint, variant, [address for address in found if address])

    def _take_down(self, name: str) -> None:
        for server in self._fleets.pop(name, ()):
            self._book.write(name, server.spec.variant, ())
            self._servers.stop(server)
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def _has_starting_servers(self) -> bool:
        return any(not server.is_ready for fleet in self._fleets.values() for server in (*fleet.serving, *fleet.coming))
