"""A candidate's training once more, on other data: its steps run anew, and the new model deployed and asked.

    training_again.py JOB TABLE ROWS REPORT

JOB has ended, TABLE is learned from, ROWS are predicted, and REPORT is written: what the script was told, as JSON.
"""

import json
import sys
from pathlib import Path

from sagemaker import Session
from sagemaker.automl.automl import AutoML
from sagemaker.automl.candidate_estimator import CandidateEstimator
from sagemaker.deserializers import CSVDeserializer
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer

job, table, rows, report = sys.argv[1:]

session = Session()
best = AutoML.attach(job, sagemaker_session=session).best_candidate()
estimator = CandidateEstimator(best, sagemaker_session=session)
before = estimator.get_steps()
estimator.fit(table)
after = estimator.get_steps()

(container,) = best["InferenceContainers"]
model = Model(
    name="trained-again",
    role="SageMakerRole",
    image_uri=container["Image"],
    model_data=after[0].description["ModelArtifacts"]["S3ModelArtifacts"],
    env=container["Environment"],
    predictor_cls=Predictor,
    sagemaker_session=session,
)
predictor = model.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    endpoint_name="trained-again",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
    wait=False,
)
session.wait_for_endpoint("trained-again", poll=1)
predictions = predictor.predict(Path(rows).read_text())
predictor.delete_model()
predictor.delete_endpoint()

told = {
    "before": [step.description for step in before],
    "after": [step.description for step in after],
    "predictions": predictions,
}
Path(report).write_text(json.dumps(told, default=str))
