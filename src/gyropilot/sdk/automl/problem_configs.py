"""What an `AutoMLV2` job is to learn: one class for each kind of problem.

A Gyropilot server knows tables; it refuses the other kinds, in its own words, until it knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from gyropilot.sdk.automl.request import keep_given

Document = dict[str, Any]

LIMITS = {
    "max_candidates": "MaxCandidates",
    "max_runtime_per_training_job_in_seconds": "MaxRuntimePerTrainingJobInSeconds",
    "max_total_job_runtime_in_seconds": "MaxAutoMLJobRuntimeInSeconds",
}
"""What every kind of problem may be limited by, and its name in a request."""


class ProblemConfig:
    """A kind of problem: the member of a request that describes it, and the names of its options there."""

    MEMBER: ClassVar[str]
    NAMES: ClassVar[Mapping[str, str]] = {}
    """The options that a request holds as they are, and how they are called there."""

    @classmethod
    def from_response_dict(cls, api_problem_type_config: Mapping[str, Any]) -> Self:
        """Return the configuration that a description of a job holds, below the member for this kind of problem."""
        return cls(**cls._read(api_problem_type_config))

    def to_request_dict(self) -> Document:
        """Return `AutoMLProblemTypeConfig`."""
        return {self.MEMBER: self._write()}

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Document:
        criteria = document.get("CompletionCriteria", {})
        return {
            **{option: document[name] for option, name in cls.NAMES.items() if name in document},
            **{option: criteria[name] for option, name in LIMITS.items() if name in criteria},
        }

    def _write(self) -> Document:
        criteria = keep_given({name: getattr(self, option) for option, name in LIMITS.items()})
        document = keep_given({name: getattr(self, option) for option, name in self.NAMES.items()})
        return document | ({"CompletionCriteria": criteria} if criteria else {})


@dataclass
class AutoMLTabularConfig(ProblemConfig):
    """A column of a table is to be predicted from the others.

    Args:
        target_attribute_name: the column to predict.
        algorithms_config: names of the algorithms that may be used.
        feature_specification_s3_uri: address of a file that names the columns to learn from, and their types.
        generate_candidate_definitions_only: whether candidates are only planned, not trained.
        mode: `ENSEMBLING`, `HYPERPARAMETER_TUNING` or `AUTO`.
        problem_type: `BinaryClassification`, `MulticlassClassification` or `Regression`.
        sample_weight_attribute_name: a column that says how much each row counts.
        max_candidates: how many candidates at most.
        max_runtime_per_training_job_in_seconds: how long one candidate may take.
        max_total_job_runtime_in_seconds: how long the job may take.
    """

    MEMBER = "TabularJobConfig"
    NAMES = {  # noqa: RUF012  # a ClassVar of the base class
        "target_attribute_name": "TargetAttributeName",
        "feature_specification_s3_uri": "FeatureSpecificationS3Uri",
        "generate_candidate_definitions_only": "GenerateCandidateDefinitionsOnly",
        "mode": "Mode",
        "problem_type": "ProblemType",
        "sample_weight_attribute_name": "SampleWeightAttributeName",
    }

    target_attribute_name: str
    algorithms_config: list[str] | None = None
    feature_specification_s3_uri: str | None = None
    generate_candidate_definitions_only: bool | None = None
    mode: str | None = None
    problem_type: str | None = None
    sample_weight_attribute_name: str | None = None
    max_candidates: int | None = None
    max_runtime_per_training_job_in_seconds: int | None = None
    max_total_job_runtime_in_seconds: int | None = None

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Document:
        listed = document.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig", [])
        algorithms = [name for entry in listed for name in entry["AutoMLAlgorithms"]]
        return super()._read(document) | ({"algorithms_config": algorithms} if listed else {})

    def _write(self) -> Document:
        document = super()._write()
        if self.algorithms_config is not None:
            algorithms = [{"AutoMLAlgorithms": self.algorithms_config}]
            document["CandidateGenerationConfig"] = {"AlgorithmsConfig": algorithms}
        return document


@dataclass
class AutoMLImageClassificationConfig(ProblemConfig):
    """The class of an image is to be predicted.

    Args:
        max_candidates: how many candidates at most.
        max_runtime_per_training_job_in_seconds: how long one candidate may take.
        max_total_job_runtime_in_seconds: how long the job may take.
    """

    MEMBER = "ImageClassificationJobConfig"

    max_candidates: int | None = None
    max_runtime_per_training_job_in_seconds: int | None = None
    max_total_job_runtime_in_seconds: int | None = None


@dataclass
class AutoMLTextClassificationConfig(ProblemConfig):
    """The class of a text is to be predicted.

    Args:
        content_column: the column of texts.
        target_label_column: the column of classes.
        max_candidates: how many candidates at most.
        max_runtime_per_training_job_in_seconds: how long one candidate may take.
        max_total_job_runtime_in_seconds: how long the job may take.
    """

    MEMBER = "TextClassificationJobConfig"
    NAMES = {"content_column": "ContentColumn", "target_label_column": "TargetLabelColumn"}  # noqa: RUF012  # as above

    content_column: str
    target_label_column: str
    max_candidates: int | None = None
    max_runtime_per_training_job_in_seconds: int | None = None
    max_total_job_runtime_in_seconds: int | None = None


@dataclass
class AutoMLTextGenerationConfig(ProblemConfig):
    """A language model is to be tuned.

    Args:
        base_model_name: the model to begin with.
        accept_eula: whether its licence is accepted, where it asks for that.
        text_generation_hyper_params: `epochCount`, `learningRate`, `batchSize`, `learningRateWarmupSteps`, as texts.
        max_candidates: how many candidates at most.
        max_runtime_per_training_job_in_seconds: how long one candidate may take.
        max_total_job_runtime_in_seconds: how long the job may take.
    """

    MEMBER = "TextGenerationJobConfig"
    NAMES = {  # noqa: RUF012  # as above
        "base_model_name": "BaseModelName",
        "text_generation_hyper_params": "TextGenerationHyperParameters",
    }

    base_model_name: str | None = None
    accept_eula: bool | None = None
    text_generation_hyper_params: dict[str, str] | None = None
    max_candidates: int | None = None
    max_runtime_per_training_job_in_seconds: int | None = None
    max_total_job_runtime_in_seconds: int | None = None

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Document:
        access = document.get("ModelAccessConfig", {})
        return super()._read(document) | ({"accept_eula": access["AcceptEula"]} if "AcceptEula" in access else {})

    def _write(self) -> Document:
        document = super()._write()
        if self.accept_eula is not None:
            document["ModelAccessConfig"] = {"AcceptEula": self.accept_eula}
        return document


@dataclass
class AutoMLTimeSeriesForecastingConfig(ProblemConfig):
    """The future of series of numbers is to be predicted.

    Args:
        forecast_frequency: the step of a forecast, as `1D` or `15min`.
        forecast_horizon: how many steps.
        item_identifier_attribute_name: the column that tells the series apart.
        target_attribute_name: the column to predict.
        timestamp_attribute_name: the column of moments.
        grouping_attribute_names: columns that tell series apart as well.
        feature_specification_s3_uri: address of a file that names the columns to learn from, and their types.
        forecast_quantiles: as `["p10", "p50", "p90"]`.
        holiday_config: countries whose holidays matter, in two letters each; one, or a list.
        aggregation: how rows within a step are put together, by column.
        filling: how missing values are filled, by column.
        max_candidates: how many candidates at most.
        max_runtime_per_training_job_in_seconds: how long one candidate may take.
        max_total_job_runtime_in_seconds: how long the job may take.
    """

    MEMBER = "TimeSeriesForecastingJobConfig"
    NAMES = {  # noqa: RUF012  # as above
        "forecast_frequency": "ForecastFrequency",
        "forecast_horizon": "ForecastHorizon",
        "feature_specification_s3_uri": "FeatureSpecificationS3Uri",
        "forecast_quantiles": "ForecastQuantiles",
    }
    COLUMNS: ClassVar[Mapping[str, str]] = {
        "item_identifier_attribute_name": "ItemIdentifierAttributeName",
        "target_attribute_name": "TargetAttributeName",
        "timestamp_attribute_name": "TimestampAttributeName",
        "grouping_attribute_names": "GroupingAttributeNames",
    }
    """The options that a request holds under `TimeSeriesConfig`."""

    forecast_frequency: str
    forecast_horizon: int
    item_identifier_attribute_name: str
    target_attribute_name: str
    timestamp_attribute_name: str
    grouping_attribute_names: list[str] | None = None
    feature_specification_s3_uri: str | None = None
    forecast_quantiles: list[str] | None = None
    holiday_config: str | list[str] | None = None
    aggregation: dict[str, str] | None = None
    filling: dict[str, Any] | None = None
    max_candidates: int | None = None
    max_runtime_per_training_job_in_seconds: int | None = None
    max_total_job_runtime_in_seconds: int | None = None

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Document:
        series, changes = document["TimeSeriesConfig"], document.get("Transformations", {})
        countries = [holidays["CountryCode"] for holidays in document.get("HolidayConfig", [])]
        return {
            **super()._read(document),
            **{option: series[name] for option, name in cls.COLUMNS.items() if name in series},
            **({"holiday_config": countries} if countries else {}),
            **keep_given({"aggregation": changes.get("Aggregation"), "filling": changes.get("Filling")}),
        }

    def _write(self) -> Document:
        document = super()._write()
        document["TimeSeriesConfig"] = keep_given(
            {name: getattr(self, option) for option, name in self.COLUMNS.items()}
        )
        if self.holiday_config:
            countries = [self.holiday_config] if isinstance(self.holiday_config, str) else self.holiday_config
            document["HolidayConfig"] = [{"CountryCode": country} for country in countries]
        changes = keep_given({"Aggregation": self.aggregation, "Filling": self.filling})
        return document | ({"Transformations": changes} if changes else {})


PROBLEM_CONFIGS: Mapping[str, type[ProblemConfig]] = {
    kind.MEMBER: kind
    for kind in (
        AutoMLTabularConfig,
        AutoMLImageClassificationConfig,
        AutoMLTextClassificationConfig,
        AutoMLTextGenerationConfig,
        AutoMLTimeSeriesForecastingConfig,
    )
}
"""The kinds of problems, by the member of `AutoMLProblemTypeConfig` that describes them."""


def read_problem_config(document: Mapping[str, Any]) -> ProblemConfig:
    """Return the configuration that an `AutoMLProblemTypeConfig` holds.

    Raises:
        ValueError: when it is of a kind that is not known here.
    """
    member = next(iter(document), "")
    if member not in PROBLEM_CONFIGS:
        raise ValueError(f"AutoMLProblemTypeConfig holds {member!r}; known here are {', '.join(PROBLEM_CONFIGS)}.")
    return PROBLEM_CONFIGS[member].from_response_dict(document[member])
