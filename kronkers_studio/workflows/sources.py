"""The folders that a project is made of: which, how each is brought in, and forgetting one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kronkers_studio.domain.changes import SourceForgotten
from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.migration import MigrationOptions, MigrationSource, OnlineOnly
from kronkers_studio.workflows.migration.sources import as_spelled_before, project_sources, source_of
from kronkers_studio.workflows.session import Session

__all__ = ["changed_options", "forget_source", "project_sources"]


def forget_source(session: Session, project: str, folder: Path) -> MigrationSource:
    """Bring a folder into the project no more. Nothing is deleted, neither in the folder nor in the project: what came
    from it stays until another folder takes its place.

    How it was brought in. Raises ``NotFound`` when it is none of the project's folders, or there is no such project.
    """
    from kronkers_studio.workflows.migration.folder_access import stat_cache

    remembered = project_sources(session, project)
    path = str(as_spelled_before(folder, remembered))
    found = next((source for source in remembered if source.folder == path), None)
    if found is None:
        session.workspace.versions.branches(project)  # raises NotFound when there is no such project
        raise NotFound(
            f"{path} is not brought into “{project}”.",
            next_step=f"`kronkers folder list` shows the folders that are brought into {project}, if there are any.",
        )
    stat_cache(session, project, Path(path)).forget_commits()  # else bringing it in again would find nothing to do
    session.workspace.ledger.record(SourceForgotten(project, path), author=session.author)
    return found


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
