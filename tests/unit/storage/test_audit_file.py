from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from gyropilot.service.audit import AuditEntry
from gyropilot.storage.audit_file import AuditFile
from gyropilot.testing.threads import run_together


def make_entry(number: int) -> AuditEntry:
    at = datetime(2024, 5, 6, tzinfo=UTC)
    return AuditEntry(at=at, request_id=str(number), user="bo", service="s3", resource="b/ü\n", status=200)


def read(folder: Path) -> list[int]:
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [int(json.loads(line)["request_id"]) for line in lines]


def test_an_entry_is_a_line_that_only_the_owner_reads(tmp_path: Path) -> None:
    log = AuditFile(tmp_path / "audit")
    log.write(make_entry(1))
    log.close()
    path = tmp_path / "audit" / "audit.jsonl"
    document = json.loads(path.read_text())
    assert (document["user"], document["resource"], document["at"]) == ("bo", "b/ü\n", "2024-05-06T00:00:00Z")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_full_files_are_kept_up_to_a_number(tmp_path: Path) -> None:
    log = AuditFile(tmp_path, max_bytes=1000, files=2)
    for number in range(40):
        log.write(make_entry(number))
    log.close()
    paths = sorted(tmp_path.glob("*.jsonl"))
    assert len(paths) == 3
    assert all(path.stat().st_size <= 1000 for path in paths)
    kept = sorted(read(tmp_path))
    assert kept == list(range(kept[0], 40))


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        log = AuditFile(tmp_path, max_bytes=2000, files=1000)
        for number in range(50):
            log.write(make_entry(writer * 50 + number))
        log.close()

    run_together(write, 4)
    assert sorted(read(tmp_path)) == list(range(200))


def test_a_file_that_was_taken_away_is_made_anew(tmp_path: Path) -> None:
    log = AuditFile(tmp_path)
    log.write(make_entry(1))
    (tmp_path / "audit.jsonl").rename(tmp_path / "elsewhere")
    log.write(make_entry(2))
    log.close()
    assert read(tmp_path) == [2]
