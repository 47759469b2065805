"""Names for what is created: a beginning that says what it is, and the time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

MAX_NAME_CHARACTERS = 63
MAX_JOB_NAME_CHARACTERS = 32
"""The longest name of an AutoML job."""


def name_from_base(base: str, max_length: int = MAX_NAME_CHARACTERS) -> str:
    """Return `<base>-<YYYY-MM-DD-HH-MM-SS-mmm>` in UTC; the base is cut so that the whole fits."""
    moment = datetime.now(UTC)
    stamp = f"{moment:%Y-%m-%d-%H-%M-%S}-{moment.microsecond // 1000:03}"
    return f"{base[: max_length - len(stamp) - 1].rstrip('-')}-{stamp}"


def name_from_image(image: str, max_length: int = MAX_NAME_CHARACTERS) -> str:
    """Return a name that begins with an image's repository."""
    return name_from_base(base_name_from_image(image), max_length)


def base_name_from_image(image: str) -> str:
    """Return the name of an image's repository, in characters that AWS allows in names."""
    repository = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return re.sub(r"[^a-zA-Z0-9]+", "-", repository).strip("-") or "model"
