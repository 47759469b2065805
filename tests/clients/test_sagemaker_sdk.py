"""The SageMaker SDK, major version 2: scripts of users run by its own Python, and what they were told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gyropilot.sdk import Session
from tests.clients.conftest import ASKED_ROWS
from tests.clients.programs import SECONDS, Script, Shell

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2 * SECONDS)]
BUCKET = "sagemaker-us-east-1-000000000000"
THEIR_BUCKET = "a-bucket-of-their-own"
LABELS = {"<=50K", ">50K"}


@pytest.fixture(scope="module")
def scripts(shell: Shell, tables: Path) -> Iterator[dict[str, Script]]:
    """The scripts that need nothing of one another; they run at once, since they sleep most of the time."""
    people, asked = tables / "people.csv", tables / "asked.csv"
    started = [
        shell.start("sagemaker_sdk/channels.py", people, tables / "validation.csv"),
        shell.start("sagemaker_sdk/local_file.py", people, asked),
        shell.start("sagemaker_sdk/generation_two.py", people, asked),
        shell.start("sagemaker_sdk/refusals.py", people),
        shell.start("sagemaker_sdk/tuning.py", people, asked),
    ]
    yield {script.name: script for script in started}
    for script in started:
        script.end()


@pytest.fixture(scope="module")
def local_file(scripts: dict[str, Script]) -> Any:
    return scripts["local_file"].report()


@pytest.fixture(scope="module")
def channels(scripts: dict[str, Script]) -> Any:
    return scripts["channels"].report()


@pytest.fixture(scope="module")
def generation_two(scripts: dict[str, Script]) -> Any:
    return scripts["generation_two"].report()


@pytest.fixture(scope="module")
def tuning(scripts: dict[str, Script]) -> Any:
    return scripts["tuning"].report()


@pytest.fixture(scope="module")
def refusals(scripts: dict[str, Script]) -> Any:
    return scripts["refusals"].report()


@pytest.fixture(scope="module")
def scripts_about_models(shell: Shell, tables: Path, channels: Any) -> Iterator[dict[str, Script]]:
    """The scripts that need a job that has ended."""
    job, asked = channels["name"], tables / "asked.csv"
    started = [
        shell.start("sagemaker_sdk/pipeline_model.py", job, asked),
        shell.start("sagemaker_sdk/batch_transform.py", job, asked),
        shell.start("sagemaker_sdk/training_again.py", job, tables / "validation.csv", asked),
    ]
    yield {script.name: script for script in started}
    for script in started:
        script.end()


@pytest.fixture(scope="module")
def pipeline_model(scripts_about_models: dict[str, Script]) -> Any:
    return scripts_about_models["pipeline_model"].report()


@pytest.fixture(scope="module")
def transforms(scripts_about_models: dict[str, Script]) -> Any:
    return scripts_about_models["batch_transform"].report()


@pytest.fixture(scope="module")
def training_again(scripts_about_models: dict[str, Script]) -> Any:
    return scripts_about_models["training_again"].report()


# --- a file on this machine, neither bucket nor role named ------------------------------------------------------------


def test_a_script_that_names_neither_bucket_nor_role_learns_from_a_local_file(local_file: Any) -> None:
    job = local_file["job"]
    assert job["AutoMLJobStatus"] == "Completed"
    assert job["RoleArn"] == "arn:aws:iam::000000000000:role/GyropilotExecutionRole"
    assert job["OutputDataConfig"] == {"S3OutputPath": f"s3://{BUCKET}/"}
    assert job["AutoMLJobConfig"] == {
        "CompletionCriteria": {"MaxCandidates": 2},
        "SecurityConfig": {"EnableInterContainerTrafficEncryption": False},
        "Mode": "AUTO",
    }
    (channel,) = job["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{BUCKET}/auto-ml-input-data/people.csv"
    assert (channel["ContentType"], channel["ChannelType"]) == ("text/csv;header=present", "training")


def test_waiting_without_logs_draws_the_states(scripts: dict[str, Script], local_file: Any) -> None:
    assert "!" in scripts["local_file"].wait().output


def test_the_best_candidate_is_one_of_those_listed(local_file: Any) -> None:
    assert len(local_file["candidates"]) == 2
    assert local_file["best"] in local_file["candidates"]
    assert local_file["best"]["CandidateStatus"] == "Completed"


def test_the_steps_of_a_candidate_are_described(local_file: Any) -> None:
    (step,) = local_file["steps"]
    assert step["type"] == "TrainingJob"
    assert step["name"] == local_file["best"]["CandidateName"]
    (inputs,) = step["inputs"]
    assert inputs["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{BUCKET}/auto-ml-input-data/people.csv"


def test_a_deployed_model_is_asked_through_a_predictor(local_file: Any) -> None:
    assert len(local_file["predictions"]) == ASKED_ROWS
    assert {label for (label,) in local_file["predictions"]} <= LABELS


def test_a_predictor_leaves_nothing_behind(session: Session, local_file: Any, generation_two: Any) -> None:
    sagemaker = session.client("sagemaker")
    assert "local-file" not in {
        found["EndpointConfigName"] for found in sagemaker.list_endpoint_configs()["EndpointConfigs"]
    }
    assert "local-file" not in {
        found["EndpointName"] for found in sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"]
    }
    for report in (local_file, generation_two):
        assert sagemaker.list_models(NameContains=report["best"]["CandidateName"])["Models"] == []


# --- channels ---------------------------------------------------------------------------------------------------------


def test_training_and_validation_channels_are_told_as_they_were_given(channels: Any) -> None:
    job = channels["job"]
    assert job["AutoMLJobStatus"] == "Completed"
    assert job["InputDataConfig"] == [
        {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{THEIR_BUCKET}/channels/{kind}/{table}.csv"}
            },
            "TargetAttributeName": "income",
            "ContentType": "text/csv;header=present",
            "ChannelType": kind,
        }
        for kind, table in (("training", "people"), ("validation", "validation"))
    ]
    assert job["OutputDataConfig"] == {"S3OutputPath": f"s3://{THEIR_BUCKET}/channels/output"}
    assert job["AutoMLJobObjective"] == {"MetricName": "AUC"}
    assert job["ProblemType"] == "BinaryClassification"
    assert job["RoleArn"] == "arn:aws:iam::000000000000:role/SageMakerRole"


def test_waiting_with_logs_ends_with_the_job(scripts: dict[str, Script], channels: Any) -> None:
    assert "." in scripts["channels"].wait().output


def test_a_job_is_taken_up_by_its_name(channels: Any) -> None:
    assert channels["attached"] == {
        "target": "income",
        "content_type": "text/csv;header=present",
        "problem_type": "BinaryClassification",
        "objective": {"MetricName": "AUC"},
        "mode": "ENSEMBLING",
        "max_candidates": 2,
        "output_path": f"s3://{THEIR_BUCKET}/channels/output",
        "role": "arn:aws:iam::000000000000:role/SageMakerRole",
        "tags": [{"Key": "team", "Value": "people"}],
    }


def test_candidates_are_listed_in_the_order_asked_for(channels: Any) -> None:
    values = [candidate["FinalAutoMLJobObjectiveMetric"]["Value"] for candidate in channels["worst_first"]]
    assert len(values) == 2
    assert values == sorted(values)
    assert channels["best"] == channels["worst_first"][-1]
    assert len(channels["one"]) == 1
    assert channels["failed"] == []
    assert channels["named"] == [channels["best"]]


# --- models -----------------------------------------------------------------------------------------------------------


def test_a_pipeline_model_answers_with_the_keys_that_were_chosen(pipeline_model: Any) -> None:
    assert len(pipeline_model["answers"]) == ASKED_ROWS
    for label, probabilities in pipeline_model["answers"]:
        assert label in LABELS
        assert sum(json.loads(probabilities)) == pytest.approx(1, abs=1e-5)


def test_another_predictor_asks_in_json(pipeline_model: Any) -> None:
    labels = [answer["predicted_label"] for answer in pipeline_model["in_json"]["predictions"]]
    assert labels == [label for label, _ in pipeline_model["answers"]]


def test_tags_of_a_deployment_are_the_endpoints(pipeline_model: Any) -> None:
    assert pipeline_model["tags"] == [{"Key": "team", "Value": "people"}]


def test_a_pipeline_model_built_by_hand_is_stored_with_its_containers(pipeline_model: Any) -> None:
    stored = pipeline_model["stored"]
    assert stored["ExecutionRoleArn"] == "arn:aws:iam::000000000000:role/SageMakerRole"
    (given,), (container,) = pipeline_model["given"], stored["Containers"]
    assert {name: container[name] for name in given} == given


def test_an_endpoint_is_given_more_instances_and_another_model(pipeline_model: Any) -> None:
    (more,), (other,) = (pipeline_model[name]["ProductionVariants"] for name in ("updated", "replaced"))
    assert (more["CurrentInstanceCount"], other["CurrentInstanceCount"]) == (2, 1)
    assert pipeline_model["updated"]["EndpointConfigName"].startswith("chosen-answers-")
    assert pipeline_model["replaced"]["EndpointConfigName"] == "by-hand"


def test_what_was_deleted_is_missing_in_awss_words(pipeline_model: Any) -> None:
    for message in pipeline_model["gone"]:
        assert message.startswith("An error occurred (ValidationException) when calling the Describe")
        assert "Could not find" in message
    assert len(pipeline_model["gone"]) == 3


# --- a candidate's training once more ---------------------------------------------------------------------------------


def test_a_candidates_steps_run_anew_on_other_data(training_again: Any, channels: Any) -> None:
    (before,), (after,) = training_again["before"], training_again["after"]
    assert before["TrainingJobName"] == channels["best"]["CandidateName"]
    assert after["TrainingJobName"].startswith("sagemaker-automl-training-rerun-")
    assert after["TrainingJobStatus"] == "Completed"
    assert after["AlgorithmSpecification"] == before["AlgorithmSpecification"]
    (channel,) = after["InputDataConfig"]
    uri = f"s3://{BUCKET}/auto-ml-input-data/validation.csv"
    assert (channel["ChannelName"], channel["DataSource"]["S3DataSource"]["S3Uri"]) == ("train", uri)


def test_the_model_of_a_training_is_deployed_and_asked(training_again: Any) -> None:
    assert len(training_again["predictions"]) == ASKED_ROWS
    assert {label for (label,) in training_again["predictions"]} <= LABELS


# --- batch transform --------------------------------------------------------------------------------------------------


def test_a_transformer_predicts_whole_objects(transforms: Any) -> None:
    assert transforms["job"]["TransformJobStatus"] == "Completed"
    assert transforms["tags"] == [{"Key": "team", "Value": "people"}]
    labels, probabilities = zip(*(line.split(",") for line in transforms["plain"]), strict=True)
    assert len(labels) == ASKED_ROWS
    assert set(labels) <= LABELS
    assert all(0.5 <= float(probability) <= 1 for probability in probabilities)


@pytest.mark.usefixtures("transforms")
def test_waiting_for_a_transform_job_prints_its_log(scripts_about_models: dict[str, Script]) -> None:
    assert f"1 objects with {ASKED_ROWS} rows" in scripts_about_models["batch_transform"].wait().output


def test_records_are_joined_with_their_predictions(transforms: Any, tables: Path) -> None:
    ages = [line.split(",")[0] for line in (tables / "asked.csv").read_text().splitlines()]
    labels = [line.split(",")[0] for line in transforms["plain"]]
    assert transforms["joined"] == [f"{age},{label}" for age, label in zip(ages, labels, strict=True)]
    assert transforms["joining_to"] == f"s3://{BUCKET}/{transforms['joining_name']}"


def test_a_transform_job_is_taken_up_by_its_name(transforms: Any) -> None:
    assert transforms["attached"] == {
        "model": "transformed",
        "output_path": f"s3://{BUCKET}/transform/plain",
        "assemble_with": "Line",
    }


# --- the second generation --------------------------------------------------------------------------------------------


def test_a_job_of_the_second_generation_is_told_as_it_was_asked_for(generation_two: Any) -> None:
    job = generation_two["job"]
    assert job["AutoMLJobStatus"] == "Completed"
    assert job["AutoMLProblemTypeConfig"] == generation_two["asked"]
    assert job["AutoMLProblemTypeConfigName"] == "Tabular"
    assert job["AutoMLJobObjective"] == {"MetricName": "Accuracy"}
    assert job["DataSplitConfig"] == {"ValidationFraction": 0.3}
    assert job["OutputDataConfig"] == {"S3OutputPath": f"s3://{BUCKET}/"}
    assert job["SecurityConfig"] == {"EnableInterContainerTrafficEncryption": False}


def test_a_job_of_the_second_generation_is_taken_up_by_its_name(generation_two: Any) -> None:
    attached = generation_two["attached"]
    assert attached["config"] == generation_two["asked"]
    assert attached["objective"] == {"MetricName": "Accuracy"}
    assert attached["validation_fraction"] == 0.3
    assert attached["tags"] == [{"Key": "team", "Value": "people"}]
    (channel,) = attached["inputs"]
    assert channel["s3_uri"] == f"s3://{BUCKET}/generation-two/people.csv"
    assert channel["channel_type"] == "training"


def test_a_model_of_the_second_generation_answers_with_the_keys_that_were_chosen(generation_two: Any) -> None:
    assert len(generation_two["candidates"]) == 2
    assert len(generation_two["predictions"]) == ASKED_ROWS
    for probability, label in generation_two["predictions"]:
        assert label in LABELS
        assert 0.5 <= float(probability) <= 1


def test_the_second_generation_learns_from_a_local_file(generation_two: Any) -> None:
    job = generation_two["simple"]
    assert job["AutoMLJobStatus"] == "Completed"
    (channel,) = job["AutoMLJobInputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{BUCKET}/auto-ml-v2-input-data/people.csv"


# --- tuning, which is meant where no mode is named --------------------------------------------------------------------


def test_a_job_without_a_mode_is_tuned(tuning: Any) -> None:
    assert tuning["job"]["AutoMLJobStatus"] == "Completed"
    assert "Mode" not in tuning["job"]["AutoMLJobConfig"]
    kinds = [step["CandidateStepType"].split("::")[2] for step in tuning["best"]["CandidateSteps"]]
    assert kinds == ["ProcessingJob", "TrainingJob", "TransformJob", "TrainingJob"]
    assert [step["type"] for step in tuning["steps"]] == kinds[1:]
    assert tuning["steps"][2]["name"] == tuning["best"]["CandidateName"]


def test_a_model_of_three_containers_answers_with_the_keys_that_were_chosen(tuning: Any) -> None:
    assert len(tuning["best"]["InferenceContainers"]) == 3
    assert len(tuning["predictions"]) == ASKED_ROWS
    for probability, label, labels in tuning["predictions"]:
        assert 0.5 <= float(probability) <= 1
        assert label in LABELS
        assert set(json.loads(labels.replace("'", '"'))) == LABELS


def test_all_steps_of_a_candidate_are_run_anew(tuning: Any) -> None:
    fit, transform, training = tuning["after"]
    assert {fit["TrainingJobStatus"], transform["TransformJobStatus"], training["TrainingJobStatus"]} == {"Completed"}


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_target_that_is_not_in_the_header_is_refused_in_awss_words(refusals: Any) -> None:
    assert refusals["no_such_target"] == {
        "type": "ClientError",
        "message": "An error occurred (ValidationException) when calling the CreateAutoMLJob operation: "
        "Target attribute name y does not exist in header.",
    }


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        ("no_bucket", "no-such-bucket-of-ours"),
        ("images", "ImageClassificationJobConfig"),
    ],
)
def test_what_cannot_be_done_is_refused_when_it_is_asked_for(refusals: Any, attempt: str, words: str) -> None:
    assert refusals[attempt]["type"] == "ClientError"
    assert "(ValidationException)" in refusals[attempt]["message"]
    assert words in refusals[attempt]["message"]


def test_a_failed_job_raises_with_its_reason(refusals: Any) -> None:
    assert refusals["one_class"]["type"] == "UnexpectedStatusException"
    assert refusals["one_class"]["message"].startswith("Error for AutoML job one-class: Failed. Reason: ClientError: ")
    assert "one class only" in refusals["one_class"]["message"]


def test_a_stopped_job_is_a_warning(scripts: dict[str, Script], refusals: Any) -> None:
    assert refusals["stopped"] == "Stopped"
    done = scripts["refusals"].wait()
    assert "Job ended with status 'Stopped' rather than 'Completed'" in done.output + done.errors


def test_a_name_is_taken_once_whatever_its_case(refusals: Any) -> None:
    assert refusals["twice"]["type"] == "ResourceInUse"
