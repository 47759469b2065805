"""The programs behind an endpoint: started, watched, started again, stopped, and their words brought into logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gyropilot.service.archives import UnservableError
from gyropilot.service.endpoints import EndpointService
from gyropilot.service.ports import Clock, Launcher, ModelClient, ModelServerSpec

STARTUP_SECONDS = 240.0
"""How long a model server may take until it answers: AWS's default."""
RESTARTS = 3
"""How often in a row a model server may die before its endpoint fails."""
HEALTH_SECONDS = 5.0
"""How often a model server is asked whether it is well."""
SILENT_SECONDS = 60.0
"""How long a model server may leave that unanswered until it is started again."""
LONGEST_LINE = 1 << 18
"""Bytes of output without a line break that are not waited for any longer."""


@dataclass(kw_only=True)
class ModelServer:
    """One model server as the supervisor sees it."""

    spec: ModelServerSpec
    program: str = ""
    started_at: datetime
    is_ready: bool = False
    """Whether it has answered since it was started."""
    is_healthy: bool = True
    """Whether it answered its last health check."""
    answered_at: datetime
    """When it last answered one."""
    looked_at: datetime | None = None
    """When the last health check was."""
    deaths: int = 0
    read: int = 0
    """Bytes of the program's output that its log has."""


class ModelServers:
    """Does what there is to do for one model server at a time."""

    def __init__(self, *, launcher: Launcher, client: ModelClient, endpoints: EndpointService, clock: Clock) -> None:
        self._launcher = launcher
        self._client = client
        self._endpoints = endpoints
        self._clock = clock

    def tend(self, server: ModelServer) -> None:
        """Take the next step for a server that is wanted.

        Raises:
            UnservableError: when it died too often, or does not answer in time.
        """
        self._copy_output(server)
        if not server.program:
            self._start(server)
        elif not self._launcher.is_alive(server.program):
            server.deaths += 1
            self._log(server, "The model server ended.")
            if server.deaths >= RESTARTS:
                words = self._launcher.output(server.program).strip()[-800:]
                raise UnservableError(f"The model server ended {server.deaths} times. The last one wrote: {words}")
            self._start(server)
        elif not server.is_ready:
            self._look_whether_ready(server)
        else:
            self._look_whether_healthy(server)

    def address(self, server: ModelServer) -> str | None:
        """Return where a server answers; None: it does not."""
        return self._launcher.address(server.program) if server.is_ready else None

    def stop(self, server: ModelServer) -> None:
        """Stop a server that is not wanted any more."""
        if server.program:
            self._launcher.stop(server.program)
            self._copy_output(server)
            self._log(server, "The model server was stopped.")

    def _look_whether_ready(self, server: ModelServer) -> None:
        address = self._launcher.address(server.program)
        server.is_ready = address is not None and self._client.is_ready(address)
        if server.is_ready:
            server.deaths = 0
            server.is_healthy, server.answered_at = True, self._clock()
            self._log(server, "The model server answers.")
        elif self._clock() - server.started_at > timedelta(seconds=STARTUP_SECONDS):
            self._launcher.stop(server.program)
            raise UnservableError(f"The model server did not answer within {STARTUP_SECONDS:g} s.")

    def _look_whether_healthy(self, server: ModelServer) -> None:
        now = self._clock()
        if server.looked_at is not None and now - server.looked_at < timedelta(seconds=HEALTH_SECONDS):
            return
        server.looked_at = now
        address = self._launcher.address(server.program)
        server.is_healthy = address is not None and self._client.is_ready(address)
        if server.is_healthy:
            server.answered_at = now
        elif now - server.answered_at > timedelta(seconds=SILENT_SECONDS):
            self._log(server, f"The model server answered no health check for {SILENT_SECONDS:g} s.")
            self._launcher.stop(server.program, grace_seconds=0.0)  # the next round finds it ended

    def _start(self, server: ModelServer) -> None:
        server.is_ready = False
        server.started_at = self._clock()
        server.program, server.read = self._launcher.start_model_server(server.spec), 0
        self._log(server, "A model server was started.")

    def _copy_output(self, server: ModelServer) -> None:
        """Bring whole lines that a model server wrote into its log; of one that is gone the last one too."""
        is_alive = self._launcher.is_alive(server.program)
        while server.program:
            piece, end = self._launcher.read_output(server.program, server.read)
            cut = piece.rfind(b"\n") + 1
            if is_alive and (cut or len(piece) < LONGEST_LINE):
                piece, end = piece[:cut], end - len(piece) + cut
            if not piece:
                return
            self._log(server, *piece.decode(errors="replace").splitlines())
            server.read = end

    def _log(self, server: ModelServer, *messages: str) -> None:
        self._endpoints.log(server.spec.endpoint, f"{server.spec.variant}/{server.program}", messages)
