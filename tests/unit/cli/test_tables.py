from __future__ import annotations

import gzip
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet
import pytest

from gyropilot.cli.failures import NotFoundError
from gyropilot.cli.tables import Tables, check_columns, recognise_tables
from gyropilot.sdk.frames import CSV, PARQUET


@pytest.mark.parametrize(
    ("name", "content_type", "compression"),
    [
        ("a.csv", CSV, "None"),
        ("a.data", CSV, "None"),
        ("a.csv.gz", CSV, "Gzip"),
        ("a.PARQUET", PARQUET, "None"),
        ("a.pq", PARQUET, "None"),
    ],
)
def test_the_name_tells_the_format(name: str, content_type: str, compression: str) -> None:
    tables = recognise_tables([Path(name)])
    assert (tables.content_type, tables.compression) == (content_type, compression)


@pytest.mark.parametrize(
    ("names", "words"),
    [(("a.csv", "b.parquet"), "must all be"), (("a.csv", "b.csv.gz"), "must all be"), (("x/a.csv", "y/a.csv"), "same")],
)
def test_files_that_are_not_one_table_are_refused(names: tuple[str, ...], words: str) -> None:
    with pytest.raises(click.UsageError, match=words):
        recognise_tables([Path(name) for name in names])


def write(folder: Path, content: bytes, name: str = "a.csv") -> Tables:
    path = folder / name
    path.write_bytes(content)
    return recognise_tables([path])


def test_a_target_in_the_header_is_found(tmp_path: Path) -> None:
    check_columns(write(tmp_path, b'\xef\xbb\xbfage,"the answer"\n1,2\n'), {"--target": ["the answer"]})
    check_columns(write(tmp_path, b'\xef\xbb\xbfage,"the answer"\n1,2\n'), {"--target": ["age"]})
    check_columns(write(tmp_path, gzip.compress(b"age,y\n1,2\n"), "a.csv.gz"), {"--target": ["y"]})


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "a.csv", "is empty"),
        (b"age,income\n", "a.csv", "has no column 'Incme'; did you mean 'income'"),
        (b"age,y\n", "a.csv", "it has: age, y"),
        (b"\xff\xfe\x00", "a.csv", "cannot be read as CSV"),
        (b"age,y\n", "a.csv.gz", "cannot be read as CSV"),
    ],
)
def test_a_file_without_the_target_is_refused(tmp_path: Path, content: bytes, name: str, words: str) -> None:
    with pytest.raises(click.ClickException, match=words):
        check_columns(write(tmp_path, content, name), {"--target": ["Incme"]})


def test_the_columns_of_parquet_are_known_too(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table({"age": [1], "income": [2]}), path)
    tables = recognise_tables([path])
    check_columns(tables, {"--target": ["income"], "--weights": []})
    with pytest.raises(NotFoundError, match=r"--weights: .* has no column 'ag'; did you mean 'age'\?"):
        check_columns(tables, {"--target": ["income"], "--weights": ["ag"]})
    path.write_bytes(b"PAR1")
    with pytest.raises(click.ClickException, match="cannot be read as Parquet"):
        check_columns(tables, {"--target": ["income"]})
