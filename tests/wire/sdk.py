"""What tests of the SDK against an installation begin with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gyropilot import AutoML, Session
from gyropilot.service.records import Candidate, Container, Metric
from gyropilot.service.states import CandidateStatus
from tests.wire.installation import IDENTITY, KEY, SECRET

BUCKET = "sagemaker-us-east-1-000000000000"
TABLE = "x,y\n1,a\n2,b\n"


def make_home(folder: Path) -> Path:
    """Return a state folder that holds the keys of the tests' installation."""
    keys = [{"access_key_id": KEY, "secret_access_key": SECRET}]
    (folder / "credentials.json").write_text(json.dumps({"keys": keys}))
    return folder


def start(session: Session, table: Any, name: str, **options: Any) -> AutoML:
    automl = AutoML(target_attribute_name="y", mode="ENSEMBLING", sagemaker_session=session, **options)
    automl.fit(table, wait=False, logs=False, job_name=name)
    return automl


def candidate(job: str, number: int, value: float) -> Candidate:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    metric = Metric(name="f1", value=value, higher_is_better=True)
    url = f"s3://{BUCKET}/{job}/{number}/model.tar.gz"
    return Candidate(
        name=f"{job}-c{number:03}",
        parent=job,
        created_at=moment,
        modified_at=moment,
        ended_at=moment,
        status=CandidateStatus.COMPLETED,
        algorithm="lightgbm",
        parameters={},
        objective=metric,
        metrics=(metric,),
        latency_seconds=0.001,
        containers=(Container(image=IDENTITY.ensembling_image, model_data_url=url),),
    )
