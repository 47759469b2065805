"""Brings a record store's tables to the form that this release reads: Alembic's scripts and what runs them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

HEAD = "0002"
"""The newest script's name; a test compares it with the folder."""


def upgrade_schema(connection: Connection) -> None:
    """Run the scripts that are missing, inside the connection's transaction; quick when there are none.

    Raises:
        RuntimeError: when a newer release has changed the tables.
    """
    revision = _read_revision(connection)
    if revision == HEAD:
        return
    # Imported late: Alembic takes longer to load than a store to open.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise RuntimeError(f"this release cannot read the record store at revision {revision!r}: {error}") from error


def _read_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)
