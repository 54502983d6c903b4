"""A model's file from anywhere on this computer: asked for, brought in alone, and registered as what a person says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from kronkers_studio.desktop.dialogs.register import RegisterDialog
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.model_files import MODEL_ENDINGS, may_be_model
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.models import FoundModel


def ask_model_file(parent: QWidget, on_file: Callable[[Path], object]) -> None:
    """Ask for a model's file; ``on_file`` hears of it."""
    dialog = QFileDialog(parent.window(), tr("Add a model file"), str(Path.home()))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    patterns = " ".join(f"*{ending}" for ending in MODEL_ENDINGS)
    dialog.setNameFilters([tr("Models ({patterns})").format(patterns=patterns), tr("All files (*)")])
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda chosen: on_file(Path(chosen)))
    dialog.open()


def may_be_model_file(path: Path) -> bool:
    """Whether what was dropped may be the file of a model."""
    return path.is_file() and may_be_model(path.name)


def add_model_file(
    owner: QWidget,
    studio: Studio,
    file: Path,
    models: Callable[[], Mapping[str, int]],
    registered: Callable[[ModelVersion], object],
    failed: Callable[[StudioError], object],
    *,
    next_of: str = "",
) -> None:
    """Bring ``file`` in, then ask what it is to be registered as: the next version of ``next_of``, if that is said.
    ``models`` gives the number of each model's newest version."""
    session = studio.session
    if session is None:
        return

    def work(progress: Progress, cancel: CancelToken) -> FoundModel:
        from kronkers_studio.workflows.added_models import add_model

        return add_model(session, file, progress=progress, cancel=cancel)

    def ask(found: FoundModel) -> None:
        ask_to_register(owner, studio, found, models(), registered, failed, next_of=next_of)

    studio.do(
        tr("Adding {file}").format(file=file.name),
        work,
        changes=("content",),
        done=ask,
        failed=failed,
        owner=owner,
        resource="content",
    )


def ask_to_register(
    owner: QWidget,
    studio: Studio,
    found: FoundModel,
    models: Mapping[str, int],
    registered: Callable[[ModelVersion], object],
    failed: Callable[[StudioError], object],
    *,
    next_of: str = "",
) -> None:
    """Ask what ``found`` is to be registered as; nothing where it cannot be. ``failed`` hears of a profile of its
    training data that could not be made, after ``registered``."""
    if found.facts is None:
        return
    dialog = RegisterDialog(owner.window(), studio, found, models, next_of=next_of)
    dialog.registered.connect(registered)
    dialog.unprofiled.connect(failed)
    dialog.open()
