"""What every blob store must do: subclass `BlobStoreSuite` and override its fixture `store`."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gyropilot.service.errors import (
    BlobChangedError,
    BlobNotFoundError,
    BucketAlreadyExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    InvalidBlobKeyError,
    InvalidBucketNameError,
    InvalidPartError,
    InvalidRangeError,
    UploadNotFoundError,
)
from gyropilot.service.ports import Blob, BlobProperties, BlobStore, iterate_blobs
from gyropilot.testing.threads import run_together

_BUCKET = "some-bucket"
_THREADS = 8

_ODD_KEYS = (
    "a",
    "a/",
    "a/b",
    "a//b",
    "/a",
    "/",
    "//",
    "..",
    "../..",
    "../../etc/passwd",
    ".",
    "./a",
    "a.o",
    "a.d/b",
    "a%2Fb",
    "a b",
    " ",
    "A",
    "ä/日本/🙂",
    "new\nline\r\t",
    "\x01\x7f",
    "con:*?<>|\\\"'",
    "x" * 79,
    "x" * 80,
    "x" * 81,
    "x" * 80 + "/",
    "x" * 80 + "/y",
    "x" * 80 + "!",
    "x" * 160,
    "x" * 1024,
    "é" * 512,
    "/" * 1024,
    "a/" * 512,
    "+" * 300,
)
_BAD_KEYS = ("", "x" * 1025, "é" * 513, "a\0b", "\ud800")
_BAD_BUCKETS = ("", "ab", "x" * 64, "Upper", "under_score", "..", "a..b", "-ab", "ab.", "a/b", "../x", "ümlaut")


def _put(store: BlobStore, key: str, content: bytes = b"content") -> Blob:
    return store.put(_BUCKET, key, io.BytesIO(content))


def _read(store: BlobStore, key: str, *, first: int = 0, last: int | None = None) -> bytes:
    with store.open(_BUCKET, key, first=first, last=last) as (_, content):
        return content.read()


def _crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class BlobStoreSuite:
    """The obligations of `gyropilot.service.ports.BlobStore`."""

    @pytest.fixture
    def store(self) -> BlobStore:
        """Give a store without buckets."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _bucket(self, store: BlobStore) -> None:
        store.create_bucket(_BUCKET)

    # --- buckets ------------------------------------------------------------------------------------------------------

    def test_makes_buckets(self, store: BlobStore) -> None:
        """They are listed by name and know when they were made."""
        made = store.create_bucket("another.bucket-1")
        assert store.get_bucket("another.bucket-1") == made
        assert [bucket.name for bucket in store.list_buckets()] == ["another.bucket-1", _BUCKET]
        assert abs(made.created_at - datetime.now(UTC)) < timedelta(minutes=5)

    def test_refuses_a_taken_bucket(self, store: BlobStore) -> None:
        """What is in it stays."""
        _put(store, "a")
        with pytest.raises(BucketAlreadyExistsError):
            store.create_bucket(_BUCKET)
        assert _read(store, "a") == b"content"

    @pytest.mark.parametrize("bucket", _BAD_BUCKETS)
    def test_refuses_impossible_buckets(self, store: BlobStore, bucket: str) -> None:
        """Whatever is asked of them."""
        with pytest.raises(InvalidBucketNameError):
            store.create_bucket(bucket)
        with pytest.raises(InvalidBucketNameError):
            store.get_bucket(bucket)
        with pytest.raises(InvalidBucketNameError):
            store.put(bucket, "a", io.BytesIO())
        with pytest.raises(InvalidBucketNameError):
            store.list(bucket)

    def test_misses_buckets(self, store: BlobStore) -> None:
        """Every method says so."""
        for call in (
            lambda: store.get_bucket("absent"),
            lambda: store.delete_bucket("absent"),
            lambda: store.put("absent", "a", io.BytesIO()),
            lambda: store.head("absent", "a"),
            lambda: store.open("absent", "a").__enter__(),
            lambda: store.list("absent"),
            lambda: store.delete("absent", "a"),
            lambda: store.create_upload("absent", "a"),
        ):
            with pytest.raises(BucketNotFoundError):
                call()

    def test_deletes_empty_buckets(self, store: BlobStore) -> None:
        """The name is free again; uploads that were never completed are no objects."""
        store.put_part(_BUCKET, "a", store.create_upload(_BUCKET, "a"), 1, io.BytesIO(b"part"))
        _put(store, "a/b/c")
        store.delete(_BUCKET, "a/b/c")
        store.delete_bucket(_BUCKET)
        assert store.list_buckets() == []
        with pytest.raises(BucketNotFoundError):
            store.get_bucket(_BUCKET)
        store.create_bucket(_BUCKET)
        assert store.list(_BUCKET).blobs == ()

    @pytest.mark.parametrize("key", ["a", "a/b/c", "/" * 1024])
    def test_keeps_buckets_with_objects(self, store: BlobStore, key: str) -> None:
        """Nothing is lost by trying."""
        _put(store, key)
        with pytest.raises(BucketNotEmptyError):
            store.delete_bucket(_BUCKET)
        assert _read(store, key) == b"content"
        store.delete(_BUCKET, key)
        store.delete_bucket(_BUCKET)

    def test_tags_buckets(self, store: BlobStore) -> None:
        """What else is known of them stays."""
        made = store.get_bucket(_BUCKET)
        assert made.tags == {}
        assert store.set_bucket_tags(_BUCKET, {"a": "b"}) == replace(made, tags={"a": "b"})
        assert store.get_bucket(_BUCKET).tags == {"a": "b"}
        with pytest.raises(BucketNotFoundError):
            store.set_bucket_tags("absent", {})

    # --- objects ------------------------------------------------------------------------------------------------------

    def test_keeps_content_and_description(self, store: BlobStore) -> None:
        """What `put` returns is what `head` and `open` tell."""
        data = bytes(range(256)) * 20_000
        stated = BlobProperties(
            content_type="text/csv",
            headers={"cache-control": "no-store", "content-disposition": 'attachment; filename="a.csv"'},
            metadata={"Owner": "Zoë", "note": "x" * 2000},
            tags={"Team": "blue", "empty": ""},
            checksums={"crc32": _crc32(data)},
        )
        blob = store.put(_BUCKET, "a/b", io.BytesIO(data), stated)
        assert (blob.bucket, blob.key, blob.size, blob.etag) == (_BUCKET, "a/b", len(data), _md5(data))
        assert blob.properties == replace(stated, metadata={"owner": "Zoë", "note": "x" * 2000})
        assert abs(blob.modified_at - datetime.now(UTC)) < timedelta(minutes=5)
        assert store.head(_BUCKET, "a/b") == blob
        with store.open(_BUCKET, "a/b") as (opened, content):
            assert opened == blob
            assert content.read() == data

    def test_looks_at_checksums_last(self, store: BlobStore) -> None:
        """They may be taken while the content is read."""
        checksums: dict[str, str] = {}

        class Summed(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                data = super().read(size)
                if not data:
                    checksums["crc32"] = _crc32(b"x")
                return data

        blob = store.put(_BUCKET, "a", Summed(b"x"), BlobProperties(checksums=checksums))
        checksums.clear()
        assert blob.checksums == store.head(_BUCKET, "a").checksums == {"crc32": _crc32(b"x")}

    def test_changes_tags(self, store: BlobStore) -> None:
        """And nothing else, not even the time."""
        blob = store.put(_BUCKET, "a", io.BytesIO(b"content"), BlobProperties(metadata={"a": "b"}, tags={"one": "1"}))
        changed = store.set_tags(_BUCKET, "a", {"two": "2"})
        assert changed == store.head(_BUCKET, "a") == replace(blob, tags={"two": "2"})
        assert _read(store, "a") == b"content"
        with pytest.raises(BlobNotFoundError):
            store.set_tags(_BUCKET, "b", {})

    def test_replaces_what_is_expected(self, store: BlobStore) -> None:
        """An ETag stands for the object, an empty one for its absence."""
        first = store.put(_BUCKET, "a", io.BytesIO(b"1"), replaces="")
        second = store.put(_BUCKET, "a", io.BytesIO(b"2"), replaces=first.etag)
        for etag in ("", first.etag):
            with pytest.raises(BlobChangedError):
                store.put(_BUCKET, "a", io.BytesIO(b"3"), replaces=etag)
        with pytest.raises(BlobNotFoundError):
            store.put(_BUCKET, "b", io.BytesIO(b"3"), replaces=first.etag)
        with pytest.raises(BlobChangedError):
            store.delete(_BUCKET, "a", etag=first.etag)
        assert store.head(_BUCKET, "a") == second
        store.delete(_BUCKET, "a", etag=second.etag)
        with pytest.raises(BlobNotFoundError):
            store.delete(_BUCKET, "a", etag=second.etag)

    def test_keeps_empty_objects(self, store: BlobStore) -> None:
        """They are objects like others, with the usual type."""
        blob = _put(store, "empty", b"")
        assert (blob.size, blob.etag, blob.content_type) == (0, _md5(b""), "binary/octet-stream")
        assert _read(store, "empty") == b""

    def test_reads_content_from_where_it_stands_to_the_end(self, store: BlobStore) -> None:
        """Also of a file that gives less than asked for."""
        packed = io.BytesIO(gzip.compress(b"x" * 3_000_000))
        with gzip.open(packed) as content:
            content.read(1)
            assert store.put(_BUCKET, "a", content).size == 2_999_999  # type: ignore[arg-type]  # reads like a file

    def test_keys_do_not_collide(self, store: BlobStore) -> None:
        """Any key is possible, and each has its own object."""
        for key in _ODD_KEYS:
            _put(store, key, key.encode())
        for key in _ODD_KEYS:
            assert _read(store, key) == key.encode()
            assert store.head(_BUCKET, key).key == key
        assert [blob.key for blob in store.list(_BUCKET).blobs] == sorted(_ODD_KEYS, key=str.encode)
        for key in _ODD_KEYS:
            store.delete(_BUCKET, key)
            with pytest.raises(BlobNotFoundError):
                store.head(_BUCKET, key)
        store.delete_bucket(_BUCKET)

    def test_nothing_begins_with_what_no_key_can_hold(self, store: BlobStore) -> None:
        """A prefix may be longer than any key."""
        _put(store, "9", b"")
        assert store.list(_BUCKET, prefix="9" * 5000).blobs == ()

    @pytest.mark.parametrize("key", _BAD_KEYS)
    def test_refuses_impossible_keys(self, store: BlobStore, key: str) -> None:
        """Whatever is asked of them."""
        for call in (
            lambda: _put(store, key),
            lambda: store.head(_BUCKET, key),
            lambda: _read(store, key),
            lambda: store.delete(_BUCKET, key),
            lambda: store.create_upload(_BUCKET, key),
        ):
            with pytest.raises(InvalidBlobKeyError):
                call()

    def test_misses_objects(self, store: BlobStore) -> None:
        """Neighbours are no substitute; deleting what is not there is no error."""
        _put(store, "a/b")
        for key in ("a", "a/", "a/b/", "a/b/c", "b"):
            with pytest.raises(BlobNotFoundError):
                store.head(_BUCKET, key)
            with pytest.raises(BlobNotFoundError):
                _read(store, key)
            store.delete(_BUCKET, key)
        assert _read(store, "a/b") == b"content"

    def test_replaces(self, store: BlobStore) -> None:
        """Content and description change together."""
        store.put(
            _BUCKET, "a", io.BytesIO(b"long content"), BlobProperties(content_type="text/csv", metadata={"a": "b"})
        )
        blob = _put(store, "a", b"new")
        assert store.head(_BUCKET, "a") == blob
        assert (blob.size, blob.metadata, blob.content_type) == (3, {}, "binary/octet-stream")
        assert _read(store, "a") == b"new"

    def test_what_is_open_stays(self, store: BlobStore) -> None:
        """Whatever becomes of the object meanwhile."""
        _put(store, "a", b"old" * 100_000)
        with store.open(_BUCKET, "a") as (_, content):
            assert content.read(3) == b"old"
            _put(store, "a", b"new")
            store.delete(_BUCKET, "a")
            assert content.read() == b"old" * 99_999

    def test_opened_content_can_seek(self, store: BlobStore) -> None:
        """As readers of Parquet need; positions count from the start of the range."""
        _put(store, "a", b"0123456789")
        with store.open(_BUCKET, "a", first=2, last=8) as (_, content):
            assert content.seek(-2, io.SEEK_END) == 5
            assert content.read() == b"78"
            assert content.seek(1) == 1
            assert content.read(2) == b"34"
            assert content.tell() == 3
            assert content.seek(100) == 100
            assert content.read() == b""

    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [(0, None, b"0123456789"), (3, None, b"3456789"), (3, 5, b"345"), (9, 9, b"9"), (0, 0, b"0"), (8, 99, b"89")],
    )
    def test_reads_ranges(self, store: BlobStore, first: int, last: int | None, expected: bytes) -> None:
        """Both ends are inside; an end beyond the object's is the object's."""
        _put(store, "a", b"0123456789")
        assert _read(store, "a", first=first, last=last) == expected

    @pytest.mark.parametrize(("first", "last"), [(10, None), (11, 12), (5, 4), (-1, None), (-3, -1)])
    def test_refuses_ranges_outside(self, store: BlobStore, first: int, last: int | None) -> None:
        """An empty range is no range."""
        _put(store, "a", b"0123456789")
        with pytest.raises(InvalidRangeError):
            _read(store, "a", first=first, last=last)

    def test_a_failed_put_changes_nothing(self, store: BlobStore) -> None:
        """Content that breaks off leaves the old object, or none."""
        _put(store, "a", b"old")
        for key in ("a", "b"):
            with pytest.raises(ConnectionResetError):
                store.put(_BUCKET, key, _BrokenContent())
        assert [blob.key for blob in store.list(_BUCKET).blobs] == ["a"]
        assert _read(store, "a") == b"old"

    # --- listings -----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("prefix", "delimiter", "start_after", "blobs", "prefixes"),
        [
            ("", "", "", "a a! a/b a/c/d a/c/e a0 b/x b/y z", ""),
            ("a", "", "", "a a! a/b a/c/d a/c/e a0", ""),
            ("a/", "", "", "a/b a/c/d a/c/e", ""),
            ("a/c", "", "", "a/c/d a/c/e", ""),
            ("none", "", "", "", ""),
            ("none/deep/", "", "", "", ""),
            ("", "/", "", "a a! a0 z", "a/ b/"),
            ("a", "/", "", "a a! a0", "a/"),
            ("a/", "/", "", "a/b", "a/c/"),
            ("a/c", "/", "", "", "a/c/"),
            ("", "c/", "", "a a! a/b a0 b/x b/y z", "a/c/"),
            ("", "", "a/b", "a/c/d a/c/e a0 b/x b/y z", ""),
            ("", "", "a/", "a/b a/c/d a/c/e a0 b/x b/y z", ""),
            ("a/", "", "a/c/d", "a/c/e", ""),
            ("b", "", "a", "b/x b/y", ""),
            ("a", "", "b", "", ""),
            ("", "/", "a/", "a0 z", "b/"),
            ("", "/", "a/b", "a0 z", "a/ b/"),
            ("", "", "zz", "", ""),
        ],
    )
    def test_lists(
        self, store: BlobStore, prefix: str, delimiter: str, start_after: str, blobs: str, prefixes: str
    ) -> None:
        """In the order of the keys' bytes; the same with pages of any size."""
        for key in ("z", "b/y", "b/x", "a0", "a/c/e", "a/c/d", "a/b", "a!", "a"):
            _put(store, key)
        page = store.list(_BUCKET, prefix=prefix, delimiter=delimiter, start_after=start_after)
        assert " ".join(blob.key for blob in page.blobs) == blobs
        assert " ".join(page.prefixes) == prefixes
        assert page.next_start_after == ""
        for limit in (1, 2, 3):
            names = _list_in_pages(store, prefix, delimiter, start_after, limit)
            assert names == sorted(blobs.split() + prefixes.split(), key=str.encode)

    def test_listed_blobs_are_whole(self, store: BlobStore) -> None:
        """A listing tells what `head` tells."""
        blob = store.put(_BUCKET, "a/b", io.BytesIO(b"x"), BlobProperties(content_type="text/csv", metadata={"a": "b"}))
        assert store.list(_BUCKET).blobs == (blob,)

    def test_an_empty_page_is_the_last(self, store: BlobStore) -> None:
        """A limit of nothing gives nothing, and there is no place to go on from."""
        _put(store, "a")
        page = store.list(_BUCKET, limit=0)
        assert (page.blobs, page.prefixes, page.next_start_after) == ((), (), "")

    def test_a_full_last_page_is_the_last(self, store: BlobStore) -> None:
        """Nobody is sent on to an empty page."""
        for key in ("a", "b", "c", "d"):
            _put(store, key)
        assert store.list(_BUCKET, limit=4).next_start_after == ""
        assert store.list(_BUCKET, limit=2).next_start_after == "b"

    def test_orders_by_bytes(self, store: BlobStore) -> None:
        """Not by UTF-16, nor by segments."""
        keys = ["\ue000", "\U0001f642", "a/b", "a.b", "a", "a0", "B", "a/B", "é", "e"]
        for key in keys:
            _put(store, key)
        assert [blob.key for blob in iterate_blobs(store, _BUCKET, "")] == sorted(keys, key=str.encode)

    def test_lists_what_is_left(self, store: BlobStore) -> None:
        """A common prefix is gone with its last object."""
        _put(store, "a/b/c")
        _put(store, "a/b/d")
        store.delete(_BUCKET, "a/b/c")
        assert store.list(_BUCKET, delimiter="/").prefixes == ("a/",)
        store.delete(_BUCKET, "a/b/d")
        assert store.list(_BUCKET, delimiter="/").prefixes == ()

    # --- uploads ------------------------------------------------------------------------------------------------------

    def test_joins_parts(self, store: BlobStore) -> None:
        """In the order of their numbers; unnamed parts are left out, the last sent of a number counts."""
        upload = store.create_upload(_BUCKET, "a/b", BlobProperties(content_type="text/csv", metadata={"Owner": "me"}))
        store.put_part(_BUCKET, "a/b", upload, 7, io.BytesIO(b"left out"))
        store.put_part(_BUCKET, "a/b", upload, 10_000, io.BytesIO(b"overwritten"))
        etags = {
            number: store.put_part(_BUCKET, "a/b", upload, number, io.BytesIO(content))
            for number, content in ((10_000, b"!"), (1, b"1" * 100_000), (2, b""), (3, b"22"))
        }
        assert etags[1] == _md5(b"1" * 100_000)
        assert store.list(_BUCKET).blobs == ()
        blob = store.complete_upload(_BUCKET, "a/b", upload, sorted(etags.items()))
        content = b"1" * 100_000 + b"22!"
        digests = b"".join(bytes.fromhex(etags[number]) for number in sorted(etags))
        assert (blob.size, blob.etag) == (len(content), f"{_md5(digests)}-4")
        assert (blob.content_type, blob.metadata) == ("text/csv", {"owner": "me"})
        assert store.head(_BUCKET, "a/b") == blob
        assert _read(store, "a/b") == content

    def test_tells_of_uploads(self, store: BlobStore) -> None:
        """Until they are completed or aborted."""
        stated = BlobProperties(content_type="text/csv", tags={"a": "b"})
        other = store.create_upload(_BUCKET, "b")
        upload = store.create_upload(_BUCKET, "a/b", stated, checksum_algorithm="crc32", checksum_type="COMPOSITE")
        assert [(known.key, known.id) for known in store.list_uploads(_BUCKET)] == [("a/b", upload), ("b", other)]
        known = store.get_upload(_BUCKET, "a/b", upload)
        assert (known.checksum_algorithm, known.checksum_type) == ("crc32", "COMPOSITE")
        assert abs(known.created_at - datetime.now(UTC)) < timedelta(minutes=5)
        assert store.list_parts(_BUCKET, "a/b", upload) == []
        for number, content in ((10, b"ten"), (9, b"nine")):
            store.put_part(_BUCKET, "a/b", upload, number, io.BytesIO(content), {"crc32": _crc32(content)})
        parts = store.list_parts(_BUCKET, "a/b", upload)
        assert [(part.number, part.size, part.etag, part.checksums) for part in parts] == [
            (9, 4, _md5(b"nine"), {"crc32": _crc32(b"nine")}),
            (10, 3, _md5(b"ten"), {"crc32": _crc32(b"ten")}),
        ]
        named = [(part.number, part.etag) for part in parts]
        joined = _crc32(b"".join(base64.b64decode(part.checksums["crc32"]) for part in parts)) + "-2"
        blob = store.complete_upload(_BUCKET, "a/b", upload, named, checksums={"crc32": joined})
        assert blob.properties == replace(stated, checksums={"crc32": joined})
        store.abort_upload(_BUCKET, "b", other)
        assert store.list_uploads(_BUCKET) == []

    def test_completes_on_condition(self, store: BlobStore) -> None:
        """An upload whose condition is not met goes on."""
        blob = _put(store, "a", b"old")
        upload = store.create_upload(_BUCKET, "a")
        parts = [(1, store.put_part(_BUCKET, "a", upload, 1, io.BytesIO(b"new")))]
        with pytest.raises(BlobChangedError):
            store.complete_upload(_BUCKET, "a", upload, parts, replaces="")
        assert _read(store, "a") == b"old"
        store.complete_upload(_BUCKET, "a", upload, parts, replaces=blob.etag)
        assert _read(store, "a") == b"new"

    def test_completed_uploads_are_gone(self, store: BlobStore) -> None:
        """A second completion finds nothing, nor does a late part."""
        upload = store.create_upload(_BUCKET, "a")
        etag = store.put_part(_BUCKET, "a", upload, 1, io.BytesIO(b"x"))
        store.complete_upload(_BUCKET, "a", upload, [(1, etag)])
        self._check_gone(store, "a", upload)
        assert _read(store, "a") == b"x"

    def test_aborted_uploads_are_gone(self, store: BlobStore) -> None:
        """The older object stays."""
        _put(store, "a", b"old")
        upload = store.create_upload(_BUCKET, "a")
        store.put_part(_BUCKET, "a", upload, 1, io.BytesIO(b"x"))
        store.abort_upload(_BUCKET, "a", upload)
        self._check_gone(store, "a", upload)
        assert _read(store, "a") == b"old"

    @pytest.mark.parametrize("upload", ["", "x", "..", "../../some-bucket", "0" * 32, "é"])
    def test_misses_uploads(self, store: BlobStore, upload: str) -> None:
        """Ids are nothing that a client can make up."""
        self._check_gone(store, "a", upload)

    def test_uploads_belong_to_a_key(self, store: BlobStore) -> None:
        """Another key's upload is not found."""
        self._check_gone(store, "b", store.create_upload(_BUCKET, "a"))

    @pytest.mark.parametrize("named", ["", "2", "1 3", "2 1", "1 1", "1x"])
    def test_refuses_wrong_parts(self, store: BlobStore, named: str) -> None:
        """The upload goes on, and can be completed with the right ones."""
        upload = store.create_upload(_BUCKET, "a")
        etags = {
            "1": store.put_part(_BUCKET, "a", upload, 1, io.BytesIO(b"1")),
            "2": store.put_part(_BUCKET, "a", upload, 2, io.BytesIO(b"2")),
        }
        right = [(1, etags["1"]), (2, etags["2"])]
        wrong = [(int(part[0]), etags.get(part, _md5(b"?"))) for part in named.split()]
        if named == "2":
            wrong = [(2, etags["1"])]
        with pytest.raises(InvalidPartError):
            store.complete_upload(_BUCKET, "a", upload, wrong)
        assert store.complete_upload(_BUCKET, "a", upload, right).size == 2

    @pytest.mark.parametrize("number", [-1, 0, 10_001])
    def test_refuses_impossible_part_numbers(self, store: BlobStore, number: int) -> None:
        """Parts are 1 to 10,000."""
        upload = store.create_upload(_BUCKET, "a")
        with pytest.raises(InvalidPartError):
            store.put_part(_BUCKET, "a", upload, number, io.BytesIO())

    # --- many at once -------------------------------------------------------------------------------------------------

    def test_one_of_many_makes_a_bucket(self, store: BlobStore) -> None:
        """The others are told."""

        def create(_number: int) -> bool:
            try:
                store.create_bucket("contested")
            except BucketAlreadyExistsError:
                return False
            return True

        assert sum(run_together(create, _THREADS)) == 1

    def test_readers_see_whole_objects(self, store: BlobStore) -> None:
        """Old or new, never a mix, while others write, and listings never miss it."""
        sizes = [70_000 + number for number in range(_THREADS)]
        _put(store, "deep/er/key", b"0" * sizes[0])

        def work(number: int) -> None:
            for _ in range(5):
                store.put(
                    _BUCKET,
                    "deep/er/key",
                    io.BytesIO(b"%d" % number * sizes[number]),
                    BlobProperties(metadata={"by": str(number)}),
                )
                with store.open(_BUCKET, "deep/er/key") as (blob, content):
                    data = content.read()
                assert (len(data), _md5(data)) == (blob.size, blob.etag)
                assert blob.metadata.get("by", "0").encode() == data[:1]
                assert len(store.list(_BUCKET, prefix="deep/").blobs) == 1

        run_together(work, _THREADS)

    def test_one_of_many_replaces(self, store: BlobStore) -> None:
        """The others are told, whether they made, tagged or replaced."""

        def create(number: int) -> bool:
            try:
                store.put(_BUCKET, "contested", io.BytesIO(b"%d" % number), replaces="")
            except BlobChangedError:
                return False
            return True

        assert sum(run_together(create, _THREADS)) == 1

        def count_up(_number: int) -> None:
            while True:
                blob = store.head(_BUCKET, "contested")
                value = int(_read(store, "contested"))
                if hashlib.md5(b"%d" % value, usedforsecurity=False).hexdigest() != blob.etag:
                    continue
                try:
                    store.put(_BUCKET, "contested", io.BytesIO(b"%d" % (value + 1)), replaces=blob.etag)
                except BlobChangedError:
                    continue
                return

        _put(store, "contested", b"100")
        run_together(count_up, _THREADS)
        assert _read(store, "contested") == b"%d" % (100 + _THREADS)

    def test_neighbours_do_not_disturb_each_other(self, store: BlobStore) -> None:
        """While objects around it come and go, an object that was put is there."""

        def work(number: int) -> None:
            for turn in range(10):
                key = f"deep/{turn}/{number}"
                _put(store, key)
                assert _read(store, key) == b"content"
                store.delete(_BUCKET, key)

        run_together(work, _THREADS)
        store.delete_bucket(_BUCKET)

    @staticmethod
    def _check_gone(store: BlobStore, key: str, upload: str) -> None:
        with pytest.raises(UploadNotFoundError):
            store.put_part(_BUCKET, key, upload, 1, io.BytesIO(b"x"))
        with pytest.raises(UploadNotFoundError):
            store.complete_upload(_BUCKET, key, upload, [(1, _md5(b"x"))])
        with pytest.raises(UploadNotFoundError):
            store.abort_upload(_BUCKET, key, upload)
        with pytest.raises(UploadNotFoundError):
            store.get_upload(_BUCKET, key, upload)
        with pytest.raises(UploadNotFoundError):
            store.list_parts(_BUCKET, key, upload)


def _list_in_pages(store: BlobStore, prefix: str, delimiter: str, start_after: str, limit: int) -> list[str]:
    names: list[str] = []
    while True:
        page = store.list(_BUCKET, prefix=prefix, delimiter=delimiter, start_after=start_after, limit=limit)
        assert len(page.blobs) + len(page.prefixes) <= limit
        names += sorted([blob.key for blob in page.blobs] + list(page.prefixes), key=str.encode)
        if not page.next_start_after:
            return names
        start_after = page.next_start_after


class _BrokenContent(io.BytesIO):
    """Gives some bytes, then breaks off, as a client that goes away in the middle of an upload."""

    def __init__(self) -> None:
        super().__init__(b"half")

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError("the client went away")
        return data
