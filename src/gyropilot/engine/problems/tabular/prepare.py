"""From tables as read to the matrices that the lanes share."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT, TrainingData
from gyropilot.engine.data.columns import ColumnProfile, parse_numbers, profile_columns
from gyropilot.engine.data.folds import assign_folds, count_folds, hold_out
from gyropilot.engine.data.read import RawTable
from gyropilot.engine.data.source import Source
from gyropilot.engine.data.store import write_training_data
from gyropilot.engine.data.target import Target, encode_target, find_label_type, understand_target
from gyropilot.engine.errors import DataError
from gyropilot.engine.features.encoders import Cell
from gyropilot.engine.features.fitting import encode_table, fit_table_encoder
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.task import ColumnKind, LabelType, ProblemType, Task

PREPARED = "prepared.json"
CHECK_ROWS = 1000
FEWEST_ROWS = 10
FEW_ROWS = 500
"""Below this AWS would refuse the data; here it is a finding."""


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
    findings: tuple[str, ...]
    check_rows: tuple[int, ...]
    """Rows whose predictions an exported model must repeat."""
    sample_row: tuple[Cell, ...]
    """One row's cells, on which latency is measured."""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows of one table that can be used."""

    table: pa.Table
    target: NDArray[np.float64]
    weights: NDArray[np.float64]


def prepare(source: Source, validation: Source | None, task: Task, folder: Path) -> Prepared:
    """Read and encode the data into `folder`, or return what an earlier run of the same task left there.

    Raises:
        DataError: when nothing can be learned from the data.
    """
    digests = [each.fingerprint() for each in (source, validation) if each is not None]
    key = hashlib.sha256(msgspec.json.encode([asdict(task), digests])).hexdigest()
    path = folder / PREPARED
    if path.exists():
        earlier = msgspec.json.decode(path.read_bytes(), type=Prepared)
        if earlier.key == key:
            return earlier
        raise DataError("The run's folder holds another run: its data or its task differ.")
    raw = source.read()
    prepared, data = _prepare_anew(raw, validation.read() if validation else None, task, key, digests[0])
    write_training_data(data, folder / "data")
    partial = folder / f"{PREPARED}.partial"
    partial.write_bytes(msgspec.json.encode(prepared))
    partial.replace(path)
    return prepared


def _prepare_anew(
    raw: RawTable, validation: RawTable | None, task: Task, key: str, digest: str
) -> tuple[Prepared, TrainingData]:
    names = raw.columns.column_names
    _check_columns(names, validation, task)
    target = understand_target(task.target, raw.columns.column(task.target), task.problem_type)
    findings = [*_find_skipped(raw), *target.findings]
    learned = _take_rows(raw.columns, target, task, findings)
    if len(learned.target) < FEWEST_ROWS:
        raise DataError(f"There are {len(learned.target)} rows with a target; at least {FEWEST_ROWS} are needed.")
    table = learned.table
    left_out = {task.target, task.weight_column}
    profiles = profile_columns(table.drop_columns([n for n in names if n in left_out]), task.column_kinds)
    encoder = fit_table_encoder(table, profiles)
    if not encoder.encoders:
        reasons = "; ".join(f"{profile.name!r}: {profile.left_out}" for profile in profiles[:5])
        raise DataError(f"No column can be learned from: {reasons or 'there is none besides the target'}.")
    features = encode_table(encoder, table)
    scored = None
    if validation is not None:
        scored = _take_validation_rows(validation, target, task, findings)
    data = _assemble(task, target, encoder, features, learned, scored)
    rows = int((data.folds != HOLDOUT).sum())
    findings += [*_find_left_out(profiles), *_find_few(rows)]
    random = np.random.default_rng(task.seed)
    check_rows = random.choice(len(data.target), min(CHECK_ROWS, len(data.target)), replace=False)
    prepared = Prepared(
        key=key,
        digest=digest,
        problem_type=target.problem_type,
        classes=target.classes,
        target=task.target,
        target_position=names.index(task.target),
        label_type=find_label_type(raw.columns.schema.field(task.target), target.classes),
        weight_position=names.index(task.weight_column) if task.weight_column else None,
        weight_column=task.weight_column,
        encoder=encoder,
        rows=rows,
        fold_count=int(data.folds[data.folds != HOLDOUT].max()) + 1,
        findings=tuple(findings),
        check_rows=tuple(sorted(check_rows.tolist())),
        sample_row=tuple(table.column(name)[0].as_py() for name in encoder.columns),
    )
    return prepared, data


