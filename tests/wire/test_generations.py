"""Jobs of the second generation, and each generation seen through the other, with boto3 at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.service.job_keeper import Outcome
from gyropilot.service.records import AutoMLJob
from gyropilot.service.states import JobStatus, JobStep
from tests.wire.installation import IDENTITY, ROLE, Installation, run_installation
from tests.wire.requests import job_request, refused

TABULAR = {"TargetAttributeName": "y", "CompletionCriteria": {"MaxCandidates": 3}, "Mode": "ENSEMBLING"}
CHANNEL = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}}
COMPUTE = {"EmrServerlessComputeConfig": {"ExecutionRoleARN": ROLE}}


@pytest.fixture(scope="module")
def filled() -> Iterator[Installation]:
    with run_installation() as installation:
        s3 = installation.client("s3")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="train/a.csv", Body=b"x,y\n1,a\n2,b\n")
        yield installation


def v2_request(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "AutoMLJobName": name,
        "AutoMLJobInputDataConfig": [CHANNEL],
        "OutputDataConfig": {"S3OutputPath": "s3://data/out/"},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": TABULAR},
        "RoleArn": ROLE,
    } | changes


def complete(installation: Installation, name: str) -> None:
    jobs = installation.service.jobs
    jobs.claim(name, "worker", 60)
    jobs.report(name, "worker", resolved_problem_type="binary", resolved_objective="f1")
    jobs.finish(name, "worker", Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED))


def test_a_job_of_v2_is_shown_as_it_was_asked_for(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    security = {"EnableInterContainerTrafficEncryption": False}
    request = v2_request("Second", SecurityConfig=security, AutoMLComputeConfig=COMPUTE)
    assert sagemaker.create_auto_ml_job_v2(**request)["AutoMLJobArn"] == IDENTITY.job_arn("Second")
    seen = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="second")
    assert seen["AutoMLProblemTypeConfig"] == {"TabularJobConfig": TABULAR}
    assert seen["AutoMLProblemTypeConfigName"] == "Tabular"
    assert seen["AutoMLJobInputDataConfig"] == [
        {**CHANNEL, "ContentType": "text/csv;header=present", "ChannelType": "training"}
    ]
    assert seen["OutputDataConfig"] == {"S3OutputPath": "s3://data/out/"}
    assert (seen["SecurityConfig"], seen["AutoMLComputeConfig"]) == (security, COMPUTE)
    absent = {"AutoMLJobObjective", "DataSplitConfig", "ModelDeployConfig", "ResolvedAttributes", "BestCandidate"}
    assert not absent & seen.keys()

    complete(filled, "Second")
    assert sagemaker.describe_auto_ml_job_v2(AutoMLJobName="Second")["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "F1"},
        "CompletionCriteria": {"MaxCandidates": 3},
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": "BinaryClassification"}},
    }


def test_a_job_of_v2_is_shown_in_the_form_of_v1(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_auto_ml_job_v2(**v2_request("second-as-first", AutoMLComputeConfig=COMPUTE))
    seen = sagemaker.describe_auto_ml_job(AutoMLJobName="second-as-first")
    assert seen["InputDataConfig"] == [
        {
            **CHANNEL,
            "TargetAttributeName": "y",
            "ContentType": "text/csv;header=present",
            "ChannelType": "training",
        }
    ]
    assert seen["AutoMLJobConfig"] == {"CompletionCriteria": {"MaxCandidates": 3}, "Mode": "ENSEMBLING"}
    assert (seen["AutoMLJobStatus"], seen["AutoMLJobSecondaryStatus"]) == ("InProgress", "Starting")


def test_what_tuning_tells_is_shown_in_both_forms(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    tabular = {"TargetAttributeName": "y", "GenerateCandidateDefinitionsOnly": True}
    sagemaker.create_auto_ml_job_v2(**v2_request("defined", AutoMLProblemTypeConfig={"TabularJobConfig": tabular}))
    jobs = filled.service.jobs
    problem = jobs.get("defined").problem
    assert (problem.mode, problem.is_definitions_only) == ("hyperparameter_tuning", True)
    jobs.claim("defined", "worker", 60)
    jobs.report(
        "defined",
        "worker",
        resolved_problem_type="binary",
        resolved_objective="f1",
        resolved_max_candidates=100,
        candidate_definitions_url="s3://data/out/definitions.ipynb",
        data_exploration_url="s3://data/out/exploration.ipynb",
    )
    for seen in (
        sagemaker.describe_auto_ml_job(AutoMLJobName="defined"),
        sagemaker.describe_auto_ml_job_v2(AutoMLJobName="defined"),
    ):
        assert seen["ResolvedAttributes"]["CompletionCriteria"] == {"MaxCandidates": 100}
        assert seen["AutoMLJobArtifacts"] == {
            "CandidateDefinitionNotebookLocation": "s3://data/out/definitions.ipynb",
            "DataExplorationNotebookLocation": "s3://data/out/exploration.ipynb",
        }


def test_a_job_of_v1_is_shown_in_the_form_of_v2(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_auto_ml_job(**job_request("first"))
    complete(filled, "first")
    seen = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="first")
    assert seen["AutoMLProblemTypeConfig"] == {
        "TabularJobConfig": {**TABULAR, "GenerateCandidateDefinitionsOnly": False}
    }
    assert seen["AutoMLJobInputDataConfig"][0]["DataSource"] == CHANNEL["DataSource"]
    resolved = seen["ResolvedAttributes"]["AutoMLProblemTypeResolvedAttributes"]
    assert resolved == {"TabularResolvedAttributes": {"ProblemType": "BinaryClassification"}}


def test_both_generations_share_names_and_lists(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_auto_ml_job(**job_request("both-1"))
    sagemaker.create_auto_ml_job_v2(**v2_request("both-2"))
    listed = sagemaker.list_auto_ml_jobs(NameContains="both-", SortOrder="Ascending")["AutoMLJobSummaries"]
    assert [job["AutoMLJobName"] for job in listed] == ["both-1", "both-2"]
    with pytest.raises(ClientError) as error:
        sagemaker.create_auto_ml_job_v2(**v2_request("BOTH-1"))
    assert refused(error)[0] == "ResourceInUse"
    assert sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName="both-2")["Candidates"] == []
    sagemaker.stop_auto_ml_job(AutoMLJobName="both-2")


def test_the_worker_gets_the_same_problem_from_both(filled: Installation) -> None:
    sagemaker, records = filled.client("sagemaker"), filled.service.jobs
    sagemaker.create_auto_ml_job(**job_request("same-1"))
    sagemaker.create_auto_ml_job_v2(**v2_request("same-2"))
    jobs: list[AutoMLJob] = [records.get("same-1"), records.get("same-2")]
    assert jobs[0].problem == jobs[1].problem
    assert [job.generation for job in jobs] == ["V1", "V2"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"AutoMLProblemTypeConfig": {"ImageClassificationJobConfig": {}}},
            "support AutoMLProblemTypeConfig.ImageClassificationJobConfig yet. Use TabularJobConfig.",
        ),
        ({"AutoMLProblemTypeConfig": {"TabularJobConfig": {**TABULAR, "TargetAttributeName": "z"}}},
         "Target attribute name z does not exist in header."),
        ({"AutoMLProblemTypeConfig": {"TabularJobConfig": {**TABULAR, "Mode": "AUTO", "CandidateGenerationConfig": {
            "AlgorithmsConfig": [{"AutoMLAlgorithms": ["xgboost"]}]}}}}, "AlgorithmsConfig must not be set"),
        ({"AutoMLJobObjective": {"MetricName": "F1"}}, "Either both ProblemType and AutoMLJobObjective"),
        ({"DataSplitConfig": {"ValidationFraction": 1.0}}, "ValidationFraction must be greater than 0"),
        ({"AutoMLJobInputDataConfig": [CHANNEL, CHANNEL]}, "exactly one channel of ChannelType training"),
        ({"ModelDeployConfig": {"AutoGenerateEndpointName": True, "EndpointName": "e"}}, "EndpointName must not"),
    ],
)  # fmt: skip
def test_requests_that_break_a_rule(filled: Installation, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError) as error:
        filled.client("sagemaker").create_auto_ml_job_v2(**v2_request("fresh", **changes))
    assert refused(error)[0] == "ValidationException"
    assert words in refused(error)[1]


@pytest.mark.parametrize("problem", [{}, {"TabularJobConfig": TABULAR, "ImageClassificationJobConfig": {}}])
def test_a_problem_is_of_exactly_one_type(filled: Installation, problem: dict[str, Any]) -> None:
    client = filled.client("sagemaker", parameter_validation=False)
    with pytest.raises(ClientError) as error:
        client.create_auto_ml_job_v2(**v2_request("fresh", AutoMLProblemTypeConfig=problem))
    assert refused(error)[0] == "ValidationException"
    assert "Member must have exactly one member set" in refused(error)[1]
