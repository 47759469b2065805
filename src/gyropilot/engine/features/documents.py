"""JSON documents that hold encoders: their large arrays lie in a file of plain arrays (`.npz`) next to them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.text import TextSpace
from gyropilot.engine.files import write_file, writing

MAX_BYTES = 256 << 20
"""The greatest document."""
_PARTS = ("terms", "weights", "directions", "sizes")

Document = TypeVar("Document")


def write_document(document: Any, path: Path, arrays_path: Path) -> None:
    """Write a document, and its arrays if it has any; the document comes last, by atomic rename."""
    arrays: dict[str, NDArray[Any]] = {}

    def refer(value: object) -> str:
        if isinstance(value, np.ndarray):
            name = f"array{sum(each.startswith('array') for each in arrays)}"
            arrays[name] = value
            return name
        if not isinstance(value, TextSpace):
            raise NotImplementedError(f"a {type(value).__name__} cannot be stored")
        name = f"text{sum(each.startswith('text') for each in arrays) // len(_PARTS)}"
        arrays.update({f"{name}.{part}": getattr(value, part) for part in _PARTS})
        return name

    content = msgspec.json.format(msgspec.json.encode(document, enc_hook=refer), indent=1)
    if arrays:
        with writing(arrays_path) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    write_file(path, content)


def read_document(content: bytes, arrays_path: Path, kind: type[Document]) -> Document:
    """Read a document whose arrays lie in a file, if it has any.

    Raises:
        msgspec.MsgspecError: when it is no such document.
        OSError, ValueError: when its arrays are not there or cannot be read, or it is nested without end.
    """

    def resolve(kind: type, name: Any) -> TextSpace | NDArray[Any]:
        if kind is not TextSpace:
            return _read_arrays(arrays_path, [name])[0]
        names = [f"{name}.{part}" for part in _PARTS]
        return TextSpace(**dict(zip(_PARTS, _read_arrays(arrays_path, names), strict=True)))

    try:
        return msgspec.json.decode(content, type=kind, dec_hook=resolve)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_content(path: Path) -> bytes:
    """Return what is in the file of a document.

    Raises:
        OSError: when it is not there.
        ValueError: when it is longer than a document may be.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"it has {size} bytes, and may have {MAX_BYTES}")
    return path.read_bytes()


def _read_arrays(path: Path, names: Sequence[str]) -> list[NDArray[Any]]:
    """Return arrays of numbers; in the file they lie as they are, so that they cannot be larger than it."""
    with path.open("rb") as file:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                _check_stored(arrays.zip)
                found = [arrays[name] for name in names]
        except Exception as error:
            # Broken files make zipfile and numpy raise a dozen kinds of errors.
            raise ValueError(f"{path.name} does not hold {names[0][:100]!r}: {error}") from error
    if any(array.dtype.kind not in "biuf" for array in found):
        raise ValueError(f"{path.name} holds what are no numbers under {names[0][:100]!r}")
    return found


def _check_stored(archive: zipfile.ZipFile) -> None:
    if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
        raise ValueError("it is compressed")
