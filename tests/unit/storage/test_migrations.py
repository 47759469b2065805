from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from gyropilot.service.ports import Query
from gyropilot.service.records import AutoMLJob, Candidate
from gyropilot.service.states import JobStep
from gyropilot.storage import migrations
from gyropilot.storage.record_table import records
from gyropilot.storage.records_sql import SqlRecordStore

FIRST_DATABASE = Path(__file__).parents[2] / "data" / "databases" / "0001.sql"


def test_head_is_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


def test_the_scripts_make_the_table_that_is_used(tmp_path: Path) -> None:
    SqlRecordStore(f"sqlite:///{tmp_path / 'records.db'}").close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'records.db'}")
    columns = {column["name"]: str(column["type"]) for column in sa.inspect(engine).get_columns("records")}
    engine.dispose()
    assert columns == {column.name: str(column.type) for column in records.columns}


def test_opens_the_first_database(tmp_path: Path) -> None:
    """Its records are read as they were, and what later releases brought is there."""
    path = tmp_path / "records.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(FIRST_DATABASE.read_text())
    connection.close()
    store = SqlRecordStore(f"sqlite:///{path}")
    job = store.get(AutoMLJob, "churn")
    assert (job.name, job.step, job.version) == ("Churn", JobStep.TRAINING_MODELS, 1)
    assert (job.tags, job.history, job.announced) == ({}, (), 0)
    assert [found.name for found in store.find(Candidate, Query(parent="Churn"))] == ["Churn-1-lightgbm"]
    assert store.replace(replace(job, attempts=2)).version == 2
    store.close()
    engine = sa.create_engine(f"sqlite:///{path}")
    indexes = {index["name"] for index in sa.inspect(engine).get_indexes("records")}
    engine.dispose()
    assert "records_by_name" in indexes


def test_opening_what_is_up_to_date_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'records.db'}"
    SqlRecordStore(url).close()
    program = (
        "import sys; from gyropilot.storage.records_sql import SqlRecordStore; SqlRecordStore(sys.argv[1]).close();"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, url], check=True)


def test_refuses_what_a_newer_release_wrote(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    SqlRecordStore(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(RuntimeError, match="revision '9999'"):
        SqlRecordStore(f"sqlite:///{path}")


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """It is tried again at the next opening."""
    path = tmp_path / "records.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.execute("CREATE INDEX records_by_state ON other (x)")
    with pytest.raises(sa.exc.OperationalError, match="records_by_state"):
        SqlRecordStore(f"sqlite:///{path}")
    assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("other",)]
    connection.execute("DROP TABLE other")
    connection.close()
    SqlRecordStore(f"sqlite:///{path}").close()
