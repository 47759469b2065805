"""Rings that may not import each other know some of the same words; here they are compared."""

from __future__ import annotations

from gyropilot.api.documents.job_requests import ALGORITHMS as ALLOWED_ALGORITHMS
from gyropilot.api.documents.metrics import AWS_NAMES, OUR_NAMES
from gyropilot.api.documents.problem_types import PROBLEM_TYPES
from gyropilot.cli.goals import DEFAULT_OBJECTIVES, OBJECTIVES
from gyropilot.cli.goals import PROBLEM_TYPES as TYPED_PROBLEM_TYPES
from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.metrics.catalogue import METRICS, find_metric
from gyropilot.engine.task import Mode, ProblemType
from gyropilot.sdk.session import DEFAULT_REGION
from gyropilot.sdk.start_server import HOST, PORT
from gyropilot.settings import read_settings


def test_the_api_serves_the_algorithms_of_the_engine() -> None:
    for mode in (Mode.ENSEMBLING, Mode.HYPERPARAMETER_TUNING):
        found = {name for name, algorithm in ALGORITHMS.items() if mode in algorithm.abilities.modes}
        assert set(ALLOWED_ALGORITHMS[mode.name]) == found


def test_the_api_has_a_word_for_every_metric_of_the_engine() -> None:
    assert set(AWS_NAMES) == {metric.name for metrics in METRICS.values() for metric in metrics}


def test_the_api_and_the_engine_know_the_same_problem_types() -> None:
    assert {kind.name for kind in PROBLEM_TYPES} == {kind.value for kind in ProblemType}


def test_every_objective_that_the_api_takes_is_a_metric_of_its_problem_type() -> None:
    for kind in PROBLEM_TYPES:
        for objective in kind.objectives:
            assert find_metric(ProblemType(kind.name), OUR_NAMES[objective]).name == OUR_NAMES[objective]


def test_the_command_line_offers_what_the_api_takes() -> None:
    assert {kind.name: kind.aws for kind in PROBLEM_TYPES} == TYPED_PROBLEM_TYPES
    assert {kind.name: kind.objectives for kind in PROBLEM_TYPES} == OBJECTIVES


def test_the_command_line_and_the_engine_have_the_same_default_objectives() -> None:
    assert {kind.value: AWS_NAMES[find_metric(kind, "").name] for kind in ProblemType} == DEFAULT_OBJECTIVES


def test_the_sdk_looks_where_the_server_listens() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port, settings.region) == (HOST, PORT, DEFAULT_REGION)
