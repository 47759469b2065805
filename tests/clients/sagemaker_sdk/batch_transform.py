"""Predictions for whole objects: from a pipeline model's transformer, with logs, with a filter and a join.

    batch_transform.py JOB ROWS REPORT

JOB has ended, ROWS are predicted, and REPORT is written: what the script was told, as JSON.
"""

import json
import sys
from pathlib import Path

from sagemaker import Session
from sagemaker.automl.automl import AutoML
from sagemaker.s3 import S3Downloader
from sagemaker.transformer import Transformer

job, rows, report = sys.argv[1:]

session = Session()
bucket = session.default_bucket()
uri = session.upload_data(rows, key_prefix="transform")
automl = AutoML.attach(job, sagemaker_session=session)
model = automl.create_model(name="transformed", inference_response_keys=["predicted_label", "probability"])
transformer = model.transformer(
    instance_count=1,
    instance_type="ml.m5.large",
    assemble_with="Line",
    output_path=f"s3://{bucket}/transform/plain",
    tags=[{"Key": "team", "Value": "people"}],
)
transformer.transform(uri, content_type="text/csv", split_type="Line", job_name="plain")
plain = S3Downloader.read_file(f"s3://{bucket}/transform/plain/asked.csv.out", sagemaker_session=session)

joining = Transformer(
    "transformed",
    instance_count=1,
    instance_type="ml.m5.large",
    strategy="MultiRecord",
    assemble_with="Line",
    accept="text/csv",
    max_payload=1,
    max_concurrent_transforms=1,
    env={"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"},
    base_transform_job_name="joined",
    sagemaker_session=session,
)
joining.transform(
    uri,
    content_type="text/csv",
    split_type="Line",
    join_source="Input",
    output_filter="$[0,-1]",
    wait=False,
    logs=False,
)
session.wait_for_transform_job(joining.latest_transform_job.name, poll=1)
joined = S3Downloader.read_file(f"{joining.output_path}/asked.csv.out", sagemaker_session=session)

attached = Transformer.attach("plain", sagemaker_session=session)
model.delete_model()

described = session.sagemaker_client.describe_transform_job(TransformJobName="plain")
told = {
    "plain": plain.splitlines(),
    "joined": joined.splitlines(),
    "joining_to": joining.output_path,
    "joining_name": joining.latest_transform_job.name,
    "attached": {
        "model": attached.model_name,
        "output_path": attached.output_path,
        "assemble_with": attached.assemble_with,
    },
    "job": described,
    "tags": session.list_tags(described["TransformJobArn"]),
}
Path(report).write_text(json.dumps(told, default=str))
