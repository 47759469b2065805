from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gyropilot.service.ports import LogLine, Query
from gyropilot.service.records import Candidate
from gyropilot.settings import Settings
from gyropilot.storage.open import Stores, open_stores
from gyropilot.testing.records import make_candidate
from gyropilot.testing.threads import run_together


def test_opens_all_stores_in_the_state_folder(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "new" / "home")
    _fill(open_stores(settings))
    again = open_stores(settings)
    assert again.records.count(Candidate, Query()) == 1
    assert again.headers.read_column_names("tables", "a.csv", data_format="csv") == ("a", "b")
    assert [line.message for line in again.logs.read("group", "stream")] == ["hello"]
    again.records.close()
    assert settings.home.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%20b", "a b", "ä&b=c", "?mode=ro"])
def test_the_state_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    settings = Settings(home=tmp_path / name)
    _fill(open_stores(settings))
    assert (tmp_path / name / "records.db").exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_keeps_records_where_the_url_says(tmp_path: Path) -> None:
    stores = open_stores(Settings(home=tmp_path / "home", database_url=f"sqlite:///{tmp_path / 'elsewhere.db'}"))
    stores.records.close()
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "home" / "records.db").exists()


def test_many_may_open_at_once(tmp_path: Path) -> None:
    stores = run_together(lambda _: open_stores(Settings(home=tmp_path)), 4)
    assert len({store.credentials.ensure_first_key() for store in stores}) == 1
    for store in stores:
        store.records.close()


def _fill(stores: Stores) -> None:
    stores.records.insert(make_candidate("one"))
    stores.records.close()
    stores.blobs.create_bucket("tables")
    stores.blobs.put("tables", "a.csv", io.BytesIO(b"a,b\n1,2\n"))
    stores.logs.append("group", "stream", [LogLine(at=datetime.now(UTC), message="hello")])
    stores.credentials.ensure_first_key()
