"""Jobs that end once it is known what would be trained."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.sdk import Session
from tests.acceptance.running import candidates, create, request, text_of, wait_for_end

pytestmark = pytest.mark.usefixtures("tables")


@pytest.mark.parametrize("config", [{}, {"Mode": "ENSEMBLING"}])
def test_nothing_is_trained(session: Session, config: dict[str, Any]) -> None:
    name = f"defined-{config.get('Mode', 'absent').lower()}"
    create(session, request(name, "adult/", "income", 0, AutoMLJobConfig=config, GenerateCandidateDefinitionsOnly=True))
    job = wait_for_end(session, name)
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    assert job["AutoMLJobSecondaryStatus"] == "CandidateDefinitionsGenerated"
    assert job["GenerateCandidateDefinitionsOnly"]
    assert job["ResolvedAttributes"]["ProblemType"] == "BinaryClassification"
    assert "BestCandidate" not in job
    assert candidates(session, name) == []
    if not config:
        assert job["ResolvedAttributes"]["CompletionCriteria"] == {"MaxCandidates": 100}
        assert "Pipeline dpp0: " in text_of(session, name)
    with pytest.raises(ClientError, match="is in status Completed"):
        session.client("sagemaker").stop_auto_ml_job(AutoMLJobName=name)
