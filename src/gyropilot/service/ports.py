"""What the service needs from the world, as contracts. The adapters in `storage/` and `execution/` fulfil them.

A suite in `gyropilot.testing` checks each contract; an adapter's test is a subclass of the suite and a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from gyropilot.service.records import Record

R = TypeVar("R", bound=Record)

Clock = Callable[[], datetime]
"""Gives the time now, aware and in UTC."""


# --- records ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Position:
    """Where a record stands in an order. A page that begins after it neither repeats nor skips anything."""

    value: datetime | str
    """What the records are ordered by."""
    name: str
    """The record's name in lower case, which decides between equal values."""
    parent: str
    """Its parent in lower case, which decides between equal names."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which records of a kind, in which order. Ties go by name, then parent."""

    parent: str = ""
    """Only records of this parent (case ignored); empty: of any."""
    name: str = ""
    """Only records of this name (case ignored); empty: of any."""
    states: frozenset[str] = frozenset()
    """Only records in one of these states; empty: any."""
    name_contains: str = ""
    """Only names that contain this text (case ignored)."""
    created_after: datetime | None = None
    """Only records made later than this."""
    created_before: datetime | None = None
    """Only records made earlier than this."""
    modified_after: datetime | None = None
    """Only records changed later than this."""
    modified_before: datetime | None = None
    """Only records changed earlier than this."""
    order_by: str = "created_at"
    """`created_at`, `modified_at`, `name` or `state`."""
    descending: bool = False
    """Greatest first."""
    limit: int | None = None
    """How many at most; None: all."""
    after: Position | None = None
    """Only records that stand after this position in the order; None: from the first on."""


class RecordStore(Protocol):
    """Keeps records. Every call is atomic and durable when it returns; safe to use from several threads and processes.

    Names and parents are compared without regard to case; records come back spelled as they were written.
    """

    def insert(self, record: R) -> R:
        """Store a new record and return it with version 1.

        Raises:
            AlreadyExistsError: when its kind, parent and name are taken; nothing is changed then.
        """
        ...

    def get(self, kind: type[R], name: str, *, parent: str = "") -> R:
        """Return one record.

        Raises:
            NotFoundError: when there is none.
        """
        ...

    def replace(self, record: R) -> R:
        """Store a changed record over the one it was read as, and return it with its version counted up.

        Raises:
            ConflictError: when the stored version is not the record's version (it was changed since it was read).
            NotFoundError: when there is none.
        """
        ...

    def delete(self, kind: type[Record], name: str, *, parent: str = "") -> None:
        """Remove one record.

        Raises:
            NotFoundError: when there is none.
        """
        ...

    def find(self, kind: type[R], query: Query) -> Sequence[R]:
        """Return the records that the query selects, in its order."""
        ...

    def count(self, kind: type[Record], query: Query) -> int:
        """Return how many records the query selects, order, limit and `after` left aside."""
        ...

    def close(self) -> None:
        """Let go of files and connections; a closed store is not used again."""
        ...


# --- blobs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket."""

    name: str
    """Its name, 3 to 63 of a-z, 0-9, dot and hyphen."""
    created_at: datetime
    """When it was made."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Its owner's tags."""


@dataclass(frozen=True, kw_only=True)
class BlobProperties:
    """What a writer states about an object; kept, and given back as it was stated."""

    content_type: str = "binary/octet-stream"
    """Media type."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers of HTTP that readers are to get, such as `cache-control`; names in lower case."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The writer's own metadata; stores keep its names in lower case."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The writer's tags."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Checksums in base64 by algorithm, such as `crc32`; one of the parts' checksums ends with a hyphen and their
    count. Stores look at them when the content was read to its end, so they may be taken meanwhile."""


PLAIN = BlobProperties()
"""The properties of an object whose writer states none."""
NO_CHECKSUMS: Mapping[str, str] = {}
"""The checksums of content whose writer states none."""


