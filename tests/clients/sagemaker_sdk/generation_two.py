"""AutoMLV2 for tables: from S3 and from a file on this machine, and the job taken up by its name.

    generation_two.py TABLE ROWS REPORT

TABLE is learned from, ROWS are predicted, and REPORT is written: what the script was told, as JSON.
"""

import json
import sys
from pathlib import Path

from sagemaker import Session
from sagemaker.automl.automlv2 import AutoMLDataChannel, AutoMLTabularConfig, AutoMLV2, LocalAutoMLDataChannel
from sagemaker.deserializers import CSVDeserializer
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer

table, rows, report = sys.argv[1:]

session = Session()
config = AutoMLTabularConfig(
    target_attribute_name="income",
    mode="ENSEMBLING",
    algorithms_config=["lightgbm", "linear-learner"],
    problem_type="BinaryClassification",
    max_candidates=2,
)
automl = AutoMLV2(
    problem_config=config,
    job_objective={"MetricName": "Accuracy"},
    validation_fraction=0.3,
    tags=[{"Key": "team", "Value": "people"}],
    sagemaker_session=session,
)
simple = AutoMLV2(problem_config=AutoMLTabularConfig(target_attribute_name="income", mode="AUTO", max_candidates=1))
simple.fit(
    [LocalAutoMLDataChannel(data_type="S3Prefix", path=table, channel_type="training")],
    wait=False,
    logs=False,
    job_name="simple",
)

uri = session.upload_data(table, key_prefix="generation-two")
automl.fit(AutoMLDataChannel(s3_data_type="S3Prefix", s3_uri=uri, channel_type="training"), job_name="generation-two")

attached = AutoMLV2.attach("generation-two", sagemaker_session=session)
predictor = attached.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.2xlarge",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
    predictor_cls=Predictor,
    inference_response_keys=["probability", "predicted_label"],
    wait=False,
)
session.wait_for_endpoint(predictor.endpoint_name, poll=1)
predictions = predictor.predict(Path(rows).read_text())
predictor.delete_model()
predictor.delete_endpoint()

session.wait_for_auto_ml_job("simple", poll=1)  # what fit would call; it names the argument wrongly

told = {
    "asked": config.to_request_dict(),
    "job": attached.describe_auto_ml_job(),
    "attached": {
        "config": attached.problem_config.to_request_dict(),
        "objective": attached.job_objective,
        "validation_fraction": attached.validation_fraction,
        "inputs": [vars(channel) for channel in attached.inputs],
        "tags": attached.tags,
    },
    "best": attached.best_candidate(),
    "candidates": attached.list_candidates(),
    "predictions": predictions,
    "simple": simple.describe_auto_ml_job(),
}
Path(report).write_text(json.dumps(told, default=str))
