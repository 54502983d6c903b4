"""Folders that hold one model, as MLflow saves them: which file in them is the model, and what describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.errors import NotFound, UnsupportedModel
from kronkers_studio.domain.model_files import MLFLOW, model_file_kind
from kronkers_studio.domain.model_names import suggest_name
from kronkers_studio.domain.paths import join, lies_in, parent
from kronkers_studio.workflows.session import Session

_DEEPEST = 2  # how far below its folder a model's own file lies: data/model.keras


@dataclass(frozen=True, slots=True)
class ModelFolders:
    """The folders of some content that MLflow saved. ``own`` is the path of the model's own file by that of its
    MLmodel; ``problems`` why there is none; ``parts`` the paths that belong to such a folder, and are no further
    models."""

    own: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    parts: set[str] = field(default_factory=set)

    def hold(self, path: str) -> bool:
        """Whether the file at ``path`` is told of by its folder's MLmodel, and no model beside that."""
        return lies_in(path, self.parts)


def is_mlmodel(path: str) -> bool:
    """Whether a file of that path describes a folder."""
    return model_file_kind(path.rpartition("/")[2]) is MLFLOW


def find_folders(session: Session, project: str, commit: str, paths: Sequence[str]) -> ModelFolders:
    """What the MLmodels among ``paths`` say of their folders."""
    from kronkers_studio.packaging import LARGEST_MLMODEL, named_files

    found = ModelFolders()
    content = session.workspace.content
    for path in filter(is_mlmodel, paths):
        folder = parent(path)
        named = named_files(content.read(content.find(project, commit, path), LARGEST_MLMODEL + 1))
        if not named:
            continue  # another thing of that name: what is wrong with it is said as of any file
        found.parts.update(join(folder, name) for name in named)
        try:
            found.own[path] = own_file(session, project, commit, path)
        except UnsupportedModel as reason:
            found.problems[path] = reason.message
    return found


def own_file(session: Session, project: str, commit: str, path: str) -> str:
    """The path of the model's own file: what MLmodel names, when ``path`` is one or a folder with one, else ``path``.

    Raises ``UnsupportedModel`` and ``NotFound``.
    """
    from kronkers_studio.packaging import LARGEST_MLMODEL, MLMODEL, read_mlmodel

    content = session.workspace.content
    entry = content.find(project, commit, path)
    if entry.kind is EntryKind.FOLDER:
        path = join(path, MLMODEL)
        entry = content.find(project, commit, path)
    if not is_mlmodel(path) or entry.kind is not EntryKind.FILE:
        return path
    folder = parent(path)
    called = folder.rpartition("/")[2]
    said = read_mlmodel(content.read(entry, LARGEST_MLMODEL + 1), called)
    own = join(folder, said.file)
    try:
        is_file = content.find(project, commit, own).kind is EntryKind.FILE
    except NotFound:
        is_file = False
    if not is_file:
        raise UnsupportedModel(
            f"The MLflow folder {called} says that its model is {said.file}, which is not in it.",
            next_step="Bring in the whole folder, as MLflow saved it.",
        )
    return own


def mlflow_folder(session: Session, project: str, commit: str, path: str) -> str | None:
    """The folder whose MLmodel names the file at ``path`` as the model's own; None when there is none."""
    from kronkers_studio.packaging import MLMODEL

    folder = path
    for _ in range(_DEEPEST):
        if not folder:
            return None
        folder = parent(folder)
        try:
            if own_file(session, project, commit, join(folder, MLMODEL)) == path:
                return folder
        except (NotFound, UnsupportedModel):
            continue
    return None


def suggested_name(path: str, folder: str | None) -> str:
    """A name for the model at ``path``: of an MLflow ``folder`` its own, since each file there is called model.pkl."""
    return suggest_name(f"{folder}.folder") if folder else suggest_name(path)
