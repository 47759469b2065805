"""Whatever is done, in whatever order: the durable stores answer as the memory stores do."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from gyropilot.service.errors import ServiceError
from gyropilot.service.ports import Blob, BlobStore, LogLine, LogStore, Query, iterate_blobs, position_of
from gyropilot.service.records import Candidate
from gyropilot.service.states import CandidateStatus
from gyropilot.storage.blobs_folder import FolderBlobStore
from gyropilot.storage.blobs_memory import MemoryBlobStore
from gyropilot.storage.blobs_s3 import open_s3
from gyropilot.storage.key_paths import locate_key
from gyropilot.storage.logs_folder import FolderLogStore
from gyropilot.storage.logs_memory import MemoryLogStore
from gyropilot.storage.records_memory import MemoryRecordStore
from gyropilot.storage.records_sql import SqlRecordStore
from gyropilot.testing.records import make_candidate
from tests.postgresql import PostgresqlServer
from tests.wire.installation import KEY, SECRET, run_installation


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[BlobStore, str]]:
    """The objects of another Gyropilot at hand, and its address."""
    with run_installation() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        yield running.service.blobs, running.url


_SETTINGS = settings(max_examples=25, stateful_step_count=20, deadline=None)

_NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
_NAMES = st.sampled_from(["a", "A", "ab", "b_", "B%", "é", "É"])
_PARENTS = st.sampled_from(["job", "JOB", "other"])
_MINUTES = st.integers(0, 3)
_MOMENTS = st.none() | _MINUTES.map(lambda minute: _NOON + timedelta(minutes=minute))
_STATES = st.sampled_from(list(CandidateStatus))


@st.composite
def _queries(draw: st.DrawFn) -> Query:
    """Return a query; its position fits its order."""
    order_by = draw(st.sampled_from(["created_at", "modified_at", "name", "state"]))
    record = make_candidate(draw(_NAMES), parent=draw(_PARENTS), minute=draw(_MINUTES), status=draw(_STATES))
    after = draw(st.none() | st.just(position_of(record, order_by)))
    return replace(draw(_SELECTIONS), order_by=order_by, after=after)


_SELECTIONS = st.builds(
    Query,
    name=st.just("") | _NAMES,
    parent=st.just("") | _PARENTS,
    states=st.frozensets(_STATES.map(str), max_size=3),
    name_contains=st.sampled_from(["", "A", "b", "_", "%", "É"]),
    created_after=_MOMENTS,
    created_before=_MOMENTS,
    modified_after=_MOMENTS,
    modified_before=_MOMENTS,
    descending=st.booleans(),
    limit=st.none() | st.integers(0, 5),
)


T = TypeVar("T")


def _answer(call: Callable[[], T]) -> T | type[ServiceError]:
    try:
        return call()
    except ServiceError as error:
        return type(error)


class RecordStoresAgree(RuleBasedStateMachine):
    def locate(self) -> str:
        """Return where an empty database is."""
        self.folder = TemporaryDirectory()
        return f"sqlite:///{Path(self.folder.name) / 'records.db'}"

    @initialize()
    def open(self) -> None:
        self.url = self.locate()
        self.memory = MemoryRecordStore()
        self.sql = SqlRecordStore(self.url)

    @rule(name=_NAMES, parent=_PARENTS, minute=_MINUTES, status=_STATES)
    def insert(self, name: str, parent: str, minute: int, status: CandidateStatus) -> None:
        record = make_candidate(name, parent=parent, minute=minute, status=status)
        assert _answer(lambda: self.memory.insert(record)) == _answer(lambda: self.sql.insert(record))

    @rule(name=_NAMES, parent=_PARENTS, status=_STATES, minute=_MINUTES, version=st.integers(1, 3))
    def replace(self, name: str, parent: str, status: CandidateStatus, minute: int, version: int) -> None:
        moment = _NOON + timedelta(minutes=minute)
        record = replace(make_candidate(name, parent=parent), status=status, modified_at=moment, version=version)
        assert _answer(lambda: self.memory.replace(record)) == _answer(lambda: self.sql.replace(record))

    @rule(name=_NAMES, parent=_PARENTS)
    def get(self, name: str, parent: str) -> None:
        expected = _answer(lambda: self.memory.get(Candidate, name, parent=parent))
        assert _answer(lambda: self.sql.get(Candidate, name, parent=parent)) == expected

    @rule(name=_NAMES, parent=_PARENTS)
    def delete(self, name: str, parent: str) -> None:
        expected = _answer(lambda: self.memory.delete(Candidate, name, parent=parent))
        assert _answer(lambda: self.sql.delete(Candidate, name, parent=parent)) == expected

    @rule(query=_queries())
    def find(self, query: Query) -> None:
        assert list(self.sql.find(Candidate, query)) == list(self.memory.find(Candidate, query))
        assert self.sql.count(Candidate, query) == self.memory.count(Candidate, query)

    @rule()
    def restart(self) -> None:
        self.sql.close()
        self.sql = SqlRecordStore(self.url)

    def teardown(self) -> None:
        self.sql.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()


_BUCKETS = st.sampled_from(["one", "two"])
_KEYS = st.lists(st.sampled_from(["a", "/", "b", ".", "x" * 80]), min_size=1, max_size=4).map("".join)
_CONTENTS = st.binary(max_size=20)


def _timeless(blob: Blob | type[ServiceError]) -> Blob | type[ServiceError]:
    return replace(blob, modified_at=_NOON) if isinstance(blob, Blob) else blob


class BlobStoresAgree(RuleBasedStateMachine):
    def make(self) -> BlobStore:
        """Return an empty store."""
        self.temporary = TemporaryDirectory()
        self.root = Path(self.temporary.name)
        return FolderBlobStore(self.root)

    def make_again(self) -> BlobStore:
        """Return the same store as another program would open it."""
        return FolderBlobStore(self.root)

    @initialize()
    def open(self) -> None:
        self.memory = MemoryBlobStore()
        self.durable = self.make()
        self.memory.create_bucket("one")
        self.durable.create_bucket("one")

    @rule(bucket=_BUCKETS)
    def create_bucket(self, bucket: str) -> None:
        expected = _answer(lambda: self.memory.create_bucket(bucket).name)
        assert _answer(lambda: self.durable.create_bucket(bucket).name) == expected

    @rule(bucket=_BUCKETS)
    def delete_bucket(self, bucket: str) -> None:
        expected = _answer(lambda: self.memory.delete_bucket(bucket))
        assert _answer(lambda: self.durable.delete_bucket(bucket)) == expected

    @rule(bucket=_BUCKETS, key=_KEYS, content=_CONTENTS)
    def put(self, bucket: str, key: str, content: bytes) -> None:
        expected = _answer(lambda: self.memory.put(bucket, key, io.BytesIO(content)))
        found = _answer(lambda: self.durable.put(bucket, key, io.BytesIO(content)))
        assert _timeless(found) == _timeless(expected)

    @rule(bucket=_BUCKETS, key=_KEYS, contents=st.lists(_CONTENTS, max_size=3))
    def upload(self, bucket: str, key: str, contents: list[bytes]) -> None:
        expected = _answer(lambda: _upload(self.memory, bucket, key, contents))
        assert _timeless(_answer(lambda: _upload(self.durable, bucket, key, contents))) == _timeless(expected)

    @rule(bucket=_BUCKETS, key=_KEYS)
    def delete(self, bucket: str, key: str) -> None:
        expected = _answer(lambda: self.memory.delete(bucket, key))
        assert _answer(lambda: self.durable.delete(bucket, key)) == expected

    @rule(bucket=_BUCKETS, key=_KEYS, first=st.integers(0, 5), last=st.none() | st.integers(0, 10))
    def read(self, bucket: str, key: str, first: int, last: int | None) -> None:
        expected = _answer(lambda: _read(self.memory, bucket, key, first, last))
        assert _answer(lambda: _read(self.durable, bucket, key, first, last)) == expected

    @rule(
        bucket=_BUCKETS,
        prefix=st.just("") | _KEYS,
        delimiter=st.sampled_from(["", "/", "a", "x/"]),
        start_after=st.just("") | _KEYS,
        limit=st.integers(0, 5),
    )
    def list(self, bucket: str, prefix: str, delimiter: str, start_after: str, limit: int) -> None:
        def list_in(store: BlobStore) -> tuple[object, ...]:
            page = store.list(bucket, prefix=prefix, delimiter=delimiter, start_after=start_after, limit=limit)
            return tuple(blob.key for blob in page.blobs), page.prefixes, page.next_start_after

        assert _answer(lambda: list_in(self.durable)) == _answer(lambda: list_in(self.memory))

    @rule()
    def restart(self) -> None:
        self.durable = self.make_again()

    @invariant()
    def nothing_is_left_over(self) -> None:
        if hasattr(self, "root"):
            assert not list(self.root.glob("temporary/*"))

    def teardown(self) -> None:
        if hasattr(self, "temporary"):
            self.temporary.cleanup()


def _read(store: BlobStore, bucket: str, key: str, first: int, last: int | None) -> tuple[bytes, str]:
    with store.open(bucket, key, first=first, last=last) as (blob, content):
        return content.read(), blob.etag


def _upload(store: BlobStore, bucket: str, key: str, contents: list[bytes]) -> Blob:
    upload = store.create_upload(bucket, key)
    parts = [
        (number, store.put_part(bucket, key, upload, number, io.BytesIO(content)))
        for number, content in enumerate(contents, 1)
    ]
    return store.complete_upload(bucket, key, upload, parts)


_STREAMS = st.sampled_from(["a", "A", "a/b", "ä", ".."])
_TEXTS = st.sampled_from(["", "one", "two\nlines", "ü 🙂 \0", "x" * 20_000])


class LogStoresAgree(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.temporary = TemporaryDirectory()
        self.root = Path(self.temporary.name)
        self.memory = MemoryLogStore()
        self.folder = FolderLogStore(self.root)
        self.minutes = 0

    @rule(group=_STREAMS, stream=_STREAMS, texts=st.lists(_TEXTS, max_size=4))
    def append(self, group: str, stream: str, texts: list[str]) -> None:
        self.minutes += 1
        at = _NOON + timedelta(minutes=self.minutes)
        lines = [LogLine(at=at, message=text) for text in texts]
        self.memory.append(group, stream, lines)
        self.folder.append(group, stream, lines)

    @rule(group=_STREAMS, stream=_STREAMS, start=st.integers(0, 6), limit=st.integers(0, 6))
    def read(self, group: str, stream: str, start: int, limit: int) -> None:
        def read_from(store: LogStore) -> list[LogLine]:
            return list(store.read(group, stream, start=start, limit=limit))

        assert _answer(lambda: read_from(self.folder)) == _answer(lambda: read_from(self.memory))

    @rule(group=_STREAMS, stream=_STREAMS)
    def span(self, group: str, stream: str) -> None:
        expected = _answer(lambda: self.memory.span(group, stream))
        assert _answer(lambda: self.folder.span(group, stream)) == expected

    @rule(group=_STREAMS, prefix=st.sampled_from(["", "a", "a/", "b", "ä"]))
    def list(self, group: str, prefix: str) -> None:
        assert list(self.folder.groups(prefix=prefix)) == list(self.memory.groups(prefix=prefix))
        expected = _answer(lambda: tuple(self.memory.streams(group, prefix=prefix)))
        assert _answer(lambda: tuple(self.folder.streams(group, prefix=prefix))) == expected

    @rule(group=_STREAMS, stream=_STREAMS)
    def tear(self, group: str, stream: str) -> None:
        """Half a line, as a crash leaves it, counts as none."""
        path = self.root / f"{locate_key(group.encode())}" / locate_key(stream.encode())
        if path.exists():
            with path.open("ab") as file:
                file.write(b'{"at":"2024-05')

    @rule()
    def restart(self) -> None:
        self.folder = FolderLogStore(self.root)

    def teardown(self) -> None:
        self.temporary.cleanup()


def test_objects_elsewhere_agree(elsewhere: tuple[BlobStore, str]) -> None:
    at_hand, url = elsewhere

    class Elsewhere(BlobStoresAgree):
        def make(self) -> BlobStore:
            for bucket in at_hand.list_buckets():
                for blob in [*iterate_blobs(at_hand, bucket.name, "")]:
                    at_hand.delete(bucket.name, blob.key)
                at_hand.delete_bucket(bucket.name)
            return self.make_again()

        def make_again(self) -> BlobStore:
            return open_s3(url, "us-east-1")

    run_state_machine_as_test(Elsewhere, settings=settings(_SETTINGS, max_examples=8))


def test_record_stores_agree_on_postgresql(postgresql: PostgresqlServer) -> None:
    class OnPostgresql(RecordStoresAgree):
        def locate(self) -> str:
            return postgresql.make_schema()

    run_state_machine_as_test(OnPostgresql, settings=_SETTINGS)


TestRecordStoresAgree = RecordStoresAgree.TestCase
TestRecordStoresAgree.settings = _SETTINGS
TestLogStoresAgree = LogStoresAgree.TestCase
TestLogStoresAgree.settings = _SETTINGS
TestBlobStoresAgree = BlobStoresAgree.TestCase
TestBlobStoresAgree.settings = _SETTINGS
