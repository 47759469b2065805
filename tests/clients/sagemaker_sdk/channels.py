"""Training and validation data in S3, an objective, tags, a bucket and a role; waiting with logs; taken up by its name.

    channels.py TRAINING VALIDATION REPORT

The tables are uploaded first, and REPORT is written: what the script was told, as JSON.
"""

import json
import sys
from pathlib import Path

from sagemaker import Session
from sagemaker.automl.automl import AutoML, AutoMLInput

training, validation, report = sys.argv[1:]

session = Session(default_bucket="a-bucket-of-their-own")  # the SDK makes it
channels = [
    AutoMLInput(
        inputs=session.upload_data(path, key_prefix=f"channels/{kind}"),
        target_attribute_name="income",
        channel_type=kind,
        content_type="text/csv;header=present",
    )
    for kind, path in (("training", training), ("validation", validation))
]
automl = AutoML(
    role="SageMakerRole",
    base_job_name="people",
    output_path=f"s3://{session.default_bucket()}/channels/output",
    problem_type="BinaryClassification",
    job_objective={"MetricName": "AUC"},
    mode="ENSEMBLING",
    max_candidates=2,
    total_job_runtime_in_seconds=120,
    tags=[{"Key": "team", "Value": "people"}],
    sagemaker_session=session,
)
automl.fit(channels)

name = automl.current_job_name
attached = AutoML.attach(name, sagemaker_session=session)
told = {
    "name": name,
    "job": attached.describe_auto_ml_job(),
    "attached": {
        "target": attached.target_attribute_name,
        "content_type": attached.content_type,
        "problem_type": attached.problem_type,
        "objective": attached.job_objective,
        "mode": attached.mode,
        "max_candidates": attached.max_candidate,
        "output_path": attached.output_path,
        "role": attached.role,
        "tags": attached.tags,
    },
    "best": attached.best_candidate(),
    "worst_first": attached.list_candidates(sort_by="FinalObjectiveMetricValue", sort_order="Ascending"),
    "one": attached.list_candidates(max_results=1),
    "failed": attached.list_candidates(status_equals="Failed"),
    "named": attached.list_candidates(candidate_name=attached.best_candidate()["CandidateName"]),
}
Path(report).write_text(json.dumps(told, default=str))
