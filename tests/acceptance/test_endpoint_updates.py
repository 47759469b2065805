"""An endpoint gets another model while it is asked."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from gyropilot.sdk import Session
from tests.acceptance.running import BUCKET, create_endpoint, invoke, wait_for, wait_for_endpoint

ARCHIVE = Path(__file__).parents[1] / "data" / "bundles" / "0.1.0-binary.tar.gz"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:gyropilot-1"
CLIENTS = 4


def test_no_request_is_lost_by_an_update(session: Session) -> None:
    session.client("s3").put_object(Bucket=BUCKET, Key="update/model.tar.gz", Body=ARCHIVE.read_bytes())
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/update/model.tar.gz", "Environment": {}}
    create_endpoint(session, "changing", {"InferenceContainers": [container]})
    wait_for_endpoint(session, "changing")
    sagemaker = session.client("sagemaker")
    other = {**container, "Environment": {"SAGEMAKER_INFERENCE_OUTPUT": "labels"}}
    sagemaker.create_model(
        ModelName="changed",
        PrimaryContainer=cast("Any", other),
        ExecutionRoleArn="arn:aws:iam::000000000000:role/GyropilotExecutionRole",
    )
    variant = {"VariantName": "new", "ModelName": "changed", "InstanceType": "x", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="changed", ProductionVariants=[cast("Any", variant)])

    over = threading.Event()

    def ask(_number: int) -> list[str]:
        answers = []
        while not over.is_set():
            answers.append(invoke(session, "changing", b"0.5,red,2024-03-04\n"))
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(ask, number) for number in range(CLIENTS)]
        try:
            sagemaker.update_endpoint(EndpointName="changing", EndpointConfigName="changed")
            seen = wait_for(
                lambda: sagemaker.describe_endpoint(EndpointName="changing"),
                lambda endpoint: endpoint["EndpointStatus"] != "Updating",
            )
            last = invoke(session, "changing", b"0.5,red,2024-03-04\n")
        finally:
            over.set()
        answers = [each.result() for each in asked]
    assert (seen["EndpointStatus"], seen["EndpointConfigName"]) == ("InService", "changed")
    assert last == "\"['no', 'yes']\"\n"
    for each in answers:
        assert set(each) <= {"yes\n", last}
        assert each == sorted(each, key=[*dict.fromkeys(each)].index), (
            "once the new model answers, the old one does not"
        )
    assert any("yes\n" in each for each in answers)
    sagemaker.delete_endpoint(EndpointName="changing")
