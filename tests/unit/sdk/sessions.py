"""A session for tests that send nothing: requests are taken down at the moment when they would be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gyropilot.sdk import Session

NOWHERE = "http://127.0.0.1:9"
ROLE = "arn:aws:iam::111122223333:role/Somebody"
OUT = "s3://bucket/out"
CREATING = ("CreateAutoMLJob", "CreateAutoMLJobV2", "CreateTransformJob", "CreateTrainingJob")


class TakenDownError(Exception):
    """A request, at the moment when it would be sent."""


def open_session(home: Path, **options: Any) -> Session:
    """Return a session without a server, whose requests for jobs are taken down."""
    keys = '{"keys": [{"access_key_id": "AKIATEST", "secret_access_key": "secret"}]}'
    (home / "credentials.json").write_text(keys)
    session = Session(
        endpoint_url=NOWHERE, home=home, **{"sagemaker_config": {}, "default_bucket": "bucket", **options}
    )
    for operation in CREATING:
        session.sagemaker_client.meta.events.register(f"provide-client-params.sagemaker.{operation}", _take_down)
    return session


def _take_down(params: dict[str, Any], **_: Any) -> None:
    raise TakenDownError(params)
