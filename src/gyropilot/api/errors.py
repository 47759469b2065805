"""The border between errors inside, which know nothing of AWS, and the codes and words that clients expect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gyropilot.api.models import load_service
from gyropilot.api.protocols.contracts import WireError
from gyropilot.service import errors
from gyropilot.service.endpoints import name_log_group
from gyropilot.service.identity import Identity
from gyropilot.service.records import AutoMLJob, Candidate, Endpoint, EndpointConfig, Model, TrainingJob, TransformJob
from gyropilot.service.tuning_records import PipelineFit, PipelineTransform, ProcessingPart, TuningJob


class ApiError(Exception):
    """An error that the wire layer itself finds, in AWS's terms already."""

    def __init__(self, code: str, message: str, status: int = 400, members: Mapping[str, Any] | None = None) -> None:
        self.error = WireError(code=code, message=message, status=status, members=members or {})
        super().__init__(message)

    @classmethod
    def of(cls, error: WireError) -> ApiError:
        """Return the exception that carries an error."""
        return cls(error.code, error.message, error.status, error.members)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an error happened: codes and words differ between services."""

    service: str
    """The service, by botocore's name."""
    identity: Identity
    """Account and region, for ARNs in messages."""


INVALID_CODES: Mapping[str, str] = {
    "sagemaker": "ValidationException",
    "sagemaker-runtime": "ValidationError",
    "s3": "InvalidArgument",
    "sts": "ValidationError",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
}
"""Each service's code for a request that breaks a rule."""

KEY_BYTES_MAX = 1024

_ARNS: Mapping[str, Callable[[Identity, str], str]] = {
    AutoMLJob.kind: Identity.job_arn,
    Candidate.kind: Identity.training_job_arn,
    TrainingJob.kind: Identity.training_job_arn,
    TransformJob.kind: Identity.transform_job_arn,
    ProcessingPart.kind: Identity.processing_job_arn,
    PipelineFit.kind: Identity.training_job_arn,
    PipelineTransform.kind: Identity.transform_job_arn,
    TuningJob.kind: Identity.tuning_job_arn,
    Model.kind: Identity.model_arn,
    EndpointConfig.kind: Identity.endpoint_config_arn,
    Endpoint.kind: Identity.endpoint_arn,
}

_JOBS: Mapping[str, str] = {AutoMLJob.kind: "an", TrainingJob.kind: "a", TransformJob.kind: "a"}
"""Kinds whose names AWS calls in use when they are taken, each with its article."""

_NAMED_WHEN_MISSING = frozenset({Model.kind, EndpointConfig.kind, Endpoint.kind})
"""Kinds whose absence AWS calls a rule that the request breaks."""


def invalid(service: str, message: str) -> WireError:
    """Return the error for a request that breaks a rule, in the code of the service."""
    return WireError(code=INVALID_CODES[service], message=message, status=400)


def not_implemented(service: str, message: str) -> WireError:
    """Return the error for something that AWS does and Gyropilot does not do yet."""
    if service == "s3":
        return WireError(code="NotImplemented", message=message, status=501)
    return WireError(code="NotImplementedException", message=message, status=400)


def unknown_operation(service: str, name: str) -> WireError:
    """Return the error for an operation that the service does not have."""
    if service == "s3":
        return WireError(
            code="MethodNotAllowed", message="The specified method is not allowed against this resource.", status=405
        )
    if load_service(service).protocol == "query":
        return WireError(code="InvalidAction", message=f"Could not find operation {name}.", status=400)
    return WireError(code="UnknownOperationException", message=f"There is no operation {name}.", status=404)


def malformed(service: str, message: str) -> WireError:
    """Return the error for bytes that are not of the service's protocol."""
    codes = {"json": "SerializationException", "rest-json": "SerializationException", "rest-xml": "MalformedXML"}
    return WireError(
        code=codes.get(load_service(service).protocol, "MalformedQueryString"), message=message, status=400
    )


