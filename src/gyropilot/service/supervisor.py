"""Keeps the world as the records say: a worker for every open job, model servers for every endpoint.

`tick` compares records with running programs and takes the next step towards agreement. It holds no state that a
restart would miss: a server that starts anew finds open jobs and endpoints in the records and goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from gyropilot.service.endpoint_keeper import EndpointKeeper
from gyropilot.service.job_queue import JobQueue, going_on

IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.1


class Supervisor:
    """Starts, restarts and stops workers and model servers."""

    def __init__(self, *, queues: Sequence[JobQueue], endpoints: EndpointKeeper, bell: threading.Event) -> None:
        self._queues = queues
        self._endpoints = endpoints
        self._bell = bell

    def run(self, stopped: threading.Event) -> None:
        """Tick until told to stop: when woken and every second, at once when there is room for a job that waits."""
        while not stopped.is_set():
            self._bell.clear()
            self.tick()
            self._pause(stopped)

    def tick(self) -> None:
        """Take the next step for every job and endpoint; one that fails keeps none of the others waiting."""
        for queue in self._queues:
            with going_on("the jobs"):
                queue.tend()
        with going_on("the endpoints"):
            self._endpoints.tend()

    def _pause(self, stopped: threading.Event) -> None:
        """Wait for the next round, and meanwhile look after programs alone: reading a long queue takes its time."""
        if self._endpoints.is_busy:
            self._bell.wait(BUSY_SECONDS)
        elif not any(queue.has_waiting for queue in self._queues):
            self._bell.wait(IDLE_SECONDS)
        elif not stopped.wait(BUSY_SECONDS):  # what is created in quick succession waits together
            for _ in range(round(IDLE_SECONDS / BUSY_SECONDS) - 1):
                if self._bell.wait(BUSY_SECONDS) or any(queue.has_ended_runs for queue in self._queues):
                    return
