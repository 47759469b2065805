from __future__ import annotations

from collections.abc import Iterator

import pytest

from gyropilot.api.errors import TRANSLATIONS, Place, translate_error
from gyropilot.api.models import SERVICES
from gyropilot.service import errors
from gyropilot.service.errors import ServiceError
from gyropilot.service.identity import Identity
from gyropilot.service.record_kinds import RECORD_KINDS

IDENTITY = Identity(account_id="000000000000", region="us-east-1")


def all_kinds(base: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from all_kinds(kind)


def test_every_error_of_the_service_has_a_row() -> None:
    assert set(all_kinds()) <= TRANSLATIONS.keys()


@pytest.mark.parametrize("kind", [record.kind for record in RECORD_KINDS])
@pytest.mark.parametrize("service", SERVICES)
def test_every_kind_of_record_can_be_missing_and_taken(kind: str, service: str) -> None:
    place = Place(service=service, identity=IDENTITY)
    for error in (errors.NotFoundError(kind, "x"), errors.AlreadyExistsError(kind, "x")):
        assert translate_error(error, place).status == 400


@pytest.mark.parametrize(
    ("error", "service", "code", "status"),
    [
        (errors.BucketNotFoundError("b"), "s3", "NoSuchBucket", 404),
        (errors.BlobNotFoundError("b", "k"), "s3", "NoSuchKey", 404),
        (errors.InvalidRangeError(), "s3", "InvalidRange", 416),
        (errors.InvalidRequestError("x"), "sagemaker", "ValidationException", 400),
        (errors.InvalidRequestError("x"), "sagemaker-runtime", "ValidationError", 400),
        (errors.ConflictError("model", "m"), "sagemaker", "ConflictException", 400),
        (errors.NotImplementedYetError("x"), "s3", "NotImplemented", 501),
        (errors.NotImplementedYetError("x"), "sagemaker", "NotImplementedException", 400),
        (errors.ModelUnreachableError("e"), "sagemaker-runtime", "ServiceUnavailable", 503),
        (errors.ModelTimedOutError("e", 60), "sagemaker-runtime", "ModelError", 424),
        (ServiceError("secret"), "sagemaker", "InternalFailure", 500),
    ],
)
def test_codes(error: ServiceError, service: str, code: str, status: int) -> None:
    seen = translate_error(error, Place(service=service, identity=IDENTITY))
    assert (seen.code, seen.status) == (code, status)
    assert "secret" not in seen.message
