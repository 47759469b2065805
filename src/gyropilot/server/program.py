"""The server program: puts stores, launcher, service and API together and runs until it is told to end."""

from __future__ import annotations

import argparse
import gc
import ipaddress
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import uvicorn

from gyropilot import __version__
from gyropilot.api.application import Application
from gyropilot.api.events import write_state_change
from gyropilot.api.models import SERVICES, load_service
from gyropilot.execution.model_client import HttpModelClient
from gyropilot.execution.open import open_launcher, open_webhook
from gyropilot.server.announcement import AlreadyRunningError, announce, hold_home
from gyropilot.server.http import make_app
from gyropilot.server.metrics_page import write_metrics
from gyropilot.server.pages import Pages
from gyropilot.server.patience import PatientProtocol
from gyropilot.service.courier import Courier
from gyropilot.service.identity import Identity
from gyropilot.service.ports import Launcher
from gyropilot.service.quotas import PROFILES
from gyropilot.service.service import Limits, Service, build_service, now
from gyropilot.settings import Settings, read_settings
from gyropilot.storage.open import Stores, open_stores

log = logging.getLogger(__name__)

BACKLOG = 2048
GRACE_SECONDS = 5
THREAD_SECONDS = 30.0
"""How long a part of the service may take to finish its round when the server ends."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server from the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gyropilot.server", description="Serves the Gyropilot API.")
    parser.add_argument("--host", help="address to listen on (GYROPILOT_HOST)")
    parser.add_argument("--port", help="port to listen on; 0: any free one (GYROPILOT_PORT)")
    parser.add_argument("--s3", dest="s3_endpoint", help="S3 that keeps the objects instead (GYROPILOT_S3_ENDPOINT)")
    parser.add_argument("--home", help="state folder (GYROPILOT_HOME)")
    parser.add_argument("--quotas", help="what jobs may ask for: generous or aws (GYROPILOT_QUOTAS)")
    parser.add_argument("--anonymous", action="store_true", help="let unsigned requests in; on loopback only")
    parser.add_argument("--json", action="store_true", help="write a line of JSON once it listens")
    options = vars(parser.parse_args(arguments))
    allows_anonymous = options.pop("anonymous")  # a flag only: a variable might be inherited unseen
    tell = _tell_programs if options.pop("json") else None
    given = {f"GYROPILOT_{name.upper()}": value for name, value in options.items() if value}
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("alembic", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        serve(read_settings({**os.environ, **given}), allows_anonymous=allows_anonymous, tell=tell)
    except (AlreadyRunningError, ValueError, OSError) as error:
        sys.stderr.write(f"gyropilot: {error}\n")
        return 1
    return 0


def serve(
    settings: Settings,
    *,
    allows_anonymous: bool = False,
    open_launcher: Callable[[Settings], Launcher] = open_launcher,
    tell: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; call it from the main thread.

    Args:
        settings: how this installation runs.
        allows_anonymous: whether unsigned requests are let in.
        open_launcher: gives what starts workers and model servers; it is closed at the end.
        tell: is told the server's URL once it listens.

    Raises:
        ValueError: when unsigned requests are allowed and the address is not loopback.
        AlreadyRunningError: when another server has the state folder.
        OSError: when the address cannot be listened on.
    """
    with ExitStack() as stack:
        stack.enter_context(hold_home(settings.home))
        listener = stack.enter_context(_listen(settings))
        if allows_anonymous:
            _check_loopback(listener)
        stores = open_stores(settings)
        stack.callback(stores.records.close)
        stack.callback(stores.audit.close)
        stores.credentials.ensure_first_key()
        launcher = open_launcher(settings)
        stack.callback(launcher.close)
        service = stack.enter_context(_open_service(settings, stores, launcher))
        application = Application(
            service,
            stores.credentials,
            audit=stores.audit,
            allows_anonymous=allows_anonymous,
            s3_domains=settings.s3_domain_names,
            s3_elsewhere=settings.s3_endpoint,
            records_are_near=stores.records_are_near,
        )
        pages = Pages(
            describe_health=lambda: {"status": "ok", "version": __version__},
            write_metrics=lambda: write_metrics(service.metrics),
            metrics_readers=settings.metrics_readers,
        )
        app = make_app(application, pages)
        stack.enter_context(_outlive_signals())
        stack.enter_context(_run("metrics", service.metrics.run, service.metrics.wake))
        stack.enter_context(_run("data capture", service.capture.run, service.capture.wake))
        stack.enter_context(_run("asynchronous invocations", service.async_queue.run, service.async_queue.wake))
        stack.enter_context(_run("supervisor", service.supervisor.run, service.book.wake))
        stack.enter_context(_tell_events(settings, stores, service.identity))
        _warm_up()

        def announce_url() -> None:
            url = _url(settings.host, listener.getsockname()[1])
            stack.enter_context(announce(settings.home, url, __version__, datetime.now(UTC).isoformat()))
            log.info("Gyropilot %s listens at %s", __version__, url)
            if allows_anonymous:
                log.warning("Requests without a signature are let in: every program of this machine may do everything.")
            if tell is not None:
                tell(url)

        _Server(_configure(app), announce_url).run(sockets=[listener])


