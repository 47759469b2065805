"""Read what an endpoint answered."""

from __future__ import annotations

import codecs
import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from gyropilot.sdk.frames import to_frame

CSV, JSON, NPY = "text/csv", "application/json", "application/x-npy"


class BaseDeserializer(ABC):
    """What every deserializer can do."""

    @property
    @abstractmethod
    def ACCEPT(self) -> tuple[str, ...]:  # noqa: N802  # the name that scripts read
        """The media types that it reads."""

    @abstractmethod
    def deserialize(self, stream: Any, content_type: str) -> Any:
        """Return what a stream of bytes of this media type holds, and close it."""


class SimpleBaseDeserializer(BaseDeserializer):
    """A deserializer whose media types are chosen when it is made.

    Args:
        accept: a media type, or several.
    """

    def __init__(self, accept: str | Iterable[str] = "*/*") -> None:
        self.accept = accept

    @property
    def ACCEPT(self) -> tuple[str, ...]:  # noqa: N802  # the name that scripts read
        """The media types that it reads."""
        return (self.accept,) if isinstance(self.accept, str) else tuple(self.accept)


class BytesDeserializer(SimpleBaseDeserializer):
    """Returns the bytes."""

    def deserialize(self, stream: Any, content_type: str) -> bytes:
        """Return the bytes, whatever they mean."""
        del content_type
        return _read(stream)


class StreamDeserializer(SimpleBaseDeserializer):
    """Hands the stream on; whoever gets it closes it."""

    def deserialize(self, stream: Any, content_type: str) -> tuple[Any, str]:
        """Return the stream and its media type."""
        return stream, content_type


class StringDeserializer(SimpleBaseDeserializer):
    """Reads text.

    Args:
        encoding: how it is encoded.
        accept: the media types.
    """

    def __init__(self, encoding: str = "UTF-8", accept: str | Iterable[str] = JSON) -> None:
        super().__init__(accept=accept)
        self.encoding = encoding

    def deserialize(self, stream: Any, content_type: str) -> str:
        """Return the text."""
        del content_type
        return _read(stream).decode(self.encoding)


class CSVDeserializer(SimpleBaseDeserializer):
    """Reads CSV as a list of rows, each a list of texts.

    Args:
        encoding: how it is encoded.
        accept: the media types.
    """

    def __init__(self, encoding: str = "utf-8", accept: str | Iterable[str] = CSV) -> None:
        super().__init__(accept=accept)
        self.encoding = encoding

    def deserialize(self, stream: Any, content_type: str) -> list[list[str]]:
        """Return the rows."""
        del content_type
        return list(csv.reader(io.StringIO(_read(stream).decode(self.encoding), newline="")))


class JSONDeserializer(SimpleBaseDeserializer):
    """Reads JSON.

    Args:
        accept: the media types.
    """

    def __init__(self, accept: str | Iterable[str] = JSON) -> None:
        super().__init__(accept=accept)

    def deserialize(self, stream: Any, content_type: str) -> Any:
        """Return what the document holds."""
        del content_type
        return json.loads(_read(stream))


class JSONLinesDeserializer(SimpleBaseDeserializer):
    """Reads lines of JSON.

    Args:
        accept: the media types.
    """

    def __init__(self, accept: str | Iterable[str] = "application/jsonlines") -> None:
        super().__init__(accept=accept)

    def deserialize(self, stream: Any, content_type: str) -> list[Any]:
        """Return what each line holds."""
        del content_type
        return [json.loads(line) for line in _read(stream).splitlines() if line.strip()]


class NumpyDeserializer(SimpleBaseDeserializer):
    """Reads an array from NumPy's own format, from CSV or from JSON.

    Args:
        dtype: the type of its cells.
        accept: the media types.
        allow_pickle: taken and refused when it is true: a pickle from elsewhere runs code when it is read.

    Raises:
        ValueError: when pickles are to be read.
    """

    def __init__(self, dtype: Any = None, accept: str | Iterable[str] = NPY, allow_pickle: bool = False) -> None:
        if allow_pickle:
            raise ValueError(
                "allow_pickle must be False: a pickle runs code when it is read; ask for text/csv instead."
            )
        super().__init__(accept=accept)
        self.dtype = dtype
        self.allow_pickle = allow_pickle

    def deserialize(self, stream: Any, content_type: str) -> Any:
        """Return the array.

        Raises:
            ValueError: for another media type, or an array of objects.
        """
        import numpy as np

        content, kind = _read(stream), _bare(content_type)
        if kind == NPY:
            return np.load(io.BytesIO(content), allow_pickle=False)
        if kind == CSV:
            return np.genfromtxt(codecs.decode(content).splitlines(), delimiter=",", dtype=self.dtype)
        if kind == JSON:
            return np.array(json.loads(content), dtype=self.dtype)
        raise ValueError(f"NumpyDeserializer cannot read content type {content_type}.")


class PandasDeserializer(SimpleBaseDeserializer):
    """Reads a pandas frame from CSV, whose first line holds the names, or from JSON, a list of rows by name.

    Rows under `predictions`, as a Gyropilot model answers in JSON, are found there.

    Args:
        accept: the media types.
    """

    def __init__(self, accept: str | Iterable[str] = (CSV, JSON)) -> None:
        super().__init__(accept=accept)

    def deserialize(self, stream: Any, content_type: str) -> Any:
        """Return the frame.

        Raises:
            ValueError: for another media type, or JSON that is no list of rows.
        """
        content, kind = _read(stream), _bare(content_type)
        if kind == CSV:
            import pyarrow.csv

            return pyarrow.csv.read_csv(io.BytesIO(content)).to_pandas()
        if kind != JSON:
            raise ValueError(f"PandasDeserializer cannot read content type {content_type}.")
        document = json.loads(content)
        rows = document.get("predictions") if isinstance(document, dict) else document
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError("PandasDeserializer reads a list of rows by name; read other JSON with JSONDeserializer.")
        return to_frame(rows)


def _read(stream: Any) -> bytes:
    """Return all that a stream holds, and close it."""
    try:
        return bytes(stream.read())
    finally:
        stream.close()


def _bare(content_type: str) -> str:
    """Return a media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()