def internal_failure(service: str) -> WireError:
    """Return the error that says nothing of an unexpected exception; the log has it under the request's id."""
    code = "InternalError" if service == "s3" else "InternalFailure"
    return WireError(code=code, message="Gyropilot failed; its log has the reason under this request's id.", status=500)


# --- signatures -------------------------------------------------------------------------------------------------------

_WRONG = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method."
)
_MISSING = "The request is not signed. Gyropilot's keys are in its state folder: run `gyropilot env`."
_UNKNOWN = "The access key is not known here. Gyropilot's keys are in its state folder: run `gyropilot env`."
_MALFORMED = "The Authorization header is not complete or does not agree with the date of the request."
_SKEWED = "The difference between the request time and the current time is too large."
_UNSIGNED = "There were headers present in the request which were not signed."
_SCHEME = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
_PRESIGNED = "Only requests to S3 may be presigned; sign with the Authorization header."
_FORM = "Gyropilot does not take uploads by HTML forms (POST policies) yet; presign a PUT instead."

_AUTH_ERRORS: Mapping[str, Mapping[str, tuple[str, int, str]]] = {
    # what is wrong: for JSON services, for query services, for S3, as AWS answers each of them
    "missing": {
        "json": ("MissingAuthenticationTokenException", 403, _MISSING),
        "query": ("MissingAuthenticationToken", 403, _MISSING),
        "s3": ("AccessDenied", 403, _MISSING),
    },
    "unknown_key": {
        "json": ("UnrecognizedClientException", 403, _UNKNOWN),
        "query": ("InvalidClientTokenId", 403, _UNKNOWN),
        "s3": ("InvalidAccessKeyId", 403, _UNKNOWN),
    },
    "wrong_signature": {
        "json": ("InvalidSignatureException", 403, _WRONG),
        "query": ("SignatureDoesNotMatch", 403, _WRONG),
        "s3": ("SignatureDoesNotMatch", 403, _WRONG),
    },
    "malformed": {
        "json": ("IncompleteSignatureException", 403, _MALFORMED),
        "query": ("IncompleteSignature", 403, _MALFORMED),
        "s3": ("AuthorizationHeaderMalformed", 400, _MALFORMED),
    },
    "skewed": {
        "json": ("InvalidSignatureException", 403, f"Signature expired or not yet current: {_SKEWED}"),
        "query": ("SignatureDoesNotMatch", 403, f"Signature expired or not yet current: {_SKEWED}"),
        "s3": ("RequestTimeTooSkewed", 403, _SKEWED),
    },
    "unsigned_headers": {
        "json": ("InvalidSignatureException", 403, _UNSIGNED),
        "query": ("SignatureDoesNotMatch", 403, _UNSIGNED),
        "s3": ("AccessDenied", 403, _UNSIGNED),
    },
    "other_scheme": {
        "json": ("IncompleteSignatureException", 403, _SCHEME),
        "query": ("IncompleteSignature", 403, _SCHEME),
        "s3": ("InvalidRequest", 400, _SCHEME),
    },
    "presigned": {
        "json": ("MissingAuthenticationTokenException", 403, _PRESIGNED),
        "query": ("MissingAuthenticationToken", 403, _PRESIGNED),
        "s3": ("NotImplemented", 501, _PRESIGNED),
    },
    "form": {"s3": ("NotImplemented", 501, _FORM)},
}


def auth_error(problem: str, service: str) -> ApiError:
    """Return the error for a signature with this problem."""
    protocol = load_service(service).protocol
    family = "s3" if service == "s3" else "query" if protocol == "query" else "json"
    code, status, message = _AUTH_ERRORS[problem][family]
    return ApiError(code, message, status)


def access_denied(service: str, operation: str, user_arn: str) -> ApiError:
    """Return the error for a caller whose role does not include an operation."""
    is_json = service != "s3" and load_service(service).protocol != "query"
    code = "AccessDeniedException" if is_json else "AccessDenied"
    prefix = load_service(service).signing_name
    return ApiError(code, f"User: {user_arn} is not authorized to perform: {prefix}:{operation}", 403)


