"""A pipeline model of a candidate, with chosen answers, and one built by hand that takes its place behind the endpoint.

    pipeline_model.py JOB ROWS REPORT

JOB has ended, ROWS are predicted, and REPORT is written: what the script was told, as JSON.
"""

import json
import sys
from pathlib import Path

from botocore.exceptions import ClientError
from sagemaker import Session
from sagemaker.automl.automl import AutoML
from sagemaker.deserializers import CSVDeserializer, JSONDeserializer
from sagemaker.model import Model
from sagemaker.pipeline import PipelineModel
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer, JSONSerializer

job, rows, report = sys.argv[1:]

session = Session()
sagemaker = session.sagemaker_client
automl = AutoML.attach(job, sagemaker_session=session)
best = automl.best_candidate()

chosen = automl.create_model(
    name="chosen-answers",
    candidate=best,
    predictor_cls=Predictor,
    inference_response_keys=["predicted_label", "probabilities"],
)
predictor = chosen.deploy(
    initial_instance_count=1,
    instance_type="ml.c5.large",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
    tags=[{"Key": "team", "Value": "people"}],
    wait=False,
)
endpoint = session.wait_for_endpoint(predictor.endpoint_name, poll=1)
answers = predictor.predict(Path(rows).read_text())
tags = session.list_tags(endpoint["EndpointArn"])

predictor.update_endpoint(initial_instance_count=2, instance_type="ml.c5.large", wait=False)
updated = session.wait_for_endpoint(predictor.endpoint_name, poll=1)

by_hand = PipelineModel(
    name="by-hand",
    role="SageMakerRole",
    models=[
        Model(image_uri=container["Image"], model_data=container["ModelDataUrl"], env=container["Environment"])
        for container in best["InferenceContainers"]
    ],
    sagemaker_session=session,
)
by_hand.create(instance_type="ml.c5.large")
by_hand.create(instance_type="ml.c5.large")  # the SDK goes on when the model is there already
stored = sagemaker.describe_model(ModelName="by-hand")
by_hand.deploy(
    initial_instance_count=1,
    instance_type="ml.c5.large",
    endpoint_name=predictor.endpoint_name,
    update_endpoint=True,
    wait=False,
)
replaced = session.wait_for_endpoint(predictor.endpoint_name, poll=1)

asker = Predictor("chosen-answers", session, serializer=JSONSerializer(), deserializer=JSONDeserializer())
in_json = asker.predict({"instances": [line.split(",") for line in Path(rows).read_text().splitlines()]})
asker.delete_model()
asker.delete_endpoint()
chosen.delete_model()

gone = []
for operation, asked in (
    ("describe_model", {"ModelName": "by-hand"}),
    ("describe_model", {"ModelName": "chosen-answers"}),
    ("describe_endpoint_config", {"EndpointConfigName": "by-hand"}),
):
    try:
        getattr(sagemaker, operation)(**asked)
    except ClientError as error:
        gone.append(str(error))

told = {
    "answers": answers,
    "in_json": in_json,
    "tags": tags,
    "updated": updated,
    "replaced": replaced,
    "given": best["InferenceContainers"],
    "stored": stored,
    "gone": gone,
}
Path(report).write_text(json.dumps(told, default=str))