def _check_columns(names: list[str], validation: RawTable | None, task: Task) -> None:
    if task.target not in names:
        raise DataError(f"Target attribute name {task.target} does not exist in header.")
    if task.weight_column and task.weight_column not in names:
        raise DataError(f"Sample weight attribute name {task.weight_column} does not exist in header.")
    if validation is not None:
        missing = [name for name in names if name not in validation.columns.column_names]
        if missing:
            raise DataError(f"The validation data lacks columns of the training data: {missing[:5]}.")


def _take_rows(table: pa.Table, target: Target, task: Task, findings: list[str]) -> _Rows:
    """Return the rows that have a target and a valid weight."""
    table = table if len(target.rows) == table.num_rows else table.take(target.rows)
    values = target.values
    if not task.weight_column:
        return _Rows(table=table, target=values, weights=np.ones(len(values)))
    numbers = parse_numbers(table.column(task.weight_column))
    if numbers is None:
        raise DataError(f"The weight column {task.weight_column!r} holds words; weights are numbers, at least 0.")
    weights = numbers.to_numpy().astype(np.float64)
    valid = np.isfinite(weights) & (weights >= 0)
    if not valid.all():
        findings.append(f"{int((~valid).sum())} rows have no valid weight and were left out.")
        table, values, weights = table.filter(pa.array(valid)), values[valid], weights[valid]
    if not weights.sum() > 0:
        raise DataError(f"No row has a weight above 0 in column {task.weight_column!r}.")
    return _Rows(table=table, target=values, weights=weights)


def _take_validation_rows(validation: RawTable, target: Target, task: Task, findings: list[str]) -> _Rows:
    """Return the validation rows; a label that was not there in training gets a number of its own, never predicted."""
    encoded = encode_target(task.target, validation.columns.column(task.target), target)
    findings += [f"Validation data: {finding}" for finding in (*_find_skipped(validation), *encoded.findings)]
    if not len(encoded.rows):
        raise DataError("The validation data has no row with a target.")
    return _take_rows(validation.columns, encoded, task, findings)


def _assemble(
    task: Task,
    target: Target,
    encoder: TableEncoder,
    features: NDArray[np.float32],
    learned: _Rows,
    scored: _Rows | None,
) -> TrainingData:
    """Put training rows and rows that are only scored together; borders and folds see the training rows alone."""
    is_held = np.zeros(len(features), dtype=bool)
    if task.validation_fraction is not None and scored is None:
        is_held = hold_out(learned.target, target.problem_type, task.validation_fraction, task.seed)
    borders = fit_borders(features[~is_held], seed=task.seed)
    folds = np.full(len(features), HOLDOUT, dtype=np.uint8)
    inside = learned.target[~is_held]
    folds[~is_held] = assign_folds(inside, target.problem_type, count_folds(len(inside)), task.seed)
    answers, weights = learned.target, learned.weights
    if scored is not None:
        features = np.concatenate([features, encode_table(encoder, scored.table)])
        answers = np.concatenate([answers, scored.target])
        weights = np.concatenate([weights, scored.weights])
        folds = np.concatenate([folds, np.full(len(scored.target), HOLDOUT, dtype=np.uint8)])
    return TrainingData(
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


def _find_skipped(raw: RawTable) -> list[str]:
    if not raw.skipped_rows:
        return []
    return [f"{raw.skipped_rows} malformed rows were left out, such as {raw.skipped_examples[0]}."]


def _find_left_out(profiles: list[ColumnProfile]) -> list[str]:
    return [
        f"Column {profile.name!r} is not learned from: {profile.left_out}." for profile in profiles if profile.left_out
    ] + [
        f"Column {profile.name!r} holds text; this version learns only from its length."
        for profile in profiles
        if profile.kind is ColumnKind.TEXT and not profile.left_out
    ]


def _find_few(rows: int) -> list[str]:
    if rows >= FEW_ROWS:
        return []
    return [f"There are only {rows} rows; scores of fewer than {FEW_ROWS} rows are uncertain."]
