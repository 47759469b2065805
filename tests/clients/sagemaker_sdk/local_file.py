"""A script that names neither a bucket nor a role: from a file on this machine to predictions, waiting without logs.

    local_file.py TABLE ROWS REPORT

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

automl = AutoML(target_attribute_name="income", mode="AUTO", max_candidates=2)
automl.fit(table, logs=False, job_name="local-file")

best = automl.best_candidate()
steps = CandidateEstimator(best, sagemaker_session=automl.sagemaker_session).get_steps()

predictor = automl.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.2xlarge",
    endpoint_name="local-file",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
    predictor_cls=Predictor,
)
predictions = predictor.predict(Path(rows).read_text())
predictor.delete_model()
predictor.delete_endpoint()

told = {
    "job": automl.describe_auto_ml_job(),
    "candidates": automl.list_candidates(),
    "best": best,
    "steps": [{"name": step.name, "type": step.type, "inputs": step.inputs} for step in steps],
    "predictions": predictions,
}
Path(report).write_text(json.dumps(told, default=str))
