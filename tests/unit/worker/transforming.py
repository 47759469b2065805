"""Plans and records for tests of batch transform."""

from __future__ import annotations

import io
from typing import Any

from gyropilot.service.records import Container, Transform, TransformJob
from gyropilot.worker.transform.plan import TransformPlan, make_plan
from gyropilot.worker.transform.records import Batch, read_batches
from tests.unit.service.house import BEGINNING, IDENTITY

BOTH = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probability"}


def plan_for(environment: dict[str, str] | None = None, **asked: Any) -> TransformPlan:
    """Return the plan of a request: of lines, unless told otherwise."""
    container = Container(
        image=IDENTITY.ensembling_image, model_data_url="s3://data/model.tar.gz", environment=environment or BOTH
    )
    lines = {"splits_lines": True, "assembles_lines": True}
    transform = Transform(input_uri="s3://data/in/", output_uri="s3://data/out", **{**lines, **asked})
    job = TransformJob(
        name="batch",
        request={},
        transform=transform,
        containers=(container,),
        created_at=BEGINNING,
        modified_at=BEGINNING,
    )
    return make_plan(job, container.environment)


def read(content: bytes, plan: TransformPlan) -> list[Batch]:
    return list(read_batches(io.BytesIO(content), plan))


def records_of(content: bytes, plan: TransformPlan) -> list[tuple[int, Any]]:
    """Return the records of an object with their lines."""
    batches = read(content, plan)
    return [pair for batch in batches for pair in zip(batch.lines, batch.records, strict=True)]
