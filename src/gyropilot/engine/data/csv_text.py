"""What kind of text a CSV file is, and where in it something is wrong: slow and exact, for headers and for messages."""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from gyropilot.engine.errors import DataError

SNIFFED_BYTES = 4096
GUESSED_BYTES = 200_000
GZIP_MAGIC = b"\x1f\x8b"
MAGICS = {
    b"PK\x03\x04": "a ZIP archive or an Excel file, not a CSV file; unpack it, or save it as CSV, first",
    b"\xd0\xcf\x11\xe0": "an Excel file, not a CSV file; save it as CSV in UTF-8 first",
    b"PAR1": "a Parquet file, not a CSV file; state the format Parquet",
    GZIP_MAGIC: "compressed with gzip; state the compression type Gzip",
    b"BZh": "compressed with bzip2; unpack it first, or compress it with gzip",
    b"\xfd7zXZ": "compressed with xz; unpack it first, or compress it with gzip",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard; unpack it first, or compress it with gzip",
}
WIDE_MARKS = {b"\xff\xfe\x00\x00": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True, kw_only=True)
class Malformed:
    """A row that has not as many cells as the header."""

    first_line: int
    last_line: int
    """The same unless a cell holds line ends."""
    cells: int


def check_beginning(path: Path, compression: str) -> None:
    """Look at a file's first bytes.

    Raises:
        DataError: when they are not those of a CSV file in UTF-8, compressed as stated.
    """
    with path.open("rb") as file:
        beginning = file.read(SNIFFED_BYTES)
    if not beginning:
        raise DataError(f"{path.name} is empty.")
    if compression:
        if not beginning.startswith(GZIP_MAGIC):
            raise DataError(f"{path.name} is not compressed with gzip, though its compression type says so.")
        with open_bytes(path, compression) as content:
            beginning = content.read(SNIFFED_BYTES)
        if not beginning:
            raise DataError(f"{path.name} is empty once unpacked.")
    for magic, meaning in MAGICS.items():
        if beginning.startswith(magic):
            raise DataError(f"{path.name} is {meaning}.")
    encoding = _find_wide_encoding(beginning)
    if encoding:
        raise DataError(f"{path.name} is in {encoding}, not in UTF-8. {_advise(path, encoding)}")
    if b"\0" in beginning:
        raise DataError(f"{path.name} is no text: byte {beginning.index(0) + 1} of the file is zero.")
    if re.match(rb"\s*<(!doctype\s+html|html|\?xml)", beginning, re.IGNORECASE):
        raise DataError(f"{path.name} is an HTML or XML page, not a CSV file.")


def read_first_row(path: Path, compression: str) -> tuple[str, ...]:
    """Return the cells of the first row that is not blank.

    Raises:
        DataError: when there is none, or it is not in UTF-8.
    """
    with _open_text(path, compression) as text, _long_cells():
        row = next((row for row in csv.reader(text) if row), None)
    if row is None:
        raise DataError(f"{path.name} holds nothing but blank lines.")
    return tuple(row)


def check_delimiter(path: Path, header: tuple[str, ...]) -> None:
    """Look for another delimiter in a header of one name.

    Raises:
        DataError: when there is one: a table of one column teaches nothing anyway.
    """
    found = [(header[0].count(mark), words) for mark, words in DELIMITERS.items() if mark in header[0]]
    if len(header) == 1 and found:
        words = max(found)[1]
        raise DataError(f"{path.name} has one column, and its name holds {words}; separate the cells by commas.")


