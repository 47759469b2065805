"""The reports of a job: what lies among its documents, and what the API names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from gyropilot.sdk import Session

SUFFIXES = (".html", ".pdf", ".ipynb")
"""What is a report, the handiest to read first."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report."""

    bucket: str
    key: str
    size: int
    """Its bytes."""
    place: str
    """Its key within the job's folder."""

    @property
    def address(self) -> str:
        """Its `s3://` address."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def folder(self) -> str:
        """The `s3://` address of the job's folder."""
        return self.address.removesuffix(self.place)


def list_reports(session: Session, job: str) -> list[Report]:
    """Return the reports of a job: HTML, PDF and notebooks below its output, whatever wrote them.

    Raises:
        botocore.exceptions.ClientError: when there is no such job.
    """
    document = session.describe_auto_ml_job_v2(job)
    bucket, prefix = _split(document["OutputDataConfig"]["S3OutputPath"])
    folder = f"{prefix.rstrip('/')}/{job}/".lstrip("/")
    found = {report.address: report for report in _list(session, bucket, folder)}
    named = set(_find_addresses([document.get("AutoMLJobArtifacts"), document.get("BestCandidate")]))
    for address in sorted(named):
        found |= {report.address: report for report in _list_named(session, address, folder)}
    return sorted(found.values(), key=_rank)


def _list(session: Session, bucket: str, folder: str, below: str | None = None) -> Iterator[Report]:
    pages = session.s3_client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=below or folder)
    for page in pages:
        for each in page.get("Contents", []):
            if each["Key"].endswith(SUFFIXES):
                yield Report(bucket=bucket, key=each["Key"], size=each["Size"], place=each["Key"].removeprefix(folder))


def _list_named(session: Session, address: str, folder: str) -> Iterator[Report]:
    """Return what lies at a location that the API names, which may be an object or a folder."""
    bucket, key = _split(address)
    return _list(session, bucket, folder, key)


def _find_addresses(value: Any) -> Iterable[str]:
    """Return every `s3://` address in a document that stands for a report or a folder of them."""
    if isinstance(value, dict):
        return [found for name, each in value.items() if name != "ModelDataUrl" for found in _find_addresses(each)]
    if isinstance(value, list):
        return [found for each in value for found in _find_addresses(each)]
    return [value] if isinstance(value, str) and value.startswith("s3://") else []


def _rank(report: Report) -> tuple[int, int, str]:
    """Order by what is handiest to read, and what lies higher up before what lies deeper."""
    path = PurePosixPath(report.place)
    return SUFFIXES.index(path.suffix), len(path.parts), report.place


def _split(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.netloc, parts.path.lstrip("/")
