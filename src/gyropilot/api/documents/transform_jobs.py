"""Transform jobs as AWS's documents, and the rules across their fields."""

from __future__ import annotations

from typing import Any, NoReturn

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.identity import Identity
from gyropilot.service.records import Transform, TransformJob

MEGABYTE = 1024 * 1024
DEFAULT_PAYLOAD = 6
"""Megabytes of a request, unless told: what AWS's containers for tables ask for."""
MAX_PAYLOAD = 100
"""Megabytes of a request at most, and of all requests at once."""

ECHOED = (
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformResources",
    "ExperimentConfig",
)
"""Members of the request that describe gives back exactly as they were sent, and only if they were."""

WHOLE = {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
"""What data processing is unless told."""


def read_transform(params: dict[str, Any]) -> Transform:
    """Return what a create request asks for.

    Raises:
        InvalidRequestError: when its members contradict each other, or ask for what Gyropilot does not do yet.
    """
    source, output = params["TransformInput"], params["TransformOutput"]
    processing = {**WHOLE, **params.get("DataProcessing", {})}
    data = source["DataSource"]["S3DataSource"]
    _check_kinds(params, data, source)
    _check_payload(params)
    _check_processing(processing, source, output)
    payload = params.get("MaxPayloadInMB", DEFAULT_PAYLOAD)
    return Transform(
        input_uri=data["S3Uri"],
        is_manifest=data["S3DataType"] == "ManifestFile",
        compression="gzip" if source.get("CompressionType") == "Gzip" else "",
        content_type=source.get("ContentType", ""),
        splits_lines=source.get("SplitType") == "Line",
        is_single_record=params.get("BatchStrategy") == "SingleRecord",
        max_payload_bytes=payload * MEGABYTE or None,
        max_concurrent=params.get("MaxConcurrentTransforms", 0),
        environment=params.get("Environment", {}),
        input_filter=processing["InputFilter"],
        joins_input=processing["JoinSource"] == "Input",
        output_filter=processing["OutputFilter"],
        output_uri=output["S3OutputPath"],
        accept=output.get("Accept", ""),
        assembles_lines=output.get("AssembleWith") == "Line",
    )


def _check_kinds(params: dict[str, Any], data: dict[str, Any], source: dict[str, Any]) -> None:
    kind, split = data["S3DataType"], source.get("SplitType", "None")
    if kind not in ("S3Prefix", "ManifestFile"):
        _refuse(f"S3DataType {kind} is not supported for transform jobs; use S3Prefix or ManifestFile.")
    if split not in ("None", "Line"):
        _refuse(f"SplitType {split} is not supported by the models of Gyropilot; use None or Line.")
    if "DataCaptureConfig" in params:
        _refuse("Gyropilot does not support DataCaptureConfig yet. Leave it out.")


def _check_payload(params: dict[str, Any]) -> None:
    payload, concurrent = params.get("MaxPayloadInMB"), params.get("MaxConcurrentTransforms")
    if payload is not None and payload > MAX_PAYLOAD:
        _refuse(f"MaxPayloadInMB must be less than or equal to {MAX_PAYLOAD}, not {payload}.")
    if payload and concurrent and payload * concurrent > MAX_PAYLOAD:
        _refuse(
            f"MaxConcurrentTransforms * MaxPayloadInMB must be less than or equal to {MAX_PAYLOAD}, "
            f"not {concurrent} * {payload}."
        )


def _check_processing(processing: dict[str, Any], source: dict[str, Any], output: dict[str, Any]) -> None:
    if processing == WHOLE:
        return
    if source.get("SplitType", "None") != "Line":
        _refuse("DataProcessing requires SplitType Line: filters and JoinSource work on records.")
    is_changed = processing["JoinSource"] == "Input" or processing["OutputFilter"] != "$"
    if is_changed and output.get("AssembleWith", "None") != "Line":
        _refuse("JoinSource Input and OutputFilter require AssembleWith Line.")


def describe_transform_job(job: TransformJob, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeTransformJob`."""
    request = job.request
    document = {
        **{name: request[name] for name in ECHOED if name in request},
        **_describe_progress(job, identity),
        "TransformInput": {"CompressionType": "None", "SplitType": "None", **request["TransformInput"]},
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **request["TransformOutput"]},
        "DataProcessing": {**WHOLE, **request.get("DataProcessing", {})},
    }
    if job.started_at is not None:
        document["TransformStartTime"] = job.started_at
    return document


def summarize_transform_job(job: TransformJob, identity: Identity) -> dict[str, Any]:
    """Return a `TransformJobSummary`."""
    return {**_describe_progress(job, identity), "LastModifiedTime": job.modified_at}


def _describe_progress(job: TransformJob, identity: Identity) -> dict[str, Any]:
    document: dict[str, Any] = {
        "TransformJobName": job.name,
        "TransformJobArn": identity.transform_job_arn(job.name),
        "TransformJobStatus": job.status.value,
        "CreationTime": job.created_at,
    }
    if job.ended_at is not None:
        document["TransformEndTime"] = job.ended_at
    if job.failure_reason:
        document["FailureReason"] = job.failure_reason
    return document


def _refuse(message: str) -> NoReturn:
    raise InvalidRequestError(message)
