"""The operations that are served: the one list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gyropilot.api.operations import (
    automl_jobs,
    bucket_settings,
    buckets,
    copies,
    endpoint_configs,
    endpoints,
    identity,
    listings,
    logs,
    models,
    object_tags,
    objects,
    roles,
    runtime,
    tags,
    training_jobs,
    transform_jobs,
    tuning_parts,
    uploads,
)
from gyropilot.api.operations.context import Operation


@dataclass(frozen=True)
class ServedOperation:
    """One operation and what does it."""

    service: str
    name: str
    function: Operation


SERVED = (
    ServedOperation("sagemaker", "CreateAutoMLJob", automl_jobs.create_auto_ml_job),
    ServedOperation("sagemaker", "CreateAutoMLJobV2", automl_jobs.create_auto_ml_job_v2),
    ServedOperation("sagemaker", "DescribeAutoMLJob", automl_jobs.describe_auto_ml_job),
    ServedOperation("sagemaker", "DescribeAutoMLJobV2", automl_jobs.describe_auto_ml_job_v2),
    ServedOperation("sagemaker", "ListAutoMLJobs", automl_jobs.list_auto_ml_jobs),
    ServedOperation("sagemaker", "StopAutoMLJob", automl_jobs.stop_auto_ml_job),
    ServedOperation("sagemaker", "ListCandidatesForAutoMLJob", automl_jobs.list_candidates_for_auto_ml_job),
    ServedOperation("sagemaker", "CreateTrainingJob", training_jobs.create_training_job),
    ServedOperation("sagemaker", "DescribeTrainingJob", training_jobs.describe_training_job),
    ServedOperation("sagemaker", "ListTrainingJobs", training_jobs.list_training_jobs),
    ServedOperation("sagemaker", "StopTrainingJob", training_jobs.stop_training_job),
    ServedOperation("sagemaker", "DescribeProcessingJob", tuning_parts.describe_processing_job),
    ServedOperation("sagemaker", "ListProcessingJobs", tuning_parts.list_processing_jobs),
    ServedOperation("sagemaker", "StopProcessingJob", tuning_parts.stop_processing_job),
    ServedOperation("sagemaker", "CreateTransformJob", transform_jobs.create_transform_job),
    ServedOperation("sagemaker", "DescribeTransformJob", transform_jobs.describe_transform_job),
    ServedOperation("sagemaker", "ListTransformJobs", transform_jobs.list_transform_jobs),
    ServedOperation("sagemaker", "StopTransformJob", transform_jobs.stop_transform_job),
    ServedOperation("sagemaker", "DescribeHyperParameterTuningJob", tuning_parts.describe_hyper_parameter_tuning_job),
    ServedOperation("sagemaker", "ListHyperParameterTuningJobs", tuning_parts.list_hyper_parameter_tuning_jobs),
    ServedOperation("sagemaker", "StopHyperParameterTuningJob", tuning_parts.stop_hyper_parameter_tuning_job),
    ServedOperation(
        "sagemaker", "ListTrainingJobsForHyperParameterTuningJob", tuning_parts.list_training_jobs_for_tuning_job
    ),
    ServedOperation("sagemaker", "CreateModel", models.create_model),
    ServedOperation("sagemaker", "DescribeModel", models.describe_model),
    ServedOperation("sagemaker", "ListModels", models.list_models),
    ServedOperation("sagemaker", "DeleteModel", models.delete_model),
    ServedOperation("sagemaker", "CreateEndpointConfig", endpoint_configs.create_endpoint_config),
    ServedOperation("sagemaker", "DescribeEndpointConfig", endpoint_configs.describe_endpoint_config),
    ServedOperation("sagemaker", "ListEndpointConfigs", endpoint_configs.list_endpoint_configs),
    ServedOperation("sagemaker", "DeleteEndpointConfig", endpoint_configs.delete_endpoint_config),
    ServedOperation("sagemaker", "CreateEndpoint", endpoints.create_endpoint),
    ServedOperation("sagemaker", "UpdateEndpoint", endpoints.update_endpoint),
    ServedOperation("sagemaker", "DescribeEndpoint", endpoints.describe_endpoint),
    ServedOperation("sagemaker", "ListEndpoints", endpoints.list_endpoints),
    ServedOperation("sagemaker", "DeleteEndpoint", endpoints.delete_endpoint),
    ServedOperation("sagemaker", "AddTags", tags.add_tags),
    ServedOperation("sagemaker", "ListTags", tags.list_tags),
    ServedOperation("sagemaker", "DeleteTags", tags.delete_tags),
    ServedOperation("sagemaker-runtime", "InvokeEndpoint", runtime.invoke_endpoint),
    ServedOperation("s3", "CreateBucket", buckets.create_bucket),
    ServedOperation("s3", "HeadBucket", buckets.head_bucket),
    ServedOperation("s3", "ListBuckets", buckets.list_buckets),
    ServedOperation("s3", "DeleteBucket", buckets.delete_bucket),
    ServedOperation("s3", "GetBucketLocation", buckets.get_bucket_location),
    ServedOperation("s3", "PutBucketTagging", object_tags.put_bucket_tagging),
    ServedOperation("s3", "GetBucketTagging", object_tags.get_bucket_tagging),
    ServedOperation("s3", "DeleteBucketTagging", object_tags.delete_bucket_tagging),
    *(ServedOperation("s3", name, function) for name, function in bucket_settings.SETTINGS.items()),
    ServedOperation("s3", "ListObjectsV2", listings.list_objects_v2),
    ServedOperation("s3", "ListObjects", listings.list_objects),
    ServedOperation("s3", "ListObjectVersions", listings.list_object_versions),
    ServedOperation("s3", "PutObject", objects.put_object),
    ServedOperation("s3", "GetObject", objects.get_object),
    ServedOperation("s3", "HeadObject", objects.head_object),
    ServedOperation("s3", "GetObjectAttributes", objects.get_object_attributes),
    ServedOperation("s3", "CopyObject", copies.copy_object),
    ServedOperation("s3", "PutObjectTagging", object_tags.put_object_tagging),
    ServedOperation("s3", "GetObjectTagging", object_tags.get_object_tagging),
    ServedOperation("s3", "DeleteObjectTagging", object_tags.delete_object_tagging),
    ServedOperation("s3", "DeleteObject", objects.delete_object),
    ServedOperation("s3", "DeleteObjects", objects.delete_objects),
    ServedOperation("s3", "CreateMultipartUpload", uploads.create_multipart_upload),
    ServedOperation("s3", "UploadPart", uploads.upload_part),
    ServedOperation("s3", "UploadPartCopy", copies.upload_part_copy),
    ServedOperation("s3", "ListParts", uploads.list_parts),
    ServedOperation("s3", "ListMultipartUploads", listings.list_multipart_uploads),
    ServedOperation("s3", "CompleteMultipartUpload", uploads.complete_multipart_upload),
    ServedOperation("s3", "AbortMultipartUpload", uploads.abort_multipart_upload),
    ServedOperation("sts", "GetCallerIdentity", identity.get_caller_identity),
    ServedOperation("iam", "GetRole", roles.get_role),
    ServedOperation("iam", "SimulatePrincipalPolicy", roles.simulate_principal_policy),
    ServedOperation("logs", "DescribeLogGroups", logs.describe_log_groups),
    ServedOperation("logs", "DescribeLogStreams", logs.describe_log_streams),
    ServedOperation("logs", "GetLogEvents", logs.get_log_events),
    ServedOperation("logs", "FilterLogEvents", logs.filter_log_events),
)
"""Every operation that is served; the others are refused as not implemented."""

BY_NAME: Mapping[tuple[str, str], Operation] = {(served.service, served.name): served.function for served in SERVED}
