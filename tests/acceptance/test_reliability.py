"""Endpoints whose model servers are killed, whose server is killed, and that many ask at once: real processes."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from gyropilot.sdk import Session
from tests.acceptance.running import BUCKET, RunningServer, create_endpoint, invoke, wait_for, wait_for_endpoint

ARCHIVE = Path(__file__).parents[1] / "data" / "bundles" / "0.1.0-binary.tar.gz"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:gyropilot-1"
ROW = b"0.5,red,2024-03-04\n"
CLIENTS = 200
ROUNDS = 3


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("home"))
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def live(own_server: RunningServer) -> Session:
    """A session with the endpoint `live`, which answers asynchronous invocations too."""
    session = Session(home=own_server.home)
    s3, sagemaker = session.client("s3"), session.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_fileobj(io.BytesIO(ARCHIVE.read_bytes()), BUCKET, "model.tar.gz")
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz", "Environment": {}}
    create_endpoint(session, "live", {"InferenceContainers": [container]})
    variant = {"VariantName": "all", "ModelName": "live", "InstanceType": "x", "InitialInstanceCount": 1}
    places = {"S3OutputPath": f"s3://{BUCKET}/out", "S3FailurePath": f"s3://{BUCKET}/failed"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="asynchronous",
        ProductionVariants=[cast("Any", variant)],
        AsyncInferenceConfig={"OutputConfig": cast("Any", places)},
        DataCaptureConfig=cast(
            "Any",
            {
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": f"s3://{BUCKET}/captured",
                "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
            },
        ),
    )
    sagemaker.create_endpoint(EndpointName="asynchronous", EndpointConfigName="asynchronous")
    for name in ("live", "asynchronous"):
        wait_for_endpoint(session, name)
    return session


def open_runtime(session: Session) -> Any:
    """Return a client that sends nothing twice."""
    config = Config(max_pool_connections=CLIENTS, retries={"total_max_attempts": 1})
    return session.boto_session.client("sagemaker-runtime", endpoint_url=session.endpoint_url, config=config)


def model_servers(server: RunningServer) -> list[psutil.Process]:
    assert server.process is not None
    found = []
    for child in psutil.Process(server.process.pid).children():
        with contextlib.suppress(psutil.Error):  # it ends just now
            if "gyropilot.serving" in child.cmdline():
                found.append(child)
    return found


def wait_for_servers(server: RunningServer, count: int) -> None:
    wait_for(lambda: len(model_servers(server)), lambda found: found == count)


def test_only_requests_under_way_are_lost_with_a_model_server(own_server: RunningServer, live: Session) -> None:
    runtime = open_runtime(live)
    over, killed = threading.Event(), threading.Event()
    before = {process.pid for process in model_servers(own_server)}

    def ask(_number: int) -> tuple[list[str], int]:
        failures: list[str] = []
        answered_after = 0
        while not over.is_set():
            try:
                answer = runtime.invoke_endpoint(EndpointName="live", Body=ROW, ContentType="text/csv")
                assert answer["Body"].read() == b"yes\n"
                answered_after += killed.is_set()
            except ClientError as error:
                failures.append(error.response["Error"]["Code"])
        return failures, answered_after

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, number) for number in range(4)]
        try:
            for process in model_servers(own_server):
                process.kill()
            killed.set()
            wait_for(
                lambda: {process.pid for process in model_servers(own_server)},
                lambda pids: len(pids) == 2 and not pids & before,
            )
            assert invoke(live, "live", ROW) == "yes\n"
        finally:
            over.set()
        results = [each.result() for each in asked]
    for failures, answered_after in results:
        assert len(failures) <= 1, "what was under way"
        assert set(failures) <= {"ServiceUnavailable"}
        assert answered_after


def test_no_request_is_lost_when_servers_come_and_go(own_server: RunningServer, live: Session) -> None:
    runtime, sagemaker = open_runtime(live), live.client("sagemaker")
    over = threading.Event()
    before = len(model_servers(own_server))

    def ask(_number: int) -> set[bytes]:
        answers = set()
        while not over.is_set():
            answer = runtime.invoke_endpoint(EndpointName="live", Body=ROW, ContentType="text/csv")
            answers.add(answer["Body"].read())
        return answers

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, number) for number in range(4)]
        try:
            for count in (3, 1):
                share = {"VariantName": "all", "DesiredInstanceCount": count}
                sagemaker.update_endpoint_weights_and_capacities(
                    EndpointName="live", DesiredWeightsAndCapacities=[cast("Any", share)]
                )
                wait_for(
                    lambda: sagemaker.describe_endpoint(EndpointName="live"),
                    lambda endpoint: endpoint["EndpointStatus"] == "InService",
                )
                wait_for_servers(own_server, before - 1 + count)
        finally:
            over.set()
        assert [each.result() for each in asked] == [{b"yes\n"}] * 4


def test_two_hundred_clients_at_once_are_all_answered(live: Session) -> None:
    runtime = open_runtime(live)
    together = threading.Barrier(CLIENTS)

    def ask(_number: int) -> list[bytes]:
        together.wait()
        return [
            runtime.invoke_endpoint(EndpointName="live", Body=ROW, ContentType="text/csv")["Body"].read()
            for _ in range(ROUNDS)
        ]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [answer for each in pool.map(ask, range(CLIENTS)) for answer in each]
    assert answers == [b"yes\n"] * CLIENTS * ROUNDS


def test_what_is_queued_and_captured_survives_the_server(own_server: RunningServer, live: Session) -> None:
    """The last of these tests: the server listens elsewhere afterwards."""
    runtime = live.client("sagemaker-runtime")
    invoke(live, "asynchronous", ROW, InferenceId="first")
    for process in model_servers(own_server):
        process.suspend()  # nothing is answered before the server is killed
    queued = [
        runtime.invoke_endpoint_async(EndpointName="asynchronous", Body=ROW, ContentType="text/csv") for _ in "123"
    ]
    own_server.end(signal.SIGKILL)
    session = own_server.start()
    s3 = session.client("s3")

    def answers() -> list[str]:
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix="out/").get("Contents", [])
        return sorted(f"s3://{BUCKET}/{each['Key']}" for each in found)

    wanted = sorted(each["OutputLocation"] for each in queued)
    assert wait_for(answers, lambda found: len(found) == len(wanted)) == wanted
    stored = s3.get_object(Bucket=BUCKET, Key=wanted[0].removeprefix(f"s3://{BUCKET}/"))
    assert stored["Body"].read() == b"yes\n"
    assert invoke(session, "asynchronous", ROW, InferenceId="second") == "yes\n"
    own_server.end(signal.SIGTERM)
    s3 = own_server.start().client("s3")
    (key,) = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="captured/")["Contents"]]
    lines = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()
    assert any(b'"inferenceId":"second"' in line for line in lines), "an orderly end loses nothing"
