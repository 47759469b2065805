"""What a run left in its folder that reports are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.budget import Deadline
from gyropilot.engine.bundle.load import Predictor, load
from gyropilot.engine.contracts import TrainingData
from gyropilot.engine.data.store import read_training_data
from gyropilot.engine.events import CandidateResult
from gyropilot.engine.explain.baseline import Baseline
from gyropilot.engine.explain.explanation import Explanation, WordEffects
from gyropilot.engine.explain.game import Game, keep_base, name_labels
from gyropilot.engine.explain.shapley import explain
from gyropilot.engine.explain.words import explain_words
from gyropilot.engine.features.encoders import TextEncoder
from gyropilot.engine.features.fitting import encode_table
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.metrics.catalogue import find_metric
from gyropilot.engine.problems.tabular.candidates import recall_result
from gyropilot.engine.problems.tabular.kept_rows import read_kept_rows
from gyropilot.engine.problems.tabular.prepare import Prepared, read_prepared
from gyropilot.engine.problems.tabular.scoring import Scoring
from gyropilot.engine.quality.evidence import Evidence, name_classes

WORDS_SHARE = 0.4
"""Of the time for an explanation, so much is kept for the words of texts where there are any."""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Why a candidate predicts what it does."""

    explanation: Explanation
    """Of its columns."""
    words: list[WordEffects]
    """Of the words of each column of texts."""
    encoder: TableEncoder
    """What made the rows' numbers."""
    base: NDArray[np.float32]
    """(rows, base features) the numbers of the rows that were explained."""
    rows: pa.Table
    """The same rows as they were read."""
    baseline: Baseline
    """The rows that they were compared with."""


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

    def explain(self, candidate: str, deadline: Deadline) -> Explained:
        """Return why a finished candidate predicts what it does for the kept rows, for as many as the time allows."""
        model = self.open(candidate)
        encoder = model.manifest.encoder
        game = Game(encoder, model.run, len(model.classes), model.manifest.baseline)
        base = encode_table(keep_base(encoder), self.rows)
        texts = [place for place, each in enumerate(encoder.encoders) if isinstance(each, TextEncoder)]
        # Words are explained within a share of the time; columns come first.
        columns_until = Deadline(at=deadline.at - WORDS_SHARE * deadline.seconds_left) if texts else deadline
        seed = self.prepared.seed
        explanation = explain(game, base, name_labels(model.classes, model.target), seed=seed, deadline=columns_until)
        words = [
            explain_words(
                game, base, place, self.rows.column(encoder.encoders[place].name).to_pylist(), seed=seed,
                deadline=deadline,
            )
            for place in texts
        ]  # fmt: skip
        return Explained(
            explanation=explanation,
            words=words,
            encoder=encoder,
            base=base[: len(explanation.values)],
            rows=self.rows.slice(0, len(explanation.values)),
            baseline=model.manifest.baseline,
        )

    @cached_property
    def _data(self) -> TrainingData:
        return read_training_data(self._folder / "data")
