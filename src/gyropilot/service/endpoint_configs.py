"""Endpoint configurations: what an endpoint is to serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyropilot.service.ports import Clock, Query, RecordStore
from gyropilot.service.records import AsyncPlaces, Capture, EndpointConfig, Model, Variant


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
        capture: Capture | None = None,
        asynchronous: AsyncPlaces | None = None,
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
                capture=capture,
                asynchronous=asynchronous,
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
