"""What `AutoMLV2.fit` learns from: channels in S3 and on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gyropilot.sdk.automl.request import keep_given
from gyropilot.sdk.automl.upload import upload
from gyropilot.sdk.frames import is_frame

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session

PREFIX = "auto-ml-v2-input-data"


@dataclass
class AutoMLDataChannel:
    """Data in S3.

    Args:
        s3_data_type: `S3Prefix`, `ManifestFile` or `AugmentedManifestFile`.
        s3_uri: the `s3://` address.
        channel_type: `training` or `validation`.
        compression_type: `Gzip` or `None`.
        content_type: as `text/csv;header=present` or `x-application/vnd.amazon+parquet`.
    """

    s3_data_type: str
    s3_uri: str
    channel_type: str | None = None
    compression_type: str | None = None
    content_type: str | None = None

    @classmethod
    def from_response_dict(cls, data_channel: Mapping[str, Any]) -> Self:
        """Return the channel that a description of a job holds."""
        source = data_channel["DataSource"]["S3DataSource"]
        return cls(
            s3_data_type=source["S3DataType"],
            s3_uri=source["S3Uri"],
            channel_type=data_channel.get("ChannelType"),
            compression_type=data_channel.get("CompressionType"),
            content_type=data_channel.get("ContentType"),
        )

    def to_request_dict(self) -> dict[str, Any]:
        """Return the member of `AutoMLJobInputDataConfig`."""
        optional = {
            "ChannelType": self.channel_type,
            "CompressionType": self.compression_type,
            "ContentType": self.content_type,
        }
        return {
            "DataSource": {"S3DataSource": {"S3DataType": self.s3_data_type, "S3Uri": self.s3_uri}},
            **keep_given(optional),
        }


@dataclass
class LocalAutoMLDataChannel:
    """Data on this machine, which is uploaded.

    Args:
        data_type: as which it is then read: `S3Prefix`, `ManifestFile` or `AugmentedManifestFile`.
        path: a file or a folder.
        channel_type: `training` or `validation`.
        compression_type: `Gzip` or `None`; told by the file's name unless given.
        content_type: told by the file's name unless given.
    """

    data_type: str
    path: str | Path
    channel_type: str | None = None
    compression_type: str | None = None
    content_type: str | None = None


def upload_channels(session: Session, inputs: Any, job: str | None) -> Any:
    """Return inputs that are in S3: local channels and frames are uploaded, what is there already stays as it is.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when a frame cannot be written.
    """
    if is_frame(inputs):
        frame = upload(session, inputs, PREFIX, folder=job or "")
        return AutoMLDataChannel("S3Prefix", frame.address, content_type=frame.content_type)
    given = inputs if isinstance(inputs, list | tuple) else [inputs]
    if given and all(isinstance(channel, LocalAutoMLDataChannel) for channel in given):
        return [_upload(session, channel) for channel in given]
    return inputs


def _upload(session: Session, channel: LocalAutoMLDataChannel) -> AutoMLDataChannel:
    uploaded = upload(session, channel.path, PREFIX)
    return AutoMLDataChannel(
        s3_data_type=channel.data_type,
        s3_uri=uploaded.address,
        channel_type=channel.channel_type,
        compression_type=channel.compression_type or uploaded.compression,
        content_type=channel.content_type or uploaded.content_type,
    )


def format_channels(inputs: Any) -> list[dict[str, Any]]:
    """Return the members of `AutoMLJobInputDataConfig`.

    Raises:
        ValueError: when the inputs are none of the forms that `AutoMLV2.fit` takes.
    """
    given = inputs if isinstance(inputs, list | tuple) else [inputs]
    if not given or not all(isinstance(channel, AutoMLDataChannel) for channel in given):
        raise ValueError(
            f"Cannot format input {inputs}. Expecting an AutoMLDataChannel or a list of AutoMLDataChannel or a "
            "LocalAutoMLDataChannel or a list of LocalAutoMLDataChannel."
        )
    return [channel.to_request_dict() for channel in given]
