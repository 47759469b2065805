"""Dates in cells: which format a column is written in, and reading it. Needs nothing but the standard library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

ISO = "iso"
"""ISO 8601, as `datetime.fromisoformat` reads it; `UTC` or `GMT` at the end is a zone, too."""
FORMATS = (
    ISO,
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%Y.%m.%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%m/%d/%y",
    "%d/%m/%y",
    "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y %H:%M",
    "%d %b %Y %H:%M:%S",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%d/%b/%Y:%H:%M:%S %z",
)
MONTH_FORMATS = ("%Y-%m", "%Y/%m", "%b %Y", "%B %Y")
"""Months count as their first day."""
SECONDS, MILLISECONDS, DIGITS = "epoch_s", "epoch_ms", "%Y%m%d"
"""How numbers are dates: seconds or milliseconds since 1970, or eight digits."""
SAMPLE = 500
SHORTEST, LONGEST = 6, 100
"""Characters of a date. Looking for zones in much longer texts would take long."""

_EPOCH = datetime(1970, 1, 1)  # dates are compared as they are written
_ZONE = re.compile(r"\s*(UTC|GMT)$")
_EPOCH_NAME = re.compile(
    r"(?:^|_)(?:timestamp|time_stamp|epoch|unix|unixtime|unix_time|datetime|created_at|updated_at)"
    r"(?:_(?:s|sec|seconds|ms|millis|milliseconds|utc))?$"
)
_DIGITS_NAME = re.compile(r"(?:^|_)(?:date|day|yyyymmdd|ymd)(?:_|$)")
_RECENT = (631_152_000, 4_102_444_800)  # 1990 to 2100, in seconds


def find_date_format(values: Sequence[object]) -> str:
    """Return the one format in which all values are dates, or nothing; a sample decides for long columns."""
    sample = list(values[:: max(1, len(values) // SAMPLE)])
    if not sample or not all(isinstance(value, str | int | float) for value in sample):
        return ""
    texts = [value.strip() for value in sample if isinstance(value, str)]
    if len(texts) == len(sample) and all(len(text) >= SHORTEST and any(map(str.isdigit, text)) for text in texts):
        found = _find_common(texts, (*FORMATS, *MONTH_FORMATS))
        if found:
            return found
    try:
        numbers = [float(value) for value in sample]  # type: ignore[arg-type]  # checked above
    except ValueError:
        return ""
    if all(number.is_integer() for number in numbers):
        found = _find_common([str(int(number)) for number in numbers], (DIGITS,))
        if found:
            return found
    is_long = max(map(abs, numbers)) > 1e11  # in seconds, that is the year 5138
    return _find_common([repr(number) for number in numbers], (MILLISECONDS if is_long else SECONDS,))


def find_named_date_format(name: str, low: float, high: float) -> str:
    """Return the format of a column of whole numbers whose name and range leave no doubt that they are dates."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]+", "_", name.strip()).lower()
    if _EPOCH_NAME.search(snake):
        for date_format, unit in ((SECONDS, 1), (MILLISECONDS, 1000)):
            if _RECENT[0] * unit <= low <= high <= _RECENT[1] * unit:
                return date_format
    if _DIGITS_NAME.search(snake) and 19_000_101 <= low <= high <= 21_001_231:
        return DIGITS
    return ""


def is_date_format(date_format: str) -> bool:
    """Tell whether dates can be looked for in a format that came with a model."""
    if len(date_format) > LONGEST:
        return False
    try:
        parse_date("", date_format)
    except re.error:  # a part of the date stands in it twice
        return False
    return True


def parse_date(text: str, date_format: str) -> datetime | None:
    """Return the moment, in UTC when the text names a zone and as written otherwise; None when it is no such date."""
    text = text.strip()
    if len(text) > LONGEST:
        return None
    try:
        if date_format == ISO:
            moment = datetime.fromisoformat(_ZONE.sub("+00:00", text))
        elif date_format == SECONDS:
            return _EPOCH + timedelta(seconds=float(text))
        elif date_format == MILLISECONDS:
            return _EPOCH + timedelta(milliseconds=float(text))
        else:
            moment = datetime.strptime(text, date_format)  # a zone is rarely given
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def write_date(moment: datetime, date_format: str) -> str:
    """Return a moment as dates of a format are written: what `parse_date` reads, to the second."""
    moment = moment.replace(microsecond=0)
    if date_format == ISO:
        return moment.isoformat()
    if date_format in (SECONDS, MILLISECONDS):
        return str(round((moment - _EPOCH).total_seconds()) * (1000 if date_format == MILLISECONDS else 1))
    return moment.replace(tzinfo=UTC).strftime(date_format)


def _find_common(values: Sequence[str], formats: Sequence[str]) -> str:
    for date_format in formats:
        if all(parse_date(value, date_format) is not None for value in values):
            return date_format
    return ""
