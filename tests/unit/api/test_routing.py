from __future__ import annotations

import io

import pytest

from gyropilot.api.models import SERVICES, load_service
from gyropilot.api.routing import UnknownOperationError, find_operation, find_service, find_unserved_service
from gyropilot.api.wire import WireRequest

SCOPE = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"

SIGNED = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F2&X-Amz-Expires=9&X-Amz-Signature=0"


def make(
    method: str = "GET", path: str = "/", query: str = "", scope: str = "s3", body: bytes = b"", **headers: str
) -> WireRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    signed = {"authorization": SCOPE.format(scope)} if scope else {}
    return WireRequest(
        method=method, path=path, query=query, headers={**signed, **named}, body=io.BytesIO(body), length=len(body)
    )


@pytest.mark.parametrize(
    ("request_", "service"),
    [
        (make(scope="s3", path="/endpoints/x/invocations"), "s3"),
        (make(scope="sagemaker", path="/endpoints/x/invocations"), "sagemaker-runtime"),
        (make(scope="sagemaker", x_amz_target="SageMaker.ListModels"), "sagemaker"),
        (make(scope="logs"), "logs"),
        (make(scope="sts"), "sts"),
        (make(scope="iam"), "iam"),
        (make(scope="monitoring"), "cloudwatch"),
        (make(scope="dynamodb", x_amz_target="DynamoDB_20120810.ListTables"), "sagemaker"),
        (make(scope="lambda", path="/2015-03-31/functions/"), "sagemaker"),
        (make(scope="ec2", method="POST", content_type="application/x-www-form-urlencoded"), "sts"),
        (make(scope="", x_amz_target="Logs_20140328.GetLogEvents"), "logs"),
        (make(scope="", path="/endpoints/x/invocations"), "sagemaker-runtime"),
        (make(scope="", method="POST", content_type="application/x-www-form-urlencoded"), "sts"),
        (make(scope=""), "s3"),
    ],
)
def test_the_scope_tells_the_service(request_: WireRequest, service: str) -> None:
    assert find_service(request_) == service


@pytest.mark.parametrize(
    ("request_", "name"),
    [(make(scope=name), "") for name in ("s3", "sagemaker", "logs", "sts", "iam", "monitoring", "")]
    + [(make(scope="dynamodb"), "dynamodb"), (make(query=SIGNED, scope=""), "")],
)
def test_a_service_that_is_not_served_is_told(request_: WireRequest, name: str) -> None:
    assert find_unserved_service(request_) == name


def test_every_served_service_signs_with_a_name_that_is_known() -> None:
    for service in SERVICES:
        assert find_unserved_service(make(scope=load_service(service).signing_name)) == ""


@pytest.mark.parametrize(
    ("method", "path", "query", "name", "labels"),
    [
        ("GET", "/", "", "ListBuckets", {}),
        ("PUT", "/b", "", "CreateBucket", {"Bucket": "b"}),
        ("PUT", "/b/", "", "CreateBucket", {"Bucket": "b"}),
        ("HEAD", "/b", "", "HeadBucket", {"Bucket": "b"}),
        ("DELETE", "/b", "", "DeleteBucket", {"Bucket": "b"}),
        ("GET", "/b", "location", "GetBucketLocation", {"Bucket": "b"}),
        ("GET", "/b", "location=", "GetBucketLocation", {"Bucket": "b"}),
        ("GET", "/b", "", "ListObjects", {"Bucket": "b"}),
        ("GET", "/b", "prefix=x&list-type=2", "ListObjectsV2", {"Bucket": "b"}),
        ("GET", "/b/k/", "", "GetObject", {"Bucket": "b", "Key": "k/"}),
        ("GET", "/b//k", "", "GetObject", {"Bucket": "b", "Key": "/k"}),
        ("GET", "/b/a%2Fb%20%C3%BC", "x-id=GetObject", "GetObject", {"Bucket": "b", "Key": "a/b ü"}),
        ("GET", "/b/a%0Ab", "", "GetObject", {"Bucket": "b", "Key": "a\nb"}),
        ("GET", "/b/k", "uploadId=1", "ListParts", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k", "", "PutObject", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", "UploadPart", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k", "tagging", "PutObjectTagging", {"Bucket": "b", "Key": "k"}),
        ("POST", "/b/k", "uploads", "CreateMultipartUpload", {"Bucket": "b", "Key": "k"}),
        ("POST", "/b/k", "uploadId=u", "CompleteMultipartUpload", {"Bucket": "b", "Key": "k"}),
        ("DELETE", "/b/k", "uploadId=u", "AbortMultipartUpload", {"Bucket": "b", "Key": "k"}),
        ("DELETE", "/b/k", "", "DeleteObject", {"Bucket": "b", "Key": "k"}),
        ("POST", "/b", "delete", "DeleteObjects", {"Bucket": "b"}),
        ("GET", "/b/k", SIGNED + "&response-content-type=text%2Fx", "GetObject", {"Bucket": "b", "Key": "k"}),
        ("GET", "/b", SIGNED + "&list-type=2&x-id=ListObjectsV2", "ListObjectsV2", {"Bucket": "b"}),
        ("PUT", "/b/k", SIGNED + "&x-amz-tagging=a%3Db", "PutObject", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k", SIGNED + "&partNumber=1&uploadId=u", "UploadPart", {"Bucket": "b", "Key": "k"}),
    ],
)
def test_paths_of_s3(method: str, path: str, query: str, name: str, labels: dict[str, str]) -> None:
    route = find_operation("s3", make(method, path, query))
    assert (route.operation.name, route.labels) == (name, labels)


def test_a_copy_is_told_by_its_header() -> None:
    assert find_operation("s3", make("PUT", "/b/k", x_amz_copy_source="/b/x")).operation.name == "CopyObject"


def test_names_in_targets_and_forms() -> None:
    assert find_operation("sagemaker", make(x_amz_target="SageMaker.ListModels")).operation.name == "ListModels"
    form = make("POST", scope="sts", body=b"Action=GetCallerIdentity&Version=2011-06-15")
    assert find_operation("sts", form).operation.name == "GetCallerIdentity"


@pytest.mark.parametrize(
    ("service", "request_"),
    [
        ("sagemaker", make(x_amz_target="SageMaker.NoSuchThing")),
        ("sagemaker", make(x_amz_target="Logs_20140328.GetLogEvents")),
        ("sagemaker-runtime", make(path="/elsewhere")),
        ("sts", make(body=b"Action=Nothing")),
        ("s3", make("PATCH", "/b/k")),
    ],
)
def test_what_is_no_operation(service: str, request_: WireRequest) -> None:
    with pytest.raises(UnknownOperationError):
        find_operation(service, request_)
