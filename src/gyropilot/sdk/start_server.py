"""Starts a server that outlives the program which needed it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from importlib import import_module

from gyropilot.sdk.errors import ServerStartError
from gyropilot.sdk.find_server import find_local_server
from gyropilot.sdk.home import Home

START_SECONDS = 60.0
"""How long a server may take until it answers."""
POLL_SECONDS = 0.05
TAIL_CHARACTERS = 1500

HOST = "127.0.0.1"
PORT = 8437
"""Where a server listens unless told otherwise: the defaults of `gyropilot.settings`."""


def start_server(home: Home, environment: Mapping[str, str]) -> str:
    """Start a server on the state folder, wait until it answers, and return its URL.

    Of servers that start at once on one folder only one stays, the one that holds it; everybody then gets that one.

    Raises:
        ServerStartError: when there is none in the end.
    """
    home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    began_at = home.log.stat().st_size if home.log.exists() else 0
    process = _launch(home, environment)
    import_module("boto3")  # whoever starts a server asks it something next: that is loaded while it starts
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        url = find_local_server(home)
        if url:
            return url
        if process.poll() is not None and not home.is_held():
            break
        time.sleep(POLL_SECONDS)
    raise ServerStartError(_explain(home, process.poll(), began_at))


def _launch(home: Home, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    variables = {**environment, "GYROPILOT_HOME": str(home.path), "GYROPILOT_PORT": port_for(environment)}
    with home.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gyropilot.server"],
            env=variables,
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, name="reaper of the server", daemon=True).start()
    return process


def port_for(environment: Mapping[str, str], usual: int = PORT) -> str:
    """Return the port to listen on: as told, or the usual one, or any when that is another user's."""
    named = environment.get("GYROPILOT_PORT", "")
    if named:
        return named
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((environment.get("GYROPILOT_HOST") or HOST, usual))
        except OSError:
            return "0"
    return str(usual)


def _explain(home: Home, exit_code: int | None, began_at: int) -> str:
    state = f"did not answer within {START_SECONDS:g} s" if exit_code is None else f"ended with exit code {exit_code}"
    with home.log.open("rb") as log:
        log.seek(began_at)
        words = log.read().decode(errors="replace").strip()[-TAIL_CHARACTERS:]
    return os.linesep.join([f"The server {state}. The end of {home.log}:", words or "(nothing)"])
