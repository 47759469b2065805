"""Model servers for every endpoint, as its record says: started, replaced, added to, and let go when they are idle."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gyropilot.service.archives import UnservableError, fetch_archives, fuse_containers
from gyropilot.service.book import Book
from gyropilot.service.endpoints import EndpointService
from gyropilot.service.errors import InvalidMoveError, NotFoundError
from gyropilot.service.invocations import INVOCATION_SECONDS
from gyropilot.service.job_queue import going_on
from gyropilot.service.model_servers import ModelServer, ModelServers
from gyropilot.service.ports import BlobStore, Clock, ModelServerSpec, Query
from gyropilot.service.records import Deployment, Endpoint
from gyropilot.service.states import EndpointStatus


@dataclass(kw_only=True)
class _Leaving:
    """Model servers that get no more requests: they answer what they were asked before, then they are stopped."""

    servers: list[ModelServer]
    folder: Path | None = None
    """Where their archives lie, if nobody else needs them."""
    until: datetime
    """How long they may take: as long as a model may."""


@dataclass(kw_only=True)
class _Fleet:
    """The model servers of one endpoint."""

    serving: list[ModelServer]
    coming: list[ModelServer] = field(default_factory=list)
    """Those of an update, until all of them answer."""
    leaving: list[_Leaving] = field(default_factory=list)

    def __iter__(self) -> Iterator[ModelServer]:
        yield from self.serving
        yield from self.coming
        for group in self.leaving:
            yield from group.servers


class EndpointKeeper:
    """Starts, replaces and stops model servers.

    Args:
        endpoints: keeps the records.
        servers: does what there is to do for one server.
        blobs: where the archives of models are.
        book: where the addresses of those that answer are noted.
        clock: gives the time.
        folder: where archives lie on this machine while they are served.
    """

    def __init__(
        self,
        *,
        endpoints: EndpointService,
        servers: ModelServers,
        blobs: BlobStore,
        book: Book,
        clock: Clock,
        folder: Path,
    ) -> None:
        self._endpoints = endpoints
        self._servers = servers
        self._blobs = blobs
        self._book = book
        self._clock = clock
        self._folder = folder
        self._fleets: dict[str, _Fleet] = {}

    @property
    def is_busy(self) -> bool:
        """Whether something is about to happen: a server is starting, or about to go."""
        return any(
            fleet.leaving or not all(server.is_ready for server in (*fleet.serving, *fleet.coming))
            for fleet in self._fleets.values()
        )

    def tend(self) -> None:
        """Take the next step for every endpoint; one that fails keeps none of the others waiting."""
        endpoints = self._endpoints.find(Query())
        for name in set(self._fleets) - {endpoint.name for endpoint in endpoints}:
            self._take_down(name)
        for endpoint in endpoints:
            with going_on(f"the endpoint {endpoint.name}"):
                self._tend(endpoint)

    def _tend(self, endpoint: Endpoint) -> None:
        if endpoint.status is EndpointStatus.DELETING:
            self._let_go(endpoint)
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
            self._publish(endpoint.name, fleet)
            if endpoint.status is EndpointStatus.CREATING and all(server.is_ready for server in fleet.serving):
                self._endpoints.move(endpoint.name, EndpointStatus.IN_SERVICE)
            if endpoint.update is not None:
                self._go_on_with_update(endpoint, endpoint.update, fleet)
            self._dismiss(fleet)
        except UnservableError as error:
            self._endpoints.move(endpoint.name, EndpointStatus.FAILED, failure_reason=str(error))
            self._take_down(endpoint.name)
        except (NotFoundError, InvalidMoveError):
            return  # deleted meanwhile: the next round takes it down

    def _plan(self, endpoint: str, deployment: Deployment) -> list[ModelServer]:
        """Return the servers of a deployment, not yet started, with the archives at hand."""
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
            servers += self._make(spec, variant.instance_count)
        return servers

    def _plan_more(self, deployment: Deployment, serving: Sequence[ModelServer]) -> list[ModelServer]:
        """Return the servers that a deployment of the same models has beyond those that serve."""
        there = Counter(server.spec.variant for server in serving)
        specs = {server.spec.variant: server.spec for server in serving}
        servers: list[ModelServer] = []
        for variant in deployment.variants:
            servers += self._make(specs[variant.name], variant.instance_count - there[variant.name])
        return servers

    def _make(self, spec: ModelServerSpec, count: int) -> list[ModelServer]:
        now = self._clock()
        return [ModelServer(spec=spec, started_at=now, answered_at=now) for _ in range(count)]

    def _folder_of(self, endpoint: str, number: int) -> Path:
        """Return where the archives of an endpoint's deployment lie."""
        return self._folder / endpoint / str(number)

    def _go_on_with_update(self, endpoint: Endpoint, update: Deployment, fleet: _Fleet) -> None:
        """Start the model servers of an update, and let them answer once all of them can; if they cannot, go back."""
        is_same = update.number == endpoint.number  # the same models, in other numbers and with other weights
        try:
            if not fleet.coming:
                fleet.coming = self._plan_more(update, fleet.serving) if is_same else self._plan(endpoint.name, update)
            for server in fleet.coming:
                self._servers.tend(server)
        except UnservableError as error:
            for server in fleet.coming:
                self._servers.stop(server)
            fleet.coming = []
            self._endpoints.finish_update(endpoint.name, failure_reason=f"The update failed. {error}")
            return
        if all(server.is_ready for server in fleet.coming):
            before = fleet.serving
            fleet.serving = _choose(update, [*before, *fleet.coming]) if is_same else fleet.coming
            fleet.coming = []
            folder = None if is_same else self._folder_of(endpoint.name, endpoint.number)
            self._retire(fleet, [server for server in before if server not in fleet.serving], folder)
            self._publish(endpoint.name, fleet)
            self._endpoints.finish_update(endpoint.name)

    def _retire(self, fleet: _Fleet, servers: list[ModelServer], folder: Path | None) -> None:
        until = self._clock() + timedelta(seconds=INVOCATION_SECONDS)
        if servers:
            fleet.leaving.append(_Leaving(servers=servers, folder=folder, until=until))

    def _dismiss(self, fleet: _Fleet) -> None:
        """Stop the leaving servers that nobody waits for any more; variants that are gone get no more requests."""
        for group in list(fleet.leaving):
            self._strike_out(group.servers, {server.spec.variant for server in fleet.serving})
            if group.until > self._clock() and not all(map(self._is_idle, group.servers)):
                continue
            for server in group.servers:
                self._servers.stop(server)
            if group.folder is not None:
                shutil.rmtree(group.folder, ignore_errors=True)
            fleet.leaving.remove(group)

    def _strike_out(self, servers: Sequence[ModelServer], kept: set[str]) -> None:
        for server in servers:
            if server.spec.variant not in kept:
                self._book.write(server.spec.endpoint, server.spec.variant, ())

    def _is_idle(self, server: ModelServer) -> bool:
        address = self._servers.address(server)
        return address is None or self._book.is_idle(address)

    def _publish(self, endpoint: str, fleet: _Fleet) -> None:
        """Note where the servers answer; those that do not answer their health check only if none of them does."""
        for variant in dict.fromkeys(server.spec.variant for server in fleet.serving):
            servers = [server for server in fleet.serving if server.spec.variant == variant]
            healthy = [server for server in servers if server.is_healthy] or servers
            found = (self._servers.address(server) for server in healthy)
            self._book.write(endpoint, variant, [address for address in found if address])

    def _let_go(self, endpoint: Endpoint) -> None:
        """Take a deleted endpoint down once all that was asked before is answered."""
        fleet = self._fleets.get(endpoint.name)
        if fleet is not None:
            self._strike_out(list(fleet), set())
            self._retire(fleet, [*fleet.serving, *fleet.coming], None)
            fleet.serving, fleet.coming = [], []
            self._dismiss(fleet)
            if fleet.leaving:
                return
        self._take_down(endpoint.name)
        self._endpoints.remove(endpoint.name)

    def _take_down(self, name: str) -> None:
        fleet = self._fleets.pop(name, None)
        for server in fleet or ():
            self._book.write(name, server.spec.variant, ())
            self._servers.stop(server)
        shutil.rmtree(self._folder / name, ignore_errors=True)


def _choose(deployment: Deployment, servers: Sequence[ModelServer]) -> list[ModelServer]:
    """Return as many servers of each variant as it is to have, those that answer first."""
    chosen: list[ModelServer] = []
    for variant in deployment.variants:
        there = [server for server in servers if server.spec.variant == variant.name]
        chosen += sorted(there, key=lambda server: not server.is_ready)[: variant.instance_count]
    return chosen
