"""Endpoints: which models answer under which name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gyropilot.service.changes import change_record
from gyropilot.service.errors import (
    EndpointBusyError,
    InvalidMoveError,
    InvalidRequestError,
    NotFoundError,
    VariantNotFoundError,
)
from gyropilot.service.ports import Clock, LogLine, LogStore, Query, RecordStore
from gyropilot.service.records import Deployment, Endpoint, EndpointConfig, Model, Variant
from gyropilot.service.states import ENDPOINT_MOVES, EndpointStatus


def name_log_group(endpoint: str) -> str:
    """Return the log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


@dataclass(frozen=True, kw_only=True)
class Share:
    """What a variant of an endpoint is to have from now on; None: what it has."""

    variant: str
    """Its name."""
    weight: float | None = None
    """Share of the traffic, relative to the other variants."""
    instance_count: int | None = None
    """How many server processes."""


class EndpointService:
    """Creates, shows, lists, changes and deletes endpoints.

    Args:
        records: keeps them.
        logs: keeps what their model servers wrote.
        clock: gives the time.
        wake: called when there is something to do for the supervisor.
        forget: called with the name of an endpoint that serves something else from now on, or nothing.
    """

    def __init__(
        self,
        *,
        records: RecordStore,
        logs: LogStore,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
        forget: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._records = records
        self._logs = logs
        self._clock = clock
        self._wake = wake
        self._forget = forget

    def create(self, name: str, config_name: str, *, tags: Mapping[str, str] | None = None) -> Endpoint:
        """Store an endpoint; the supervisor starts its model servers.

        Raises:
            NotFoundError: when the configuration or one of its models does not exist.
            AlreadyExistsError: when the name is taken, in whatever case.
        """
        wanted = self._copy_config(config_name)
        now = self._clock()
        endpoint = self._records.insert(
            Endpoint(name=name, **_members(wanted), tags=tags or {}, created_at=now, modified_at=now)
        )
        self._wake()
        return endpoint

    def get(self, name: str) -> Endpoint:
        """Return an endpoint.

        Raises:
            NotFoundError: when there is none.
        """
        return self._records.get(Endpoint, name)

    def find(self, query: Query) -> Sequence[Endpoint]:
        """Return the endpoints that the query selects."""
        return self._records.find(Endpoint, query)

    def update(self, name: str, config_name: str, *, kept: Collection[str] = ()) -> Endpoint:
        """Let an endpoint serve another configuration as soon as the model servers of that answer.

        Args:
            name: the endpoint.
            config_name: what it is to serve.
            kept: what stays: the fields of variants (`weight`, `instance_count`) where a variant keeps its name, and
                `capture`.

        Raises:
            NotFoundError: when there is no such endpoint or configuration, or one of its models does not exist.
            EndpointBusyError: when the endpoint is being made or updated.
            InvalidMoveError: when it failed or is being deleted.
        """
        self.get(name)  # what is missing first is told first
        wanted = self._copy_config(config_name)

        def change(endpoint: Endpoint) -> Deployment:
            old = {variant.name: variant for variant in endpoint.variants}
            fields = set(kept) - {"capture"}
            variants = tuple(
                replace(each, **{field: getattr(old[each.name], field) for field in fields})
                if each.name in old
                else each
                for each in wanted.variants
            )
            capture = endpoint.capture if "capture" in kept else wanted.capture
            return replace(wanted, variants=variants, capture=capture, number=endpoint.number + 1)

        return self._begin_update(name, change)

    def share(self, name: str, shares: Sequence[Share]) -> Endpoint:
        """Let variants of an endpoint have other weights, or other numbers of servers, as soon as these answer.

        Raises:
            NotFoundError: when there is no such endpoint.
            VariantNotFoundError: when it has no variant of one of the names.
            InvalidRequestError: when a variant is named twice or is to have no server.
            EndpointBusyError: when the endpoint is being made or updated.
            InvalidMoveError: when it failed or is being deleted.
        """
        wanted = {share.variant: share for share in shares}
        if len(wanted) < len(shares):
            raise InvalidRequestError("DesiredWeightsAndCapacities must name each variant only once.")
        for each in shares:
            if each.instance_count is not None and each.instance_count < 1:
                raise InvalidRequestError(
                    f"DesiredInstanceCount of variant {each.variant} must be at least 1, not {each.instance_count}."
                )

        def change(endpoint: Endpoint) -> Deployment:
            for variant in wanted.keys() - {each.name for each in endpoint.variants}:
                raise VariantNotFoundError(endpoint.name, variant)
            variants = tuple(_give_share(each, wanted.get(each.name)) for each in endpoint.variants)
            return replace(endpoint.deployment, variants=variants)  # of the same number: the same models

        return self._begin_update(name, change)

    def _begin_update(self, name: str, change: Callable[[Endpoint], Deployment]) -> Endpoint:
        def begin(endpoint: Endpoint) -> Endpoint:
            if endpoint.status in {EndpointStatus.CREATING, EndpointStatus.UPDATING}:
                raise EndpointBusyError(endpoint.name, endpoint.status)
            if EndpointStatus.UPDATING not in ENDPOINT_MOVES[endpoint.status]:
                raise InvalidMoveError(Endpoint.kind, endpoint.name, endpoint.status, EndpointStatus.UPDATING)
            now = self._clock()
            return replace(
                endpoint,
                status=EndpointStatus.UPDATING,
                update=change(endpoint),
                updated_at=now,
                modified_at=now,
                failure_reason="",
            )

        endpoint = change_record(self._records, Endpoint, name, begin)
        self._wake()
        return endpoint

    def finish_update(self, name: str, *, failure_reason: str = "") -> Endpoint:
        """Note that an endpoint serves its update, or why it does not and goes on with what it served.

        Raises:
            NotFoundError: when there is no such endpoint.
            InvalidMoveError: when it is not being updated.
        """

        def change(endpoint: Endpoint) -> Endpoint:
            update = endpoint.update
            if endpoint.status is not EndpointStatus.UPDATING or update is None:
                raise InvalidMoveError(Endpoint.kind, endpoint.name, endpoint.status, EndpointStatus.IN_SERVICE)
            serves = endpoint.deployment if failure_reason else update
            return replace(
                endpoint,
                **{**_members(serves), "number": update.number},
                status=EndpointStatus.IN_SERVICE,
                update=None,
                modified_at=self._clock(),
                failure_reason=failure_reason[:1024],
            )

        endpoint = change_record(self._records, Endpoint, name, change)
        self._forget(endpoint.name)
        return endpoint

    def delete(self, name: str) -> Endpoint:
        """Begin to take an endpoint down; it vanishes when its model servers are gone.

        Raises:
            NotFoundError: when there is none.
        """
        endpoint = self.move(name, EndpointStatus.DELETING)
        self._wake()
        return endpoint

    def move(self, name: str, status: EndpointStatus, *, failure_reason: str = "") -> Endpoint:
        """Bring an endpoint to another status; the same status again is no error.

        Raises:
            NotFoundError: when there is none.
            InvalidMoveError: when the move is not allowed.
        """

        def change(endpoint: Endpoint) -> Endpoint:
            if endpoint.status is status:
                return endpoint
            if status not in ENDPOINT_MOVES[endpoint.status]:
                raise InvalidMoveError(Endpoint.kind, endpoint.name, endpoint.status, status)
            return replace(endpoint, status=status, failure_reason=failure_reason[:1024], modified_at=self._clock())

        endpoint = change_record(self._records, Endpoint, name, change)
        self._forget(endpoint.name)
        return endpoint

    def log(self, name: str, stream: str, messages: Iterable[str]) -> None:
        """Add lines to a log of an endpoint: one for each model server, `VARIANT/PROGRAM`."""
        now = self._clock()
        lines = [LogLine(at=now, message=message) for message in messages]
        if lines:
            self._logs.append(name_log_group(name), stream, lines)

    def remove(self, name: str) -> None:
        """Forget an endpoint whose model servers are gone; one already forgotten is no error."""
        try:
            self._records.delete(Endpoint, name)
        except NotFoundError:
            return

    def _copy_config(self, name: str) -> Deployment:
        config = self._records.get(EndpointConfig, name)
        containers = {variant.name: self._records.get(Model, variant.model).containers for variant in config.variants}
        return Deployment(
            config=config.name,
            variants=config.variants,
            containers=containers,
            capture=config.capture,
            asynchronous=config.asynchronous,
        )


def _members(deployment: Deployment) -> dict[str, Any]:
    """Return what an endpoint has of its deployment."""
    return {name: getattr(deployment, name) for name in Deployment.__dataclass_fields__}


def _give_share(variant: Variant, share: Share | None) -> Variant:
    if share is None:
        return variant
    return replace(
        variant,
        weight=variant.weight if share.weight is None else share.weight,
        instance_count=variant.instance_count if share.instance_count is None else share.instance_count,
    )
