"""What serializers write and deserializers read beyond what the record of the SageMaker SDK holds."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gyropilot import (
    CSVDeserializer,
    CSVSerializer,
    DataSerializer,
    JSONLinesSerializer,
    JSONSerializer,
    LibSVMSerializer,
    NumpyDeserializer,
    NumpySerializer,
    PandasDeserializer,
    StreamDeserializer,
)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.array([1.5, 2.0]), "1.5,2.0"),
        (np.array([[1, 2], [3, 4]]), "1,2\n3,4"),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y,z"]}), '1,x\n2,"y,z"\n'),
        (pd.Series([1, 2]), "1,2"),
        (["25", "Private"], "25,Private"),
        (["25,Private", "30,Public"], "25,Private\n30,Public"),
        (io.StringIO("1,2"), "1,2"),
        (b"1,2", b"1,2"),
    ],
    ids=["vector", "matrix", "frame", "series", "cells", "rows", "file", "bytes"],
)
def test_rows_of_every_form_become_csv(data: Any, text: str) -> None:
    assert CSVSerializer().serialize(data) == text


@pytest.mark.parametrize("data", [{"a": 1}, 5, None, [{"a": 1}]])
def test_what_has_no_rows_is_refused_with_a_remedy(data: Any) -> None:
    with pytest.raises(ValueError, match="use JSONSerializer"):
        CSVSerializer().serialize(data)


def test_arrays_become_json() -> None:
    assert JSONSerializer().serialize({"instances": np.eye(2)}) == '{"instances": [[1.0, 0.0], [0.0, 1.0]]}'
    assert JSONLinesSerializer().serialize(np.array([1, 2])) == "1\n2"
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        JSONSerializer().serialize(object())
    with pytest.raises(ValueError, match="has no elements"):
        JSONLinesSerializer().serialize(5)


def test_arrays_go_there_and_back() -> None:
    sent = NumpySerializer(dtype="float32").serialize([[1, 2], [3, 4]])
    read = NumpyDeserializer().deserialize(io.BytesIO(sent), "application/x-npy")
    assert read.dtype == np.float32
    assert read.tolist() == [[1, 2], [3, 4]]
    assert NumpyDeserializer().deserialize(io.BytesIO(b"1,2\n3,4"), "text/csv; charset=utf-8").tolist() == [
        [1, 2],
        [3, 4],
    ]
    assert NumpyDeserializer().deserialize(io.BytesIO(b"[1, 2]"), "application/json").tolist() == [1, 2]
    with pytest.raises(ValueError, match="cannot read content type x/y"):
        NumpyDeserializer().deserialize(io.BytesIO(b""), "x/y")


def test_nothing_is_pickled() -> None:
    with pytest.raises(ValueError, match="would be pickled"):
        NumpySerializer().serialize([{"a": 1}])
    with pytest.raises(ValueError, match="allow_pickle must be False"):
        NumpyDeserializer(allow_pickle=True)
    with pytest.raises(ValueError, match="empty"):
        NumpySerializer().serialize([])


def test_frames_are_read_from_csv_and_json() -> None:
    deserializer = PandasDeserializer()
    assert deserializer.deserialize(io.BytesIO(b"a,b\n1,x\n"), "text/csv").to_dict("list") == {"a": [1], "b": ["x"]}
    for document in (b'[{"a": 1}, {"a": 2}]', b'{"predictions": [{"a": 1}, {"a": 2}]}'):
        assert deserializer.deserialize(io.BytesIO(document), "application/json").to_dict("list") == {"a": [1, 2]}
    with pytest.raises(ValueError, match="reads a list of rows"):
        deserializer.deserialize(io.BytesIO(b"[1]"), "application/json")
    with pytest.raises(ValueError, match="cannot read content type"):
        deserializer.deserialize(io.BytesIO(b""), "text/plain")


def test_a_stream_is_closed_by_whoever_reads_it() -> None:
    stream = io.BytesIO(b'"a\nb",c')
    assert CSVDeserializer().deserialize(stream, "text/csv") == [["a\nb", "c"]]
    assert stream.closed
    stream = io.BytesIO(b"a")
    assert StreamDeserializer().deserialize(stream, "text/csv") == (stream, "text/csv")
    assert not stream.closed


def test_files_and_text_are_sent(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"raw")
    assert DataSerializer().serialize(tmp_path / "a") == b"raw"
    with pytest.raises(ValueError, match="cannot be read"):
        DataSerializer().serialize(str(tmp_path / "b"))
    assert LibSVMSerializer().serialize("1 1:2") == "1 1:2"
    with pytest.raises(ValueError, match="LibSVM"):
        LibSVMSerializer().serialize([1])


def test_a_media_type_may_be_chosen() -> None:
    assert CSVSerializer(content_type="text/csv; header=absent").CONTENT_TYPE == "text/csv; header=absent"
    assert CSVDeserializer(accept=("text/csv", "text/plain")).ACCEPT == ("text/csv", "text/plain")
    with pytest.raises(ValueError, match="content_type must be a string"):
        CSVSerializer(content_type=1)  # type: ignore[arg-type]  # the mistake
