"""Stages of golden models, one by one over text and fused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gyropilot.engine.bundle.archive import unpack
from gyropilot.engine.bundle.splitting import split_bundle
from gyropilot.engine.errors import BundleError, RequestError
from gyropilot.serving.answers import write_answers
from gyropilot.serving.media import CSV, JSON_LINES
from gyropilot.serving.model import Model
from gyropilot.serving.options import read_options
from gyropilot.serving.rows import read_rows
from gyropilot.serving.stages import open_model

BUNDLES = Path(__file__).parents[2] / "data" / "bundles"
ROWS = {
    "binary": b"0.5,red,2024-03-04\n,never seen,\n-2,,2023-12-31\n1e3,blue,soon\n",
    "multiclass": b"1.5,2\n,\n-3,0.1\n",
}
PASSED = "predicted_label,probability,probabilities"
ALL = f"{PASSED},labels"


def split(name: str, folder: Path) -> tuple[Path, Path]:
    (folder / name).mkdir()
    unpack(BUNDLES / f"0.1.0-{name}.tar.gz", folder / name)
    return split_bundle(folder / name, folder / f"{name}-stages")


def answer(model: Model, body: bytes, environment: dict[str, str], media_type: str = CSV) -> bytes:
    rows = read_rows(body, CSV, model)
    return write_answers(model.predict_rows(rows), model, read_options(environment), media_type)


@pytest.mark.parametrize("output", ["predicted_label", ALL, "labels,probability", "probability,odds"])
def test_stages_answer_one_by_one_as_they_do_fused(tmp_path: Path, output: str) -> None:
    processor, algorithm = split("binary", tmp_path)
    passed = {"SAGEMAKER_INFERENCE_OUTPUT": PASSED, "SAGEMAKER_INFERENCE_SUPPORTED": PASSED}
    labels = {
        "AUTOML_TRANSFORM_MODE": "inverse-label-transform",
        "SAGEMAKER_INFERENCE_INPUT": PASSED,
        "SAGEMAKER_INFERENCE_OUTPUT": output,
        "SAGEMAKER_INFERENCE_SUPPORTED": ALL,
    }
    numbers = answer(open_model([processor], {}), ROWS["binary"], {})
    classes = answer(open_model([algorithm], passed), numbers, passed)
    alone = answer(open_model([processor], labels), classes, labels)
    together = {"SAGEMAKER_INFERENCE_OUTPUT": output, "SAGEMAKER_INFERENCE_SUPPORTED": ALL}
    assert alone == answer(open_model([processor, algorithm, processor], together), ROWS["binary"], together)
    whole = open_model([BUNDLES / "0.1.0-binary.tar.gz"], {})
    assert alone == answer(whole, ROWS["binary"], together)


def test_without_labels_classes_are_numbers(tmp_path: Path) -> None:
    processor, algorithm = split("binary", tmp_path)
    assert answer(open_model([processor, algorithm], {}), ROWS["binary"], {}) == b"1\n0\n0\n1\n"


def test_a_header_is_known_by_the_first_stage(tmp_path: Path) -> None:
    processor, _ = split("binary", tmp_path)
    model = open_model([processor], {})
    header = ",".join(model.feature_names).encode() + b"\n"
    assert answer(model, header + ROWS["binary"], {}) == answer(model, ROWS["binary"], {})
    assert len(answer(model, ROWS["binary"], {}, JSON_LINES).splitlines()) == 4


def test_rows_that_are_no_stages_input_are_refused(tmp_path: Path) -> None:
    processor, algorithm = split("binary", tmp_path)
    labels = {"AUTOML_TRANSFORM_MODE": "inverse-label-transform"}
    for model, body, words in (
        (open_model([processor], {}), b"1\n", "Expected number of columns is 3"),
        (open_model([algorithm], {}), b"1\n", "Expected number of columns is"),
        (open_model([algorithm], {}), b",".join([b"x"] * 99) + b"\n", "Expected number of columns is"),
        (open_model([processor], labels), b"7\n", "There is no class 7"),
        (open_model([processor], labels), b"yes\n", "The column 'predicted_label' cannot be read"),
        (open_model([processor], labels), b"1,0.5\n", "Expected number of columns is 1"),
    ):
        with pytest.raises(RequestError, match=words):
            answer(model, body, {})
    width = len(open_model([algorithm], {}).feature_names)
    with pytest.raises(RequestError, match="takes numbers only"):
        answer(open_model([algorithm], {}), b",".join([b"x"] * width) + b"\n", {})


def test_what_does_not_belong_together_is_not_opened(tmp_path: Path) -> None:
    processor, algorithm = split("binary", tmp_path)
    _, other = split("multiclass", tmp_path)
    with pytest.raises(BundleError, match="not those of features, algorithm and labels"):
        open_model([algorithm, processor], {})
    with pytest.raises(BundleError, match="The labels are those of 2 classes"):
        open_model([processor, other, processor], {})
    with pytest.raises(BundleError, match="the archive has no such stage"):
        open_model([processor], {"AUTOML_TRANSFORM_MODE": "sideways"})
