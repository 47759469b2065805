"""From a table as read to the matrices that the lanes share."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np

from gyropilot.engine.contracts import TrainingData
from gyropilot.engine.data.columns import ColumnProfile, profile_columns
from gyropilot.engine.data.folds import assign_folds, count_folds
from gyropilot.engine.data.read import RawTable
from gyropilot.engine.data.source import Source
from gyropilot.engine.data.store import write_training_data
from gyropilot.engine.data.target import understand_target
from gyropilot.engine.errors import DataError
from gyropilot.engine.features.encoders import Cell
from gyropilot.engine.features.fitting import encode_table, fit_table_encoder
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.task import ProblemType, Task

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
    encoder: TableEncoder
    rows: int
    fold_count: int
    findings: tuple[str, ...]
    check_rows: tuple[int, ...]
    """Rows whose predictions an exported model must repeat."""
    sample_row: tuple[Cell, ...]
    """One row's cells, on which latency is measured."""


def prepare(source: Source, task: Task, folder: Path) -> Prepared:
    """Read and encode the data into `folder`, or return what an earlier run of the same task left there.

    Raises:
        DataError: when nothing can be learned from the data.
    """
    digest = source.fingerprint()
    settings = msgspec.json.encode([asdict(task), digest])
    key = _digest(settings)
    path = folder / PREPARED
    if path.exists():
        earlier = msgspec.json.decode(path.read_bytes(), type=Prepared)
        if earlier.key == key:
            return earlier
        raise DataError("The run's folder holds another run: its data or its task differ.")
    prepared, data = _prepare_anew(source.read(), task, key, digest)
    write_training_data(data, folder / "data")
    partial = folder / f"{PREPARED}.partial"
    partial.write_bytes(msgspec.json.encode(prepared))
    partial.replace(path)
    return prepared


def _prepare_anew(raw: RawTable, task: Task, key: str, digest: str) -> tuple[Prepared, TrainingData]:
    names = raw.columns.column_names
    if task.target not in names:
        raise DataError(f"Target attribute name {task.target} does not exist in header.")
    target = understand_target(task.target, raw.columns.column(task.target), task.problem_type)
    if len(target.rows) < FEWEST_ROWS:
        raise DataError(f"There are {len(target.rows)} rows with a target; at least {FEWEST_ROWS} are needed.")
    table = raw.columns if len(target.rows) == raw.columns.num_rows else raw.columns.take(target.rows)
    profiles = profile_columns(table, task.target, task.column_kinds)
    encoder = fit_table_encoder(table, profiles)
    if not encoder.encoders:
        reasons = "; ".join(f"{profile.name!r}: {profile.left_out}" for profile in profiles[:5])
        raise DataError(f"No column can be learned from: {reasons or 'there is none besides the target'}.")
    features = encode_table(encoder, table)
    borders = fit_borders(features, seed=task.seed)
    fold_count = count_folds(len(features))
    data = TrainingData(
        problem_type=target.problem_type,
        class_count=len(target.classes),
        features=features,
        codes=quantise(features, borders),
        borders=borders,
        levels=tuple(feature.levels for feature in encoder.features),
        target=target.values,
        folds=assign_folds(target.values, target.problem_type, fold_count, task.seed),
    )
    random = np.random.default_rng(task.seed)
    check_rows = random.choice(len(features), min(CHECK_ROWS, len(features)), replace=False)
    prepared = Prepared(
        key=key,
        digest=digest,
        problem_type=target.problem_type,
        classes=target.classes,
        target=task.target,
        target_position=names.index(task.target),
        encoder=encoder,
        rows=len(features),
        fold_count=fold_count,
        findings=(*_find_skipped(raw), *target.findings, *_find_left_out(profiles), *_find_few(len(features))),
        check_rows=tuple(sorted(check_rows.tolist())),
        sample_row=tuple(table.column(name)[0].as_py() for name in encoder.columns),
    )
    return prepared, data


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
        if profile.kind == "text" and not profile.left_out
    ]


def _find_few(rows: int) -> list[str]:
    if rows >= FEW_ROWS:
        return []
    return [f"There are only {rows} rows; scores of fewer than {FEW_ROWS} rows are uncertain."]


def _digest(content: bytes) -> str:

    return hashlib.sha256(content).hexdigest()
