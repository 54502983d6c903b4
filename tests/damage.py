"""Damage done to the database of a workspace, for tests of what notices and mends it."""

from __future__ import annotations

from pathlib import Path

from kronkers_studio.workflows.session import open_workspace


def damage_behind_the_schema(workspace: Path, *tables: str) -> None:
    """A bit in the first page of each of ``tables``, which opening does not read. Opens by the key file."""
    with open_workspace(workspace) as session, session.workspace.database.read() as connection:
        roots = dict(connection.execute("SELECT name, rootpage FROM sqlite_master").fetchall())
        size = int(connection.execute("PRAGMA cipher_page_size").fetchone()[0])
    content = bytearray((workspace / "metadata.db").read_bytes())
    for table in tables:
        content[size * (roots[table] - 1) + 100] ^= 1
    (workspace / "metadata.db").write_bytes(content)
