"""Chooses where everything is kept."""

from __future__ import annotations

from dataclasses import dataclass

from gyropilot.service.ports import BlobStore, HeaderReader, LogStore, RecordStore
from gyropilot.settings import Settings
from gyropilot.storage.audit_file import AuditFile
from gyropilot.storage.blobs_folder import FolderBlobStore
from gyropilot.storage.credentials import FileCredentials
from gyropilot.storage.databases import locate_sqlite
from gyropilot.storage.headers import StoredHeaderReader
from gyropilot.storage.logs_folder import FolderLogStore
from gyropilot.storage.records_sql import SqlRecordStore


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The stores of one installation; whoever opened them closes `records`."""

    records: RecordStore
    """Jobs, candidates, models, endpoints."""
    records_are_near: bool
    """Whether they are on this machine, and reading one takes a fraction of a millisecond."""
    blobs: BlobStore
    """Tables, models, reports."""
    headers: HeaderReader
    """Column names of tables among the blobs."""
    logs: LogStore
    """What workers said."""
    credentials: FileCredentials
    """Who may sign requests."""
    audit: AuditFile
    """Who did what."""


def open_stores(settings: Settings) -> Stores:
    """Open the stores that the settings ask for; several processes may do so at once."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    blobs = _open_blobs(settings)
    url = settings.database_url or locate_sqlite(settings.home / "records.db")
    return Stores(
        records=SqlRecordStore(url),
        records_are_near=str(url).startswith("sqlite"),
        blobs=blobs,
        headers=StoredHeaderReader(blobs),
        logs=FolderLogStore(settings.home / "logs"),
        credentials=FileCredentials(settings.home),
        audit=AuditFile(settings.home / "audit"),
    )


def _open_blobs(settings: Settings) -> BlobStore:
    if settings.s3_endpoint:
        from gyropilot.storage.blobs_s3 import open_s3  # late: botocore is slow to load

        return open_s3(settings.s3_endpoint, settings.region)
    return FolderBlobStore(settings.home / "blobs")
