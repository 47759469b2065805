"""What `gyropilot doctor` looks at: this machine and this installation, without starting or changing anything."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from gyropilot import __version__
from gyropilot.cli.terminal import format_size
from gyropilot.sdk.errors import SessionError
from gyropilot.sdk.find_server import answers, read_health
from gyropilot.sdk.home import Home
from gyropilot.settings import Settings, read_settings

PACKAGE = "gyropilot"
EXTRAS = {"networks": "the networks of torch and fastai", "postgresql": "records in PostgreSQL"}
"""The extras that users may want, and what for."""
DISK_BYTES = (1_000_000_000, 10_000_000_000)
"""Less than the first is too little, less than the second worth a note."""
MEMORY_BYTES = (500_000_000, 2_000_000_000)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found about one thing."""

    subject: str
    """What was looked at."""
    state: str
    """`ok`, `note` or `broken`."""
    words: str
    """What was found."""
    remedy: str = ""
    """How to mend it; empty: there is nothing to mend."""


def examine() -> list[Finding]:
    """Return what was found about everything; a check that fails itself is a finding, too."""
    findings = [check_python(), *check_libraries()]
    try:
        settings = read_settings()
    except ValueError as error:
        return [*findings, _broken("settings", str(error), "Correct the variable, or unset it.")]
    checks: list[tuple[str, Callable[[Settings], Finding]]] = [
        ("state folder", check_home),
        ("disk", check_disk),
        ("memory", check_memory),
        ("port", check_port),
        ("keys", check_keys),
        ("records", check_records),
        ("server", check_server),
    ]
    return [*findings, *(_guard(subject, check, settings) for subject, check in checks)]


