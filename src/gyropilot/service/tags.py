"""Tags: labels on resources, found by their ARNs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from gyropilot.service.changes import change_record
from gyropilot.service.errors import InvalidRequestError, NotFoundError
from gyropilot.service.identity import Identity
from gyropilot.service.jobs import JobService
from gyropilot.service.ports import RecordStore
from gyropilot.service.records import AutoMLJob, Endpoint, EndpointConfig, Model, Record, TrainingJob, TransformJob

MAX_TAGS = 50
"""How many tags a resource may have."""

KINDS: Mapping[str, type[Record]] = {
    AutoMLJob.resource: AutoMLJob,
    TrainingJob.resource: TrainingJob,
    TransformJob.resource: TransformJob,
    "model": Model,
    "endpoint-config": EndpointConfig,
    "endpoint": Endpoint,
}
"""The records that ARNs name, by the word in the ARN."""


class TagService:
    """Adds, shows and removes the tags of jobs, candidates, models, endpoint configurations and endpoints."""

    def __init__(self, *, records: RecordStore, jobs: JobService, identity: Identity) -> None:
        self._records = records
        self._jobs = jobs
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
        try:
            return self._records.get(KINDS[resource], name)
        except NotFoundError:
            if resource != TrainingJob.resource:
                raise
            return self._jobs.find_candidate(name)  # is a training job too; its record lies under its job

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
