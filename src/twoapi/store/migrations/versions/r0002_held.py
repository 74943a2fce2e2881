"""What upstreams keep for clients: files and batches."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "held",
        sa.Column("tenant", sa.String(200), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("upstream", sa.String(200), primary_key=True),
        sa.Column("account", sa.String(200)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_index("held_created", "held", ["tenant", "kind", "created"])


def downgrade() -> None:
    """Removes it."""
    op.drop_table("held")
