from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyropilot.storage.key_paths import PIECE_BYTES, FolderWalk, locate_key

_TRICKY = st.sampled_from(["a", "b", "/", "!", "0", ".", "%", ".o", ".d", ".c", "ü", "x" * (PIECE_BYTES - 1), "x"])
_KEYS = st.lists(_TRICKY, min_size=1, max_size=6).map(lambda pieces: "".join(pieces).encode())


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("train.csv", "train.csv.o"),
        ("data/train.csv", "data.d/train.csv.o"),
        ("a/", "a.d/.o"),
        ("/", ".d/.o"),
        ("..", "...o"),
        ("../a", "...d/a.o"),
        ("a b%", "a%20b%25.o"),
        ("x" * 80, "x" * 80 + ".c/.o"),
        ("x" * 85 + "/y", "x" * 80 + ".c/xxxxx.d/y.o"),
    ],
)
def test_paths_stay_as_they_are(key: str, path: str) -> None:
    """They are on people's disks: another path would lose their objects."""
    assert locate_key(key.encode()) == path


@given(_KEYS | st.binary(min_size=1, max_size=1024))
def test_names_are_safe(key: bytes) -> None:
    path = locate_key(key)
    for name in path.split("/"):
        assert 2 <= len(name) <= 255
        assert name.isascii()
        assert name.isprintable()
        assert name not in {".", ".."}
    assert len(path) <= 3 * 1024 + 2


@given(st.lists(_KEYS, unique=True, max_size=12), _KEYS | st.just(b""), _KEYS | st.just(b""))
@settings(max_examples=60, deadline=None)
def test_walks_in_order(keys: list[bytes], prefix: bytes, after: bytes) -> None:
    with TemporaryDirectory() as folder:
        root = _make_files(Path(folder), keys)
        assert list(FolderWalk(root)) == sorted(keys)
        expected = sorted(key for key in keys if key.startswith(prefix) and key > after)
        assert list(FolderWalk(root, prefix=prefix, start_after=after)) == expected


@given(st.lists(_KEYS, unique=True, max_size=12), _KEYS)
@settings(max_examples=60, deadline=None)
def test_skips(keys: list[bytes], skipped: bytes) -> None:
    with TemporaryDirectory() as folder:
        walk = FolderWalk(_make_files(Path(folder), keys))
        walk.skip(skipped)
        assert list(walk) == sorted(key for key in keys if not key.startswith(skipped))


def test_reads_only_folders_that_can_hold_wanted_keys(tmp_path: Path) -> None:
    root = _make_files(tmp_path, [b"a/b/c", b"a/x/y", b"z/z"])
    for unwanted in ("a.d/x.d", "z.d"):
        shutil.rmtree(root / unwanted)
        (root / unwanted).touch()  # reading it as a folder would fail
        assert list(FolderWalk(root, prefix=b"a/b")) == [b"a/b/c"]


def _make_files(root: Path, keys: Iterable[bytes]) -> Path:
    for key in keys:
        path = root / PurePosixPath(locate_key(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root
