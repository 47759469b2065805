"""Whole transform jobs on memory stores, with a model that was stored long ago."""

from __future__ import annotations

import gzip
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gyropilot.engine.errors import BundleError
from gyropilot.service.archives import UnservableError
from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.records import Container, Transform, TransformJob
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.service.transforms import LOG_GROUP
from gyropilot.worker.claim import Claim
from gyropilot.worker.transform import output
from gyropilot.worker.transform import run as transform_run
from gyropilot.worker.transform.run import transform
from gyropilot.worker.workplace import Workplace
from tests.unit.service.house import IDENTITY, LEASE_SECONDS, House

ARCHIVE = Path(__file__).parents[2] / "data" / "bundles" / "0.1.0-binary.tar.gz"
ROWS = b"0.5,red,2024-03-04\n,never seen,\n-2,,2023-12-31\n1e3,blue,soon\n"
LABELS = b"yes\nno\nno\nyes\n"


@pytest.fixture
def place(house: House, tmp_path: Path) -> Workplace:
    house.put("model.tar.gz", ARCHIVE.read_bytes())
    container = Container(image=IDENTITY.ensembling_image, model_data_url="s3://data/model.tar.gz")
    house.service.models.create("m", {}, [container])
    return Workplace(
        models=house.service.models,
        jobs=house.service.jobs,
        trainings=house.service.trainings,
        transforms=house.service.transforms,
        blobs=house.blobs,
        identity=IDENTITY,
        folder=tmp_path / "state",
        cores=2,
        lease_seconds=LEASE_SECONDS,
    )


class Worker:
    """A worker on a job; a new one takes it up again."""

    def __init__(self, house: House, place: Workplace, **asked: Any) -> None:
        lines = {"splits_lines": True, "assembles_lines": True}
        basis = Transform(input_uri="s3://data/in/", output_uri="s3://data/out")
        self.house, self.place = house, place
        house.service.transforms.create("batch", "m", {}, replace(basis, **{**lines, **asked}))

    def work(self, *, is_stopped: bool = False) -> Outcome:
        job = self.place.transforms.claim("batch", "w1", LEASE_SECONDS)
        assert job is not None
        claim = Claim(self.place.transforms, "batch", "w1", LEASE_SECONDS)
        if is_stopped:
            claim.stop.set()
        return transform(self.place, job, claim)

    def outputs(self) -> dict[str, bytes]:
        found = {}
        for blob in self.house.blobs.list("data", prefix="out/").blobs:
            with self.house.blobs.open("data", blob.key) as (_, content):
                found[blob.key] = content.read()
        return found

    def log(self) -> str:
        lines = self.house.logs.read(LOG_GROUP, "batch/transform")
        return "\n".join(line.message for line in lines)


def test_every_object_is_predicted_for(house: House, place: Workplace) -> None:
    house.put("in/a.csv", b"amount,colour,when\n" + ROWS)
    house.put("in/sub/b.csv", ROWS * 2)
    house.put("in/empty.csv", b"")
    worker = Worker(house, place)
    assert worker.work() == Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED)
    assert worker.outputs() == {
        "out/a.csv.out": LABELS,
        "out/empty.csv.out": b"",
        "out/sub/b.csv.out": LABELS * 2,
    }
    assert house.blobs.head("data", "out/a.csv.out").content_type == "text/csv"
    assert "s3://data/in/a.csv: line 1 is the header and was passed over." in worker.log()
    assert "s3://data/in/sub/b.csv: 8 rows in" in worker.log()
    assert "3 objects with 12 rows in" in worker.log()


def test_packed_objects_and_the_requests_variables(house: House, place: Workplace) -> None:
    house.put("in/a.csv.gz", gzip.compress(ROWS))
    worker = Worker(house, place, compression="gzip", environment={"SAGEMAKER_INFERENCE_OUTPUT": "labels"})
    worker.work()
    assert worker.outputs() == {"out/a.csv.gz.out": b"\"['no', 'yes']\"\n" * 4}


