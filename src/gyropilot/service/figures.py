"""Figures of many values in little room: how many, how much, and how they are spread."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

STEP = 1.1
"""Each bucket ends so many times higher than the one before: percentiles are right to 5 %."""
SMALLEST = 1e-3
"""What is less is in the same bucket."""
_LOG_STEP = math.log(STEP)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is known of some values, none of them negative; two of these can be added."""

    count: int = 0
    """How many values."""
    total: float = 0.0
    """Their sum."""
    least: float = 0.0
    """The least of them."""
    greatest: float = 0.0
    """The greatest of them."""
    buckets: Mapping[int, int] = field(default_factory=dict)
    """How many values lie up to `STEP` to the power of each number, and above the power before."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Figures:
        """Return the figures of some values, at least one."""
        buckets: Counter[int] = Counter()
        for value, count in Counter(values).items():
            buckets[math.ceil(math.log(max(value, SMALLEST)) / _LOG_STEP)] += count
        return cls(count=len(values), total=sum(values), least=min(values), greatest=max(values), buckets=dict(buckets))

    def __add__(self, other: Figures) -> Figures:
        if not self.count or not other.count:
            return self if self.count else other
        buckets = dict(self.buckets)
        for number, count in other.buckets.items():
            buckets[number] = buckets.get(number, 0) + count
        return Figures(
            count=self.count + other.count,
            total=self.total + other.total,
            least=min(self.least, other.least),
            greatest=max(self.greatest, other.greatest),
            buckets=buckets,
        )

    def percentile(self, share: float) -> float:
        """Return the value below which this share of the values lies, to 5 %.

        Args:
            share: above 0, at most 1.
        """
        wanted, passed = share * self.count, 0
        for number in sorted(self.buckets):
            passed += self.buckets[number]
            if passed >= wanted:
                return min(max(float(STEP ** (number - 0.5)), self.least), self.greatest)
        return self.greatest


def add_all(figures: Iterable[Figures]) -> Figures:
    """Return the figures of all values."""
    return sum(figures, start=Figures())
