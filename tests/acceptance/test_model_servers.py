"""What a model server is sent through an endpoint: bodies of all kinds, and archives of strangers."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError
from onnx import TensorProto, helper

from gyropilot.engine.bundle.archive import pack, unpack
from gyropilot.engine.bundle.manifest import MANIFEST, PREDICTOR
from gyropilot.sdk import Session
from tests.acceptance.running import BUCKET, create_endpoint, invoke, wait_for, wait_for_endpoint

STORED = Path(__file__).parents[1] / "data" / "bundles" / "0.1.0-binary.tar.gz"
"""A model that was trained long ago: of an amount, a colour and a day."""
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:gyropilot-1"


def deploy(session: Session, name: str, archive: bytes) -> None:
    session.client("s3").put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=archive)
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{name}/model.tar.gz", "Environment": {}}
    create_endpoint(session, name, {"InferenceContainers": [container]})


@pytest.fixture(scope="module")
def endpoint(session: Session) -> Iterator[str]:
    deploy(session, "all-bodies", STORED.read_bytes())
    wait_for_endpoint(session, "all-bodies")
    yield "all-bodies"
    session.client("sagemaker").delete_endpoint(EndpointName="all-bodies")


def write_parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_through_an_endpoint(session: Session, endpoint: str) -> None:
    with tarfile.open(STORED) as archive:
        content = archive.extractfile(MANIFEST)
        assert content is not None
        amount, colour, day = json.load(content)["encoder"]["columns"]
    body = write_parquet({day: ["2024-03-04", None], amount: [0.5, -2.0], colour: ["red", None]})
    assert invoke(session, endpoint, body, ContentType="application/x-parquet") == "yes\nno\n"


def test_custom_attributes_come_back(session: Session, endpoint: str) -> None:
    runtime = session.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"0.5,red,", CustomAttributes="trace=7")
    assert answer["CustomAttributes"] == "trace=7"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        (b"1,2", "text/csv", 400, "Expected number of columns is 3. Number of columns in the received data is 2."),
        (b"\xff\x00\xfe", "application/octet-stream", 400, "The body is not UTF-8"),
        (b"[[NaN, 1, 2]]", "application/json", 400, "The body is not JSON"),
        (b"PAR1PAR1", "application/x-parquet", 400, "The table is not Parquet"),
        (write_parquet({"a": [1]}), "application/x-parquet", 400, "The table lacks columns of the model"),
        (b"1,2,3", "image/png", 415, "'image/png' is an unsupported content type."),
    ],
)
def test_what_a_model_refuses_is_told_with_its_words(
    session: Session, endpoint: str, body: bytes, content_type: str, status: int, words: str
) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(session, endpoint, body, ContentType=content_type)
    response: Any = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (response["Error"]["Code"], response["OriginalStatusCode"]) == ("ModelError", status)
    assert words in response["OriginalMessage"]
    assert invoke(session, endpoint, b"0.5,red,2024-03-04") == "yes\n"


def make_escaping_archive(_folder: Path) -> bytes:
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../escaped-from-a-model"))
    return text.getvalue()


def make_calling_archive(folder: Path) -> bytes:
    """A model whose graph calls an operator that is none of ours."""
    unpack(STORED, folder)
    value = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, None])
    node = helper.make_node("RandomNormalLike", ["features"], ["features_1"])
    (folder / PREDICTOR).write_bytes(
        helper.make_model(helper.make_graph([node], "g", [value], [value])).SerializeToString()
    )
    pack(folder, folder / "model.tar.gz")
    return (folder / "model.tar.gz").read_bytes()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_escaping_archive, "model.tar.gz is not a model: it holds '../escaped-from-a-model'"),
        (make_calling_archive, "it has the operator 'RandomNormalLike', which no model of Gyropilot has"),
    ],
)
def test_an_archive_of_a_stranger_fails_its_endpoint_and_nothing_else(
    session: Session, tmp_path: Path, make: Any, words: str
) -> None:
    sagemaker, name = session.client("sagemaker"), make.__name__.replace("_", "-")
    deploy(session, name, make(tmp_path))
    found = wait_for(
        lambda: sagemaker.describe_endpoint(EndpointName=name), lambda found: found["EndpointStatus"] != "Creating"
    )
    assert found["EndpointStatus"] == "Failed"
    assert words in found["FailureReason"]
    assert not (Path(tempfile.gettempdir()) / "escaped-from-a-model").exists()
    sagemaker.delete_endpoint(EndpointName=name)
