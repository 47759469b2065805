"""Understands the target: the problem type it asks for and its answers as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gyropilot.engine.data.columns import parse_numbers
from gyropilot.engine.errors import DataError
from gyropilot.engine.events import Finding, Severity
from gyropilot.engine.task import LabelType, ProblemType

MAX_CLASSES = 1000
BINARY = 2
FEWEST_OF_CLASS = 2
"""A class of fewer rows cannot be both learned from and judged."""
MANY_VALUES = 20
"""Whole numbers of more different values than this are amounts, of fewer are classes."""
MANY_VALUES_FRACTION = 0.05


@dataclass(frozen=True, kw_only=True)
class Target:
    """The answers of the rows that have one."""

    problem_type: ProblemType
    """Given or inferred."""
    classes: tuple[str, ...]
    """Labels as they are written in the data, in order; the last is the positive one of two. Empty for regression."""
    values: NDArray[np.float64]
    """Class numbers, or the amounts."""
    rows: NDArray[np.int64]
    """Which rows of the table have an answer."""
    findings: tuple[Finding, ...] = ()
    """What its owner should know."""


def understand_target(name: str, column: pa.ChunkedArray, problem_type: ProblemType | None) -> Target:
    """Return the target's answers, inferring the problem type when it is not given.

    Raises:
        DataError: when nothing can be learned: no answers, one class only, numbers asked for and none there.
    """
    present = _has_answer(column)
    filled = column.filter(present)
    if len(filled) == 0:
        raise DataError(f"The target {name!r} is empty in every row.")
    numbers = parse_numbers(filled)
    problem = problem_type or _infer(name, filled, numbers)
    rows = np.flatnonzero(present.to_numpy())
    missing = len(column) - len(rows)
    findings = [_find_left_out(f"{missing} rows have no target and were left out.")] if missing else []
    if problem is ProblemType.REGRESSION:
        return _regression(name, numbers, rows, findings)
    return _classification(name, filled, rows, problem_type, findings)


def encode_target(name: str, column: pa.ChunkedArray, known: Target) -> Target:
    """Return another table's answers in the terms of a known target.

    A label that the known target does not have gets a number beyond its classes, which no model predicts.
    """
    present = _has_answer(column)
    rows = np.flatnonzero(present.to_numpy())
    filled = column.filter(present)
    if known.problem_type is ProblemType.REGRESSION:
        numbers = parse_numbers(filled)
        if numbers is None:
            raise DataError(f"The target {name!r} holds words, which a regression cannot predict.")
        values = numbers.to_numpy().astype(np.float64)
        finite = np.isfinite(values)
        return replace(known, values=values[finite], rows=rows[finite], findings=())
    labels = filled if pa.types.is_string(filled.type) else _spell(filled)
    found = pc.index_in(labels, value_set=pa.array(known.classes))
    unseen = found.null_count
    values = pc.fill_null(found, len(known.classes)).to_numpy().astype(np.float64)
    finding = Finding(
        severity=Severity.MEDIUM,
        message=f"{unseen} rows have a class that the training data does not have.",
        remedy="Every model is wrong there: add rows of this class to the training data.",
    )
    return replace(known, values=values, rows=rows, findings=(finding,) if unseen else ())


def _find_left_out(message: str) -> Finding:
    return Finding(severity=Severity.MEDIUM, message=message, remedy="Fill the target in where it is known.")


def _has_answer(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which cells are answers: an infinite number is none, a label may be any word."""
    valid = pc.is_valid(column)
    return valid if pa.types.is_string(column.type) else pc.and_(valid, pc.fill_null(pc.is_finite(column), False))


def find_label_type(field: pa.Field, classes: Sequence[str]) -> LabelType:
    """Return what labels were before they became text: as their column says, or as they are written in a CSV file.

    Args:
        field: the target's field of a table as read.
        classes: the labels; none of a regression.
    """
    kind = (field.metadata or {}).get(b"type", b"").decode()
    if "string" in kind or not classes:
        return LabelType.TEXT
    if set(classes) <= {"True", "False"}:
        return LabelType.BOOLEAN
    if all(word.lstrip("-").isdecimal() and str(int(word)) == word for word in classes):
        return LabelType.NUMBER if kind.startswith(("double", "float", "halffloat", "decimal")) else LabelType.INTEGER
    return LabelType.NUMBER if all(map(_is_number, classes)) else LabelType.TEXT


