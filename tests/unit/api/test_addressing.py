from __future__ import annotations

import pytest

from gyropilot.api.addressing import find_bucket, remove_bucket

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


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("bucket.localhost:8437", "localhost:8437"),
        ("a.b.c.s3.example.org", "s3.example.org"),
        ("127.0.0.1:8437", "127.0.0.1:8437"),
        ("bucket.elsewhere", "bucket.elsewhere"),
    ],
)
def test_a_host_without_its_bucket(host: str, server: str) -> None:
    assert remove_bucket(host, DOMAINS) == server
