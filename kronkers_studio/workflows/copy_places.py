"""Folders for working copies: where one may be made, and what speaks against a place."""

from __future__ import annotations

import os
from pathlib import Path

from kronkers_studio.domain.errors import InvalidInput, NotAWorkingCopy
from kronkers_studio.domain.naming import WINDOWS, safe_name
from kronkers_studio.domain.printable import printable
from kronkers_studio.workflows.copy_marks import marks
from kronkers_studio.workflows.session import Session

_MOST_NAMES = 1000


def unused_folder(session: Session, name: str) -> Path:
    """A folder of that name that is not there yet, or empty, where the settings say that working copies are made."""
    from kronkers_studio.migration.folder_paths import absolute_folder

    top, plain = absolute_folder(session.settings.working_copies), safe_name(name, WINDOWS)
    for number in range(1, _MOST_NAMES):
        folder = top / (plain if number == 1 else f"{plain} ({number})")
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return folder
    raise InvalidInput(f"{printable(str(top))} is full of working copies of “{name}”.", next_step="Name a folder.")


def place_remark(folder: Path) -> str:
    """What speaks against a working copy in ``folder``, as a sentence; "" when nothing does."""
    from kronkers_studio.migration.onedrive import syncing_service

    service = syncing_service(folder)
    if not service:
        return ""
    return (
        f"{service} keeps this folder in step with other computers, environments and all: a folder outside of it is "
        "quicker, and nobody changes it meanwhile."
    )


def refuse_unsuitable(session: Session, folder: Path, *, begun: bool = False) -> None:
    """Raises ``InvalidInput`` for a folder that a working copy may not be made in. It must be empty, unless one was
    ``begun`` in it."""
    from kronkers_studio.migration.folder_paths import path_within, same_folder
    from kronkers_studio.migration.own_folders import OwnFolders
    from kronkers_studio.workflows.browsing import list_projects
    from kronkers_studio.workflows.sources import project_sources

    try:
        there = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise InvalidInput(
            f"{printable(str(folder))} is no folder that can be listed: {error.strerror or error}.",
            next_step="Choose a new or an empty one.",
        ) from None
    if there and not begun:
        raise InvalidInput(
            f"{printable(str(folder))} is not empty.",
            next_step="Choose a new or an empty folder. Of a working copy, `kronkers update` gets the newest version.",
        )
    if OwnFolders([session.directory]).in_workspace(folder):
        raise InvalidInput(
            f"{printable(str(folder))} is a workspace of Kronkers Studio, or lies in one.",
            next_step="Choose a folder elsewhere.",
        )
    outer = _working_copy_around(session, folder)
    if outer is not None:
        raise InvalidInput(
            f"{printable(str(folder))} lies in the working copy {printable(str(outer))}, and would be saved with it.",
            next_step="Choose a folder elsewhere.",
        )
    for project in list_projects(session):
        for source in project_sources(session, project.name):
            place = Path(source.folder)
            if same_folder(folder, place) or path_within(folder, place):
                raise InvalidInput(
                    f"{printable(str(folder))} lies in a folder that is brought into “{project.name}”, and would be "
                    "brought in with it.",
                    next_step="Choose a folder elsewhere.",
                )


def _working_copy_around(session: Session, folder: Path) -> Path | None:
    """The working copy of this workspace that ``folder`` lies in. Another's mark may lie anywhere, and says nothing."""
    from kronkers_studio.migration.working_copy_mark import marked_folder

    outer = marked_folder(Path(os.path.realpath(folder)).parent)
    try:
        return outer if outer is not None and marks(session).read(outer) is not None else None
    except NotAWorkingCopy:
        return None
