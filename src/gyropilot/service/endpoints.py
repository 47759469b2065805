"""Endpoint configurations and endpoints: which models answer under which name."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from gyropilot.service.changes import change_record
from gyropilot.service.errors import (
    EndpointBusyError,
    EndpointNotReadyError,
    InvalidMoveError,
    ModelAnsweredError,
    ModelTimedOutError,
    ModelUnreachableError,
    NotFoundError,
    VariantNotFoundError,
)
from gyropilot.service.ports import Answer, Clock, LogLine, LogStore, ModelClient, Query, RecordStore
from gyropilot.service.records import Deployment, Endpoint, EndpointConfig, Model, Variant
from gyropilot.service.states import ENDPOINT_MOVES, EndpointStatus

INVOCATION_SECONDS = 60.0
"""How long a model may take to answer: AWS's limit."""


def name_log_group(endpoint: str) -> str:
    """Return the log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


class EndpointConfigService:
    """Creates, shows, lists and deletes endpoint configurations."""

    def __init__(self, *, records: RecordStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def create(
        self,
        name: str,
        request: Mapping[str, Any],
        variants: Sequence[Variant],
        *,
        tags: Mapping[str, str] | None = None,
    ) -> EndpointConfig:
        """Store a configuration after checking that its models exist.

        Raises:
            NotFoundError: when a variant's model does not exist.
            AlreadyExistsError: when the name is taken.
        """
        for variant in variants:
            self._records.get(Model, variant.model)
        now = self._clock()
        return self._records.insert(
            EndpointConfig(
                name=name,
                request=request,
                variants=tuple(variants),
                tags=tags or {},
                created_at=now,
                modified_at=now,
            )
        )

    def get(self, name: str) -> EndpointConfig:
        """Return a configuration.

        Raises:
            NotFoundError: when there is none.
        """
        return self._records.get(EndpointConfig, name)

    def find(self, query: Query) -> Sequence[EndpointConfig]:
        """Return the configurations that the query selects."""
        return self._records.find(EndpointConfig, query)

    def delete(self, name: str) -> None:
        """Remove a configuration; endpoints made from it go on.

        Raises:
            NotFoundError: when there is none.
        """
        self._records.delete(EndpointConfig, name)


class AddressBook(Protocol):
    """Knows where the model servers listen; the supervisor keeps it."""

    def addresses(self, endpoint: str, variant: str) -> Sequence[str]:
        """Return the addresses of a variant's servers that answer."""
        ...

    def wake(self) -> None:
        """Say that there is something to do."""
        ...


