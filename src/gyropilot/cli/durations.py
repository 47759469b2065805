"""Durations as people write them: `90`, `90s`, `5m`, `1h30m`."""

from __future__ import annotations

import re
from typing import Any

import click

FORM = re.compile(r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s?)?")
SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


class Duration(click.ParamType[int]):
    """A span of whole seconds above 0."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds."""
        if isinstance(value, int):
            return value
        found = FORM.fullmatch(value.strip().lower())
        seconds = sum(int(number) * SECONDS[unit] for unit, number in found.groupdict("0").items()) if found else 0
        if seconds < 1:
            self.fail(f"{value!r} is no duration above 0: write 90, 90s, 5m or 1h30m.", param, ctx)
        return seconds
