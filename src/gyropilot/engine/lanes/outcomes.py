"""What training tells of a candidate."""

from __future__ import annotations

from dataclasses import dataclass

from gyropilot.engine.contracts import Plan


@dataclass(frozen=True, kw_only=True)
class Began:
    """Training of a candidate began."""

    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Trained:
    """All folds of a candidate are stored."""

    plan: Plan
    steps: int
    """How many steps its models have."""
    fit_seconds: float
    """Lane time spent on it."""
    paths: tuple[str, ...]
    """For each fold, where its files are (`lanes/messages.py`, `Finish`)."""
    stage_losses: tuple[tuple[float, ...], ...]
    """For each stage, the loss of each of its folds."""
    was_cut: bool = False
    """Whether it would have been trained on, had there been more time."""


@dataclass(frozen=True, kw_only=True)
class Halted:
    """A candidate was left unfinished because a stage showed that it is a poor one."""

    plan: Plan
    fit_seconds: float
    """Lane time spent on it."""
    stage_losses: tuple[tuple[float, ...], ...]
    """For each stage that it went through, the loss of each of its folds."""


@dataclass(frozen=True, kw_only=True)
class GaveUp:
    """A candidate was left unfinished."""

    plan: Plan
    reason: str
    was_stopped: bool
    """For lack of time rather than for an error."""


Outcome = Began | Trained | Halted | GaveUp
