"""Models: a candidate's containers under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyropilot.service.errors import (
    BlobNotFoundError,
    BucketNotFoundError,
    InvalidBlobKeyError,
    InvalidBucketNameError,
    InvalidRequestError,
)
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobStore, Clock, Query, RecordStore
from gyropilot.service.records import Container, Model


class ModelService:
    """Creates, shows, lists and deletes models."""

    def __init__(self, *, records: RecordStore, blobs: BlobStore, clock: Clock) -> None:
        self._records = records
        self._blobs = blobs
        self._clock = clock

    def create(
        self,
        name: str,
        request: Mapping[str, Any],
        containers: Sequence[Container],
        *,
        tags: Mapping[str, str] | None = None,
    ) -> Model:
        """Store a model after checking that its archives are there.

        Raises:
            InvalidRequestError: when an archive is not there.
            AlreadyExistsError: when the name is taken.
        """
        for container in containers:
            self._check_archive(container.model_data_url)
        now = self._clock()
        return self._records.insert(
            Model(
                name=name,
                request=request,
                containers=tuple(containers),
                tags=tags or {},
                created_at=now,
                modified_at=now,
            )
        )

    def get(self, name: str) -> Model:
        """Return a model.

        Raises:
            NotFoundError: when there is none.
        """
        return self._records.get(Model, name)

    def find(self, query: Query) -> Sequence[Model]:
        """Return the models that the query selects."""
        return self._records.find(Model, query)

    def delete(self, name: str) -> None:
        """Remove a model; its archive stays, and endpoints that serve it go on.

        Raises:
            NotFoundError: when there is none.
        """
        self._records.delete(Model, name)

    def _check_archive(self, uri: str) -> None:
        place = Location.parse(uri)
        try:
            self._blobs.head(place.bucket, place.key)
        except (BucketNotFoundError, InvalidBucketNameError, BlobNotFoundError, InvalidBlobKeyError):
            raise InvalidRequestError(f"Could not find model data at {uri}.") from None
