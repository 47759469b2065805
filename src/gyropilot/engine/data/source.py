"""Where a run's table comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from gyropilot.engine.data.columns import numbers_as_numbers
from gyropilot.engine.data.read import RawTable, adopt_table, fingerprint, read_table
from gyropilot.engine.errors import DataError


class Source(Protocol):
    """A table that can be read, and told from others without being understood."""

    def fingerprint(self) -> str:
        """Return a digest of the content."""
        ...

    def size_bytes(self) -> int:
        """Return how large it is: its files as they lie there, or what is in memory."""
        ...

    def read(self, words: Collection[str] = ()) -> RawTable:
        """Return the table; the columns named stay as they are written, others become numbers when all cells are."""
        ...


@dataclass(frozen=True, kw_only=True)
class Files:
    """Files of one header."""

    paths: Sequence[Path]
    data_format: str = "csv"
    compression: str = ""

    def fingerprint(self) -> str:
        """Return a digest of the files' bytes."""
        return fingerprint(self.paths)

    def size_bytes(self) -> int:
        """Return the files' sizes, added up."""
        return sum(path.stat().st_size for path in self.paths)

    def read(self, words: Collection[str] = ()) -> RawTable:
        """Read the files.

        Raises:
            DataError: as `read_table` does.
        """
        return read_table(self.paths, data_format=self.data_format, compression=self.compression, words=words)


class InMemory:
    """A table that is in memory already."""

    def __init__(self, data: object) -> None:
        self._table = adopt_table(data)

    def fingerprint(self) -> str:
        """Return a digest of the cells."""
        digest = hashlib.sha256()
        with pa.ipc.new_stream(_Digest(digest), self._table.columns.schema) as writer:
            writer.write_table(self._table.columns)
        return digest.hexdigest()

    def size_bytes(self) -> int:
        """Return the bytes of the columns."""
        return int(self._table.columns.nbytes)

    def read(self, words: Collection[str] = ()) -> RawTable:
        """Return the table."""
        table = self._table.columns
        return replace(self._table, columns=numbers_as_numbers(table.columns, table.schema, words))


def find_source(data: object) -> Source:
    """Return the source of a table: a path of a CSV file, plain or `.gz`, or of a Parquet file, or what is in memory.

    Raises:
        DataError: when it is neither a path nor a table.
    """
    if isinstance(data, Files | InMemory):
        return data
    if not isinstance(data, str | Path):
        return InMemory(data)
    path = Path(data)
    if not path.is_file():
        raise DataError(f"There is no file {str(path)!r}.")
    is_parquet = path.suffix.lower() in {".parquet", ".pq"}
    compression = "gzip" if path.suffix.lower() == ".gz" else ""
    return Files(paths=[path], data_format="parquet" if is_parquet else "csv", compression=compression)


class _Digest:
    """A file that keeps nothing but a digest of what is written."""

    closed = False

    def __init__(self, digest: hashlib._Hash) -> None:
        self._digest = digest

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""
