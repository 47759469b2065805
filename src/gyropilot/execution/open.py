"""Chooses where programs run."""

from __future__ import annotations

from gyropilot.execution.local_process import LocalProcessLauncher
from gyropilot.service.ports import Launcher
from gyropilot.settings import Settings


def open_launcher(settings: Settings) -> Launcher:
    """Return the launcher that the settings ask for: today, processes of this machine."""
    return LocalProcessLauncher(settings)