def _guard(subject: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except Exception as error:
        return _broken(subject, f"{type(error).__name__}: {error}", "")


def check_python() -> Finding:
    """Compare Python with what the package asks for."""
    asked, found = metadata(PACKAGE)["Requires-Python"], ".".join(map(str, sys.version_info[:3]))
    words = f"{found}, {sys.executable}"
    if found in SpecifierSet(asked):
        return Finding(subject="python", state="ok", words=words)
    return _broken("python", f"{words}; {asked} is needed", f"Install Gyropilot with a Python {asked}.")


def check_libraries() -> Iterator[Finding]:
    """Look whether every library is there in a version that fits, extras among them."""
    listed = [Requirement(line) for line in requires(PACKAGE) or ()]
    core = [each for each in listed if each.marker is None or each.marker.evaluate({"extra": ""})]
    problems = list(filter(None, map(_find_problem, core)))
    if problems:
        yield _broken("libraries", "; ".join(problems), f"pip install --upgrade {PACKAGE}=={__version__}")
    else:
        yield Finding(subject="libraries", state="ok", words=f"{len(core)} of {len(core)}")
    for extra, purpose in EXTRAS.items():
        asked = [each for each in listed if each.marker and each.marker.evaluate({"extra": extra}) and each not in core]
        missing = list(filter(None, map(_find_problem, asked)))
        subject = f"extra {extra}"
        if missing:
            words = f"{'; '.join(missing)}: without {purpose}"
            remedy = f"To have it: pip install '{PACKAGE}[{extra}]'"
            yield Finding(subject=subject, state="note", words=words, remedy=remedy)
        else:
            yield Finding(subject=subject, state="ok", words=purpose)
    if sys.platform == "linux":
        yield _check_openmp()


def _find_problem(requirement: Requirement) -> str:
    """Return what is wrong with an installed library; empty when nothing is."""
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing"
    if not requirement.specifier.contains(found, prereleases=True):
        return f"{requirement.name} {found} is not {requirement.specifier}"
    return ""


def _check_openmp() -> Finding:
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError as error:
        remedy = "apt-get install libgomp1, or libgomp of your distribution."
        return _broken("openmp", f"LightGBM's system library is missing: {error}", remedy)
    return Finding(subject="openmp", state="ok", words="libgomp.so.1")


def check_home(settings: Settings) -> Finding:
    """Look whether the state folder can be written and is nobody else's."""
    home, subject = settings.home, "state folder"
    if not home.exists():
        place = next(parent for parent in home.parents if parent.exists())
        if os.access(place, os.W_OK):
            return Finding(subject=subject, state="ok", words=f"{home}, made when it is needed")
        return _broken(subject, f"{home} cannot be made in {place}", "Name another with GYROPILOT_HOME.")
    if not (home.is_dir() and os.access(home, os.W_OK | os.X_OK)):
        return _broken(subject, f"{home} cannot be written", f"chown -R $USER {home}, or name another: GYROPILOT_HOME.")
    if home.stat().st_mode & 0o077:
        words = f"{home} may be read by other users, and holds keys"
        return Finding(subject=subject, state="note", words=words, remedy=f"chmod 700 {home}")
    return Finding(subject=subject, state="ok", words=str(home))


def check_disk(settings: Settings) -> Finding:
    """Look how much room the state folder's disk has."""
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    remedy = "Delete what is not needed, or move the state folder: GYROPILOT_HOME."
    return _judge("disk", shutil.disk_usage(place).free, DISK_BYTES, f"free at {place}", remedy)


def check_memory(settings: Settings) -> Finding:
    """Look how much memory a training may take."""
    from gyropilot.engine.lanes.memory import choose_limit

    del settings
    room = choose_limit()
    if room is None:
        return Finding(subject="memory", state="note", words="this system does not tell how much is left")
    return _judge("memory", room, MEMORY_BYTES, "for training", "End other programs, or give the container more.")


def check_port(settings: Settings) -> Finding:
    """Look whether the server's port is free, or the server's own."""
    url = Home(settings.home).read_endpoint_url()
    where = f"{settings.host}:{settings.port}"
    if settings.port == 0 or (url and url.endswith(f":{settings.port}") and answers(url)):
        return Finding(subject="port", state="ok", words=f"{where}, {'any' if settings.port == 0 else 'the server'}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            words = f"{where} cannot be had: {error.strerror}"
            return Finding(
                subject="port",
                state="note",
                words=words,
                remedy="Commands choose any free port then; name another for serve: --port, or GYROPILOT_PORT.",
            )
    return Finding(subject="port", state="ok", words=f"{where} is free")


def check_keys(settings: Settings) -> Finding:
    """Look whether the state folder's keys can be read."""
    remedy = f"Restore {settings.home}/credentials.key, or make new keys: gyropilot users keys add admin."
    try:
        keys = Home(settings.home).read_keys()
    except SessionError as error:
        return _broken("keys", str(error), remedy)
    if keys is None:
        return Finding(subject="keys", state="ok", words="none yet; made at the first start")
    return Finding(subject="keys", state="ok", words=f"{keys.access_key_id}, of the first administrator")


def check_records(settings: Settings) -> Finding:
    """Look whether the record store answers and is whole."""
    if settings.database_url:
        return _check_database(settings.database_url)
    path = settings.home / "records.db"
    if not path.exists():
        return Finding(subject="records", state="ok", words="none yet; made at the first start")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            said = str(error)
    if said == "ok":
        return Finding(subject="records", state="ok", words=f"{path}, {format_size(path.stat().st_size)}")
    return _broken("records", f"{path}: {said}", "Stop the server and restore the file from a backup.")


def _check_database(url: str) -> Finding:
    import sqlalchemy as sa

    shown = sa.make_url(url).render_as_string()
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        return _broken("records", f"{shown}: {error}", "Start the database, or correct GYROPILOT_DATABASE_URL.")
    finally:
        engine.dispose()
    return Finding(subject="records", state="ok", words=shown)


def check_server(settings: Settings) -> Finding:
    """Look whether the server answers, and is of this version."""
    named = os.environ.get("GYROPILOT_ENDPOINT_URL", "")
    url = named or Home(settings.home).read_endpoint_url()
    health = read_health(url) if url else None
    if health is None and named:
        return _broken("server", f"{named} does not answer", "Start it, or unset GYROPILOT_ENDPOINT_URL.")
    if health is None and Home(settings.home).is_held():
        log = Home(settings.home).log
        return _broken("server", "one holds the state folder and does not answer", f"Look into {log}, or end it.")
    if health is None:
        return Finding(subject="server", state="ok", words="none runs; commands start one when they need it")
    if health.get("version") != __version__:
        words = f"{url} is {health.get('version')}, this is {__version__}"
        return Finding(subject="server", state="note", words=words, remedy="Restart it to have both the same.")
    return Finding(subject="server", state="ok", words=f"{url}, {__version__}")


def _judge(subject: str, found: int, limits: tuple[int, int], words: str, remedy: str) -> Finding:
    least, enough = limits
    said = f"{format_size(found)} {words}"
    if found < least:
        return _broken(subject, f"{said}, which is too little", remedy)
    if found < enough:
        return Finding(subject=subject, state="note", words=f"{said}, which is little", remedy=remedy)
    return Finding(subject=subject, state="ok", words=said)


def _broken(subject: str, words: str, remedy: str) -> Finding:
    return Finding(subject=subject, state="broken", words=words, remedy=remedy)
