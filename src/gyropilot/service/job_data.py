"""The data of jobs: where it lies, and whether a job can be made of it."""

from __future__ import annotations

from dataclasses import replace

from gyropilot.service.errors import (
    BlobNotFoundError,
    BucketNotFoundError,
    InvalidBlobKeyError,
    InvalidBucketNameError,
    InvalidRequestError,
    UnreadableTableError,
)
from gyropilot.service.feature_specification import (
    MAX_BYTES,
    FeatureSpecification,
    check_feature_specification,
    parse_feature_specification,
)
from gyropilot.service.locations import Location
from gyropilot.service.ports import Blob, BlobStore, HeaderReader, iterate_blobs
from gyropilot.service.quotas import Quotas
from gyropilot.service.records import AUTO, ENSEMBLING, TUNING, Problem

ENSEMBLING_BYTES = 100 * 1024 * 1024
"""Up to how much data the mode that was left open is ensembling."""
ENSEMBLING_OBJECTS = 1000
"""Of more objects AWS does not tell the size, and tunes."""


class JobData:
    """Finds the data of jobs and checks it before they are queued."""

    def __init__(self, *, blobs: BlobStore, headers: HeaderReader, quotas: Quotas) -> None:
        self._blobs = blobs
        self._headers = headers
        self._quotas = quotas

    def find(self, uri: str) -> list[Blob]:
        """Return the objects of a channel's data: all below the prefix but folder marks and hidden names.

        Raises:
            InvalidRequestError: when there are none or the bucket cannot be read.
        """
        place = Location.parse(uri)
        try:
            blobs = [blob for blob in iterate_blobs(self._blobs, place.bucket, place.key) if _is_data(blob)]
        except (BucketNotFoundError, InvalidBucketNameError):
            raise InvalidRequestError(f"Could not access {uri}: the bucket does not exist.") from None
        if not blobs:
            raise InvalidRequestError(f"No objects found under {uri}.")
        return blobs

    def decide_mode(self, problem: Problem) -> Problem:
        """Return a problem in the mode that suits the size of its data, if that is left open.

        Raises:
            InvalidRequestError: when there is no data, or row weights do not go with the mode.
        """
        if problem.mode != AUTO:
            return problem
        blobs = self.find(problem.data_uri)
        is_large = len(blobs) > ENSEMBLING_OBJECTS or sum(blob.size for blob in blobs) > ENSEMBLING_BYTES
        if is_large and problem.weight_column:
            raise InvalidRequestError(
                "SampleWeightAttributeName is supported in Mode ENSEMBLING only; Mode AUTO means "
                f"HYPERPARAMETER_TUNING for data of more than 100 MB or {ENSEMBLING_OBJECTS} objects."
            )
        return replace(problem, mode=TUNING if is_large else ENSEMBLING)

    def read_feature_specification(self, uri: str) -> FeatureSpecification:
        """Return what a feature specification says; an empty location says nothing.

        Raises:
            InvalidRequestError: when it cannot be read or is not of the form.
        """
        if not uri:
            return FeatureSpecification()
        place = Location.parse(uri)
        try:
            with self._blobs.open(place.bucket, place.key) as (_, content):
                return parse_feature_specification(content.read(MAX_BYTES + 1))
        except (BucketNotFoundError, InvalidBucketNameError, BlobNotFoundError, InvalidBlobKeyError):
            raise InvalidRequestError(
                f"Could not access the feature specification {uri}: there is no object."
            ) from None
        except InvalidRequestError as error:
            raise InvalidRequestError(f"Invalid feature specification {uri}: {error}.") from None

    def check(self, problem: Problem) -> tuple[str, ...]:
        """Check that a problem's data can be read and has the named columns, and return what there is to tell of it.

        Raises:
            InvalidRequestError: when data or the output bucket is not there, a column is missing, the feature
                specification breaks a rule or a quota is exceeded.
        """
        training = self.find(problem.data_uri)
        columns = self._read_columns(problem, training[0])
        _check_columns(problem, columns)
        validation = self.find(problem.validation_uri) if problem.validation_uri else []
        if validation:
            self._check_validation(problem, columns, validation[0])
        if problem.features_uri:
            self._check_features(problem, columns)
        self.check_output(problem.output_uri)
        return self._quotas.check_data(problem, training, validation)

    def check_output(self, uri: str) -> None:
        """Check that something can be written below a location.

        Raises:
            InvalidRequestError: when its bucket is not there.
        """
        try:
            self._blobs.get_bucket(Location.parse(uri).bucket)
        except (BucketNotFoundError, InvalidBucketNameError):
            raise InvalidRequestError(f"Could not access {uri}: the bucket does not exist.") from None

    def check_rows(self, rows: int) -> None:
        """Check that the data has enough rows.

        Raises:
            InvalidRequestError: when it has fewer than the quotas ask for.
        """
        self._quotas.check_rows(rows)

    def _read_columns(self, problem: Problem, first: Blob) -> tuple[str, ...]:
        try:
            return self._headers.read_column_names(
                first.bucket, first.key, data_format=problem.data_format, compression=problem.compression
            )
        except (UnreadableTableError, BlobNotFoundError) as error:
            raise InvalidRequestError(f"Could not read s3://{first.bucket}/{first.key}: {error}") from error

    def _check_validation(self, problem: Problem, columns: tuple[str, ...], first: Blob) -> None:
        found = self._read_columns(problem, first)
        _check_columns(problem, found)
        if missing := [column for column in columns if column not in found]:
            raise InvalidRequestError(
                "The validation data must have the columns of the training data; missing in its header: "
                f"{', '.join(map(repr, missing))}."
            )

    def _check_features(self, problem: Problem, columns: tuple[str, ...]) -> None:
        specification = self.read_feature_specification(problem.features_uri)
        try:
            check_feature_specification(
                specification, columns, target=problem.target, weight_column=problem.weight_column
            )
        except InvalidRequestError as error:
            raise InvalidRequestError(f"Invalid feature specification {problem.features_uri}: {error}.") from None


def _check_columns(problem: Problem, columns: tuple[str, ...]) -> None:
    if problem.target not in columns:
        raise InvalidRequestError(f"Target attribute name {problem.target} does not exist in header.")
    if problem.weight_column and problem.weight_column not in columns:
        raise InvalidRequestError(f"Sample weight attribute name {problem.weight_column} does not exist in header.")
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise InvalidRequestError(f"Duplicate column names were found: {', '.join(map(repr, repeated))}.")
    if not set(columns) - {problem.target, problem.weight_column}:
        raise InvalidRequestError(f"The data has no column besides the target attribute {problem.target}.")


def _is_data(blob: Blob) -> bool:
    name = blob.key.rpartition("/")[2]
    return bool(name) and not name.startswith(("_", ".")) and not (blob.size == 0 and blob.key.endswith("/"))
