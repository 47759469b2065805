"""Curves of a model's quality: what pictures are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gyropilot.engine.quality.evidence import Evidence, Numbers

MAX_POINTS = 1000
"""Longer curves are thinned to so many points, ends included."""
SHARES = np.linspace(0.1, 1.0, 10)
BINS = 10
FEWEST_IN_BIN = 5
MAX_SHOWN = 1000
"""So many rows of a regression are shown as points."""
RESIDUAL_BINS = 40
QUANTILES = np.linspace(0.01, 0.99, 99)
OUTLIER = 3.0
"""Standardised residuals beyond this are outliers."""


@dataclass(frozen=True, kw_only=True)
class BinaryCurves:
    """How a model ranks rows of two classes, over all thresholds."""

    false_positive_rates: Numbers
    true_positive_rates: Numbers
    precisions: Numbers
    recalls: Numbers
    shares: Numbers
    """(10,) the highest-ranked tenth of the rows, two tenths and so on."""
    gains: Numbers
    """(10,) which share of all positive rows is among them."""
    lifts: Numbers
    """(10,) how many times more frequent positive rows are among them than among all."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Whether probabilities are right: rows in ten bins of about the same size by the probability given."""

    given: Numbers
    """(bins,) mean probability given."""
    observed: Numbers
    """(bins,) how often it came true."""
    low: Numbers
    """(bins,) lower end of the 95 % interval of that (Wilson)."""
    high: Numbers
    """(bins,) its upper end."""
    counts: tuple[int, ...]
    """(bins,) rows."""
    expected_error: float
    """Mean difference of the two, by the bins' sizes (expected calibration error)."""


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """What a regression misses by: actual minus predicted."""

    actual: Numbers
    """(shown,) answers of a sample of rows."""
    predicted: Numbers
    """(shown,) predictions of them."""
    standardised: Numbers
    """(shown,) their residuals in units of the standard deviation of all residuals."""
    slope: float
    """Of the line that fits actual to predicted best."""
    intercept: float
    """Of the same line."""
    edges: Numbers
    """(bins + 1,) of the histogram of all residuals; the first and the last bin hold what lies beyond."""
    counts: Numbers
    """(bins,) weight of rows."""
    normal: Numbers
    """(99,) quantiles of the normal distribution."""
    quantiles: Numbers
    """(99,) the same quantiles of the standardised residuals."""
    outlier_share: float
    """Which share of the rows has a standardised residual beyond 3."""


def draw_binary(evidence: Evidence) -> BinaryCurves:
    """Return the curves of a binary classification."""
    order = np.argsort(-evidence.scores, kind="stable")
    scores, weights = evidence.scores[order], evidence.weights[order]
    is_positive = evidence.target[order] == 1
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    true, false = np.cumsum(weights * is_positive)[last], np.cumsum(weights * ~is_positive)[last]
    recalls = true / max(true[-1], 1e-300)
    precisions = np.divide(true, true + false, out=np.ones_like(true), where=true + false > 0)
    rows = (true + false) / (true + false)[-1]
    gains = np.interp(SHARES, np.append(0, rows), np.append(0, recalls))
    kept, kept_precisions = _thin(len(last) + 1), _thin(len(last))
    return BinaryCurves(
        false_positive_rates=np.append(0, false / max(false[-1], 1e-300))[kept],
        true_positive_rates=np.append(0, recalls)[kept],
        precisions=precisions[kept_precisions],
        recalls=recalls[kept_precisions],
        shares=SHARES,
        gains=gains,
        lifts=gains / SHARES,
    )


def calibrate(evidence: Evidence) -> Calibration:
    """Return how probabilities compare with what came true: the positive class of two, or the likeliest of more."""
    if len(evidence.classes) == 2:
        given, came_true = evidence.scores, evidence.target == 1
    else:
        given, came_true = evidence.predictions.max(axis=1), evidence.predictions.argmax(axis=1) == evidence.target
    weights = evidence.weights
    order = np.argsort(given, kind="stable")
    bins = min(BINS, max(1, len(order) // FEWEST_IN_BIN))
    parts = [part for part in np.array_split(order, bins) if weights[part].sum() > 0]
    means = np.array([np.average(given[part], weights=weights[part]) for part in parts])
    shares = np.array([np.average(came_true[part], weights=weights[part]) for part in parts])
    sizes = np.array([weights[part].sum() ** 2 / (weights[part] ** 2).sum() for part in parts])
    low, high = _find_wilson(shares, sizes)
    masses = np.array([weights[part].sum() for part in parts])
    return Calibration(
        given=means,
        observed=shares,
        low=low,
        high=high,
        counts=tuple(map(len, parts)),
        expected_error=float(np.average(np.abs(means - shares), weights=masses)),
    )


def draw_residuals(evidence: Evidence, seed: int) -> Residuals:
    """Return what a regression misses by."""
    from scipy.special import ndtri

    actual, predicted, weights = evidence.target, evidence.predictions, evidence.weights
    residuals = actual - predicted
    mean = np.average(residuals, weights=weights)
    spread = float(np.sqrt(np.average((residuals - mean) ** 2, weights=weights))) or 1.0
    standardised = residuals / spread
    shown = np.sort(np.random.default_rng(seed).permutation(len(actual))[:MAX_SHOWN])
    ends = np.quantile(residuals, [0.005, 0.995])
    edges = np.linspace(ends[0], ends[1] if ends[1] > ends[0] else ends[0] + 1, RESIDUAL_BINS + 1)
    counts, _ = np.histogram(np.clip(residuals, edges[0], edges[-1]), edges, weights=weights)
    middle = np.average(predicted, weights=weights)
    variance = np.average((predicted - middle) ** 2, weights=weights)
    covariance = np.average((predicted - middle) * (actual - np.average(actual, weights=weights)), weights=weights)
    slope = float(covariance / variance) if variance > 0 else 0.0
    return Residuals(
        actual=actual[shown],
        predicted=predicted[shown],
        standardised=standardised[shown],
        slope=slope,
        intercept=float(np.average(actual, weights=weights) - slope * middle),
        edges=edges,
        counts=counts.astype(np.float64),
        normal=ndtri(QUANTILES),
        quantiles=np.quantile(standardised, QUANTILES),
        outlier_share=float(np.average(np.abs(standardised) > OUTLIER, weights=weights)),
    )


def _thin(points: int) -> np.ndarray:
    """Return which points of a curve are kept, the first and the last among them."""
    return np.unique(np.linspace(0, points - 1, min(points, MAX_POINTS)).round().astype(np.int64))


def _find_wilson(shares: Numbers, sizes: Numbers) -> tuple[Numbers, Numbers]:
    z = 1.959964
    middle = (shares + z**2 / (2 * sizes)) / (1 + z**2 / sizes)
    reach = z * np.sqrt(shares * (1 - shares) / sizes + z**2 / (4 * sizes**2)) / (1 + z**2 / sizes)
    return middle - reach, middle + reach
