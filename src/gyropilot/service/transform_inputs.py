"""The objects that a batch transform predicts from, and what their predictions are called."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gyropilot.service.errors import (
    BlobNotFoundError,
    BucketNotFoundError,
    InvalidBlobKeyError,
    InvalidBucketNameError,
    InvalidRequestError,
)
from gyropilot.service.job_data import JobData
from gyropilot.service.locations import Location
from gyropilot.service.ports import Blob, BlobStore
from gyropilot.service.records import Transform

MANIFEST_BYTES = 100 << 20
"""Greatest manifest."""


@dataclass(frozen=True, kw_only=True)
class TransformInput:
    """One object to predict from."""

    blob: Blob
    """The object."""
    output: Location
    """Where its predictions go."""

    @property
    def uri(self) -> str:
        """The object's address."""
        return f"s3://{self.blob.bucket}/{self.blob.key}"


def find_inputs(transform: Transform, blobs: BlobStore, data: JobData) -> Sequence[TransformInput]:
    """Return the objects of a transform, each with where its predictions go.

    Raises:
        InvalidRequestError: when there are none, one is missing, the manifest cannot be read, or the predictions of two
            would go to the same place.
    """
    if transform.is_manifest:
        named = list(_read_manifest(Location.parse(transform.input_uri), blobs))
    else:
        prefix = Location.parse(transform.input_uri).key
        named = [(blob, _cut_prefix(blob.key, prefix)) for blob in data.find(transform.input_uri)]
    place = Location.parse(transform.output_uri)
    inputs = [TransformInput(blob=blob, output=place.child(f"{name}.out")) for blob, name in named]
    outputs: dict[Location, TransformInput] = {}
    for each in inputs:
        other = outputs.setdefault(each.output, each)
        if other is not each:
            raise InvalidRequestError(f"The output of {other.uri} and {each.uri} would be the same {each.output}.")
    return inputs


def _cut_prefix(key: str, prefix: str) -> str:
    """Return an object's name below a prefix, or below the prefix's folder when that is only a part of a name."""
    folder = prefix.rstrip("/") + "/"
    if prefix and key.startswith(folder) and key != folder:
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


def _read_manifest(place: Location, blobs: BlobStore) -> Iterator[tuple[Blob, str]]:
    prefix, names = _parse_manifest(place, blobs)
    for name in names:
        found = Location.parse(prefix + name)
        try:
            yield blobs.head(found.bucket, found.key), name.lstrip("/")
        except (BucketNotFoundError, InvalidBucketNameError, BlobNotFoundError, InvalidBlobKeyError):
            raise InvalidRequestError(f"The manifest {place} names {found}, which is not there.") from None


def _parse_manifest(place: Location, blobs: BlobStore) -> tuple[str, Sequence[str]]:
    """Return the prefix and the names: `[{"prefix": "s3://bucket/folder/"}, "a.csv", "b.csv"]`."""
    try:
        with blobs.open(place.bucket, place.key) as (_, content):
            document: Any = json.loads(content.read(MANIFEST_BYTES))
    except (BucketNotFoundError, InvalidBucketNameError, BlobNotFoundError, InvalidBlobKeyError):
        raise InvalidRequestError(f"Could not access the manifest {place}: there is no object.") from None
    except (ValueError, RecursionError):
        raise InvalidRequestError(f"The manifest {place} is not JSON.") from None
    match document:
        case [{"prefix": str(prefix)}, *names] if names and all(isinstance(name, str) and name for name in names):
            return prefix, names
    raise InvalidRequestError(
        f'The manifest {place} must be a list of {{"prefix": "s3://..."}} followed by at least one name.'
    )
