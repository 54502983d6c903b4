"""An index for the largest model versions.

Their size is in their document only, and SQLAlchemy cannot reflect an index on an expression: it is not in ``tables``.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_model_versions_size ON model_versions "
        "(json_extract(document, '$.size'), created, name, version)"
    )
