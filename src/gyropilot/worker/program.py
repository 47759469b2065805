"""The worker program: opens the stores that the settings name and runs one job."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys

from gyropilot.service.errors import NotFoundError
from gyropilot.service.job_keeper import LeaseLostError
from gyropilot.service.ports import PROGRAM_VARIABLE
from gyropilot.settings import read_settings
from gyropilot.storage.open import open_stores
from gyropilot.worker.claim import EXIT_LEASE_LOST
from gyropilot.worker.run_job import run_job
from gyropilot.worker.workplace import open_workplace


def run_program(job: str) -> None:
    """Run a job, named as its ARN ends, with the settings of the environment.

    Raises:
        SystemExit: when there is no such job, or it went to another worker.
    """
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
