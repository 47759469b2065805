"""Puts what jobs learn from into S3: paths of this machine and frames; what is there already stays where it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyropilot.sdk.frames import PARQUET, is_frame, write_parquet

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session

FRAME_NAME = "table.parquet"


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """Data in S3."""

    address: str
    """Where it lies."""
    content_type: str | None = None
    """What it is; None: nothing tells."""
    compression: str | None = None
    """How it is packed; None: nothing tells."""

    def choose_content_type(self, given: str | None) -> str | None:
        """Return the content type that somebody gave, or what the data tells.

        Raises:
            ValueError: when a frame, which was written as Parquet, is to be something else.
        """
        if given not in {None, PARQUET} and self.address.endswith(f"/{FRAME_NAME}"):
            raise ValueError(f"A frame is sent as {PARQUET}, not as {given!r}; leave content_type out.")
        return given or self.content_type


def is_local(data: Any) -> bool:
    """Tell whether data is a frame, or a path of this machine."""
    return is_frame(data) or isinstance(data, Path) or (isinstance(data, str) and not data.startswith("s3://"))


def upload(session: Session, data: Any, prefix: str, *, folder: str = "") -> Uploaded:
    """Upload a path or a frame and say where it is and, by a file's name, what it is.

    Args:
        session: where to.
        data: a path, a `file://` address or a frame; an `s3://` address is given back.
        prefix: what keys begin with.
        folder: a further part of the keys of frames, which have no names of their own.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when a frame cannot be written.
    """
    if is_frame(data):
        bucket, key = session.default_location(prefix, folder, FRAME_NAME)
        session.s3_client.put_object(Bucket=bucket, Key=key, Body=write_parquet(data))
        return Uploaded(address=f"s3://{bucket}/{key}", content_type=PARQUET)
    if not is_local(data):
        return Uploaded(address=data)
    path = data if isinstance(data, Path) else Path(data.removeprefix("file://"))
    suffix = path.suffix.lower()
    return Uploaded(
        address=session.upload_data(path, key_prefix=prefix),
        content_type=PARQUET if suffix in {".parquet", ".pq"} else None,
        compression="Gzip" if suffix == ".gz" else None,
    )