@dataclass(frozen=True, kw_only=True)
class Blob(BlobProperties):
    """What is known of an object without its content."""

    bucket: str
    """The bucket it lies in."""
    key: str
    """Its key: 1 to 1,024 bytes of UTF-8."""
    size: int
    """Bytes of content."""
    etag: str
    """MD5 of the content in hexadecimal; of a multipart upload, MD5 of the parts' MD5s, a hyphen and their count."""
    modified_at: datetime
    """When it was written."""

    @property
    def properties(self) -> BlobProperties:
        """What its writer stated."""
        return BlobProperties(**{name: getattr(self, name) for name in BlobProperties.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class BlobUpload:
    """A multipart upload that was begun and neither completed nor aborted."""

    key: str
    """The key of the object that it is to be."""
    id: str
    """What the store calls it."""
    created_at: datetime
    """When it was begun."""
    checksum_algorithm: str = ""
    """The algorithm of the parts' checksums, such as `crc32`; empty: not stated."""
    checksum_type: str = ""
    """`COMPOSITE` or `FULL_OBJECT`, which the object's checksum is to be; empty: not stated."""


@dataclass(frozen=True, kw_only=True)
class BlobPart:
    """A part of an upload."""

    number: int
    """Its number, 1 to 10,000."""
    size: int
    """Bytes of content."""
    etag: str
    """MD5 of the content in hexadecimal."""
    modified_at: datetime
    """When it was stored."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Checksums in base64 by algorithm."""


@dataclass(frozen=True, kw_only=True)
class BlobPage:
    """A part of a listing."""

    blobs: tuple[Blob, ...]
    """Objects in the order of their keys' UTF-8 bytes."""
    prefixes: tuple[str, ...]
    """Common prefixes, when a delimiter was given."""
    next_start_after: str = ""
    """Where to go on; empty: this was the last page."""


class BlobStore(Protocol):
    """Keeps objects in buckets. An object appears whole or not at all, and is durable when `put` returns.

    Raises:
        InvalidBucketNameError, InvalidBlobKeyError: from every method, for names that cannot be.
    """

    def create_bucket(self, bucket: str) -> Bucket:
        """Make a bucket.

        Raises:
            BucketAlreadyExistsError: when it exists.
        """
        ...

    def get_bucket(self, bucket: str) -> Bucket:
        """Return a bucket.

        Raises:
            BucketNotFoundError: when there is none.
        """
        ...

    def set_bucket_tags(self, bucket: str, tags: Mapping[str, str]) -> Bucket:
        """Give a bucket other tags.

        Raises:
            BucketNotFoundError: when there is none.
        """
        ...

    def list_buckets(self) -> Sequence[Bucket]:
        """Return all buckets in the order of their names."""
        ...

    def delete_bucket(self, bucket: str) -> None:
        """Remove an empty bucket.

        Raises:
            BucketNotFoundError: when there is none.
            BucketNotEmptyError: when it holds objects.
        """
        ...

    def put(
        self,
        bucket: str,
        key: str,
        content: BinaryIO,
        properties: BlobProperties = PLAIN,
        *,
        replaces: str | None = None,
    ) -> Blob:
        """Store an object, over an older one of the same key, reading `content` to its end.

        Args:
            bucket: the bucket.
            key: the object's key.
            content: what is stored.
            properties: what is stated about it.
            replaces: the ETag of the object that it takes the place of; empty: of none; None: of whichever.

        Raises:
            BucketNotFoundError: when there is no such bucket.
            BlobChangedError: when the object in its place is not the one that it is to replace.
            BlobNotFoundError: when it is to replace one, and there is none.
        """
        ...

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> Blob:
        """Give an object other tags; nothing else of it changes.

        Raises:
            BucketNotFoundError: when there is no such bucket.
            BlobNotFoundError: when there is no such object.
        """
        ...

    def head(self, bucket: str, key: str) -> Blob:
        """Return what is known of an object.

        Raises:
            BucketNotFoundError: when there is no such bucket.
            BlobNotFoundError: when there is no such object.
        """
        ...

    def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None
    ) -> AbstractContextManager[tuple[Blob, BinaryIO]]:
        """Open an object for reading bytes `first` to `last` (inclusive; None: the end).

        The content stays the same while it is open, also when the object is replaced or deleted meanwhile.

        Raises:
            BucketNotFoundError: when there is no such bucket.
            BlobNotFoundError: when there is no such object.
            InvalidRangeError: when `first` lies behind the last byte (an empty object has only the full range).
        """
        ...

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000
    ) -> BlobPage:
        """Return objects (and common prefixes, which count as one each) in order of their keys.

        Raises:
            BucketNotFoundError: when there is no such bucket.
        """
        ...

    def delete(self, bucket: str, key: str, *, etag: str | None = None) -> None:
        """Remove an object; one that is not there is no error. With an ETag, remove only the object that has it.

        Raises:
            BucketNotFoundError: when there is no such bucket.
            BlobChangedError: when the object has another ETag.
            BlobNotFoundError: when an ETag is given, and there is no such object.
        """
        ...

    def create_upload(
        self,
        bucket: str,
        key: str,
        properties: BlobProperties = PLAIN,
        *,
        checksum_algorithm: str = "",
        checksum_type: str = "",
    ) -> str:
        """Begin a multipart upload and return its id; what is said of checksums is kept for who completes it.

        Raises:
            BucketNotFoundError: when there is no such bucket.
        """
        ...

    def get_upload(self, bucket: str, key: str, upload_id: str) -> BlobUpload:
        """Return an upload.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
        """
        ...

    def list_uploads(self, bucket: str) -> Sequence[BlobUpload]:
        """Return the bucket's uploads in the order of their keys' UTF-8 bytes, then of their ids.

        Raises:
            BucketNotFoundError: when there is no such bucket.
        """
        ...

    def put_part(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        number: int,
        content: BinaryIO,
        checksums: Mapping[str, str] = NO_CHECKSUMS,
    ) -> str:
        """Store one part (1 to 10,000), over an older one of the same number, and return its ETag.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
        """
        ...

    def list_parts(self, bucket: str, key: str, upload_id: str) -> Sequence[BlobPart]:
        """Return the parts that were stored, in the order of their numbers.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
        """
        ...

    def complete_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[tuple[int, str]],
        *,
        checksums: Mapping[str, str] = NO_CHECKSUMS,
        replaces: str | None = None,
    ) -> Blob:
        """Make the object of the parts, given as numbers and ETags in ascending order; the rest is as with `put`.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
            InvalidPartError: when a part is missing, its ETag differs or the order is wrong.
            BlobChangedError, BlobNotFoundError: as from `put`; the upload goes on.
        """
        ...

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
        """
        ...


# --- tables -----------------------------------------------------------------------------------------------------------


class HeaderReader(Protocol):
    """Reads the column names of a stored table without reading the table."""

    def read_column_names(self, bucket: str, key: str, *, data_format: str, compression: str = "") -> tuple[str, ...]:
        """Return the names in order; `data_format` is `csv` or `parquet`, `compression` empty or `gzip`.

        Raises:
            BlobNotFoundError: when there is no such object.
            UnreadableTableError: when it is empty or not of the format.
        """
        ...


# --- logs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of a log."""

    at: datetime
    """When it was written."""
    message: str
    """What it says."""


