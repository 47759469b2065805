"""Explores a table: the one entry to this folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.data.columns import parse_numbers
from gyropilot.engine.explore.figures import (
    Cells,
    ColumnFigures,
    Exploration,
    Relation,
    TargetFigures,
)
from gyropilot.engine.explore.findings import (
    find_alike,
    find_disguised,
    find_idle,
    find_in_target,
    find_unusual,
)
from gyropilot.engine.explore.power import Answers, measure_power, pose_answers
from gyropilot.engine.explore.readings import Reading, count_words, read_column, write_cell
from gyropilot.engine.explore.rows import correlate, describe_anomalies, find_duplicates, score_anomalies
from gyropilot.engine.explore.sample import Facts, Sample, read_sample
from gyropilot.engine.explore.statistics import count_in_bins, find_outliers, relate, summarise
from gyropilot.engine.task import ColumnKind, ProblemType

EXCERPT_ROWS = 10
RELATIONS = 6
"""The answer is shown along so many columns, those of most prediction power."""
FREQUENT = 12
CLASSES_SHOWN = 8
CORRELATED = 30
"""The matrix has so many columns at most: those that are most correlated with any other."""
OUTLIERS_SHOWN = 10

Numbers = NDArray[np.float64]


def explore(folder: Path) -> Exploration:
    """Return what there is to know of a table, of whose rows a run has kept a sample.

    Args:
        folder: where the sample is: `sample` in the run's folder.

    Raises:
        OSError: when there is none.
    """
    sample = read_sample(folder)
    facts, table = sample.facts, sample.table
    values, labels = _read_answers(facts, table.column(facts.target))
    answers = pose_answers(values, is_classification=facts.problem_type.is_classification, seed=facts.seed)
    readings = [read_column(each, table.column(each.name)) for each in facts.columns]
    learned = [reading for reading in readings if not reading.facts.left_out]
    target = _look_at_target(facts, values, labels)
    columns = _look_at_columns(facts, readings, answers, len(target.shown_classes) or 1)
    names, correlations = _look_at_correlations(learned, values, target)
    scores = score_anomalies(learned, facts.seed)
    duplicates = find_duplicates(table)
    anomalies = () if scores is None else describe_anomalies(scores, learned)
    anomalous = 0 if scores is None else int((scores < 0).sum())
    named = {each.row for each in duplicates} | {each.row for each in anomalies} | set(target.outliers)
    return Exploration(
        rows=facts.rows,
        sampled_rows=table.num_rows,
        power_rows=len(answers),
        repeated_rows=facts.repeated_rows,
        target=target,
        columns=columns,
        findings=(
            *facts.findings,
            *find_idle(columns),
            *find_in_target(target),
            *find_alike(names, correlations),
            *find_disguised(learned),
            *find_unusual(anomalous, table.num_rows),
        ),
        header=tuple(table.column_names),
        excerpt=_take(table, _draw(sample)),
        shown_rows=dict(zip(sorted(named), _take(table, sorted(named)), strict=True)),
        duplicates=duplicates,
        correlated=names,
        correlations=tuple(
            tuple(None if cell != cell else round(cell, 4) for cell in row) for row in correlations.tolist()
        ),
        anomalies=anomalies,
        anomaly_scores=None if scores is None else count_in_bins(scores),
        anomalous_rows=anomalous,
    )


def _read_answers(facts: Facts, column: pa.ChunkedArray) -> tuple[Numbers, list[str]]:
    """Return (n,) class numbers or amounts, NaN where there is no answer, and the labels as written."""
    if facts.problem_type is ProblemType.REGRESSION:
        numbers = parse_numbers(column)
        assert numbers is not None  # a regression of words is refused before
        values = np.array(numbers.to_numpy(), dtype=np.float64)
        values[~np.isfinite(values)] = np.nan
        return values, []
    place = {label: number for number, label in enumerate(facts.classes)}
    labels = [write_cell(cell) for cell in column.to_pylist()]
    return np.array([place.get(label, np.nan) for label in labels], dtype=np.float64), labels


def _look_at_target(facts: Facts, values: Numbers, labels: Sequence[str]) -> TargetFigures:
    is_classification = facts.problem_type.is_classification
    counts = np.bincount(values[~np.isnan(values)].astype(np.int64), minlength=len(facts.classes)) if labels else ()
    order = np.argsort(-np.asarray(counts), kind="stable").tolist() if labels else []
    shown = [facts.classes[index] for index in order[:CLASSES_SHOWN]]
    extreme = np.flatnonzero(find_outliers(values)) if not is_classification else np.empty(0, dtype=np.int64)
    middle = np.nanmedian(values)
    extreme = extreme[np.argsort(-np.abs(values[extreme] - middle), kind="stable")[:OUTLIERS_SHOWN]]
    return TargetFigures(
        name=facts.target,
        problem_type=facts.problem_type,
        missing=facts.missing_targets,
        invalid=facts.rows - facts.learned_rows - facts.missing_targets,
        distinct=len(facts.classes) if is_classification else len(np.unique(values[~np.isnan(values)])),
        shown_classes=tuple(facts.classes[1:] if len(facts.classes) == 2 else shown),
        labels=tuple((facts.classes[index], int(counts[index])) for index in order),
        statistics=None if is_classification else summarise(values),
        histogram=None if is_classification else count_in_bins(values),
        outliers=tuple(extreme.tolist()),
    )


def _look_at_columns(
    facts: Facts, readings: Sequence[Reading], answers: Answers, shown: int
) -> tuple[ColumnFigures, ...]:
    powers = [None if each.facts.left_out else measure_power(each, answers) for each in readings]
    best = sorted((index for index, power in enumerate(powers) if power), key=lambda index: -(powers[index] or 0))
    return tuple(
        _look_at_column(facts, each, power, relate(each, answers, shown) if index in best[:RELATIONS] else None)
        for index, (each, power) in enumerate(zip(readings, powers, strict=True))
    )


def _look_at_column(facts: Facts, reading: Reading, power: float | None, relation: Relation | None) -> ColumnFigures:
    about, numbers = reading.facts, reading.numbers
    counts = np.bincount(reading.places[reading.places >= 0]) if reading.places is not None else np.empty(0)
    distinct = len(reading.categories)
    if about.kind is ColumnKind.TEXT:
        distinct = count_words(reading.cells.cast(pa.string()))
    elif numbers is not None:
        distinct = len(np.unique(numbers[~np.isnan(numbers)]))
    return ColumnFigures(
        name=about.name,
        kind=about.kind,
        left_out=about.left_out,
        missing=about.missing,
        missing_share=about.missing / facts.learned_rows,
        distinct=distinct,
        power=power,
        statistics=summarise(numbers) if numbers is not None and about.kind is ColumnKind.NUMERIC else None,
        histogram=None if numbers is None else count_in_bins(numbers),
        frequent=tuple(zip(reading.categories[:FREQUENT], map(int, counts[:FREQUENT]), strict=True)),
        relation=relation,
    )


def _look_at_correlations(
    learned: Sequence[Reading], values: Numbers, target: TargetFigures
) -> tuple[tuple[str, ...], Numbers]:
    """Return the correlations of columns of numbers, and of a target of amounts or of two classes."""
    chosen = [
        (each.facts.name, each.numbers)
        for each in learned
        if each.numbers is not None and each.facts.kind is ColumnKind.NUMERIC
    ]
    if target.problem_type is not ProblemType.MULTICLASS:
        chosen.append((target.name, values))
    if len(chosen) < 2:
        return (), np.empty((0, 0))
    found = correlate([numbers for _, numbers in chosen])
    strongest = np.abs(np.nan_to_num(found - np.eye(len(found)))).max(axis=0)
    kept = np.sort(np.argsort(-strongest, kind="stable")[:CORRELATED])
    return tuple(chosen[index][0] for index in kept), found[np.ix_(kept, kept)]


def _draw(sample: Sample) -> list[int]:
    rows = np.random.default_rng(sample.facts.seed).permutation(sample.table.num_rows)[:EXCERPT_ROWS]
    return sorted(rows.tolist())


def _take(table: pa.Table, rows: Sequence[int]) -> tuple[Cells, ...]:
    columns = [table.column(index).take(pa.array(rows, pa.int64())).to_pylist() for index in range(table.num_columns)]
    return tuple(zip(*columns, strict=True))
