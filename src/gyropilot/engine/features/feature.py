"""What is said of a column of numbers."""

from __future__ import annotations

import msgspec


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the encoded matrix, as algorithms see it."""

    name: str
    """Its name."""
    levels: int = 0
    """How many categories its numbers stand for; 0: they are amounts."""
