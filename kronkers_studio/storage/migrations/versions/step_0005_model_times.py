"""An index for the newest model versions."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    columns = ["created", "name", "version"]
    op.create_index(op.f("ix_model_versions_created_name_version"), "model_versions", columns, unique=False)
