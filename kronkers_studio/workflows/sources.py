"""The folders that a project is made of: which, how each is brought in, and forgetting one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kronkers_studio.domain.changes import SourceForgotten
from kronkers_studio.domain.migration import MigrationOptions, OnlineOnly
from kronkers_studio.workflows.migration.sources import as_spelled_before, project_sources, source_of
from kronkers_studio.workflows.session import Session

__all__ = ["changed_options", "forget_source", "project_sources"]


def forget_source(session: Session, project: str, folder: Path) -> None:
    """Bring a folder into the project no more; what came from it stays until another folder takes its place.

    Raises ``NotFound``.
    """
    path = as_spelled_before(folder, project_sources(session, project))
    session.workspace.ledger.record(SourceForgotten(project, str(path)), author=session.author)


def changed_options(
    session: Session,
    project: str,
    folder: Path,
    *,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    online_only: OnlineOnly | None = None,
    fold_conflicts: bool | None = None,
) -> MigrationOptions:
    """The options remembered for a folder, with those changed that are given."""
    options = source_of(session, project, folder).options
    if include is not None:
        options = replace(options, include=tuple(include))
    if exclude is not None:
        options = replace(options, exclude=tuple(exclude))
    if online_only is not None:
        options = replace(options, online_only=online_only)
    return options if fold_conflicts is None else replace(options, fold_conflicts=fold_conflicts)
