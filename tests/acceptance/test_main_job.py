"""What a new user does: train, look at the leaderboard, deploy, predict."""

from __future__ import annotations

import copy
import csv
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.sdk import Session
from tests.acceptance.conftest import ROWS, SECONDS
from tests.acceptance.running import (
    BUCKET,
    candidates,
    create,
    create_endpoint,
    describe,
    invoke,
    is_over,
    read_rows,
    request,
    text_of,
    wait_for,
    wait_for_end,
    wait_for_endpoint,
    without,
    write_rows,
)

STEPS = [
    *("Starting", "AnalyzingData", "PreTraining", "TrainingModels"),
    *("GeneratingExplainabilityReport", "GeneratingModelInsightsReport", "MaxAutoMLJobRuntimeReached", "Completed"),
]
HEADER, ALL_ROWS = read_rows("adult.csv", ROWS + 400)
TARGET = HEADER.index("income")
HELD_OUT = ALL_ROWS[ROWS:]
FEATURES = without(TARGET, HELD_OUT)
pytestmark = pytest.mark.usefixtures("jobs")


@pytest.fixture(scope="module")
def watched(session: Session) -> tuple[list[str], Any]:
    """Every step that the first job showed, and its end."""
    steps: list[str] = []

    def look() -> Any:
        job = describe(session, "two-classes")
        if job["AutoMLJobSecondaryStatus"] not in steps[-1:]:
            steps.append(job["AutoMLJobSecondaryStatus"])
        return job

    return steps, wait_for(look, is_over, seconds=SECONDS + 30)


@pytest.fixture(scope="module")
def endpoint(session: Session, watched: tuple[list[str], Any]) -> str:
    create_endpoint(session, "adult", watched[1]["BestCandidate"])
    wait_for_endpoint(session, "adult")
    return "adult"


def test_a_job_goes_through_its_steps_in_order_and_on_time(watched: tuple[list[str], Any]) -> None:
    steps, job = watched
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    assert steps == sorted(steps, key=STEPS.index)
    assert "TrainingModels" in steps
    took = (job["EndTime"] - job["CreationTime"]).total_seconds()
    assert took <= SECONDS + 4, "two seconds for the deadline, two for the worker's start"


def test_the_problem_is_understood(watched: tuple[list[str], Any]) -> None:
    _, job = watched
    assert job["ResolvedAttributes"]["ProblemType"] == "BinaryClassification"
    assert job["ResolvedAttributes"]["AutoMLJobObjective"] == {"MetricName": "F1"}


def test_the_leaderboard_is_ranked_and_the_best_leads_it(session: Session, watched: tuple[list[str], Any]) -> None:
    _, job = watched
    board = candidates(
        session, "two-classes", StatusEquals="Completed", SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
    )
    scores = [candidate["FinalAutoMLJobObjectiveMetric"]["Value"] for candidate in board]
    assert len(scores) >= 2
    assert scores == sorted(scores, reverse=True)
    assert job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Value"] == scores[0]
    assert all(candidate["CandidateName"].startswith("two-classes-trial-t") for candidate in board)
    names = {metric["StandardMetricName"] for metric in board[0]["CandidateProperties"]["CandidateMetrics"]}
    assert names >= {"Accuracy", "AUC", "BalancedAccuracy", "F1", "LogLoss", "Precision", "Recall", "InferenceLatency"}


def test_every_candidate_has_its_model_and_its_training_job(session: Session, watched: tuple[list[str], Any]) -> None:
    for candidate in candidates(session, "two-classes", StatusEquals="Completed"):
        (container,) = candidate["InferenceContainers"]
        bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
        assert key == f"out/two-classes/sagemaker-automl-candidates/model/{candidate['CandidateName']}/model.tar.gz"
        assert session.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
        training = session.client("sagemaker").describe_training_job(TrainingJobName=candidate["CandidateName"])
        assert training["TrainingJobStatus"] == "Completed"


