"""A model from a stranger: opening it runs none of its code, fills no disk, writes to no other place, and ends."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from gyropilot.engine.bundle.archive import MAX_MEMBERS, pack, unpack
from gyropilot.engine.bundle.load import load
from gyropilot.engine.bundle.manifest import ARRAYS, MANIFEST, PREDICTOR
from gyropilot.engine.bundle.operators import OPERATORS
from gyropilot.engine.errors import BundleError

GOLDEN = Path(__file__).parents[2] / "data" / "bundles"
MEGABYTE = 1 << 20


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A model with arrays: text, dates, categories."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    unpack(GOLDEN / "0.1.0-columns.tar.gz", folder)
    return folder


# --- archives ---------------------------------------------------------------------------------------------------------


def write_archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return path


def make_member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: Any) -> Any:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, len(content)
    for attribute, value in more.items():
        setattr(member, attribute, value)
    return member, content


@pytest.mark.parametrize(
    "member",
    [
        make_member("../outside"),
        make_member("/tmp/outside"),
        make_member("a/../../outside"),
        make_member("folder/inside"),
        make_member("folder", kind=tarfile.DIRTYPE),
        make_member("C:\\outside"),
        make_member("a\nb"),
        make_member("x" * 300),
        make_member(".bashrc"),
        make_member("a", pax_headers={"path": "../outside"}),
        make_member("a", pax_headers={"path": "b\0c"}),
        make_member(MANIFEST, kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
        make_member(MANIFEST, kind=tarfile.LNKTYPE, linkname="/etc/passwd"),
        make_member(MANIFEST, kind=tarfile.CHRTYPE, devmajor=1, devminor=5),
        make_member(MANIFEST, kind=tarfile.BLKTYPE),
        make_member(MANIFEST, kind=tarfile.FIFOTYPE),
        make_member("a", b"1.0", pax_headers={"GNU.sparse.size": str(1 << 50), "GNU.sparse.map": "0,0"}),
    ],
    ids=lambda member: repr(member[0].name[:20]) + member[0].type.decode(),
)
def test_only_plain_files_of_plain_names_are_taken(tmp_path: Path, member: tuple[tarfile.TarInfo, bytes]) -> None:
    (tmp_path / "inside").mkdir()
    with pytest.raises(BundleError, match="is not a model"):
        unpack(write_archive(tmp_path / "model.tar.gz", member), tmp_path / "inside")
    assert list((tmp_path / "inside").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"inside", "model.tar.gz"}


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    archive = write_archive(tmp_path / "model.tar.gz", make_member("a", b"1"), make_member("./a", b"2"))
    with pytest.raises(BundleError, match=r"it holds './a'"):
        unpack(archive, tmp_path / "inside")


def test_more_files_than_any_model_has_are_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    archive = write_archive(tmp_path / "model.tar.gz", *(make_member(str(n)) for n in range(MAX_MEMBERS + 1)))
    with pytest.raises(BundleError, match=f"it holds '{MAX_MEMBERS}'"):
        unpack(archive, tmp_path / "inside")


def test_a_small_archive_does_not_fill_the_disk(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    archive = write_archive(tmp_path / "model.tar.gz", make_member(PREDICTOR, bytes(80 * MEGABYTE)))
    assert archive.stat().st_size < MEGABYTE
    with pytest.raises(BundleError, match="unpacks to more than 67108864 bytes"):
        unpack(archive, tmp_path / "inside")


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_size_that_is_only_claimed_takes_no_memory(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("a")
    member.type, member.size = kind, 1 << 40
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))
    (tmp_path / "inside").mkdir()
    with pytest.raises(BundleError, match="is not a model"):
        unpack(archive, tmp_path / "inside")


def test_what_is_packed_otherwise_is_refused(tmp_path: Path) -> None:
    for mode in ("w", "w:bz2", "w:xz"):
        archive = tmp_path / "model.tar.gz"
        with tarfile.open(archive, mode) as tar:
            tar.addfile(tarfile.TarInfo(MANIFEST))
        with pytest.raises(BundleError, match="is not a model archive"):
            load(archive)


@pytest.mark.parametrize("name", ["model.pkl", "inference.py", "__init__.py", "sitecustomize.py", "requirements.txt"])
def test_files_that_nothing_asks_for_are_nothing(bundle: Path, tmp_path: Path, name: str) -> None:
    (bundle / name).write_bytes(b"raise SystemExit('code of a stranger ran')")
    pack(bundle, tmp_path / "model.tar.gz")
    assert load(tmp_path / "model.tar.gz").target == "answer"


# --- manifests and arrays ---------------------------------------------------------------------------------------------


def change(bundle: Path, edit: Callable[[Any], object]) -> None:
    document = json.loads((bundle / MANIFEST).read_text())
    edit(document)
    (bundle / MANIFEST).write_text(json.dumps(document))


def one_hot(kept: int) -> dict[str, Any]:
    return {"type": "one-hot", "columns": [0], "kept": [kept]}


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document.update(schema_version=[1]),
        lambda document: document.update(schema_version=1e300),
        lambda document: document.update(encoder=None),
        lambda document: document.update(classes=["a", "b", "c"]),
        lambda document: document.update(classes=["a"] * 2, decision=[1.0] * 5),
        lambda document: document["encoder"].update(columns=[]),
        lambda document: document["encoder"].update(encoders=[]),
        lambda document: document["encoder"].update(steps=[one_hot(1 << 40)]),
        lambda document: document["encoder"].update(steps=[one_hot(-1)]),
        lambda document: document["encoder"].update(steps=[one_hot(3)]),
        lambda document: document["encoder"]["encoders"][0].update(name="never there"),
        lambda document: document["encoder"]["encoders"][1].update(words="text99"),
        lambda document: document["encoder"]["encoders"][1].update(words={"__reduce__": ["os.system", "true"]}),
        lambda document: document["encoder"]["encoders"][3].update(date_format="%d" * 40),
        lambda document: document["encoder"]["encoders"][3].update(date_format="%d" * 10_000),
        lambda document: document["encoder"]["derivations"][0].update(left=1 << 70),
    ],
)
def test_a_manifest_of_absurd_shape_is_refused(bundle: Path, edit: Callable[[Any], object]) -> None:
    change(bundle, edit)
    with pytest.raises(BundleError):
        load(bundle)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_manifest_without_an_inside_is_refused(bundle: Path, opening: str) -> None:
    (bundle / MANIFEST).write_text('{"schema_version": 1, "parameters": {"a": ' + opening * 1_000_000)
    with pytest.raises(BundleError, match="nested too deeply"):
        load(bundle)


def write_zip(path: Path, content: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, piece in content.items():
            archive.writestr(name, piece)


def make_header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def test_arrays_of_objects_are_not_read(bundle: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (bundle / "ran",))

    with np.load(bundle / ARRAYS) as arrays:
        stored = dict(arrays)
    stored["text0.weights"] = np.array([Evil()] * len(stored["text0.weights"]), dtype=object)
    np.savez(bundle / ARRAYS, allow_pickle=True, **stored)
    with pytest.raises(BundleError, match="Object arrays cannot be loaded"):
        load(bundle)
    assert not (bundle / "ran").exists()


@pytest.mark.parametrize("shape", ["(1099511627776,)", "(9223372036854775807, 9)", "(-1,)", "(1,) * 9**9", "exit()"])
def test_an_array_whose_size_is_only_claimed_is_refused(bundle: Path, shape: str) -> None:
    write_zip(bundle / ARRAYS, {"text0.terms.npy": make_header(shape)})
    with pytest.raises(BundleError, match=r"encoder\.npz does not hold 'text0\.terms'"):
        load(bundle)


def test_compressed_arrays_are_refused(bundle: Path) -> None:
    content = make_header(f"({25 * MEGABYTE},)") + bytes(100 * MEGABYTE)
    write_zip(bundle / ARRAYS, {"text0.terms.npy": content}, zipfile.ZIP_DEFLATED)
    assert (bundle / ARRAYS).stat().st_size < MEGABYTE
    with pytest.raises(BundleError, match="it is compressed"):
        load(bundle)


# --- graphs -----------------------------------------------------------------------------------------------------------


def make_graph(*nodes: Any, constants: tuple[Any, ...] = (), **more: Any) -> bytes:
    """A model of the width of the bundle's, whose output the last node makes."""
    width = 68
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, [None, None])],
        constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("strange", 1)]
    model = helper.make_model(graph, opset_imports=opsets, **more)
    model.ir_version = 9
    content: bytes = model.SerializeToString()
    return content


