from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gyropilot.service.errors import AlreadyExistsError, InvalidRequestError, NotFoundError
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.ports import Query
from gyropilot.service.records import Container, Transform, TransformJob
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.service.transforms import LOG_GROUP
from gyropilot.testing.waiting import wait_until
from tests.unit.service.house import IDENTITY, LEASE_SECONDS, House

TRANSFORM = Transform(input_uri="s3://data/train/", output_uri="s3://data/out")
COMPLETED = Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED)


def create_model(house: House) -> None:
    house.put("model.tar.gz", b"a model")
    container = Container(image=IDENTITY.ensembling_image, model_data_url="s3://data/model.tar.gz")
    house.service.models.create("m", {}, [container])


def create(house: House, name: str = "batch", **changes: Any) -> TransformJob:
    return house.service.transforms.create(name, "m", {}, replace(TRANSFORM, **changes))


def outputs_of(house: House, **changes: Any) -> dict[str, str]:
    found = house.service.transforms.find_inputs(replace(TRANSFORM, **changes))
    return {each.blob.key: str(each.output) for each in found}


def test_a_job_keeps_its_models_containers(house: House) -> None:
    create_model(house)
    job = create(house)
    house.service.models.delete("m")
    stored = house.service.transforms.get("BATCH")
    assert stored == job
    assert stored.containers[0].model_data_url == "s3://data/model.tar.gz"
    assert (stored.status, stored.reference) == (JobStatus.IN_PROGRESS, "transform-job/batch")


def test_a_name_is_taken_in_whatever_case_but_not_by_other_kinds(house: House) -> None:
    create_model(house)
    house.create_job("batch")
    create(house)
    with pytest.raises(AlreadyExistsError, match="batch"):
        create(house, "Batch")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input_uri": "s3://data/nothing"}, r"^No objects found under s3://data/nothing\.$"),
        ({"input_uri": "s3://nowhere/x"}, "Could not access s3://nowhere/x"),
        ({"input_uri": "https://nowhere/x"}, "Invalid S3 URI"),
        ({"output_uri": "s3://nowhere/out"}, "Could not access s3://nowhere/out: the bucket does not exist"),
        ({"input_filter": "x"}, "^InputFilter 'x' is not a valid JSONPath"),
        ({"output_filter": "$["}, r"^OutputFilter '\$\[' is not a valid JSONPath"),
        ({"is_manifest": True}, "Could not access the manifest s3://data/train/"),
        ({"is_manifest": True, "input_uri": "s3://data/train/a.csv"}, "is not JSON"),
    ],
)
def test_a_job_that_cannot_work_is_refused(house: House, changes: dict[str, Any], words: str) -> None:
    create_model(house)
    with pytest.raises(InvalidRequestError, match=words):
        create(house, **changes)
    assert house.service.transforms.find(Query()) == []


def test_a_model_must_be_there(house: House) -> None:
    with pytest.raises(NotFoundError, match="model"):
        create(house)


# --- where inputs lie and outputs go ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "names"),
    [
        ("s3://data/in/", {"in/a.csv": "a.csv", "in/sub/b.csv": "sub/b.csv"}),
        ("s3://data/in", {"in/a.csv": "a.csv", "in/sub/b.csv": "sub/b.csv"}),
        ("s3://data/in/a.csv", {"in/a.csv": "a.csv"}),
        ("s3://data/in/su", {"in/sub/b.csv": "sub/b.csv"}),
        ("s3://data/in/sub/", {"in/sub/b.csv": "b.csv"}),
    ],
)
def test_an_output_is_called_as_its_input_below_the_prefix(house: House, uri: str, names: dict[str, str]) -> None:
    for key in ("in/a.csv", "in/sub/b.csv", "in/_SUCCESS"):
        house.put(key, b"1\n")
    expected = {key: f"s3://data/out/{name}.out" for key, name in names.items()}
    assert outputs_of(house, input_uri=uri, output_uri="s3://data/out/") == expected


def test_a_bucket_is_a_prefix_too(house: House) -> None:
    assert outputs_of(house, input_uri="s3://data") == {"train/a.csv": "s3://data/out/train/a.csv.out"}


def test_a_manifest_names_the_inputs_in_its_order(house: House) -> None:
    for key in ("in/a.csv", "in/b/c.csv", "in/d.csv"):
        house.put(key, b"1\n")
    house.put("list", json.dumps([{"prefix": "s3://data/in/"}, "d.csv", "b/c.csv"]).encode())
    found = outputs_of(house, input_uri="s3://data/list", is_manifest=True)
    assert list(found.items()) == [
        ("in/d.csv", "s3://data/out/d.csv.out"),
        ("in/b/c.csv", "s3://data/out/b/c.csv.out"),
    ]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "must be a list"),
        ('["a.csv"]', "must be a list"),
        ('[{"prefix": "s3://data/"}]', "followed by at least one name"),
        ('[{"prefix": "s3://data/"}, 1]', "must be a list"),
        ('[{"prefix": "s3://data/"}, "none.csv"]', "names s3://data/none.csv, which is not there"),
        ('[{"prefix": "/data"}, "a.csv"]', "Invalid S3 URI"),
        ('[{"prefix": "s3://data/train/"}, "a.csv", "a.csv"]', "would be the same s3://data/out/a.csv.out"),
    ],
)
def test_a_manifest_that_says_nothing_is_refused(house: House, manifest: str, words: str) -> None:
    house.put("list", manifest.encode())
    with pytest.raises(InvalidRequestError, match=words):
        outputs_of(house, input_uri="s3://data/list", is_manifest=True)


# --- the queue --------------------------------------------------------------------------------------------------------


def test_transforms_do_not_wait_for_learning(house: House) -> None:
    create_model(house)
    house.create_job()
    create(house)
    house.service.supervisor.tick()
    wait_until(lambda: sorted(house.programs.worked) == ["batch", "churn"])


def test_a_job_is_stopped_before_it_began(house: House) -> None:
    create_model(house)
    create(house)
    house.service.transforms.stop("batch")
    house.service.supervisor.tick()
    assert house.service.transforms.get("batch").status is JobStatus.STOPPED
    assert house.programs.worked == []


def test_what_a_stopped_job_wrote_is_a_workers_to_remove(house: House) -> None:
    create_model(house)
    create(house)
    house.service.transforms.claim("batch", "w1", LEASE_SECONDS)
    house.service.transforms.give_back("batch", "w1")
    house.service.transforms.stop("batch")
    house.service.supervisor.tick()
    wait_until(lambda: house.programs.worked == ["batch"])
    assert house.service.transforms.get("batch").status is JobStatus.STOPPING


def test_workers_that_die_over_a_job_fail_it(house: House) -> None:
    def die(_name: str, _program: object) -> None:
        raise RuntimeError("no room")

    house.programs.work = die
    create_model(house)
    create(house)

    def has_ended() -> bool:
        house.service.supervisor.tick()
        return house.service.transforms.get("batch").status is JobStatus.FAILED

    wait_until(has_ended)
    assert "no room" in house.service.transforms.get("batch").failure_reason


def test_a_log_is_a_stream_below_the_jobs_name(house: House) -> None:
    create_model(house)
    create(house)
    house.service.transforms.claim("batch", "w1", LEASE_SECONDS)
    house.service.transforms.log("batch", ["one"])
    house.service.transforms.finish("batch", "w1", COMPLETED)
    (stream,) = house.logs.streams(LOG_GROUP, prefix="batch/")
    assert [line.message for line in house.logs.read(LOG_GROUP, stream)] == ["one"]
