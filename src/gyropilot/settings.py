"""The settings of every program, read once from the environment at its start."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

QUOTAS = ("generous", "aws")
"""The profiles of quotas."""
REPORTS = ("all", "none")
"""Which reports there may be."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this installation runs. Each field has its variable: `GYROPILOT_` and the field's name in capitals."""

    home: Path
    """The state folder: records, blobs, keys, logs."""
    host: str = "127.0.0.1"
    """The address the server listens on."""
    port: int = 8437
    """The port the server listens on; 0: any free one."""
    region: str = "us-east-1"
    """The region in ARNs and signatures."""
    account_id: str = "000000000000"
    """The account in ARNs: 12 digits."""
    database_url: str = ""
    """SQLAlchemy URL of the record store; empty: SQLite in the state folder."""
    max_running_jobs: int = 1
    """How many jobs of a queue run at once; the others wait."""
    worker_cores: int = 0
    """Cores of one job's training; 0: all of the machine, divided by `max_running_jobs`."""
    lease_seconds: float = 15.0
    """How long a worker may be silent before its job is given to another."""
    max_attempts: int = 3
    """How many workers may die over one job before it fails."""
    quotas: str = "generous"
    """What jobs may ask for; aws: refuse what AWS would, generous: tell of it in the job's findings."""
    reports: str = "all"
    """The reports that jobs write for people to read; all, or none."""
    event_webhook_url: str = ""
    """Where every change of a job's state is posted as an event; empty: nowhere."""
    s3_endpoint: str = ""
    """Address of an S3 elsewhere that keeps the objects, "aws" for AWS's own; empty: they are kept here."""
    s3_domains: str = "localhost"
    """Names of the server, separated by commas; what stands before one of them in the name of a host is a bucket."""

    @property
    def s3_domain_names(self) -> tuple[str, ...]:
        """The names of `s3_domains`, in lower case."""
        return tuple(name.strip().lower() for name in self.s3_domains.split(",") if name.strip())

    def environment(self) -> dict[str, str]:
        """Return the variables that make another process read the same settings."""
        return {
            f"GYROPILOT_{name.upper()}": str(getattr(self, name))
            for name in self.__dataclass_fields__
            if name != "home"
        } | {"GYROPILOT_HOME": str(self.home)}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises:
        ValueError: when a variable has no meaning; names the variable, the rule and the value.
    """
    variables = os.environ if environment is None else environment
    values: dict[str, object] = {"home": Path(variables.get("GYROPILOT_HOME") or "~/.gyropilot").expanduser().resolve()}
    for name, field in Settings.__dataclass_fields__.items():
        text = variables.get(f"GYROPILOT_{name.upper()}", "")
        if name == "home" or not text:
            continue
        convert = {"int": int, "float": float, "str": str}[str(field.type)]
        try:
            values[name] = convert(text)
        except ValueError:
            raise ValueError(f"GYROPILOT_{name.upper()} must be {field.type}, not {text!r}") from None
    settings = Settings(**values)  # type: ignore[arg-type]  # each value was converted by its field's type
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if not (len(settings.account_id) == 12 and settings.account_id.isascii() and settings.account_id.isdigit()):
        raise ValueError(f"GYROPILOT_ACCOUNT_ID must be 12 digits, not {settings.account_id!r}")
    if not 0 <= settings.port <= 65535:
        raise ValueError(f"GYROPILOT_PORT must be 0 to 65535, not {settings.port}")
    for name in ("max_running_jobs", "max_attempts"):
        if getattr(settings, name) < 1:
            raise ValueError(f"GYROPILOT_{name.upper()} must be at least 1, not {getattr(settings, name)}")
    if settings.quotas not in QUOTAS:
        raise ValueError(f"GYROPILOT_QUOTAS must be one of {', '.join(QUOTAS)}, not {settings.quotas!r}")
    if settings.reports not in REPORTS:
        raise ValueError(f"GYROPILOT_REPORTS must be one of {', '.join(REPORTS)}, not {settings.reports!r}")
    if settings.s3_endpoint not in ("", "aws") and not settings.s3_endpoint.startswith(("http://", "https://")):
        raise ValueError(
            f"GYROPILOT_S3_ENDPOINT must be an address that begins with http:// or https://, or aws, "
            f"not {settings.s3_endpoint!r}"
        )
    if settings.event_webhook_url and not _is_web_address(settings.event_webhook_url):
        raise ValueError("GYROPILOT_EVENT_WEBHOOK_URL must begin with http:// or https:// and name a host")
    if settings.worker_cores < 0:
        raise ValueError(f"GYROPILOT_WORKER_CORES must be 0 or more, not {settings.worker_cores}")
    if not 0 < settings.lease_seconds < math.inf:
        raise ValueError(f"GYROPILOT_LEASE_SECONDS must be above 0 and finite, not {settings.lease_seconds}")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
