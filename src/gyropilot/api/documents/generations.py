"""The two forms of a create request, V1 and V2, and what each says in the words of the other."""

from __future__ import annotations

from typing import Any

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.records import AutoMLJob

Document = dict[str, Any]

PROBLEM = "AutoMLProblemTypeConfig"
TABULAR = "TabularJobConfig"

SHARED = ("AutoMLJobName", "OutputDataConfig", "RoleArn", "AutoMLJobObjective", "ModelDeployConfig", "Tags")
"""Members that have the same name and place in both."""
IN_CHANNELS = ("TargetAttributeName", "SampleWeightAttributeName")
"""Members of V1's channels that are members of the problem in V2."""
TOP = ("ProblemType", "GenerateCandidateDefinitionsOnly")
"""Members at V1's top that are members of the problem in V2."""
IN_CONFIG = ("CompletionCriteria", "Mode")
"""Members of V1's `AutoMLJobConfig` that are members of the problem in V2."""
OUT_OF_CONFIG = ("SecurityConfig", "DataSplitConfig")
"""Members of V1's `AutoMLJobConfig` that are at the top in V2."""


def write_as_v1(request: Document) -> Document:
    """Return a request of V2 in the form of V1.

    Raises:
        InvalidRequestError: when its problem is of a type that Gyropilot does not know yet.
    """
    kind = next(iter(request[PROBLEM]))
    if kind != TABULAR:
        raise InvalidRequestError(f"Gyropilot does not support {PROBLEM}.{kind} yet. Use {TABULAR}.")
    tabular = request[PROBLEM][TABULAR]
    channels = [{**channel, **_pick(tabular, IN_CHANNELS)} for channel in request["AutoMLJobInputDataConfig"]]
    generation = {**tabular.get("CandidateGenerationConfig", {}), **_pick(tabular, ("FeatureSpecificationS3Uri",))}
    config = {**_pick(tabular, IN_CONFIG), **_pick(request, OUT_OF_CONFIG)}
    config |= {"CandidateGenerationConfig": generation} if generation else {}
    written = {**_pick(request, SHARED), **_pick(tabular, TOP), "InputDataConfig": channels}
    return written | ({"AutoMLJobConfig": config} if config else {})


def write_as_v2(request: Document) -> Document:
    """Return a request of V1 in the form of V2."""
    config = request.get("AutoMLJobConfig", {})
    generation = dict(config.get("CandidateGenerationConfig", {}))
    tabular = {
        **_pick(request["InputDataConfig"][0], IN_CHANNELS),  # the same in all channels
        **_pick(request, TOP),
        **_pick(config, IN_CONFIG),
        **_pick(generation, ("FeatureSpecificationS3Uri",)),
    }
    generation.pop("FeatureSpecificationS3Uri", None)
    tabular |= {"CandidateGenerationConfig": generation} if generation else {}
    return {
        **_pick(request, SHARED),
        **_pick(config, OUT_OF_CONFIG),
        "AutoMLJobInputDataConfig": [
            {name: value for name, value in channel.items() if name not in IN_CHANNELS}
            for channel in request["InputDataConfig"]
        ],
        PROBLEM: {TABULAR: tabular},
    }


def request_as_v1(job: AutoMLJob) -> Document:
    """Return a job's request in the form of V1: as it was sent, if it was."""
    return dict(job.request) if job.generation == "V1" else write_as_v1(dict(job.request))


def request_as_v2(job: AutoMLJob) -> Document:
    """Return a job's request in the form of V2: as it was sent, if it was."""
    return dict(job.request) if job.generation == "V2" else write_as_v2(dict(job.request))


def _pick(document: Document, names: tuple[str, ...]) -> Document:
    return {name: document[name] for name in names if name in document}
