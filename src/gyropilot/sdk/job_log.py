"""The log of a job, as CloudWatch Logs tells it: read as it grows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

AUTOML_GROUP = "/aws/sagemaker/AutoMLJobs"
TRANSFORM_GROUP = "/aws/sagemaker/TransformJobs"
TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"

ABSENT = {"ResourceNotFoundException", "AccessDeniedException"}
"""What a log answers that is not there yet, or that one may not read: no reason to give up a job."""


@dataclass
class JobLog:
    """The streams of a job within a group; remembers how far each was read."""

    client: CloudWatchLogsClient
    """Who is asked."""
    group: str
    """The group of logs."""
    job: str
    """The job: its streams have its name, or begin with it and a stroke; empty: all streams of the group."""
    _tokens: dict[str, str] = field(default_factory=dict)

    def read_new(self) -> list[str]:
        """Return the lines that came since the last call; none when there is no log, or none that may be read."""
        from botocore.exceptions import ClientError

        try:
            return [line for stream in self._list_streams() for line in self._read_stream(stream)]
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return []
            raise

    def _list_streams(self) -> list[str]:
        place: dict[str, Any] = {"logStreamNamePrefix": self.job} if self.job else {}
        pages = self.client.get_paginator("describe_log_streams").paginate(logGroupName=self.group, **place)
        names = (stream["logStreamName"] for page in pages for stream in page["logStreams"])
        return [name for name in names if not self.job or name == self.job or name.startswith(f"{self.job}/")]

    def _read_stream(self, stream: str) -> list[str]:
        lines: list[str] = []
        while True:
            token = self._tokens.get(stream)
            place: dict[str, Any] = {"nextToken": token} if token else {}
            answer = self.client.get_log_events(
                logGroupName=self.group, logStreamName=stream, startFromHead=True, **place
            )
            lines += [event["message"] for event in answer["events"]]
            self._tokens[stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token:  # the end, for now
                return lines
