from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from gyropilot.storage.content_copy import copy_content

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("size", [0, 1, 4 * MEBIBYTE, 4 * MEBIBYTE + 1, 70 * MEBIBYTE + 3])
def test_what_is_copied_is_what_is_summed_up(tmp_path: Path, size: int) -> None:
    content = (b"0123456789abcde" * (size // 15 + 1))[:size]
    digest = hashlib.md5(usedforsecurity=False)
    path = tmp_path / "copy"
    with path.open("wb") as file:
        assert copy_content(io.BytesIO(content), file, digest) == size
    assert path.read_bytes() == content
    assert digest.digest() == hashlib.md5(content, usedforsecurity=False).digest()


class Breaking(io.BytesIO):
    """Content whose source goes away in the middle."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 8 * MEBIBYTE:
            raise ConnectionError("gone")
        return super().read(size)


def test_a_source_that_breaks_off_is_told(tmp_path: Path) -> None:
    with (tmp_path / "copy").open("wb") as file, pytest.raises(ConnectionError, match="gone"):
        copy_content(Breaking(bytes(16 * MEBIBYTE)), file, hashlib.sha256())
