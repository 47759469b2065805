from __future__ import annotations

import pytest

from gyropilot.api.addressing import find_bucket

DOMAINS = ("localhost", "s3.example.org", "example.org")


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("localhost:8437", ""),
        ("bucket.localhost:8437", "bucket"),
        ("BUCKET.LocalHost", "bucket"),
        ("a.b.c.localhost", "a.b.c"),
        ("bucket.s3.example.org", "bucket"),
        ("s3.example.org", ""),
        ("s3.localhost", ""),
        ("127.0.0.1:8437", ""),
        ("[::1]:8437", ""),
        ("notlocalhost", ""),
        ("bucket.elsewhere", ""),
        ("", ""),
    ],
)
def test_the_bucket_of_a_host(host: str, bucket: str) -> None:
    assert find_bucket(host, DOMAINS) == bucket
