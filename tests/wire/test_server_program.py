"""The server as a process: where it says it listens, who may share its home, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from gyropilot.service.access import Role
from gyropilot.storage.credentials import FileCredentials
from tests.postgresql import PostgresqlServer


def start(home: Path, *options: str, **settings: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gyropilot.server", "--port", "0", "--home", str(home), *options]
    return subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True)


def wait_for_note(home: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stderr is not None
    assert any("listens at" in line for line in process.stderr)
    note: dict[str, Any] = json.loads((home / "server.json").read_text())
    return note


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = start(home)
    try:
        yield process, wait_for_note(home, process)
    finally:
        process.kill()
        process.communicate()


Server = tuple[subprocess.Popen[str], dict[str, Any]]


def test_it_answers_where_it_says(server: Server, home: Path) -> None:
    process, note = server
    assert note["pid"] == process.pid
    with urllib.request.urlopen(f"{note['endpoint_url']}/_gyropilot/health") as answer:
        assert json.load(answer) == {"status": "ok", "version": note["version"]}
    key = FileCredentials(home).ensure_first_key()
    s3 = boto3.client(
        "s3",
        endpoint_url=note["endpoint_url"],
        region_name="us-east-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
    )
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="a", Body=b"x" * (3 << 20))
    assert len(s3.get_object(Bucket="kept", Key="a")["Body"].read()) == 3 << 20


def test_a_second_server_leaves_its_home_alone(server: Server, home: Path) -> None:
    other = start(home)
    _, words = other.communicate(timeout=60)
    assert other.returncode == 1
    assert "another Gyropilot server already uses" in words
    assert server[1]["endpoint_url"] in words
    assert (home / "server.json").exists()


def test_a_revoked_key_opens_nothing_any_more(server: Server, home: Path) -> None:
    """At once, while the server runs."""
    key = FileCredentials(home).add_user("bo", Role.USER)
    s3 = boto3.client(
        "s3",
        endpoint_url=server[1]["endpoint_url"],
        region_name="us-east-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
    )
    s3.list_buckets()
    FileCredentials(home).revoke_user("bo")
    with pytest.raises(ClientError) as caught:
        s3.list_buckets()
    assert caught.value.response["Error"]["Code"] == "InvalidAccessKeyId"
    last = json.loads((home / "audit" / "audit.jsonl").read_text().splitlines()[-1])
    assert (last["request_id"], last["user"]) == (caught.value.response["ResponseMetadata"]["RequestId"], "")


def test_unsigned_requests_are_never_let_in_from_other_machines(tmp_path: Path) -> None:
    process = start(tmp_path, "--host", "0.0.0.0", "--anonymous")
    _, words = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--anonymous needs a loopback address such as 127.0.0.1, not 0.0.0.0" in words
    assert not (tmp_path / "server.json").exists()


def test_unsigned_requests_are_let_in_by_the_flag(tmp_path: Path) -> None:
    process = start(tmp_path, "--anonymous")
    try:
        url = wait_for_note(tmp_path, process)["endpoint_url"]
        with urllib.request.urlopen(url) as answer:
            assert b"ListAllMyBucketsResult" in answer.read()
    finally:
        process.kill()
        process.communicate()


def test_env_goes_without_a_bucket_where_objects_are_kept_elsewhere(tmp_path: Path) -> None:
    process = start(tmp_path, GYROPILOT_S3_ENDPOINT="http://127.0.0.1:1")
    try:
        url = wait_for_note(tmp_path, process)["endpoint_url"]
        command = [sys.executable, "-m", "gyropilot.cli", "env"]
        variables = {**os.environ, "GYROPILOT_HOME": str(tmp_path)}
        printed = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        assert f"export AWS_ENDPOINT_URL={url}\n" in printed.stdout
        assert "SAGEMAKER_USER_CONFIG_OVERRIDE" not in printed.stdout
        assert "No defaults for the SageMaker SDK" in printed.stderr
    finally:
        process.kill()
        process.communicate()


def test_records_in_postgresql_are_there_after_a_restart(tmp_path: Path, postgresql: PostgresqlServer) -> None:
    url = postgresql.make_schema()
    for turn in range(2):
        process = start(tmp_path, "--anonymous", GYROPILOT_DATABASE_URL=url)
        try:
            endpoint_url = wait_for_note(tmp_path, process)["endpoint_url"]
            options: Any = {"region_name": "us-east-1", "config": Config(signature_version=UNSIGNED)}
            s3 = boto3.client("s3", endpoint_url=endpoint_url, **options)
            sagemaker = boto3.client("sagemaker", endpoint_url=endpoint_url, **options)
            if turn == 0:
                s3.create_bucket(Bucket="models")
                s3.put_object(Bucket="models", Key="m.tar.gz", Body=b"x")
                role = "arn:aws:iam::000000000000:role/GyropilotExecutionRole"
                container: Any = {"Image": "x", "ModelDataUrl": "s3://models/m.tar.gz"}
                sagemaker.create_model(ModelName="kept", PrimaryContainer=container, ExecutionRoleArn=role)
            assert [model["ModelName"] for model in sagemaker.list_models()["Models"]] == ["kept"]
        finally:
            process.terminate()
            process.communicate(timeout=60)
    assert not (tmp_path / "records.db").exists()


def test_it_ends_cleanly(server: Server, home: Path) -> None:
    process, _ = server
    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in words) == (0, False)
    assert not (home / "server.json").exists()


def test_no_library_of_machine_learning_is_loaded() -> None:
    heavy = ("lightgbm", "xgboost", "sklearn", "scipy", "onnx", "onnxruntime", "gyropilot.engine")
    code = f"import sys, gyropilot.server.program; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
