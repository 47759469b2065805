"""Write what a predictor is asked about as the bytes that are sent.

Text and open files are always sent as they are. Nothing is pickled, and arrays of objects are refused for that reason.
"""

from __future__ import annotations

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gyropilot.sdk.frames import is_frame, is_pandas


class BaseSerializer(ABC):
    """What every serializer can do."""

    @property
    @abstractmethod
    def CONTENT_TYPE(self) -> str:  # noqa: N802  # the name that scripts read
        """The media type of what is written."""

    @abstractmethod
    def serialize(self, data: Any) -> Any:
        """Return data as it is sent: text, bytes, or an open file."""


class SimpleBaseSerializer(BaseSerializer):
    """A serializer whose media type is chosen when it is made.

    Args:
        content_type: the media type.

    Raises:
        ValueError: when that is no text.
    """

    def __init__(self, content_type: str = "application/json") -> None:
        if not isinstance(content_type, str):
            raise ValueError(f"content_type must be a string such as 'text/csv', not {content_type!r}.")  # noqa: TRY004  # what scripts catch
        self.content_type = content_type

    @property
    def CONTENT_TYPE(self) -> str:  # noqa: N802  # the name that scripts read
        """The media type of what is written."""
        return self.content_type


class CSVSerializer(SimpleBaseSerializer):
    """Writes rows as CSV without a header: lists, arrays, frames. A flat list is one row, one of lines is lines.

    Args:
        content_type: the media type.
    """

    def __init__(self, content_type: str = "text/csv") -> None:
        super().__init__(content_type=content_type)

    def serialize(self, data: Any) -> Any:
        """Return rows as text.

        Raises:
            ValueError: when there are none, or data is of no form that has rows.
        """
        if isinstance(data, str | bytes):
            return data
        if hasattr(data, "read"):
            return data.read()
        if is_pandas(data):
            return data.to_csv(header=False, index=False)
        if is_frame(data) and hasattr(data, "rows"):  # Polars
            return _write_rows(data.rows())
        if not _is_sequence(data) or any(isinstance(row, dict) for row in data):
            raise ValueError("CSV is written of rows without names, as lists; use JSONSerializer for dictionaries.")
        return _write_rows(data if _is_table(data) else [data])


def _write_rows(rows: Iterable[Any]) -> str:
    """Return rows as lines without a last line break; a row that is text already stays as it is."""
    lines = [row if isinstance(row, str) else _write_row(row) for row in rows]
    if not any(lines):
        raise ValueError("Cannot serialize empty array: there is no row to predict for.")
    return "\n".join(lines)


def _write_row(row: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(list(row))
    return line.getvalue()


def _is_table(data: Any) -> bool:
    """Tell whether the elements are rows, lists or lines of text, rather than cells of one row."""
    if not len(data):
        return True
    elements = list(data)
    is_lines = all(isinstance(element, str) for element in elements) and any("," in element for element in elements)
    return is_lines or _is_sequence(elements[0])


def _is_sequence(data: Any) -> bool:
    return hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, str | bytes | dict)


class JSONSerializer(SimpleBaseSerializer):
    """Writes data as JSON; arrays as lists.

    Args:
        content_type: the media type.
    """

    def serialize(self, data: Any) -> Any:
        """Return data as text.

        Raises:
            TypeError: when JSON has no form for it.
        """
        return data.read() if hasattr(data, "read") else json.dumps(data, default=_to_json)


class JSONLinesSerializer(SimpleBaseSerializer):
    """Writes every element of data as a line of JSON.

    Args:
        content_type: the media type.
    """

    def __init__(self, content_type: str = "application/jsonlines") -> None:
        super().__init__(content_type=content_type)

    def serialize(self, data: Any) -> Any:
        """Return the elements as lines of text.

        Raises:
            ValueError: when data has no elements.
        """
        if isinstance(data, str | bytes):
            return data
        if hasattr(data, "read"):
            return data.read()
        if not isinstance(data, Iterable):
            raise ValueError(f"A {type(data).__name__} has no elements to write as JSON Lines; give a list.")  # noqa: TRY004  # what scripts catch
        return "\n".join(json.dumps(element, default=_to_json) for element in data)


def _to_json(value: Any) -> Any:
    """Return an array, or a number of one, as JSON has it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"A {type(value).__name__} cannot be written as JSON; give dictionaries, lists, text and numbers.")


class IdentitySerializer(SimpleBaseSerializer):
    """Sends data as it is.

    Args:
        content_type: the media type.
    """

    def __init__(self, content_type: str = "application/octet-stream") -> None:
        super().__init__(content_type=content_type)

    def serialize(self, data: Any) -> Any:
        """Return data."""
        return data


class StringSerializer(SimpleBaseSerializer):
    """Sends text in UTF-8.

    Args:
        content_type: the media type.
    """

    def __init__(self, content_type: str = "text/plain") -> None:
        super().__init__(content_type=content_type)

    def serialize(self, data: Any) -> Any:
        """Return text as bytes.

        Raises:
            ValueError: when data is no text.
        """
        if isinstance(data, str):
            return data.encode()
        raise ValueError(f"A {type(data).__name__} is no text; convert it, or use another serializer.")


class DataSerializer(SimpleBaseSerializer):
    """Sends bytes, or what a file holds.

    Args:
        content_type: the media type.
    """

    def __init__(self, content_type: str = "file-path/raw-bytes") -> None:
        super().__init__(content_type=content_type)

    def serialize(self, data: Any) -> Any:
        """Return the bytes, or those of the file with this path.

        Raises:
            ValueError: when there is no such file, or data is neither bytes nor a path.
        """
        if isinstance(data, bytes):
            return data
        if not isinstance(data, str | Path):
            raise ValueError(f"A {type(data).__name__} is neither bytes nor a file's path.")  # noqa: TRY004  # what scripts catch
        try:
            return Path(data).read_bytes()
        except OSError as error:
            raise ValueError(f"The file {data} cannot be read: {error}.") from error


class LibSVMSerializer(SimpleBaseSerializer):
    """Sends text, or an open file, in the form of LibSVM.

    Args:
        content_type: the media type.
    """

    def __init__(self, content_type: str = "text/libsvm") -> None:
        super().__init__(content_type=content_type)

    def serialize(self, data: Any) -> Any:
        """Return the text.

        Raises:
            ValueError: when data is neither text nor an open file.
        """
        if isinstance(data, str):
            return data
        if hasattr(data, "read"):
            return data.read()
        raise ValueError(f"A {type(data).__name__} is neither text nor an open file; write it as LibSVM first.")


class NumpySerializer(SimpleBaseSerializer):
    """Writes an array in NumPy's own format.

    Args:
        dtype: the type of its cells; that of the data unless given.
        content_type: the media type.
    """

    def __init__(self, dtype: Any = None, content_type: str = "application/x-npy") -> None:
        super().__init__(content_type=content_type)
        self.dtype = dtype

    def serialize(self, data: Any) -> Any:
        """Return an array, a list or a number as bytes.

        Raises:
            ValueError: when it is empty, or its cells are objects, which would be pickled.
        """
        import numpy as np

        if hasattr(data, "read"):
            return data.read()
        array = np.asarray(data, dtype=self.dtype)
        if isinstance(data, Sequence | np.ndarray) and not len(data):
            raise ValueError("Cannot serialize empty array: there is no row to predict for.")
        if array.dtype.hasobject:
            raise ValueError("An array of objects would be pickled; give dtype, or cells that are all numbers or text.")
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        return stream.getvalue()
