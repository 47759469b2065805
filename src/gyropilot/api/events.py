"""Changes of jobs as events in the form that EventBridge gives those of AWS."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import orjson

from gyropilot.service.identity import Identity
from gyropilot.service.records import AutoMLJob
from gyropilot.service.states import JobStatus

SOURCE = "gyropilot.sagemaker"
DETAIL_TYPE = "SageMaker AutoML Job State Change"
_NAMESPACE = uuid.UUID("6a3c3f0e-7f3d-4a39-9b0e-5c5f3b1f2d11")


def write_state_change(job: AutoMLJob, number: int, identity: Identity) -> bytes:
    """Return the event for a job's change of this number; its id is the same each time it is sent."""
    change, arn = job.history[number], identity.job_arn(job.name)
    detail = {
        "AutoMLJobName": job.name,
        "AutoMLJobArn": arn,
        "AutoMLJobStatus": change.status.value,
        "AutoMLJobSecondaryStatus": change.step.value,
        "CreationTime": _milliseconds(job.created_at),
        "LastModifiedTime": _milliseconds(change.at),
        "SequenceNumber": number,
    }
    if change.status is JobStatus.FAILED and job.failure_reason:
        detail["FailureReason"] = job.failure_reason
    return orjson.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid5(_NAMESPACE, f"{arn} {_milliseconds(job.created_at)} {number}")),
            "detail-type": DETAIL_TYPE,
            "source": SOURCE,
            "account": identity.account_id,
            "time": change.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": identity.region,
            "resources": [arn],
            "detail": detail,
        }
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
