"""Explanations on request, by golden models that were given typical rows."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from gyropilot.engine.bundle.archive import unpack
from gyropilot.engine.bundle.manifest import read_manifest, write_manifest
from gyropilot.engine.bundle.splitting import split_bundle
from gyropilot.engine.errors import RequestError
from gyropilot.serving.answers import write_answers
from gyropilot.serving.explaining import MAX_ROWS, explain_rows
from gyropilot.serving.media import CSV, JSON
from gyropilot.serving.options import ServingOptions
from gyropilot.serving.rows import read_rows
from gyropilot.serving.stages import open_model

BUNDLES = Path(__file__).parents[2] / "data" / "bundles"
TYPICAL = ((0.0, "red", "2024-01-01"), (1.0, "blue", None))
ROWS = b"0.5,red,2024-03-04\n,never seen,\n-2,,2023-12-31\n"
LABELS = {"binary": ["yes"], "multiclass": None, "regression": ["answer"]}


def make_bundle(name: str, folder: Path) -> Path:
    bundle = folder / name
    bundle.mkdir()
    unpack(BUNDLES / f"0.1.0-{name}.tar.gz", bundle)
    write_manifest(msgspec.structs.replace(read_manifest(bundle), baseline=TYPICAL), bundle)
    return bundle


@pytest.mark.parametrize("name", sorted(LABELS))
def test_explanations_add_up_to_the_predictions(tmp_path: Path, name: str) -> None:
    model = open_model([make_bundle(name, tmp_path)], {})
    rows = read_rows(ROWS, CSV, model)
    answers, explanations = model.predict_rows(rows), explain_rows(model, rows)
    options = ServingOptions(output=("predicted_label", "probabilities"))
    written = json.loads(write_answers(answers, model, options, JSON, explanations))["predictions"]
    assert len(written) == len(rows)
    for place, each in enumerate(written):
        for label, found in each["explanation"].items():
            assert list(found["shap_values"]) == list(model.feature_names)
            given = answers.values[place] if not model.classes else each["probabilities"][model.classes.index(label)]
            total = found["expected_value"] + sum(found["shap_values"].values())
            assert total == pytest.approx(given, abs=1e-4)
    assert list(written[0]["explanation"]) == (LABELS[name] or list(model.classes))


def test_explanations_are_the_last_cell_of_csv_and_the_same_in_stages(tmp_path: Path) -> None:
    bundle = make_bundle("binary", tmp_path)
    processor, algorithm = split_bundle(bundle, tmp_path / "stages")
    written = []
    for paths in ([bundle], [processor, algorithm, processor]):
        model = open_model(paths, {})
        rows = read_rows(ROWS, CSV, model)
        answers = write_answers(model.predict_rows(rows), model, ServingOptions(), CSV, explain_rows(model, rows))
        written.append(answers)
    assert written[0] == written[1]
    label, _, explanation = written[0].decode().splitlines()[0].partition(",")
    assert label == "yes"
    assert set(json.loads(json.loads(f'"{explanation[1:-1].replace(chr(34) * 2, chr(92) + chr(34))}"'))) == {"yes"}


def test_what_cannot_be_explained_is_told(tmp_path: Path) -> None:
    old = open_model([BUNDLES / "0.1.0-binary.tar.gz"], {})
    row = ["0.5", "red", "2024-03-04"]
    with pytest.raises(RequestError, match="of a version that cannot explain"):
        explain_rows(old, [row])
    bundle = make_bundle("binary", tmp_path)
    with pytest.raises(RequestError, match=f"at most {MAX_ROWS} rows of a request, not for {MAX_ROWS + 1}"):
        explain_rows(open_model([bundle], {}), [row] * (MAX_ROWS + 1))
    _, algorithm = split_bundle(bundle, tmp_path / "stages")
    with pytest.raises(RequestError, match="a part of one"):
        explain_rows(open_model([algorithm], {}), [["0.5"]])
