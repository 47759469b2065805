"""Gyropilot from Python: the classes of the SageMaker SDK for AutoML, on a server that is found or started.

A name is imported when it is asked for, so that importing this costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyropilot.sdk.automl.automl import AutoML
    from gyropilot.sdk.automl.automl_v2 import AutoMLV2
    from gyropilot.sdk.automl.candidates import CandidateEstimator, CandidateStep
    from gyropilot.sdk.automl.channels import AutoMLDataChannel, LocalAutoMLDataChannel
    from gyropilot.sdk.automl.inputs import AutoMLInput
    from gyropilot.sdk.automl.job import AutoMLJob, AutoMLJobV2
    from gyropilot.sdk.automl.problem_configs import (
        AutoMLImageClassificationConfig,
        AutoMLTabularConfig,
        AutoMLTextClassificationConfig,
        AutoMLTextGenerationConfig,
        AutoMLTimeSeriesForecastingConfig,
    )
    from gyropilot.sdk.errors import (
        CapacityError,
        NoBestCandidateError,
        ServerStartError,
        SessionError,
        UnexpectedStatusException,
    )
    from gyropilot.sdk.models.deserializers import (
        BaseDeserializer,
        BytesDeserializer,
        CSVDeserializer,
        JSONDeserializer,
        JSONLinesDeserializer,
        NumpyDeserializer,
        PandasDeserializer,
        SimpleBaseDeserializer,
        StreamDeserializer,
        StringDeserializer,
    )
    from gyropilot.sdk.models.model import Model
    from gyropilot.sdk.models.pipeline_model import PipelineModel
    from gyropilot.sdk.models.predictor import Predictor
    from gyropilot.sdk.models.serializers import (
        BaseSerializer,
        CSVSerializer,
        DataSerializer,
        IdentitySerializer,
        JSONLinesSerializer,
        JSONSerializer,
        LibSVMSerializer,
        NumpySerializer,
        SimpleBaseSerializer,
        StringSerializer,
    )
    from gyropilot.sdk.models.transformer import Transformer
    from gyropilot.sdk.session import Session

__all__ = [
    "AutoML",
    "AutoMLDataChannel",
    "AutoMLImageClassificationConfig",
    "AutoMLInput",
    "AutoMLJob",
    "AutoMLJobV2",
    "AutoMLTabularConfig",
    "AutoMLTextClassificationConfig",
    "AutoMLTextGenerationConfig",
    "AutoMLTimeSeriesForecastingConfig",
    "AutoMLV2",
    "BaseDeserializer",
    "BaseSerializer",
    "BytesDeserializer",
    "CSVDeserializer",
    "CSVSerializer",
    "CandidateEstimator",
    "CandidateStep",
    "CapacityError",
    "DataSerializer",
    "IdentitySerializer",
    "JSONDeserializer",
    "JSONLinesDeserializer",
    "JSONLinesSerializer",
    "JSONSerializer",
    "LibSVMSerializer",
    "LocalAutoMLDataChannel",
    "Model",
    "NoBestCandidateError",
    "NumpyDeserializer",
    "NumpySerializer",
    "PandasDeserializer",
    "PipelineModel",
    "Predictor",
    "ServerStartError",
    "Session",
    "SessionError",
    "SimpleBaseDeserializer",
    "SimpleBaseSerializer",
    "StreamDeserializer",
    "StringDeserializer",
    "StringSerializer",
    "Transformer",
    "UnexpectedStatusException",
]

_HOMES = {
    "gyropilot.sdk.automl.automl": ("AutoML",),
    "gyropilot.sdk.automl.automl_v2": ("AutoMLV2",),
    "gyropilot.sdk.automl.candidates": (
        "CandidateEstimator",
        "CandidateStep",
    ),
    "gyropilot.sdk.automl.channels": (
        "AutoMLDataChannel",
        "LocalAutoMLDataChannel",
    ),
    "gyropilot.sdk.automl.inputs": ("AutoMLInput",),
    "gyropilot.sdk.automl.job": (
        "AutoMLJob",
        "AutoMLJobV2",
    ),
    "gyropilot.sdk.automl.problem_configs": (
        "AutoMLImageClassificationConfig",
        "AutoMLTabularConfig",
        "AutoMLTextClassificationConfig",
        "AutoMLTextGenerationConfig",
        "AutoMLTimeSeriesForecastingConfig",
    ),
    "gyropilot.sdk.errors": (
        "CapacityError",
        "NoBestCandidateError",
        "ServerStartError",
        "SessionError",
        "UnexpectedStatusException",
    ),
    "gyropilot.sdk.models.deserializers": (
        "BaseDeserializer",
        "BytesDeserializer",
        "CSVDeserializer",
        "JSONDeserializer",
        "JSONLinesDeserializer",
        "NumpyDeserializer",
        "PandasDeserializer",
        "SimpleBaseDeserializer",
        "StreamDeserializer",
        "StringDeserializer",
    ),
    "gyropilot.sdk.models.model": ("Model",),
    "gyropilot.sdk.models.pipeline_model": ("PipelineModel",),
    "gyropilot.sdk.models.predictor": ("Predictor",),
    "gyropilot.sdk.models.serializers": (
        "BaseSerializer",
        "CSVSerializer",
        "DataSerializer",
        "IdentitySerializer",
        "JSONLinesSerializer",
        "JSONSerializer",
        "LibSVMSerializer",
        "NumpySerializer",
        "SimpleBaseSerializer",
        "StringSerializer",
    ),
    "gyropilot.sdk.models.transformer": ("Transformer",),
    "gyropilot.sdk.session": ("Session",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
