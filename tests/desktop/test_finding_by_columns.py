"""The window finds data files by their columns, which it reads while the first answer is shown already."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.search import SearchDialog
from kronkers_studio.desktop.panels.hit_columns import columns_words
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.search import ColumnsRead
from kronkers_studio.workflows import searching
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.kinds import OpenWindow, Rest
from tests.desktop.versioned import commit_files

PATIENCE = 30_000  # ms


@pytest.fixture
def window(open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest) -> MainWindow:
    with open_workspace(workspace) as session:
        files = {"data/orders.csv": b"customer_id;amount\n1;2\n", "a/customer.txt": b"x", "b/customer notes.txt": b"y"}
        commit_files(session, files, "Brought in")
    opened = open_main_window(workspace, page="registry")
    opened.show()
    come_to_rest(opened)
    return opened


def cells(dialog: SearchDialog, column: int) -> list[str]:
    rows = dialog.table.content
    return [str(rows.data(rows.index(row, column))) for row in range(rows.rowCount())]


def the_dialog(window: MainWindow, words: str) -> SearchDialog:
    window.dialogs.find()
    (dialog,) = window.findChildren(SearchDialog)
    dialog.words.setText(words)
    dialog.look()
    return dialog


def test_data_files_are_found_by_a_column_which_is_shown(window: MainWindow, come_to_rest: Rest) -> None:
    dialog = the_dialog(window, "customer_id")
    come_to_rest(window)
    assert cells(dialog, 0) == ["orders.csv"]
    assert cells(dialog, 1)[0].endswith("/ data · column customer_id")
    assert dialog.summary.text() == "1 file"


def test_what_was_chosen_stays_chosen_when_columns_are_known(
    window: MainWindow, qtbot: QtBot, come_to_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, read = threading.Event(), searching.read_columns

    def later(*arguments: Any, **options: Any) -> ColumnsRead:
        go_on.wait(PATIENCE / 1000)
        return read(*arguments, **options)

    monkeypatch.setattr(searching, "read_columns", later)
    dialog = the_dialog(window, "customer")
    qtbot.waitUntil(lambda: "reading the columns of 1 file" in dialog.summary.text(), timeout=PATIENCE)
    assert cells(dialog, 0) == ["customer.txt", "customer notes.txt"]
    dialog.table.choose(1)
    go_on.set()
    come_to_rest(window)
    assert cells(dialog, 0) == ["customer.txt", "customer notes.txt", "orders.csv"]
    assert dialog.table.chosen is not None and dialog.table.chosen.path == "b/customer notes.txt"


@pytest.mark.parametrize(
    ("columns", "words"),
    [(["a"], "column a"), (["a", "b"], "columns a, b"), (list("abcd"), "columns a, b, c …")],
)
def test_columns_are_named_up_to_three(columns: Sequence[str], words: str) -> None:
    assert columns_words(columns) == words
