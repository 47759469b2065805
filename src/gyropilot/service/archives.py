"""The archive of a model on this machine, for whoever predicts with it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from gyropilot.service.errors import BlobNotFoundError, BucketNotFoundError
from gyropilot.service.identity import Identity
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobStore
from gyropilot.service.records import Container

CHUNK_BYTES = 1 << 20


class UnservableError(Exception):
    """A model cannot be served as it is described; the message says why."""


def find_only_container(containers: Sequence[Container], identity: Identity) -> Container:
    """Return the container of a model that can be served here.

    Raises:
        UnservableError: when there are several, or its image is not one of Gyropilot's.
    """
    if len(containers) != 1:
        raise UnservableError(f"Models of {len(containers)} containers in series are not served by Gyropilot yet.")
    if not identity.serves_image(containers[0].image):
        raise UnservableError(
            f"The image {containers[0].image} is not one of Gyropilot's; use a candidate's InferenceContainers."
        )
    return containers[0]


def fetch_archive(container: Container, blobs: BlobStore, folder: Path) -> Path:
    """Copy a container's archive into a folder, whole or not at all, and return where it lies.

    Raises:
        UnservableError: when it is not there.
    """
    place = Location.parse(container.model_data_url)
    folder.mkdir(parents=True, exist_ok=True)
    archive, partial = folder / "model.tar.gz", folder / "model.tar.gz.partial"
    try:
        with blobs.open(place.bucket, place.key) as (_, content), partial.open("wb") as file:
            shutil.copyfileobj(content, file, CHUNK_BYTES)
    except (BucketNotFoundError, BlobNotFoundError):
        raise UnservableError(f"Could not find model data at {container.model_data_url}.") from None
    return partial.replace(archive)
