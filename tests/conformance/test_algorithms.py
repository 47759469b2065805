"""Every algorithm of the catalogue keeps what `Algorithm` promises."""

from __future__ import annotations

import pytest

from gyropilot.engine.algorithms.catalogue import ALGORITHMS, find_algorithms
from gyropilot.engine.contracts import Algorithm
from gyropilot.engine.errors import TaskError
from gyropilot.testing.algorithms import AlgorithmSuite


class TestCatalogue(AlgorithmSuite):
    @pytest.fixture(params=list(ALGORITHMS))
    def algorithm(self, request: pytest.FixtureRequest) -> Algorithm:
        return ALGORITHMS[request.param]


def test_names_are_those_of_the_algorithms() -> None:
    assert {name: algorithm.name for name, algorithm in ALGORITHMS.items()} == {name: name for name in ALGORITHMS}


def test_unknown_algorithm_is_named() -> None:
    with pytest.raises(TaskError, match=r"no algorithm 'catbost'; there are linear-learner"):
        find_algorithms(["lightgbm", "catbost"])
