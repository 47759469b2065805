"""Small tables for the engine's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def table_csv(tmp_path: Path) -> Path:
    """A CSV of 300 rows with every kind of column and a target of two words."""
    random = np.random.default_rng(7)
    lines = ["amount,colour,when,note,label"]
    for row in range(300):
        amount = random.normal()
        colour = random.choice(["red", "green", "blue", ""])
        label = "yes" if amount + (colour == "red") + 0.3 * random.normal() > 0.4 else "no"
        note = " ".join(random.choice(["fast", "slow", "good", "bad", "old"], size=6))
        cell = "" if row % 17 == 0 else f"{amount:.4f}"
        lines.append(f"{cell},{colour},2024-{1 + row % 12:02d}-{1 + row % 28:02d},{note} {row},{label}")
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
