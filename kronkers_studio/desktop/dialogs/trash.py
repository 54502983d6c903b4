"""What was removed, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import counted, moment, tr
from kronkers_studio.desktop.widgets.dialog import Dialog, confirm
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.maintenance import TrashItem, TrashKind
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


class TrashDialog(Dialog):
    """``on_back(item)`` hears of each thing that was brought back."""

    def __init__(self, parent: QWidget | None, studio: Studio, on_back: Callable[[TrashItem], object]) -> None:
        sentence = tr("Whatever was removed stays here with all its versions, until it is given up.")
        super().__init__(parent, tr("Trash"), sentence, width=600)
        self._studio, self._on_back = studio, on_back
        self.table: Table[TrashItem] = Table(tr("Trash"), _columns())
        self.table.setMinimumHeight(240)
        self.table.picked.connect(lambda _item: self._offer())
        self.table.opened.connect(lambda _item: self.bring_back())
        self.views = Views({"list": lambda: self.table, "empty": _nothing})
        self.content.addWidget(self.views, 1)
        self.empty = self.add_button(tr("Empty the trash …"), self.ask_empty, "danger")
        self.buttons.insertWidget(0, self.empty)
        self.close_button = self.add_button(tr("Close"), self.reject)
        self.back = self.add_button(tr("Bring back"), self.bring_back, "primary")
        self._offer()
        self._read()

    def _read(self) -> None:
        def work(session: Session) -> list[TrashItem]:
            from kronkers_studio.workflows.trash import list_trash

            return list_trash(session)

        self._studio.read(work, self._show, owner=self, failed=self.notice.show_error)

    def _show(self, items: list[TrashItem]) -> None:
        self.table.content.show_rows(items)
        self.views.show_view("list" if items else "empty")
        if items:
            self.table.choose(0)
        (self.table if items else self.close_button).setFocus()  # never the button that gives all of it up
        self._offer()

    def _offer(self) -> None:
        self.back.setEnabled(self.table.chosen is not None)
        self.empty.setVisible(self.table.content.rowCount() > 0)

    def bring_back(self) -> None:
        """Bring the chosen thing back."""
        item = self.table.chosen
        if item is None:
            return

        def done(item: TrashItem) -> None:
            self._read()
            self._on_back(item)

        self.back.setEnabled(False)
        bring_back(self._studio, item, done=done, failed=self._failed, owner=self)

    def ask_empty(self) -> None:
        """Ask before all of it is given up for good."""
        many = counted(self.table.content.rowCount(), tr("{n} thing"), tr("{n} things"))
        words = tr("{many} cannot be brought back after this. Cleaning up the workspace then frees the space.")
        confirm(self, tr("Give up what is in the trash?"), words.format(many=many), tr("Give up"), self._empty)

    def _empty(self) -> None:
        session, ids = self._studio.session, [item.id for item in self.table.content.rows]
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> object:
            from kronkers_studio.workflows.trash import empty_trash

            return empty_trash(session, ids)

        self._studio.do(
            tr("Giving up what is in the trash"),
            work,
            done=lambda _: self._read(),
            failed=self._failed,
            owner=self,
            resource="content",
            cancellable=False,
        )

    def _failed(self, error: StudioError) -> None:
        self._offer()
        self.notice.show_error(error)


def bring_back(
    studio: Studio,
    item: TrashItem,
    *,
    done: Callable[[TrashItem], object],
    failed: Callable[[StudioError], object],
    owner: QWidget,
) -> None:
    """Bring ``item`` back from the trash, off the main thread."""
    session = studio.session
    if session is None:
        return

    def work(_progress: Progress, _cancel: CancelToken) -> TrashItem:
        from kronkers_studio.workflows.trash import restore_from_trash

        return restore_from_trash(session, item.id)

    studio.do(
        tr("Bringing back “{what}”").format(what=item.name or item.owner),
        work,
        changes=("models",) if item.kind is TrashKind.MODEL else ("content",),
        done=done,
        failed=failed,
        owner=owner,
        resource="content",
        cancellable=False,
    )


def removed_words(item: TrashItem) -> str:
    """What was removed, as a person would call it."""
    if item.kind is TrashKind.PROJECT:
        return tr("Project “{project}”").format(project=item.owner)
    if item.kind is TrashKind.BRANCH:
        return tr("Copy “{branch}” of “{project}”").format(branch=item.name, project=item.owner)
    return tr("Model “{model}”, version {n}").format(model=item.owner, n=item.name)


_ICONS = {TrashKind.PROJECT: "folder", TrashKind.BRANCH: "history", TrashKind.MODEL: "models"}


def _columns() -> list[Column[TrashItem]]:
    return [
        Column(tr("What"), removed_words, stretch=3, icon=lambda item: _ICONS[item.kind]),
        Column(tr("Removed"), lambda item: moment(item.removed), 120, muted=True),
        Column(tr("By"), lambda item: item.author, 110, muted=True),
    ]


def _nothing() -> QWidget:
    words = tr("Projects, copies of them and model versions that are removed lie here.")
    return EmptyState("trash", tr("The trash is empty"), words)
