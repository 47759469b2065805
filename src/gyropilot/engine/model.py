"""A trained model as users of the library have it: tables in, predictions and scores out."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.bundle.archive import pack
from gyropilot.engine.bundle.load import Predictor
from gyropilot.engine.bundle.load import load as load_predictor
from gyropilot.engine.bundle.manifest import Manifest
from gyropilot.engine.data.columns import parse_numbers
from gyropilot.engine.data.dates import ISO
from gyropilot.engine.data.in_memory import is_pandas, is_polars, name_columns
from gyropilot.engine.data.read import RawTable
from gyropilot.engine.data.source import find_source
from gyropilot.engine.data.target import Target, encode_target
from gyropilot.engine.errors import RequestError, TaskError
from gyropilot.engine.events import CandidateResult
from gyropilot.engine.explain.explanation import Explanation
from gyropilot.engine.explain.game import Game, keep_base, name_labels
from gyropilot.engine.explain.shapley import explain
from gyropilot.engine.features.encoders import DatetimeEncoder, Encoder, NumericEncoder
from gyropilot.engine.features.fitting import encode_table
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.files import write_file
from gyropilot.engine.metrics.catalogue import METRICS
from gyropilot.engine.metrics.decisions import decide, keep_most_probable
from gyropilot.engine.task import LabelType, ProblemType

Numbers = NDArray[np.float64]

TEMPORAL = ("timestamp", "date")
"""How Arrow's names of the types of days and moments begin."""
READERS: dict[LabelType, Callable[[str], Any]] = {
    LabelType.TEXT: str,
    LabelType.INTEGER: int,
    LabelType.NUMBER: float,
    LabelType.BOOLEAN: lambda word: word == "True",
}
"""What makes a label of the word that stands for it."""


