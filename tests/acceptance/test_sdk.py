"""What a data scientist does: a frame to a model, an endpoint, files of predictions, and the model again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gyropilot import (
    AutoML,
    AutoMLTabularConfig,
    AutoMLV2,
    CandidateEstimator,
    JSONDeserializer,
    JSONSerializer,
    LocalAutoMLDataChannel,
    NoBestCandidateError,
    Session,
    Transformer,
    UnexpectedStatusException,
)
from tests.acceptance.running import DATA

ROWS, ASKED_ROWS = 600, 20
LABELS = {"<=50K", ">50K"}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return pd.read_csv(DATA / "adult.csv", nrows=ROWS)


@pytest.fixture(scope="module")
def asked() -> pd.DataFrame:
    rows = pd.read_csv(DATA / "adult.csv", skiprows=range(1, ROWS + 1), nrows=ASKED_ROWS)
    return rows.drop(columns="income")


@pytest.fixture(scope="module")
def automl(session: Session, people: pd.DataFrame) -> AutoML:
    """A job on a frame that was waited for."""
    made = AutoML(
        target_attribute_name="income",
        mode="ENSEMBLING",
        max_candidates=2,
        base_job_name="people",
        sagemaker_session=session,
    )
    made.fit(people)
    return made


def test_a_frame_becomes_candidates_with_the_best_first(automl: AutoML) -> None:
    assert automl.current_job_name is not None
    assert automl.current_job_name.startswith("people-")
    board = automl.leaderboard()
    assert len(board) == len(automl.list_candidates()) == 2
    assert board["candidate"].iloc[0] == automl.best_candidate()["CandidateName"]
    assert set(board["status"]) == {"Completed"}
    assert board["score"].is_monotonic_decreasing
    assert {"F1", "Accuracy", "LogLoss", "latency_seconds"} <= set(board.columns)


def test_progress_and_log_are_shown(automl: AutoML, capsys: pytest.CaptureFixture[str]) -> None:
    assert automl.latest_auto_ml_job is not None
    automl.latest_auto_ml_job.wait()
    lines = capsys.readouterr().out.splitlines()
    assert "Step: TrainingModels." in lines
    assert "Completed, 2 models, best F1 " in lines[-1]


def test_a_deployed_model_answers_rows_of_a_frame(automl: AutoML, asked: pd.DataFrame) -> None:
    predictor = automl.deploy(1, "ml.m5.large")
    labels = predictor.predict(asked)
    assert len(labels) == ASKED_ROWS
    assert {label for (label,) in labels} <= LABELS
    assert predictor.predict(asked.astype(object).to_numpy().tolist()) == labels
    predictor.serializer, predictor.deserializer = JSONSerializer(), JSONDeserializer()
    answer = predictor.predict({"instances": asked.astype(object).where(asked.notna(), None).to_dict("records")})
    assert [[prediction["predicted_label"]] for prediction in answer["predictions"]] == labels
    predictor.delete_model()
    predictor.delete_endpoint()
    assert not automl.sagemaker_session.endpoint_in_service_or_not(predictor.endpoint_name)


def served_model(session: Session, endpoint: str) -> str:
    config = session.describe_endpoint(endpoint)["EndpointConfigName"]
    (variant,) = session.describe_endpoint_config(config)["ProductionVariants"]
    return str(variant["ModelName"])


def test_an_endpoint_takes_another_model_over(automl: AutoML, asked: pd.DataFrame) -> None:
    session, keys = automl.sagemaker_session, ["probability"]
    worst, best = automl.list_candidates(sort_by="FinalObjectiveMetricValue")
    predictor = automl.deploy(
        1, "ml.m5.large", candidate=worst, endpoint_name="people-now", inference_response_keys=keys
    )
    first, model = predictor.predict(asked), served_model(session, "people-now")
    other = automl.create_model("people-best", candidate=best, inference_response_keys=keys)
    other.deploy(1, "ml.m5.large", endpoint_name="people-now", update_endpoint=True)
    assert served_model(session, "people-now") == "people-best"
    assert predictor.predict(asked) != first
    predictor.update_endpoint(1, "ml.m5.large", model_name=model, tags={"team": "people"})
    assert served_model(session, "people-now") == model
    assert predictor.predict(asked) == first
    with pytest.raises(ValueError, match="also needs initial_instance_count"):
        predictor.update_endpoint(model_name="people-best")
    predictor.delete_model()
    predictor.delete_endpoint()
    other.delete_model()


def test_a_candidate_is_trained_again_and_deployed(automl: AutoML, people: pd.DataFrame, asked: pd.DataFrame) -> None:
    best = automl.best_candidate()
    estimator = CandidateEstimator(best, sagemaker_session=automl.sagemaker_session)
    (step,) = estimator.get_steps()
    estimator.fit(people.tail(400))
    (container,) = estimator.containers
    assert container["ModelDataUrl"] != step.description["ModelArtifacts"]["S3ModelArtifacts"]
    name = container["ModelDataUrl"].split("/")[-3]
    again = automl.sagemaker_session.describe_training_job(name)
    assert again["HyperParameters"] == step.description["HyperParameters"]
    predictor = automl.deploy(1, "ml.m5.large", candidate=estimator, inference_response_keys=["probability"])
    assert all(0.5 <= float(probability) <= 1 for (probability,) in predictor.predict(asked))
    predictor.delete_model()
    predictor.delete_endpoint()


def test_files_become_files_of_predictions(automl: AutoML, asked: pd.DataFrame, tmp_path: Path) -> None:
    session = automl.sagemaker_session
    asked.to_csv(tmp_path / "asked.csv", index=False, header=False)
    model = automl.create_model("people-files")
    transformer = model.transformer(1, "ml.m5.large", assemble_with="Line")
    rows = session.upload_data(tmp_path / "asked.csv", key_prefix="rows")
    transformer.transform(rows, content_type="text/csv", split_type="Line")
    assert transformer.latest_transform_job is not None
    bucket, _, key = str(transformer.output_path).removeprefix("s3://").partition("/")
    assert session.list_s3_files(bucket, f"{key}/") == [f"{key}/asked.csv.out"]
    answers = pd.read_csv(io.StringIO(session.read_s3_file(bucket, f"{key}/asked.csv.out")), header=None)
    assert len(answers) == ASKED_ROWS
    assert set(answers[0]) <= LABELS
    attached = Transformer.attach(transformer.latest_transform_job, sagemaker_session=session)
    assert (attached.model_name, attached.output_path) == ("people-files", transformer.output_path)
    attached.delete_model()


def test_the_second_generation_learns_from_a_local_file(session: Session, people: pd.DataFrame, tmp_path: Path) -> None:
    people.to_csv(tmp_path / "people.csv.gz", index=False)
    config = AutoMLTabularConfig("income", algorithms_config=["linear-learner"], mode="ENSEMBLING", max_candidates=1)
    automl = AutoMLV2(config, sagemaker_session=session)
    automl.fit(LocalAutoMLDataChannel("S3Prefix", tmp_path / "people.csv.gz", channel_type="training"), logs=False)
    assert list(automl.leaderboard()["algorithm"]) == ["linear-learner"]
    assert AutoMLV2.attach(str(automl.current_job_name), sagemaker_session=session).problem_config == config


def test_a_job_that_cannot_succeed_says_why(session: Session, people: pd.DataFrame) -> None:
    automl = AutoML(target_attribute_name="income", mode="ENSEMBLING", sagemaker_session=session)
    with pytest.raises(UnexpectedStatusException, match="one class only"):
        automl.fit(people.assign(income="same"), logs=False)
    with pytest.raises(NoBestCandidateError, match="one class only"):
        automl.best_candidate()
    assert automl.list_candidates() == []
    empty: Any = automl.leaderboard()
    assert len(empty) == 0
