"""Saving what a release recorded of the rows that it was asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.desktop.place_words import place_words
from kronkers_studio.desktop.widgets.dialog import confirm
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.recording import RecordedRows
from kronkers_studio.domain.releases import Release

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_KINDS = {".parquet": "Parquet", ".csv": "CSV", ".jsonl": "JSON Lines"}


def ask_and_save_recorded_rows(parent: QWidget, studio: Studio, notice: Notice, release: Release) -> None:
    """Ask where the rows are saved, fetch and save them; what came of it is in ``notice``."""
    title = tr("Save the recorded rows")
    suggested = Path.home() / tr("{model} recorded rows.parquet").format(model=release.model)
    dialog = QFileDialog(parent.window(), title, str(suggested))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    filters = {f"{name} (*{ending})": ending for ending, name in _KINDS.items()}
    dialog.setNameFilters(list(filters))
    dialog.setDefaultSuffix("parquet")
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(filters.get(chosen, ".parquet")[1:]))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda chosen: save_recorded_rows(parent, studio, notice, release, Path(chosen)))
    dialog.open()


def save_recorded_rows(parent: QWidget, studio: Studio, notice: Notice, release: Release, file: Path) -> None:
    """Fetch them into ``file``, which may be overwritten."""
    session = studio.session
    if session is None:
        return
    studio.do(
        tr("Saving the recorded rows of {model}").format(model=release.model),
        _work(session, release, file),
        done=lambda told: _say(notice, told, lambda: _ask_remove(parent, studio, notice, told)),
        failed=notice.show_error,
        owner=parent,
    )


def _work(session: Session, release: Release, file: Path) -> Callable[[Progress, CancelToken], RecordedRows]:
    def work(progress: Progress, cancel: CancelToken) -> RecordedRows:
        from kronkers_studio.workflows.recorded_rows import fetch_recorded_rows

        return fetch_recorded_rows(
            session, release.model, release.place, file=file, overwrite=True, progress=progress, cancel=cancel
        )

    return work


def _say(notice: Notice, told: RecordedRows, remove: Callable[[], object]) -> None:
    remarks = [told.problem] if told.problem else []
    if told.unreadable:
        rows = counted(told.unreadable, tr("{n} row"), tr("{n} rows"))
        remarks.append(tr("{rows} could not be opened and were left out.").format(rows=rows))
    if told.guarded:
        texts = counted(told.guarded, tr("{n} text begins"), tr("{n} texts begin"))
        remarks.append(tr("{texts} like a formula and got an apostrophe before it.").format(texts=texts))
    if not told.rows:
        words = tr("{model} has recorded nothing on {place} yet.")
        notice.say(words.format(model=told.model, place=place_words(told.place)), "\n".join(remarks))
        return
    rows = counted(told.rows, tr("{n} row"), tr("{n} rows"))
    requests = counted(told.requests, tr("{n} request"), tr("{n} requests"))
    words = tr("Saved {rows} of {requests} to {file}.")
    said = words.format(rows=rows, requests=requests, file=Path(told.file).name)
    action = (tr("Remove them there …"), remove) if told.through else None
    notice.say(said, "\n".join(remarks), "warn" if remarks else "ok", action=action)


def _ask_remove(parent: QWidget, studio: Studio, notice: Notice, told: RecordedRows) -> None:
    """Ask before what was saved is removed where it was recorded."""
    session = studio.session
    if session is None:
        return
    place = place_words(told.place)
    rows = counted(told.rows, tr("{n} row"), tr("{n} rows"))

    def work(_progress: Progress, _cancel: CancelToken) -> int:
        from kronkers_studio.workflows.recorded_rows import remove_recorded_rows

        return remove_recorded_rows(session, told.model, told.place, told.through)

    def removed(count: int) -> None:
        gone = counted(count, tr("{n} row was removed"), tr("{n} rows were removed"))
        notice.say(tr("{rows} on {place}.").format(rows=gone, place=place), tone="ok")

    def remove() -> None:
        title = tr("Removing the recorded rows of {model}").format(model=told.model)
        studio.do(title, work, done=removed, failed=notice.show_error, owner=parent)

    words = tr("They stay in {file}. Rows that came since stay, too.")
    if told.unreadable:
        words = tr("They stay in {file}. Rows that could not be opened stay there, and all that came after them.")
    confirm(
        parent,
        tr("Remove the recorded rows on {place}?").format(place=place),
        words.format(file=Path(told.file).name),
        tr("Remove {rows}").format(rows=rows) if not told.unreadable else tr("Remove them"),
        remove,
    )
