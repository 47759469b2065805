"""What a run left in its folder that reports are made of."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.bundle.load import Predictor, load
from gyropilot.engine.contracts import TrainingData
from gyropilot.engine.data.store import read_training_data
from gyropilot.engine.events import CandidateResult
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.metrics.catalogue import find_metric
from gyropilot.engine.problems.tabular.candidates import recall_result
from gyropilot.engine.problems.tabular.kept_rows import read_kept_rows
from gyropilot.engine.problems.tabular.prepare import Prepared, read_prepared
from gyropilot.engine.problems.tabular.scoring import Scoring
from gyropilot.engine.quality.evidence import Evidence, name_classes


class Records:
    """A run's folder, as reports read it: also while the run goes on, of candidates that are finished.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def prepared(self) -> Prepared:
        """What is known of the data."""
        return read_prepared(self._folder)

    @property
    def encoder(self) -> TableEncoder:
        """What made the table's numbers."""
        return self.prepared.encoder

    @cached_property
    def rows(self) -> pa.Table:
        """A sample of the rows that candidates are scored on, as they were read, in random order."""
        return read_kept_rows(self._folder)

    def open(self, candidate: str) -> Predictor:
        """Return a finished candidate's model."""
        return load(self._folder / "candidates" / candidate / "bundle")

    def recall(self, candidate: str) -> CandidateResult:
        """Return the record of a finished candidate."""
        return recall_result(self._folder / "candidates" / candidate)

    def find_evidence(self, candidate: str) -> tuple[Evidence, NDArray[np.float32]]:
        """Return what a finished candidate predicts for rows that it is scored on, and their base numbers."""
        prepared, data = self.prepared, self._data
        objective = find_metric(prepared.problem_type, self.recall(candidate).objective.metric)
        classes = prepared.classes
        scoring = Scoring(data, prepared.fold_count, len(classes), objective, prepared.seed)
        predictions = np.load(self._folder / "candidates" / candidate / "predictions.npy", allow_pickle=False)
        judged = scoring.look(predictions)
        evidence = Evidence(
            problem_type=prepared.problem_type,
            classes=name_classes(classes, judged.given.shape[1]) if classes else (),
            target=data.target[judged.rows],
            predictions=judged.given,
            decided=judged.decided.argmax(axis=1) if classes else np.empty(0, dtype=np.int64),
            weights=data.weights[judged.rows],
        )
        return evidence, data.features[judged.rows, : len(self.encoder.base_features)]

    @cached_property
    def _data(self) -> TrainingData:
        return read_training_data(self._folder / "data")
