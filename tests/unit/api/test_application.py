from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gyropilot.api.application import MAX_DOCUMENT_BYTES, Application
from gyropilot.api.models import load_service
from gyropilot.api.operations.catalogue import BY_NAME
from gyropilot.api.wire import WireRequest
from gyropilot.service.models import ModelService
from tests.wire.installation import KEY, SECRET, EchoModel, OneKey, build_test_service


def sign(body: bytes, *, signing_name: str = "sagemaker", **headers: str) -> WireRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    signed = AWSRequest(method="POST", url="http://host/", data=body, headers={"host": "host", **named})
    SigV4Auth(Credentials(KEY, SECRET), signing_name, "us-east-1").add_auth(signed)
    head = {name.lower(): value for name, value in signed.headers.items()}
    return WireRequest(method="POST", path="/", query="", headers=head, body=io.BytesIO(body), length=len(body))


@pytest.fixture
def application() -> Application:
    return Application(build_test_service(EchoModel()), OneKey(), clock=lambda: datetime.now(UTC))


def test_an_answer_has_the_request_s_id(application: Application) -> None:
    answer = application.handle(sign(b"{}", x_amz_target="SageMaker.ListModels"))
    assert (answer.status, answer.body) == (200, b'{"Models":[]}')
    assert answer.headers["x-amzn-RequestId"]


@pytest.mark.parametrize(
    ("target", "body", "code", "status"),
    [
        ("SageMaker.NoSuchThing", b"{}", "UnknownOperationException", 404),
        ("SageMaker.ListModels", b"{", "SerializationException", 400),
        ("SageMaker.ListModels", b'{"MaxResults": 0}', "ValidationException", 400),
        ("SageMaker.ListApps", b"{}", "NotImplementedException", 400),
    ],
)
def test_errors_come_in_the_form_of_the_protocol(
    application: Application, target: str, body: bytes, code: str, status: int
) -> None:
    answer = application.handle(sign(body, x_amz_target=target))
    assert isinstance(answer.body, bytes)
    assert (orjson.loads(answer.body)["__type"], answer.status) == (code, status)


@pytest.mark.parametrize("service", ["sagemaker", "logs"])
def test_every_operation_that_is_not_served_says_so(application: Application, service: str) -> None:
    """Whatever its parameters are."""
    model = load_service(service)
    names = [name for name in model.operation_names if (service, name) not in BY_NAME]
    assert names
    for name in names:
        target = f"{model.metadata['targetPrefix']}.{name}"
        answer = application.handle(sign(b"{}", signing_name=service, x_amz_target=target))
        assert isinstance(answer.body, bytes)
        error = orjson.loads(answer.body)
        assert (answer.status, error["__type"]) == (400, "NotImplementedException")
        assert error["message"] == f"{name} is not implemented by Gyropilot yet."


@pytest.mark.parametrize("service", ["sts", "iam"])
def test_every_query_that_is_not_served_says_so(application: Application, service: str) -> None:
    names = [name for name in load_service(service).operation_names if (service, name) not in BY_NAME]
    assert names
    for name in names:
        answer = application.handle(sign(f"Action={name}&Version=1".encode(), signing_name=service))
        assert isinstance(answer.body, bytes)
        assert answer.status == 400
        assert b"<Code>NotImplementedException</Code>" in answer.body
        assert f"<Message>{name} is not implemented by Gyropilot yet.</Message>".encode() in answer.body


class BrokenModels(ModelService):
    """Fails in a way that nobody foresaw."""

    def find(self, query: object) -> list[object]:  # type: ignore[override]  # it never returns
        raise RuntimeError("a secret of the house")


def test_what_nobody_foresaw_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    service = build_test_service(EchoModel())
    broken = replace(service, models=BrokenModels.__new__(BrokenModels))
    answer = Application(broken, OneKey()).handle(sign(b"{}", x_amz_target="SageMaker.ListModels"))
    assert answer.status == 500
    assert isinstance(answer.body, bytes)
    assert b"secret" not in answer.body
    assert orjson.loads(answer.body)["__type"] == "InternalFailure"
    assert answer.headers["x-amzn-RequestId"] in caplog.text
    assert "a secret of the house" in caplog.text


def test_long_documents_are_refused_by_their_head(application: Application) -> None:
    request = sign(b"{}", x_amz_target="SageMaker.ListModels")
    assert application.refuse_large_body(replace(request, length=MAX_DOCUMENT_BYTES)) is None
    refusal = application.refuse_large_body(replace(request, length=MAX_DOCUMENT_BYTES + 1))
    assert refusal is not None
    assert refusal.status == 413


def test_a_shut_door_tells_where_the_objects_are() -> None:
    application = Application(build_test_service(EchoModel()), OneKey(), s3_elsewhere="https://s3.example.org")
    signed = AWSRequest(method="GET", url="http://host/", headers={"host": "host"})
    S3SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1").add_auth(signed)
    head = {name.lower(): value for name, value in signed.headers.items()}
    request = WireRequest(method="GET", path="/", query="", headers=head, body=io.BytesIO(), length=0)
    answer = application.handle(request)
    assert answer.status == 501
    assert isinstance(answer.body, bytes)
    assert b"https://s3.example.org" in answer.body
