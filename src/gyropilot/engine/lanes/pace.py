"""What the candidates of a run tell about how long later ones take."""

from __future__ import annotations

import statistics

from gyropilot.engine.lanes.candidate import Candidate

STORE_SHARE = 0.15
"""Storing a fold takes, for each step, about this share of the time the step took; known better once measured."""
FIXED_SHARE = 0.25
"""Storing takes at least this share of what it took for more steps."""
CUT_SHARE = 0.5
"""What trains for less than this share of its time is worth little; what is trained by a schedule needs all of it."""


class Pace:
    """Lane seconds that algorithms took, and predictions from them."""

    def __init__(self) -> None:
        self._spent: dict[str, tuple[float, int]] = {}
        self._stored: dict[str, tuple[int, float]] = {}

    def note_stored(self, candidate: Candidate, seconds: float) -> None:
        """Learn from a fold that was stored in so many seconds."""
        name = candidate.plan.algorithm
        self._stored[name] = max(self._stored.get(name, (0, 0.0)), (_stored_steps(candidate), seconds))

    def note_spent(self, candidate: Candidate) -> None:
        """Learn from a candidate that was stored, or was given up because it would have taken too long."""
        spent = candidate.fit_seconds + candidate.seconds_to_go(1)
        if not candidate.is_stored:
            spent = max(spent, self._predict(candidate))
        self._spent[candidate.plan.algorithm] = spent, candidate.scheduled_steps

    def predict_storing(self, candidate: Candidate) -> float:
        """Return the seconds that storing one fold takes; as long as the last one's while it has no steps yet."""
        steps = _stored_steps(candidate)
        known_steps, seconds = self._stored.get(candidate.plan.algorithm, (0, 0.0))
        if 0 < steps < known_steps:
            return seconds * max(steps / known_steps, FIXED_SHARE)
        return seconds + STORE_SHARE * candidate.seconds_per_step * max(steps - known_steps, 0)

    def predict_remaining(self, candidate: Candidate) -> float:
        """Return the lane seconds that a candidate still takes."""
        if candidate.scheduled_steps and candidate.seconds_per_step:
            return candidate.seconds_to_go(1)
        return max(self._predict(candidate) - candidate.fit_seconds, 0.0)

    def predict_least(self, candidate: Candidate) -> float:
        """Return the lane seconds without which a candidate is not worth beginning; 0 while nothing is known."""
        return (1.0 if candidate.scheduled_steps else CUT_SHARE) * self._predict(candidate)

    def _predict(self, candidate: Candidate) -> float:
        """Return what the algorithm's last candidate took, or what is usual, in proportion to scheduled steps."""
        if not self._spent:
            return 0.0
        usual = statistics.median(seconds for seconds, _ in self._spent.values()), candidate.scheduled_steps
        seconds, steps = self._spent.get(candidate.plan.algorithm, usual)
        return seconds * candidate.scheduled_steps / steps if steps else seconds


def _stored_steps(candidate: Candidate) -> int:
    """Return how many steps storing evaluates: trees one by one; what is trained by a schedule as it stands."""
    return 1 if candidate.scheduled_steps else candidate.steps or candidate.common_steps
