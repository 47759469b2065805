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
from gyropilot.engine.events import CandidateResult
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.files import write_file
from gyropilot.engine.lanes.outcomes import Trained
from gyropilot.engine.metrics.calibration import sharpen
from gyropilot.engine.metrics.catalogue import Metric
from gyropilot.engine.problems.tabular.prepare import Prepared
from gyropilot.engine.problems.tabular.scoring import Judgement, Scoring
from gyropilot.engine.tuning import Pipeline

FOUND_BY_TRAINING = frozenset({"steps", "seed", "temperature"})
"""What a candidate's parameters hold besides its settings: no algorithm has settings of these names."""

ENSEMBLE = "weighted-ensemble"
RESULT = "result.json"
LATENCY_CALLS = 30
LIBRARIES = ("catboost", "fastai", "lightgbm", "numpy", "onnx", "optuna", "scikit-learn", "torch", "xgboost-cpu")

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

    def __init__(
        self,
        prepared: Prepared,
        data: TrainingData,
        folder: Path,
        objective: Metric,
        seed: int,
        pipeline: Pipeline | None = None,
    ) -> None:
        self._prepared = prepared
        self._pipeline = pipeline
        self._data = data
        self._folder = folder
        self._seed = seed
        self._check_features = np.array(data.features[list(prepared.check_rows)])
        self._scoring = Scoring(data, prepared.fold_count, len(prepared.classes), objective, seed)

    @property
    def groups(self) -> NDArray[np.uint8]:
        """(n,) groups of the rows that an ensemble may learn from; `HOLDOUT` for all others."""
        return self._scoring.groups

    def finish(self, trained: Trained) -> Finished:
        """Score and write a candidate whose folds are stored.

        Raises:
            BundleError: when its predictor does not repeat what its library says.
        """
        return self.publish(self.draft(trained))

    def draft(self, trained: Trained) -> Draft:
        """Return a candidate whose folds are stored."""
        plan = trained.plan
        checks = [np.load(f"{path}-check.npy", allow_pickle=False) for path in trained.paths]
        link = ALGORITHMS[plan.algorithm].abilities.link
        return Draft(
            id=plan.id,
            algorithm=plan.algorithm,
            parameters={**plan.parameters, "steps": trained.steps, "seed": plan.seed},
            predictions=read_predictions(trained, self._data),
            check=to_predictions(np.mean(checks, axis=0), self._prepared.problem_type, link),
            members=[self.member(plan.id, plan.algorithm, 1.0)],
            fit_seconds=trained.fit_seconds,
        )

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
        judgement = self._scoring.judge(draft.predictions)
        exponent = judgement.exponent
        parameters = draft.parameters | ({"temperature": round(1 / exponent, 6)} if exponent != 1 else {})
        encoder = self._find_encoder(draft.members)
        predictor = write_bundle(
            self._manifest(draft, parameters, encoder, judgement),
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
            pipeline=self._pipeline.name if self._pipeline else "",
            recipe=self._pipeline.recipe if self._pipeline else (),
            objective=judgement.scores[0],
            scores=judgement.scores,
            part_scores=judgement.part_scores,
            part_losses=judgement.part_losses,
            fit_seconds=draft.fit_seconds,
            latency_seconds=self._measure(predictor),
            node_visits=sum(part.visits for part in trees),
            tree_bytes=sum(part.memory_bytes for part in trees),
            size_bytes=sum(path.stat().st_size for path in (folder / "bundle").iterdir()),
            folder=folder / "bundle",
        )
        np.save(folder / "predictions.npy", draft.predictions, allow_pickle=False)
        np.save(folder / "check.npy", draft.check, allow_pickle=False)
        write_file(folder / RESULT, msgspec.json.encode(result, enc_hook=str))
        return Finished(result=result, predictions=draft.predictions, check=draft.check)

    def names(self) -> list[str]:
        """Return the names of the candidates that are finished, in order."""
        return sorted(path.parent.name for path in self._folder.glob(f"*/{RESULT}"))

    def recall(self, candidate: str) -> Finished | None:
        """Return a candidate that an earlier run of the same task finished, if it did."""
        folder = self._folder / candidate
        if not (folder / RESULT).exists():
            return None
        return Finished(
            result=recall_result(folder),
            predictions=np.load(folder / "predictions.npy", allow_pickle=False),
            check=np.load(folder / "check.npy", allow_pickle=False),
        )

    def _find_encoder(self, members: Sequence[Member]) -> TableEncoder:
        """Return the table's encoder, without derived columns when no member looks at one."""
        encoder = self._prepared.encoder
        plain = self._data.column_folds.count(PLAIN) or len(encoder.features)
        if any((part.feature >= plain).any() for part in _find_trees(members)):
            return encoder
        kept = len(encoder.derivations) - (len(encoder.features) - plain)
        return msgspec.structs.replace(encoder, derivations=encoder.derivations[:kept])

    def _manifest(
        self,
        draft: Draft,
        parameters: dict[str, Any],
        encoder: TableEncoder,
        judgement: Judgement,
    ) -> Manifest:
        prepared, decision = self._prepared, judgement.decision
        return Manifest(
            candidate=draft.id,
            algorithm=draft.algorithm,
            parameters=parameters,
            pipeline=self._pipeline.name if self._pipeline else "",
            recipe=self._pipeline.recipe if self._pipeline else (),
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
                for score in judgement.scores
            ),
            residual_quantiles=self._scoring.find_residual_quantiles(draft.predictions),
            provenance=Provenance(
                gyropilot=importlib.metadata.version("gyropilot"),
                libraries=_library_versions(),
                data=prepared.digest,
                rows=prepared.rows,
                seed=self._seed,
            ),
            baseline=prepared.baseline,
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


def recall_result(folder: Path) -> CandidateResult:
    """Return the record of a finished candidate, which lies in its folder."""
    content = (folder / RESULT).read_bytes()
    result = msgspec.json.decode(content, type=CandidateResult, dec_hook=lambda _, text: Path(text))
    return replace(result, folder=folder / "bundle")


def read_predictions(trained: Trained, data: TrainingData) -> Numbers:
    """Return what the stored models of the folds say of all rows that they were not trained on; of others, nothing."""
    raw = np.zeros((len(data.target), data.output_count))
    for fold, path in enumerate(trained.paths):
        raw[data.validation_rows(fold)] = np.load(f"{path}-validation.npy", allow_pickle=False)
    holdout = [np.load(f"{path}-holdout.npy", allow_pickle=False) for path in trained.paths]
    raw[data.validation_rows(HOLDOUT)] = np.mean(holdout, axis=0)
    return to_predictions(raw, data.problem_type, ALGORITHMS[trained.plan.algorithm].abilities.link)


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