def test_the_model_beats_guessing(session: Session, endpoint: str) -> None:
    labels = invoke(session, endpoint, write_rows(FEATURES)).splitlines()
    truth = [row[TARGET] for row in HELD_OUT]
    hits = sum(label == right for label, right in zip(labels, truth, strict=True))
    assert hits / len(truth) > truth.count("<=50K") / len(truth)


def test_a_header_and_the_target_column_do_no_harm(session: Session, endpoint: str) -> None:
    plain = invoke(session, endpoint, write_rows(FEATURES[:20]))
    header = [name for name in HEADER if name != "income"]
    assert invoke(session, endpoint, write_rows([header, *FEATURES[:20]])) == plain
    assert invoke(session, endpoint, write_rows(HELD_OUT[:20])) == plain
    assert invoke(session, endpoint, write_rows([HEADER, *HELD_OUT[:20]])) == plain


def test_json_goes_in_and_out(session: Session, endpoint: str) -> None:
    plain = invoke(session, endpoint, write_rows(FEATURES[:3])).splitlines()
    names = [name for name in HEADER if name != "income"]
    instances = [dict(zip(names, row, strict=True)) for row in FEATURES[:3]]
    answer = invoke(
        session,
        endpoint,
        json.dumps({"instances": instances}).encode(),
        ContentType="application/json",
        Accept="application/json",
    )
    assert [prediction["predicted_label"] for prediction in json.loads(answer)["predictions"]] == plain


def test_a_row_of_another_width_is_refused_in_awss_words(session: Session, endpoint: str) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(session, endpoint, b"1,2,3")
    error = caught.value.response
    assert error["Error"]["Code"] == "ModelError"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (
        "Received data of unknown size. Expected number of columns is 14. Number of columns in the received data is 3."
    ) in error["Error"]["Message"]


def test_the_answers_keys_are_chosen_by_the_containers_environment(
    session: Session, watched: tuple[list[str], Any]
) -> None:
    keys = "predicted_label, probability, probabilities, labels"
    create_endpoint(session, "edited", watched[1]["BestCandidate"], SAGEMAKER_INFERENCE_OUTPUT=keys)
    wait_for_endpoint(session, "edited")
    (row,) = csv.reader([invoke(session, "edited", write_rows(FEATURES[:1]))])
    label, probability, probabilities, labels = row
    assert labels == "['<=50K', '>50K']"
    assert json.loads(probabilities)[["<=50K", ">50K"].index(label)] == float(probability)
    assert sum(json.loads(probabilities)) == pytest.approx(1, abs=1e-5)
    session.client("sagemaker").delete_endpoint(EndpointName="edited")
    wait_for(
        lambda: session.client("sagemaker").list_endpoints(NameContains="edited")["Endpoints"], lambda found: not found
    )


def test_the_jobs_log_can_be_read(session: Session, watched: tuple[list[str], Any]) -> None:
    text = text_of(session, "two-classes")
    assert f"Read {ROWS} rows" in text
    assert "The job ended" in text


