"""JSON documents that hold encoders: their large arrays lie in a file of plain arrays (`.npz`) next to them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.text import TextSpace
from gyropilot.engine.files import writing

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
    with writing(path) as partial:
        partial.write_bytes(content)


def read_document(content: bytes, arrays_path: Path, kind: type[Document]) -> Document:
    """Read a document whose arrays lie in a file, if it has any.

    Raises:
        msgspec.MsgspecError: when it is no such document.
        OSError, ValueError: when its arrays are not there or cannot be read.
    """

    def resolve(kind: type, name: Any) -> TextSpace | NDArray[Any]:
        try:
            with arrays_path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                if kind is not TextSpace:
                    array: NDArray[Any] = arrays[name]
                    return array
                return TextSpace(**{part: arrays[f"{name}.{part}"] for part in _PARTS})
        except (KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{arrays_path.name} does not hold {name!r}: {error}") from error

    return msgspec.json.decode(content, type=kind, dec_hook=resolve)
