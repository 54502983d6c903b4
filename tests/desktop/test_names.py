"""Names of any bytes: spelled out wherever they are seen, and still the same name when something is done with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import LookThroughFolder
from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.panels.browser import file_data
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.drop_target import local_path
from kronkers_studio.desktop.widgets.fields import ComboBox
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.domain.content import EntryKind
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.test_changes import changed_files
from tests.desktop.versioned import commit_files

_FOLDER, _FILE = "B\udcfccher", "M\udcfcller \udcff.csv"
_SHOWN_FOLDER, _SHOWN_FILE = "B\\xfccher", "M\\xfcller \\xff.csv"
_any_bytes = pytest.mark.skipif(sys.platform != "linux", reason="only here can a folder hold such names")


def seen(widget: QWidget) -> str:
    """Every word that ``widget`` shows, cells of its tables too."""
    QApplication.processEvents()
    words = [found.text() for found in widget.findChildren(QLabel) if found.isVisibleTo(widget)]
    words += [found.text() for found in widget.findChildren(QAbstractButton) if found.isVisibleTo(widget)]
    for table in widget.findChildren(QTableView):
        if table.isVisibleTo(widget):
            model = table.model()
            cells = [(row, column) for row in range(model.rowCount()) for column in range(model.columnCount())]
            words += [str(model.index(*cell).data()) for cell in cells]
            words += [str(model.index(*cell).data(Qt.ItemDataRole.ToolTipRole)) for cell in cells]
    return "\n".join(words)


@pytest.fixture
def workspace_of_names(workspace: Path) -> Path:
    """A file whose name is no text, in a folder whose name is none either, in two versions."""
    with open_workspace(workspace) as session:
        commit_files(session, {f"{_FOLDER}/{_FILE}": b"month,amount\n1,10\n"}, "Brought in")
        commit_files(session, {f"{_FOLDER}/{_FILE}": b"month,amount\n1,11\n"}, f"Changed {_FILE}")
    return workspace


def test_words_of_every_kind_spell_out_what_qt_would_drop(qtbot: QtBot) -> None:
    made: list[QLabel | QPushButton] = [label(_FILE), ElidedLabel(_FILE), Pill(_FILE), Button(_FILE)]
    for widget in made:
        qtbot.addWidget(widget)
    assert [widget.text() for widget in made] == [_SHOWN_FILE] * len(made)
    later = label("")
    qtbot.addWidget(later)
    later.setText(f"{_FILE}\nwas restored")
    assert later.text() == f"{_SHOWN_FILE}\nwas restored"


def test_what_is_chosen_from_a_list_is_the_name_itself(qtbot: QtBot) -> None:
    box = ComboBox("What", [("Everything", ""), (_FILE, _FILE)])
    qtbot.addWidget(box)
    box.choose(_FILE)
    assert box.currentText() == _SHOWN_FILE
    assert box.value == _FILE
    box.set_choices([(_FILE, _FILE), ("Everything", "")])
    assert box.value == _FILE


@_any_bytes
def test_such_a_file_is_looked_at_compared_and_restored(
    open_main_window: OpenWindow, workspace_of_names: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    from kronkers_studio.desktop.dialogs.restore import RestoreDialog

    window = open_main_window(workspace_of_names, page="registry")
    window.show()
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    assert _SHOWN_FOLDER in seen(page)
    assert f"Changed {_SHOWN_FILE}" in seen(page)
    page.browser.table.opened.emit(page.browser.table.content.row(0))
    come_to_rest(window)
    assert page.state()["path"] == _FOLDER
    assert _SHOWN_FILE in seen(page)
    page.browser.words.setText("\\XFF")
    page.browser.arrange()
    come_to_rest(window)
    assert [entry.name for entry in page.browser.table.content.rows] == [_FILE]

    page.browser.open_entry(page.browser.table.content.row(0))
    come_to_rest(window)
    assert page.browser.preview.kind == "table"
    assert {_SHOWN_FOLDER, _SHOWN_FILE} <= set(seen(page).splitlines())

    page.ask_what()
    (dialog,) = window.findChildren(RestoreDialog)
    assert dialog.what.currentText() == f"{_SHOWN_FOLDER} / {_SHOWN_FILE}"
    dialog.where.setText(str(tmp_path))
    dialog.go.click()
    qtbot.waitUntil(lambda: "verified" in page.notice.message, timeout=20_000)
    assert (tmp_path / "Team restored" / _FOLDER / _FILE).read_bytes() == b"month,amount\n1,11\n"

    page.sides.choose("changes")
    come_to_rest(window)
    assert {_SHOWN_FOLDER, _SHOWN_FILE} <= set(seen(page.changes_panel).splitlines())
    page.changes_panel.open_change(changed_files(page.changes_panel)[0])
    come_to_rest(window)
    assert page.changes_panel.views.shown == "file"
    assert "10 → 11" in seen(page)


@_any_bytes
def test_such_a_folder_is_planned_brought_in_and_come_back_to(
    open_main_window: OpenWindow, workspace: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    folder = tmp_path / _FOLDER
    folder.mkdir()
    (folder / _FILE).write_text("month,amount\n1,10\n", encoding="utf-8")
    os.mkfifo(folder / "pipe\udcfc")
    window = open_main_window(workspace, page="migrate")
    window.show()
    migrate = the_page(window, MigratePage)
    come_to_rest(window)
    window.studio.go.emit(LookThroughFolder(folder))
    qtbot.waitUntil(lambda: migrate.views.shown == "plan", timeout=20_000)
    assert {_SHOWN_FILE, "pipe\\xfc"} <= set(seen(migrate).splitlines())
    assert f"“{_SHOWN_FOLDER}”" in seen(migrate)
    migrate.start()
    qtbot.waitUntil(lambda: migrate.views.shown == "outcome", timeout=20_000)
    assert "pipe\\xfc" in seen(migrate)
    window.show_page("registry")
    come_to_rest(window)
    registry = the_page(window, RegistryPage)
    assert registry.project_box.value == _FOLDER
    assert registry.project_box.currentText() == _SHOWN_FOLDER
    assert [entry.name for entry in registry.browser.table.content.rows] == [_FILE]
    assert [entry.kind for entry in registry.browser.table.content.rows] == [EntryKind.FILE]


@_any_bytes
def test_such_a_file_is_dragged_out_and_such_a_folder_dropped(tmp_path: Path) -> None:
    folder = tmp_path / _FOLDER
    folder.mkdir()
    (address,) = file_data(folder).urls()
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromEncoded(address.toEncoded())])
    assert bytes(address.toEncoded().data()) == os.fsencode(tmp_path.as_uri()) + b"/B%FCcher"
    assert [local_path(url) for url in dropped.urls()] == [folder]


def test_a_folders_name_may_have_an_and_sign(open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest) -> None:
    with open_workspace(workspace) as session:
        commit_files(session, {"R&D/plans/one.txt": b"1\n"}, "Brought in")
    window = open_main_window(workspace, page="registry")
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    page.browser.open_folder("R&D/plans")
    come_to_rest(window)
    (step,) = (found for found in page.browser.findChildren(QAbstractButton) if "R" in found.text())
    assert step.text() == "R&D"
    assert QAbstractButton.text(step) == "R&&D", "as Qt wants it written: a single one would be swallowed"
    step.setText("A & B")
    assert (step.text(), QAbstractButton.text(step)) == ("A & B", "A && B")


def test_a_long_name_among_words_in_several_lines_makes_room_and_is_told_by_the_tooltip(qtbot: QtBot) -> None:
    """Seen to fail with the label as wide as its longest word, and without the tooltip."""
    words = label(f"Version 1 on {'y' * 63}, put live just now", wrap=True)
    qtbot.addWidget(words)
    words.show()
    words.resize(words.minimumSizeHint().width(), 100)
    assert words.width() <= 160
    assert words.toolTip() == words.text()
    words.resize(1000, 100)
    assert words.toolTip() == ""
    words.setToolTip("something of its own")
    words.resize(120, 100)
    assert words.toolTip() == "something of its own"
