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
    keys = session.environment()
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    signer = SigV4Auth(credentials, "sagemaker", session.region)
    return [_sign(signer, session.endpoint_url, operation, json.dumps(document).encode()) for document in documents]


def _sign(signer: SigV4Auth, url: str, operation: str, body: bytes) -> bytes:
    headers = {
        "Host": urlsplit(url).netloc,
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"SageMaker.{operation}",
    }
    request = AWSRequest("POST", f"{url}/", headers, body)
    signer.add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(["POST / HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body
