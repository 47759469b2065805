"""How a transform reads, predicts and writes, understood before the first object is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.json_paths import JsonPath, parse_json_path
from gyropilot.service.records import Transform, TransformJob
from gyropilot.serving.media import CSV, JSON, JSON_LINES, MediaTypeError, choose_incoming, choose_outgoing
from gyropilot.serving.options import ServingOptions, read_options

BATCH_BYTES = 1 << 20
"""How much is predicted at once where it makes no difference: enough to be quick, little enough for wide tables."""
BATCH_RECORDS = 16_384
"""As many records at once at most, for narrow tables."""
LARGEST_RECORD = 100 << 20
"""Bytes of a record, or of a request that must be at hand whole, where the payload has no limit: AWS's greatest."""


@dataclass(frozen=True, kw_only=True)
class TransformPlan:
    """A transform request together with what the container's environment says."""

    options: ServingOptions
    """What answers hold."""
    content_type: str
    """Media type of the records: CSV, JSON lines, or JSON for whole documents."""
    accept: str
    """Media type of the answers."""
    compression: str
    """`gzip`, or nothing."""
    is_line_each: bool
    """Whether each record is one line."""
    object_bytes: int | None
    """Greatest object; None: any."""
    record_bytes: int
    """Greatest record."""
    batch_bytes: int
    """How much is predicted at once: a batch ends with the record that reaches this."""
    batch_records: int | None
    """How many records are predicted at once at most; None: any."""
    assembles_lines: bool
    """Whether each answer ends with a line break."""
    input_path: JsonPath
    """The part of a record that is predicted from."""
    joins_input: bool
    """Whether the record stands before its prediction."""
    output_path: JsonPath
    """The part of a result that is written."""

    @property
    def has_results(self) -> bool:
        """Whether each record's result is made up by itself instead of by the model server's answer."""
        return self.joins_input or not self.output_path.is_whole


def make_plan(job: TransformJob, environment: Mapping[str, str]) -> TransformPlan:
    """Understand what a job asks for of a model with this environment.

    Raises:
        InvalidRequestError: when a media type is none that the model reads or writes, a variable has no meaning, or the
            members contradict each other.
    """
    asked = job.transform
    try:
        options = read_options({**environment, **asked.environment})
        content_type = choose_incoming(asked.content_type)
        accept = choose_outgoing(asked.accept, options.default_accept)
    except (MediaTypeError, ValueError) as error:
        raise InvalidRequestError(str(error)) from None
    if content_type == JSON and asked.splits_lines:
        content_type = JSON_LINES
    input_path = parse_json_path(asked.input_filter, "InputFilter")
    output_path = parse_json_path(asked.output_filter, "OutputFilter")
    _check_paths(content_type, accept, input_path, output_path, joins_input=asked.joins_input)
    if accept == JSON and (asked.joins_input or not output_path.is_whole):
        accept = JSON_LINES  # a result for each record
    is_whole_document = accept == JSON or content_type == JSON
    most = asked.max_payload_bytes or LARGEST_RECORD
    return TransformPlan(
        options=options,
        content_type=content_type,
        accept=accept,
        compression=asked.compression,
        is_line_each=asked.splits_lines,
        object_bytes=None if asked.splits_lines else asked.max_payload_bytes,
        record_bytes=most,
        batch_bytes=most if is_whole_document else min(most, BATCH_BYTES),
        batch_records=_count_records(asked, is_whole_document=is_whole_document),
        assembles_lines=asked.assembles_lines,
        input_path=input_path,
        joins_input=asked.joins_input,
        output_path=output_path,
    )


def _check_paths(
    content_type: str, accept: str, input_path: JsonPath, output_path: JsonPath, *, joins_input: bool
) -> None:
    if joins_input and (content_type == CSV) != (accept == CSV):
        raise InvalidRequestError(
            "JoinSource Input requires a ContentType and an Accept that are both text/csv or both JSON, not "
            f"{content_type} and {accept}."
        )
    for name, path, media_type in (("InputFilter", input_path, content_type), ("OutputFilter", output_path, accept)):
        if media_type == CSV and path.begins_with_name:
            raise InvalidRequestError(f"{name} '{path.text}' names a member; a record of {CSV} is an array.")


def _count_records(asked: Transform, *, is_whole_document: bool) -> int | None:
    if not is_whole_document:
        return BATCH_RECORDS
    return 1 if asked.splits_lines and asked.is_single_record else None
