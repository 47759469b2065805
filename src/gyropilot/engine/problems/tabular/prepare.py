"""From tables as read to the matrices that the lanes share."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT, TrainingData
from gyropilot.engine.data.columns import ColumnProfile, parse_numbers, profile_columns
from gyropilot.engine.data.findings import (
    count_repeated_rows,
    find_few,
    find_in_classes,
    find_in_columns,
    find_in_files,
    find_leaks,
    find_repeated_rows,
)
from gyropilot.engine.data.folds import count_folds, deal_for_ensembling, deal_for_tuning, hold_out, measure_haste
from gyropilot.engine.data.leaks import find_leaking_features
from gyropilot.engine.data.read import RawTable
from gyropilot.engine.data.source import Source
from gyropilot.engine.data.store import write_training_data
from gyropilot.engine.data.target import Target, encode_target, find_label_type, understand_target
from gyropilot.engine.errors import DataError
from gyropilot.engine.events import Finding, Severity
from gyropilot.engine.explain.baseline import Baseline, find_baseline
from gyropilot.engine.explore.sample import Facts, Sample, describe_columns, take_rows, write_sample
from gyropilot.engine.features.documents import read_document, write_document
from gyropilot.engine.features.encoders import Cell
from gyropilot.engine.features.fitting import encode_table, fit_table_encoder
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.problems.tabular.check_rows import add_check_rows
from gyropilot.engine.problems.tabular.enrich import enrich
from gyropilot.engine.problems.tabular.kept_rows import keep_rows
from gyropilot.engine.task import ColumnKind, LabelType, Mode, ProblemType, Task

PREPARED = "prepared.json"
ARRAYS = "prepared.npz"
SAMPLE = "sample"
"""The folder of the rows that can be looked at while models are trained."""
FEWEST_ROWS = 10


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run's data besides the matrices; stored, so that a resumed run need not read again."""

    key: str
    """Digest of data and task."""
    digest: str
    """Digest of the data."""
    problem_type: ProblemType
    classes: tuple[str, ...]
    target: str
    target_position: int
    label_type: LabelType
    weight_position: int | None
    weight_column: str
    encoder: TableEncoder
    rows: int
    """Rows that are learned from."""
    fold_count: int
    findings: tuple[Finding, ...]
    check_rows: tuple[int, ...]
    """Rows whose predictions an exported model must repeat."""
    sample_row: tuple[Cell, ...]
    """One row's cells, on which latency is measured."""
    seed: int
    """Where randomness began."""
    baseline: Baseline
    """Typical rows that explanations compare with."""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows of one table that can be used."""

    table: pa.Table
    target: NDArray[np.float64]
    weights: NDArray[np.float64]


def prepare(
    source: Source, validation: Source | None, task: Task, folder: Path, core_seconds: float = float("inf")
) -> Prepared:
    """Read and encode the data into `folder`, or return what an earlier run of the same task left there.

    Args:
        source: rows to learn from.
        validation: rows to score on, if they are given apart.
        task: what is to be learned.
        folder: the run's.
        core_seconds: the time of the run, in seconds of all cores together.

    Raises:
        DataError: when nothing can be learned from the data.
    """
    digests = [each.fingerprint() for each in (source, validation) if each is not None]
    key = hashlib.sha256(msgspec.json.encode([asdict(task), digests])).hexdigest()
    path = folder / PREPARED
    if path.exists():
        earlier = read_prepared(folder)
        if earlier.key == key:
            return earlier
        raise DataError("The run's folder holds another run: its data or its task differ.")
    prepared, data = _prepare_anew(source, validation, task, folder, key, digests[0], core_seconds)
    write_training_data(data, folder / "data")
    write_document(prepared, path, folder / ARRAYS)
    return prepared


def read_prepared(folder: Path) -> Prepared:
    """Return what `prepare` left in a run's folder."""
    return read_document((folder / PREPARED).read_bytes(), folder / ARRAYS, Prepared)


