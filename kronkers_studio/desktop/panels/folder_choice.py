"""Choose a folder: one that was found, one that is browsed for, or one dropped here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.drop_target import DropTarget
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label, rule
from kronkers_studio.desktop.work.studio import Studio


class DropCard(Card):
    """A large target for a dropped folder, with a button that does the same."""

    folder_dropped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        DropTarget(self, Path.is_dir).dropped.connect(self.folder_dropped)
        self.setMinimumHeight(220)
        self.setAccessibleName(tr("Drop a folder here"))
        self.body.addStretch(1)
        self.body.addWidget(IconLabel("migrate", "accent", 40), 0, Qt.AlignmentFlag.AlignHCenter)
        self.body.addWidget(label(tr("Drop a folder here"), "name"), 0, Qt.AlignmentFlag.AlignHCenter)
        words = label(tr("Your OneDrive, a team's folder in it, or any other folder"), "muted")
        self.body.addWidget(words, 0, Qt.AlignmentFlag.AlignHCenter)
        self.button = Button(tr("Choose a folder …"), self.browse, icon="folder")
        self.body.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        self.body.addStretch(1)

    def browse(self) -> None:
        """Ask for the folder with the system's own dialog."""
        dialog = QFileDialog(self.window(), tr("Choose a folder"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self.folder_dropped.emit(Path(chosen)))
        dialog.open()


class FolderChoice(QWidget):
    """``chosen`` carries the folder (a ``Path``)."""

    chosen = Signal(object)

    def __init__(self, studio: Studio, *, sample: bool = True, parent: QWidget | None = None) -> None:
        """``sample`` offers the bundled sample folder."""
        super().__init__(parent)
        self._studio = studio
        self._sample = sample
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        self.drop = DropCard()
        self.drop.folder_dropped.connect(self.chosen)
        row.addWidget(self.drop, 1)
        self._found = Card(tr("Found on this computer"))
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._found.body.addLayout(self._list)
        self._found.body.addStretch(1)
        row.addWidget(self._found, 1)
        self._known: set[Path] = set()
        self._suggested: Sequence[Path] = ()
        self._fill()

    def look_around(self) -> None:
        """Look for OneDrive folders on this computer, off the main thread."""

        def work(*_: object) -> list[Path]:
            from kronkers_studio.workflows.migrating import suggested_folders

            return suggested_folders()

        self._studio.runner.run("look", work, done=self._show_suggested, owner=self, shown=False)

    def leave_out(self, folders: Iterable[Path]) -> None:
        """Offer ``folders`` no more: they were brought in before."""
        self._known = set(folders)
        self._fill()

    def _show_suggested(self, folders: Sequence[Path]) -> None:
        self._suggested = folders
        self._fill()

    def _fill(self) -> None:
        clear(self._list)
        offers = [folder for folder in self._suggested if folder not in self._known]
        for folder in offers:
            words = f"OneDrive · {home_short(folder)}"
            self._list.addWidget(_offer(folder.name, words, tr("Look inside"), self._picks(folder)))
        if not offers:
            words = tr("No other OneDrive folder was found here. Choose the folder yourself.")
            if not self._known:
                words = tr("No OneDrive folder was found here. Choose the folder yourself.")
            self._list.addWidget(label(words, "muted", wrap=True))
        if self._sample:
            self._list.addSpacing(8)
            self._list.addWidget(rule())
            name, words = tr("No folder at hand?"), tr("A small OneDrive folder with real data and a model")
            sample = _offer(name, words, tr("Try the sample"), self._pick_sample, icon="sparkle", sentence=True)
            self._list.addWidget(sample)

    def _picks(self, folder: Path) -> Callable[[], None]:
        return lambda: self.chosen.emit(folder)

    def _pick_sample(self) -> None:
        self.chosen.emit(sample_folder())


def sample_folder() -> Path:
    """The bundled sample OneDrive folder."""
    from kronkers_studio.settings.paths import resource

    return resource("sample/OneDrive - Kronkers")


def _offer(
    name: str,
    words: str,
    action: str,
    on_click: Callable[[], object],
    *,
    icon: str = "folder",
    sentence: bool = False,
) -> QWidget:
    """A ``sentence`` goes on in the next line; a path is cut in its middle."""
    row_widget = QWidget()
    row = QHBoxLayout(row_widget)
    row.setContentsMargins(0, 8, 0, 8)
    row.setSpacing(12)
    row.addWidget(IconLabel(icon, "muted", 20))
    column = QVBoxLayout()
    column.setSpacing(2)
    column.addWidget(ElidedLabel(name, "medium"))
    column.addWidget(label(words, "caption", wrap=True) if sentence else ElidedLabel(words, "caption", middle=True))
    row.addLayout(column, 1)
    row.addWidget(Button(action, on_click, name=f"{action}: {name}"))
    return row_widget