def _tell_programs(url: str) -> None:
    """Say to whoever started the server where it listens."""
    sys.stdout.write(json.dumps({"endpoint_url": url, "version": __version__, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()


def _configure(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application
        http=PatientProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()


@contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((settings.host, settings.port), family=_family(settings.host), backlog=BACKLOG)
    except OSError as error:
        raise OSError(f"cannot listen on {settings.host} port {settings.port}: {error}") from error
    with listener:
        yield listener


def _check_loopback(listener: socket.socket) -> None:
    """Refuse to let unsigned requests in from other machines; asks the socket, since names may lead anywhere."""
    address = listener.getsockname()[0]
    if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise ValueError(f"--anonymous needs a loopback address such as 127.0.0.1, not {address}")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _url(host: str, port: int) -> str:
    """Return the address for clients on this machine, also when the server listens on all of its addresses."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # names it, does not listen on it
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _open_service(settings: Settings, stores: Stores, launcher: Launcher) -> Iterator[Service]:
    client = HttpModelClient()
    try:
        yield build_service(
            identity=Identity(account_id=settings.account_id, region=settings.region),
            records=stores.records,
            blobs=stores.blobs,
            headers=stores.headers,
            logs=stores.logs,
            launcher=launcher,
            client=client,
            folder=settings.home / "endpoints",
            limits=Limits(
                max_running_jobs=settings.max_running_jobs,
                max_attempts=settings.max_attempts,
                quotas=PROFILES[settings.quotas],
            ),
        )
    finally:
        client.close()


@contextmanager
def _outlive_signals() -> Iterator[None]:
    """Let a signal end the HTTP server only: it raises it again when it is done, which would skip the rest."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _run(name: str, work: Callable[[threading.Event], None], wake: Callable[[], None]) -> Iterator[None]:
    """Let a part of the service work in a thread of its own until the server ends."""
    stopped = threading.Event()
    thread = threading.Thread(target=work, args=(stopped,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        wake()
        thread.join(THREAD_SECONDS)


@contextmanager
def _tell_events(settings: Settings, stores: Stores, identity: Identity) -> Iterator[None]:
    """Run the courier, in a thread of its own: whoever receives the events keeps nobody waiting."""
    webhook = open_webhook(settings)
    if webhook is None:
        yield
        return
    courier = Courier(
        records=stores.records,
        describe=lambda job, number: write_state_change(job, number, identity),
        sink=webhook,
        clock=now,
    )
    try:
        with _run("courier", courier.run, lambda: None):
            yield
    finally:
        webhook.close()


def _warm_up() -> None:
    """Load the service models before the first request has to wait for them."""
    for name in SERVICES:
        load_service(name)
    # All of this stays: looking through it for garbage would hold requests up for a tenth of a second now and then.
    gc.freeze()