def test_weights_and_a_validation_channel(session: Session) -> None:
    """Weights are no feature, and scores are those of the validation rows."""
    header, rows = read_rows("adult.csv", 900)
    weight = header.index("fnlwgt")
    s3 = session.client("s3")
    for key, part in (("weighted/train.csv", rows[:600]), ("weighted/validation.csv", rows[600:])):
        s3.put_object(Bucket=BUCKET, Key=key, Body=write_rows([header, *part]))
    parameters = request("weighted", "weighted/train.csv", "income", SECONDS)
    training = parameters["InputDataConfig"][0] | {"SampleWeightAttributeName": "fnlwgt"}
    scored = copy.deepcopy(training) | {"ChannelType": "validation"}
    scored["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/weighted/validation.csv"
    create(session, parameters | {"InputDataConfig": [training, scored]})
    ended = wait_for_end(session, "weighted")
    assert ended["AutoMLJobStatus"] == "Completed", ended.get("FailureReason")
    assert [channel["ChannelType"] for channel in ended["InputDataConfig"]] == ["training", "validation"]
    create_endpoint(session, "weighted", ended["BestCandidate"])
    wait_for_endpoint(session, "weighted")
    features = without(weight, without(len(header) - 1, rows[600:]))
    answers = invoke(session, "weighted", write_rows(features)).splitlines()
    weights = [float(row[weight]) for row in rows[600:]]
    right = [answer == row[-1] for answer, row in zip(answers, rows[600:], strict=True)]
    accuracy = sum(w for w, is_right in zip(weights, right, strict=True) if is_right) / sum(weights)
    told = {
        metric["StandardMetricName"]: metric["Value"]
        for metric in ended["BestCandidate"]["CandidateProperties"]["CandidateMetrics"]
    }
    assert accuracy == pytest.approx(told["Accuracy"], abs=1e-9)


@pytest.mark.parametrize(
    ("job", "table", "target", "metric", "problem"),
    [
        ("a-number", "diamonds.csv", "price", "MSE", "Regression"),
        ("many-classes", "covtype.csv", "Cover_Type", "Accuracy", "MulticlassClassification"),
    ],
)
def test_other_problems_and_parquet(
    session: Session, job: str, table: str, target: str, metric: str, problem: str
) -> None:
    ended = wait_for_end(session, job)
    assert ended["AutoMLJobStatus"] == "Completed", ended.get("FailureReason")
    assert ended["ResolvedAttributes"]["ProblemType"] == problem
    assert ended["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["MetricName"] == metric
    create_endpoint(session, job, ended["BestCandidate"])
    wait_for_endpoint(session, job)
    header, rows = read_rows(table, ROWS + 200)
    position = header.index(target)
    answers = invoke(session, job, write_rows(without(position, rows[ROWS:]))).splitlines()
    truth = [row[position] for row in rows[ROWS:]]
    if problem == "Regression":
        errors = [abs(float(answer) - float(right)) for answer, right in zip(answers, truth, strict=True)]
        assert sum(errors) / len(errors) < 800, "dollars; guessing the mean is off by about 3,000"
    else:
        hits = sum(answer == right for answer, right in zip(answers, truth, strict=True))
        assert hits / len(truth) > 0.55, "guessing the most common class is right in about half of the rows"


def test_a_refused_request_is_in_the_endpoints_log(session: Session, endpoint: str) -> None:
    with pytest.raises(ClientError, match="Received client error"):
        invoke(session, endpoint, b"1,2,3\n")
    logs, group = session.client("logs"), f"/aws/sagemaker/Endpoints/{endpoint}"

    def read() -> str:
        streams: list[Any] = logs.describe_log_streams(logGroupName=group)["logStreams"]
        events = [
            logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
            for stream in streams
        ]
        return "\n".join(event["message"] for lines in events for event in lines)

    found = wait_for(read, lambda text: "a request was answered with 400" in text)
    assert "A model server was started." in found
    assert "Number of columns in the received data is 3." in found


def test_a_job_deploys_its_best_candidate_when_asked(session: Session) -> None:
    job = wait_for_end(session, "a-number")
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ModelDeployResult"] == {"EndpointName": "one-click"}
    assert "Step: DeployingModel." in text_of(session, "a-number")
    header, rows = read_rows("diamonds.csv", 3)
    answers = invoke(session, "one-click", write_rows(without(header.index("price"), rows))).splitlines()
    assert all(float(answer) > 0 for answer in answers)
    assert len(answers) == len(rows)
    variant = session.client("sagemaker").describe_endpoint_config(EndpointConfigName="one-click")["ProductionVariants"]
    model = session.client("sagemaker").describe_model(ModelName=variant[0]["ModelName"])
    assert model["Containers"] == job["BestCandidate"]["InferenceContainers"]
