"""The SDK against an installation in this process: sessions, buckets, and jobs as they are asked for."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from gyropilot import (
    AutoML,
    AutoMLInput,
    AutoMLTabularConfig,
    AutoMLV2,
    LocalAutoMLDataChannel,
    Session,
)
from tests.wire.installation import KEY, ROLE, SECRET, Installation
from tests.wire.sdk import BUCKET, TABLE, start

pytestmark = pytest.mark.usefixtures("no_defaults")


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_a_boto3_session_says_where_requests_go(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", installation.url)
    boto = boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1")
    session = Session(boto)
    assert session.endpoint_url == installation.url
    assert session.account_id() == "000000000000"
    assert session.get_caller_identity_arn().startswith("arn:aws:iam::000000000000:user/")
    assert not session.is_aws
    assert session.boto_session is boto


def test_a_client_that_is_given_is_used(installation: Installation) -> None:
    client = installation.client("sagemaker")
    session = Session(sagemaker_client=client)
    assert session.sagemaker_client is client
    assert (session.region, session.endpoint_url) == ("us-east-1", installation.url)


def test_aws_is_told_from_other_places(monkeypatch: pytest.MonkeyPatch) -> None:
    boto = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    session = Session(boto, sagemaker_config={})
    assert session.is_aws
    assert session.endpoint_url == "https://api.sagemaker.eu-west-1.amazonaws.com"
    with pytest.raises(ValueError, match="An AWS IAM role is required to create an AutoML job"):
        AutoML(target_attribute_name="y", sagemaker_session=session)


def test_a_url_in_the_place_of_a_boto3_session_is_told(installation: Installation) -> None:
    with pytest.raises(TypeError, match="a URL goes to endpoint_url"):
        Session(installation.url)  # type: ignore[arg-type]  # the mistake


def test_a_session_of_another_package_is_refused() -> None:
    with pytest.raises(TypeError, match=r"must be a gyropilot\.Session, not a builtins\.object"):
        AutoML(sagemaker_session=object())  # type: ignore[arg-type]  # the mistake


def test_a_role_may_be_a_name(session: Session) -> None:
    assert session.expand_role("SageMakerRole") == "arn:aws:iam::000000000000:role/SageMakerRole"
    assert session.expand_role(ROLE) == ROLE


# --- buckets ----------------------------------------------------------------------------------------------------------


def test_the_default_bucket_is_made_once(session: Session) -> None:
    assert session.default_bucket() == session.default_bucket() == BUCKET
    session.s3_client.head_bucket(Bucket=BUCKET)


def test_a_bucket_and_a_prefix_may_be_named(open_session: Callable[..., Session], table: Path) -> None:
    named = open_session(default_bucket="mine", default_bucket_prefix="team")
    assert named.upload_data(table, key_prefix="in") == "s3://mine/team/in/table.csv"
    automl = AutoML(target_attribute_name="y", mode="AUTO", sagemaker_session=named)
    automl.fit(table, wait=False, logs=False)
    assert automl.describe_auto_ml_job()["OutputDataConfig"] == {"S3OutputPath": "s3://mine/team/"}


def test_files_and_folders_go_up_and_come_down(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "up"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.csv").write_text("a")
    (folder / "deep" / "b.csv").write_text("b")
    assert session.upload_data(folder, key_prefix="folder") == f"s3://{BUCKET}/folder"
    assert session.list_s3_files(BUCKET, "folder") == ["folder/a.csv", "folder/deep/b.csv"]
    assert session.read_s3_file(BUCKET, "folder/deep/b.csv") == "b"
    assert session.download_data(tmp_path / "down", BUCKET, "folder/") == [
        str(tmp_path / "down" / "a.csv"),
        str(tmp_path / "down" / "deep" / "b.csv"),
    ]
    assert session.download_data(tmp_path / "one", BUCKET, "folder/a.csv") == [str(tmp_path / "one" / "a.csv")]
    assert session.upload_string_as_file_body("c", BUCKET, "folder/c") == f"s3://{BUCKET}/folder/c"


def test_a_key_that_leads_out_of_the_folder_is_refused(session: Session, tmp_path: Path) -> None:
    session.upload_string_as_file_body("x", session.default_bucket(), "out/a..b")
    assert session.download_data(tmp_path / "here", BUCKET, "out/") == [str(tmp_path / "here" / "a..b")]
    session.upload_string_as_file_body("x", BUCKET, "out/../../x")
    with pytest.raises(ValueError, match=r"The key 'out/\.\./\.\./x' of bucket \S+ leads out of"):
        session.download_data(tmp_path / "here", BUCKET, "out/")


def test_a_file_that_is_missing_is_named(session: Session) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no file /nowhere\.csv"):
        session.upload_data("/nowhere.csv")


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_without_a_role_gyropilots_own_is_named(session: Session, table: Path) -> None:
    assert start(session, table, "own-role").describe_auto_ml_job()["RoleArn"] == ROLE


def test_what_only_matters_on_aws_is_recorded(session: Session, table: Path) -> None:
    network = {"Subnets": ["subnet-12345678"], "SecurityGroupIds": ["sg-12345678"]}
    automl = start(
        session,
        str(table),
        "recorded",
        output_kms_key="key-1",
        volume_kms_key="key-2",
        vpc_config=network,
        tags={"a": "b"},
    )
    job = automl.describe_auto_ml_job()
    assert job["OutputDataConfig"] == {"KmsKeyId": "key-1", "S3OutputPath": f"s3://{BUCKET}/"}
    assert job["AutoMLJobConfig"]["SecurityConfig"] == {
        "VolumeKmsKeyId": "key-2",
        "EnableInterContainerTrafficEncryption": False,
        "VpcConfig": network,
    }
    assert session.list_tags(job["AutoMLJobArn"]) == [{"Key": "a", "Value": "b"}]
    attached = AutoML.attach("recorded", sagemaker_session=session)
    assert (attached.vpc_config, attached.volume_kms_key, attached.tags) == (
        network,
        "key-2",
        [{"Key": "a", "Value": "b"}],
    )


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"vpc_config": "subnet-1"}, TypeError, "must be a dictionary of Subnets and SecurityGroupIds"),
        ({"vpc_config": {"Subnets": ["subnet-1"]}}, ValueError, "vpc_config['SecurityGroupIds'] must be a list"),
        ({"tags": [{"Name": "a"}]}, ValueError, "A tag is {'Key'"),
    ],
)
def test_what_is_malformed_is_told_before_it_is_sent(
    session: Session, table: Path, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        start(session, table, "malformed", **options)


def test_options_that_are_left_out_come_from_the_defaults_file(
    open_session: Callable[..., Session], table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "defaults.yaml").write_text(
        """
        SchemaVersion: "1.0"
        SageMaker:
          AutoMLJob:
            RoleArn: arn:aws:iam::000000000000:role/FromFile
            OutputDataConfig: {KmsKeyId: key-1}
            AutoMLJobConfig:
              SecurityConfig: {VolumeKmsKeyId: key-2, EnableInterContainerTrafficEncryption: true}
        """
    )
    monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", str(tmp_path / "defaults.yaml"))
    automl = start(open_session(), table, "defaults", volume_kms_key="key-3")
    job = automl.describe_auto_ml_job()
    assert job["RoleArn"] == "arn:aws:iam::000000000000:role/FromFile"
    assert job["OutputDataConfig"]["KmsKeyId"] == "key-1"
    assert job["AutoMLJobConfig"]["SecurityConfig"] == {
        "EnableInterContainerTrafficEncryption": True,
        "VolumeKmsKeyId": "key-3",
    }


def uploaded(automl: AutoML | AutoMLV2) -> tuple[bytes, dict[str, Any]]:
    """Return the object that a job learns from, and its channel."""
    job = automl.describe_auto_ml_job()
    (channel,) = job["InputDataConfig"] if "InputDataConfig" in job else job["AutoMLJobInputDataConfig"]
    bucket, _, key = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
    return automl.sagemaker_session.s3_client.get_object(Bucket=bucket, Key=key)["Body"].read(), channel


@pytest.mark.parametrize("form", [str, Path, lambda path: f"file://{path}"], ids=["text", "path", "address"])
def test_a_local_file_is_uploaded(session: Session, table: Path, form: Any) -> None:
    content, channel = uploaded(start(session, form(table), f"local-{form.__name__.strip('<>')}"))
    assert content.decode() == TABLE
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{BUCKET}/auto-ml-input-data/table.csv"


def test_a_name_tells_what_a_local_file_is(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pa.parquet.write_table(pa.table({"x": [1, 2], "y": ["a", "b"]}), path)
    _, channel = uploaded(start(session, path, "named-parquet"))
    assert channel["ContentType"] == "x-application/vnd.amazon+parquet"


@pytest.mark.parametrize("make", [pd.DataFrame, pa.table], ids=["pandas", "arrow"])
def test_a_frame_is_uploaded_as_parquet(session: Session, make: Any) -> None:
    frame = make({"x": [1, 2], "y": ["a", "b"]})
    content, channel = uploaded(start(session, frame, f"frame-{make.__module__.partition('.')[0]}"))
    assert pa.parquet.read_table(io.BytesIO(content)).to_pydict() == {"x": [1, 2], "y": ["a", "b"]}
    assert channel["ContentType"] == "x-application/vnd.amazon+parquet"


def test_frames_and_files_may_be_channels(session: Session, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
    frame.to_parquet(tmp_path / "table.parquet")
    automl = AutoML(mode="ENSEMBLING", sagemaker_session=session)
    channels = [
        AutoMLInput(frame, "y", channel_type="training"),
        AutoMLInput(tmp_path / "table.parquet", "y", channel_type="validation"),
    ]
    automl.fit(channels, wait=False, logs=False, job_name="channels")
    told = automl.describe_auto_ml_job()["InputDataConfig"]
    assert [channel["ChannelType"] for channel in told] == ["training", "validation"]
    assert {channel["ContentType"] for channel in told} == {"x-application/vnd.amazon+parquet"}
    assert [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in told] == [
        f"s3://{BUCKET}/auto-ml-input-data/channels/{number}/1/table.parquet" for number in (1, 2)
    ]


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        (pd.DataFrame({"y": [1, "a"]}), {}, "Give each column cells of one type"),
        (pd.DataFrame({"y": []}), {}, "no rows"),
        (pd.DataFrame({"y": [1]}), {"content_type": "text/csv;header=present"}, "leave content_type out"),
    ],
    ids=["mixed", "empty", "as CSV"],
)
def test_a_frame_that_cannot_be_sent_is_told(session: Session, frame: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        start(session, frame, "hopeless", **options)


def test_local_channels_are_uploaded(session: Session, table: Path) -> None:
    automl = AutoMLV2(AutoMLTabularConfig("y", mode="AUTO"), sagemaker_session=session)
    automl.fit(
        [LocalAutoMLDataChannel("S3Prefix", table, channel_type="training")],
        wait=False,
        logs=False,
        job_name="v2-local",
    )
    content, channel = uploaded(automl)
    assert content.decode() == TABLE
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{BUCKET}/auto-ml-v2-input-data/table.csv"
    with pytest.raises(ValueError, match="Expecting an AutoMLDataChannel or a list of AutoMLDataChannel"):
        automl.fit([], wait=False, logs=False)
    attached = AutoMLV2.attach("v2-local", sagemaker_session=session)
    assert attached.problem_config == automl.problem_config
    assert AutoMLV2.from_auto_ml(AutoML.attach("v2-local", sagemaker_session=session)).problem_config.mode == "AUTO"  # type: ignore[attr-defined]


def test_logs_without_waiting_are_a_warning(session: Session, table: Path, caplog: pytest.LogCaptureFixture) -> None:
    automl = AutoML(target_attribute_name="y", mode="AUTO", sagemaker_session=session)
    automl.fit(table, wait=False)
    assert "Setting logs to False. logs is only meaningful when wait is True." in caplog.text
    assert automl.current_job_name is not None
    assert re.fullmatch(r"automl-\d{4}(-\d\d){5}-\d{3}", automl.current_job_name)


def test_the_mode_is_left_to_the_server(session: Session, table: Path) -> None:
    automl = AutoML(target_attribute_name="y", sagemaker_session=session)
    automl.fit(table, wait=False, logs=False)
    assert "Mode" not in automl.describe_auto_ml_job()["AutoMLJobConfig"]


def test_channels_that_do_not_fit_are_refused_by_the_server(session: Session, table: Path) -> None:
    address = session.upload_data(table, key_prefix="channels")
    channels = [
        AutoMLInput(address, "y", channel_type="training"),
        AutoMLInput(address, "x", channel_type="validation"),
    ]
    with pytest.raises(ClientError, match="TargetAttributeName"):
        AutoML(mode="AUTO", sagemaker_session=session).fit(channels, wait=False, logs=False)
