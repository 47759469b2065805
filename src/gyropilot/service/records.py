"""What the service remembers: frozen records, one class per kind.

Every record has a ``name`` unique in its kind (and ``parent``) when case is ignored, and a ``version`` that the store
counts up with every change. Times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from gyropilot.service.figures import Figures
from gyropilot.service.states import CandidateStatus, EndpointStatus, JobStatus, JobStep

ENSEMBLING, TUNING, AUTO = "ensembling", "hyperparameter_tuning", "auto"
"""The modes of a problem, in the engine's names."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What all records share; a kind adds its fields."""

    kind: ClassVar[str]
    """The kind's name in messages and in the store."""

    name: str
    """The name as its maker spelled it."""
    parent: str = ""
    """The record this one belongs to (a candidate's job), or nothing."""
    version: int = 0
    """How often the record was changed; kept by the store."""
    created_at: datetime
    """When the record was made."""
    modified_at: datetime
    """When the record last changed; its tags do not count."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Its labels, which mean nothing to the service."""

    @property
    def state(self) -> str:
        """The status that lists filter by; empty for kinds without one."""
        return ""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A worker's claim on a job: whoever holds an unexpired lease is the only one to write the job's progress."""

    owner: str
    """Which worker holds it: host, process and a random part."""
    expires_at: datetime
    """When it lapses unless renewed."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure of merit of a candidate."""

    name: str
    """The field's name of the metric, as in `engine/metrics/catalogue.py` (`accuracy`, `log_loss`, `rmse` …)."""
    value: float
    """The figure, in the metric's own unit and direction."""
    higher_is_better: bool
    """The direction."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container definition of a model: the image it names, its archive and its environment."""

    image: str
    """Registry-like name; the server maps the ones it issued to its own runtimes."""
    model_data_url: str
    """`s3://` location of the `model.tar.gz`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the container."""


@dataclass(frozen=True, kw_only=True)
class StateChange:
    """One change of a job's status or step."""

    at: datetime
    """When it was."""
    status: JobStatus
    """The status from then on."""
    step: JobStep
    """The step from then on."""


@dataclass(frozen=True, kw_only=True)
class Job(Record):
    """Work that a worker of its own does, from the request to its end; a kind adds what the work is."""

    resource: ClassVar[str]
    """The kind's word in ARNs."""

    status: JobStatus = JobStatus.IN_PROGRESS
    """Where the job stands."""
    step: JobStep = JobStep.STARTING
    """What it is doing, or how it ended."""
    created_by: str = ""
    """The user who asked for it; empty: made before users were noted."""
    request: Mapping[str, Any]
    """The create request as it was sent: what describe must echo."""
    started_at: datetime | None = None
    """When the first worker took it up; the budget counts from here, also after a restart."""
    ended_at: datetime | None = None
    """When it reached a final status."""
    lease: Lease | None = None
    """The worker that has it now."""
    attempts: int = 0
    """How many workers have claimed it."""
    failure_reason: str = ""
    """Why it failed: class, colon, one sentence."""
    history: tuple[StateChange, ...] = ()
    """Every status and step it has been in, the oldest first."""
    announced: int = 0
    """How many changes of the history were told to the outside."""

    @property
    def state(self) -> str:
        """The job's status."""
        return self.status.value

    @property
    def reference(self) -> str:
        """What a worker is told to name it, as its ARN ends: `automl-job/churn`."""
        return f"{self.resource}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class AutoMLJob(Job):
    """One AutoML job."""

    kind: ClassVar[str] = "AutoML job"
    resource: ClassVar[str] = "automl-job"

    generation: str = "V1"
    """Which create call made it: V1 or V2."""
    problem: Problem
    """The request in neutral words: what the worker needs."""
    findings: tuple[str, ...] = ()
    """Problems that did not fail the job (AWS: partial failure reasons)."""
    best_candidate: str = ""
    """Name of the best candidate so far."""
    endpoint: str = ""
    """The endpoint that its best candidate is to be served by; empty: none."""
    is_deployed: bool = False
    """Whether it was, by its end."""
    resolved_problem_type: str = ""
    """`binary`, `multiclass` or `regression`, once known."""
    resolved_objective: str = ""
    """The metric that ranks the candidates, once known."""
    resolved_max_candidates: int | None = None
    """How many candidates there will be at most, once known; None: that depends on the time."""
    candidate_definitions_url: str = ""
    """`s3://` location of the notebook that defines the candidates, once it is there."""
    data_exploration_url: str = ""
    """`s3://` location of the notebook that explores the data, once it is there."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is to be learned, from which data, within which limits: neutral words for a create request."""

    data_uri: str
    """`s3://` prefix or object of the training data."""
    data_format: str = "csv"
    """`csv` or `parquet`."""
    compression: str = ""
    """`gzip`, or nothing."""
    target: str
    """Name of the column to predict."""
    validation_uri: str = ""
    """`s3://` prefix or object of rows that candidates are only scored on, or nothing."""
    validation_fraction: float | None = None
    """Share of the training data that candidates are only scored on; None: scores are cross-validated."""
    features_uri: str = ""
    """`s3://` location of the specification of features, or nothing."""
    weight_column: str = ""
    """Name of the column that says how much each row counts, or nothing."""
    output_uri: str
    """`s3://` location under which a folder of the job's name is written."""
    problem_type: str = ""
    """`binary`, `multiclass` or `regression`; empty: inferred from the target."""
    objective: str = ""
    """Metric that ranks candidates, in the engine's name; empty: the problem type's default."""
    mode: str = ENSEMBLING
    """How a model is looked for; `auto`: the size of the data decides when the job is created."""
    is_definitions_only: bool = False
    """Whether the job ends once it is known, and written down, what would be trained."""
    algorithms: tuple[str, ...] = ()
    """The algorithms that may be used; empty: all of the mode."""
    max_candidates: int | None = None
    """How many candidates may be made."""
    max_runtime_seconds: float | None = None
    """Limit of the whole job."""
    max_runtime_per_candidate_seconds: float | None = None
    """Limit of one candidate."""
    seed: int = 0
    """Where randomness starts."""


