"""Dates in text: which format a column is written in, and reading it. Needs nothing but the standard library."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

ISO = "iso"
"""ISO 8601, as `datetime.fromisoformat` reads it."""
FORMATS = (
    ISO,
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%a, %d %b %Y %H:%M:%S %z",
)
SAMPLE = 500
SHORTEST = 8


def find_date_format(values: Sequence[object]) -> str:
    """Return the one format in which all values are dates, or nothing; a sample decides for long columns."""
    if not values or not all(isinstance(value, str) for value in values[:SAMPLE]):
        return ""
    step = max(1, len(values) // SAMPLE)
    sample = [str(value).strip() for value in values[::step]]
    if not all(len(value) >= SHORTEST and any(letter.isdigit() for letter in value) for value in sample):
        return ""
    for date_format in FORMATS:
        if all(parse_date(value, date_format) is not None for value in sample):
            return date_format
    return ""


def parse_date(text: str, date_format: str) -> datetime | None:
    """Return the moment, in UTC when the text names a zone and as written otherwise; None when it is no such date."""
    try:
        if date_format == ISO:
            moment = datetime.fromisoformat(text.strip())
        else:
            moment = datetime.strptime(text.strip(), date_format)  # a zone is rarely given
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
