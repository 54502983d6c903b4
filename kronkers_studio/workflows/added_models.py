"""Models from anywhere on this computer, such as a download: the file alone is brought in, and what it is is told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit, EntryKind, SourceItem, StoredItem
from kronkers_studio.domain.errors import BranchChanged, InvalidInput, UnsupportedModel
from kronkers_studio.domain.migration import MigrationOptions
from kronkers_studio.domain.model_names import suggest_name, without_version
from kronkers_studio.domain.models import ContentRef, ModelFacts
from kronkers_studio.domain.paths import join, parent
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.model_folders import is_mlmodel
from kronkers_studio.workflows.models import FoundModel
from kronkers_studio.workflows.session import Session

ADDED_MODELS = "Added models"
"""The project that takes them unless another one is named."""
_BESIDE = (
    *("requirements.txt", "requirements.lock", "pyproject.toml", ".python-version", "runtime.txt"),
    *("MLmodel", "conda.yaml", "python_env.yaml"),
)
_BESIDE_LIMIT = 256 * 1024  # bytes


def add_model(
    session: Session,
    file: Path,
    project: str = ADDED_MODELS,
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> FoundModel:
    """Store ``file``, the files of its weights, and the small ones beside it that say which libraries it needs, as the
    newest state of ``project``, in a folder of the model's name. Of a folder that MLflow saved, or of the MLmodel in
    it, that is the model's own file. It is not run, and not registered yet.

    Raises ``UnsupportedModel`` before anything is stored, and ``InvalidInput`` for what cannot be read, changes
    meanwhile, is only in the cloud, or for a project that is made of folders.
    """
    from kronkers_studio.workflows.migration.folder_access import reader
    from kronkers_studio.workflows.migration.sources import placed, project_sources

    if project_sources(session, project):
        raise InvalidInput(
            f"“{project}” is brought in from a folder, and is as that folder is.",
            next_step="Put the model into that folder and bring it in, or name another project.",
        )
    asked = Path(os.path.realpath(file))
    home, own = _own_file(asked)
    file = home / own
    items = [_item(file, own), *_beside(home)]
    before = [_state(file)]  # what is looked into, not what lies there afterwards
    facts = _inspect(file, [home / item.path for item in items[1:]])
    items += [_item(file.parent / weights.name, join(parent(own), weights.name)) for weights in facts.weights]
    needed = [file, *(file.parent / weights.name for weights in facts.weights)]
    before += map(_state, needed[1:])
    name = suggest_name(file.name) if asked == file else suggest_name(f"{home.name}.folder")
    folder = without_version(name)
    content = session.workspace.content
    outcome = content.store_items(
        items, reader(home, MigrationOptions(), session, cancel), progress=progress, cancel=cancel
    )
    for skipped in outcome.skipped:
        if home / skipped.path in needed:
            raise InvalidInput(f"{skipped.path} cannot be read: {skipped.detail}", next_step="Try again.")
    if list(map(_state, needed)) != before:
        raise InvalidInput(
            f"{file.name} changed while it was added.",
            next_step="Wait until it is complete, as after a download, and add it again.",
        )
    stored = [placed(each, folder) for each in outcome.stored]
    message = f"Added {file.name}"
    try:
        commit = _commit(session, project, stored, message)
    except BranchChanged:  # by somebody who added another one
        commit = _commit(session, project, stored, message)
    source = ContentRef(project, commit.id, f"{folder}/{own}")
    return FoundModel(source, items[0].size, name, facts)


def _own_file(file: Path) -> tuple[Path, str]:
    """The folder that ``file`` describes and the path of the model's own file in it: of an MLflow folder the one that
    its MLmodel names. Raises ``UnsupportedModel``, ``InvalidInput``."""
    from kronkers_studio.packaging import LARGEST_MLMODEL, MLMODEL, read_mlmodel

    mlmodel = file / MLMODEL if file.is_dir() else file
    if not is_mlmodel(mlmodel.name) or not mlmodel.is_file():
        return file.parent, file.name
    home = mlmodel.parent
    try:
        with mlmodel.open("rb") as stream:
            own = read_mlmodel(stream.read(LARGEST_MLMODEL + 1), home.name).file
    except OSError as error:
        raise InvalidInput(f"{mlmodel} cannot be read: {error.strerror}.", next_step="Check the path.") from None
    found = home / own
    if not found.is_file() or found.resolve() != found:  # what a link leads to may be anything
        raise UnsupportedModel(
            f"The MLflow folder {home.name} says that its model is {own}, which is not in it.",
            next_step="Name the whole folder, as MLflow saved it.",
        )
    return home, own


def _item(file: Path, path: str = "") -> SourceItem:
    """``file`` as what is to be stored, as ``path``: by default its name. Raises ``InvalidInput`` when it is no file
    that is here."""
    from kronkers_studio.migration import filesystem

    try:
        status = file.lstat()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", next_step="Check the path.") from None
    if not file.is_file():
        raise InvalidInput(f"{file} is no file.", next_step="Choose the model's file.")
    if filesystem.is_online_only(status):
        raise InvalidInput(
            f"{file.name} is only in the cloud.", next_step="Make it available on this device, then try again."
        )
    return SourceItem(path or file.name, EntryKind.FILE, status.st_size, status.st_mtime_ns, inode=status.st_ino)


def _state(file: Path) -> tuple[int, int, int] | None:
    """What becomes another one when the file is written or replaced; None when it is not there."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _beside(folder: Path) -> list[SourceItem]:
    """The few files of its folder that say what it needs; nothing else of a folder that may hold anything."""
    there = [folder / name for name in _BESIDE]
    found = [_item(each) for each in there if each.is_file() and not each.is_symlink()]
    return [item for item in found if item.size <= _BESIDE_LIMIT]


def _inspect(file: Path, beside: Sequence[Path]) -> ModelFacts:
    from kronkers_studio.packaging import inspect_model

    def size_beside(name: str) -> int | None:
        """Of a file that lies in the model's folder itself: what a link leads to may be anything."""
        found = file.parent / name
        return found.stat().st_size if found.is_file() and found.resolve() == found else None

    try:
        with file.open("rb") as stream:
            readers = {each.name: each.read_bytes for each in beside}
            return inspect_model(file.name, stream, readers, size_beside)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", next_step="Check the path.") from None


def _commit(session: Session, project: str, stored: Sequence[StoredItem], message: str) -> Commit:
    """On top of what the project holds. Raises ``BranchChanged`` when something else was added meanwhile."""
    content = session.workspace.content
    head = session.workspace.head(project, DEFAULT_BRANCH)
    added = {each.item.path for each in stored}
    entries = content.walk(project, head.id) if head is not None else ()
    kept = [StoredItem.of(entry) for entry in entries if entry.kind is not EntryKind.FOLDER and entry.path not in added]
    base = head.id if head is not None else ""
    everything = [*kept, *stored]
    commit, _new = content.commit(
        project, DEFAULT_BRANCH, everything, message=message, author=session.author, base=base
    )
    return commit
