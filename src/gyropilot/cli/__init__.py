"""The `gyropilot` command: thin commands over the SDK.

Each command is imported when it is called: `gyropilot --help` answers at once.
"""

from gyropilot.cli.main import main

__all__ = ["main"]
