"""CatBoost trains in a thread: it goes when its fit does."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gyropilot.engine.algorithms.boosting.catboost import CatBoost, CatBoostFit
from gyropilot.engine.task import ProblemType
from gyropilot.testing.algorithms import make_data

PARAMETERS = {"learning_rate": 0.1, "depth": 3}

HALF_TRAINED = """
from gyropilot.engine.algorithms.boosting.catboost import CatBoost
from gyropilot.engine.task import ProblemType
from gyropilot.testing.algorithms import make_data

data = make_data(ProblemType.BINARY)
fits = [CatBoost().begin(data, fold, {"depth": 3}, 1) for fold in range(3)]
print([len(fit.advance(5, 60).losses) for fit in fits])
"""


def begin(parameters: dict[str, float | int] = PARAMETERS) -> CatBoostFit:
    return CatBoost().begin(make_data(ProblemType.BINARY), 0, parameters, 1)


def trainings() -> int:
    return sum(thread.name == "catboost" for thread in threading.enumerate())


def test_dropped_fit_leaves_no_thread() -> None:
    fit = begin()
    fit.advance(2, 60)
    assert trainings() == 1
    del fit
    gc.collect()
    assert trainings() == 0


def test_fit_that_predicted_has_no_thread_and_can_go_on() -> None:
    fit, other = begin(), begin()
    losses = fit.advance(3, 60).losses
    fit.predict(3)
    assert trainings() == 0
    losses += fit.advance(3, 60).losses
    assert losses == other.advance(6, 60).losses


def test_process_ends_with_half_trained_fits_and_leaves_no_files(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", HALF_TRAINED], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "[5, 5, 5]", "")
    assert list(tmp_path.iterdir()) == []


def test_what_the_library_refuses_is_raised() -> None:
    fit = begin({"depth": 99})
    with pytest.raises(Exception, match="depth"):
        fit.advance(1, 60)