class EndpointService:
    """Creates, shows, lists and deletes endpoints, and passes invocations to their models."""

    def __init__(
        self, *, records: RecordStore, client: ModelClient, book: AddressBook, logs: LogStore, clock: Clock
    ) -> None:
        self._records = records
        self._client = client
        self._logs = logs
        self._book = book
        self._clock = clock
        self._dice = random.Random(0)  # noqa: S311  # shares traffic, keeps no secret
        self._served: dict[str, Endpoint] = {}

    def create(self, name: str, config_name: str, *, tags: Mapping[str, str] | None = None) -> Endpoint:
        """Store an endpoint; the supervisor starts its model servers.

        Raises:
            NotFoundError: when the configuration or one of its models does not exist.
            AlreadyExistsError: when the name is taken, in whatever case.
        """
        wanted = self._copy_config(config_name)
        now = self._clock()
        endpoint = self._records.insert(
            Endpoint(
                name=name,
                config=wanted.config,
                variants=wanted.variants,
                containers=wanted.containers,
                tags=tags or {},
                created_at=now,
                modified_at=now,
            )
        )
        self._book.wake()
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

    def update(self, name: str, config_name: str, *, kept: Iterable[str] = ()) -> Endpoint:
        """Let an endpoint serve another configuration as soon as the model servers of that answer.

        Args:
            name: the endpoint.
            config_name: what it is to serve.
            kept: the fields of variants (`weight`, `instance_count`) that stay, where a variant keeps its name.

        Raises:
            NotFoundError: when there is no such endpoint or configuration, or one of its models does not exist.
            EndpointBusyError: when the endpoint is being made or updated.
            InvalidMoveError: when it failed or is being deleted.
        """
        self.get(name)  # what is missing first is told first
        wanted = self._copy_config(config_name)

        def change(endpoint: Endpoint) -> Endpoint:
            if endpoint.status in {EndpointStatus.CREATING, EndpointStatus.UPDATING}:
                raise EndpointBusyError(endpoint.name, endpoint.status)
            if EndpointStatus.UPDATING not in ENDPOINT_MOVES[endpoint.status]:
                raise InvalidMoveError(Endpoint.kind, endpoint.name, endpoint.status, EndpointStatus.UPDATING)
            now = self._clock()
            old = {variant.name: variant for variant in endpoint.variants}
            variants = tuple(
                replace(each, **{field: getattr(old[each.name], field) for field in kept}) if each.name in old else each
                for each in wanted.variants
            )
            update = replace(wanted, variants=variants, number=endpoint.number + 1)
            return replace(
                endpoint,
                status=EndpointStatus.UPDATING,
                update=update,
                updated_at=now,
                modified_at=now,
                failure_reason="",
            )

        endpoint = change_record(self._records, Endpoint, name, change)
        self._book.wake()
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
                status=EndpointStatus.IN_SERVICE,
                config=serves.config,
                variants=serves.variants,
                containers=serves.containers,
                number=update.number,
                update=None,
                modified_at=self._clock(),
                failure_reason=failure_reason[:1024],
            )

        endpoint = change_record(self._records, Endpoint, name, change)
        self._served[endpoint.name] = endpoint
        return endpoint

    def delete(self, name: str) -> Endpoint:
        """Begin to take an endpoint down; it vanishes when its model servers are gone.

        Raises:
            NotFoundError: when there is none.
        """
        endpoint = self.move(name, EndpointStatus.DELETING)
        self._served.pop(endpoint.name, None)
        self._book.wake()
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

        return change_record(self._records, Endpoint, name, change)

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

    def invoke(self, name: str, body: bytes, headers: Mapping[str, str], *, variant: str = "") -> tuple[str, Answer]:
        """Send a request to a model of the endpoint, chosen by weight unless named, and return variant and answer.

        Raises:
            NotFoundError: when there is no endpoint of this name, in this case of letters.
            EndpointNotReadyError: when it is not in service.
            VariantNotFoundError: when it has no such variant.
            ModelAnsweredError: when the model answered with an error.
            ModelTimedOutError: when it gave no answer within 60 s.
            ModelUnreachableError: when it cannot be reached.
        """
        endpoint = self._served.get(name) or self._look_up(name)
        chosen = self._choose_variant(endpoint, variant)
        addresses = self._book.addresses(endpoint.name, chosen.name)
        if not addresses:
            self._served.pop(name, None)
            self._look_up(name)
            raise ModelUnreachableError(name)
        try:
            answer = self._client.invoke(
                self._dice.choice(addresses), body, headers, timeout_seconds=INVOCATION_SECONDS
            )
        except TimeoutError:
            raise ModelTimedOutError(name, INVOCATION_SECONDS) from None
        except ConnectionError:
            self._book.wake()
            raise ModelUnreachableError(name) from None
        if answer.status >= 400:  # HTTP's border between success and error
            raise ModelAnsweredError(name, answer.status, answer.body)
        return chosen.name, answer

    def _copy_config(self, name: str) -> Deployment:
        config = self._records.get(EndpointConfig, name)
        containers = {variant.name: self._records.get(Model, variant.model).containers for variant in config.variants}
        return Deployment(config=config.name, variants=config.variants, containers=containers)

    def _look_up(self, name: str) -> Endpoint:
        endpoint = self.get(name)
        if endpoint.name != name:  # creating ignores case, invoking does not
            raise NotFoundError(Endpoint.kind, name)
        if not endpoint.status.serves:
            raise EndpointNotReadyError(name, endpoint.status)
        self._served[name] = endpoint  # what an endpoint serves changes by the end of an update only
        return endpoint

    def _choose_variant(self, endpoint: Endpoint, name: str) -> Variant:
        if name:
            for variant in endpoint.variants:
                if variant.name == name:
                    return variant
            raise VariantNotFoundError(endpoint.name, name)
        if len(endpoint.variants) == 1:
            return endpoint.variants[0]
        weights = [variant.weight for variant in endpoint.variants]
        return self._dice.choices(endpoint.variants, weights=weights if any(weights) else None)[0]
