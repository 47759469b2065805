"""The kinds of records that a store must keep."""

from __future__ import annotations

from gyropilot.service.records import (
    AsyncInvocation,
    AutoMLJob,
    Candidate,
    Endpoint,
    EndpointConfig,
    MetricHour,
    Model,
    Record,
    TrainingJob,
    TransformJob,
)
from gyropilot.service.tuning_records import TUNING_PARTS

RECORD_KINDS: tuple[type[Record], ...] = (
    AutoMLJob,
    Candidate,
    *TUNING_PARTS,
    TrainingJob,
    TransformJob,
    Model,
    EndpointConfig,
    Endpoint,
    AsyncInvocation,
    MetricHour,
)
"""Every kind a record store must keep."""
