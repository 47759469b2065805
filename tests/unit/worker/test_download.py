from __future__ import annotations

from pathlib import Path

import pytest

from gyropilot.service.errors import BlobNotFoundError
from gyropilot.worker.download import download
from tests.unit.service.house import PROBLEM, House


def test_objects_become_files_of_their_names(house: House, tmp_path: Path) -> None:
    house.put("train/deep/a.csv", b"second")
    paths = download(house.blobs, house.service.jobs.data.find(PROBLEM.data_uri), tmp_path / "data")
    assert [(path.name, path.read_bytes()) for path in paths] == [
        ("a.csv", b"x,y\n1,no\n2,yes\n"),
        ("a.csv", b"second"),
    ]


def test_what_is_there_is_not_copied_again(house: House, tmp_path: Path) -> None:
    objects = house.service.jobs.data.find(PROBLEM.data_uri)
    first = download(house.blobs, objects, tmp_path)
    house.blobs.delete("data", "train/a.csv")
    assert download(house.blobs, objects, tmp_path) == first


def test_a_changed_object_is_copied_anew(house: House, tmp_path: Path) -> None:
    download(house.blobs, house.service.jobs.data.find(PROBLEM.data_uri), tmp_path)
    house.put("train/a.csv", b"changed")
    (path,) = download(house.blobs, house.service.jobs.data.find(PROBLEM.data_uri), tmp_path)
    assert path.read_bytes() == b"changed"


def test_a_deleted_object_is_an_error(house: House, tmp_path: Path) -> None:
    objects = house.service.jobs.data.find(PROBLEM.data_uri)
    house.blobs.delete("data", "train/a.csv")
    with pytest.raises(BlobNotFoundError):
        download(house.blobs, objects, tmp_path)
