from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from gyropilot.service.errors import BlobNotFoundError
from gyropilot.service.ports import Blob, BlobProperties
from gyropilot.storage import blobs_folder
from gyropilot.storage.blob_files import Label, read_blob, write_blob_file
from gyropilot.storage.blobs_folder import FolderBlobStore

_PUT_FROM_STDIN = """
import sys
from pathlib import Path
from typing import BinaryIO
from gyropilot.storage.blobs_folder import FolderBlobStore

FolderBlobStore(Path(sys.argv[1])).put("some-bucket", "deep/key", sys.stdin.buffer)
"""
_TWO_DAYS_SECONDS = 2 * 24 * 3600


@pytest.fixture
def root(tmp_path: Path) -> Path:
    FolderBlobStore(tmp_path).create_bucket("some-bucket")
    return tmp_path


def test_a_restart_finds_everything(root: Path) -> None:
    store = FolderBlobStore(root)
    bucket = store.get_bucket("some-bucket")
    blob = store.put("some-bucket", "a", io.BytesIO(b"content"), BlobProperties(metadata={"a": "b"}))
    upload = store.create_upload("some-bucket", "b", BlobProperties(content_type="text/csv"))
    etag = store.put_part("some-bucket", "b", upload, 1, io.BytesIO(b"part"))

    store = FolderBlobStore(root)
    assert store.list_buckets() == [bucket]
    assert store.head("some-bucket", "a") == blob
    assert store.complete_upload("some-bucket", "b", upload, [(1, etag)]).content_type == "text/csv"
    with store.open("some-bucket", "b") as (_, content):
        assert content.read() == b"part"


@pytest.mark.parametrize("old", [None, b"old content"])
def test_a_killed_put_leaves_the_old_object_or_none(root: Path, old: bytes | None) -> None:
    store = FolderBlobStore(root)
    if old is not None:
        store.put("some-bucket", "deep/key", io.BytesIO(old))
    with subprocess.Popen([sys.executable, "-c", _PUT_FROM_STDIN, str(root)], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        # More than a pipe holds and the writer buffers: when this returns, the child has written some of it.
        child.stdin.write(b"new" * 2_000_000)
        assert any((root / "temporary").iterdir())
        child.send_signal(signal.SIGKILL)
        child.stdin.close()
    if old is None:
        with pytest.raises(BlobNotFoundError):
            store.head("some-bucket", "deep/key")
        assert store.list("some-bucket").blobs == ()
        store.delete_bucket("some-bucket")
    else:
        with store.open("some-bucket", "deep/key") as (blob, content):
            assert (content.read(), blob.size) == (old, len(old))


def test_opening_removes_what_a_crash_left_long_ago(root: Path) -> None:
    temporary = root / "temporary"
    for name in ("young", "old"):
        (temporary / name).write_bytes(b"half")
        (temporary / f"{name}-folder").mkdir()
        (temporary / f"{name}-folder" / "part").touch()
    long_ago = time.time() - _TWO_DAYS_SECONDS
    for name in ("old", "old-folder"):
        os.utime(temporary / name, (long_ago, long_ago))
    FolderBlobStore(root)
    assert sorted(path.name for path in temporary.iterdir()) == ["young", "young-folder"]


def test_opening_removes_uploads_that_nobody_goes_on_with(root: Path) -> None:
    store = FolderBlobStore(root)
    young, old = (store.create_upload("some-bucket", key) for key in ("young", "old"))
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(root / "buckets" / "some-bucket" / "uploads" / old, (long_ago, long_ago))
    store = FolderBlobStore(root)
    assert [upload.id for upload in store.list_uploads("some-bucket")] == [young]


def test_tagging_gives_way_to_a_new_object(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderBlobStore(root)
    store.put("some-bucket", "a", io.BytesIO(b"old"))
    others = iter([b"new"])

    def write_late(path: Path, content: BinaryIO, label: Label, *, etag: str = "") -> Blob:
        blob = write_blob_file(path, content, label, etag=etag)
        for other in others:  # once: another writer is quicker
            store.put("some-bucket", "a", io.BytesIO(other))
        return blob

    monkeypatch.setattr(blobs_folder, "write_blob_file", write_late)
    assert store.set_tags("some-bucket", "a", {"a": "b"}).tags == {"a": "b"}
    with store.open("some-bucket", "a") as (blob, content):
        assert (content.read(), blob.tags) == (b"new", {"a": "b"})


def test_a_deletion_that_was_cut_short_is_finished(root: Path) -> None:
    (root / "buckets" / "some-bucket" / "objects").rmdir()
    store = FolderBlobStore(root)
    assert store.list_buckets() == []
    store.create_bucket("some-bucket")
    assert [bucket.name for bucket in store.list_buckets()] == ["some-bucket"]


def test_folders_that_a_crash_left_empty_do_not_show(root: Path) -> None:
    (root / "buckets" / "some-bucket" / "objects" / "a.d" / "b.d").mkdir(parents=True)
    store = FolderBlobStore(root)
    page = store.list("some-bucket", delimiter="/")
    assert (page.blobs, page.prefixes) == ((), ())
    store.delete_bucket("some-bucket")


def test_deleting_leaves_no_empty_folders(root: Path) -> None:
    store = FolderBlobStore(root)
    store.put("some-bucket", "a/b/c", io.BytesIO())
    store.put("some-bucket", "a/d", io.BytesIO())
    store.delete("some-bucket", "a/b/c")
    objects = root / "buckets" / "some-bucket" / "objects"
    assert [str(path.relative_to(objects)) for path in sorted(objects.rglob("*"))] == ["a.d", "a.d/d.o"]


@pytest.mark.parametrize(
    "content", [b"", b"short", b"x" * 5000, b"x" * 5000 + (10**9).to_bytes(8, "big") + b"GYROBLB1"]
)
def test_damage_is_told(root: Path, content: bytes) -> None:
    store = FolderBlobStore(root)
    store.put("some-bucket", "a", io.BytesIO(b"content"))
    path = root / "buckets" / "some-bucket" / "objects" / "a.o"
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"a\.o is damaged"):
        store.head("some-bucket", "a")


def test_a_page_opens_no_more_objects_than_it_lists(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderBlobStore(root)
    for number in range(50):
        store.put("some-bucket", f"data/{number:02}", io.BytesIO())
    opened: list[str] = []

    def read_and_note(path: Path) -> Blob:
        opened.append(path.name)
        return read_blob(path)

    monkeypatch.setattr(blobs_folder, "read_blob", read_and_note)
    store.list("some-bucket", prefix="data/2", limit=3)
    assert opened == ["20.o", "21.o", "22.o"]
    store.list("some-bucket", delimiter="/")
    assert len(opened) == 3
