"""Tags: labels on resources, found by their ARNs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from gyropilot.service.changes import change_record
from gyropilot.service.errors import InvalidRequestError, NotFoundError
from gyropilot.service.identity import Identity
from gyropilot.service.ports import Query, RecordStore
from gyropilot.service.records import (
    AutoMLJob,
    Candidate,
    Endpoint,
    EndpointConfig,
    Model,
    Record,
    TrainingJob,
    TransformJob,
)
from gyropilot.service.tuning_records import PipelineFit, PipelineTransform, ProcessingPart, TuningJob

MAX_TAGS = 50
"""How many tags a resource may have."""

KINDS: Mapping[str, type[Record]] = {
    AutoMLJob.resource: AutoMLJob,
    TrainingJob.resource: TrainingJob,
    TransformJob.resource: TransformJob,
    "model": Model,
    "endpoint-config": EndpointConfig,
    "endpoint": Endpoint,
    ProcessingPart.resource: ProcessingPart,
    TuningJob.resource: TuningJob,
}
"""The records that ARNs name, by the word in the ARN."""

WITHIN_JOBS: Mapping[str, tuple[type[Record], ...]] = {
    TrainingJob.resource: (Candidate, PipelineFit),
    TransformJob.resource: (PipelineTransform,),
    ProcessingPart.resource: (ProcessingPart,),
    TuningJob.resource: (TuningJob,),
}
"""Others that are called by the same words; their records lie under their jobs."""


class TagService:
    """Adds, shows and removes the tags of jobs, candidates, models, endpoint configurations and endpoints."""

    def __init__(self, *, records: RecordStore, identity: Identity) -> None:
        self._records = records
        self._identity = identity

    def get(self, arn: str) -> Mapping[str, str]:
        """Return the tags of the resource of this ARN.

        Raises:
            InvalidRequestError: when the ARN is of another account or region.
            NotFoundError: when there is no such resource.
        """
        return self._find(arn).tags

    def add(self, arn: str, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Set tags, over those of the same keys, and return all that the resource has then.

        Raises:
            InvalidRequestError: when the ARN is of another account or region, or the resource would have too many.
            NotFoundError: when there is no such resource.
        """

        def merge(before: Mapping[str, str]) -> Mapping[str, str]:
            merged = {**before, **tags}
            if len(merged) > MAX_TAGS:
                raise InvalidRequestError(
                    f"A resource can have {MAX_TAGS} tags at most; {arn} would have {len(merged)}."
                )
            return merged

        return self._change(arn, merge)

    def remove(self, arn: str, keys: Iterable[str]) -> None:
        """Remove the tags of these keys; a key that the resource does not have is no error.

        Raises:
            InvalidRequestError: when the ARN is of another account or region.
            NotFoundError: when there is no such resource.
        """
        gone = set(keys)
        self._change(arn, lambda before: {key: value for key, value in before.items() if key not in gone})

    def _find(self, arn: str) -> Record:
        resource, name = self._split(arn)
        if resource not in KINDS:
            raise NotFoundError(resource, name)
        with suppress(NotFoundError):
            return self._records.get(KINDS[resource], name)
        for kind in WITHIN_JOBS.get(resource, ()):
            if found := self._records.find(kind, Query(name=name, order_by="name", limit=1)):
                return found[0]
        raise NotFoundError(KINDS[resource].kind, name)

    def _split(self, arn: str) -> tuple[str, str]:
        """Return the kind of resource and the name in an ARN."""
        own = self._identity.arn("", "").rpartition(":")[0]
        place, _, rest = arn.rpartition(":")
        if place != own:
            raise InvalidRequestError(
                f"The resource {arn} is not of this account and region: its ARN must begin with {own}:"
            )
        resource, _, name = rest.partition("/")
        return resource, name

    def _change(self, arn: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Mapping[str, str]:
        found = self._find(arn)

        def change_tags(record: Record) -> Record:
            tags = change(record.tags)
            return record if tags == record.tags else replace(record, tags=tags)

        return change_record(self._records, type(found), found.name, change_tags, parent=found.parent).tags
