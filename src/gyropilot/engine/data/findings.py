"""What the owner of a table should know about it: one stated rule and one sentence each. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gyropilot.engine.data.columns import (
    CONSTANT,
    EMPTY,
    NAMES_ROWS,
    NOT_CHOSEN,
    OWN_VALUES,
    REPEATS,
    ColumnProfile,
    find_words,
)
from gyropilot.engine.data.read import RawTable
from gyropilot.engine.events import Finding, Severity
from gyropilot.engine.task import ColumnKind

NAMES = 10
"""A finding names so many columns or classes and counts the others."""
FEW_ROWS = 500
"""Below this AWS would refuse the data; here it is a finding."""
FREQUENT_CLASS = 0.95
"""A class of more rows than this share makes accuracy say little."""
MISSING = 0.5
"""Columns in which more than this share of the cells is missing are named."""
MANY_ROWS = 0.05
"""Rows that are equal matter more when they are more than this share of all."""
LARGEST = 3.0e38
"""Greater numbers, infinities too, do not fit single precision; the encoders take them for missing."""

_NAMED = "If its cells mean more than the row's name, state its kind: it is learned from then."
_REMEDIES = {
    EMPTY: "Fill it in where the values are known, or leave it out.",
    CONSTANT: "Nothing need be done.",
    OWN_VALUES: _NAMED,
    NAMES_ROWS: _NAMED,
    REPEATS: "Nothing need be done.",
    NOT_CHOSEN: "Nothing need be done.",
}

Numbers = NDArray[np.float64]
Hashes = NDArray[np.uint64]


def find_in_files(raw: RawTable) -> list[Finding]:
    """Tell of malformed rows, and of files that were read without a header."""
    findings = []
    if raw.skipped_rows:
        examples = "; ".join(raw.skipped_examples)
        findings.append(
            Finding(
                severity=Severity.MEDIUM,
                message=f"{raw.skipped_rows} malformed rows were left out, such as {examples}.",
                remedy="Give these rows as many cells as the header has.",
            )
        )
    if raw.files_without_header:
        findings.append(
            Finding(
                severity=Severity.LOW,
                message=f"{_are(len(raw.files_without_header), 'file')} read without a header, as only the first file "
                f"has it: {name_some(raw.files_without_header)}.",
                remedy="If a first row is missing now, give every file the header.",
            )
        )
    return findings


def find_leaks(leaks: Sequence[tuple[str, float]]) -> list[Finding]:
    """Tell of features that alone give the target away, with the share of the error of guessing that each removes."""
    if not leaks:
        return []
    listed = list_some([f"{name!r} ({share:.1%})" for name, share in leaks])
    return [
        Finding(
            severity=Severity.HIGH,
            message=f"{_are(len(leaks), 'feature')} alone enough to tell the target, by the share of the error of "
            f"guessing that is gone: {listed}.",
            remedy="Leave out what is not known before the answer is.",
        )
    ]


def find_in_classes(classes: Sequence[str], answers: Numbers, folds: int) -> list[Finding]:
    """Tell of classes too rare to be in every fold, and of one that outnumbers all others.

    Args:
        classes: the labels; none for a regression.
        answers: (n,) class numbers of the rows that are learned from.
        folds: how many there are.
    """
    if not classes:
        return []
    counts = np.bincount(answers.astype(np.int64), minlength=len(classes))
    findings = []
    rare = [classes[index] for index in np.flatnonzero(counts < folds).tolist()]
    if rare:
        findings.append(
            Finding(
                severity=Severity.MEDIUM,
                message=f"{len(rare)} classes have fewer rows than there are folds ({folds}) and will be hard to tell: "
                f"{name_some(rare)}.",
                remedy="Collect more rows of them, or take them together.",
            )
        )
    share = counts.max() / counts.sum()
    if share > FREQUENT_CLASS:
        findings.append(
            Finding(
                severity=Severity.MEDIUM,
                message=f"{share:.1%} of the rows have the class {classes[int(counts.argmax())]!r}: a model that "
                "always says so is nearly always right.",
                remedy="Rank candidates by F1, AUC or balanced accuracy, not by accuracy.",
            )
        )
    return findings


def count_repeated_rows(table: pa.Table, profiles: Sequence[ColumnProfile], answers: Numbers) -> tuple[int, int]:
    """Return how many rows are equal in all that is learned from: to an earlier one in the answer, too; not in it."""
    learned = [table.column(profile.name) for profile in profiles if not profile.left_out]
    features = hash_rows(learned, table.num_rows)
    whole = _mix(features, answers.view(np.uint64))
    different, group, sizes = np.unique(features, return_inverse=True, return_counts=True)
    first = np.unique(whole, return_index=True)[1]
    answers_of_group = np.bincount(group[first], minlength=len(different))
    return len(whole) - len(first), int(sizes[answers_of_group > 1].sum())


def find_repeated_rows(copies: int, against: int, rows: int) -> list[Finding]:
    """Tell of rows that are equal in every column that is learned from, with the same answer or with another one."""
    findings = []
    if copies:
        findings.append(
            Finding(
                severity=Severity.MEDIUM if copies > MANY_ROWS * rows else Severity.LOW,
                message=f"{_are(copies, 'row')} equal to an earlier one ({copies / rows:.1%}), with the same answer.",
                remedy="Remove them if they are copies and no observations of their own: they make scores look better "
                "than they are.",
            )
        )
    if against:
        findings.append(
            Finding(
                severity=Severity.MEDIUM if against > MANY_ROWS * rows else Severity.LOW,
                message=f"{_are(against, 'row')} equal to another one in all features ({against / rows:.1%}) but "
                "not in the answer: no model can be right for all of them.",
                remedy="Add features that tell them apart.",
            )
        )
    return findings


def find_in_columns(table: pa.Table, profiles: Sequence[ColumnProfile]) -> list[Finding]:
    """Tell of what counts as missing, and of columns that are not learned from."""
    learned = [profile for profile in profiles if not profile.left_out]
    findings = [*_find_words(table, learned), *_find_infinite(table, learned)]
    sparse = [each.name for each in learned if table.column(each.name).null_count > MISSING * table.num_rows]
    if sparse:
        findings.append(
            Finding(
                severity=Severity.LOW,
                message=f"{_are(len(sparse), 'column')} empty in more than {MISSING:.0%} of the rows: "
                f"{name_some(sparse)}.",
                remedy="That a cell is missing may tell something, so they are learned from; fill them in where the "
                "values are known.",
            )
        )
    return [*findings, *_find_left_out(profiles)]


def find_few(rows: int) -> list[Finding]:
    """Tell of a table so small that its scores are uncertain."""
    if rows >= FEW_ROWS:
        return []
    return [
        Finding(
            severity=Severity.MEDIUM,
            message=f"There are only {rows} rows; scores of fewer than {FEW_ROWS} rows are uncertain.",
            remedy="Collect more rows if the scores are to be relied on.",
        )
    ]


def _find_words(table: pa.Table, learned: Sequence[ColumnProfile]) -> list[Finding]:
    found = []
    for profile in learned:
        column = table.column(profile.name)
        if profile.kind is ColumnKind.NUMERIC and not profile.is_decorated and pa.types.is_string(column.type):
            words = find_words(column)
            if len(words):
                found.append(f"{profile.name!r} ({len(words)}, such as {words[0].as_py()!r})")
    if not found:
        return []
    return [
        Finding(
            severity=Severity.LOW,
            message=f"Words among numbers count as missing, in {list_some(found)}.",
            remedy="Leave such cells empty, or write them as numbers.",
        )
    ]


def _find_infinite(table: pa.Table, learned: Sequence[ColumnProfile]) -> list[Finding]:
    found = []
    for profile in learned:
        column = table.column(profile.name)
        if pa.types.is_floating(column.type):
            extremes = pc.min_max(column).as_py()
            if max(-extremes["min"], extremes["max"]) >= LARGEST:
                found.append(f"{profile.name!r} ({pc.sum(pc.greater_equal(pc.abs(column), LARGEST)).as_py()})")
    if not found:
        return []
    return [
        Finding(
            severity=Severity.LOW,
            message=f"Infinite numbers, and those beyond {LARGEST:g}, count as missing, in {list_some(found)}.",
            remedy="Give them finite values if they mean more than that.",
        )
    ]


def _find_left_out(profiles: Sequence[ColumnProfile]) -> list[Finding]:
    """Tell which columns are not learned from, by reason in the order of their first columns."""
    reasons: dict[str, list[str]] = {}
    for profile in profiles:
        if profile.left_out:
            name = f"{profile.name!r} ({profile.repeats!r})" if profile.left_out == REPEATS else repr(profile.name)
            reasons.setdefault(profile.left_out, []).append(name)
    return [
        Finding(
            severity=Severity.LOW,
            message=f"{_are(len(names), 'column')} not learned from, {'each ' * (len(names) > 1)}because {reason}: "
            f"{list_some(names)}.",
            remedy=_REMEDIES[reason],
        )
        for reason, names in reasons.items()
    ]


def name_some(names: Sequence[str]) -> str:
    """Return names in quotation marks, the first of them and how many more there are."""
    return list_some([repr(name) for name in names])


def list_some(words: Sequence[str]) -> str:
    """Return the first words of a list, and how many more there are."""
    more = f" and {len(words) - NAMES} more" if len(words) > NAMES else ""
    return ", ".join(words[:NAMES]) + more


def _are(count: int, noun: str) -> str:
    return f"1 {noun} is" if count == 1 else f"{count} {noun}s are"


def hash_rows(columns: Sequence[pa.ChunkedArray], rows: int) -> Hashes:
    """Return a number for each row by which equal rows are found, of whatever columns."""
    hashes = np.zeros(rows, dtype=np.uint64)
    for column in columns:
        if pa.types.is_floating(column.type):
            values = column.to_numpy().astype(np.float64) + 0.0  # a negative zero is a zero
        else:
            encoded = column.combine_chunks().dictionary_encode()
            values = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.float64)
        hashes = _mix(hashes, values.view(np.uint64))
    return hashes


def _mix(hashes: Hashes, values: Hashes) -> Hashes:
    """Return hashes that depend on both (the finaliser of SplitMix64, by Steele, Lea and Flood 2014)."""
    mixed = hashes * np.uint64(31) + values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Hashes = mixed ^ (mixed >> np.uint64(31))
    return result
