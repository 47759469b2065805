"""Reads the records of an object piece by piece, each with the line it begins on."""

from __future__ import annotations

import csv
import gzip
import io
import math
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from gyropilot.engine.errors import RequestError
from gyropilot.serving.media import CSV, JSON, PARQUET
from gyropilot.serving.rows import parse_json
from gyropilot.worker.transform.plan import TransformPlan

CHUNK_BYTES = 1 << 20
"""How much is read at once."""
OPEN_QUOTATION = "a quotation mark is not closed; with SplitType Line a line is a record."


class RecordError(RequestError):
    """A record that cannot be predicted from; the message begins with its line."""

    def __init__(self, line: int, message: str, unit: str = "line") -> None:
        super().__init__(f"{unit} {line}: {message}")


@dataclass(kw_only=True)
class Batch:
    """Some records in their order."""

    records: list[Any] = field(default_factory=list)
    """Each a row of cells, or a JSON document."""
    lines: list[int] = field(default_factory=list)
    """The line that each begins on, from 1; of the rows of one document, their numbers."""
    unit: str = "line"
    """What those numbers count: `line` or `row`."""
    is_first: bool = False
    """Whether the object begins with it."""
    header_line: int = 0
    """The line of the header that was passed over; 0: none was."""


def read_batches(content: BinaryIO, plan: TransformPlan, columns: Sequence[str]) -> Iterator[Batch]:
    """Yield an object's records in batches.

    Blank lines are empty records of CSV, unless nothing follows them, and no records of JSON.

    Args:
        content: the object.
        plan: what it is.
        columns: of Parquet, those that the model needs.

    Raises:
        RecordError: when a line is not of the media type, or longer than a record may be.
        RequestError: when the object cannot be unpacked, is larger than an object may be, or no Parquet that fits.
    """
    if plan.compression:
        content = cast("BinaryIO", gzip.GzipFile(fileobj=content))
    if plan.content_type == PARQUET:
        yield from _read_table(content, plan, columns)
        return
    lines = LineReader(content, object_bytes=plan.object_bytes, record_bytes=plan.record_bytes)
    if plan.content_type == JSON:
        yield _read_document(lines)
        return
    batch, begun_at = Batch(is_first=True), 0
    try:
        for line, record in _read_csv(lines, plan) if plan.content_type == CSV else _read_json_lines(lines):
            batch.records.append(record)
            batch.lines.append(line)
            lines.record_at = lines.bytes
            if lines.bytes - begun_at >= plan.batch_bytes or len(batch.records) == plan.batch_records:
                yield batch
                batch, begun_at = Batch(), lines.bytes
    except RequestError:
        yield batch  # a bad record among these came first
        raise
    yield batch


class LineReader:
    """The lines of a stream as text, with their line breaks; holds one piece of the stream and one record at most."""

    def __init__(self, content: BinaryIO, *, object_bytes: int | None, record_bytes: int) -> None:
        self._content = content
        self._object_bytes = object_bytes
        self._record_bytes = record_bytes
        self.number = 0
        """How many lines were given."""
        self.bytes = 0
        """How many bytes they have."""
        self.record_at = 0
        """Where the record began that the lines belong to; kept by the reader of records."""

    def __iter__(self) -> Iterator[str]:
        for block in self._read_blocks():
            # Not `splitlines`, which breaks lines at characters that are none of CSV's or JSON's.
            for line in io.StringIO(self._decode(block), newline="\n"):
                self.number += 1
                self.bytes += len(line) if line.isascii() else len(line.encode())
                if self.bytes - self.record_at > self._record_bytes:
                    raise self._too_long(self.number)
                yield line

    def _too_long(self, line: int) -> RecordError:
        return RecordError(line, f"the record is longer than {self._record_bytes} bytes (MaxPayloadInMB).")

    def _read_blocks(self) -> Iterator[bytes]:
        """Yield pieces of whole lines, the last one perhaps without a line break."""
        rest = b""
        for piece in _read_pieces(self._content, self._object_bytes):
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield rest + piece[:cut]
                rest = piece[cut:]
            else:
                rest += piece
            if len(rest) > self._record_bytes:
                raise self._too_long(self.number + 1)
        if rest:
            yield rest

    def _decode(self, block: bytes) -> str:
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            line = self.number + 1 + block.count(b"\n", 0, error.start)
            raise RecordError(line, "the line is not UTF-8.") from None
        return text.removeprefix("\ufeff") if self.number == 0 else text


def _read_pieces(content: BinaryIO, object_bytes: int | None) -> Iterator[bytes]:
    """Yield an object piece by piece.

    Raises:
        RequestError: when it cannot be unpacked, or is larger than an object may be.
    """
    total = 0
    try:
        while piece := content.read(CHUNK_BYTES):
            total += len(piece)
            if object_bytes is not None and total > object_bytes:
                raise RequestError(
                    f"the object is larger than {object_bytes} bytes (MaxPayloadInMB); SplitType Line allows any."
                )
            yield piece
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RequestError(f"the object cannot be unpacked (CompressionType Gzip): {error}") from None


def _read_table(content: BinaryIO, plan: TransformPlan, columns: Sequence[str]) -> Iterator[Batch]:
    """Yield the rows of an object of Parquet, whose end says where its columns are: it is read from a file."""
    from gyropilot.serving.parquet import iterate_parquet  # only now: few jobs need pyarrow, which is large

    with tempfile.NamedTemporaryFile(prefix="gyropilot-table-") as file:
        file.writelines(_read_pieces(content, plan.object_bytes))
        file.flush()
        read, batch = 0, Batch(unit="row", is_first=True)
        is_document = plan.accept == JSON  # one document holds all answers
        most_bytes = plan.batch_bytes if is_document else math.inf
        for rows in iterate_parquet(Path(file.name), columns, most_bytes=most_bytes):
            if batch.records and not is_document:
                yield batch
                batch = Batch(unit="row")
            batch.records += rows
            batch.lines += range(read + 1, read + len(rows) + 1)
            read += len(rows)
        yield batch


def _read_csv(lines: LineReader, plan: TransformPlan) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, strict=True)
    line = 1
    blank: list[int] = []
    try:
        for row in reader:
            if plan.is_line_each and reader.line_num != line:
                raise RecordError(line, OPEN_QUOTATION)
            if row:
                yield from ((number, []) for number in blank)
                blank.clear()
                yield line, row
            else:
                blank.append(line)
                lines.record_at = lines.bytes
            line = reader.line_num + 1
    except csv.Error as error:
        is_open = plan.is_line_each and reader.line_num > line
        raise RecordError(line, OPEN_QUOTATION if is_open else f"the record is not CSV: {error}.") from None


def _read_json_lines(lines: LineReader) -> Iterator[tuple[int, Any]]:
    for text in lines:
        if text.isspace():
            continue
        try:
            yield lines.number, parse_json(text, "the record")
        except RequestError as error:
            raise RecordError(lines.number, str(error)) from None


def _read_document(lines: LineReader) -> Batch:
    document = parse_json("".join(lines), "the object")
    if isinstance(document, dict) and "instances" in document:
        document = document["instances"]
    if not isinstance(document, list):
        raise RequestError('the object must be {"instances": [...]} or a list of rows.')
    return Batch(records=document, lines=list(range(1, len(document) + 1)), unit="row", is_first=True)
