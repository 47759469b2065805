"""Brings a job's data onto this machine."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from gyropilot.service.ports import Blob, BlobStore

CHUNK_BYTES = 1 << 20


def download(blobs: BlobStore, objects: Sequence[Blob], folder: Path) -> list[Path]:
    """Copy objects into files below a folder; one that an earlier worker copied is taken as it is.

    Raises:
        BlobNotFoundError: when an object was deleted meanwhile.
    """
    return [_copy(blobs, blob, folder / f"{number:05d}-{blob.etag}") for number, blob in enumerate(objects)]


def _copy(blobs: BlobStore, blob: Blob, folder: Path) -> Path:
    # The file keeps the object's name: messages about the data name it.
    path = folder / blob.key.rpartition("/")[2]
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "partial"
    with blobs.open(blob.bucket, blob.key) as (_, content), partial.open("wb") as file:
        shutil.copyfileobj(content, file, CHUNK_BYTES)
    return partial.replace(path)
