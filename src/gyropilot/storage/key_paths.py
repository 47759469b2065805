"""Where the file of a key lies below a folder, whatever the key; no two keys share a path and none leads outside.

A key is cut at its slashes, and further every 80 bytes where no slash comes, since a file system limits names to 255
bytes. All pieces but the last become folders. A piece's bytes are percent-encoded, and an ending tells what it is, so
`a`, `a/` and `a/b` lie side by side and `..` is a name like any other:

    `data/train.csv`  is  `data.d/train.csv.o`
    `a/`              is  `a.d/.o`
    80 x `x` and `y`  is  `xxx….c/y.o`
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from gyropilot.storage.blob_names import MAX_KEY_BYTES

PIECE_BYTES = 80
"""Longest piece: percent-encoded it may be three times as long."""

_LEAF = ".o"
_SLASH = ".d"
_CUT = ".c"
_ENDING_LENGTH = 2


def locate_key(key: bytes) -> str:
    """Return the path, below the folder of all keys, of the file of this key."""
    *folders, last = key.split(b"/")
    names = [name for piece in folders for name in _name_pieces(piece, _SLASH)]
    return "/".join([*names, *_name_pieces(last, _LEAF)])


def _name_pieces(piece: bytes, ending: str) -> Iterator[str]:
    while len(piece) >= PIECE_BYTES:
        yield quote_from_bytes(piece[:PIECE_BYTES], safe="") + _CUT
        piece = piece[PIECE_BYTES:]
    yield quote_from_bytes(piece, safe="") + ending


_Entry = tuple[bytes, str]
"""What the keys of a file or folder begin with, and the path if it is a folder. The entries of one folder sort as their
keys do. A plain tuple, because listing a large folder makes very many."""


class FolderWalk:
    """Goes through the keys below a folder in order, reading only folders that can hold wanted keys.

    It looks at names alone: no file is opened and nothing is asked about it.
    """

    def __init__(self, root: Path, *, prefix: bytes = b"", start_after: bytes = b"") -> None:
        self._prefix = prefix
        self._start_after = start_after
        self._skipped: bytes | None = None
        # All keys with the prefix lie in the folder where the prefix itself would lie.
        folder = (root / locate_key(prefix)).parent
        is_too_long = len(prefix) > MAX_KEY_BYTES  # the path may be as well, and no key begins with it
        self._stack = [] if is_too_long else self._read_folder(str(folder), _start_of_folder(prefix))

    def __iter__(self) -> FolderWalk:
        return self

    def __next__(self) -> bytes:
        while self._stack:
            start, folder = self._stack.pop()
            if self._skipped is not None and start.startswith(self._skipped):
                continue
            if not folder:
                return start
            # The stack is no recursion: a key of 1,024 slashes lies 1,024 folders deep.
            self._stack += self._read_folder(folder, start)
        raise StopIteration

    def skip(self, prefix: bytes) -> None:
        """Pass over every further key with this prefix."""
        self._skipped = prefix

    def _read_folder(self, folder: str, start: bytes) -> list[_Entry]:
        try:
            names = os.listdir(folder)  # noqa: PTH208  # names only: a Path for each costs more than all the rest
        except FileNotFoundError:  # emptied and removed since its name was read
            return []
        entries = []
        for name in names:
            piece, ending = name[:-_ENDING_LENGTH], name[-_ENDING_LENGTH:]
            decoded = start + (unquote_to_bytes(piece) if "%" in piece else piece.encode())
            if ending == _LEAF:
                if decoded > self._start_after and decoded.startswith(self._prefix):
                    entries.append((decoded, ""))
                continue
            if ending == _SLASH:
                decoded += b"/"
            if self._may_hold_wanted_keys(decoded):
                entries.append((decoded, f"{folder}/{name}"))
        entries.sort(reverse=True)
        return entries

    def _may_hold_wanted_keys(self, start: bytes) -> bool:
        may_have_prefix = start.startswith(self._prefix) or self._prefix.startswith(start)
        return may_have_prefix and (start > self._start_after or self._start_after.startswith(start))


def _start_of_folder(prefix: bytes) -> bytes:
    """Return what all keys begin with in the folder where the file of this key would lie."""
    last = len(prefix) - (prefix.rfind(b"/") + 1)
    return prefix[: len(prefix) - last % PIECE_BYTES]