def test_many_batches_keep_their_order(house: House, place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gyropilot.worker.transform.plan.BATCH_BYTES", 50)
    monkeypatch.setattr("gyropilot.worker.transform.records.CHUNK_BYTES", 30)
    monkeypatch.setattr(output, "PART_BYTES", 64)
    monkeypatch.setattr(transform_run, "PROGRESS_SECONDS", 0.0)
    house.put("in/a.csv", ROWS * 50)
    worker = Worker(house, place)
    worker.work()
    assert worker.outputs() == {"out/a.csv.out": LABELS * 50}
    assert "rows/s) so far." in worker.log()


def test_a_bad_row_fails_the_job_with_file_and_line_and_the_others_are_written(house: House, place: Workplace) -> None:
    house.put("in/a.csv", ROWS + b"1,2\n" + ROWS)
    house.put("in/b.csv", ROWS)
    house.put("in/c.csv", b"\xff")
    worker = Worker(house, place)
    ended = worker.work()
    assert ended.status is JobStatus.FAILED
    assert ended.failure_reason == (
        "ClientError: s3://data/in/a.csv, line 5: Received data of unknown size. Expected number of columns is 3. "
        "Number of columns in the received data is 2. 1 more objects failed; the log names them."
    )
    assert worker.outputs() == {"out/b.csv.out": LABELS}
    assert "s3://data/in/c.csv, line 1: the line is not UTF-8. Nothing is written for this object." in worker.log()


def test_the_first_of_several_bad_rows_is_told(house: House, place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gyropilot.worker.transform.plan.BATCH_BYTES", 10)
    house.put("in/a.csv", ROWS + b'1,2\n"')
    assert "a.csv, line 5: Received" in Worker(house, place).work().failure_reason


# --- stopped and taken up again ---------------------------------------------------------------------------------------


def test_a_stopped_job_leaves_nothing_but_what_others_wrote(
    house: House, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "PART_BYTES", 4)
    house.put("in/a.csv", ROWS)
    house.put("in/b.csv", ROWS)
    house.put("out/other.csv.out", b"kept")
    worker = Worker(house, place)
    worker.work()
    house.put("in/c.csv", ROWS)
    house.put("out/b.csv.out", b"written by somebody else meanwhile")
    assert worker.work(is_stopped=True).status is JobStatus.STOPPED
    assert worker.outputs().keys() == {"out/other.csv.out", "out/b.csv.out"}
    assert list(house.blobs.list_uploads("data")) == []


def test_a_job_that_was_to_stop_when_its_worker_died_is_tidied_up(house: House, place: Workplace) -> None:
    house.put("in/a.csv", ROWS)
    worker = Worker(house, place)
    worker.work()
    house.service.transforms.stop("batch")
    assert worker.work().status is JobStatus.STOPPED
    assert worker.outputs() == {}


class PowerCutError(BaseException):
    """Ends a worker as a kill does: nothing is tidied up."""


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Cuts the power at the third part of an output, once it is set."""
    wanted, parts = threading.Event(), 0
    send = output.OutputWriter._send

    def send_unless_cut(writer: output.OutputWriter) -> None:
        nonlocal parts
        parts += 1
        if wanted.is_set() and parts == 3:
            raise PowerCutError
        send(writer)

    monkeypatch.setattr(output, "PART_BYTES", 4)
    monkeypatch.setattr(output.OutputWriter, "_send", send_unless_cut)
    monkeypatch.setattr(output.OutputWriter, "abort", lambda _writer: None)
    return wanted


def test_a_job_that_is_taken_up_again_goes_on_with_the_next_object(
    house: House, place: Workplace, cut: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gyropilot.worker.transform.plan.BATCH_BYTES", 10)
    house.put("in/a.csv", ROWS[:19])
    house.put("in/b.csv", ROWS)
    worker = Worker(house, place)
    cut.set()
    with pytest.raises(PowerCutError):
        worker.work()
    assert len(list(house.blobs.list_uploads("data"))) == 1
    before = house.blobs.head("data", "out/a.csv.out")
    cut.clear()
    assert worker.work().status is JobStatus.COMPLETED
    assert worker.outputs()["out/b.csv.out"] == LABELS
    assert house.blobs.head("data", "out/a.csv.out") == before
    assert list(house.blobs.list_uploads("data")) == []
    assert "s3://data/in/a.csv was done before." in worker.log()


def test_an_object_that_changed_meanwhile_is_done_again(house: House, place: Workplace) -> None:
    house.put("in/a.csv", ROWS)
    worker = Worker(house, place)
    worker.work()
    house.put("in/a.csv", ROWS * 2)
    worker.work()
    assert worker.outputs() == {"out/a.csv.out": LABELS * 2}


def test_outputs_among_the_inputs_are_no_inputs_when_the_job_is_taken_up_again(house: House, place: Workplace) -> None:
    house.put("out/in/a.csv", ROWS)
    house.put("out/in/old.csv.out", ROWS)
    house.clock.now = datetime.now(UTC)  # as the clock of the store
    worker = Worker(house, place, input_uri="s3://data/out/in/", output_uri="s3://data/out/in")
    for _ in range(2):
        assert worker.work().status is JobStatus.COMPLETED
    assert worker.outputs().keys() == {
        "out/in/a.csv",
        "out/in/a.csv.out",
        "out/in/old.csv.out",
        "out/in/old.csv.out.out",
    }


# --- models that cannot be served -------------------------------------------------------------------------------------


def test_what_cannot_be_served_is_told(house: House, place: Workplace) -> None:
    house.put("in/a.csv", ROWS)
    worker = Worker(house, place)
    house.put("model.tar.gz", b"no archive")
    with pytest.raises(BundleError):
        worker.work()
    house.blobs.delete("data", "model.tar.gz")
    with pytest.raises(UnservableError, match=r"^Could not find model data at s3://data/model\.tar\.gz\.$"):
        worker.work()


@pytest.mark.parametrize(
    ("containers", "words"),
    [
        ((), "Models of 0 containers"),
        ((Container(image="xgboost:1", model_data_url="s3://data/model.tar.gz"),), "The image xgboost:1 is not one"),
    ],
)
def test_foreign_models_are_not_served(
    house: House, place: Workplace, containers: tuple[Container, ...], words: str
) -> None:
    house.put("in/a.csv", ROWS)
    Worker(house, place)
    job: TransformJob = place.transforms.get("batch")
    claim = Claim(place.transforms, "batch", "w1", LEASE_SECONDS)
    with pytest.raises(UnservableError, match=words):
        transform(place, replace(job, containers=containers), claim)


def test_an_input_that_is_gone_is_told(house: House, place: Workplace) -> None:
    house.put("in/a.csv", ROWS)
    worker = Worker(house, place)
    house.blobs.delete("data", "in/a.csv")
    with pytest.raises(InvalidRequestError, match="No objects found under s3://data/in/"):
        worker.work()


def test_a_worker_that_is_to_end_removes_nothing(house: House, place: Workplace) -> None:
    house.put("in/a.csv", ROWS)
    worker = Worker(house, place)
    worker.work()
    house.put("in/b.csv", ROWS)
    job = place.transforms.get("batch")
    claim = Claim(place.transforms, "batch", "w1", LEASE_SECONDS)
    claim.is_ending = True
    claim.stop.set()
    with pytest.raises(transform_run._EndingError):
        transform(place, job, claim)
    assert worker.outputs() == {"out/a.csv.out": LABELS}
