from __future__ import annotations

from dataclasses import dataclass

import pytest

from gyropilot.service.turns import take_turns


@dataclass(frozen=True)
class Job:
    created_by: str
    number: int = 0


def line_up(waiting: str, running: str = "") -> str:
    """Return the order of jobs that are each written as a user's letter, with the place in that user's own line."""
    jobs = [Job(user, waiting[:place].count(user)) for place, user in enumerate(waiting)]
    return " ".join(f"{job.created_by}{job.number}" for job in take_turns(jobs, [Job(user) for user in running]))


@pytest.mark.parametrize(
    ("waiting", "running", "order"),
    [
        ("", "ab", ""),
        ("aaa", "", "a0 a1 a2"),
        ("aaab", "", "a0 b0 a1 a2"),
        ("aaab", "a", "b0 a0 a1 a2"),
        ("ab", "aab", "b0 a0"),
        ("abcab", "", "a0 b0 c0 a1 b1"),
        ("cab", "", "c0 a0 b0"),
        ("abbb", "aaa", "b0 b1 b2 a0"),
        ("bab", "c", "b0 a0 b1"),
    ],
)
def test_the_user_with_the_fewest_running_is_next_and_then_the_oldest(waiting: str, running: str, order: str) -> None:
    assert line_up(waiting, running) == order
