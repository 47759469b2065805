"""What `AutoML.fit` learns from: addresses, paths, channels and frames, and the members of a request they become."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyropilot.sdk.frames import PARQUET, is_frame, write_parquet

if TYPE_CHECKING:
    from gyropilot.sdk.automl.automl import AutoML
    from gyropilot.sdk.session import Session

PREFIX = "auto-ml-input-data"

Channel = dict[str, Any]


class AutoMLInput:
    """A channel of an AutoML job: where data lies in S3, and how it is to be read.

    Args:
        inputs: an `s3://` address, or a list of them.
        target_attribute_name: the column to predict.
        compression: `Gzip` or `None`.
        channel_type: `training` or `validation`.
        content_type: `text/csv;header=present` or `x-application/vnd.amazon+parquet`.
        s3_data_type: `S3Prefix`, which is meant when it is left out, or `ManifestFile`.
        sample_weight_attribute_name: a column that says how much each row counts.
    """

    def __init__(
        self,
        inputs: str | Sequence[str],
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
        addresses = [self.inputs] if isinstance(self.inputs, str) else self.inputs
        return [self._describe(address) for address in addresses]

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


def upload_inputs(auto_ml: AutoML, inputs: Any) -> Any:
    """Return inputs that are in S3: a path or a frame is uploaded, what is there already stays as it is.

    A frame becomes a Parquet file. The name of a local file tells its format when the job does not.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when a frame comes with another content type than Parquet, or cannot be written.
    """
    session = auto_ml.sagemaker_session
    if is_frame(inputs):
        if auto_ml.content_type not in {None, PARQUET}:
            raise ValueError(f"A frame is sent as {PARQUET}, not as {auto_ml.content_type!r}; leave content_type out.")
        return _make_input(auto_ml, upload_frame(session, inputs, auto_ml.current_job_name), content_type=PARQUET)
    if isinstance(inputs, Path) or (isinstance(inputs, str) and not inputs.startswith("s3://")):
        path = local_path(inputs)
        address = session.upload_data(path, key_prefix=PREFIX)
        content_type, compression = recognise(path)
        return _make_input(auto_ml, address, content_type=content_type, compression=compression)
    return inputs


def format_inputs(auto_ml: AutoML, inputs: Any) -> list[Channel]:
    """Return the members of `InputDataConfig`.

    Raises:
        ValueError: when the inputs are none of the forms that `AutoML.fit` takes, or name no target.
    """
    given: Any = [inputs] if isinstance(inputs, str | AutoMLInput) else inputs
    is_list = isinstance(given, list | tuple) and bool(given)
    if is_list and all(isinstance(entry, AutoMLInput) for entry in given):
        channels = [channel for entry in given for channel in entry.to_request_dict()]
    elif is_list and all(isinstance(entry, str) for entry in given):
        channels = [channel for entry in given for channel in _make_input(auto_ml, entry).to_request_dict()]
    else:
        raise ValueError(
            f"Cannot format input {inputs}. Expecting a string or a list of strings or a list of AutoMLInputs."
        )
    for channel in channels:
        _check(channel)
    return channels


def _make_input(
    auto_ml: AutoML, address: str, *, content_type: str | None = None, compression: str | None = None
) -> AutoMLInput:
    """Return an address as a channel; what the job says of it goes before what its name tells."""
    return AutoMLInput(
        address,
        auto_ml.target_attribute_name,  # type: ignore[arg-type]  # checked with the whole request
        compression=auto_ml.compression_type or compression,
        content_type=auto_ml.content_type or content_type,
        s3_data_type=auto_ml.s3_data_type,
        sample_weight_attribute_name=auto_ml.sample_weight_attribute_name,
    )


def _check(channel: Channel) -> None:
    if channel["TargetAttributeName"] is None:
        raise ValueError("TargetAttributeName cannot be None.")
    address = channel["DataSource"]["S3DataSource"]["S3Uri"]
    if not address.startswith("s3://"):
        raise ValueError(f'URI input {address} must be a valid S3 or FILE URI: must start with "s3://" or "file://"')


def local_path(inputs: str | Path) -> Path:
    """Return the path that a `file://` address, a text or a path means."""
    return inputs if isinstance(inputs, Path) else Path(inputs.removeprefix("file://"))


def recognise(path: Path) -> tuple[str | None, str | None]:
    """Return content type and compression as a file's name tells them; None: what they are taken for anyway."""
    suffix = path.suffix.lower()
    return PARQUET if suffix in {".parquet", ".pq"} else None, "Gzip" if suffix == ".gz" else None


def upload_frame(session: Session, frame: Any, job: str | None) -> str:
    """Upload a frame as a Parquet file of its own and return its address."""
    bucket, key = session.default_location(PREFIX, job or "frame", "table.parquet")
    session.s3_client.put_object(Bucket=bucket, Key=key, Body=write_parquet(frame))
    return f"s3://{bucket}/{key}"