def loop() -> Any:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("n", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, [])],
    )
    return helper.make_node("Loop", ["", "yes"], [], body=body)


def external(location: str) -> Any:
    tensor = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


IDENTITY = helper.make_node("Identity", ["features"], ["predictions"])
ADD = helper.make_node("Add", ["features", "c"], ["predictions"])
YES = numpy_helper.from_array(np.array(True), "yes")
INSIDE = helper.make_graph([IDENTITY], "inside", [], [])
FUNCTION = helper.make_function("strange", "Identity", ["a"], ["b"], [IDENTITY], [helper.make_opsetid("", 17)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (make_graph(loop(), IDENTITY, constants=(YES,)), "it has the operator 'Loop'"),
        (make_graph(helper.make_node("RandomNormal", [], ["predictions"], shape=[1, 1])), "operator 'RandomNormal'"),
        (make_graph(helper.make_node("Add", ["features"] * 2, ["predictions"], domain="strange")), "'strange.Add'"),
        (make_graph(helper.make_node("Tokenizer", ["features"], ["a"], domain="com.microsoft")), "'com.microsoft"),
        (make_graph(ADD, constants=(external("/etc/passwd"),)), "constants in other files"),
        (make_graph(ADD, constants=(external("../../secret"),)), "constants in other files"),
        (make_graph(IDENTITY, functions=[FUNCTION]), "functions of its own"),
        (make_graph(), "it has 0 nodes"),
        (make_graph(IDENTITY)[:-3], "cut short"),
        (b"\x0c\x00\x00\x00ORTM" + bytes(100), "it is no ONNX"),
        (b"\xff" * 100, "it is no ONNX"),
        (b"", "it has 0 nodes"),
        (make_graph(helper.make_node("Relu", ["features"], ["predictions"], a=INSIDE)), "Unrecognized attribute"),
        (make_graph(helper.make_node("Identity", ["predictions"], ["predictions"])), "predictor.onnx cannot be read"),
    ],
)  # fmt: skip
def test_a_graph_of_anything_else_is_refused(bundle: Path, content: bytes, words: str) -> None:
    (bundle / PREDICTOR).write_bytes(content)
    with pytest.raises(BundleError, match=words):
        load(bundle)


