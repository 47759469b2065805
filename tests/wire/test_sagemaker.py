"""SageMaker, its runtime, sts and logs, with boto3 at the other end; the tests play the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.service.access import Role
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.records import Candidate, Container, Metric
from gyropilot.service.states import CandidateStatus, EndpointStatus, JobStatus, JobStep
from tests.wire.installation import IDENTITY, ROLE, Installation, key_of, run_installation
from tests.wire.requests import CONFIG, job_request, refused

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled() -> Iterator[Installation]:
    with run_installation() as installation:
        s3 = installation.client("s3")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="train/a.csv", Body=b"x,y\n1,a\n2,b\n")
        s3.put_object(Bucket="data", Key="models/model.tar.gz", Body=b"archive")
        yield installation


def test_a_job_from_its_creation_to_its_end(filled: Installation) -> None:
    sagemaker, jobs = filled.client("sagemaker"), filled.service.jobs
    made = sagemaker.create_auto_ml_job(**job_request("Churn-1", Tags=[{"Key": "team", "Value": "a"}]))
    assert made["AutoMLJobArn"] == IDENTITY.job_arn("Churn-1")

    seen = sagemaker.describe_auto_ml_job(AutoMLJobName="churn-1")
    assert seen["AutoMLJobName"] == "Churn-1"
    assert seen["AutoMLJobStatus"] == "InProgress"
    assert seen["InputDataConfig"][0]["ContentType"] == "text/csv;header=present"
    assert seen["InputDataConfig"][0]["ChannelType"] == "training"
    assert "CompressionType" not in seen["InputDataConfig"][0]
    assert seen["AutoMLJobConfig"] == CONFIG
    assert seen["OutputDataConfig"] == {"S3OutputPath": "s3://data/out/"}
    assert seen["GenerateCandidateDefinitionsOnly"] is False
    absent = {
        "ProblemType",
        "AutoMLJobObjective",
        "BestCandidate",
        "EndTime",
        "ResolvedAttributes",
        "ModelDeployConfig",
    }
    assert not absent & seen.keys()

    jobs.claim("Churn-1", "worker", 60)
    for number, value in enumerate([0.7, 0.9, 0.8]):
        jobs.report_candidate("Churn-1", candidate(number, value))
    jobs.report_candidate("Churn-1", replace(candidate(3, 0.0), objective=None, status=CandidateStatus.FAILED))
    changes = {"best_candidate": "Churn-1-c1", "resolved_problem_type": "binary", "resolved_objective": "f1"}
    jobs.report("Churn-1", "worker", findings=("one column was constant",), **changes)
    jobs.finish("Churn-1", "worker", Outcome(status=JobStatus.COMPLETED, step=JobStep.MAX_CANDIDATES_REACHED))

    seen = sagemaker.describe_auto_ml_job(AutoMLJobName="Churn-1")
    assert (seen["AutoMLJobStatus"], seen["AutoMLJobSecondaryStatus"]) == ("Completed", "MaxCandidatesReached")
    assert seen["EndTime"] >= seen["CreationTime"]
    assert seen["PartialFailureReasons"] == [{"PartialFailureMessage": "one column was constant"}]
    assert seen["ResolvedAttributes"] == {
        "ProblemType": "BinaryClassification",
        "AutoMLJobObjective": {"MetricName": "F1"},
        "CompletionCriteria": {"MaxCandidates": 3},
    }
    best = seen["BestCandidate"]
    assert best["CandidateName"] == "Churn-1-c1"
    assert best["FinalAutoMLJobObjectiveMetric"] == {
        "Type": "Maximize",
        "MetricName": "F1",
        "Value": pytest.approx(0.9),
        "StandardMetricName": "F1",
    }
    assert best["InferenceContainers"] == [
        {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/models/model.tar.gz", "Environment": {}}
    ]
    assert [metric.get("MetricName") for metric in best["CandidateProperties"]["CandidateMetrics"]] == [
        "F1",
        None,
        None,
    ]
    assert "CandidateArtifactLocations" not in best["CandidateProperties"]

    step = best["CandidateSteps"][0]
    training = sagemaker.describe_training_job(TrainingJobName=step["CandidateStepName"])
    assert training["TrainingJobArn"] == step["CandidateStepArn"]
    assert training["AutoMLJobArn"] == made["AutoMLJobArn"]
    assert training["HyperParameters"] == {"algorithm": "lightgbm", "depth": "6", "kind": "tree"}
    assert training["EnableNetworkIsolation"] is False
    assert training["EnableManagedSpotTraining"] is False

    with pytest.raises(ClientError) as error:
        sagemaker.stop_auto_ml_job(AutoMLJobName="Churn-1")
    assert refused(error) == (
        "ValidationException",
        "The request was rejected because the AutoML job is in status Completed.",
    )


def candidate(number: int, value: float) -> Candidate:
    moment = START + timedelta(seconds=number)
    metric = Metric(name="f1", value=value, higher_is_better=True)
    return Candidate(
        name=f"Churn-1-c{number}",
        parent="Churn-1",
        created_at=moment,
        modified_at=moment,
        ended_at=moment,
        status=CandidateStatus.COMPLETED,
        algorithm="lightgbm",
        parameters={"depth": 6, "kind": "tree"},
        objective=metric,
        metrics=(metric, Metric(name="log_loss", value=0.3, higher_is_better=False)),
        latency_seconds=0.001,
        containers=(Container(image=IDENTITY.ensembling_image, model_data_url="s3://data/models/model.tar.gz"),),
    )


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ({}, [3, 2, 1, 0]),
        ({"SortBy": "CreationTime"}, [0, 1, 2, 3]),
        ({"SortBy": "FinalObjectiveMetricValue"}, [0, 2, 1, 3]),
        ({"SortBy": "FinalObjectiveMetricValue", "SortOrder": "Descending"}, [1, 2, 0, 3]),
        ({"SortBy": "Status"}, [0, 1, 2, 3]),
        ({"StatusEquals": "Failed"}, [3]),
        ({"CandidateNameEquals": "Churn-1-c2"}, [2]),
    ],
)
def test_candidates_are_listed_in_order(filled: Installation, question: dict[str, str], numbers: list[int]) -> None:
    sagemaker = filled.client("sagemaker")
    pages = sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(
        AutoMLJobName="Churn-1", PaginationConfig={"PageSize": 3}, **question
    )
    found = [item["CandidateName"] for page in pages for item in page["Candidates"]]
    assert found == [f"Churn-1-c{number}" for number in numbers]


def test_jobs_are_listed_in_pages(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    for name in ("list-a", "list-b", "list-c"):
        sagemaker.create_auto_ml_job(**job_request(name))
    pages = sagemaker.get_paginator("list_auto_ml_jobs").paginate(
        NameContains="LIST-", PaginationConfig={"PageSize": 2}
    )
    found = [job["AutoMLJobName"] for page in pages for job in page["AutoMLJobSummaries"]]
    assert found == ["list-c", "list-b", "list-a"]
    token = sagemaker.list_auto_ml_jobs(NameContains="list-", MaxResults=1)["NextToken"]
    for bad in ({"NextToken": token}, {"NextToken": "nonsense", "NameContains": "list-"}):
        with pytest.raises(ClientError) as error:
            sagemaker.list_auto_ml_jobs(**bad)
        assert refused(error)[0] == "ValidationException"
    sagemaker.stop_auto_ml_job(AutoMLJobName="list-a")
    assert sagemaker.list_auto_ml_jobs(StatusEquals="Stopping")["AutoMLJobSummaries"][0]["AutoMLJobName"] == "list-a"
    later = datetime.now(UTC) + timedelta(days=1)
    assert sagemaker.list_auto_ml_jobs(CreationTimeAfter=later)["AutoMLJobSummaries"] == []


def algorithms(*entries: list[str]) -> dict[str, Any]:
    return {"CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": names} for names in entries]}}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"AutoMLJobName": "churn-1"}, "ResourceInUse", "AutoML job names must be unique"),
        (
            {"AutoMLJobName": "no_underscore"},
            "ValidationException",
            "1 validation error detected: Value 'no_underscore' at",
        ),
        ({"ProblemType": "Regression"}, "ValidationException", "Either both ProblemType and AutoMLJobObjective"),
        (
            {"ProblemType": "Regression", "AutoMLJobObjective": {"MetricName": "F1"}},
            "ValidationException",
            "Objective metric F1 is not supported for problem type Regression.",
        ),
        (
            {"AutoMLJobConfig": algorithms(["catboost"])},
            "ValidationException",
            "AutoMLAlgorithms [catboost] are not supported in Mode HYPERPARAMETER_TUNING",
        ),
        (
            {"AutoMLJobConfig": {"Mode": "ENSEMBLING", **algorithms(["mlp"])}},
            "ValidationException",
            "AutoMLAlgorithms [mlp] are not supported in Mode ENSEMBLING",
        ),
        (
            {"AutoMLJobConfig": {"Mode": "AUTO", **algorithms(["xgboost"])}},
            "ValidationException",
            "AlgorithmsConfig must not be set when Mode is AUTO",
        ),
        (
            {"AutoMLJobConfig": {"Mode": "HYPERPARAMETER_TUNING", **algorithms(["xgboost"], ["mlp"])}},
            "ValidationException",
            "Member must have length less than or equal to 1",
        ),
        (
            {"AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 751}}},
            "ValidationException",
            "Member must have value less than or equal to 750",
        ),
        (
            {"AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 0}}},
            "ValidationException",
            "Member must have value greater than or equal to 1",
        ),
        ({"ModelDeployConfig": {"EndpointName": "e"}}, "ValidationException", "does not support ModelDeployConfig yet"),
        (
            {"ModelDeployConfig": {"EndpointName": "e", "AutoGenerateEndpointName": True}},
            "ValidationException",
            "EndpointName must not be set",
        ),
        (
            {"OutputDataConfig": {"S3OutputPath": "s3://missing/"}},
            "ValidationException",
            "Could not access s3://missing/",
        ),
        ({"Tags": [{"Key": "a", "Value": ""}] * 2}, "ValidationException", "different keys"),
    ],
)
def test_requests_that_break_a_rule(filled: Installation, changes: dict[str, Any], code: str, words: str) -> None:
    sagemaker = filled.client("sagemaker", parameter_validation=False)  # boto3 refuses what is too small by itself
    with pytest.raises(ClientError) as error:
        sagemaker.create_auto_ml_job(**job_request("fresh", **changes))
    assert refused(error)[0] == code
    assert words in refused(error)[1]
    assert "fresh" not in str(sagemaker.list_auto_ml_jobs())


def test_a_target_that_is_not_in_the_header(filled: Installation) -> None:
    request = job_request("fresh")
    request["InputDataConfig"][0]["TargetAttributeName"] = "z"
    with pytest.raises(ClientError) as error:
        filled.client("sagemaker", retries={}).create_auto_ml_job(**request)
    assert str(error.value) == (
        "An error occurred (ValidationException) when calling the CreateAutoMLJob operation: "
        "Target attribute name z does not exist in header."
    )


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"Mode": "AUTO"}, "ensembling"),
        ({"Mode": "ENSEMBLING"}, "ensembling"),
        ({"Mode": "HYPERPARAMETER_TUNING"}, "hyperparameter_tuning"),
        ({}, "hyperparameter_tuning"),
    ],
)
def test_modes(filled: Installation, config: dict[str, str], mode: str) -> None:
    sagemaker = filled.client("sagemaker")
    name = f"mode-{config.get('Mode', 'absent').lower().replace('_', '-')}"
    sagemaker.create_auto_ml_job(**job_request(name, AutoMLJobConfig=config))
    assert filled.service.jobs.get(name).problem.mode == mode
    assert sagemaker.describe_auto_ml_job(AutoMLJobName=name)["AutoMLJobConfig"] == config


def test_unknown_names_and_operations(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    cases: list[tuple[Callable[[], Any], tuple[str, str]]] = [
        (
            lambda: sagemaker.describe_auto_ml_job(AutoMLJobName="none"),
            ("ResourceNotFound", "Amazon SageMaker can't find an AutoML job called none."),
        ),
        (
            lambda: sagemaker.describe_training_job(TrainingJobName="none"),
            ("ResourceNotFound", "Requested resource not found."),
        ),
        (
            lambda: sagemaker.describe_model(ModelName="None"),
            ("ValidationException", f'Could not find model "{IDENTITY.model_arn("none")}".'),
        ),
        (
            lambda: sagemaker.list_notebook_instances(),
            ("NotImplementedException", "ListNotebookInstances is not implemented by Gyropilot yet."),
        ),
    ]
    for call, expected in cases:
        with pytest.raises(ClientError) as error:
            call()
        assert refused(error) == expected


def test_a_model_is_an_archive(filled: Installation) -> None:
    container = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/train/a.csv"}
    with pytest.raises(ClientError) as error:
        filled.client("sagemaker").create_model(ModelName="Table", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    assert refused(error) == (
        "ValidationException",
        "ModelDataUrl must be the location of a .tar.gz, not s3://data/train/a.csv.",
    )


def test_from_a_model_to_a_prediction(filled: Installation) -> None:
    sagemaker, runtime = filled.client("sagemaker"), filled.client("sagemaker-runtime")
    container = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/models/model.tar.gz", "Environment": {}}
    sagemaker.create_model(ModelName="Model", ExecutionRoleArn=ROLE, Containers=[container])
    assert sagemaker.describe_model(ModelName="Model")["Containers"] == [container]
    assert [model["ModelName"] for model in sagemaker.list_models()["Models"]] == ["Model"]
    with pytest.raises(ClientError) as error:
        sagemaker.create_model(ModelName="Model", ExecutionRoleArn=ROLE, Containers=[container])
    assert refused(error)[1] == f'Cannot create already existing model "{IDENTITY.model_arn("Model")}".'

    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "Model",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.new.type",
    }
    sagemaker.create_endpoint_config(EndpointConfigName="Config", ProductionVariants=[variant])
    config = sagemaker.describe_endpoint_config(EndpointConfigName="Config")
    assert config["ProductionVariants"] == [{**variant, "InitialVariantWeight": 1.0}]
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1

    sagemaker.create_endpoint(EndpointName="End", EndpointConfigName="Config", Tags=[])
    with pytest.raises(runtime.exceptions.ClientError) as error:
        runtime.invoke_endpoint(EndpointName="End", Body=b"1")
    assert refused(error)[0] == "ValidationError"
    filled.service.book.write("End", "AllTraffic", ["http://model"])
    filled.service.endpoints.move("End", EndpointStatus.IN_SERVICE)
    assert sagemaker.describe_endpoint(EndpointName="End")["ProductionVariants"][0]["VariantName"] == "AllTraffic"
    assert sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"][0]["EndpointName"] == "End"

    answer = runtime.invoke_endpoint(EndpointName="End", Body=b"1,2", ContentType="text/csv", Accept="text/csv")
    assert answer["Body"].read() == b"answer:1,2"
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/csv", "AllTraffic")
    assert filled.model.asked[-1] == {"content-type": "text/csv", "accept": "text/csv"}

    filled.model.status = 400
    with pytest.raises(runtime.exceptions.ModelError) as failed:
        runtime.invoke_endpoint(EndpointName="End", Body=b"bad")
    assert failed.value.response["OriginalStatusCode"] == 400
    assert failed.value.response["OriginalMessage"] == "answer:bad"
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    filled.model.failure = TimeoutError()
    with pytest.raises(runtime.exceptions.ModelError):
        runtime.invoke_endpoint(EndpointName="End", Body=b"slow")

    misses: list[tuple[Callable[[], Any], str]] = [
        (
            lambda: runtime.invoke_endpoint(EndpointName="end", Body=b""),
            "Endpoint end of account 000000000000 not found.",
        ),
        (
            lambda: runtime.invoke_endpoint(EndpointName="End", Body=b"", TargetVariant="Other"),
            "Variant Other not found for endpoint End.",
        ),
    ]
    for call, message in misses:
        with pytest.raises(ClientError) as error:
            call()
        assert refused(error) == ("ValidationError", message)

    sagemaker.delete_endpoint(EndpointName="End")
    assert sagemaker.describe_endpoint(EndpointName="End")["EndpointStatus"] == "Deleting"
    sagemaker.delete_endpoint_config(EndpointConfigName="Config")
    sagemaker.delete_model(ModelName="Model")
    with pytest.raises(ClientError) as error:
        sagemaker.delete_model(ModelName="Model")
    assert refused(error)[0] == "ValidationException"


def test_who_am_i(filled: Installation) -> None:
    identity = filled.client("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == ("000000000000", "arn:aws:iam::000000000000:user/an-admin")


def test_a_role_of_any_name_is_there(filled: Installation) -> None:
    role = filled.client("iam").get_role(RoleName="SageMakerRole")["Role"]
    assert role["Arn"] == "arn:aws:iam::000000000000:role/SageMakerRole"
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    with pytest.raises(ClientError) as error:
        filled.client("iam").get_role(RoleName="no/role")
    assert refused(error)[0] == "ValidationError"


def test_a_role_may_do_what_is_asked_about(filled: Installation) -> None:
    iam = filled.client("iam", key=key_of(Role.USER))
    role, asked = "arn:aws:iam::000000000000:role/SageMakerRole", ["sagemaker:CreateAutoMLJob", "s3:PutObject"]
    found = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=asked, ResourceArns=["arn:aws:s3:::data"])
    decisions = [(result["EvalActionName"], result["EvalDecision"]) for result in found["EvaluationResults"]]
    assert decisions == [(action, "allowed") for action in asked]
    with pytest.raises(ClientError) as error:
        iam.simulate_principal_policy(PolicySourceArn="arn:aws:iam::000000000000:user/admin", ActionNames=asked)
    assert refused(error)[0] == "NoSuchEntity"


def test_an_endpoint_is_updated(filled: Installation) -> None:
    sagemaker, endpoints = filled.client("sagemaker"), filled.service.endpoints
    container = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/models/model.tar.gz"}
    sagemaker.create_model(ModelName="updated", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    for config, count in (("Before", 2), ("After", 1)):
        variant = {"VariantName": "v", "ModelName": "updated", "InstanceType": "ml.m5.large"}
        variants = [{**variant, "InitialInstanceCount": count}]
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="Updated", EndpointConfigName="Before")
    update = {"EndpointName": "Updated", "EndpointConfigName": "After"}
    with pytest.raises(ClientError) as error:
        sagemaker.update_endpoint(**update)
    arn = IDENTITY.endpoint_arn("Updated")
    assert refused(error) == ("ValidationException", f'Cannot update in-progress endpoint "{arn}".')
    endpoints.move("Updated", EndpointStatus.IN_SERVICE)

    retained = {
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
    }
    assert sagemaker.update_endpoint(**update, **retained)["EndpointArn"] == arn
    seen = sagemaker.describe_endpoint(EndpointName="Updated")
    assert (seen["EndpointStatus"], seen["EndpointConfigName"]) == ("Updating", "Before")
    assert seen["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    pending = seen["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "After"
    assert pending["ProductionVariants"] == [{"VariantName": "v"}]
    endpoints.finish_update("Updated")
    seen = sagemaker.describe_endpoint(EndpointName="Updated")
    assert (seen["EndpointStatus"], seen["EndpointConfigName"]) == ("InService", "After")
    assert seen["ProductionVariants"][0]["CurrentInstanceCount"] == 2, "as it was told to retain"
    assert "PendingDeploymentSummary" not in seen

    cases: list[tuple[dict[str, Any], str]] = [
        ({"EndpointConfigName": "none"}, "Could not find endpoint configuration"),
        ({"EndpointName": "none"}, "Could not find endpoint"),
        ({"DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}}, "AutoRollback"),
        (
            {
                "DeploymentConfig": {
                    "BlueGreenUpdatePolicy": {
                        "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 1}
                    }
                }
            },
            "traffic routing of type CANARY yet",
        ),
    ]
    for changes, words in cases:
        with pytest.raises(ClientError) as error:
            sagemaker.update_endpoint(**{**update, **changes})
        assert refused(error)[0] == "ValidationException"
        assert words in refused(error)[1]
