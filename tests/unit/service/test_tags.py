from __future__ import annotations

import pytest

from gyropilot.service.errors import InvalidRequestError, NotFoundError
from gyropilot.service.records import Candidate
from tests.unit.service.house import IDENTITY, House
from tests.unit.service.test_jobs import draft


def test_tags_are_set_and_removed_by_key(house: House) -> None:
    house.create_job()
    tags, arn = house.service.tags, IDENTITY.job_arn("churn")
    assert tags.get(arn) == {}
    assert tags.add(arn, {"a": "1", "b": ""}) == {"a": "1", "b": ""}
    assert tags.add(arn, {"b": "2", "A": "3"}) == {"a": "1", "b": "2", "A": "3"}
    tags.remove(arn, ["a", "none"])
    assert tags.get(arn) == {"b": "2", "A": "3"}


def test_a_tag_changes_nothing_else(house: House) -> None:
    before = house.create_job()
    house.clock.advance(1)
    house.service.tags.add(IDENTITY.job_arn("churn"), {"a": "1"})
    assert house.service.jobs.get("churn").modified_at == before.modified_at


def test_a_resource_has_fifty_tags_at_most(house: House) -> None:
    house.create_job()
    arn = IDENTITY.job_arn("churn")
    house.service.tags.add(arn, {str(number): "" for number in range(50)})
    house.service.tags.add(arn, {"0": "changed"})
    with pytest.raises(InvalidRequestError, match=r"50 tags at most; .* would have 51"):
        house.service.tags.add(arn, {"50": ""})
    assert len(house.service.tags.get(arn)) == 50


def test_every_kind_of_resource_has_tags(house: House) -> None:
    house.create_endpoint()
    arns = IDENTITY.model_arn("m"), IDENTITY.endpoint_config_arn("c"), IDENTITY.endpoint_arn("live")
    for arn in arns:
        house.service.tags.add(arn, {"of": arn})
    assert [house.service.tags.get(arn) for arn in arns] == [{"of": arn} for arn in arns]


def test_candidates_get_the_tags_of_their_job_and_keep_their_own(house: House) -> None:
    house.create_job()
    house.service.tags.add(IDENTITY.job_arn("churn"), {"team": "a"})
    candidate = draft(house)
    house.service.jobs.report_candidate("churn", candidate)
    arn = IDENTITY.training_job_arn(candidate.name)
    assert house.service.tags.add(arn, {"mine": "1"}) == {"team": "a", "mine": "1"}
    house.service.jobs.report_candidate("churn", candidate)
    assert house.records.get(Candidate, candidate.name, parent="churn").tags == {"team": "a", "mine": "1"}


@pytest.mark.parametrize(
    "arn",
    [
        IDENTITY.job_arn("none"),
        IDENTITY.training_job_arn("none"),
        IDENTITY.endpoint_arn("none"),
        IDENTITY.arn("notebook-instance", "none"),
        IDENTITY.arn("model", ""),
    ],
)
def test_what_is_not_there_has_no_tags(house: House, arn: str) -> None:
    with pytest.raises(NotFoundError):
        house.service.tags.get(arn)


@pytest.mark.parametrize("place", ["eu-west-1:000000000000", "us-east-1:111111111111", "us-east-1:000000000000:x"])
def test_other_accounts_and_regions_are_refused(house: House, place: str) -> None:
    house.create_job()
    with pytest.raises(InvalidRequestError, match="not of this account and region"):
        house.service.tags.get(f"arn:aws:sagemaker:{place}:automl-job/churn")
