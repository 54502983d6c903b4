"""Menus of the rows of lists, made of actions: by the right mouse button, or the keyboard's own key for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from kronkers_studio.desktop import file_manager
from kronkers_studio.desktop.actions import Act, Action, CopyText, ShowInFileManager
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look import icons
from kronkers_studio.desktop.widgets.buttons import unmarked
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.work.tasks import TaskRunner
from kronkers_studio.domain.errors import NotFound, StudioError
from kronkers_studio.domain.printable import printable

Do = Callable[[Act], object]
Row = TypeVar("Row")


def give_menu(table: Table[Row], offers: Callable[[Row], Sequence[Action]], do: Do) -> None:
    """Let each row of ``table`` have a menu of what ``offers`` gives for it."""
    table.menu_wanted.connect(lambda row, at: open_menu(table, offers(row), do, at))


def open_menu(parent: QWidget, actions: Sequence[Action], do: Do, at: QPoint) -> QMenu | None:
    """A menu of ``actions`` at a place of the screen; None, and no menu, without any."""
    if not actions:
        return None
    menu = QMenu(parent)
    menu.aboutToHide.connect(menu.deleteLater)
    for action in actions:
        words = unmarked(printable(action.words))
        menu.addAction(icons.icon(action.icon, "muted", 16), words, _does(do, action.act))
    menu.popup(at)
    return menu


def _does(do: Do, act: Act) -> Callable[[], object]:
    return lambda: do(act)


def do_on_computer(
    act: CopyText | ShowInFileManager, runner: TaskRunner, owner: QObject, failed: Callable[[StudioError], object]
) -> None:
    """What needs neither workspace nor page. ``failed`` is told when the system does not show it, or it is gone."""
    if isinstance(act, CopyText):
        QGuiApplication.clipboard().setText(act.text)
        return
    wanted = act.path

    def work(*_: object) -> tuple[Path | None, bool]:
        found = file_manager.nearest(wanted)
        return found, found is not None and found.is_dir()

    def show(answer: tuple[Path | None, bool]) -> None:
        found, folder = answer
        name = printable(str(wanted))
        if found is None:
            words = tr("{path} is not on this computer now.").format(path=name)
            failed(NotFound(words, next_step=tr("Connect its drive, or sign in to OneDrive.")))
        elif not file_manager.show(found, folder=folder):
            words = tr("{path} could not be shown: no file manager answers.").format(path=name)
            failed(NotFound(words, next_step=tr("Open the folder yourself.")))

    runner.run("show", work, done=show, owner=owner, shown=False)
