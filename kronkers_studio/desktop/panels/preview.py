"""A look at one file of a version, in the way that suits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, date_time, file_size, number, tr
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.panels.table_preview import TableLook
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.code_view import CodeView
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Commit, Entry
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.previews import (
    ImagePreview,
    NoPreview,
    NotebookCell,
    NotebookPreview,
    Preview,
    TablePreview,
    TextPreview,
)
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_LARGEST_PICTURE = QSize(2400, 2400)


class PreviewPanel(QWidget):
    """Shows files one after another; what is shown now is said above it."""

    def __init__(self, studio: Studio, actions: Sequence[QWidget] = (), parent: QWidget | None = None) -> None:
        """``actions`` stand beside what is said of the file."""
        super().__init__(parent)
        self._studio = studio
        self._asked = 0
        self.kind = ""  # of what is shown: "table", "text", "notebook", "image", "none"
        self.table: TableLook | None = None  # the last table that was shown
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # the keyboard goes on from here to what is shown
        self.facts = label("", "caption", wrap=True)
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(self.facts, 1)
        for action in actions:
            head.addWidget(action)
        whole.addLayout(head)
        self._place = QVBoxLayout()
        whole.addLayout(self._place, 1)

    def show_file(self, commit: Commit, entry: Entry) -> None:
        """Read the beginning of ``entry`` off the main thread and show it."""
        self._asked += 1
        asked = self._asked
        self.kind = ""
        self.table = None
        clear(self._place)
        self.facts.setText(tr("Reading “{file}” …").format(file=entry.name))

        def work(session: Session, cancel: CancelToken) -> tuple[Preview, QImage | None]:
            from kronkers_studio.workflows.previews import preview_file

            preview = preview_file(session, commit.project, commit.id, entry.path, cancel=cancel)
            return preview, _picture(preview.data) if isinstance(preview, ImagePreview) else None

        def show(answer: tuple[Preview, QImage | None]) -> None:
            if asked == self._asked:
                self.show_preview(entry, commit, *answer)

        def failed(error: StudioError) -> None:
            if asked == self._asked:
                self.show_preview(entry, commit, NoPreview(f"{error.message} {error.next_step}".strip()))

        self._studio.look(work, show, owner=self, failed=failed)

    def show_preview(self, entry: Entry, commit: Commit, preview: Preview, picture: QImage | None = None) -> None:
        """Show what was read of ``entry``."""
        clear(self._place)
        if isinstance(preview, TablePreview):
            self.kind, more, widget = "table", _table_words(preview), self._look_at(commit, entry, preview)
        else:
            self.kind, more, widget = _shown(entry, preview, picture)
        self._say(entry, commit, more)
        self._place.addWidget(widget, 1)

    def _look_at(self, commit: Commit, entry: Entry, preview: TablePreview) -> QWidget:
        self.table = TableLook(self._studio, commit, entry, preview)
        self.table.counted.connect(lambda words: self._say(entry, commit, _with_sheet(words, preview)))
        return self.table

    def _say(self, entry: Entry, commit: Commit, more: str) -> None:
        as_of = tr("as it was at {time}").format(time=date_time(commit.created))
        self.facts.setText(" · ".join(part for part in (file_size(entry.size), more, as_of) if part))


def _shown(entry: Entry, preview: Preview, picture: QImage | None) -> tuple[str, str, QWidget]:
    """The kind of preview, what there is to say of it, and the widget that shows it."""
    if isinstance(preview, TextPreview):
        view = CodeView(tr("Content of {file}").format(file=entry.name))
        view.show_text(preview.text)
        return "text", _text_words(preview), view
    if isinstance(preview, NotebookPreview):
        words = counted(len(preview.cells), tr("{n} cell"), tr("{n} cells"))
        return "notebook", f"{words} · {preview.language}" if preview.language else words, _notebook(preview)
    if isinstance(preview, ImagePreview) and picture is not None and not picture.isNull():
        size = f"{number(picture.width())} × {number(picture.height())}"
        return "image", size, _Picture(tr("Picture {file}").format(file=entry.name), picture)
    reason = preview.reason if isinstance(preview, NoPreview) else tr("This picture cannot be read.")
    return "none", "", EmptyState("file", tr("There is no preview of “{file}”").format(file=entry.name), reason)


def _table_words(preview: TablePreview) -> str:
    rows = len(preview.rows)
    if preview.complete:
        words = counted(rows, tr("{n} row"), tr("{n} rows"))
    elif preview.total is not None:
        words = tr("first {n} of {total} rows").format(n=number(rows), total=number(preview.total))
    else:
        words = counted(rows, tr("first {n} row"), tr("first {n} rows"))
    columns = counted(len(preview.columns), tr("{n} column"), tr("{n} columns"))
    if preview.width:
        shown = number(len(preview.columns))
        columns = tr("first {n} of {total} columns").format(n=shown, total=number(preview.width))
    return _with_sheet(f"{words} · {columns}", preview)


def _with_sheet(words: str, preview: TablePreview) -> str:
    sheet = tr("sheet “{name}” of {n}").format(name=preview.sheet, n=len(preview.sheets)) if preview.sheet else ""
    return " · ".join(part for part in (words, sheet) if part)


def _text_words(preview: TextPreview) -> str:
    lines = preview.text.count("\n") + (not preview.text.endswith("\n"))
    words = counted(lines, tr("{n} line"), tr("{n} lines"))
    return words if preview.complete else tr("first {lines}").format(lines=words)


def _notebook(preview: NotebookPreview) -> QWidget:
    cells = QWidget()
    column = QVBoxLayout(cells)
    column.setContentsMargins(0, 0, 8, 0)
    column.setSpacing(GAP)
    for cell in preview.cells:
        column.addWidget(_cell(cell))
    if not preview.complete:
        column.addWidget(label(tr("There are more cells; restore the notebook to see them."), "muted", wrap=True))
    column.addStretch(1)
    area = scrolling(cells, tr("Cells of the notebook"))
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)  # lines of code are never broken
    area.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # its arrow keys scroll
    return area


def _cell(cell: NotebookCell) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    head = QHBoxLayout()
    code = cell.kind == "code"
    head.addWidget(Pill(tr("Code") if code else tr("Text"), "accent" if code else "plain"))
    head.addStretch(1)
    column.addLayout(head)
    column.addWidget(label(cell.source or " ", "code" if code else "text", wrap=not code, selectable=True))
    if cell.output:
        column.addWidget(label(cell.output, "output", selectable=True))
    return made


class _Picture(QLabel):
    """A picture at its size, or smaller where there is less room."""

    def __init__(self, name: str, picture: QImage) -> None:
        super().__init__()
        self._whole = QPixmap.fromImage(picture)
        self.setAccessibleName(printable(name))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(40, 40)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(200, 200)

    def _fit(self) -> None:
        ratio = self.devicePixelRatioF()
        room = self.size() * ratio
        whole = self._whole
        if whole.width() > room.width() or whole.height() > room.height():
            whole = whole.scaled(room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        whole.setDevicePixelRatio(ratio)
        self.setPixmap(whole)


def _picture(data: bytes) -> QImage:
    """Decode a picture (on any thread), made smaller when it is huge; a null image when it cannot be read."""
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.width() > _LARGEST_PICTURE.width() or size.height() > _LARGEST_PICTURE.height():
        reader.setScaledSize(size.scaled(_LARGEST_PICTURE, Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()
