"""Checksums, against the catalogues' values and against zlib."""

from __future__ import annotations

import base64
import io
import random
import zlib

import pytest

from gyropilot.api import crc
from gyropilot.api.checksums import CHECKSUMS, CheckedBody, combine_checksums
from gyropilot.api.errors import ApiError


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("crc32", "y/Q5Jg=="),
        ("crc32c", "4waSgw=="),
        ("crc64nvme", "rosUhgp5mIg="),
        ("sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        ("md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
    ],
)
def test_checksums_of_the_check_text(algorithm: str, expected: str) -> None:
    """`123456789` is the text whose sums the catalogues of CRCs give."""
    body = CheckedBody(io.BytesIO(b"123456789"), {f"x-amz-checksum-{algorithm}": expected, "x-amz-checksum-type": "x"})
    assert body.read() == b"123456789"
    assert body.checksums == {algorithm: expected}


@pytest.mark.parametrize("headers", [{"x-amz-checksum-crc32": "AAAAAA=="}, {"content-md5": "AAAA"}])
def test_a_body_that_is_not_what_was_stated_ends_in_a_refusal(headers: dict[str, str]) -> None:
    body = CheckedBody(io.BytesIO(b"123456789"), headers)
    assert body.read(9) == b"123456789"
    with pytest.raises(ApiError) as error:
        body.read(1)
    assert error.value.error.code == "BadDigest"


def test_what_cannot_be_computed_is_refused() -> None:
    with pytest.raises(ApiError, match="xxhash3"):
        CheckedBody(io.BytesIO(), {"x-amz-checksum-xxhash3": "AAAA"})


@pytest.mark.parametrize("length", [0, 1, 255, 2047, 2048, 2049, 5000, 100_003, 1_000_000])
def test_lanes_give_what_bytes_give(length: int) -> None:
    data = random.Random(1).randbytes(length)
    total = crc.Crc(crc.CRC32)
    total.update(data[: length // 3])
    total.update(data[length // 3 :])
    assert int.from_bytes(total.digest(), "big") == zlib.crc32(data)


@pytest.mark.parametrize("algorithm", ["crc32", "crc32c", "crc64nvme"])
def test_crcs_of_parts_combine_to_that_of_the_whole(algorithm: str) -> None:
    data = random.Random(2).randbytes(30_000)
    pieces = [data[:1], data[1:20_000], b"", data[20_000:]]

    def sum_up(content: bytes) -> str:
        checksum = CHECKSUMS[algorithm]()
        checksum.update(content)
        return base64.b64encode(checksum.digest()).decode()

    parts = [(sum_up(piece), len(piece)) for piece in pieces]
    assert combine_checksums(algorithm, "FULL_OBJECT", parts) == sum_up(data)
    digests = b"".join(base64.b64decode(value) for value, _ in parts)
    assert combine_checksums(algorithm, "COMPOSITE", parts) == f"{sum_up(digests)}-4"
