"""An index of records by name: lists of jobs go by name unless told otherwise, and candidates are found by it."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("records_by_name", "records", ["kind", "name_key", "parent_key"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("records_by_name", "records")