# --- the service's errors ---------------------------------------------------------------------------------------------


def _not_found(error: errors.NotFoundError, place: Place) -> WireError:
    if place.service == "sagemaker-runtime":
        message = f"Endpoint {error.name} of account {place.identity.account_id} not found."
        return invalid(place.service, message)
    if error.kind == AutoMLJob.kind:
        message = f"Amazon SageMaker can't find an AutoML job called {error.name}."
        return WireError(code="ResourceNotFound", message=message, status=400)
    if error.kind in _NAMED_WHEN_MISSING:
        return invalid(place.service, f'Could not find {error.kind} "{_ARNS[error.kind](place.identity, error.name)}".')
    return WireError(code="ResourceNotFound", message="Requested resource not found.", status=400)


def _already_exists(error: errors.AlreadyExistsError, place: Place) -> WireError:
    arn = _ARNS[error.kind](place.identity, error.name)
    if error.kind in _JOBS:
        message = (
            f"{error.kind[0].upper()}{error.kind[1:]} names must be unique within an AWS account and region, "
            f"and {_JOBS[error.kind]} {error.kind} with this name already exists ({arn})"
        )
        return WireError(code="ResourceInUse", message=message, status=400)
    return invalid(place.service, f'Cannot create already existing {error.kind} "{arn}".')


def _limit_exceeded(error: errors.LimitExceededError, place: Place) -> WireError:
    del place
    message = (
        f"The account-level service limit 'Number of {error.what}' is {error.limit} {error.what}, with current "
        f"utilization of {error.used} {error.what} and a request delta of 1 {error.what}. Wait for one to end, "
        "or start the server with other quotas."
    )
    return WireError(code="ResourceLimitExceeded", message=message, status=400)


def _invalid_move(error: errors.InvalidMoveError, place: Place) -> WireError:
    return invalid(place.service, f"The request was rejected because the {error.kind} is in status {error.status}.")


def _not_ready(error: errors.EndpointNotReadyError, place: Place) -> WireError:
    message = f"Endpoint {error.endpoint} of account {place.identity.account_id} is not in service: {error.status}."
    return invalid(place.service, message)


def _endpoint_busy(error: errors.EndpointBusyError, place: Place) -> WireError:
    arn = place.identity.endpoint_arn(error.endpoint)
    return invalid(place.service, f'Cannot update in-progress endpoint "{arn}".')


def _model_answered(error: errors.ModelAnsweredError, place: Place) -> WireError:
    whose = "client" if error.status < 500 else "server"
    body = error.body.decode(errors="replace")
    message = (
        f'Received {whose} error ({error.status}) from primary with message "{body}". '
        f"See the log group {name_log_group(error.endpoint)} in account {place.identity.account_id} "
        "for more information."
    )
    return _model_error(message, error.endpoint, place, status=error.status, body=body)


def _model_timed_out(error: errors.ModelTimedOutError, place: Place) -> WireError:
    message = (
        "Your invocation timed out while waiting for a response from container primary. "
        f"The limit is {error.seconds:g} seconds."
    )
    return _model_error(message, error.endpoint, place, status=504, body="")


def _model_error(message: str, endpoint: str, place: Place, *, status: int, body: str) -> WireError:
    group = name_log_group(endpoint)
    arn = f"arn:aws:logs:{place.identity.region}:{place.identity.account_id}:log-group:{group}"
    members = {"OriginalStatusCode": status, "OriginalMessage": body, "LogStreamArn": arn}
    return WireError(code="ModelError", message=message, status=424, members=members)


def _invalid_key(error: errors.InvalidBlobKeyError, place: Place) -> WireError:
    del place
    if len(error.key.encode(errors="replace")) > KEY_BYTES_MAX:
        return WireError(code="KeyTooLongError", message="Your key is too long", status=400)
    return WireError(code="InvalidArgument", message=str(error), status=400)


