"""A person's own Excel file of seven columns is scored by a live model of three, and saved with its answers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import openpyxl
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from sklearn.linear_model import LogisticRegression

from kronkers_studio.desktop.pages.deploy import DeployPage
from kronkers_studio.desktop.pages.home import HomePage
from kronkers_studio.desktop.panels.send_rows import SendRowsPanel
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.workflows.metrics import LiveFeed
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import list_releases, predict, release_model, stop_release
from kronkers_studio.workflows.session import create_workspace, open_workspace
from tests.desktop.blocking import live_until_idle, main_thread_counted
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.mouse import Mouse, button_of, file_dialog

_NEEDED = ("tenure_months", "monthly_spend", "support_calls")
_WITHIN = 30_000  # milliseconds
_ROWS = 6_000  # more than are sent in one request
_MOST_CLICKS = 6
_MAIN_THREAD_SECONDS = 2.0  # of processor time; reading, matching and saving them take several

_HEAD = ["customer_id", *_NEEDED, "contract", "city", "since"]
_FIRST = [
    ["007", 73, 23.85, 2, "monthly", "København", dt.datetime(2024, 5, 1)],
    ["008", 8, 50.65, 3, "=1+2", "Łódź", dt.datetime(2025, 1, 31)],
    ["009", 16, 0.1 + 0.2, 1, "-yearly", None, None],
    [12345678901234, 22, 1e-10, 0, True, "@city", dt.datetime(2023, 12, 24)],
]


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three columns, the libraries it was made with, and a table of seven."""
    folder = tmp_path_factory.mktemp("own") / "Churn"
    folder.mkdir()
    random = np.random.default_rng(1)
    values = random.uniform(0, 100, size=(300, 3))
    answers = np.where(values[:, 0] < values[:, 1], "yes", "no")
    model = LogisticRegression(max_iter=500).fit(values, answers)
    model.feature_names_in_ = np.array(_NEEDED, dtype=object)
    joblib.dump(model, folder / "churn.joblib")
    (folder / "requirements.txt").write_text("scikit-learn==1.9.1\nnumpy==2.4.6\njoblib==1.6.0\n", encoding="utf-8")
    write_workbook(folder / "customers.xlsx", rows_of(_ROWS))
    return folder


