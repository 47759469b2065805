"""`python -m gyropilot.worker KIND/NAME`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from gyropilot.engine.lanes.forking import prepare_nursery
from gyropilot.service.records import AutoMLJob, TrainingJob

TRAINING = {AutoMLJob.resource, TrainingJob.resource}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one job with the settings of the environment.

    Raises:
        SystemExit: when there is no such job, or it went to another worker.
    """
    parser = argparse.ArgumentParser(prog="python -m gyropilot.worker", description="Run one job.")
    parser.add_argument("job", help="the job as its ARN ends: automl-job/NAME, for instance")
    job = parser.parse_args(arguments).job
    if job.partition("/")[0] in TRAINING:
        prepare_nursery(())  # it imports libraries while this program imports its own, which is why those come late
    from gyropilot.worker.program import run_program

    run_program(job)


if __name__ == "__main__":
    main()
