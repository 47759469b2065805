"""A worker's hold on its job: renewed while it works, given back when it is asked to end."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from gyropilot.service.errors import NotFoundError
from gyropilot.service.job_keeper import JobKeeper, LeaseLostError
from gyropilot.service.records import Job
from gyropilot.service.states import JobStatus

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""How often the worker looks whether its job is to stop."""
RENEWALS_PER_LEASE = 3
EXIT_LEASE_LOST = 3


def end_at_once() -> None:
    """End this process without another write: the job may be in other hands by now."""
    os._exit(EXIT_LEASE_LOST)


class Claim:
    """Keeps a claimed job's lease alive from a thread of its own, and notices when the job is to stop.

    Args:
        keeper: what the job was claimed from.
        job: the job's name.
        owner: who claimed it.
        lease_seconds: how long the lease lasts when it is renewed.
        on_lost: called from the thread when somebody else may have the job.
    """

    def __init__(
        self,
        keeper: JobKeeper[Any],
        job: str,
        owner: str,
        lease_seconds: float,
        *,
        on_lost: Callable[[], None] = end_at_once,
    ) -> None:
        self._keeper = keeper
        self._job = job
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._on_lost = on_lost
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"heartbeat of {job}", daemon=True)
        self.stop = threading.Event()
        """Set when the job's owner asked to stop it."""
        self.is_ending = False
        """Set when the worker was asked to end: nothing may be written about the job any more."""
        self._given_back = threading.Event()

    @property
    def owner(self) -> str:
        """Who holds the job."""
        return self._owner

    def __enter__(self) -> Claim:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def give_back(self) -> None:
        """Let another worker go on with the job.

        Raises:
            LeaseLostError: when another one has it already.
        """
        self.is_ending = True
        self._over.set()
        try:
            self._keeper.give_back(self._job, self._owner)
        finally:
            self._given_back.set()

    def await_return(self) -> None:
        """Wait until the job is given back."""
        self._given_back.wait()

    def _keep(self) -> None:
        renew_at = time.monotonic() + self._lease_seconds / RENEWALS_PER_LEASE
        while not self._over.wait(min(POLL_SECONDS, self._lease_seconds / RENEWALS_PER_LEASE)):
            is_due = time.monotonic() >= renew_at
            try:
                job = self._renew() if is_due else self._look()
            except (LeaseLostError, NotFoundError):
                if not self._over.is_set():
                    self._on_lost()
                return
            except Exception:
                log.exception("the lease of %s could not be renewed; trying again", self._job)
                continue
            if is_due:
                renew_at = time.monotonic() + self._lease_seconds / RENEWALS_PER_LEASE
            if job.status is JobStatus.STOPPING:
                self.stop.set()

    def _renew(self) -> Job:
        job: Job = self._keeper.heartbeat(self._job, self._owner, self._lease_seconds)
        return job

    def _look(self) -> Job:
        job: Job = self._keeper.get(self._job)
        if job.lease is None or job.lease.owner != self._owner:
            raise LeaseLostError(f"the job {self._job!r} is no longer held by {self._owner}")
        return job