def _prepare_anew(
    source: Source, validation: Source | None, task: Task, folder: Path, key: str, digest: str, core_seconds: float
) -> tuple[Prepared, TrainingData]:
    raw = source.read(_find_words(task))
    names = raw.columns.column_names
    _check_columns(names, task)
    looked_at, rows_read = take_rows(raw.columns, task.seed), raw.columns.num_rows
    missing_targets = raw.columns.column(task.target).null_count
    kinds = raw.columns.schema
    findings = find_in_files(raw)
    table, weights = _weigh_rows(raw.columns, task, findings)
    target = understand_target(task.target, table.column(task.target), task.problem_type)
    findings += target.findings
    learned = _take_rows(table, weights, target)
    del raw, table  # the rows that can be used may be a copy
    if len(learned.target) < FEWEST_ROWS:
        raise DataError(f"There are {len(learned.target)} rows with a target; at least {FEWEST_ROWS} are needed.")
    table = learned.table
    left_out = {task.target, *([task.weight_column] if task.weight_column else [])}  # a column may have no name
    profiles = profile_columns(
        table.drop_columns([n for n in names if n in left_out]), task.column_kinds, set(task.features)
    )
    encoder = fit_table_encoder(table, profiles)
    if not encoder.encoders:
        reasons = "; ".join(f"{profile.name!r}: {profile.left_out}" for profile in profiles[:5])
        raise DataError(f"No column can be learned from: {reasons or 'there is none besides the target'}.")
    features = encode_table(encoder, table)
    scored = None
    if validation is not None:
        # What is text in the training data stays text: the same code must not be "007" here and 7 there.
        words = [name for name in names if pa.types.is_string(kinds.field(name).type)]
        scored = _take_validation_rows(validation.read(words), names, target, task, findings)
    data, fold_count = _assemble(task, target, encoder, features, learned, scored, core_seconds)
    rows = int((data.folds != HOLDOUT).sum())
    found, copies = _inspect(task, table, profiles, encoder, target, data)
    findings += found
    facts = Facts(
        rows=rows_read,
        learned_rows=table.num_rows,
        target=task.target,
        weight_column=task.weight_column,
        problem_type=target.problem_type,
        classes=target.classes,
        missing_targets=missing_targets,
        repeated_rows=copies,
        columns=describe_columns(table, profiles),
        findings=tuple(findings),
        seed=task.seed,
    )
    write_sample(Sample(table=looked_at, facts=facts), folder / SAMPLE)
    if task.mode is not Mode.HYPERPARAMETER_TUNING:  # which has its recipes
        encoder, data = enrich(encoder, data, fold_count, task.seed)
    data, check_rows = add_check_rows(data, task.seed)
    keep_rows([learned.table, *([scored.table] if scored is not None else [])], data.folds, task.seed, folder)
    prepared = Prepared(
        key=key,
        digest=digest,
        problem_type=target.problem_type,
        classes=target.classes,
        target=task.target,
        target_position=names.index(task.target),
        label_type=find_label_type(kinds.field(task.target), target.classes),
        weight_position=names.index(task.weight_column) if task.weight_column else None,
        weight_column=task.weight_column,
        encoder=encoder,
        rows=rows,
        fold_count=fold_count,
        findings=tuple(findings),
        check_rows=check_rows,
        sample_row=tuple(table.column(name)[0].as_py() for name in encoder.columns),
        seed=task.seed,
        baseline=find_baseline(encoder, data.features, np.flatnonzero(data.folds != HOLDOUT), task.seed),
    )
    return prepared, data


def _find_words(task: Task) -> set[str]:
    """Return the columns that must stay as they are written: labels, and what is said to be no numbers."""
    return {task.target, *(name for name, kind in task.column_kinds.items() if kind is not ColumnKind.NUMERIC)}


def _check_columns(names: list[str], task: Task) -> None:
    if task.target not in names:
        raise DataError(f"Target attribute name {task.target} does not exist in header.")
    if task.weight_column and task.weight_column not in names:
        raise DataError(f"Sample weight attribute name {task.weight_column} does not exist in header.")
    unknown = [name for name in (*task.features, *task.column_kinds) if name not in set(names)]
    if unknown:
        raise DataError(f"Features are named that are not in the header: {unknown[:5]}.")


def _weigh_rows(table: pa.Table, task: Task, findings: list[Finding]) -> tuple[pa.Table, NDArray[np.float64]]:
    """Return the rows that have a valid weight, and their weights."""
    if not task.weight_column:
        return table, np.ones(table.num_rows)
    numbers = parse_numbers(table.column(task.weight_column))
    if numbers is None:
        raise DataError(f"The weight column {task.weight_column!r} holds words; weights are numbers, at least 0.")
    weights = numbers.to_numpy().astype(np.float64)
    valid = np.isfinite(weights) & (weights >= 0)
    if not valid.all():
        findings.append(
            Finding(
                severity=Severity.MEDIUM,
                message=f"{int((~valid).sum())} rows have no valid weight and were left out.",
                remedy="A weight is a number, at least 0.",
            )
        )
        table, weights = table.filter(pa.array(valid)), weights[valid]
    if not weights.sum() > 0:
        raise DataError(f"No row has a weight above 0 in column {task.weight_column!r}.")
    return table, weights


