"""No mode named, which means tuning: its candidate's steps, a model of three containers, and the steps run anew.

    tuning.py TABLE ROWS REPORT

TABLE is learned from, ROWS are predicted, and REPORT is written: what the script was told, as JSON.
"""

import json
import sys
from pathlib import Path

from sagemaker.automl.automl import AutoML
from sagemaker.automl.candidate_estimator import CandidateEstimator
from sagemaker.deserializers import CSVDeserializer
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer

table, rows, report = sys.argv[1:]

automl = AutoML(target_attribute_name="income", max_candidates=2)
automl.fit(table, logs=False, job_name="tuning")
session = automl.sagemaker_session
best = automl.best_candidate()
estimator = CandidateEstimator(best, sagemaker_session=session)
steps = estimator.get_steps()

predictor = automl.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.2xlarge",
    endpoint_name="tuning",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
    predictor_cls=Predictor,
    inference_response_keys=["probability", "predicted_label", "labels"],
)
predictions = predictor.predict(Path(rows).read_text())
predictor.delete_model()
predictor.delete_endpoint()

estimator.fit(table)
after = estimator.get_steps()

told = {
    "job": automl.describe_auto_ml_job(),
    "best": best,
    "steps": [{"name": step.name, "type": step.type, "inputs": step.inputs} for step in steps],
    "after": [step.description for step in after],
    "predictions": predictions,
}
Path(report).write_text(json.dumps(told, default=str))