@dataclass(frozen=True, kw_only=True)
class Candidate(Record):
    """One model of a job, trained or in training. Its parent is the job."""

    kind: ClassVar[str] = "candidate"

    status: CandidateStatus = CandidateStatus.IN_PROGRESS
    """Where it stands."""
    algorithm: str
    """Name in the engine's catalogue, or `weighted-ensemble`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The settings it was made with."""
    pipeline: str = ""
    """Of a trial of tuning, the name of its pipeline."""
    recipe: tuple[str, ...] = ()
    """Of such a trial, the steps of its pipeline's recipe, in order."""
    ended_at: datetime | None = None
    """When it reached a final status."""
    failure_reason: str = ""
    """Why it failed or was left out."""
    objective: Metric | None = None
    """The metric that ranks candidates, for unseen rows."""
    metrics: tuple[Metric, ...] = ()
    """All metrics of the problem type, for unseen rows."""
    part_metrics: tuple[tuple[Metric, ...], ...] = ()
    """The same on each fold, or on parts of the rows that are held out."""
    latency_seconds: float | None = None
    """Time of one prediction of one row in the model server's process."""
    fit_seconds: float | None = None
    """Processor seconds that its training took."""
    containers: tuple[Container, ...] = ()
    """What to deploy."""
    explainability_url: str = ""
    """`s3://` prefix below which its explanation lies, once it is there."""
    insights_url: str = ""
    """`s3://` prefix below which the report on its quality lies, once it is there."""

    @property
    def state(self) -> str:
        """The candidate's status."""
        return self.status.value


@dataclass(frozen=True, kw_only=True)
class Transform:
    """What is to be predicted in one go, and how it is read and written: neutral words for a create request."""

    input_uri: str
    """`s3://` prefix or object of the rows, or of the manifest that names them."""
    is_manifest: bool = False
    """Whether the input is a manifest."""
    compression: str = ""
    """`gzip`, or nothing."""
    content_type: str = ""
    """Media type of the rows; empty: CSV."""
    splits_lines: bool = False
    """Whether each line is a record; otherwise an object is one request."""
    is_single_record: bool = False
    """Whether each record is a request of its own."""
    max_payload_bytes: int | None = None
    """Greatest request; None: any."""
    max_concurrent: int = 0
    """How many requests are answered at once; 0: as many as the machine has cores."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables over those of the model's container."""
    input_filter: str = "$"
    """JSONPath of the part of a record that is predicted from."""
    joins_input: bool = False
    """Whether the record stands before its prediction."""
    output_filter: str = "$"
    """JSONPath of the part of a result that is written."""
    output_uri: str
    """`s3://` location under which each object's predictions are written."""
    accept: str = ""
    """Media type of the predictions; empty: the container's."""
    assembles_lines: bool = False
    """Whether each answer ends with a line break."""


@dataclass(frozen=True, kw_only=True)
class TransformJob(Job):
    """One batch transform: predictions for all rows of some objects."""

    kind: ClassVar[str] = "transform job"
    resource: ClassVar[str] = "transform-job"

    transform: Transform
    """The request in neutral words: what the worker needs."""
    containers: tuple[Container, ...]
    """The containers of its model: copied, because the model may be deleted meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """A candidate that is to be trained once more, on other data, or a pipeline that is to be fitted."""

    automl_job: str
    """The job that made the candidate."""
    candidate: str = ""
    """Its name."""
    pipeline: str = ""
    """Instead of a candidate, a pipeline of that job, whose recipe is to be fitted once more."""
    problem: Problem
    """What it learned, with the data and the limits of now."""


@dataclass(frozen=True, kw_only=True)
class TrainingJob(Job):
    """One training of one candidate's configuration."""

    kind: ClassVar[str] = "training job"
    resource: ClassVar[str] = "training-job"

    training: Training
    """The request in neutral words: what the worker needs."""
    model_data_url: str = ""
    """`s3://` location of the `model.tar.gz`, once it is there."""
    metrics: tuple[Metric, ...] = ()
    """All metrics of the problem type, for unseen rows."""


