"""Servers as they are, in the window: a name of the SSH configuration, a jump host, a one-time code; real servers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.add_server import AddServerDialog
from kronkers_studio.desktop.dialogs.answer_log_in import AnswerLogInDialog
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.errors import LogInUnanswered, StudioError
from kronkers_studio.domain.log_ins import LogInQuestions, Prompt
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.secrets import Secret
from tests.desktop.kinds import OpenWindow, the_session
from tests.lab.servers import CODE_KEY, PASSWORD, WITH_PAM, LabServer

_LONG = 60_000


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def _dialog(window: MainWindow, added: list[Server]) -> AddServerDialog:
    dialog = AddServerDialog(window, window.studio, added.append)
    dialog.open()
    return dialog


def _asked(window: MainWindow, qtbot: QtBot) -> AnswerLogInDialog:
    qtbot.waitUntil(lambda: bool(_open_questions(window)), timeout=_LONG)
    return _open_questions(window)[0]


def _open_questions(window: MainWindow) -> list[AnswerLogInDialog]:
    return [dialog for dialog in window.findChildren(AnswerLogInDialog) if dialog.isVisible()]


def _confirm(dialog: AddServerDialog, host: str, qtbot: QtBot) -> None:
    """Compare the fingerprint that is shown, once it is that of ``host``."""
    qtbot.waitUntil(lambda: dialog.views.shown == "fingerprint" and host in _shown_by(dialog), timeout=_LONG)
    assert not dialog.next.isEnabled()
    dialog.compared.same.click()
    dialog.next.click()


def _shown_by(dialog: AddServerDialog) -> str:
    return dialog.compared._shown_by.text()


def _code(counter: int) -> str:
    command = ["oathtool", "--hotp", f"--counter={counter}", CODE_KEY]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _wants_codes(server: LabServer) -> None:
    server.ask_for_codes()
    server.stop_sshd()
    server.start_sshd(*WITH_PAM)


def test_a_name_of_the_configuration_is_offered_and_its_jump_host_confirmed_and_logged_in_to_first(
    open_main_window: OpenWindow,
    workspace: Path,
    own_home: Path,
    lab_server: LabServer,
    other_server: LabServer,
    qtbot: QtBot,
) -> None:
    (own_home / ".ssh").mkdir()
    (own_home / ".ssh" / "config").write_text(
        f"Host plant\n HostName {lab_server.host}\n ProxyJump visitor@gate\n"
        f" IdentityFile {lab_server.lab.key('plain')}\n"
        f"Host gate\n HostName {other_server.host}\n IdentityFile none\n IdentitiesOnly yes\nHost *\n User analyst\n",
        encoding="utf-8",
    )
    (own_home / ".ssh" / "known_hosts").write_text(f"{other_server.host} {other_server.host_key}\n", encoding="utf-8")
    window, added = open_main_window(workspace), list[Server]()
    dialog = _dialog(window, added)
    qtbot.waitUntil(lambda: dialog.aliases.values == ("", "plant", "gate"), timeout=_LONG)
    dialog.aliases.choose("plant")
    assert (dialog.address.text(), dialog.name.text()) == ("plant", "plant")
    dialog.next.click()
    qtbot.waitUntil(lambda: dialog.views.shown == "fingerprint", timeout=_LONG)
    assert _shown_by(dialog) == f"The jump host {other_server.host} shows this fingerprint:"
    assert dialog.compared._hint.text() == "You have trusted this key before with ssh on this computer."
    _confirm(dialog, other_server.host, qtbot)
    asked = _asked(window, qtbot)
    assert asked.windowTitle() == "gate asks"
    beats: list[None] = []
    timer = QTimer(interval=50)
    timer.timeout.connect(lambda: beats.append(None))
    timer.start()
    qtbot.waitUntil(lambda: len(beats) > 5, timeout=_LONG)  # while the person looks for it, the window lives
    timer.stop()
    asked.next.click()  # nothing is typed yet
    assert asked.isVisible()
    asked.fields[0].setText(PASSWORD)
    asked.next.click()
    _confirm(dialog, f"{lab_server.host} shows", qtbot)
    qtbot.waitUntil(lambda: bool(added), timeout=_LONG)
    assert added[0].host_key == lab_server.host_key
    assert added[0].jumps[0].host_key == other_server.host_key


def test_a_code_is_asked_for_in_a_dialog_and_once_while_the_studio_is_open(
    open_main_window: OpenWindow, workspace: Path, other_server: LabServer, qtbot: QtBot
) -> None:
    _wants_codes(other_server)
    window, added = open_main_window(workspace), list[Server]()
    dialog = _dialog(window, added)
    dialog.name.setText("factory")
    dialog.address.setText(f"analyst@{other_server.host}")
    dialog.how.choose("agent")
    dialog.next.click()
    _confirm(dialog, other_server.host, qtbot)
    for words, answer in (("Password", PASSWORD), ("One-time password (OATH) for `analyst'", _code(0))):
        qtbot.waitUntil(
            lambda words=words: (
                bool(_open_questions(window))  # type: ignore[misc]  # of this round
                and _open_questions(window)[0].fields[0].accessibleName() == words
            ),
            timeout=_LONG,
        )
        asked = _open_questions(window)[0]
        asked.fields[0].setText(answer)
        asked.next.click()
    qtbot.waitUntil(lambda: bool(added), timeout=_LONG)
    session, seen = the_session(window), list[bool]()
    for _ in range(3):
        window.studio.read(lambda session: session.connection(added[0]).is_alive(), seen.append, owner=window)
    qtbot.waitUntil(lambda: seen == [True] * 3, timeout=_LONG)
    assert not _open_questions(window)
    assert session.connection(added[0]).is_alive()


def _nothing(*_: object) -> None:
    pass


def test_who_does_not_answer_is_not_asked_again_until_they_log_in(
    open_main_window: OpenWindow, workspace: Path, other_server: LabServer, qtbot: QtBot
) -> None:
    _wants_codes(other_server)
    window, added = open_main_window(workspace), list[Server]()
    dialog = _dialog(window, added)
    dialog.name.setText("factory")
    dialog.address.setText(f"analyst@{other_server.host}")
    dialog.next.click()
    _confirm(dialog, other_server.host, qtbot)
    _asked(window, qtbot).cancel.click()
    qtbot.waitUntil(lambda: "was not answered" in dialog.notice.message, timeout=_LONG)
    assert dialog.next.isEnabled()
    dialog.close()
    known = other_server.as_server(key="", name="factory")
    failures: list[StudioError] = []
    window.studio.read(lambda session: session.connection(known), _nothing, owner=window, failed=failures.append)
    qtbot.waitUntil(lambda: bool(failures), timeout=_LONG)
    assert isinstance(failures[0], LogInUnanswered)
    assert not _open_questions(window)


@pytest.mark.parametrize("leave", ["close", "another workspace"])
def test_a_question_that_is_open_does_not_keep_the_window_or_the_workspace(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot, leave: str
) -> None:
    window = open_main_window(workspace)
    given: list[object] = []
    questions = LogInQuestions("lab", "ada@10.0.0.1", (Prompt("Code"),))
    window.studio.read(
        lambda session: session.servers.ask_person and session.servers.ask_person(questions),
        given.append,
        owner=QApplication.instance() or QObject(),
    )
    asked = _asked(window, qtbot)
    if leave == "close":
        window._close_confirmed = True
        window.close()
        assert window.studio.runner.idle or not window.studio.runner._threads
    else:
        left: list[bool] = []
        window.studio.leave(lambda: left.append(True))
        qtbot.waitUntil(lambda: bool(left), timeout=_LONG)
        assert given == [None]
    del asked


def test_questions_of_several_servers_come_one_after_the_other(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    given: list[list[str]] = []

    def ask(number: int) -> Callable[..., list[str]]:
        questions = LogInQuestions(f"lab{number}", "ada@10.0.0.1", (Prompt("Code"), Prompt("Colour", shown=True)))

        def work(_session: object) -> list[str]:
            answers = window.studio.questioner.ask(questions) or []
            assert all(isinstance(answer, Secret) for answer in answers)
            return [answer.reveal() for answer in answers]

        return work

    for number in range(3):
        window.studio.read(ask(number), given.append, owner=window)
    for round_ in range(3):
        qtbot.waitUntil(lambda: bool(_open_questions(window)), timeout=_LONG)
        (asked,) = _open_questions(window)
        for field in asked.fields:
            field.setText(f"{round_}")
        asked.next.click()
        qtbot.waitUntil(lambda round_=round_: len(given) == round_ + 1, timeout=_LONG)  # type: ignore[misc]
    assert given == [["0", "0"], ["1", "1"], ["2", "2"]]