def _take_rows(table: pa.Table, weights: NDArray[np.float64], target: Target) -> _Rows:
    """Return the rows that have a target."""
    if len(target.rows) < table.num_rows:
        mask = np.zeros(table.num_rows, dtype=bool)
        mask[target.rows] = True
        table, weights = table.filter(pa.array(mask)), weights[mask]
    return _Rows(table=table, target=target.values, weights=weights)


def _take_validation_rows(
    validation: RawTable, names: list[str], target: Target, task: Task, findings: list[Finding]
) -> _Rows:
    """Return the validation rows; a label that was not there in training gets a number of its own, never predicted."""
    missing = [name for name in names if name not in validation.columns.column_names]
    if missing:
        raise DataError(f"The validation data lacks columns of the training data: {missing[:5]}.")
    own: list[Finding] = []
    table, weights = _weigh_rows(validation.columns, task, own)
    encoded = encode_target(task.target, table.column(task.target), target)
    findings += [
        replace(finding, message=f"Validation data: {finding.message}")
        for finding in (*find_in_files(validation), *own, *encoded.findings)
    ]
    if not len(encoded.rows):
        raise DataError("The validation data has no row with a target.")
    return _take_rows(table, weights, encoded)


def _assemble(
    task: Task,
    target: Target,
    encoder: TableEncoder,
    features: NDArray[np.float32],
    learned: _Rows,
    scored: _Rows | None,
    core_seconds: float,
) -> tuple[TrainingData, int]:
    """Put training rows and rows that are only scored together; borders and folds see the training rows alone.

    Also returns how many of the folds are trained.
    """
    is_held = np.zeros(len(features), dtype=bool)
    if task.validation_fraction is not None and scored is None:
        is_held = hold_out(learned.target, target.problem_type, task.validation_fraction, task.seed)
    borders = fit_borders(features[~is_held], seed=task.seed)
    folds = np.full(len(features), HOLDOUT, dtype=np.uint8)
    inside = learned.target[~is_held]
    if task.mode is Mode.HYPERPARAMETER_TUNING:
        has_others = scored is not None or bool(is_held.any())
        folds[~is_held], fold_count = deal_for_tuning(
            inside, target.problem_type, task.seed, is_scored_elsewhere=has_others
        )
    else:
        outputs = len(target.classes) if target.problem_type is ProblemType.MULTICLASS else 1
        haste = measure_haste(len(inside), features.shape[1], outputs, core_seconds)
        fold_count = count_folds(len(inside), haste)
        folds[~is_held] = deal_for_ensembling(inside, target.problem_type, fold_count, task.seed)
    answers, weights = learned.target, learned.weights
    if scored is not None:
        features = np.concatenate([features, encode_table(encoder, scored.table)])
        answers = np.concatenate([answers, scored.target])
        weights = np.concatenate([weights, scored.weights])
        folds = np.concatenate([folds, np.full(len(scored.target), HOLDOUT, dtype=np.uint8)])
    data = TrainingData(
        problem_type=target.problem_type,
        class_count=len(target.classes),
        features=features,
        codes=quantise(features, borders),
        borders=borders,
        levels=tuple(feature.levels for feature in encoder.features),
        target=answers,
        weights=weights,
        folds=folds,
    )
    return data, fold_count


def _inspect(
    task: Task,
    table: pa.Table,
    profiles: list[ColumnProfile],
    encoder: TableEncoder,
    target: Target,
    data: TrainingData,
) -> tuple[list[Finding], int]:
    """Return what the data's owner should know, of the rows that are learned from, and how many of them are copies."""
    inside = np.flatnonzero(data.folds != HOLDOUT)
    answers = data.target[inside]
    leaks = find_leaking_features(
        [feature.name for feature in encoder.features],
        data.codes[inside],
        answers,
        is_classification=target.problem_type.is_classification,
        seed=task.seed,
    )
    copies, against = count_repeated_rows(table, profiles, data.target[: table.num_rows])
    findings = [
        *find_leaks(leaks),
        *find_in_classes(target.classes, answers, int(data.folds[inside].max()) + 1),
        *find_repeated_rows(copies, against, table.num_rows),
        *find_in_columns(table, profiles),
        *find_few(len(inside)),
    ]
    return findings, copies
