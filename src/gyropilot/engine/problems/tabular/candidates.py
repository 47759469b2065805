"""From stored folds to a finished candidate: honest scores, a bundle that was checked, a record."""

from __future__ import annotations

import importlib.metadata
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.algorithms.losses import to_predictions
from gyropilot.engine.bundle.graph import Member
from gyropilot.engine.bundle.load import Predictor
from gyropilot.engine.bundle.manifest import Figure, Manifest, Provenance
from gyropilot.engine.bundle.write import Check, write_bundle
from gyropilot.engine.contracts import HOLDOUT, PLAIN, Parameters, SymmetricTrees, TrainingData, Trees, read_part
from gyropilot.engine.events import CandidateResult, Score
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.files import writing
from gyropilot.engine.lanes.training import Trained
from gyropilot.engine.metrics.calibration import calibrate, sharpen
from gyropilot.engine.metrics.catalogue import METRICS, Metric
from gyropilot.engine.metrics.decisions import decide, tune_decision
from gyropilot.engine.problems.tabular.prepare import Prepared

FOUND_BY_TRAINING = frozenset({"steps", "seed", "temperature"})
"""What a candidate's parameters hold besides its settings: no algorithm has settings of these names."""

ENSEMBLE = "weighted-ensemble"
RESULT = "result.json"
LATENCY_CALLS = 30
PARTS = 5
"""Held-out rows are judged in so many parts, where there are no folds."""
LIBRARIES = ("catboost", "fastai", "lightgbm", "numpy", "onnx", "scikit-learn", "torch", "xgboost-cpu")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A candidate and what its ensemble needs of it."""

    result: CandidateResult
    predictions: Numbers
    """Of all rows, none of which its model was trained on: (n, classes) or (n,); before calibration."""
    check: Numbers
    """Of the check rows, by all folds together; before calibration."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A candidate before its bundle is written."""

    id: str
    algorithm: str
    parameters: dict[str, Any]
    predictions: Numbers
    check: Numbers
    members: Sequence[Member]
    fit_seconds: float