@dataclass(frozen=True, kw_only=True)
class Model(Record):
    """A deployable model: one container, or several in series."""

    kind: ClassVar[str] = "model"

    request: Mapping[str, Any]
    """The create request as it was sent: what describe must echo."""
    containers: tuple[Container, ...]
    """The containers in order; the primary container is a list of one."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One model behind an endpoint and its share of the traffic."""

    name: str
    """Name of the production variant."""
    model: str
    """Name of the model."""
    instance_count: int = 1
    """How many server processes."""
    weight: float = 1.0
    """Share of the traffic, relative to the other variants."""
    hints: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for its scaling, as it was sent: shown, without effect."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """Which requests to an endpoint are written down, and where."""

    is_enabled: bool = True
    """Whether any are."""
    percentage: int
    """How many of a hundred, drawn by lot."""
    destination: str
    """`s3://` location under which the files go."""
    captures_input: bool
    """Whether the requests are."""
    captures_output: bool
    """Whether the answers are."""
    csv_types: tuple[str, ...] = ()
    """Media types that are written as text and called CSV."""
    json_types: tuple[str, ...] = ()
    """Media types that are written as text and called JSON; all others are written in base64."""


@dataclass(frozen=True, kw_only=True)
class AsyncPlaces:
    """Where the answers to asynchronous invocations go."""

    output_uri: str
    """`s3://` location under which they are stored."""
    failure_uri: str = ""
    """`s3://` location under which is stored why there is none; empty: that is in the log only."""
    max_per_instance: int | None = None
    """How many a model server answers at once; None: a default."""


@dataclass(frozen=True, kw_only=True)
class EndpointConfig(Record):
    """What an endpoint is to serve."""

    kind: ClassVar[str] = "endpoint configuration"

    request: Mapping[str, Any]
    """The create request as it was sent: what describe must echo."""
    variants: tuple[Variant, ...]
    """The variants behind the endpoint."""
    capture: Capture | None = None
    """Which requests are written down; None: none."""
    asynchronous: AsyncPlaces | None = None
    """Where the answers to asynchronous invocations go; None: nowhere."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What an endpoint serves, or is to serve after an update: copied, because its makings may be deleted meanwhile."""

    number: int = 0
    """How many updates came before."""
    config: str
    """Name of the configuration."""
    variants: tuple[Variant, ...]
    """The variants, from the configuration."""
    containers: Mapping[str, tuple[Container, ...]]
    """Variant name to the containers of its model."""
    capture: Capture | None = None
    """Which requests are written down; None: none."""
    asynchronous: AsyncPlaces | None = None
    """Where the answers to asynchronous invocations go; None: nowhere."""


@dataclass(frozen=True, kw_only=True)
class Endpoint(Record):
    """A running model behind a name."""

    kind: ClassVar[str] = "endpoint"

    status: EndpointStatus = EndpointStatus.CREATING
    """Where it stands."""
    config: str
    """Name of its configuration."""
    variants: tuple[Variant, ...]
    """The variants it serves: copied from the configuration, which may be deleted meanwhile."""
    containers: Mapping[str, tuple[Container, ...]]
    """Variant name to the containers of its model: copied, because the model may be deleted meanwhile."""
    capture: Capture | None = None
    """Which requests are written down: copied as well; None: none."""
    asynchronous: AsyncPlaces | None = None
    """Where the answers to asynchronous invocations go: copied as well; None: nowhere."""
    number: int = 0
    """How many updates it has had."""
    update: Deployment | None = None
    """What it is to serve once the model servers of that answer; None: what it serves already."""
    updated_at: datetime | None = None
    """When it was last told to serve something else."""
    failure_reason: str = ""
    """Why it failed, or why its last update did."""

    @property
    def state(self) -> str:
        """The endpoint's status."""
        return self.status.value

    @property
    def deployment(self) -> Deployment:
        """What it serves."""
        return Deployment(**{name: getattr(self, name) for name in Deployment.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class AsyncInvocation(Record):
    """An invocation whose answer becomes an object, until it has. Its parent is the endpoint."""

    kind: ClassVar[str] = "asynchronous invocation"

    inference_id: str
    """What its caller calls it."""
    input_uri: str = ""
    """`s3://` location of the rows; empty: they are in `body`."""
    body: bytes = b""
    """The rows."""
    headers: Mapping[str, str]
    """What goes to the model with them; keys in lower case."""
    output_uri: str
    """`s3://` location of the answer."""
    failure_uri: str = ""
    """`s3://` location of the reason why there is none; empty: nowhere."""
    expires_at: datetime
    """Until when it is sent to the model."""
    timeout_seconds: float
    """How long the model may take."""
    attempts: int = 0
    """How often it was sent."""


@dataclass(frozen=True, kw_only=True)
class MetricHour(Record):
    """What was counted of a variant's requests in one hour, which `created_at` begins. Its parent is the endpoint."""

    kind: ClassVar[str] = "hour of endpoint metrics"

    variant: str
    """Name of the variant."""
    minutes: Mapping[int, Mapping[str, Figures]]
    """Minute of the hour to the figures of each metric."""
