"""Every algorithm of the catalogue keeps what `Algorithm` promises."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from gyropilot.engine.algorithms import catalogue
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


def test_an_algorithm_whose_library_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find_spec", lambda root: None if root == "fastai" else find_spec(root))
    assert [algorithm.name for algorithm in find_algorithms([])] == [
        name for name in ALGORITHMS if name not in {"fastai", "mlp"}
    ]
    with pytest.raises(TaskError, match=r"fastai are not installed; pip install 'gyropilot\[networks\]'"):
        find_algorithms(["lightgbm", "fastai"])
