"""What came of testing model versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "model_test_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model", "version"],
            ["model_versions.name", "model_versions.version"],
            name=op.f("fk_model_test_runs_model_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_test_runs")),
    )
    op.create_index(
        op.f("ix_model_test_runs_model_version_at"), "model_test_runs", ["model", "version", "at"], unique=False
    )