class Workbench:
    """Makes candidates of one run's data."""

    def __init__(self, prepared: Prepared, data: TrainingData, folder: Path, objective: Metric, seed: int) -> None:
        self._prepared = prepared
        self._data = data
        self._folder = folder
        self._objective = objective
        self._seed = seed
        self._check_features = np.array(data.features[list(prepared.check_rows)])
        self._learned = data.folds != HOLDOUT
        self._scored = np.flatnonzero(~self._learned) if not self._learned.all() else np.arange(len(data.target))
        # Rows that are scored, in parts: the folds, or parts of the held-out rows.
        dealt = np.random.default_rng(seed).permutation(len(self._scored)) % PARTS
        self._part = data.folds[self._scored] if self._learned.all() else dealt

    def finish(self, trained: Trained) -> Finished:
        """Score and write a candidate whose folds are stored.

        Raises:
            BundleError: when its predictor does not repeat what its library says.
        """
        raw = np.empty((len(self._data.target), self._data.output_count))
        for fold, path in enumerate(trained.paths):
            raw[self._data.validation_rows(fold)] = np.load(f"{path}-validation.npy", allow_pickle=False)
        holdout = [np.load(f"{path}-holdout.npy", allow_pickle=False) for path in trained.paths]
        raw[self._data.validation_rows(HOLDOUT)] = np.mean(holdout, axis=0)
        checks = [np.load(f"{path}-check.npy", allow_pickle=False) for path in trained.paths]
        link = ALGORITHMS[trained.plan.algorithm].abilities.link
        draft = Draft(
            id=trained.plan.id,
            algorithm=trained.plan.algorithm,
            parameters={**trained.plan.parameters, "steps": trained.steps, "seed": trained.plan.seed},
            predictions=to_predictions(raw, self._prepared.problem_type, link),
            check=to_predictions(np.mean(checks, axis=0), self._prepared.problem_type, link),
            members=[self.member(trained.plan.id, trained.plan.algorithm, 1.0)],
            fit_seconds=trained.fit_seconds,
        )
        return self.publish(draft)

    def member(self, candidate: str, algorithm: str, weight: float) -> Member:
        """Return a candidate, by the stored models of its folds, as a member of a graph."""
        paths = [self._folder / candidate / f"fold{fold}.npz" for fold in range(self._prepared.fold_count)]
        return Member(parts=list(map(read_part, paths)), weight=weight, link=ALGORITHMS[algorithm].abilities.link)

    def publish(self, draft: Draft) -> Finished:
        """Score a draft, write its bundle and its record; the record comes last.

        Raises:
            BundleError: when its predictor does not repeat what it should.
        """
        folder = self._folder / draft.id
        folder.mkdir(parents=True, exist_ok=True)
        exponent, calibrated = self._calibrate(draft.predictions)
        parameters = draft.parameters | ({"temperature": round(1 / exponent, 6)} if exponent != 1 else {})
        scores, part_losses = self._score(calibrated)
        encoder = self._find_encoder(draft.members)
        predictor = write_bundle(
            self._manifest(draft, parameters, encoder, scores, self._decide(calibrated, self._learned)),
            draft.members,
            Check(
                features=self._check_features[:, : len(encoder.features)],
                expected=sharpen(draft.check, exponent) if exponent != 1 else draft.check,
            ),
            folder / "bundle",
            exponent=exponent,
        )
        trees = _find_trees(draft.members)
        result = CandidateResult(
            id=draft.id,
            algorithm=draft.algorithm,
            parameters=parameters,
            objective=scores[0],
            scores=scores,
            part_losses=part_losses,
            fit_seconds=draft.fit_seconds,
            latency_seconds=self._measure(predictor),
            node_visits=sum(part.visits for part in trees),
            tree_bytes=sum(part.memory_bytes for part in trees),
            size_bytes=sum(path.stat().st_size for path in (folder / "bundle").iterdir()),
            folder=folder / "bundle",
        )
        np.save(folder / "predictions.npy", draft.predictions, allow_pickle=False)
        np.save(folder / "check.npy", draft.check, allow_pickle=False)
        with writing(folder / RESULT) as partial:
            partial.write_bytes(msgspec.json.encode(result, enc_hook=str))
        return Finished(result=result, predictions=draft.predictions, check=draft.check)

    def names(self) -> list[str]:
        """Return the names of the candidates that are finished, in order."""
        return sorted(path.parent.name for path in self._folder.glob(f"*/{RESULT}"))

    def recall(self, candidate: str) -> Finished | None:
        """Return a candidate that an earlier run of the same task finished, if it did."""
        folder = self._folder / candidate
        if not (folder / RESULT).exists():
            return None
        content = (folder / RESULT).read_bytes()
        result = msgspec.json.decode(content, type=CandidateResult, dec_hook=lambda _, text: Path(text))
        return Finished(
            result=replace(result, folder=folder / "bundle"),
            predictions=np.load(folder / "predictions.npy", allow_pickle=False),
            check=np.load(folder / "check.npy", allow_pickle=False),
        )

    def _score(self, predictions: Numbers) -> tuple[tuple[Score, ...], tuple[float, ...]]:
        """Return every metric for rows that had no say in what is judged: held-out rows, or all, cross-fitted.

        Also the objective's loss on each part of these rows.
        """
        rows = self._scored
        target, weights = self._data.target[rows], self._data.weights[rows]
        given = predictions[rows]
        decided = self._decided(predictions)[rows] if self._prepared.classes else given
        classes = max(len(self._prepared.classes), int(target.max()) + 1) if self._prepared.classes else 0
        judged = {is_of_labels: _widen(decided if is_of_labels else given, classes) for is_of_labels in (False, True)}
        scores = tuple(
            Score(
                metric=metric.name,
                value=metric.measure(target, judged[metric.judges_labels], weights),
                higher_is_better=metric.higher_is_better,
            )
            for metric in self._ordered_metrics()
        )
        parts = [self._part == part for part in np.unique(self._part)]
        of_objective = judged[self._objective.judges_labels]
        losses = (self._objective.loss(target[part], of_objective[part], weights[part]) for part in parts)
        return scores, tuple(losses)

    def _find_encoder(self, members: Sequence[Member]) -> TableEncoder:
        """Return the table's encoder, without derived columns when no member looks at one."""
        encoder = self._prepared.encoder
        plain = self._data.column_folds.count(PLAIN) or len(encoder.features)
        if any((part.feature >= plain).any() for part in _find_trees(members)):
            return encoder
        kept = len(encoder.derivations) - (len(encoder.features) - plain)
        return msgspec.structs.replace(encoder, derivations=encoder.derivations[:kept])

    def _calibrate(self, predictions: Numbers) -> tuple[float, Numbers]:
        """Return the power to raise probabilities to, and the probabilities of each fold by the power of the others."""
        if not self._prepared.classes:
            return 1.0, predictions
        rows = self._learned
        folds = self._data.folds[rows]
        target, weights = self._data.target[rows], self._data.weights[rows]
        exponent, honest = calibrate(target, predictions[rows], weights, [folds == each for each in np.unique(folds)])
        calibrated = sharpen(predictions, exponent) if exponent != 1 else predictions.copy()
        calibrated[rows] = honest
        return exponent, calibrated

    def _ordered_metrics(self) -> list[Metric]:
        metrics = METRICS[self._prepared.problem_type]
        return [self._objective, *(metric for metric in metrics if metric.name != self._objective.name)]

    def _decided(self, predictions: Numbers) -> Numbers:
        """Return the probabilities after decisions that were tuned without the rows they are applied to."""
        folds = self._data.folds
        decided = np.empty_like(predictions)
        for fold in np.unique(folds):
            inside = folds == fold
            decided[inside] = decide(predictions[inside], self._decide(predictions, self._learned & ~inside))
        return decided

    def _decide(self, predictions: Numbers, rows: NDArray[np.bool_]) -> Numbers:
        """Return the decision that suits the objective best on some rows."""
        if not self._prepared.classes:
            return np.empty(0)
        target, weights = self._data.target[rows], self._data.weights[rows]
        return tune_decision(self._objective, target, predictions[rows], weights, seed=self._seed)

    def _manifest(
        self,
        draft: Draft,
        parameters: dict[str, Any],
        encoder: TableEncoder,
        scores: Sequence[Score],
        decision: Numbers,
    ) -> Manifest:
        prepared = self._prepared
        return Manifest(
            candidate=draft.id,
            algorithm=draft.algorithm,
            parameters=parameters,
            problem_type=prepared.problem_type,
            target=prepared.target,
            target_position=prepared.target_position,
            weight_position=prepared.weight_position,
            weight_column=prepared.weight_column,
            classes=prepared.classes,
            label_type=prepared.label_type,
            encoder=encoder,
            decision=tuple(decision.tolist()) if (decision != 1).any() else (),
            figures=tuple(
                Figure(metric=score.metric, value=score.value, higher_is_better=score.higher_is_better)
                for score in scores
            ),
            provenance=Provenance(
                gyropilot=importlib.metadata.version("gyropilot"),
                libraries=_library_versions(),
                data=prepared.digest,
                rows=prepared.rows,
                seed=self._seed,
            ),
        )

    def _measure(self, predictor: Predictor) -> float:
        """Return the median seconds of predicting one row of cells."""
        row = [self._prepared.sample_row]
        seconds = []
        for _ in range(LATENCY_CALLS):
            began = time.perf_counter()
            predictor.predict_rows(row)
            seconds.append(time.perf_counter() - began)
        return statistics.median(seconds)


def _find_trees(members: Sequence[Member]) -> list[Trees | SymmetricTrees]:
    return [part for member in members for part in member.parts if isinstance(part, Trees | SymmetricTrees)]


def _library_versions() -> dict[str, str]:
    """Return the versions of those libraries that are installed."""
    versions = {}
    for name in LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def settings_of(parameters: Parameters) -> Parameters:
    """Return the configuration that a candidate was trained with, without what training added."""
    return {name: value for name, value in parameters.items() if name not in FOUND_BY_TRAINING}


def _widen(predictions: Numbers, classes: int) -> Numbers:
    """Return probabilities with columns of 0 for classes that the model does not know."""
    if predictions.ndim == 1 or predictions.shape[1] == classes:
        return predictions
    return np.pad(predictions, ((0, 0), (0, classes - predictions.shape[1])))