def test_a_graph_behind_another_is_looked_at_too(bundle: Path) -> None:
    """Protocol Buffers join what comes twice; a reader that takes the last one would pass over the first."""
    hidden = make_graph(loop(), constants=(YES,))
    (bundle / PREDICTOR).write_bytes(hidden + make_graph(IDENTITY))
    with pytest.raises(BundleError, match="operator 'Loop'"):
        load(bundle)


def test_an_enormous_intermediate_is_refused(bundle: Path) -> None:
    shape = numpy_helper.from_array(np.array([1 << 30, 1 << 20, 1]), "c")
    (bundle / PREDICTOR).write_bytes(
        make_graph(helper.make_node("Expand", ["features", "c"], ["predictions"]), constants=(shape,))
    )
    with pytest.raises(BundleError, match="cannot predict"):
        load(bundle)


def test_trees_that_go_round_in_circles_are_refused(bundle: Path) -> None:
    tree = helper.make_node(
        "TreeEnsembleRegressor", ["features"], ["predictions"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_values=[0.0, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 1, 0],
        target_treeids=[0], target_nodeids=[2], target_ids=[0], target_weights=[1.0],
    )  # fmt: skip
    (bundle / PREDICTOR).write_bytes(make_graph(tree))
    with pytest.raises(BundleError):
        load(bundle)


def test_every_operator_that_is_allowed_exists() -> None:
    for domain, operators in OPERATORS.items():
        known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == domain}
        assert operators <= known
