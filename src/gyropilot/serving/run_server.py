"""Listens, and says where once it does."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

KEEP_ALIVE_SECONDS = 3600
"""Idle connections stay open: the caller is Gyropilot's own server, which keeps a few and uses them again."""
GRACE_SECONDS = 4


class AnnouncingServer(uvicorn.Server):
    """A server that writes its address to a file as soon as it listens."""

    def __init__(self, config: uvicorn.Config, announcement: Path | None) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then announce it."""
        await super().startup(sockets)
        if self.started and self._announcement is not None:
            port = self.servers[0].sockets[0].getsockname()[1]
            announce(self._announcement, f"http://{self.config.host}:{port}")


def announce(path: Path, address: str) -> None:
    """Write an address to a file that appears whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(address)
    partial.replace(path)


def run_server(app: Starlette, *, host: str, port: int, announcement: Path | None = None) -> None:
    """Serve until asked to end.

    Raises:
        SystemExit: when the port cannot be had.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    AnnouncingServer(config, announcement).run()
