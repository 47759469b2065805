"""What a user does wrong, and what the server says."""

from __future__ import annotations

import gzip
import io
import time
import zipfile
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from gyropilot.sdk import Session
from tests.acceptance.running import (
    BUCKET,
    create,
    describe,
    read_rows,
    request,
    seconds_of,
    text_of,
    wait_for_end,
    write_rows,
)

pytestmark = pytest.mark.usefixtures("tables")


def refuse(session: Session, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        create(session, request(**parameters))
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_target_that_is_not_there(session: Session) -> None:
    answer = refuse(session, name="no-target", key="adult/", target="y", seconds=5)
    assert answer == ("ValidationException", "Target attribute name y does not exist in header.")


def test_a_bucket_that_is_not_there(session: Session) -> None:
    output = {"S3OutputPath": "s3://no-such-bucket/out"}
    code, message = refuse(session, name="no-bucket", key="adult/", target="income", seconds=5, OutputDataConfig=output)
    assert code == "ValidationException"
    assert "s3://no-such-bucket/out" in message


def test_data_that_is_not_there(session: Session) -> None:
    code, message = refuse(session, name="no-data", key="nothing/", target="income", seconds=5)
    assert code == "ValidationException"
    assert f"s3://{BUCKET}/nothing/" in message


def test_an_empty_file(session: Session) -> None:
    session.client("s3").put_object(Bucket=BUCKET, Key="empty.csv", Body=b"")
    code, message = refuse(session, name="empty", key="empty.csv", target="y", seconds=5)
    assert code == "ValidationException"
    assert f"s3://{BUCKET}/empty.csv" in message


def test_a_name_in_other_letters(session: Session) -> None:
    create(session, request("taken", "adult/", "income", 5))
    code, message = refuse(session, name="TAKEN", key="adult/", target="income", seconds=5)
    assert code == "ResourceInUse"
    assert "taken" in message.lower()
    session.client("sagemaker").stop_auto_ml_job(AutoMLJobName="taken")


def test_an_unknown_job(session: Session) -> None:
    with pytest.raises(ClientError) as caught:
        describe(session, "unknown")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFound"


def test_an_unknown_endpoint(session: Session) -> None:
    with pytest.raises(ClientError) as caught:
        session.client("sagemaker-runtime").invoke_endpoint(EndpointName="unknown", Body=b"1")
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == f"Endpoint unknown of account {session.account_id()} not found."


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("sagemaker", "list_auto_ml_jobs", {}),
        ("s3", "list_buckets", {}),
        ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "unknown", "Body": b"1"}),
    ],
)
def test_a_wrong_signature(session: Session, service: str, operation: str, parameters: dict[str, Any]) -> None:
    keys = session.environment()
    connect: Any = boto3.Session().client
    client = connect(
        service,
        endpoint_url=session.endpoint_url,
        region_name=session.region,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="not the secret",
        config=Config(proxies={}),
    )
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert "Signature" in caught.value.response["Error"]["Code"]


