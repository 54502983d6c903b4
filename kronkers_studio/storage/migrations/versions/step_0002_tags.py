"""Tags: names given to commits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "tags",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("created", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["commit"], ["commits.id"], name=op.f("fk_tags_commit")),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name=op.f("fk_tags_project")),
        sa.PrimaryKeyConstraint("project", "name", name=op.f("pk_tags")),
    )
