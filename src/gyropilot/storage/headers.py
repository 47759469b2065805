"""Reads the column names of stored tables: the first lines of a CSV object, the footer of a Parquet object."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from typing import BinaryIO

from gyropilot.service.errors import UnreadableTableError
from gyropilot.service.ports import BlobStore

_HEADER_BYTES_MAX = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_MAGICS = {
    b"PK\x03\x04": "a zip archive (or an Excel file)",
    _GZIP_MAGIC: "compressed with gzip, which was not declared",
    b"PAR1": "a Parquet file",
    b"\xff\xfe": "in UTF-16; save it as UTF-8",
    b"\xfe\xff": "in UTF-16; save it as UTF-8",
}
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


class StoredHeaderReader:
    """A `HeaderReader` of what a blob store keeps."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def read_column_names(self, bucket: str, key: str, *, data_format: str, compression: str = "") -> tuple[str, ...]:
        """Return the names in order."""
        location = f"s3://{bucket}/{key}"
        with self._blobs.open(bucket, key) as (blob, content):
            if blob.size == 0:
                raise UnreadableTableError(f"{location} is empty")
            if data_format == "parquet":
                return _read_parquet(content, location)
            return _read_csv(_read_start(content, compression, location), location)


def _read_start(content: BinaryIO, compression: str, location: str) -> bytes:
    """Return the first bytes of the text, one more than a header may have if there are so many."""
    if not compression:
        return content.read(_HEADER_BYTES_MAX + 1)
    try:
        with gzip.open(content) as unpacked:
            start = unpacked.read(_HEADER_BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableTableError(f"{location} is not what gzip writes: {error}") from None
    if not start:
        raise UnreadableTableError(f"{location} is empty once unpacked")
    return start


def _read_csv(start: bytes, location: str) -> tuple[str, ...]:
    _refuse_other_formats(start, location)
    text = _decode(start, location)
    source = io.StringIO(text, newline="")
    try:
        names = next((row for row in csv.reader(source) if row), None)
    except csv.Error as error:
        raise UnreadableTableError(f"{location} has no readable CSV header: {error}") from None
    if names is None:
        raise UnreadableTableError(f"{location} holds nothing but empty lines")
    if len(start) > _HEADER_BYTES_MAX and not source.read(1):
        raise UnreadableTableError(f"the header of {location} is longer than {_HEADER_BYTES_MAX:,} bytes")
    if len(names) == 1 and (words := [words for mark, words in _DELIMITERS.items() if mark in names[0]]):
        raise UnreadableTableError(f"the header of {location} is one name with {words[0]}; separate cells by commas")
    return tuple(names)


def _refuse_other_formats(start: bytes, location: str) -> None:
    for magic, meaning in _MAGICS.items():
        if start.startswith(magic):
            raise UnreadableTableError(f"{location} is not CSV: it is {meaning}")
    if b"\0" in start:
        raise UnreadableTableError(f"{location} is not CSV: it contains NUL bytes")


def _decode(start: bytes, location: str) -> str:
    """Decode UTF-8; a character that the cut at the end goes through is left away."""
    try:
        return start.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and len(start) > _HEADER_BYTES_MAX:
            return start[: error.start].decode("utf-8-sig")
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UnreadableTableError(
            f"{location} is not in UTF-8: line {line}, byte {error.start + 1} is {error.object[error.start]:#04x}; "
            "save it as UTF-8"
        ) from None


def _read_parquet(content: BinaryIO, location: str) -> tuple[str, ...]:
    # Imported late: most programs that open a store never read Parquet, and pyarrow is slow to load.
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(content)
    except (pyarrow.ArrowException, OSError) as error:
        first_line = str(error).partition("\n")[0]
        raise UnreadableTableError(f"{location} is not a Parquet file: {first_line}") from None
    return tuple(schema.names)
