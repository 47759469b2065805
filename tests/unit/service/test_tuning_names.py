from __future__ import annotations

import re

import pytest

from gyropilot.service.tuning_names import (
    name_data_build,
    name_fit,
    name_recommendation,
    name_steps,
    name_transform,
    name_trial,
    name_tuning_job,
)

LONGEST = "a-very-long-name-of-thirty-two-c"


@pytest.mark.parametrize("job", ["j", LONGEST, "a-b-c-d-e-f-g"])
def test_names_are_such_as_aws_allows(job: str) -> None:
    names = [
        name_data_build(job),
        name_recommendation(job),
        name_fit(job, "dpp9"),
        name_transform(job, "dpp9"),
        name_trial(job, 750),
        name_tuning_job(job),
    ]
    for name in names:
        assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)
    assert len(name_trial(job, 750)) <= 44
    assert len(name_tuning_job(job)) <= 32
    assert len({*names}) == len(names)


def test_names_differ_from_job_to_job_but_not_by_case() -> None:
    assert name_fit("churn-prediction-1", "dpp0") != name_fit("churn-prediction-2", "dpp0")
    assert name_trial(LONGEST, 1) != name_trial(f"{LONGEST[:-1]}d", 1)
    assert name_data_build("Churn") == name_data_build("churn")


def test_the_steps_of_a_candidate_are_in_order() -> None:
    assert list(name_steps("churn", "dpp3").values()) == ["processing-job", "training-job", "transform-job"]
