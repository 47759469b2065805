"""Statistics of metrics, by the names that CloudWatch gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.figures import Figures

UNITS: Mapping[str, str] = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds"}
"""The units of the metrics that have one; the others have `None`."""

Measure = Callable[[Figures], float]

STATISTICS: Mapping[str, Measure] = {
    "SampleCount": lambda figures: float(figures.count),
    "Sum": lambda figures: figures.total,
    "Average": lambda figures: figures.total / figures.count,
    "Minimum": lambda figures: figures.least,
    "Maximum": lambda figures: figures.greatest,
}
"""What each statistic says of at least one value."""

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


def parse_statistic(name: str) -> Measure:
    """Return what a statistic measures.

    Raises:
        InvalidRequestError: when it is none of these, nor a percentile.
    """
    if name in STATISTICS:
        return STATISTICS[name]
    percentile = _PERCENTILE.fullmatch(name)
    if percentile is None:
        raise InvalidRequestError(
            f"The statistic '{name}' is not supported. Supported: {', '.join(STATISTICS)}, and percentiles such as p99."
        )
    share = float(percentile.group(1)) / 100
    return lambda figures: figures.percentile(share)
