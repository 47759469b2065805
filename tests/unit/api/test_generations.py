from __future__ import annotations

from typing import Any

import pytest

from gyropilot.api.documents.generations import write_as_v1, write_as_v2
from gyropilot.service.errors import InvalidRequestError

SOURCE = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/train"}}
CRITERIA = {"MaxCandidates": 3}
ALGORITHMS = [{"AutoMLAlgorithms": ["xgboost"]}]
SHARED = {
    "AutoMLJobName": "j",
    "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
    "RoleArn": "arn:aws:iam::000000000000:role/R",
    "AutoMLJobObjective": {"MetricName": "F1"},
    "ModelDeployConfig": {"AutoGenerateEndpointName": False},
    "Tags": [{"Key": "a", "Value": "b"}],
}
FULL_V1: dict[str, Any] = {
    **SHARED,
    "ProblemType": "BinaryClassification",
    "GenerateCandidateDefinitionsOnly": False,
    "InputDataConfig": [
        {"DataSource": SOURCE, "TargetAttributeName": "y", "SampleWeightAttributeName": "w"},
        {
            "ChannelType": "validation",
            "DataSource": SOURCE,
            "TargetAttributeName": "y",
            "SampleWeightAttributeName": "w",
        },
    ],
    "AutoMLJobConfig": {
        "CompletionCriteria": CRITERIA,
        "Mode": "ENSEMBLING",
        "SecurityConfig": {"EnableInterContainerTrafficEncryption": False},
        "DataSplitConfig": {"ValidationFraction": 0.2},
        "CandidateGenerationConfig": {"AlgorithmsConfig": ALGORITHMS, "FeatureSpecificationS3Uri": "s3://b/f.json"},
    },
}
FULL_V2: dict[str, Any] = {
    **SHARED,
    "AutoMLJobInputDataConfig": [{"DataSource": SOURCE}, {"ChannelType": "validation", "DataSource": SOURCE}],
    "AutoMLProblemTypeConfig": {
        "TabularJobConfig": {
            "TargetAttributeName": "y",
            "SampleWeightAttributeName": "w",
            "ProblemType": "BinaryClassification",
            "GenerateCandidateDefinitionsOnly": False,
            "CompletionCriteria": CRITERIA,
            "Mode": "ENSEMBLING",
            "FeatureSpecificationS3Uri": "s3://b/f.json",
            "CandidateGenerationConfig": {"AlgorithmsConfig": ALGORITHMS},
        }
    },
    "SecurityConfig": {"EnableInterContainerTrafficEncryption": False},
    "DataSplitConfig": {"ValidationFraction": 0.2},
}
BARE_V1: dict[str, Any] = {
    "AutoMLJobName": "j",
    "InputDataConfig": [{"DataSource": SOURCE, "TargetAttributeName": "y"}],
    "OutputDataConfig": SHARED["OutputDataConfig"],
    "RoleArn": SHARED["RoleArn"],
}
BARE_V2: dict[str, Any] = {
    "AutoMLJobName": "j",
    "AutoMLJobInputDataConfig": [{"DataSource": SOURCE}],
    "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "y"}},
    "OutputDataConfig": SHARED["OutputDataConfig"],
    "RoleArn": SHARED["RoleArn"],
}


@pytest.mark.parametrize(("first", "second"), [(FULL_V1, FULL_V2), (BARE_V1, BARE_V2)])
def test_each_form_says_what_the_other_does(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert write_as_v2(first) == second
    assert write_as_v1(second) == first


def test_how_to_compute_has_no_place_in_v1() -> None:
    request = BARE_V2 | {"AutoMLComputeConfig": {"EmrServerlessComputeConfig": {"ExecutionRoleARN": "arn"}}}
    assert write_as_v1(request) == BARE_V1


@pytest.mark.parametrize(
    "kind",
    [
        "ImageClassificationJobConfig",
        "TextClassificationJobConfig",
        "TimeSeriesForecastingJobConfig",
        "TextGenerationJobConfig",
    ],
)
def test_other_problems_are_refused(kind: str) -> None:
    with pytest.raises(
        InvalidRequestError, match=rf"support AutoMLProblemTypeConfig\.{kind} yet\. Use TabularJobConfig"
    ):
        write_as_v1(BARE_V2 | {"AutoMLProblemTypeConfig": {kind: {}}})
