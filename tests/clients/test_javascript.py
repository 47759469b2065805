"""The AWS SDK for JavaScript, major version 3: scripts of users run by Node.js, and what they were told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gyropilot.sdk import Session
from tests.clients.conftest import ASKED_ROWS
from tests.clients.programs import SECONDS, Shell

pytestmark = [pytest.mark.clients, pytest.mark.timeout(SECONDS)]


@pytest.fixture(scope="module")
def objects(shell: Shell) -> Any:
    return shell.start("javascript/objects.mjs").report()


@pytest.fixture(scope="module")
def trained(shell: Shell, tables: Path) -> Any:
    return shell.start("javascript/train_and_deploy.mjs", tables / "people.csv", tables / "asked.csv").report()


# --- objects ----------------------------------------------------------------------------------------------------------


def test_an_object_comes_back_with_what_was_said_of_it(objects: Any) -> None:
    assert "from-javascript" in objects["buckets"]
    assert objects["whole"] == {
        "body": "hello",
        "type": "text/plain",
        "metadata": {"who": "me"},
        "checksum": "NhCmhg==",
    }
    assert objects["copied"] == {"who": "me"}


def test_a_stream_is_stored_and_a_range_of_it_read(objects: Any) -> None:
    assert objects["range"] == ["bytes 1-3/6", "bcd"]


def test_every_checksum_of_the_sdk_is_verified_and_told(objects: Any) -> None:
    assert objects["checksums"] == {
        "CRC32": "NhCmhg==",
        "CRC32C": "mnG7TA==",
        "CRC64NVME": "M3eFcAZSQlc=",
        "SHA1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
        "SHA256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
    }


def test_a_long_object_goes_up_in_parts(objects: Any, session: Session) -> None:
    assert objects["parts"] == "3"
    assert objects["location"] == f"{session.endpoint_url}/from-javascript/long"
    assert objects["longIsTheSame"]


def test_presigned_addresses_read_and_write_and_cannot_be_changed(objects: Any) -> None:
    assert objects["signed"] == {"got": "hello", "put": 200, "forged": 403}


def test_objects_are_listed_by_pages(objects: Any) -> None:
    keys = [key for page in objects["pages"] for key in page]
    assert [len(page) for page in objects["pages"]] == [3, 3, 3, 1]
    assert keys == sorted(keys)
    assert objects["deleted"] == len(keys)
    assert objects["removed"] == 204


def test_refusals_are_exceptions_of_the_sdk(objects: Any) -> None:
    assert objects["missing"] == ["NoSuchKey", 404]
    assert objects["missingHead"] == ["NotFound", 404]
    assert objects["taken"] == ["PreconditionFailed", 412]
    assert objects["notEmpty"] == ["BucketNotEmpty", 409]


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_a_job_is_created_and_followed_to_its_end(trained: Any) -> None:
    job = trained["job"]
    assert job["AutoMLJobStatus"] == "Completed"
    assert job["AutoMLJobArn"] == trained["arn"]
    assert job["AutoMLProblemTypeConfig"] == {
        "TabularJobConfig": {
            "TargetAttributeName": "income",
            "Mode": "ENSEMBLING",
            "CompletionCriteria": {"MaxCandidates": 3},
        }
    }
    assert trained["lastedMilliseconds"] > 0
    assert trained["tags"] == [{"Key": "team", "Value": "people"}]
    assert trained["jobs"] == ["javascript"]


def test_candidates_are_listed_by_pages_best_first(trained: Any) -> None:
    names = [name for page in trained["pages"] for name in page]
    assert [len(page) for page in trained["pages"]] == [1, 1, 1]
    assert len(set(names)) == 3
    assert names[0] == trained["job"]["BestCandidate"]["CandidateName"]


def test_a_model_is_deployed_asked_and_taken_down(trained: Any) -> None:
    assert trained["inService"] == "SUCCESS"
    assert trained["answer"]["type"] == "text/csv; charset=utf-8"
    assert trained["answer"]["variant"] == "AllTraffic"
    assert len(trained["answer"]["labels"]) == ASKED_ROWS
    assert set(trained["answer"]["labels"]) <= {"<=50K", ">50K"}
    assert trained["deleted"] == "SUCCESS"


def test_a_whole_object_is_predicted(trained: Any) -> None:
    assert trained["transformed"] == "SUCCESS"
    assert trained["predicted"] == trained["answer"]["labels"]


def test_refused_jobs_and_questions_are_exceptions_of_the_sdk(trained: Any) -> None:
    assert trained["noSuchTarget"] == {
        "name": "ValidationException",
        "message": "Target attribute name y does not exist in header.",
        "status": 400,
    }
    assert (trained["taken"]["name"], trained["taken"]["status"]) == ("ResourceInUse", 400)
    assert (trained["tooNarrow"]["name"], trained["tooNarrow"]["status"]) == ("ModelError", 424)
    assert "Expected number of columns is 14" in trained["tooNarrow"]["message"]