def test_one_class_only(session: Session) -> None:
    header, rows = read_rows("adult.csv", 300)
    same = [[*row[:-1], "<=50K"] for row in rows]
    session.client("s3").put_object(Bucket=BUCKET, Key="same/same.csv", Body=write_rows([header, *same]))
    create(session, request("one-class", "same/", "income", 20))
    job = wait_for_end(session, "one-class")
    assert job["AutoMLJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert "income" in job["FailureReason"]
    assert "BestCandidate" not in job


def test_a_second_is_enough_to_end_on_time(session: Session) -> None:
    create(session, request("one-second", "adult/", "income", 1))
    began = time.monotonic()
    job = wait_for_end(session, "one-second")
    if job["AutoMLJobStatus"] == "Completed":
        assert job["BestCandidate"]["InferenceContainers"]
    else:
        assert job["AutoMLJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("ClientError: The job's limit of 1 s ended")
    assert time.monotonic() - began < 60
    assert seconds_of(session, "one-second") <= 1 + 2


# --- tables that are none ---------------------------------------------------------------------------------------------


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("data.csv", content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("zip.csv", zipped(b"x,y\n1,2\n"), "it is a zip archive"),
        ("gzip.csv", gzip.compress(b"x,y\n1,2\n", mtime=0), "it is compressed with gzip, which was not declared"),
        ("wide.csv", "x,y\n1,2\n".encode("utf-16"), "it is in UTF-16; save it as UTF-8"),
        (
            "latin.csv",
            "x,größe,y\n1,2,3\n".encode("latin-1"),
            "is not in UTF-8: line 1, byte 5 is 0xf6; save it as UTF-8",
        ),
        ("semicolons.csv", b"x;y\n1;2\n", "is one name with semicolons; separate cells by commas"),
        ("twice.csv", b"x,x,y\n1,2,3\n", "Duplicate column names were found: 'x'."),
        ("alone.csv", b"y\n1\n", "The data has no column besides the target attribute y."),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith(".csv") else "",
)
def test_a_file_that_is_no_table_is_refused(session: Session, name: str, content: bytes, words: str) -> None:
    session.client("s3").put_object(Bucket=BUCKET, Key=f"bad/{name}", Body=content)
    code, message = refuse(session, name="no-table", key=f"bad/{name}", target="y", seconds=5)
    assert code == "ValidationException"
    assert words in message


def test_bad_data_fails_its_job_with_the_reason(session: Session) -> None:
    """What the header does not show is found when the job reads the data."""
    rows = [f"{number},{number % 7},{'ab'[number % 2]}" for number in range(40)]
    files = {
        "header-only": (b"x,z,y\n", "ClientError: header-only.csv has a header but no rows."),
        "no-target": (b"x,z,y\n" + b"1,2,\n" * 40, "ClientError: The target 'y' is empty in every row."),
        "constant": (b"x,z,y\n" + b"1,2,a\n1,2,b\n" * 40, "ClientError: No column can be learned from: 'x': it is con"),
        "encoding": (
            "\n".join(["x,z,y", *rows * 40_000, "1,é,a"]).encode("latin-1"),
            "ClientError: encoding.csv is not in UTF-8: line 1600002, byte ",
        ),
        "quotation": (
            "\n".join(["x,z,y", *rows, '1,"2,a', *rows]).encode(),
            "ClientError: quotation.csv, line 42: a quo",
        ),
        "ragged": (
            "\n".join(["x,z,y", *rows, *["1,2"] * 40]).encode(),
            "ClientError: ragged.csv: 40 of 80 rows do not ",
        ),
    }
    for name, (content, _) in files.items():
        session.client("s3").put_object(Bucket=BUCKET, Key=f"bad/{name}.csv", Body=content)
        create(session, request(f"bad-{name}", f"bad/{name}.csv", "y", 30))
    for name, (_, reason) in files.items():
        job = wait_for_end(session, f"bad-{name}")
        assert job["AutoMLJobStatus"] == "Failed"
        assert job["FailureReason"].startswith(reason)
        assert "Traceback" not in text_of(session, f"bad-{name}")


def test_validation_data_with_other_columns(session: Session) -> None:
    session.client("s3").put_object(Bucket=BUCKET, Key="bad/other.csv", Body=b"age,income\n30,<=50K\n")
    made = request("other-columns", "adult/", "income", 30)
    (training,) = made["InputDataConfig"]
    place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/bad/other.csv"}
    made["InputDataConfig"].append({**training, "DataSource": {"S3DataSource": place}, "ChannelType": "validation"})
    with pytest.raises(ClientError) as caught:
        create(session, made)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith(
        "The validation data must have the columns of the training data; missing in its header: 'workclass', 'fnlwgt', "
    )


def test_findings_are_told(session: Session) -> None:
    """Three rows of each class, a column twice, an infinite number, a row without target and a malformed one."""
    rows = [[f"{number / 7:.3f}", str(number % 5), f"{number / 7:.3f}", "abcd"[number % 4]] for number in range(12)]
    rows[3][1] = "inf"
    table = write_rows([["x", 'z "1"', "again", "größe"], *rows, ["1", "2", "3", ""]]) + b"1,2\n"
    session.client("s3").put_object(Bucket=BUCKET, Key="bad/small.csv", Body=table)
    made = request("small", "bad/small.csv", "größe", 60)
    made["AutoMLJobConfig"]["CompletionCriteria"]["MaxCandidates"] = 1
    create(session, made)
    job = wait_for_end(session, "small")
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    told = [each["PartialFailureMessage"] for each in job["PartialFailureReasons"]]
    assert told[:3] == [
        "1 malformed rows were left out, such as small.csv, line 15: 2 cells where 4 are expected. "
        "Give these rows as many cells as the header has.",
        "1 rows have no target and were left out. Fill the target in where it is known.",
        "4 classes have fewer rows than there are folds (5) and will be hard to tell: 'a', 'b', 'c', 'd'. Collect more "
        "rows of them, or take them together.",
    ]
    log = text_of(session, "small")
    assert "not learned from, because it repeats another column: 'again' ('x')." in log
    assert "count as missing, in 'z \"1\"' (1)." in log