@dataclass(frozen=True, kw_only=True)
class LogSpan:
    """From when to when the lines of a stream are."""

    first_at: datetime
    """When its first line was written."""
    last_at: datetime
    """When its last line was written."""


class LogStore(Protocol):
    """Keeps log lines in groups (all AutoML jobs) and streams (one job). Appending is atomic per call.

    Writers append the lines of a stream in the order of their times.
    """

    def append(self, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Add lines at the end; group and stream come into being with the first."""
        ...

    def read(self, group: str, stream: str, *, start: int = 0, limit: int = 10_000) -> Sequence[LogLine]:
        """Return lines from number `start` (from 0) on.

        Raises:
            LogStreamNotFoundError: when there is no such stream.
        """
        ...

    def span(self, group: str, stream: str) -> LogSpan | None:
        """Return the times of a stream's first and last line, in a time that does not grow with the lines between.

        None: a crash left a stream without a line.

        Raises:
            LogStreamNotFoundError: when there is no such stream.
        """
        ...

    def groups(self, *, prefix: str = "") -> Sequence[str]:
        """Return the names of the groups that begin with the prefix, in order."""
        ...

    def streams(self, group: str, *, prefix: str = "") -> Sequence[str]:
        """Return the group's stream names that begin with the prefix, in order.

        Raises:
            LogStreamNotFoundError: when there is no such group.
        """
        ...


# --- programs ---------------------------------------------------------------------------------------------------------


PROGRAM_VARIABLE = "GYROPILOT_PROGRAM"
"""Environment variable in which a launcher tells a program its own id."""


@dataclass(frozen=True, kw_only=True)
class ModelServerSpec:
    """One model server to run."""

    endpoint: str
    """The endpoint it serves."""
    variant: str
    """The variant it serves."""
    archives: tuple[Path, ...]
    """The `model.tar.gz`, on this machine; of a model in stages, one for each of them, in order."""
    environment: Mapping[str, str]
    """The container's environment, or that of all stages together."""


class Launcher(Protocol):
    """Starts and stops programs. What it started outlives neither the launcher's `close` nor the machine.

    `start_*` returns at once with an id for the program; the id is never used again for another one.
    """

    def start_worker(self, job: str) -> str:
        """Start a worker that claims and runs the job of this reference, such as `automl-job/churn`."""
        ...

    def start_model_server(self, spec: ModelServerSpec) -> str:
        """Start a model server."""
        ...

    def address(self, program: str) -> str | None:
        """Return `http://host:port` of a model server once it listens; None while it does not yet, or is gone."""
        ...

    def is_alive(self, program: str) -> bool:
        """Tell whether the program runs; False for an id never given."""
        ...

    def output(self, program: str) -> str:
        """Return the last lines (4,000 characters at most) that the program wrote; empty for an id never given."""
        ...

    def read_output(self, program: str, start: int) -> tuple[bytes, int]:
        """Return what the program wrote from byte `start` on (1 MiB at most), and the byte to go on from.

        What was written long ago may be gone, and is then passed over; an id never given wrote nothing.
        """
        ...

    def stop(self, program: str, *, grace_seconds: float = 5.0) -> None:
        """Ask the program to end, end it when the grace is over, return when it is gone; unknown ids are no error."""
        ...

    def close(self) -> None:
        """Stop every program it started."""
        ...


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model server answered."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Headers; keys in lower case."""
    body: bytes
    """The whole body."""


class ModelClient(Protocol):
    """Speaks to model servers."""

    def is_ready(self, address: str) -> bool:
        """Tell whether `GET /ping` answers 200 within a second."""
        ...

    def invoke(self, address: str, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float = 60.0) -> Answer:
        """Send `POST /invocations` and return the answer, whatever its status.

        Raises:
            TimeoutError: when there is no whole answer in time.
            ConnectionError: when the server cannot be reached.
        """
        ...


def merge_found(query: Query, *found: Iterable[R]) -> list[R]:
    """Return records that a query selected of several kinds as one list in its order."""
    merged = [record for records in found for record in records]
    merged.sort(key=lambda record: position_of(record, query.order_by), reverse=query.descending)
    return merged[: query.limit]


def position_of(record: Record, order_by: str) -> Position:
    """Return where a record stands in an order."""
    name = record.name.casefold()
    values: dict[str, datetime | str] = {
        "created_at": record.created_at,
        "modified_at": record.modified_at,
        "name": name,
        "state": record.state,
    }
    return Position(values[order_by], name, record.parent.casefold())


def iterate_blobs(store: BlobStore, bucket: str, prefix: str) -> Iterator[Blob]:
    """Yield every object under a prefix, page by page."""
    start_after = ""
    while True:
        page = store.list(bucket, prefix=prefix, start_after=start_after)
        yield from page.blobs
        if not page.next_start_after:
            return
        start_after = page.next_start_after
