"""What a run leaves for reports: the evidence is what candidates were scored on, and their models can be explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gyropilot.engine import Budget, Mode, Task, fit
from gyropilot.engine.budget import Deadline
from gyropilot.engine.problems.tabular.evidence import Records
from gyropilot.engine.quality.figures import open_measure

TRAINING, VALIDATION = 120, 40


def make_table(rows: int, first: int) -> dict[str, Any]:
    random = np.random.default_rng(first)
    amount = random.normal(size=rows)
    notes = [" ".join(random.choice(["fine", "awful", "late"], 4)) for _ in range(rows)]
    bad = [note.count("awful") for note in notes]
    return {
        "id": [f"row {first + row}" for row in range(rows)],
        "amount": amount,
        "colour": random.choice(["red", "green"], rows),
        "day": [f"2024-{1 + row % 12:02d}-03" for row in range(rows)],
        "note": notes,
        "y": np.where(amount + np.array(bad) > 1.4, "yes", "no"),
    }


@pytest.fixture(scope="module", params=[Mode.ENSEMBLING, Mode.HYPERPARAMETER_TUNING])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Records, Any]:
    """A run with validation rows, in each mode."""
    folder = tmp_path_factory.mktemp("run")
    task = Task(target="y", mode=request.param, algorithms=("linear-learner",))
    budget = Budget(max_candidates=2, in_process=True)
    model = fit(make_table(TRAINING, 0), task, budget, validation=make_table(VALIDATION, 1000), folder=folder)
    return Records(folder), model


def test_figures_of_the_evidence_are_those_of_the_candidate(run: tuple[Records, Any]) -> None:
    records, model = run
    for candidate in model.candidates:
        evidence, base = records.find_evidence(candidate.id)
        assert len(evidence.target) == len(base) == VALIDATION
        figures = open_measure(evidence)(np.ones(VALIDATION))
        for score in candidate.scores:
            assert figures[score.metric] == pytest.approx(score.value), score.metric


def test_rows_that_are_scored_on_are_kept_as_they_are(run: tuple[Records, Any]) -> None:
    rows = run[0].rows
    assert sorted(rows.column("id").to_pylist()) == sorted(make_table(VALIDATION, 1000)["id"])
    assert rows.column("id").to_pylist() != make_table(VALIDATION, 1000)["id"]  # in random order


def test_the_best_model_is_explained_by_the_columns_of_the_table(run: tuple[Records, Any]) -> None:
    records, model = run
    explained = records.explain(model.candidates[0].id, Deadline())
    explanation = explained.explanation
    assert {"amount", "note", "colour", "day"} >= {*explanation.columns} >= {"amount", "note"}
    whole = explanation.values.sum(axis=1) + explanation.expected
    given = records.open(model.candidates[0].id).run(explained.encoder.derive(explained.base))[:, 1:]
    assert np.abs(whole - given).max() <= 1e-4
    assert explanation.columns[explanation.ranking[0]] in {"amount", "note"}
    assert [each.column for each in explained.words] == ["note"]
    words = explained.words[0]
    assert words.words[0] == "awful"
    assert words.effects[0, 0] > 0


def test_runs_are_read_while_they_go_on(run: tuple[Records, Any], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Records(tmp_path).find_evidence("c01")
    assert run[0].recall(run[1].candidates[0].id) == run[1].candidates[0]
