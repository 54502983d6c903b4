"""The folders a project is made of: which, where in it, and by which rules they are brought in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from kronkers_studio.domain.changes import Change, SourceForgotten, SourceRemembered
from kronkers_studio.domain.content import Entry, EntryKind, StoredItem
from kronkers_studio.domain.errors import InvalidInput, NotFound
from kronkers_studio.domain.migration import MigrationOptions, MigrationSource
from kronkers_studio.domain.paths import join, lies_in
from kronkers_studio.migration.folder_paths import absolute_folder, same_folder
from kronkers_studio.workflows.session import Session


def project_sources(session: Session, project: str) -> list[MigrationSource]:
    """The folders that are brought into ``project``, with the options of the last time."""
    return session.workspace.ledger.sources(project)


def source_of(
    session: Session, project: str, folder: Path, into: str | None = None, options: MigrationOptions | None = None
) -> MigrationSource:
    """How ``folder`` is brought into ``project``: as is given, else as it was the last time.

    A folder that is new to the project takes the place of the one at its top; where each folder has a place of its own,
    so does the new one. Raises ``InvalidInput`` for a place that is none.
    """
    remembered = project_sources(session, project)
    path = str(as_spelled_before(folder, remembered))
    before = next((source for source in remembered if source.folder == path), None)
    if into is None:
        into = before.into if before else _own_place(Path(path), remembered) if _places(remembered) else ""
    return MigrationSource(path, _checked_place(into), options or (before.options if before else MigrationOptions()))


def sources_of(
    session: Session, project: str, folders: Sequence[Path], options: MigrationOptions | None = None
) -> list[MigrationSource]:
    """How several folders are brought into one project: each in its own folder, under its own name.

    Raises ``InvalidInput`` when one of them lies in another.
    """
    remembered = project_sources(session, project)
    paths = [as_spelled_before(folder, remembered) for folder in folders]
    for number, path in enumerate(paths):
        if any(_lies_in(path, other) for place, other in enumerate(paths) if place != number):
            raise InvalidInput(f"{path} is there twice.", next_step="Name folders that do not lie in one another.")
    found: list[MigrationSource] = []
    for path in paths:
        before = next((source for source in remembered if source.folder == str(path)), None)
        into = before.into if before and before.into else _own_place(path, [*remembered, *found])
        found.append(MigrationSource(str(path), into, options or (before.options if before else MigrationOptions())))
    return found


def remembering(
    remembered: Iterable[MigrationSource], project: str, sources: Iterable[MigrationSource]
) -> list[Change]:
    """The changes after which ``sources`` are remembered; a folder whose place another took is forgotten."""
    before = {source.folder: source for source in remembered}
    changes: list[Change] = []
    for source in sources:
        taken = [other.folder for other in before.values() if other.into == source.into != other.folder]
        changes += [SourceForgotten(project, folder) for folder in taken if folder != source.folder]
        if before.get(source.folder) != source:
            changes.append(SourceRemembered(project, source))
    return changes


def kept_besides(
    session: Session, project: str, ref: str, sources: Sequence[MigrationSource]
) -> tuple[StoredItem, ...]:
    """What is at ``ref`` of a project and comes from none of ``sources``: it stays when these are brought in anew."""
    content = session.workspace.content
    places = {source.into for source in sources}
    others = {source.into for source in project_sources(session, project)} - places
    if "" in places:
        kept: list[Entry] = []
        for place in sorted(others):
            try:
                kept += content.walk(project, ref, place)
            except NotFound:  # it was never brought in on this branch
                continue
        return tuple(StoredItem.of(entry) for entry in kept)
    return tuple(
        StoredItem.of(entry)
        for entry in content.walk(project, ref)
        if not lies_in(entry.path, places)
        and not (entry.kind is EntryKind.FOLDER and any(lies_in(place, (entry.path,)) for place in places))
    )


def placed(stored: StoredItem, into: str) -> StoredItem:
    """A stored item where it lies in the project."""
    return replace(stored, item=replace(stored.item, path=join(into, stored.item.path)))


def _places(sources: Iterable[MigrationSource]) -> bool:
    return any(source.into for source in sources)


def _own_place(folder: Path, taken_by: Iterable[MigrationSource]) -> str:
    """A folder in the project that no other has, named after ``folder``. Raises ``InvalidInput`` for a whole drive."""
    if not folder.name:
        raise InvalidInput(f"{folder} is a whole drive.", next_step="Choose a folder on it.")
    taken = {source.into.lower() for source in taken_by}
    place, number = folder.name, 1
    while place.lower() in taken:
        number += 1
        place = f"{folder.name} ({number})"
    return place


def _checked_place(into: str) -> str:
    place = into.replace("\\", "/").strip("/")
    if any(part in ("", ".", "..") for part in place.split("/")) and place:
        raise InvalidInput(f"“{into}” is no folder in a project.", next_step="Give a name such as “Sales/2026”.")
    return place


def as_spelled_before(folder: Path, remembered: Iterable[MigrationSource]) -> Path:
    """``folder`` as it was spelled the last time: through a link, in another case or by a short name it is no other."""
    path = absolute_folder(folder)
    known = [Path(source.folder) for source in remembered]
    if path in known:
        return path
    return next((other for other in known if same_folder(path, other)), path)


def _lies_in(path: Path, other: Path) -> bool:
    """Whether ``path`` lies in ``other``, however they are spelled, or is the same folder."""
    real = Path(os.path.realpath(path))
    return any(same_folder(place, other) for place in (path, real, *real.parents))
