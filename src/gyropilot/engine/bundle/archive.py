"""A bundle as one `model.tar.gz`."""

from __future__ import annotations

import gzip
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from gyropilot.engine.errors import BundleError
from gyropilot.engine.files import writing

MAX_BYTES = 20 << 30
"""An archive that unpacks to more than this is refused,"""
MAX_RATIO, SMALL_BYTES = 100, 64 << 20
"""as is one that unpacks to so many times its size, and to more than a small one would hold."""
MAX_MEMBERS = 64
CHUNK_BYTES = 1 << 20
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def pack(folder: Path, archive: Path) -> None:
    """Write a bundle's files as an archive that depends on nothing but their content, by atomic rename."""
    with (
        writing(archive) as partial,
        partial.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=4, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(folder.iterdir()):
            info = tarfile.TarInfo(path.name)
            info.size = path.stat().st_size
            info.mode = 0o644
            with path.open("rb") as file:
                tar.addfile(info, file)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give the folder of what is a folder, or an archive, which is unpacked into one that goes away again.

    Raises:
        BundleError: when it is neither.
    """
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="gyropilot-model-") as folder:
        unpack(path, Path(folder))
        yield Path(folder)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive's files. Only plain files of plain names are taken; anything else makes it no model.

    Raises:
        BundleError: when it is not such an archive.
    """
    try:
        most = min(MAX_BYTES, max(SMALL_BYTES, MAX_RATIO * archive.stat().st_size))
        with gzip.open(archive) as zipped, tarfile.open(fileobj=_limit(zipped, most), mode="r:") as tar:
            names: set[str] = set()
            for member in tar:
                if member.isdir() and PurePosixPath(member.name) == PurePosixPath("."):
                    continue
                name = member.name.removeprefix("./")
                if not _is_plain(member, name) or name in names or len(names) == MAX_MEMBERS:
                    raise BundleError(f"{archive.name} is not a model: it holds {member.name[:200]!r}.")
                names.add(name)
                _copy(tar, member, folder / name)
    except _TooLargeError:
        raise BundleError(f"{archive.name} is not a model: it unpacks to more than {most} bytes.") from None
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise BundleError(f"{archive.name} is not a model archive that can be read: {error}") from error


def _is_plain(member: tarfile.TarInfo, name: str) -> bool:
    return member.isreg() and not member.issparse() and _PLAIN_NAME.fullmatch(name) is not None


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = tar.extractfile(member)
    assert source is not None, "a plain file has content"
    with source, target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            file.write(chunk)


def _limit(content: gzip.GzipFile, most_bytes: int) -> IO[bytes]:
    return cast("IO[bytes]", _Limited(content, most_bytes))


class _TooLargeError(Exception):
    """An archive unpacks to more than it may."""


class _Limited:
    """What an archive unpacks to, read in pieces that do not go beyond a limit.

    `tarfile` reads as much at once as the archive says that it should.
    """

    def __init__(self, content: gzip.GzipFile, most_bytes: int) -> None:
        self._content = content
        self._most_bytes = most_bytes

    def read(self, size: int) -> bytes:
        if not 0 <= size <= CHUNK_BYTES or self._content.tell() + size > self._most_bytes:
            raise _TooLargeError
        return self._content.read(size)

    def tell(self) -> int:
        return self._content.tell()

    def seek(self, place: int) -> int:
        if place > self._most_bytes:
            raise _TooLargeError
        return self._content.seek(place)
