"""The table of records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# PostgreSQL would sort by the database's language otherwise, and answer pages in another order than SQLite.
_SORTED_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table and an index for each order of a query; the primary key finds the records of a parent."""
    op.create_table(
        "records",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("parent_key", _SORTED_TEXT, primary_key=True),
        sa.Column("name_key", _SORTED_TEXT, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=False),
        sa.Column("state", _SORTED_TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("modified_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    for order in ("created_at", "modified_at", "state"):
        op.create_index(f"records_by_{order}", "records", ["kind", order, "name_key", "parent_key"])


def downgrade() -> None:
    """Drop everything that was kept."""
    op.drop_table("records")
