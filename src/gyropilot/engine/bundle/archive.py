"""A bundle as one `model.tar.gz`."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path, PurePosixPath

from gyropilot.engine.errors import BundleError
from gyropilot.engine.files import writing

MAX_BYTES = 20 << 30
"""An archive that unpacks to more than this is refused."""


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


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive's files. Only plain files of plain names are taken; anything else makes it no model.

    Raises:
        BundleError: when it is not such an archive.
    """
    room = MAX_BYTES
    try:
        with tarfile.open(archive, mode="r:*") as tar:
            for member in tar:
                if member.isdir() and PurePosixPath(member.name) == PurePosixPath("."):
                    continue
                name = member.name.removeprefix("./")
                room -= member.size
                if not member.isfile() or "/" in name or name in {"", ".", ".."} or room < 0:
                    raise BundleError(f"{archive.name} is not a model: it holds {member.name!r}.")
                source = tar.extractfile(member)
                assert source is not None
                with source, (folder / name).open("wb") as target:
                    while chunk := source.read(1 << 20):
                        target.write(chunk)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BundleError(f"{archive.name} is not a model archive that can be read: {error}") from error
