"""`python -m gyropilot.worker.reports.explore_table SAMPLE OUT`: writes the data exploration of a job into a folder.

A program of its own, so that training is not held up: it gives way to all others, uses one core, and is ended by the
system when it takes more memory or more time than it may.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

NOTEBOOK = "SageMakerAutopilotDataExplorationNotebook.ipynb"
PAGE, FIGURES = "data-exploration.html", "data-exploration.json"
NICENESS = 5
MEMORY_BYTES = 2 << 30
PROCESSOR_SECONDS = 120
SECONDS = 600
"""It has little of the processor while others train, so that its wall clock goes far beyond its own time."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page, the figures and the notebook."""
    parser = argparse.ArgumentParser(prog="python -m gyropilot.worker.reports.explore_table")
    parser.add_argument("sample", type=Path, help="the folder of the sample that a run kept")
    parser.add_argument("out", type=Path, help="the folder that the files are written to")
    parser.add_argument("--job", required=True, help="the job's name")
    given = parser.parse_args(arguments)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 5))
    signal.alarm(SECONDS)
    write_exploration(given.sample, given.out, given.job)


def write_exploration(sample: Path, out: Path, job: str) -> None:
    """Explore the table of a job and write its report: page and figures first, the notebook last.

    Args:
        sample: the folder of the sample that a run kept.
        out: the folder that the files are written to.
        job: the job's name.

    Raises:
        OSError: when there is no sample.
    """
    import msgspec

    from gyropilot.engine.explore.explore import explore
    from gyropilot.engine.files import write_file
    from gyropilot.worker.reports.exploration import describe_exploration
    from gyropilot.worker.reports.render_html import render_html
    from gyropilot.worker.reports.render_notebook import render_notebook

    found = explore(sample)
    report = describe_exploration(found, job=job, made_at=datetime.now(UTC))
    out.mkdir(parents=True, exist_ok=True)
    for name, content in (
        (PAGE, render_html(report).encode()),
        (FIGURES, msgspec.json.format(msgspec.json.encode(found), indent=1)),
        (NOTEBOOK, render_notebook(report).encode()),
    ):
        write_file(out / name, content)


if __name__ == "__main__":
    main()
