"""What `AutoML.fit` learns from: addresses, paths, channels and frames, and the members of a request they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gyropilot.sdk.automl.upload import Uploaded, is_local, upload

if TYPE_CHECKING:
    from gyropilot.sdk.automl.automl import AutoML
    from gyropilot.sdk.session import Session

PREFIX = "auto-ml-input-data"

Channel = dict[str, Any]


class AutoMLInput:
    """A channel of an AutoML job: where data lies, and how it is to be read.

    Args:
        inputs: an `s3://` address, a path on this machine or a frame, or a list of them; `AutoML.fit` uploads what is
            not in S3.
        target_attribute_name: the column to predict.
        compression: `Gzip` or `None`.
        channel_type: `training` or `validation`.
        content_type: `text/csv;header=present` or `x-application/vnd.amazon+parquet`.
        s3_data_type: `S3Prefix`, which is meant when it is left out, or `ManifestFile`.
        sample_weight_attribute_name: a column that says how much each row counts.
    """

    def __init__(
        self,
        inputs: Any,
        target_attribute_name: str,
        compression: str | None = None,
        channel_type: str | None = None,
        content_type: str | None = None,
        s3_data_type: str | None = None,
        sample_weight_attribute_name: str | None = None,
    ) -> None:
        self.inputs = inputs
        self.target_attribute_name = target_attribute_name
        self.compression = compression
        self.channel_type = channel_type
        self.content_type = content_type
        self.s3_data_type = s3_data_type
        self.sample_weight_attribute_name = sample_weight_attribute_name

    def to_request_dict(self) -> list[Channel]:
        """Return the members of `InputDataConfig`, one for each address."""
        return [self._describe(address) for address in list_data(self)]

    def _describe(self, address: str) -> Channel:
        optional = {
            "CompressionType": self.compression,
            "ChannelType": self.channel_type,
            "ContentType": self.content_type,
            "SampleWeightAttributeName": self.sample_weight_attribute_name,
        }
        return {
            "DataSource": {"S3DataSource": {"S3DataType": self.s3_data_type or "S3Prefix", "S3Uri": address}},
            "TargetAttributeName": self.target_attribute_name,
            **{name: value for name, value in optional.items() if value is not None},
        }


def list_data(channel: AutoMLInput) -> list[Any]:
    """Return what a channel holds: addresses, or what is to be uploaded."""
    return list(channel.inputs) if isinstance(channel.inputs, list | tuple) else [channel.inputs]


def upload_channel(session: Session, channel: AutoMLInput, prefix: str) -> AutoMLInput:
    """Return the same channel in S3: paths and frames are uploaded below a prefix; itself when there is none."""
    held = list_data(channel)
    if not any(map(is_local, held)):
        return channel
    uploaded = [upload(session, data, f"{prefix}/{number}") for number, data in enumerate(held, 1)]
    return AutoMLInput(
        [data.address for data in uploaded],
        channel.target_attribute_name,
        compression=channel.compression or uploaded[0].compression,
        channel_type=channel.channel_type,
        content_type=uploaded[0].choose_content_type(channel.content_type),
        s3_data_type=channel.s3_data_type,
        sample_weight_attribute_name=channel.sample_weight_attribute_name,
    )


def upload_inputs(auto_ml: AutoML, inputs: Any) -> Any:
    """Return inputs that are in S3: paths and frames are uploaded, what is there already stays as it is.

    A frame becomes a Parquet file. The name of a local file tells its format when nothing else does.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when a frame comes with another content type than Parquet, or cannot be written.
    """
    job = auto_ml.current_job_name or ""
    if isinstance(inputs, list | tuple):
        return [_upload(auto_ml, entry, f"{PREFIX}/{job}/{number}") for number, entry in enumerate(inputs, 1)]
    if isinstance(inputs, AutoMLInput):
        return _upload(auto_ml, inputs, f"{PREFIX}/{job}")
    return _upload(auto_ml, inputs, PREFIX, folder=job)


def _upload(auto_ml: AutoML, entry: Any, prefix: str, *, folder: str = "") -> Any:
    session = auto_ml.sagemaker_session
    if isinstance(entry, AutoMLInput):
        return upload_channel(session, entry, prefix)
    if not is_local(entry):
        return entry
    uploaded = upload(session, entry, prefix, folder=folder)
    return _make_input(auto_ml, uploaded)


def format_inputs(auto_ml: AutoML, inputs: Any) -> list[Channel]:
    """Return the members of `InputDataConfig`.

    Raises:
        ValueError: when the inputs are none of the forms that `AutoML.fit` takes, or name no target.
    """
    given: Any = inputs if isinstance(inputs, list | tuple) else [inputs]
    entries = [_make_input(auto_ml, Uploaded(address=entry)) if isinstance(entry, str) else entry for entry in given]
    if not entries or not all(isinstance(entry, AutoMLInput) for entry in entries):
        raise ValueError(
            f"Cannot format input {inputs}. Expecting a string or a list of strings or a list of AutoMLInputs."
        )
    channels = [channel for entry in entries for channel in entry.to_request_dict()]
    for channel in channels:
        _check(channel)
    return channels


def _make_input(auto_ml: AutoML, data: Uploaded) -> AutoMLInput:
    """Return data as a channel; what the job says of it goes before what its name tells."""
    return AutoMLInput(
        data.address,
        auto_ml.target_attribute_name,  # type: ignore[arg-type]  # checked with the whole request
        compression=auto_ml.compression_type or data.compression,
        content_type=data.choose_content_type(auto_ml.content_type),
        s3_data_type=auto_ml.s3_data_type,
        sample_weight_attribute_name=auto_ml.sample_weight_attribute_name,
    )


def _check(channel: Channel) -> None:
    if channel["TargetAttributeName"] is None:
        raise ValueError("TargetAttributeName cannot be None.")
    address = channel["DataSource"]["S3DataSource"]["S3Uri"]
    if is_local(address):
        raise ValueError(f'URI input {address} must be a valid S3 or FILE URI: must start with "s3://" or "file://"')