class Model:
    """A trained model: what `fit` returns and `load` opens.

    Tables come as the path of a CSV or Parquet file, a pandas or Polars frame, an Arrow table, columns by name, a list
    of rows by name, or an array whose columns are those of `feature_names`. Columns are found by their names; others,
    the target among them, are passed over. Safe to use from several threads, and to be pickled by its owner.
    """

    def __init__(self, predictor: Predictor, archive: bytes, candidates: tuple[CandidateResult, ...] = ()) -> None:
        self.predictor = predictor
        """The same model for rows of cells, as the model server uses it."""
        self.candidates = candidates
        """Every finished candidate of the run, best first; empty when the model was loaded."""
        self._archive = archive
        self._labels = np.array([READERS[self.manifest.label_type](word) for word in self.manifest.classes])

    def __repr__(self) -> str:
        manifest = self.manifest
        return f"<Model of {manifest.target!r}: {manifest.problem_type.value}, {manifest.algorithm}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_archive, (self._archive, self.candidates)

    @property
    def manifest(self) -> Manifest:
        """Everything about the model but its arithmetic."""
        return self.predictor.manifest

    @property
    def problem_type(self) -> ProblemType:
        """The kind of answer."""
        return self.manifest.problem_type

    @property
    def target(self) -> str:
        """The column it predicts."""
        return self.manifest.target

    @property
    def classes(self) -> tuple[Any, ...]:
        """The labels in the order of the probabilities, of the type they had in the data; empty for regression."""
        return tuple(self._labels.tolist())

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of the training table besides the target and the weights."""
        return self.predictor.feature_names

    def predict(self, data: Any) -> Any:
        """Return the label of each row, of the type that labels had in the data, or the amount.

        Returns:
            A pandas Series with the frame's index for a pandas frame, a Polars Series for a Polars frame, an array
            (n,) for all else.

        Raises:
            DataError: when the data is no table that can be read.
            RequestError: when it lacks columns that the model learned from.
        """
        predictions = self._run(self._read(data))
        if self._labels.size:
            return _give_column(data, self.target, self._labels[self.predictor.choose_classes(predictions)])
        return _give_column(data, self.target, predictions[:, 0].astype(np.float64))

    def predict_proba(self, data: Any) -> Any:
        """Return the probability of each class for each row, in the order of `classes`.

        Returns:
            A frame with a column for each class for a pandas or Polars frame, an array (n, classes) for all else.

        Raises:
            TaskError: when the model is a regression.
            DataError, RequestError: as `predict` does.
        """
        if not self._labels.size:
            raise TaskError(f"A regression gives no probabilities; the model of {self.target!r} is one.")
        probabilities = self._run(self._read(data)).astype(np.float64)
        if is_pandas(data):
            return sys.modules["pandas"].DataFrame(probabilities, index=data.index, columns=list(self.classes))
        if is_polars(data):
            return sys.modules["polars"].DataFrame(probabilities, schema=list(map(str, self.classes)))
        return probabilities

    def evaluate(self, data: Any) -> dict[str, float]:
        """Return every metric of the problem type for rows whose answers are known, the objective first.

        Rows without a target are left out. A model that learned with row weights is scored with them.

        Raises:
            DataError: when the data is no table that can be read.
            RequestError: when it lacks the target, the weights, columns that the model learned from, or rows.
        """
        raw, answers, weights = self._find_answers(self._read(data))
        predictions = self._run(raw).astype(np.float64)
        decided = predictions[:, 0]
        if self._labels.size:
            classes = max(len(self._labels), int(answers.max()) + 1)  # labels that the model does not know come last
            predictions = np.pad(predictions, ((0, 0), (0, classes - len(self._labels))))
            factors = keep_most_probable(classes)
            factors[: len(self.manifest.decision)] = self.manifest.decision
            decided = decide(predictions, factors)
        else:
            predictions = decided
        objective = self.manifest.figures[0].metric if self.manifest.figures else ""
        return {
            metric.name: metric.measure(answers, decided if metric.judges_labels else predictions, weights)
            for metric in sorted(METRICS[self.problem_type], key=lambda metric: metric.name != objective)
        }

    def explain(self, data: Any, *, seed: int = 0) -> Explanation:
        """Return how far each column moved each row's prediction: SHAP values (rows, columns, labels).

        Probabilities are explained, of the positive class or of each class of more than two, or amounts. Time grows
        with the rows and with the columns in which they differ from typical rows of the training data: pass some.

        Raises:
            DataError, RequestError: as `predict` does; also when there are no rows.
            TaskError: when the model was made before models knew typical rows.
        """
        manifest = self.manifest
        if not manifest.baseline:
            raise TaskError(
                "The model is of an earlier version, without the typical rows that others are compared with."
            )
        base = encode_table(keep_base(self._suit_encoder(raw := self._read(data))), raw.columns)
        if not len(base):
            raise RequestError("The data has no rows to explain.")
        game = Game(manifest.encoder, self.predictor.run, len(manifest.classes), manifest.baseline)
        return explain(game, base, name_labels(manifest.classes, manifest.target), seed=seed)

    def leaderboard(self) -> pa.Table:
        """Return every candidate of the run that made the model, best first; `.to_pandas()` makes a frame of it.

        Columns: `id`, `pipeline` (of tuning), `algorithm`, each metric for rows that were not learned from (the
        objective first), `fit_seconds` (lane time), `latency_seconds` (one row, in process), `size_bytes`.

        Raises:
            TaskError: when the model was loaded: a saved model is one candidate.
        """
        if not self.candidates:
            raise TaskError("A model that was loaded is one candidate; only what fit returns knows the others.")
        return pa.Table.from_pylist(
            [
                {
                    "id": each.id,
                    **({"pipeline": each.pipeline} if each.pipeline else {}),
                    "algorithm": each.algorithm,
                    **{score.metric: score.value for score in each.scores},
                    "fit_seconds": each.fit_seconds,
                    "latency_seconds": each.latency_seconds,
                    "size_bytes": each.size_bytes,
                }
                for each in self.candidates
            ]
        )

    def save(self, path: Path | str) -> None:
        """Write the model as a `model.tar.gz`, which `load` and the model server open."""
        write_file(Path(path), self._archive)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _read(self, data: Any) -> RawTable:
        # What was text in the training data stays text: the same code must not be "007" there and 7 here.
        encoders = self.manifest.encoder.encoders
        words = {self.target, *(each.name for each in encoders if not isinstance(each, NumericEncoder))}
        if not isinstance(data, np.ndarray):
            return find_source(data).read(words)
        expected = len(self.feature_names)
        if data.ndim != 2 or data.shape[1] != expected:
            raise RequestError(f"The array has the shape {data.shape}; the model needs (rows, {expected}).")
        return find_source(name_columns(data, self.feature_names)).read(words)

    def _run(self, raw: RawTable) -> NDArray[np.float32]:
        return self.predictor.run(encode_table(self._suit_encoder(raw), raw.columns))

    def _suit_encoder(self, raw: RawTable) -> TableEncoder:
        """Return the encoder for a table, which has all columns that it needs."""
        encoder, table = self.manifest.encoder, raw.columns
        missing = [each.name for each in encoder.encoders if each.name not in table.column_names]
        if missing:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise RequestError(f"The data lacks columns that the model learned from: {missing[:5]}{more}.")
        suited = tuple(_suit(each, table.schema.field(each.name)) for each in encoder.encoders)
        return msgspec.structs.replace(encoder, encoders=suited)

    def _find_answers(self, raw: RawTable) -> tuple[RawTable, Numbers, Numbers]:
        """Return the rows that have a target and a valid weight, their answers and their weights."""
        manifest, table = self.manifest, raw.columns
        for name in (manifest.target, manifest.weight_column):
            if name and name not in table.column_names:
                raise RequestError(f"The data lacks the column {name!r}, without which a model cannot be scored.")
        nothing = np.empty(0, dtype=np.int64)
        known = Target(
            problem_type=manifest.problem_type,
            classes=manifest.classes,
            values=nothing.astype(np.float64),
            rows=nothing,
        )
        found = encode_target(manifest.target, table.column(manifest.target), known)
        table, answers, weights = table.take(found.rows), found.values, np.ones(len(found.rows))
        if manifest.weight_column:
            numbers = parse_numbers(table.column(manifest.weight_column))
            if numbers is None:
                raise RequestError(f"The weight column {manifest.weight_column!r} holds words; weights are numbers.")
            given = numbers.to_numpy().astype(np.float64)
            valid = np.isfinite(given) & (given >= 0)
            table, answers, weights = table.filter(pa.array(valid)), answers[valid], given[valid]
        if not weights.sum() > 0:
            raise RequestError(f"The data has no row with a target in column {manifest.target!r} and a weight above 0.")
        return replace(raw, columns=table), answers, weights


def load(path: Path | str) -> Model:
    """Open a model: a `model.tar.gz`, or the folder that it unpacks to.

    Raises:
        BundleError: when it is not a model, or of a later format than this program reads.
    """
    path = Path(path)
    predictor = load_predictor(path)
    if path.is_file():
        return Model(predictor, path.read_bytes())
    with tempfile.TemporaryDirectory(prefix="gyropilot-model-") as folder:
        pack(path, Path(folder) / "model.tar.gz")
        return Model(predictor, (Path(folder) / "model.tar.gz").read_bytes())


def _open_archive(archive: bytes, candidates: tuple[CandidateResult, ...]) -> Model:
    with tempfile.TemporaryDirectory(prefix="gyropilot-model-") as folder:
        path = Path(folder) / "model.tar.gz"
        path.write_bytes(archive)
        return Model(load_predictor(path), archive, candidates)


def _suit(encoder: Encoder, field: pa.Field) -> Encoder:
    """Return the encoder for a column: moments and days are written in ISO, however dates of the training data were."""
    kind = (field.metadata or {}).get(b"type", b"").decode()
    if isinstance(encoder, DatetimeEncoder) and kind.startswith(TEMPORAL):
        return msgspec.structs.replace(encoder, date_format=ISO)
    return encoder


def _give_column(data: Any, name: str, values: NDArray[Any]) -> Any:
    if is_pandas(data):
        return sys.modules["pandas"].Series(values, index=data.index, name=name)
    if is_polars(data):
        return sys.modules["polars"].Series(name, values)
    return values
