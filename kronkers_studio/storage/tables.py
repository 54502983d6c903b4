"""The metadata database's tables as SQLAlchemy describes them, for the migrations alone.

Everybody else reaches them by ``registry.metadata.statements``; a test compares both.

Above the line: what replaying the journal makes. Below it: what can be made again from the packs.
Times are ISO 8601 text in UTC, identifiers of content lower-case hexadecimal; documents are the canonical JSON of a
domain dataclass, of which the columns beside them are copies for searching.
"""

from __future__ import annotations

import sqlalchemy as sa

from kronkers_studio.storage.stored_text import from_stored, to_stored


class Text(sa.types.TypeDecorator[str]):
    """Any Python text, also what SQLite cannot hold; see ``storage.stored_text``."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else to_stored(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else from_stored(value)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Text, nullable=False),
    sa.Column("author", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("change", Text, nullable=False),
    sa.Column("hash", Text, nullable=False),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("created", Text, nullable=False),
    sa.Column("source", Text, nullable=False),
    sa.Column("removed", sa.Integer, nullable=False, server_default="0"),  # 1: in the trash, or emptied from it
)

commits = sa.Table(
    "commits",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("project", sa.ForeignKey("projects.name"), nullable=False),
    sa.Column("tree", Text, nullable=False),
    sa.Column("author", Text, nullable=False),
    sa.Column("created", Text, nullable=False),
    sa.Column("message", Text, nullable=False),
    sa.Column("source", Text, nullable=False),
    sa.Column("document", Text, nullable=False),
    sa.Index(None, "project", "created"),
)

commit_parents = sa.Table(
    "commit_parents",
    metadata,
    sa.Column("child", sa.ForeignKey("commits.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("parent", sa.ForeignKey("commits.id"), nullable=False),
    sa.Index(None, "parent"),
)

branches = sa.Table(
    "branches",
    metadata,
    sa.Column("project", sa.ForeignKey("projects.name"), primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("head", sa.ForeignKey("commits.id"), nullable=False),
)

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("project", sa.ForeignKey("projects.name"), primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("commit", sa.ForeignKey("commits.id"), nullable=False),
    sa.Column("created", Text, nullable=False),
)

project_sources = sa.Table(  # the folders that are brought into a project, a removed one's too
    "project_sources",
    metadata,
    sa.Column("project", Text, primary_key=True),
    sa.Column("folder", Text, primary_key=True),
    sa.Column("document", Text, nullable=False),
)

model_versions = sa.Table(
    "model_versions",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("created", Text, nullable=False),
    sa.Column("author", Text, nullable=False),
    sa.Column("framework", Text, nullable=False),
    sa.Column("commit", Text, nullable=False),
    sa.Column("path", Text, nullable=False),
    sa.Column("description", Text, nullable=False),
    sa.Column("document", Text, nullable=False),
    sa.Index(None, "commit"),
    sa.Index(None, "created", "name", "version"),
)

model_metrics = sa.Table(
    "model_metrics",
    metadata,
    sa.Column("model", Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("metric", Text, primary_key=True),
    sa.Column("value", sa.Float, nullable=True),  # NULL for not a number
    sa.ForeignKeyConstraint(["model", "version"], ["model_versions.name", "model_versions.version"]),
    sa.Index(None, "metric", "value"),
)

model_profiles = sa.Table(  # beside the versions, which are listed without them
    "model_profiles",
    metadata,
    sa.Column("model", Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", Text, nullable=False),
    sa.ForeignKeyConstraint(["model", "version"], ["model_versions.name", "model_versions.version"]),
)

model_test_runs = sa.Table(
    "model_test_runs",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("model", Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("at", Text, nullable=False),
    sa.Column("outcome", Text, nullable=False),
    sa.Column("commit", Text, nullable=False),  # of the test set
    sa.Column("document", Text, nullable=False),
    sa.ForeignKeyConstraint(["model", "version"], ["model_versions.name", "model_versions.version"]),
    sa.Index(None, "model", "version", "at"),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("model", Text, primary_key=True),
    sa.Column("alias", Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["model", "version"], ["model_versions.name", "model_versions.version"]),
)

packages = sa.Table(
    "packages",
    metadata,
    sa.Column("digest", Text, primary_key=True),
    sa.Column("model", Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("platform", Text, nullable=False),
    sa.Column("created", Text, nullable=False),
    sa.Column("document", Text, nullable=False),
    sa.ForeignKeyConstraint(["model", "version"], ["model_versions.name", "model_versions.version"]),
    sa.Index(None, "model", "version"),
)

servers = sa.Table(
    "servers",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("document", Text, nullable=False),
)

releases = sa.Table(
    "releases",
    metadata,
    sa.Column("model", Text, primary_key=True),
    sa.Column("place", Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("created", Text, nullable=False),
    sa.Column("document", Text, nullable=False),
    sa.ForeignKeyConstraint(["model", "version"], ["model_versions.name", "model_versions.version"]),
    sa.Index(None, "place"),
)

trash = sa.Table(
    "trash",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("kind", Text, nullable=False),
    sa.Column("owner", Text, nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("removed", Text, nullable=False),
    sa.Column("author", Text, nullable=False),
    sa.Column("emptied", Text, nullable=False),  # "" while it can be restored; the row stays, so do its numbers
    sa.Column("document", Text, nullable=False),  # the rows taken out of other tables
    sa.Index(None, "owner"),
)

key_events = sa.Table(
    "key_events",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Text, nullable=False),
    sa.Column("event", Text, nullable=False),
    sa.Column("slot", Text, nullable=False),
    sa.Column("way", Text, nullable=False),
    sa.Column("author", Text, nullable=False),
)

# ---- made again from the packs ----

packs = sa.Table(
    "packs",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    # bytes known to be on disk; what follows them counts for nothing. -1: cleaning up is done with it, as its objects
    # were copied elsewhere; its file may go, its number is not used again
    sa.Column("size", sa.Integer, nullable=False),
)

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("id", sa.LargeBinary, primary_key=True),
    sa.Column("pack", sa.ForeignKey("packs.number"), nullable=False),
    sa.Column("offset", sa.Integer, nullable=False),  # of the object's header in the pack
    sa.Column("stored", sa.Integer, nullable=False),  # bytes after the header
    sa.Column("length", sa.Integer, nullable=False),  # plain bytes
    sa.Column("type", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