def _log_not_found(error: errors.LogStreamNotFoundError, place: Place) -> WireError:
    del place
    message = f"The specified log group or log stream does not exist: {error.name}."
    return WireError(code="ResourceNotFoundException", message=message, status=400)


def _conflict(error: errors.ConflictError, place: Place) -> WireError:
    code, status = ("OperationAborted", 409) if place.service == "s3" else ("ConflictException", 400)
    return WireError(code=code, message=str(error), status=status)


Translate = Callable[[Any, Place], WireError]


def _say(code: str, message: str, status: int, *members: str) -> Translate:
    """Return a row with fixed words; `members` names the error's attributes that go along, first letter in capitals."""

    def translate(error: errors.ServiceError, place: Place) -> WireError:
        del place
        more = {name.title().replace("_", ""): getattr(error, name) for name in members}
        return WireError(code=code, message=message, status=status, members=more)

    return translate


def _repeat(code: str, status: int) -> Translate:
    """Return a row that repeats the error's own words."""
    return lambda error, place: WireError(code=code, message=str(error), status=status)  # noqa: ARG005  # same signature


TRANSLATIONS: Mapping[type[errors.ServiceError], Translate] = {
    errors.ServiceError: lambda error, place: internal_failure(place.service),  # noqa: ARG005  # a kind without a row
    errors.NotFoundError: _not_found,
    errors.AlreadyExistsError: _already_exists,
    errors.ConflictError: _conflict,
    errors.InvalidRequestError: lambda error, place: invalid(place.service, str(error)),
    errors.LimitExceededError: _limit_exceeded,
    errors.NotImplementedYetError: lambda error, place: not_implemented(place.service, str(error)),
    errors.InvalidMoveError: _invalid_move,
    errors.BucketNotFoundError: _say("NoSuchBucket", "The specified bucket does not exist", 404, "bucket"),
    errors.BucketAlreadyExistsError: _say(
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
        409,
        "bucket",
    ),
    errors.BucketNotEmptyError: _say("BucketNotEmpty", "The bucket you tried to delete is not empty", 409, "bucket"),
    errors.InvalidBucketNameError: _say("InvalidBucketName", "The specified bucket is not valid.", 400, "bucket"),
    errors.BlobNotFoundError: _say("NoSuchKey", "The specified key does not exist.", 404, "key"),
    errors.BlobChangedError: _say(
        "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412, "key"
    ),
    errors.InvalidBlobKeyError: _invalid_key,
    errors.BlobStoreError: lambda error, place: invalid(place.service, str(error)),
    errors.UploadNotFoundError: _say(
        "NoSuchUpload",
        "The specified upload does not exist. It may have been aborted or completed.",
        404,
        "upload_id",
    ),
    errors.InvalidPartError: _repeat("InvalidPart", 400),
    errors.InvalidRangeError: _say("InvalidRange", "The requested range is not satisfiable", 416),
    errors.UnreadableTableError: lambda error, place: invalid(place.service, str(error)),
    errors.EndpointNotReadyError: _not_ready,
    errors.EndpointBusyError: _endpoint_busy,
    errors.VariantNotFoundError: lambda error, place: invalid(
        place.service, f"Variant {error.variant} not found for endpoint {error.endpoint}."
    ),
    errors.ModelAnsweredError: _model_answered,
    errors.ModelTimedOutError: _model_timed_out,
    errors.ModelUnreachableError: _repeat("ServiceUnavailable", 503),
    errors.LogStreamNotFoundError: _log_not_found,
}
"""Each error of the service and what a client sees of it; a test fails when one has no row."""


def translate_error(error: errors.ServiceError, place: Place) -> WireError:
    """Return what a client sees of an error of the service."""
    for kind in type(error).__mro__:
        if kind in TRANSLATIONS:
            return TRANSLATIONS[kind](error, place)
    raise AssertionError("unreachable: the base class has a row")
