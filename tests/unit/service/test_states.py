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
def test_every_walk_ends(states: type[StrEnum], moves: Any, start: Any) -> None:
    assert all(any(not moves[end] for end in reachable(moves, state)) for state in states)
    assert all(state not in reachable(moves, after) for state in states for after in moves[state])


@pytest.mark.parametrize(("states", "moves"), [(JobStatus, JOB_MOVES), (CandidateStatus, CANDIDATE_MOVES)])
def test_finished_means_that_nothing_follows(states: Any, moves: Any) -> None:
    assert {state for state in states if state.is_finished} == {state for state in states if not moves[state]}
