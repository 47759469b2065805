"""What each role may do, who may come unsigned, and what is written down of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from gyropilot.api.operations.catalogue import SERVED
from gyropilot.api.permissions import LEAST_ROLES, least_role
from gyropilot.sdk import Session
from gyropilot.service.access import Role
from tests.wire.installation import SECRET, Installation, key_of, run_installation
from tests.wire.requests import job_request
from tests.wire.test_signatures import ASK

CODES = {
    "sagemaker": "AccessDeniedException",
    "sagemaker-runtime": "AccessDeniedException",
    "logs": "AccessDeniedException",
    "cloudwatch": "AccessDeniedException",
    "s3": "AccessDenied",
    "sts": "AccessDenied",
    "iam": "AccessDenied",
}


def ask(installation: Installation, service: str, role: Role) -> str:
    """Return the code of the refusal to a role, or nothing."""
    try:
        ASK[service](installation.client(service, key=key_of(role)))
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


# --- roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [service for service in CODES if service != "sagemaker-runtime"])
def test_who_may_only_invoke_does_nothing_else(installation: Installation, service: str) -> None:
    assert ask(installation, service, Role.INVOKE) == CODES[service]


@pytest.mark.parametrize("role", Role)
def test_every_role_may_invoke(installation: Installation, role: Role) -> None:
    """The endpoint is not there, but that is all that is wrong."""
    assert ask(installation, "sagemaker-runtime", role) == "ValidationError"


def test_a_job_knows_who_asked_for_it(installation: Installation) -> None:
    s3 = installation.client("s3")
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="train/a.csv", Body=b"x,y\n1,a\n2,b\n")
    sagemaker = installation.client("sagemaker", key=key_of(Role.USER))
    sagemaker.create_auto_ml_job(**job_request("of-a-user"))
    assert installation.service.jobs.get("of-a-user").created_by == "an-user"


@pytest.mark.parametrize("service", ["sagemaker", "s3", "sts"])
@pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
def test_users_may_use_everything(installation: Installation, service: str, role: Role) -> None:
    assert ask(installation, service, role) == ""


def test_only_administrators_manage_users(installation: Installation) -> None:
    assert ask(installation, "iam", Role.USER) == "AccessDenied"
    assert ask(installation, "iam", Role.ADMIN) not in {"", "AccessDenied"}, "IAM itself is not served"


@pytest.mark.parametrize("operation", SERVED, ids=lambda served: f"{served.service}:{served.name}")
def test_the_table_gives_every_operation_a_role(operation: Any) -> None:
    least = least_role(operation.service, operation.name)
    assert (least is Role.INVOKE) == (operation.name == "InvokeEndpoint")
    assert Role.ADMIN.includes(least)


def test_the_table_names_services_that_are_there() -> None:
    assert {service for service, _ in LEAST_ROLES} - {"*"} <= CODES.keys()


def test_a_refusal_names_user_and_operation(installation: Installation) -> None:
    with pytest.raises(ClientError) as caught:
        installation.client("sagemaker", key=key_of(Role.INVOKE)).list_models()
    assert caught.value.response["Error"]["Message"] == (
        "User: arn:aws:iam::000000000000:user/an-invoke is not authorized to perform: sagemaker:ListModels"
    )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_address_may_do_what_its_signer_may(installation: Installation) -> None:
    client = installation.client("s3", key=key_of(Role.INVOKE), signature_version="s3v4")
    url = client.generate_presigned_url("list_buckets")
    assert b"<Code>AccessDenied</Code>" in urllib3.request("GET", url).data


def test_a_caller_is_told_who_it_is(installation: Installation) -> None:
    told = installation.client("sts", key=key_of(Role.USER)).get_caller_identity()
    assert (told["UserId"], told["Arn"]) == ("an-user", "arn:aws:iam::000000000000:user/an-user")


# --- anonymous --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_house() -> Iterator[Installation]:
    with run_installation(allows_anonymous=True) as running:
        yield running


def test_nobody_comes_unsigned_unless_allowed(installation: Installation) -> None:
    with pytest.raises(ClientError, match="not signed"):
        installation.client("s3", signature_version=UNSIGNED).list_buckets()


def test_unsigned_requests_come_in_where_they_are_allowed(open_house: Installation) -> None:
    s3 = open_house.client("s3", signature_version=UNSIGNED)
    s3.create_bucket(Bucket="anyones")
    s3.put_object(Bucket="anyones", Key="k", Body=b"content")
    assert s3.get_object(Bucket="anyones", Key="k")["Body"].read() == b"content"
    assert open_house.client("sagemaker", signature_version=UNSIGNED).list_models()["Models"] == []
    assert open_house.client("sts", signature_version=UNSIGNED).get_caller_identity()["UserId"] == "anonymous"


def test_a_signature_is_checked_all_the_same(open_house: Installation) -> None:
    with pytest.raises(ClientError, match="signature"):
        open_house.client("s3", secret="wrong").list_buckets()
    assert "Buckets" in open_house.client("s3", key=key_of(Role.USER)).list_buckets()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
    ],
)
def test_web_pages_are_kept_out(open_house: Installation, headers: dict[str, str]) -> None:
    answer = urllib3.request("GET", open_house.url, headers=headers)
    assert answer.status == 403


# --- request ids and the audit log ------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", CODES)
@pytest.mark.parametrize("secret", [SECRET, "wrong"])
def test_every_answer_has_an_id_that_the_log_has(installation: Installation, service: str, secret: str) -> None:
    seen: list[Any] = []
    client = installation.client(service, secret=secret)
    client.meta.events.register("after-call", lambda parsed, **_: seen.append(parsed["ResponseMetadata"]))
    try:
        ASK[service](client)
    except ClientError as error:
        seen.append(error.response["ResponseMetadata"])
    entry = installation.audit.entries[-1]
    assert seen[-1]["RequestId"] == entry.request_id
    assert entry.status == seen[-1]["HTTPStatusCode"]
    name = "x-amz-request-id" if service == "s3" else "x-amzn-requestid"
    assert seen[-1]["HTTPHeaders"][name] == entry.request_id
    assert (entry.user == "an-admin") == (secret == SECRET)


def test_the_log_says_who_did_what_and_how_it_ended(installation: Installation) -> None:
    s3 = installation.client("s3", key=key_of(Role.USER))
    s3.create_bucket(Bucket="audited")
    with pytest.raises(ClientError):
        s3.get_object(Bucket="audited", Key="not/there")
    with pytest.raises(ClientError):
        installation.client("sagemaker").describe_auto_ml_job(AutoMLJobName="a-job")
    told = [
        (entry.user, entry.access_key_id[:8], entry.service, entry.operation, entry.resource, entry.status, entry.error)
        for entry in installation.audit.entries[-3:]
    ]
    assert told == [
        ("an-user", "AKIAUSER", "s3", "CreateBucket", "audited", 200, ""),
        ("an-user", "AKIAUSER", "s3", "GetObject", "audited/not/there", 404, "NoSuchKey"),
        ("an-admin", "AKIATEST", "sagemaker", "DescribeAutoMLJob", "a-job", 400, "ResourceNotFound"),
    ]


@pytest.mark.parametrize(
    ("service", "operation"),
    [("cloudtrail", "list_trails"), ("ec2", "describe_regions"), ("kms", "list_keys"), ("lambda", "list_functions")],
)
def test_a_service_that_is_not_served_says_so(installation: Installation, service: str, operation: str) -> None:
    client = installation.client(service)
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)()
    name = client.meta.service_model.signing_name
    error = caught.value.response["Error"]
    assert error["Code"] == "NotImplementedException"
    assert error["Message"] == f"Gyropilot does not serve the AWS service that signs as '{name}'."
    assert installation.audit.entries[-1].service == name
    with pytest.raises(ClientError, match=r"InvalidSignature|SignatureDoesNotMatch"):
        getattr(installation.client(service, secret="wrong"), operation)()


def test_the_log_holds_no_secrets(installation: Installation) -> None:
    client = installation.client("s3", signature_version="s3v4")
    url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    urllib3.request("GET", url)
    with pytest.raises(ClientError):
        installation.client("s3", key="the/secret+itself").list_buckets()
    written = repr(installation.audit.entries[-2:])
    assert url.rpartition("=")[2] not in written
    assert "the/secret" not in written
    assert SECRET not in written


# --- the SageMaker SDK's defaults -------------------------------------------------------------------------------------


def test_defaults_for_the_sagemaker_sdk_are_written(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key_of(Role.USER))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    session = Session(endpoint_url=installation.url, home=tmp_path)
    path = Path(session.sagemaker_environment()["SAGEMAKER_USER_CONFIG_OVERRIDE"])
    written = json.loads(path.read_text())["SageMaker"]
    bucket = written["PythonSDK"]["Modules"]["Session"]["DefaultS3Bucket"]
    assert bucket == "sagemaker-us-east-1-000000000000"
    assert written["AutoMLJob"] == {"RoleArn": session.role_arn}
    installation.client("s3").head_bucket(Bucket=bucket)
    assert session.sagemaker_environment(), "again, with the bucket there"
    assert [found.name for found in tmp_path.iterdir()] == ["sagemaker-config.yaml"]
