"""Everything that is known of a candidate's quality, and its document as SageMaker Model Monitor writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.quality.curves import (
    BinaryCurves,
    Calibration,
    Residuals,
    calibrate,
    draw_binary,
    draw_residuals,
)
from gyropilot.engine.quality.evidence import Evidence, Numbers
from gyropilot.engine.quality.figures import count_labels
from gyropilot.engine.quality.resampling import Figure, measure_uncertainty
from gyropilot.engine.quality.slices import Matrix, Slice, find_slices
from gyropilot.engine.task import ProblemType

VERSION = 0.0
"""Of Model Monitor's schema."""
MEMBERS = {
    ProblemType.BINARY: "binary_classification_metrics",
    ProblemType.MULTICLASS: "multiclass_classification_metrics",
    ProblemType.REGRESSION: "regression_metrics",
}


@dataclass(frozen=True, kw_only=True)
class Quality:
    """A candidate's quality on rows that it was not trained on."""

    problem_type: ProblemType
    classes: tuple[str, ...]
    rows: int
    is_weighted: bool
    figures: Mapping[str, Figure]
    """By their names in Model Monitor's statistics."""
    confusion: Numbers
    """(classes, classes) weight of rows of each actual class by the predicted one; (0, 0) for regression."""
    curves: BinaryCurves | None
    """Of a binary classification."""
    calibration: Calibration | None
    """Of a classification."""
    residuals: Residuals | None
    """Of a regression."""
    slices: tuple[Slice, ...]
    """Segments that it is significantly worse on."""
    tested: int
    """How many segments were looked at."""


def assess(evidence: Evidence, encoder: TableEncoder, base: Matrix, *, seed: int = 0) -> Quality:
    """Return a candidate's quality.

    Args:
        evidence: what it predicted.
        encoder: of the table.
        base: (n, base features) the encoded rows, of which segments are made.
        seed: which rows are drawn when figures are measured again.
    """
    is_binary = evidence.problem_type is ProblemType.BINARY
    slices, tested = find_slices(encoder, base, evidence)
    return Quality(
        problem_type=evidence.problem_type,
        classes=evidence.classes,
        rows=len(evidence.target),
        is_weighted=evidence.is_weighted,
        figures=measure_uncertainty(evidence, seed),
        confusion=count_labels(evidence, evidence.weights) if evidence.classes else np.empty((0, 0)),
        curves=draw_binary(evidence) if is_binary else None,
        calibration=calibrate(evidence) if evidence.classes else None,
        residuals=None if evidence.classes else draw_residuals(evidence, seed),
        slices=tuple(slices),
        tested=tested,
    )


def write_statistics(quality: Quality, began: datetime, seconds: float) -> dict[str, Any]:
    """Return `statistics.json`: Model Monitor's members, and an interval for each figure beyond them.

    Args:
        quality: what is written down.
        began: when the evaluation began.
        seconds: how long it took.
    """
    metrics: dict[str, Any] = {name: _write_figure(figure) for name, figure in quality.figures.items()}
    if quality.classes:
        metrics["confusion_matrix"] = {
            actual: dict(zip(quality.classes, map(_shorten, counts), strict=True))
            for actual, counts in zip(quality.classes, quality.confusion.tolist(), strict=True)
        }
    if quality.curves is not None:
        curves = quality.curves
        metrics["receiver_operating_characteristic_curve"] = {
            "false_positive_rates": curves.false_positive_rates.tolist(),
            "true_positive_rates": curves.true_positive_rates.tolist(),
        }
        metrics["precision_recall_curve"] = {
            "precisions": curves.precisions.tolist(),
            "recalls": curves.recalls.tolist(),
        }
    moment = began.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "version": VERSION,
        "dataset": {
            "item_count": quality.rows,
            "start_time": moment,
            "end_time": moment,
            "evaluation_time": round(seconds, 3),
        },
        MEMBERS[quality.problem_type]: metrics,
    }


def write_graphs(quality: Quality) -> dict[str, Any]:
    """Return `graphs.json`: what pictures show that the statistics have no members for."""
    curves = quality.curves
    parts: dict[str, Any] = {
        "calibration": quality.calibration and _write_arrays(asdict(quality.calibration)),
        "residuals": quality.residuals and _write_arrays(asdict(quality.residuals)),
        "gain_and_lift": curves and _write_arrays({n: getattr(curves, n) for n in ("shares", "gains", "lifts")}),
    }
    return {
        "version": 1,
        **{name: part for name, part in parts.items() if part},
        "error_slices": {"tested": quality.tested, "found": [asdict(each) for each in quality.slices]},
    }


def _write_figure(figure: Figure) -> dict[str, Any]:
    return {
        "value": _write_number(figure.value),
        "standard_deviation": _write_number(figure.standard_deviation),
        "confidence_interval_95": [_write_number(figure.low), _write_number(figure.high)],
    }


def _write_number(number: float) -> float | str:
    """Return a number as Model Monitor writes it: what is none is the word NaN."""
    return number if math.isfinite(number) else "NaN"


def _shorten(count: float) -> float | int:
    return int(count) if count.is_integer() else count


def _write_arrays(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in part.items()}
