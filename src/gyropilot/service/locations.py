"""Places in the blob store, written as `s3://bucket/key`."""

from __future__ import annotations

from dataclasses import dataclass

from gyropilot.service.errors import InvalidRequestError


@dataclass(frozen=True)
class Location:
    """A bucket and a key or prefix in it."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Location:
        """Read `s3://bucket/key`; the key may be empty.

        Raises:
            InvalidRequestError: when the text has another form.
        """
        scheme, separator, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not separator or not bucket:
            raise InvalidRequestError(f"Invalid S3 URI '{uri}': expected s3://bucket/key.")
        return cls(bucket, key)

    def child(self, *names: str) -> Location:
        """Return the place below this one, with single slashes between."""
        return Location(self.bucket, "/".join([*([self.key.rstrip("/")] if self.key.rstrip("/") else []), *names]))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
