"""The order of candidates in lists."""

from __future__ import annotations

import math

from gyropilot.api.operations.paging import Key
from gyropilot.service.records import Candidate
from gyropilot.service.states import CandidateStatus

STATUSES = sorted(CandidateStatus)
"""Candidates' states in the order of lists."""


def rank_candidate(candidate: Candidate, sort_by: str, *, is_descending: bool) -> Key:
    """Return what orders candidates by time, status or objective; those without a value come last in either direction.

    Args:
        candidate: one of a list.
        sort_by: `CreationTime`, `Status` or `FinalObjectiveMetricValue`.
        is_descending: whether the greatest comes first.
    """
    sign = -1 if is_descending else 1
    rank: float | None = candidate.created_at.timestamp()
    if sort_by == "Status":
        rank = float(STATUSES.index(candidate.status))
    elif sort_by == "FinalObjectiveMetricValue":
        value = math.nan if candidate.objective is None else candidate.objective.value
        rank = value if math.isfinite(value) else None
    return rank is None, sign * (rank or 0.0), candidate.name
