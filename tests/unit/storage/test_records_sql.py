from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gyropilot.service.ports import Query
from gyropilot.service.records import Candidate, Metric
from gyropilot.storage.records_sql import SqlRecordStore
from gyropilot.testing.records import make_candidate
from tests.postgresql import PostgresqlServer

_COMPETE = """
import sys
from dataclasses import replace
from gyropilot.service.errors import AlreadyExistsError, ConflictError
from gyropilot.service.records import Candidate
from gyropilot.storage.records_sql import SqlRecordStore
from gyropilot.testing.records import make_candidate

print("ready", flush=True)
sys.stdin.readline()
store = SqlRecordStore(sys.argv[1])
won = 0
for number in range(20):
    try:
        store.insert(make_candidate(f"n{number}", fit_seconds=0.0))
        won += 1
    except AlreadyExistsError:
        pass
    while True:
        read = store.get(Candidate, "n0", parent="job")
        try:
            store.replace(replace(read, fit_seconds=read.fit_seconds + 1))
            break
        except ConflictError:
            pass
store.close()
print(won)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'records.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, url: str) -> str:
    if request.param == "sqlite":
        return url
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.make_schema()


def test_processes_share_a_new_database(any_url: str) -> None:
    """They make the tables, insert the same names and change the same record at the same moment."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _COMPETE, any_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    won = [int(child.communicate()[0]) for child in children]
    assert sum(won) == 20
    store = SqlRecordStore(any_url)
    assert store.get(Candidate, "n0", parent="job").fit_seconds == 60
    store.close()


def test_a_restart_finds_everything(any_url: str) -> None:
    store = SqlRecordStore(any_url)
    stored = store.insert(make_candidate("one"))
    store.close()
    store = SqlRecordStore(any_url)
    assert store.find(Candidate, Query()) == [stored]
    store.close()


def test_reads_records_of_other_releases(url: str, tmp_path: Path) -> None:
    """Members that are not known yet are passed over, those that were not known then take their defaults."""
    store = SqlRecordStore(url)
    stored = store.insert(make_candidate("one", latency_seconds=0.5))
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute(
            "UPDATE records SET document = json_remove(json_set(document, '$.colour', 'red'), '$.latency_seconds')"
        )
    connection.close()
    assert store.get(Candidate, "one", parent="job") == replace(stored, latency_seconds=None)
    store.close()


def test_writes_are_durable_and_readers_do_not_wait(url: str) -> None:
    store = SqlRecordStore(url)
    with store._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        connection.exec_driver_sql("BEGIN")
        assert connection.exec_driver_sql("SELECT count(*) FROM records").scalar() == 0
        store.insert(make_candidate("one"))  # while the reader's transaction is open
    store.close()


def test_a_writer_waits_for_another_process(url: str, tmp_path: Path) -> None:
    """And does so before it reads, so that it never has to give up."""
    store = SqlRecordStore(url)
    with store._database.write() as connection:
        other = sqlite3.connect(tmp_path / "records.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
    store.close()


def test_refuses_what_could_not_be_read_again(url: str) -> None:
    store = SqlRecordStore(url)
    with pytest.raises(ValueError, match="float"):
        store.insert(make_candidate("one", objective=Metric(name="rmse", value=float("nan"), higher_is_better=False)))
    assert store.count(Candidate, Query()) == 0
    store.close()


def test_a_server_that_was_started_anew_is_no_failure(postgresql: PostgresqlServer) -> None:
    store = SqlRecordStore(postgresql.make_schema())
    stored = store.insert(make_candidate("one"))
    postgresql.end_connections()
    assert store.get(Candidate, "one", parent="job") == stored
    store.close()


def test_text_that_the_database_could_not_hold_comes_back(any_url: str) -> None:
    store = SqlRecordStore(any_url)
    stored = store.insert(make_candidate("one", failure_reason="NUL \x00, quote ', \\, %s, 🙂, \u2028"))
    assert store.get(Candidate, "one", parent="job") == stored
    store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/records", "not mysql://"),
        ("nonsense", "must be of the form"),
        ("postgresql+pg8000://host/records", "install gyropilot with the extra postgresql"),
    ],
)
def test_refuses_databases_that_it_does_not_know(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        SqlRecordStore(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_refuses_databases_without_a_file(url: str) -> None:
    with pytest.raises(ValueError, match="MemoryRecordStore"):
        SqlRecordStore(url)


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(order_by="modified_at"),
        Query(order_by="state"),
        Query(parent="job", order_by="name"),
        Query(order_by="created_at", descending=True, limit=10),
    ],
)
def test_queries_have_an_index(url: str, query: Query) -> None:
    from gyropilot.storage.record_table import select_documents

    store = SqlRecordStore(url)
    with store._database.read() as connection:
        statement, parameters = select_documents(Candidate, query)
        text = statement.params(parameters).compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    store.close()
    assert all("USING INDEX" in step for step in plan), plan
