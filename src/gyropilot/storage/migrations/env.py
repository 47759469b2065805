"""What Alembic runs around the scripts: they go through the connection, and the transaction, of the opening store."""

from __future__ import annotations

from alembic import context

# SQLite can undo a change of tables as well, but Alembic has to be told: a script runs whole or not at all.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
