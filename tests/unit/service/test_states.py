from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from gyropilot.service.states import (
    CANDIDATE_MOVES,
    ENDPOINT_MOVES,
    JOB_MOVES,
    CandidateStatus,
    EndpointStatus,
    JobStatus,
)

TABLES = [
    (JobStatus, JOB_MOVES, JobStatus.IN_PROGRESS),
    (CandidateStatus, CANDIDATE_MOVES, CandidateStatus.IN_PROGRESS),
    (EndpointStatus, ENDPOINT_MOVES, EndpointStatus.CREATING),
]


def reachable(moves: Mapping[Any, frozenset[Any]], start: Any) -> set[Any]:
    found, fringe = {start}, [start]
    while fringe:
        fresh = moves[fringe.pop()] - found
        found |= fresh
        fringe += fresh
    return found


@pytest.mark.parametrize(("states", "moves", "start"), TABLES)
def test_every_state_has_a_row_and_can_be_reached(states: type[StrEnum], moves: Any, start: Any) -> None:
    assert set(moves) == set(states) == reachable(moves, start)


@pytest.mark.parametrize(("states", "moves", "start"), TABLES)
def test_every_walk_can_end_and_only_updates_lead_back(states: type[StrEnum], moves: Any, start: Any) -> None:
    assert all(any(not moves[end] for end in reachable(moves, state)) for state in states)
    circling = {state for state in states if any(state in reachable(moves, after) for after in moves[state])}
    assert circling == ({EndpointStatus.IN_SERVICE, EndpointStatus.UPDATING} if states is EndpointStatus else set())


@pytest.mark.parametrize(("states", "moves"), [(JobStatus, JOB_MOVES), (CandidateStatus, CANDIDATE_MOVES)])
def test_finished_means_that_nothing_follows(states: Any, moves: Any) -> None:
    assert {state for state in states if state.is_finished} == {state for state in states if not moves[state]}
