"""How long a table is, for boosters."""

from __future__ import annotations

FEW_ROWS = 5000
"""Tables of up to so many rows gain from small, random trees; longer ones from larger steps and more leaves."""
