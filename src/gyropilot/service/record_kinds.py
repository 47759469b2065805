"""The kinds of records that a store must keep."""

from __future__ import annotations

from gyropilot.service.records import (
    AutoMLJob,
    Candidate,
    Endpoint,
    EndpointConfig,
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
)
"""Every kind a record store must keep."""
