"""Writes signed requests as the bytes that go over the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gyropilot.sdk import Session


def sign_requests(session: Session, operation: str, documents: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Return a request of the SageMaker API for each document; the signatures hold for 15 minutes."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"SageMaker.{operation}"}
    bodies = [json.dumps(document).encode() for document in documents]
    return _sign_all(session, "/", headers, bodies)


def sign_invocations(session: Session, endpoint: str, bodies: Sequence[bytes]) -> list[bytes]:
    """Return an invocation of an endpoint for each body of CSV; the signatures hold for 15 minutes."""
    return _sign_all(session, f"/endpoints/{endpoint}/invocations", {"Content-Type": "text/csv"}, bodies)


def _sign_all(session: Session, path: str, headers: Mapping[str, str], bodies: Sequence[bytes]) -> list[bytes]:
    keys = session.environment()
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    signer = SigV4Auth(credentials, "sagemaker", session.region)
    return [_sign(signer, session.endpoint_url, path, headers, body) for body in bodies]


def _sign(signer: SigV4Auth, url: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    request = AWSRequest("POST", url + path, {"Host": urlsplit(url).netloc, **headers}, body)
    signer.add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join([f"POST {path} HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body
