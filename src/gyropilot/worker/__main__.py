"""`python -m gyropilot.worker KIND/NAME`."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import socket
import sys
from collections.abc import Sequence

from gyropilot.service.errors import NotFoundError
from gyropilot.service.job_keeper import LeaseLostError
from gyropilot.service.ports import PROGRAM_VARIABLE
from gyropilot.settings import read_settings
from gyropilot.storage.open import open_stores
from gyropilot.worker.claim import EXIT_LEASE_LOST
from gyropilot.worker.run_job import run_job
from gyropilot.worker.workplace import open_workplace


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one job with the settings of the environment.

    Raises:
        SystemExit: when there is no such job, or it went to another worker.
    """
    parser = argparse.ArgumentParser(prog="python -m gyropilot.worker", description="Run one job.")
    parser.add_argument("job", help="the job as its ARN ends: automl-job/NAME, for instance")
    job = parser.parse_args(arguments).job
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = read_settings()
    stores = open_stores(settings)
    try:
        run_job(open_workplace(settings, stores), job, _name_owner())
    except NotFoundError as error:
        sys.exit(str(error))
    except LeaseLostError as error:
        logging.getLogger(__name__).warning("%s", error)
        sys.exit(EXIT_LEASE_LOST)
    finally:
        stores.records.close()


def _name_owner() -> str:
    """Return the launcher's id of this program, by which the supervisor knows it, or else a name of its own."""
    return os.environ.get(PROGRAM_VARIABLE) or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


if __name__ == "__main__":
    main()