def find_malformed(path: Path, compression: str, width: int, *, limit: int, to_the_end: bool) -> list[Malformed]:
    """Return where the first malformed rows are.

    Args:
        path: the file.
        compression: `gzip`, or nothing.
        width: how many cells a row should have.
        limit: how many to return.
        to_the_end: read on to see whether the last cell ends.

    Raises:
        DataError: when a quotation mark opens a cell that never ends.
    """
    found: list[Malformed] = []
    lines: list[str] = []
    with _open_text(path, compression) as text, _long_cells():
        reader = csv.reader(line for line in text if not lines.append(line))  # type: ignore[func-returns-value]
        first, last = 1, ""
        for row in reader:
            if row and len(row) != width and len(found) < limit:
                found.append(Malformed(first_line=first, last_line=reader.line_num, cells=len(row)))
                if len(found) == limit and not to_the_end:
                    return found
            first, last = reader.line_num + 1, "".join(lines)
            lines.clear()
    if to_the_end and _is_open(last):
        begin = first - last.count("\n") - (not last.endswith("\n"))
        raise DataError(
            f"{path.name}, line {begin}: a quotation mark opens a cell that never ends. Close it, or write it twice if "
            "it belongs to the cell."
        )
    return found


def check_encoding(path: Path, compression: str) -> None:
    """Read a file's bytes as UTF-8.

    Raises:
        DataError: when they are not; it names the line, the byte, the likely encoding and the remedy.
    """
    offset = 0
    with open_bytes(path, compression) as content:
        for number, line in enumerate(content, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                encoding = guess_encoding(line + content.read(GUESSED_BYTES))
                raise DataError(
                    f"{path.name} is not in UTF-8: line {number}, byte {offset + error.start + 1} of the file is "
                    f"{line[error.start]:#04x}. It looks like {encoding}. {_advise(path, encoding)}"
                ) from None
            offset += len(line)


def guess_encoding(sample: bytes) -> str:
    """Return the likely encoding of bytes that are not UTF-8, by the runs of their bytes beyond ASCII.

    Western letters stand alone among ASCII ones. Bytes of East Asian encodings come in pairs, which rarely fit by
    chance. What is left are alphabets such as the Cyrillic one.
    """
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", sample)]
    if sum(runs) < 1.6 * len(runs):
        return "Windows-1252" if re.search(rb"[\x80-\x9f]", sample) else "ISO-8859-1"
    for encoding, expected in (("Shift_JIS", r"[\u3040-\u30ff]"), ("GB18030", r"[\u4e00-\u9fff]")):
        try:
            text = sample[: sample.rfind(b"\n") + 1 or None].decode(encoding)
        except UnicodeDecodeError:
            continue
        strange = re.findall(r"[^\x00-\x7f]", text)
        if len(re.findall(expected, text)) > 0.3 * len(strange):
            return encoding
    cyrillic = re.findall(r"[\u0400-\u045f]", sample.decode("cp1251", errors="replace"))
    return "Windows-1251" if len(cyrillic) > 0.8 * sum(runs) else "Windows-1252"


@contextmanager
def open_bytes(path: Path, compression: str) -> Iterator[BinaryIO]:
    """Open a file's content, unpacked.

    Raises:
        DataError: when it cannot be unpacked.
    """
    try:
        with gzip.open(path) if compression else path.open("rb") as content:
            yield cast(BinaryIO, content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be unpacked, it is damaged or cut short: {error}") from error


@contextmanager
def _open_text(path: Path, compression: str) -> Iterator[TextIO]:
    try:
        with open_bytes(path, compression) as content:
            yield io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    except UnicodeDecodeError:
        check_encoding(path, compression)
        raise


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be as long as they like: the module's limit guards programs that read strangers' files whole."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _is_open(row: str) -> bool:
    try:
        with _long_cells():
            list(csv.reader([row], strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _find_wide_encoding(beginning: bytes) -> str:
    for mark, encoding in WIDE_MARKS.items():
        if beginning.startswith(mark):
            return encoding
    zeros = [beginning[place::2].count(0) for place in (0, 1)]
    if max(zeros) < 0.3 * len(beginning) / 2 or min(zeros) > 0.1 * max(zeros):
        return ""
    return "UTF-16LE" if zeros[1] > zeros[0] else "UTF-16BE"


def _advise(path: Path, encoding: str) -> str:
    return f"Save it as UTF-8, for instance by `iconv -f {encoding} -t UTF-8 {path.name} > utf8.csv`."
