"""Trains the best trials once more, on other folds."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT, Lanes, Plan, TrainingData
from gyropilot.engine.data.folds import deal_for_tuning
from gyropilot.engine.data.store import deal_anew
from gyropilot.engine.errors import LaneError
from gyropilot.engine.lanes.outcomes import Trained
from gyropilot.engine.lanes.stages import OneStage
from gyropilot.engine.lanes.training import Limits, Training
from gyropilot.engine.metrics.catalogue import Metric
from gyropilot.engine.problems.tabular.candidates import read_predictions
from gyropilot.engine.problems.tabular.prepare import Prepared
from gyropilot.engine.problems.tabular.scoring import Judgement, Scoring

FOLDER = "again"


@dataclass(kw_only=True)
class SecondLook:
    """What it takes to train candidates on other folds."""

    prepared: Prepared
    data: TrainingData
    """The table, with the folds of the search."""
    folder: Path
    """That of the run."""
    objective: Metric
    seed: int

    def take(self, plans: Sequence[Plan], lanes: Lanes, limits: Limits) -> dict[str, Judgement]:
        """Return what candidates are worth on other folds, by their ids; those for which there was no time are not."""
        waiting = [self._move(plan) for plan in plans]
        training = Training(
            lanes=lanes,
            data_folder=self.folder / "data",
            candidates_folder=self.folder / FOLDER,
            next_plan=lambda: waiting.pop(0) if waiting else None,
            referee=OneStage(self.prepared.fold_count),
            check_rows=self.prepared.check_rows,
            limits=limits,
        )
        judgements = {}
        try:
            for outcome in training.run():
                if isinstance(outcome, Trained) and not outcome.was_cut:
                    judgements[outcome.plan.id] = self._judge(outcome)
        except LaneError:
            pass  # the search has its models; the look is left out
        shutil.rmtree(self.folder / FOLDER, ignore_errors=True)
        return judgements

    def _move(self, plan: Plan) -> Plan:
        """Return the plan of the same candidate on a table with other folds."""
        place = self.folder / "data"
        table = f"{plan.table}-{FOLDER}"
        deal_anew(place / plan.table, place / table, self._folds)
        return replace(plan, table=table, is_staged=False)

    @cached_property
    def _folds(self) -> NDArray[np.uint8]:
        """The rows that are learned from, dealt in another turn."""
        folds = np.array(self.data.folds)
        learned = folds != HOLDOUT
        folds[learned], _ = deal_for_tuning(
            self.data.target[learned],
            self.data.problem_type,
            self.seed,
            is_scored_elsewhere=not learned.all(),
            turn=1,
        )
        return folds

    @cached_property
    def _scoring(self) -> Scoring:
        data = replace(self.data, folds=self._folds)
        return Scoring(data, self.prepared.fold_count, len(self.prepared.classes), self.objective, self.seed)

    def _judge(self, trained: Trained) -> Judgement:
        return self._scoring.judge(read_predictions(trained, replace(self.data, folds=self._folds)))