@pytest.fixture(scope="module")
def live_workspace(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with the model live on this computer."""
    folder = tmp_path_factory.mktemp("live")
    directory = folder / "workspace"
    session, _ = create_workspace(directory, key_file=folder / "workspace.key")
    with session:
        migrate_folder(session, own_folder, project="Churn")
        register_model(session, "Churn", "churn.joblib", name="churn")
        release_model(session, "churn", to=THIS_COMPUTER)
    yield directory
    with open_workspace(directory) as session:
        for release in list_releases(session):
            if release.state is ReleaseState.LIVE:
                stop_release(session, release.model, release.place)


@pytest.fixture
def panel(open_main_window: OpenWindow, live_workspace: Path, qtbot: QtBot, come_to_rest: Rest) -> SendRowsPanel:
    window = open_main_window(live_workspace, page="deploy")
    come_to_rest(window)
    deploy = the_page(window, DeployPage)
    qtbot.waitUntil(lambda: bool(deploy.live_services), timeout=_WITHIN)
    deploy.send_rows("churn", THIS_COMPUTER)
    return deploy.send_panel


def rows_of(count: int) -> list[list[Any]]:
    rest = [
        [f"c{n}", n % 97, round(n * 0.37, 2), n % 5, "monthly", "Malmö", dt.datetime(2024, 1, 1 + n % 28)]
        for n in range(count - len(_FIRST))
    ]
    return [*_FIRST, *rest]


def write_workbook(file: Path, rows: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [_HEAD, *rows]:
        sheet.append(row)
        for cell in sheet[sheet.max_row]:
            if cell.data_type == "f":
                cell.data_type = "s"  # a text, as a person's sheet may hold it
            elif isinstance(cell.value, float):
                exact: Any = cell
                exact._value, exact.data_type = repr(cell.value), "n"  # with 17 digits, as Excel writes them
    book.save(file)


def saved_rows(file: Path) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(file).active
    assert sheet is not None
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row), "no text became a formula"
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def test_from_home_to_the_saved_workbook_in_six_clicks_and_no_number_differs(
    open_main_window: OpenWindow,
    live_workspace: Path,
    own_folder: Path,
    tmp_path: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    window = open_main_window(live_workspace, page="home")
    come_to_rest(window)
    home = the_page(window, HomePage)
    qtbot.waitUntil(lambda: any(b.text() == "Send rows" for b in home.findChildren(QPushButton)), timeout=_WITHIN)
    mouse = Mouse(qtbot)

    mouse.click(button_of(home, "Send rows"))
    come_to_rest(window)
    panel = the_page(window, DeployPage).send_panel
    mouse.click(panel.open_button)
    mouse.click_in_dialog(file_dialog(window, qtbot), str(own_folder / "customers.xlsx"))
    qtbot.waitUntil(lambda: panel.how.key == "table" and panel.button.isEnabled(), timeout=_WITHIN)
    assert panel.notice.message == ""
    assert panel.facts.text() == "customers.xlsx · 6,000 rows · the first 200 are shown"
    assert "3 of 7 columns used (✓); customer_id, contract, city, since are carried along." in panel.used.text()
    shown = list(panel.given.content.rows)
    assert shown[0] == ["007", "73", "23.85", "2", "monthly", "København", "2024-05-01"]
    assert shown[2][2] == "0.30000000000000004"
    mouse.click(panel.button)
    qtbot.waitUntil(lambda: panel.answers.views.shown == "table" and panel.button.isEnabled(), timeout=_WITHIN)
    assert panel.notice.message == ""
    mouse.click(panel.answers.save_button)
    target = tmp_path / "scored.xlsx"
    mouse.click_in_dialog(file_dialog(window, qtbot), str(target))
    qtbot.waitUntil(lambda: bool(panel.answers.outcome.message), timeout=_WITHIN)

    assert mouse.clicks <= _MOST_CLICKS
    assert panel.answers.outcome.message.startswith("Saved 6,000 rows to ")
    given = saved_rows(own_folder / "customers.xlsx")
    saved = saved_rows(target)
    assert saved[0] == [*_HEAD, "answer", "certainty", "probability of no", "probability of yes"]
    assert [row[:7] for row in saved] == given
    assert [[repr(cell) for cell in row[:7]] for row in saved] == [[repr(cell) for cell in row] for row in given]
    session = window.studio.session
    assert session is not None
    sample = [dict(zip(_NEEDED, row[1:4], strict=True)) for row in given[1:6]]
    answer = predict(session, "churn", THIS_COMPUTER, sample)
    assert [row[7] for row in saved[1:6]] == list(answer.outputs)
    for row, chances in zip(saved[1:6], answer.probabilities, strict=True):
        assert row[8] == pytest.approx(chances[row[7]], abs=1e-12)
        assert (row[9], row[10]) == pytest.approx((chances["no"], chances["yes"]), abs=1e-12)
    lines = list(panel.answers.table.content.rows)[:4]
    assert [line[2:] for line in lines] == shown[:4], "what is shown beside the answers is what was sent"
    assert all(line[1].endswith(" %") and len(line[1].split()[0].split(".")[1]) == 1 for line in lines)

    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    assert panel.answers.outcome.action is not None
    panel.answers.outcome.action.click()
    assert [Path(folder) for folder in opened] == [tmp_path]


def test_a_table_that_does_not_fit_is_told_and_nothing_is_sent(
    panel: SendRowsPanel, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = panel.window()
    assert isinstance(window, MainWindow)
    session = window.studio.session
    assert session is not None

    def requests() -> tuple[float, float]:
        feed = LiveFeed(session, "churn", THIS_COMPUTER)
        totals = feed.scrape().totals
        feed.close()
        return totals.get("answered", 0.0), totals.get("refused", 0.0) + totals.get("failed", 0.0)

    before = requests()
    table = tmp_path / "customers.csv"
    for content, words in (
        ("customer_id,tenure_months,calls\n1,2,3\n", "lacks monthly_spend, support_calls"),
        ("Tenure_Months,monthly_spend,support_calls\n1,lots,3\n", "Row 1 (line 2) of customers.csv: monthly_spend"),
    ):
        table.write_text(content, encoding="utf-8")
        panel.open_table(table)
        come_to_rest(window)
        assert words in panel.notice.message
        panel.notice.clear()
        panel.send()
        come_to_rest(window)
        assert words in panel.notice.message
        assert panel.given.content.rowCount() == 1, "it is shown all the same"
    assert requests() == before


def test_a_table_of_a_project_is_chosen_and_answers_are_copied(
    panel: SendRowsPanel, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = panel.window()
    assert isinstance(window, MainWindow)
    panel.registry_button.click()
    (dialog,) = (d for d in window.findChildren(TableChoiceDialog) if d.isVisible())
    qtbot.waitUntil(lambda: dialog.table.content.rowCount() > 0, timeout=_WITHIN)
    dialog.filter.setText("custom XLSX")
    assert [entry.path for entry in dialog.table.content.rows] == ["customers.xlsx"]
    dialog.go.click()
    come_to_rest(window)
    qtbot.waitUntil(panel.button.isEnabled, timeout=_WITHIN)
    assert "3 of 7 columns used" in panel.used.text()
    panel.button.click()
    qtbot.waitUntil(lambda: panel.answers.views.shown == "table" and panel.button.isEnabled(), timeout=_WITHIN)
    table = panel.answers.table
    table.setFocus()
    table.selectRow(0)
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text().split("\t")
    assert copied[2:5] == ["007", "73", "23.85"]
    qtbot.keyClick(table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    table.copy_rows(headers=True)
    lines = QGuiApplication.clipboard().text().split("\n")
    assert len(lines) == _ROWS + 1
    assert lines[0].split("\t") == ["Answer", "Certainty", *_HEAD]
    assert lines[2].split("\t")[6] == "'=1+2", "pasted, it is no formula"
    assert [action.text() for action in table.menu().actions()] == ["Copy", "Copy with headers", "Select all"]
    panel.answers.every_class.click()
    assert [column.title for column in panel.answers.table.content.columns][:4] == ["Answer", "Certainty", "no", "yes"]


def test_rows_that_were_answered_before_it_was_cancelled_stay_and_are_said_to_be_incomplete(
    panel: SendRowsPanel, own_folder: Path, qtbot: QtBot, come_to_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kronkers_studio.workflows import scored_rows

    window = panel.window()
    assert isinstance(window, MainWindow)
    runner = window.studio.runner
    really = predict

    def once(*arguments: Any) -> Any:
        answer = really(*arguments)
        next(task for task in runner.tasks if not task.state.ended).cancel()
        return answer

    monkeypatch.setattr(scored_rows, "predict", once)
    panel.open_table(own_folder / "customers.xlsx")
    come_to_rest(window)
    panel.button.click()
    qtbot.waitUntil(lambda: bool(panel.answers.outcome.message), timeout=_WITHIN)
    assert panel.answers.outcome.message == "Incomplete: 5,000 of 6,000 rows were answered."
    assert panel.answers.table.content.rowCount() == 5000
    assert panel.answers.save_button.isVisible()


def test_typed_rows_may_have_more_columns_too(panel: SendRowsPanel, qtbot: QtBot) -> None:
    panel.how.choose("text")
    panel.text.setPlainText(json.dumps([{"id": "a", **dict.fromkeys(_NEEDED, 1)}]))
    panel.button.click()
    qtbot.waitUntil(lambda: panel.answers.views.shown == "table" and panel.button.isEnabled(), timeout=_WITHIN)
    assert panel.notice.message == ""
    assert next(iter(panel.answers.table.content.rows))[2:] == ["a", "1", "1", "1"]


def test_the_source_of_a_registry_table_is_no_folder_to_save_in(panel: SendRowsPanel, come_to_rest: Rest) -> None:
    window = panel.window()
    assert isinstance(window, MainWindow)
    panel.open_table(ContentRef("Churn", "", "customers.xlsx"))
    come_to_rest(window)
    assert panel.facts.text().startswith("customers.xlsx · 6,000 rows")


def test_a_file_is_dropped_onto_the_panel(panel: SendRowsPanel, own_folder: Path, come_to_rest: Rest) -> None:
    window = panel.window()
    assert isinstance(window, MainWindow)
    for names, taken in (((".",), False), (("churn.joblib", "customers.xlsx"), False), (("customers.xlsx",), True)):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(own_folder / name)) for name in names])
        buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        entering = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, buttons, keys)
        entering.ignore()
        QApplication.sendEvent(panel, entering)
        assert entering.isAccepted() is taken
    QApplication.sendEvent(panel, QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))
    come_to_rest(window)
    assert panel.facts.text().startswith("customers.xlsx · 6,000 rows")
    assert not panel.text.acceptDrops(), "or the name of a file would be typed into the rows"


def test_a_file_is_replaced_only_when_that_was_asked(
    panel: SendRowsPanel, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    window = panel.window()
    assert isinstance(window, MainWindow)
    panel.fill_form(dict.fromkeys(_NEEDED, "1"))
    panel.button.click()
    qtbot.waitUntil(lambda: panel.answers.views.shown == "table" and panel.button.isEnabled(), timeout=_WITHIN)
    there = tmp_path / "scored.v2.xlsx"
    there.write_text("before", encoding="utf-8")
    panel.answers.ask_save()
    dialog = file_dialog(window, qtbot)
    assert Path(dialog.selectedFiles()[0]).name == "churn with answers.xlsx"
    dialog.fileSelected.emit(str(tmp_path / "scored.v2"))
    question = next(d for d in window.findChildren(Dialog) if d.isVisible())
    dialog.reject()
    assert question.windowTitle() == "Replace scored.v2.xlsx?"
    question.reject()
    come_to_rest(window)
    assert there.read_text(encoding="utf-8") == "before"
    panel.answers.ask_save()
    dialog = file_dialog(window, qtbot)
    dialog.fileSelected.emit(str(tmp_path / "scored.v2"))
    dialog.reject()
    button_of(next(d for d in window.findChildren(Dialog) if d.isVisible()), "Replace").click()
    come_to_rest(window)
    assert saved_rows(there)[1][:3] == [1, 1, 1]


def test_tasks_show_how_far_a_large_table_is_and_the_window_goes_on(
    panel: SendRowsPanel, tmp_path: Path, qtbot: QtBot
) -> None:
    """60,000 rows: read, shown, sent in 12 parts and saved, while the window answers."""
    window = panel.window()
    assert isinstance(window, MainWindow)
    runner = window.studio.runner
    table = tmp_path / "large.csv"
    lines = [f"c{n},{n % 97},{n / 7:.2f},{n % 5},monthly,Malmö" for n in range(60_000)]
    table.write_text("\n".join([",".join(_HEAD[:6]), *lines]), encoding="utf-8")
    seen: set[str] = set()
    runner.changed.connect(lambda task: seen.add(f"{task.reported.now.title} of {task.reported.now.total}"))
    with main_thread_counted() as blocked:
        panel.open_table(table)
        live_until_idle(runner)
        panel.send()
        live_until_idle(runner)
        assert panel.answers.table.content.rowCount() == 60_000
        scored = panel.answers._scored
        assert scored is not None
        panel.answers.save(scored, tmp_path / "large.xlsx")
        live_until_idle(runner)
    assert panel.answers.outcome.message == "Saved 60,000 rows to large.xlsx."
    assert {"Sending rows to churn of 60000", "Saving large.xlsx of 60000"} <= seen
    assert blocked.thread < _MAIN_THREAD_SECONDS
