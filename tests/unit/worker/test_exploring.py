"""A job's table is explored while its models are trained, and nothing of it fails the job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pyarrow as pa
import pytest

from gyropilot.engine.data.source import InMemory
from gyropilot.engine.events import DataRead, Phase, PhaseBegan
from gyropilot.engine.explore.sample import FACTS
from gyropilot.engine.problems.tabular.prepare import SAMPLE, prepare
from gyropilot.engine.task import Task
from gyropilot.service.jobs import LOG_GROUP
from gyropilot.worker.reports.explore_table import NOTEBOOK
from gyropilot.worker.reports.exploring import Exploring
from gyropilot.worker.reports.shelf import ReportShelf
from tests.unit.service.house import House

READ = DataRead(rows=60, columns=2, folds=5, problem_type="binary", objective="f1")
HOSTILE = '<img src=x onerror="1"> & $a$'
LONG_SECONDS = 120


def begin(house: House, folder: Path, **changes: Any) -> Exploring:
    house.create_job()
    job = house.claim()
    assert job is not None
    shelf = ReportShelf(blobs=house.blobs, job=job)
    return Exploring(
        jobs=house.service.jobs, owner="w1", shelf=shelf, sample=folder / SAMPLE, out=folder / "out", **changes
    )


def keep_sample(folder: Path) -> None:
    table = {
        HOSTILE: [float(row) for row in range(60)],
        "word": ["a", "b", HOSTILE] * 20,
        "y": ["no", "yes"] * 30,
    }
    prepare(InMemory(pa.table(table)), None, Task(target="y"), folder)


def read_log(house: House) -> str:
    return "\n".join(line.message for line in house.logs.read(LOG_GROUP, "churn"))


def read(house: House, key: str) -> str:
    with house.blobs.open("data", key) as (_, content):
        return content.read().decode()


def test_the_report_is_stored_and_named(house: House, tmp_path: Path) -> None:
    keep_sample(tmp_path)
    with begin(house, tmp_path) as exploring:
        exploring.take(PhaseBegan(phase=Phase.ANALYZING))
        exploring.take(READ)
        exploring.finish(LONG_SECONDS)
    assert exploring.failure == ""
    place = house.service.jobs.get("churn").data_exploration_url
    assert place == f"s3://data/out/churn/sagemaker-automl-candidates/notebooks/{NOTEBOOK}"
    assert f"The data exploration is in {place}" in read_log(house)
    notebook = nbformat.reads(read(house, place.removeprefix("s3://data/")), as_version=4)
    nbformat.validate(notebook)
    page = read(house, "out/churn/documentation/data-exploration.html")
    assert "&lt;img src=x onerror=" in page
    assert "<img" not in page
    assert json.loads(read(house, "out/churn/documentation/data-exploration.json"))["rows"] == 60


def test_a_report_that_fails_says_why(house: House, tmp_path: Path) -> None:
    keep_sample(tmp_path)
    (tmp_path / SAMPLE / FACTS).write_text("{}")
    with begin(house, tmp_path) as exploring:
        exploring.take(READ)
        exploring.finish(LONG_SECONDS)
    assert "The data exploration report could not be made: msgspec.ValidationError: Object missing" in exploring.failure
    assert house.service.jobs.get("churn").data_exploration_url == ""


def test_a_job_that_ends_first_does_not_wait(house: House, tmp_path: Path) -> None:
    keep_sample(tmp_path)
    with begin(house, tmp_path) as exploring:
        exploring.take(READ)
        exploring.finish(0)
    assert exploring.failure == "The data exploration report could not be made: the job ended first."


@pytest.mark.parametrize("is_wanted", [True, False])
def test_nothing_is_begun_that_is_not_wanted_or_there_already(house: House, tmp_path: Path, is_wanted: bool) -> None:
    with begin(house, tmp_path, is_wanted=is_wanted) as exploring:
        if is_wanted:
            house.service.jobs.report("churn", "w1", data_exploration_url="s3://data/there")
            job = house.service.jobs.get("churn")
            shelf = ReportShelf(blobs=house.blobs, job=job)
            exploring = Exploring(
                jobs=house.service.jobs, owner="w2", shelf=shelf, sample=tmp_path, out=tmp_path / "out"
            )
        exploring.take(READ)
        exploring.finish(LONG_SECONDS)
    assert exploring.failure == ""
    assert not (tmp_path / "out").exists()