def _is_number(word: str) -> bool:
    try:
        return word in {repr(float(word)), str(int(float(word)))}
    except (ValueError, OverflowError):
        return False


def _infer(name: str, filled: pa.ChunkedArray, numbers: pa.ChunkedArray | None) -> ProblemType:
    """Follow the rules of the specification: two values, words, fractions, then how many whole numbers."""
    distinct = pc.count_distinct(filled).as_py()
    if distinct == BINARY:
        return ProblemType.BINARY
    if numbers is None:
        if distinct > max(100, 0.1 * len(filled)):
            raise DataError(
                f"The problem type cannot be inferred: the target {name!r} has {distinct} different words in "
                f"{len(filled)} rows. State the problem type."
            )
        return ProblemType.MULTICLASS
    values = numbers.drop_null().to_numpy()
    if np.any(values != np.floor(values)):
        return ProblemType.REGRESSION
    few = distinct <= MANY_VALUES and distinct < MANY_VALUES_FRACTION * len(filled)
    return ProblemType.MULTICLASS if few else ProblemType.REGRESSION


def _regression(name: str, numbers: pa.ChunkedArray | None, rows: NDArray[np.int64], findings: list[Finding]) -> Target:
    if numbers is None:
        raise DataError(f"The target {name!r} holds words, which a regression cannot predict.")
    values = numbers.to_numpy().astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        findings.append(
            _find_left_out(f"{int((~finite).sum())} rows have a target that is not a finite number and were left out.")
        )
    values, rows = values[finite], rows[finite]
    if len(values) < 2 or np.all(values == values[0]):
        raise DataError(f"The target {name!r} has only one value; there is nothing to learn.")
    return Target(problem_type=ProblemType.REGRESSION, classes=(), values=values, rows=rows, findings=tuple(findings))


def _classification(
    name: str, filled: pa.ChunkedArray, rows: NDArray[np.int64], problem: ProblemType | None, findings: list[Finding]
) -> Target:
    labels = filled if pa.types.is_string(filled.type) else _spell(filled)
    encoded = labels.combine_chunks().dictionary_encode()
    numbers = encoded.indices.to_numpy()
    counts = np.bincount(numbers)
    kept = np.flatnonzero(counts >= FEWEST_OF_CLASS)
    words = [str(word) for word in encoded.dictionary.take(pa.array(kept)).to_pylist()]
    if len(words) < BINARY:
        only = f"one class only, {words[0]!r}" if words else f"no class of {FEWEST_OF_CLASS} rows"
        besides = " besides classes of a single row" if words and len(words) < len(counts) else ""
        raise DataError(f"The target {name!r} has {only}{besides}; at least two classes are needed, of two rows each.")
    if len(words) < len(counts):
        lone = encoded.dictionary[int(counts.argmin())].as_py()
        findings.append(
            Finding(
                severity=Severity.MEDIUM,
                message=f"{len(counts) - len(words)} classes have a single row, which cannot be both learned from and "
                f"judged; these rows were left out, such as that of {lone!r}.",
                remedy="Collect more rows of them, take them together, or mend them if they are misspelt.",
            )
        )
    if problem is ProblemType.BINARY and len(words) != BINARY:
        raise DataError(f"The target {name!r} has {len(words)} classes; a binary problem has two.")
    if len(words) > MAX_CLASSES:
        raise DataError(f"The target {name!r} has {len(words)} classes; at most {MAX_CLASSES} can be learned.")
    order = _order(words)
    position = np.full(len(counts), -1.0)
    position[kept[order]] = np.arange(len(words))
    values = position[numbers]
    return Target(
        problem_type=problem or (ProblemType.BINARY if len(words) == BINARY else ProblemType.MULTICLASS),
        classes=tuple(words[index] for index in order),
        values=values[values >= 0],
        rows=rows[values >= 0],
        findings=tuple(findings),
    )


def _spell(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write numeric labels as people do: whole numbers without a fraction."""
    values = numbers.to_numpy().tolist()
    words = [str(int(value)) if value.is_integer() else repr(value) for value in values]
    return pa.chunked_array([pa.array(words, pa.string())])


def _order(words: list[str]) -> list[int]:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return sorted(range(len(words)), key=lambda index: words[index])
    return sorted(range(len(words)), key=lambda index: (numbers[index], words[index]))
