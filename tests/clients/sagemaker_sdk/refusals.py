"""Jobs that are refused, fail or are stopped, and what the SDK makes of it.

    refusals.py TABLE REPORT

TABLE is learned from, and REPORT is written: what each attempt raised or warned of, as JSON.
"""

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from sagemaker import Session
from sagemaker.automl.automl import AutoML
from sagemaker.automl.automlv2 import AutoMLDataChannel, AutoMLImageClassificationConfig, AutoMLV2

table, report = sys.argv[1:]

session = Session()
uri = session.upload_data(table, key_prefix="refusals")
told: dict[str, Any] = {}


def attempt(name: str, automl: Any, inputs: Any = uri, **options: Any) -> None:
    try:
        automl.fit(inputs, **options)
    except Exception as error:  # the report tells of whatever comes
        told[name] = {"type": type(error).__name__, "message": str(error)}
    else:
        told[name] = None


attempt("no_such_target", AutoML(target_attribute_name="y", mode="ENSEMBLING", sagemaker_session=session))
attempt("no_bucket", AutoML(target_attribute_name="income", mode="ENSEMBLING"), "s3://no-such-bucket-of-ours/table.csv")
attempt(
    "images",
    AutoMLV2(AutoMLImageClassificationConfig(max_candidates=1), sagemaker_session=session),
    AutoMLDataChannel(s3_data_type="S3Prefix", s3_uri=uri, channel_type="training"),
)

with Path(table).open(newline="") as file, tempfile.TemporaryDirectory() as folder:
    header, *rows = csv.reader(file)
    one_class = Path(folder) / "one-class.csv"
    with one_class.open("w", newline="") as copy:
        csv.writer(copy).writerows([header, *([*row[:-1], "same"] for row in rows)])
    hopeless = AutoML(target_attribute_name=header[-1], mode="ENSEMBLING", max_candidates=1, sagemaker_session=session)
    attempt("one_class", hopeless, str(one_class), logs=False, job_name="one-class")

stopped = AutoML(target_attribute_name="income", mode="ENSEMBLING", sagemaker_session=session)
stopped.fit(uri, wait=False, logs=False, job_name="stopped")
session.sagemaker_client.stop_auto_ml_job(AutoMLJobName="stopped")
stopped.latest_auto_ml_job.wait(logs=False)
told["stopped"] = stopped.describe_auto_ml_job()["AutoMLJobStatus"]

attempt("twice", stopped, job_name="STOPPED")

Path(report).write_text(json.dumps(told, default=str))
