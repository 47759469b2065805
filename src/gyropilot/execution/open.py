"""Chooses where programs run and where events go."""

from __future__ import annotations

from gyropilot.execution.local_process import LocalProcessLauncher
from gyropilot.execution.webhook import Webhook
from gyropilot.service.ports import Launcher
from gyropilot.settings import Settings


def open_launcher(settings: Settings) -> Launcher:
    """Return the launcher that the settings ask for: today, processes of this machine."""
    return LocalProcessLauncher(settings)


def open_webhook(settings: Settings) -> Webhook | None:
    """Return where events are sent; None: nowhere."""
    return Webhook(settings.event_webhook_url) if settings.event_webhook_url else None
