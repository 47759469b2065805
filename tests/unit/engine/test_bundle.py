"""Bundles: exact, safe to open, and readable for ever."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gyropilot.engine.bundle.archive import pack, unpack
from gyropilot.engine.bundle.graph import Member
from gyropilot.engine.bundle.load import load
from gyropilot.engine.bundle.manifest import ARRAYS, MANIFEST, PREDICTOR, Manifest, Provenance
from gyropilot.engine.bundle.running import FEWEST_ROWS_AT_ONCE
from gyropilot.engine.bundle.write import Check, write_bundle
from gyropilot.engine.contracts import Linear, Trees
from gyropilot.engine.errors import BundleError, RequestError
from gyropilot.engine.features.encoders import CategoricalEncoder, NumericEncoder, TextEncoder
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.features.text_fitting import fit_text_spaces
from gyropilot.engine.task import ProblemType

GOLDEN = Path(__file__).parents[2] / "data" / "bundles"

STUMP = Trees(
    feature=np.array([0, -1, -1], dtype=np.int32),
    threshold=np.array([2.5, 0, 0], dtype=np.float32),
    left=np.array([1, 0, 0], dtype=np.int32),
    right=np.array([2, 0, 0], dtype=np.int32),
    value=np.array([[0], [-1], [1]], dtype=np.float32),
    root=np.array([0], dtype=np.int32),
    output=np.array([0], dtype=np.int32),
    base=np.zeros(1),
)
LINE = Linear(
    numeric=np.array([0], dtype=np.int32),
    center=np.array([1], dtype=np.float32),
    scale=np.array([2], dtype=np.float32),
    limit=5.0,
    marked=np.array([0], dtype=np.int32),
    category=np.array([1, 1], dtype=np.int32),
    level=np.array([0, 1], dtype=np.float32),
    weights=np.array([[1.0], [0.5], [10.0], [20.0]]),
    intercept=np.array([100.0]),
)
FEATURES = np.array([[3, 0], [2.5, 1], [np.nan, -1]], dtype=np.float32)


def make_manifest(problem_type: ProblemType) -> Manifest:
    return Manifest(
        candidate="c01",
        algorithm="lightgbm",
        parameters={"steps": 1},
        problem_type=problem_type,
        target="t",
        target_position=1,
        classes=("no", "yes") if problem_type.is_classification else (),
        encoder=TableEncoder(
            columns=("n", "c"),
            encoders=(NumericEncoder(name="n"), CategoricalEncoder(name="c", categories=("a", "b"))),
        ),
        figures=(),
        provenance=Provenance(gyropilot="0", libraries={}, data="", rows=3, seed=0),
    )


def sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    right, left = sigmoid(1), sigmoid(-1)
    expected = np.array([[1 - right, right], [1 - left, left], [1 - left, left]])
    check = Check(features=FEATURES, expected=expected)
    write_bundle(make_manifest(ProblemType.BINARY), [Member(parts=[STUMP], weight=1)], check, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_trees_answer_for_borders_and_missing_numbers(binary: Path) -> None:
    prediction = load(binary).predict_rows([["3", "a"], ["2.5", "b"], ["", "never"]])
    assert prediction.labels == ("yes", "no", "no")
    assert prediction.probabilities is not None
    assert prediction.probabilities[0, 1] == pytest.approx(sigmoid(1))


def test_many_rows_are_predicted_in_parts_and_in_order(binary: Path) -> None:
    predictor = load(binary)
    amounts = np.random.default_rng(0).choice([1.0, 4.0, np.nan], size=3 * FEWEST_ROWS_AT_ONCE + 1)
    features = np.column_stack([amounts, np.zeros(len(amounts))]).astype(np.float32)
    expected = np.where(amounts > 2.5, sigmoid(1), sigmoid(-1))
    np.testing.assert_allclose(predictor.run(features)[:, 1], expected, rtol=1e-6)


def test_linear_parts_and_weights(tmp_path: Path) -> None:
    expected = np.array([100 + 1 + 10, 100 + 0.75 + 20, 100 + 0.5])
    members = [Member(parts=[LINE, LINE], weight=0.25), Member(parts=[LINE], weight=0.75)]
    check = Check(features=FEATURES, expected=expected)
    predictor = write_bundle(make_manifest(ProblemType.REGRESSION), members, check, tmp_path / "bundle")
    values = predictor.predict_rows([["3", "a"], ["2.5", "b"], ["", ""]]).values
    assert values is not None
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_powers_of_small_probabilities_keep_their_digits(tmp_path: Path) -> None:
    """What is left of 1 in single precision when nearly 1 is taken off has few digits, and a root would show it."""
    line = dataclasses.replace(LINE, intercept=np.array([14.0]), weights=np.zeros((4, 1)))
    p = np.array([1 / (1 + np.exp(14.0)), 1 / (1 + np.exp(-14.0))]) ** 0.3
    check = Check(features=FEATURES, expected=np.tile(p / p.sum(), (3, 1)))
    manifest = make_manifest(ProblemType.BINARY)
    write_bundle(manifest, [Member(parts=[line], weight=1)], check, tmp_path / "bundle", exponent=0.3)


def test_predictor_that_differs_is_refused(tmp_path: Path) -> None:
    check = Check(features=FEATURES, expected=np.full((3, 2), 0.5))
    with pytest.raises(BundleError, match=r"differs from its training library by 0\.23"):
        write_bundle(make_manifest(ProblemType.BINARY), [Member(parts=[STUMP], weight=1)], check, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_target_in_a_row_is_dropped(binary: Path) -> None:
    assert load(binary).predict_rows([["3", "yes", "a"]]).labels == ("yes",)


@pytest.mark.parametrize("row", [["3"], ["3", "yes", "a", "b"], []])
def test_wrong_number_of_cells_is_told(binary: Path, row: list[str]) -> None:
    message = f"Expected number of columns is 2. Number of columns in the received data is {len(row)}"
    with pytest.raises(RequestError, match=message):
        load(binary).predict_rows([row])


def test_archive_depends_on_content_alone(binary: Path, tmp_path: Path) -> None:
    pack(binary, tmp_path / "one.tar.gz")
    (binary / MANIFEST).touch()
    pack(binary, tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    assert load(tmp_path / "one.tar.gz").predict_rows([["3", "a"]]).labels == ("yes",)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/b", ".."])
def test_archive_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    (tmp_path / "inside").mkdir()
    with pytest.raises(BundleError, match="is not a model"):
        unpack(archive, tmp_path / "inside")
    assert list((tmp_path / "inside").iterdir()) == []


def test_archive_of_links_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "model.tar.gz"
    link = tarfile.TarInfo(MANIFEST)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(link)
    with pytest.raises(BundleError, match="is not a model"):
        load(archive)


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(b"hello")
    with pytest.raises(BundleError, match="is not a model archive"):
        load(path)


def test_missing_and_broken_pieces_are_told(binary: Path) -> None:
    (binary / PREDICTOR).write_bytes(b"nonsense")
    with pytest.raises(BundleError, match=r"predictor\.onnx cannot be read"):
        load(binary)
    (binary / PREDICTOR).unlink()
    with pytest.raises(BundleError, match=r"no predictor\.onnx"):
        load(binary)
    (binary / MANIFEST).unlink()
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        load(binary)


def test_arrays_of_the_encoder_lie_next_to_the_manifest(tmp_path: Path) -> None:
    words, _ = fit_text_spaces([f"good day {number % 7}" for number in range(100)])
    manifest = msgspec.structs.replace(
        make_manifest(ProblemType.REGRESSION),
        encoder=TableEncoder(columns=("t",), encoders=(TextEncoder(name="t", words=words),)),
    )
    features = manifest.encoder.encode_rows([["good day 3"], ["bad 9"], [""]])
    line = dataclasses.replace(
        LINE, marked=LINE.marked[:0], category=LINE.category[:0], level=LINE.level[:0], weights=LINE.weights[:1]
    )
    check = Check(features=features, expected=100 + np.clip((features[:, 0] - 1) / 2, -5, 5))
    write_bundle(manifest, [Member(parts=[line], weight=1)], check, tmp_path / "bundle")
    assert {path.name for path in (tmp_path / "bundle").iterdir()} == {MANIFEST, ARRAYS, PREDICTOR}
    pack(tmp_path / "bundle", tmp_path / "model.tar.gz")
    encoder = load(tmp_path / "model.tar.gz").manifest.encoder
    np.testing.assert_array_equal(encoder.encode_rows([["good day 3"], ["bad 9"], [""]]), features)
    (tmp_path / "bundle" / ARRAYS).write_bytes((tmp_path / "bundle" / ARRAYS).read_bytes()[:100])
    with pytest.raises(BundleError, match=r"encoder\.npz"):
        load(tmp_path / "bundle")
    (tmp_path / "bundle" / ARRAYS).unlink()
    with pytest.raises(BundleError, match=r"no encoder\.npz in the model"):
        load(tmp_path / "bundle")


def test_later_schema_is_refused_and_unknown_members_are_not(binary: Path) -> None:
    manifest = json.loads((binary / MANIFEST).read_text())
    (binary / MANIFEST).write_text(json.dumps(manifest | {"added_later": 1}))
    assert load(binary).target == "t"
    (binary / MANIFEST).write_text(json.dumps(manifest | {"schema_version": 99}))
    with pytest.raises(BundleError, match="schema version 99; this program reads up to 1"):
        load(binary)


@pytest.mark.parametrize("archive", sorted(GOLDEN.glob("*.tar.gz")), ids=lambda path: path.name)
def test_bundles_of_older_releases_open_and_predict_the_same(archive: Path) -> None:
    """`tests/data/bundles` keeps what `tools/record_bundles.py` made of each release; nobody edits it."""
    expected = json.loads(archive.with_name(archive.name.removesuffix(".tar.gz") + ".json").read_text())
    prediction = load(archive).predict_rows(expected["rows"])
    if prediction.values is not None:
        np.testing.assert_allclose(prediction.values, expected["values"], rtol=1e-5)
    else:
        assert list(prediction.labels) == expected["labels"]
        assert prediction.probabilities is not None
        np.testing.assert_allclose(prediction.probabilities, expected["probabilities"], atol=1e-5)


def test_there_are_golden_bundles() -> None:
    assert {path.name for path in GOLDEN.glob("*.tar.gz")} >= {
        "0.1.0-binary.tar.gz",
        "0.1.0-columns.tar.gz",
        "0.1.0-multiclass.tar.gz",
        "0.1.0-regression.tar.gz",
    }
