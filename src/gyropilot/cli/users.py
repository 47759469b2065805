"""`gyropilot users`: who may call the server on this machine's state folder."""

from __future__ import annotations

import os
import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gyropilot.cli.frame import CONTEXT, Word, command, write_json

if TYPE_CHECKING:
    from gyropilot.service.access import AccessKey
    from gyropilot.storage.credentials import FileCredentials

ROLES = ("admin", "user", "invoke")


@click.group(context_settings=CONTEXT)
def users() -> None:
    """Make, list and revoke users and their access keys.

    The commands change the state folder itself (GYROPILOT_HOME, or ~/.gyropilot); a running server obeys at once.
    """


@command("gyropilot users add bo --role invoke")
@click.argument("name")
@click.option("--role", type=Word(ROLES), default="user", show_default=True, help="What the user may do")
def add(name: str, role: str, as_json: bool) -> None:
    """Make a user and print its first access key, which is not shown again."""
    from gyropilot.service.access import Role

    with _change("AddUser", name) as credentials:
        _print_key(credentials.add_user(name, Role(role)), as_json=as_json)


@command("gyropilot users list --json", name="list")
def list_users(as_json: bool) -> None:
    """List the users with their roles and access keys."""
    from gyropilot.cli.terminal import format_time, make_grid, open_console

    found = _open_credentials().list_users()
    if as_json:
        write_json(
            [
                {"user": each.name, "role": each.role.value, "created": each.created_at, "keys": each.access_key_ids}
                for each in found
            ]
        )
        return
    table = make_grid("user", "role", "created", "access keys")
    for user in found:
        created = format_time(user.created_at) if user.created_at is not None else ""
        table.add_row(user.name, user.role.value, created, "\n".join(user.access_key_ids))
    open_console().print(table)


@command("gyropilot users revoke bo")
@click.argument("name")
def revoke(name: str, as_json: bool) -> None:
    """Remove a user with all of its access keys; the last administrator cannot be removed."""
    with _change("RevokeUser", name) as credentials:
        credentials.revoke_user(name)
    if as_json:
        write_json({"revoked": name})


@click.group(context_settings=CONTEXT)
def keys() -> None:
    """Make and revoke single access keys of users."""


@command("gyropilot users keys add bo", name="add")
@click.argument("name")
def add_key(name: str, as_json: bool) -> None:
    """Make a further access key for a user and print it; it is not shown again."""
    with _change("AddKey", name) as credentials:
        _print_key(credentials.add_key(name), as_json=as_json)


@command("gyropilot users keys revoke AKIA0123456789ABCDEF", name="revoke")
@click.argument("access_key_id")
def revoke_key(access_key_id: str, as_json: bool) -> None:
    """Remove one access key; the last administrator's last one cannot be removed."""
    with _change("RevokeKey", access_key_id) as credentials:
        credentials.revoke_key(access_key_id)
    if as_json:
        write_json({"revoked": access_key_id})


for each in (add, list_users, revoke, keys):
    users.add_command(each)
for each in (add_key, revoke_key):
    keys.add_command(each)


def _open_credentials() -> FileCredentials:
    from gyropilot.sdk.home import Home
    from gyropilot.storage.credentials import FileCredentials

    home = Home.find().path
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    credentials = FileCredentials(home)
    credentials.ensure_first_key()
    return credentials


@contextmanager
def _change(operation: str, resource: str) -> Iterator[FileCredentials]:
    """Give the users to be changed, and write into the audit log how that went."""
    from gyropilot.sdk.home import Home
    from gyropilot.service.audit import AuditEntry
    from gyropilot.service.errors import InvalidRequestError
    from gyropilot.storage.audit_file import AuditFile

    failure = ""
    try:
        yield _open_credentials()
    except InvalidRequestError as error:
        failure = "ValidationError"
        raise click.ClickException(str(error)) from None
    finally:
        audit = AuditFile(Home.find().path / "audit")
        audit.write(
            AuditEntry(
                at=datetime.now(UTC),
                request_id=str(uuid.uuid4()),
                user=f"uid {os.getuid()} of this machine",
                service="gyropilot",
                operation=operation,
                resource=resource[:100],
                status=400 if failure else 200,
                error=failure,
            )
        )
        audit.close()


def _print_key(key: AccessKey, *, as_json: bool) -> None:
    if as_json:
        write_json({"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key})
        return
    click.echo(f"export AWS_ACCESS_KEY_ID={shlex.quote(key.access_key_id)}")
    click.echo(f"export AWS_SECRET_ACCESS_KEY={shlex.quote(key.secret_access_key)}")
