"""A sample of the rows: chosen where a version is put live, told of beside what is live, and saved from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars
import pytest
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.charts.release_status import Standing
from kronkers_studio.desktop.dialogs.put_live import PutLiveDialog
from kronkers_studio.desktop.offers.services import service_actions
from kronkers_studio.desktop.pages.deploy import DeployPage
from kronkers_studio.desktop.panels.recorded_rows import save_recorded_rows
from kronkers_studio.desktop.panels.release_card import ReleaseCard
from kronkers_studio.desktop.reachability import ANSWERS
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.domain.recording import RecordedRows, Recording
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.workflows import recorded_rows
from tests.desktop.kinds import OpenWindow
from tests.desktop.things import a_release, a_version

_LONG = 30_000
_RECORDS = replace(a_release(), endpoint={"recording": Recording(0.05).stored()})


@pytest.fixture
def parent(qtbot: QtBot) -> Iterator[QWidget]:
    made = QWidget()
    qtbot.addWidget(made)
    yield made


def _shown(widget: QWidget) -> str:
    return " ".join(each.text() for each in widget.findChildren(QLabel) if not each.isHidden())


def test_nothing_is_kept_unless_it_is_switched_on_and_what_that_means_is_said(parent: QWidget) -> None:
    gone: list[tuple[object, ...]] = []
    dialog = PutLiveDialog(parent, [a_version()], [THIS_COMPUTER, "lab"], [_RECORDS], lambda *all_: gone.append(all_))
    choice = dialog.recording
    assert not dialog.recording.switch.isChecked()
    assert choice.words.isHidden() and choice.share.isHidden()
    assert "The rows that it keeps stay with it" in dialog.plan.text()
    choice.switch.click()
    assert choice.recording == Recording(0.05)
    dialog.place.choose("lab")
    for said in ("kept on lab", "100,000", "encrypted", "only people who can open this workspace"):
        assert said in choice.words.text()
    assert "until you remove it" in choice.words.text() and "personal data" in choice.words.text()
    choice.share.choose(1.0)
    dialog.go.click()
    assert gone == [("wine", 1, "lab", Recording(1.0))]


def test_a_model_that_takes_no_rows_keeps_none(parent: QWidget) -> None:
    version = a_version()
    images = Signature((Tensor("image", Datatype.FP32, (3, 224, 224)),), ())
    version = replace(version, facts=replace(version.facts, signature=images))
    dialog = PutLiveDialog(parent, [version], [THIS_COMPUTER], [], lambda *_all: None)
    assert not dialog.recording.switch.isEnabled()
    dialog.recording.switch.setChecked(True)
    assert dialog.recording.recording is None


def test_what_records_says_so_wherever_it_is_shown(qtbot: QtBot) -> None:
    card = ReleaseCard("wine", [_RECORDS])
    qtbot.addWidget(card)
    assert "Keeps the rows of 5 % of the requests" in _shown(card)
    named = [each.accessibleName() for each in card.findChildren(QPushButton)]
    assert "Save the recorded rows of wine on this computer …" in named
    assert ("Records rows", "plain") in Standing((_RECORDS,), heard=ANSWERS).pills()
    titles = [action.title for action in service_actions([_RECORDS])]
    assert "Save the recorded rows of wine on this computer …" in titles
    plain = ReleaseCard("wine", [a_release()])
    qtbot.addWidget(plain)
    assert "Keeps" not in _shown(plain)
    assert not [action for action in service_actions([a_release()]) if "recorded" in action.title]


def test_the_rows_are_saved_where_a_person_says_and_what_came_of_it_is_told(
    open_main_window: OpenWindow, workspace: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []
    removed: list[tuple[object, ...]] = []

    def fetch(
        _session: object, model: str, place: str, *, file: Path, overwrite: bool, **_more: object
    ) -> RecordedRows:
        asked.append((model, place, overwrite))
        polars.DataFrame({"request_id": ["a"]}).write_parquet(file)
        return RecordedRows(model, place, 2, 1, None, None, file=str(file), unreadable=3, through=17)

    def remove_them(_session: object, model: str, place: str, through: int) -> int:
        removed.append((model, place, through))
        return 2

    monkeypatch.setattr(recorded_rows, "remove_recorded_rows", remove_them)
    monkeypatch.setattr(recorded_rows, "fetch_recorded_rows", fetch)
    window = open_main_window(workspace)
    window.show_page("deploy")
    page = window.page("deploy")
    assert isinstance(page, DeployPage)
    file = tmp_path / "rows.parquet"
    save_recorded_rows(page, window.studio, page.notice, _RECORDS, file)
    qtbot.waitUntil(lambda: "Saved 2 rows of 1 request to rows.parquet" in page.notice.message, timeout=_LONG)
    assert "3 rows could not be opened" in _shown(page.notice)
    assert asked == [("wine", THIS_COMPUTER, True)]
    (remove,) = [each for each in page.notice.findChildren(QPushButton) if each.text() == "Remove them there …"]
    remove.click()
    confirm = window.findChild(Dialog)
    assert isinstance(confirm, Dialog)
    assert "Rows that could not be opened stay there" in _shown(confirm)
    (go,) = [each for each in confirm.findChildren(QPushButton) if each.text() == "Remove them"]
    go.click()
    qtbot.waitUntil(lambda: "2 rows were removed on this computer" in page.notice.message, timeout=_LONG)
    assert removed == [("wine", THIS_COMPUTER, 17)]
    page._save_recorded_rows(_RECORDS)
    (dialog,) = window.findChildren(QFileDialog)
    assert [name.partition(" ")[0] for name in dialog.nameFilters()] == ["Parquet", "CSV", "JSON"]
    dialog.reject()
