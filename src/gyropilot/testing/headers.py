"""What every header reader must do: subclass `HeaderReaderSuite` and override its fixtures `reader` and `blobs`."""

from __future__ import annotations

import gzip
import io

import pytest

from gyropilot.service.errors import BlobNotFoundError, UnreadableTableError
from gyropilot.service.ports import BlobStore, HeaderReader

_BUCKET = "tables"
_MEBIBYTE = 1 << 20


class HeaderReaderSuite:
    """The obligations of `gyropilot.service.ports.HeaderReader`."""

    @pytest.fixture
    def blobs(self) -> BlobStore:
        """Give the store that the reader reads."""
        raise NotImplementedError

    @pytest.fixture
    def reader(self, blobs: BlobStore) -> HeaderReader:
        """Give the reader."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _bucket(self, blobs: BlobStore) -> None:
        blobs.create_bucket(_BUCKET)

    @pytest.mark.parametrize(
        ("content", "names"),
        [
            (b"a,b,c\n1,2,3\n", ("a", "b", "c")),
            (b"a,b,c\r\n1,2,3\r\n", ("a", "b", "c")),
            (b"a,b\r1,2\r", ("a", "b")),
            (b"a,b", ("a", "b")),
            (b"a", ("a",)),
            (b'"a,1","say ""b""","two\nlines"\n1,2,3\n', ("a,1", 'say "b"', "two\nlines")),
            (b"\xef\xbb\xbfa,b\n1,2\n", ("a", "b")),
            (b'\xef\xbb\xbf"a",b\n1,2\n', ("a", "b")),
            ("größe,🙂\n".encode(), ("größe", "🙂")),
            (b" a , b\n", (" a ", " b")),
            (b"a,,b,\n1,2,3,4\n", ("a", "", "b", "")),
            (b"a,a\n1,2\n", ("a", "a")),
            (b"\n\r\na,b\n1,2\n", ("a", "b")),
            (b"a,b\n" + "ü".encode() * 2 * _MEBIBYTE, ("a", "b")),
            (b"a,b\r" + b"1,2\r" * _MEBIBYTE, ("a", "b")),
            (b"x" * 100_000 + b",b\n", ("x" * 100_000, "b")),
        ],
    )
    @pytest.mark.parametrize("compression", ["", "gzip"])
    def test_reads_csv(
        self, reader: HeaderReader, blobs: BlobStore, content: bytes, names: tuple[str, ...], compression: str
    ) -> None:
        """As a spreadsheet would."""
        packed = gzip.compress(content, compresslevel=1, mtime=0) if compression else content
        blobs.put(_BUCKET, "a.csv", io.BytesIO(packed))
        assert reader.read_column_names(_BUCKET, "a.csv", data_format="csv", compression=compression) == names

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "is empty"),
            (b"\n\r\n\n", "empty lines"),
            (b"PK\x03\x04rest", "zip archive"),
            (gzip.compress(b"a,b\n", mtime=0), "gzip, which was not declared"),
            (b"PAR1rest", "Parquet"),
            ("a,b\n".encode("utf-16"), "UTF-16"),
            (b"a\0b,c\n", "NUL"),
            (b"gr\xf6\xdfe,b\n1,2\n", "UTF-8: line 1, byte 3 is 0xf6"),
            (b"a,b\n\xc3", "UTF-8"),
            (b"a;b\n1;2\n", "semicolons"),
            (b"a," * _MEBIBYTE, "longer than 1,048,576 bytes"),
            (b'a,"never closed\n' + b"1,2\n" * _MEBIBYTE, "."),
        ],
    )
    def test_refuses_what_is_not_csv(self, reader: HeaderReader, blobs: BlobStore, content: bytes, reason: str) -> None:
        """And says where and why."""
        blobs.put(_BUCKET, "a.csv", io.BytesIO(content))
        with pytest.raises(UnreadableTableError, match=reason) as caught:
            reader.read_column_names(_BUCKET, "a.csv", data_format="csv")
        assert "s3://tables/a.csv" in str(caught.value)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"a,b\n1,2\n", "gzip"),
            (gzip.compress(b"a,b\n" * 9, mtime=0)[:-15], "gzip"),
            (gzip.compress(b"", mtime=0), "empty"),
            (b"", "empty"),
        ],
    )
    def test_refuses_what_is_not_gzip(
        self, reader: HeaderReader, blobs: BlobStore, content: bytes, reason: str
    ) -> None:
        """Also what breaks off."""
        blobs.put(_BUCKET, "a.csv.gz", io.BytesIO(content))
        with pytest.raises(UnreadableTableError, match=reason):
            reader.read_column_names(_BUCKET, "a.csv.gz", data_format="csv", compression="gzip")

    def test_reads_parquet(self, reader: HeaderReader, blobs: BlobStore) -> None:
        """From the footer."""
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        file = io.BytesIO()
        parquet.write_table(pyarrow.table({"größe": [1, 2], "b,c": ["x", "y"]}), file)
        file.seek(0)
        blobs.put(_BUCKET, "a.parquet", file)
        assert reader.read_column_names(_BUCKET, "a.parquet", data_format="parquet") == ("größe", "b,c")

    @pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PAR1", b"PAR1" * 10, b"x" * 100_000])
    def test_refuses_what_is_not_parquet(self, reader: HeaderReader, blobs: BlobStore, content: bytes) -> None:
        """And says where."""
        blobs.put(_BUCKET, "a.parquet", io.BytesIO(content))
        with pytest.raises(UnreadableTableError, match=r"s3://tables/a\.parquet"):
            reader.read_column_names(_BUCKET, "a.parquet", data_format="parquet")

    @pytest.mark.parametrize("data_format", ["csv", "parquet"])
    def test_misses_objects(self, reader: HeaderReader, data_format: str) -> None:
        """As the blob store does."""
        with pytest.raises(BlobNotFoundError):
            reader.read_column_names(_BUCKET, "absent", data_format=data_format)
