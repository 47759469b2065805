"""`gyropilot doctor`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from gyropilot.cli.failures import Exit
from gyropilot.cli.frame import command, write_json

if TYPE_CHECKING:
    from gyropilot.cli.checks import Finding

MARKS = {"ok": ("ok", "green"), "note": ("note", "cyan"), "broken": ("broken", "bold red")}


@command("gyropilot doctor", "gyropilot doctor --json")
def doctor(as_json: bool) -> int:
    """Check Python, libraries, disk, memory, port, keys, records and server, and say how to mend what is broken.

    Starts nothing and changes nothing. The exit code is 1 when something is broken.
    """
    from gyropilot.cli.checks import examine

    findings = examine()
    if as_json:
        write_json([asdict(finding) for finding in findings])
    else:
        _print(findings)
    return Exit.FAILED if any(finding.state == "broken" for finding in findings) else Exit.DONE


def _print(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    from gyropilot.cli.terminal import open_console

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        word, style = MARKS[finding.state]
        table.add_row(Text(word, style), finding.subject, Text(finding.words))
        if finding.remedy:
            table.add_row("", "", Text(finding.remedy, "bold"))
    open_console().print(table)
