from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gyropilot.service.archives import ServedModel, UnservableError, fetch_archives, fuse_containers
from gyropilot.service.records import Container
from gyropilot.worker.artifacts import (
    ALGORITHM_ENVIRONMENT,
    CLASSES_ENVIRONMENT,
    FEATURES_ENVIRONMENT,
    LABELS_ENVIRONMENT,
)
from tests.unit.service.house import IDENTITY, House

FEATURES = Container(
    image=IDENTITY.processor_image, model_data_url="s3://data/dpp0.tar.gz", environment=FEATURES_ENVIRONMENT
)
CLASSES = Container(
    image=IDENTITY.algorithm_image("xgboost"), model_data_url="s3://data/c1.tar.gz", environment=CLASSES_ENVIRONMENT
)
LABELS = replace(FEATURES, environment=LABELS_ENVIRONMENT)


def choose(container: Container, **keys: str) -> Container:
    return replace(
        container,
        environment={**container.environment, **{f"SAGEMAKER_INFERENCE_{name}": value for name, value in keys.items()}},
    )


def test_three_containers_become_one_program() -> None:
    model = fuse_containers([FEATURES, CLASSES, LABELS])
    assert model.archives == ("s3://data/dpp0.tar.gz", "s3://data/c1.tar.gz", "s3://data/dpp0.tar.gz")
    assert model.environment == {
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,labels",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "MAX_CONTENT_LENGTH": "20971520",
    }


def test_what_is_passed_on_can_be_answered_with() -> None:
    passed = "probability, predicted_label"
    series = [FEATURES, choose(CLASSES, OUTPUT=passed), choose(LABELS, INPUT=passed, OUTPUT="labels,probability")]
    environment = fuse_containers(series).environment
    assert environment["SAGEMAKER_INFERENCE_OUTPUT"] == "labels,probability"
    assert environment["SAGEMAKER_INFERENCE_SUPPORTED"] == "probability,predicted_label,labels"


def test_amounts_have_no_keys() -> None:
    amounts = replace(CLASSES, environment=ALGORITHM_ENVIRONMENT)
    assert fuse_containers([FEATURES, amounts]).environment == ALGORITHM_ENVIRONMENT


def test_containers_without_an_environment_answer_with_labels() -> None:
    bare = [replace(container, environment={}) for container in (FEATURES, CLASSES, LABELS)]
    assert fuse_containers(bare).environment == {"SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,labels"}


@pytest.mark.parametrize("container", [FEATURES, CLASSES, LABELS])
def test_a_stage_is_served_alone(container: Container) -> None:
    expected = ServedModel(archives=(container.model_data_url,), environment=container.environment)
    assert fuse_containers([container]) == expected


@pytest.mark.parametrize(
    ("containers", "words"),
    [
        ([CLASSES, FEATURES], "Models of 2 containers are served when these are a candidate's, all in their order"),
        ([FEATURES, LABELS, CLASSES], "Models of 3 containers"),
        ([FEATURES, CLASSES, LABELS, LABELS], "Models of 4 containers"),
        ([FEATURES, replace(CLASSES, image="xgboost:1")], "The image xgboost:1 is not one of Gyropilot's"),
        (
            [FEATURES, choose(CLASSES, OUTPUT="probability"), LABELS],
            r"passes on \[probability\].*takes \[predicted_label\]",
        ),
    ],
)
def test_other_series_are_refused(containers: list[Container], words: str) -> None:
    with pytest.raises(UnservableError, match=words):
        fuse_containers(containers)


def test_an_archive_is_fetched_once(house: House, tmp_path: Path) -> None:
    house.put("dpp0.tar.gz", b"features and labels")
    house.put("c1.tar.gz", b"algorithm")
    first, second, third = fetch_archives(fuse_containers([FEATURES, CLASSES, LABELS]), house.blobs, tmp_path)
    assert first == third
    assert (first.read_bytes(), second.read_bytes()) == (b"features and labels", b"algorithm")
    assert len(list(tmp_path.iterdir())) == 2
