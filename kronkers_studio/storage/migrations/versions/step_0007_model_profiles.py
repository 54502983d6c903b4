"""Reference profiles of model versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "model_profiles",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model", "version"],
            ["model_versions.name", "model_versions.version"],
            name=op.f("fk_model_profiles_model_version"),
        ),
        sa.PrimaryKeyConstraint("model", "version", name=op.f("pk_model_profiles")),
    )
