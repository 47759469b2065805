"""One script for two packages, the SageMaker SDK and Gyropilot: from a file to predictions of both kinds.

    either.py PACKAGE JOB TABLE ROWS REPORT

PACKAGE is `sagemaker` or `gyropilot`, JOB the name of the job, TABLE is learned from, ROWS are predicted, and REPORT is
written: what the script was told, as JSON. Only where the classes come from differs.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

package, name, table, rows, report = sys.argv[1:]


def load(name: str, home: str) -> Any:
    return getattr(import_module("gyropilot" if package == "gyropilot" else home), name)


Session = load("Session", "sagemaker")
AutoML = load("AutoML", "sagemaker.automl.automl")
AutoMLInput = load("AutoMLInput", "sagemaker.automl.automl")
AutoMLV2 = load("AutoMLV2", "sagemaker.automl.automlv2")
CandidateEstimator = load("CandidateEstimator", "sagemaker.automl.candidate_estimator")
CSVDeserializer = load("CSVDeserializer", "sagemaker.deserializers")
Predictor = load("Predictor", "sagemaker.predictor")
CSVSerializer = load("CSVSerializer", "sagemaker.serializers")
Transformer = load("Transformer", "sagemaker.transformer")

told: dict[str, Any] = {}


def attempt(key: str, call: Any) -> None:
    try:
        told[key] = call()
    except Exception as error:  # the report tells of whatever comes
        told[key] = [type(error).__name__, str(error)]


# --- a job ------------------------------------------------------------------------------------------------------------

session = Session()
bucket = session.default_bucket()
told["bucket"] = bucket
address = session.upload_data(table, key_prefix="either")
told["address"] = address
automl = AutoML(
    problem_type="BinaryClassification",
    job_objective={"MetricName": "AUC"},
    mode="ENSEMBLING",
    max_candidates=2,
    total_job_runtime_in_seconds=120,
    volume_kms_key="arn:aws:kms:us-east-1:000000000000:key/volume",
    vpc_config={"Subnets": ["subnet-12345678"], "SecurityGroupIds": ["sg-12345678"]},
    tags=[{"Key": "team", "Value": "people"}],
    sagemaker_session=session,
)
channel = AutoMLInput(address, "income", channel_type="training", content_type="text/csv;header=present")
automl.fit([channel], wait=False, logs=False, job_name=name)
told["running"] = [automl.current_job_name, automl.latest_auto_ml_job.name]
told["waited"] = session.wait_for_auto_ml_job(name, poll=1)["AutoMLJobStatus"]
told["job"] = automl.latest_auto_ml_job.describe()

attached = AutoML.attach(name, sagemaker_session=session)
told["attached"] = {
    member: getattr(attached, member)
    for member in (
        "current_job_name",
        "role",
        "target_attribute_name",
        "output_kms_key",
        "output_path",
        "compression_type",
        "content_type",
        "s3_data_type",
        "sample_weight_attribute_name",
        "volume_kms_key",
        "encrypt_inter_container_traffic",
        "vpc_config",
        "problem_type",
        "max_candidate",
        "max_runtime_per_training_job_in_seconds",
        "total_job_runtime_in_seconds",
        "job_objective",
        "generate_candidate_definitions_only",
        "feature_specification_s3_uri",
        "validation_fraction",
        "mode",
        "tags",
    )
}
later = AutoMLV2.attach(name, sagemaker_session=session)
told["later"] = [vars(later.problem_config), later.job_objective, [vars(found) for found in later.inputs], later.tags]
told["converted"] = vars(AutoMLV2.from_auto_ml(attached).problem_config)

# --- its candidates ---------------------------------------------------------------------------------------------------

best = attached.best_candidate()
told["best"] = best
told["candidates"] = attached.list_candidates()
told["worst_first"] = attached.list_candidates(sort_by="FinalObjectiveMetricValue", sort_order="Ascending")
told["one"] = len(attached.list_candidates(max_results=1))
told["failed"] = attached.list_candidates(status_equals="Failed")
told["named"] = attached.list_candidates(candidate_name=best["CandidateName"])
estimator = CandidateEstimator(best, sagemaker_session=session)
told["estimator"] = [estimator.name, [dict(step) for step in estimator.steps], estimator.containers]
told["steps"] = [[step.name, step.type, step.inputs, step.description] for step in estimator.get_steps()]

estimator.fit(address, logs=False)
jobs = session.sagemaker_client.list_training_jobs(NameContains="rerun", SortBy="CreationTime")["TrainingJobSummaries"]
told["again"] = [estimator.name, estimator.steps]
told["trained"] = "Completed" in {job["TrainingJobStatus"] for job in jobs}

# --- an endpoint ------------------------------------------------------------------------------------------------------

model = attached.create_model(
    name=f"{name}-model",
    candidate=attached.list_candidates(candidate_name=best["CandidateName"])[0],
    predictor_cls=Predictor,
    inference_response_keys=["predicted_label", "probability"],
)
predictor = model.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
    endpoint_name=f"{name}-endpoint",
    tags=[{"Key": "team", "Value": "people"}],
    wait=False,
)
endpoint = session.wait_for_endpoint(f"{name}-endpoint", poll=1)
client = session.sagemaker_client
told["model"] = client.describe_model(ModelName=f"{name}-model")
told["config"] = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
told["endpoint"] = [endpoint["EndpointStatus"], session.list_tags(endpoint["EndpointArn"])]
told["text"] = predictor.predict(Path(rows).read_text())
told["listed"] = predictor.predict([line.split(",") for line in Path(rows).read_text().splitlines()])
predictor.delete_model()
predictor.delete_endpoint()

# --- files ------------------------------------------------------------------------------------------------------------

pipeline = attached.create_model(name=f"{name}-files", candidate=best)
transformer = pipeline.transformer(
    instance_count=1, instance_type="ml.m5.large", assemble_with="Line", output_path=f"s3://{bucket}/either/{name}"
)
data = session.upload_data(rows, key_prefix="either/rows")
transformer.transform(
    data, content_type="text/csv", split_type="Line", job_name=f"{name}-transform", wait=False, logs=False
)
told["transform"] = session.wait_for_transform_job(f"{name}-transform", poll=1)
told["files"] = session.list_s3_files(bucket, f"either/{name}/")
told["predicted"] = session.read_s3_file(bucket, f"either/{name}/asked.csv.out")
again = Transformer.attach(f"{name}-transform", sagemaker_session=session)
told["transformer"] = [again.model_name, again.assemble_with, again.output_path, again.instance_count]
pipeline.delete_model()

# --- what goes wrong --------------------------------------------------------------------------------------------------

attempt("twice", lambda: automl.fit([channel], wait=False, logs=False, job_name=name))
attempt(
    "no_target",
    lambda: AutoML(target_attribute_name="y", mode="AUTO", sagemaker_session=session).fit(
        address, wait=False, logs=False
    ),
)
attempt("keys", lambda: attached.create_model("none", candidate=best, inference_response_keys=["odds"]))
attempt("no_job", lambda: AutoML.attach("no-such-job", sagemaker_session=session))
attempt("no_address", lambda: transformer.transform("rows.csv"))
attempt("half_a_goal", lambda: AutoML(problem_type="Regression", sagemaker_session=session))
attempt("no_form", lambda: automl.fit({"a": 1}, wait=False, logs=False))
attempt("no_logs", lambda: estimator.fit(address, wait=False, logs=True))

Path(report).write_text(json.dumps(told, default=str))
