from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gyropilot.service.ports import LogLine, LogSpan
from gyropilot.storage.logs_folder import FolderLogStore

_ONE = LogLine(at=datetime(2024, 5, 6, tzinfo=UTC), message="one")
_TWO = LogLine(at=datetime(2024, 5, 7, tzinfo=UTC), message="two")


@pytest.mark.parametrize("torn", [b'{"at":"2024-05', b"\xff\xfe", b"\0" * 100, b"null", b"{}"])
def test_half_a_line_is_passed_over(tmp_path: Path, torn: bytes) -> None:
    """A power cut may leave one; what was written before and after it counts as if it were not there."""
    store = FolderLogStore(tmp_path)
    store.append("group", "stream", [_ONE])
    with (tmp_path / "group.o" / "stream.o").open("ab") as file:
        file.write(torn)
    assert store.read("group", "stream") == [_ONE]
    assert store.span("group", "stream") == LogSpan(first_at=_ONE.at, last_at=_ONE.at)
    store.append("group", "stream", [_TWO])
    assert store.read("group", "stream") == [_ONE, _TWO]
    assert store.read("group", "stream", start=1) == [_TWO]
    assert store.span("group", "stream") == LogSpan(first_at=_ONE.at, last_at=_TWO.at)


def test_a_restart_finds_everything(tmp_path: Path) -> None:
    FolderLogStore(tmp_path).append("group", "stream", [_ONE])
    FolderLogStore(tmp_path).append("group", "stream", [_TWO])
    assert FolderLogStore(tmp_path).read("group", "stream") == [_ONE, _TWO]


def test_a_stream_that_never_got_its_first_line_has_no_times(tmp_path: Path) -> None:
    store = FolderLogStore(tmp_path)
    store.append("group", "stream", [_ONE])
    (tmp_path / "group.o" / "stream.o").write_bytes(b'{"at":"20')
    assert store.streams("group") == ["stream"]
    assert store.span("group", "stream") is None
    assert store.read("group", "stream") == []
