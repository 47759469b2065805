from __future__ import annotations

import pytest

from gyropilot.service.errors import BlobNotFoundError
from gyropilot.service.locations import Location
from gyropilot.storage.blobs_memory import MemoryBlobStore
from gyropilot.worker.transform import output
from gyropilot.worker.transform.output import OutputWriter

PLACE = Location("data", "out/a.csv.out")


@pytest.fixture
def blobs() -> MemoryBlobStore:
    store = MemoryBlobStore()
    store.create_bucket("data")
    return store


def write(blobs: MemoryBlobStore, *pieces: bytes) -> tuple[OutputWriter, list[str]]:
    uploads: list[str] = []
    writer = OutputWriter(blobs, PLACE, "text/csv", on_upload=uploads.append)
    for piece in pieces:
        writer.write(piece)
    return writer, uploads


def read(blobs: MemoryBlobStore) -> bytes:
    with blobs.open(PLACE.bucket, PLACE.key) as (_, content):
        return content.read()


def test_a_short_object_is_stored_at_once(blobs: MemoryBlobStore) -> None:
    writer, uploads = write(blobs, b"1\n", b"2\n")
    blob = writer.finish()
    assert (read(blobs), uploads, blob.content_type) == (b"1\n2\n", [], "text/csv")


def test_a_long_object_is_stored_in_parts_that_grow(blobs: MemoryBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PART_BYTES", 4)
    monkeypatch.setattr(output, "PARTS_PER_SIZE", 2)
    pieces = [bytes([65 + number]) * 3 for number in range(20)]
    writer, (upload,) = write(blobs, *pieces)
    sizes = [part.size for part in blobs.list_parts(PLACE.bucket, PLACE.key, upload)]
    assert sizes == [6, 6, 9, 9, 12, 12]
    with pytest.raises(BlobNotFoundError):
        blobs.head(PLACE.bucket, PLACE.key)
    writer.finish()
    assert read(blobs) == b"".join(pieces)


@pytest.mark.parametrize("pieces", [[b"1"], [b"12345"], [b"12345", b"6"]])
def test_what_is_aborted_leaves_nothing(
    blobs: MemoryBlobStore, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    monkeypatch.setattr(output, "PART_BYTES", 4)
    writer, _ = write(blobs, *pieces)
    writer.abort()
    assert blobs.list("data").blobs == ()
    assert list(blobs.list_uploads("data")) == []
