from __future__ import annotations

from pathlib import Path

import pytest

from gyropilot.storage import atomic
from gyropilot.storage.atomic import write_atomically


def test_writes_over_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"long content", b"new"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(_descriptor: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(atomic, "flush_to_disk", fail)
    with pytest.raises(OSError, match="full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
