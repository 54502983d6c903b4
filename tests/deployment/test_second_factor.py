"""A second factor asked through PAM: the password from the keyring, the one-time code from the person, each time."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator, Sequence

import paramiko
import pytest

from kronkers_studio.deployment import userauth
from kronkers_studio.deployment.commands import read_clock
from kronkers_studio.deployment.credentials import Credentials
from kronkers_studio.deployment.ssh import connect
from kronkers_studio.domain.errors import AuthenticationFailed, LogInUnanswered
from kronkers_studio.domain.log_ins import LogInQuestions
from kronkers_studio.settings.secrets import Secret
from tests.deployment.conftest import Connect
from tests.deployment.test_authentication import asking
from tests.lab.servers import CODE_KEY, PASSWORD, WITH_PAM, LabServer

_PASSWORD = Secret(PASSWORD)


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


class _Person:
    """Answers with these, one list for each time that something is asked; ``asked`` is what it was."""

    def __init__(self, *answers: Sequence[str] | None) -> None:
        self._answers = list(answers)
        self.asked: list[LogInQuestions] = []

    def __call__(self, questions: LogInQuestions) -> Sequence[Secret] | None:
        self.asked.append(questions)
        given = self._answers.pop(0)
        return None if given is None else [Secret(answer) for answer in given]


def _code(counter: int) -> str:
    return _oathtool("--hotp", f"--counter={counter}")


def _oathtool(*options: str) -> str:
    done = subprocess.run(["oathtool", *options, CODE_KEY], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def two_factors(other_server: LabServer) -> Iterator[LabServer]:
    """It wants the account's password and a one-time code, by PAM."""
    other_server.ask_for_codes()
    other_server.stop_sshd()
    other_server.start_sshd(*WITH_PAM)
    yield other_server


def test_the_password_is_given_and_the_code_is_asked_of_the_person(
    two_factors: LabServer, connect_to: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person = _Person([_code(0)])
    connection = connect_to(two_factors.as_server(key=""), Credentials(password=_PASSWORD, ask=person))
    assert connection.run(read_clock()).ok
    (asked,) = person.asked
    (prompt,) = asked.prompts
    assert prompt.text == "One-time password (OATH) for `analyst':"
    assert (asked.server, asked.account) == (two_factors.name, f"analyst@{two_factors.host}")
    assert not asked.password and not asked.again
    assert _code(0) not in caplog.text and PASSWORD not in caplog.text


def test_a_code_by_the_clock_after_a_key(other_server: LabServer, connect_to: Connect) -> None:
    other_server.ask_for_codes(kind="HOTP/T30", password=False)
    other_server.stop_sshd()
    other_server.start_sshd(*WITH_PAM, "AuthenticationMethods publickey,keyboard-interactive")
    person = _Person([_oathtool("--totp")])
    assert connect_to(other_server.as_server(), Credentials(ask=person)).run(read_clock()).ok
    assert len(person.asked) == 1


def test_without_a_kept_password_the_person_is_asked_for_both(two_factors: LabServer, connect_to: Connect) -> None:
    person = _Person([PASSWORD], [_code(0)])
    assert connect_to(two_factors.as_server(key=""), Credentials(ask=person)).run(read_clock()).ok
    assert [asked.prompts[0].text for asked in person.asked] == ["Password:", "One-time password (OATH) for `analyst':"]
    assert not person.asked[0].prompts[0].shown


def test_a_wrong_code_is_asked_for_again_before_the_password_is_and_four_times_at_most(
    two_factors: LabServer, connect_to: Connect
) -> None:
    person = _Person(["000000"], [_code(0)])
    credentials = Credentials(password=_PASSWORD, ask=person)
    assert connect_to(two_factors.as_server(key=""), credentials).run(read_clock()).ok
    assert [asked.again for asked in person.asked] == [False, True]
    stubborn = _Person(*[["111111"]] * 9)
    with pytest.raises(AuthenticationFailed) as failure:
        connect(two_factors.as_server(key=""), Credentials(password=_PASSWORD, ask=stubborn))
    assert len(stubborn.asked) == 6  # the code twice, then password and code twice
    assert "111111" not in repr(failure.value) + str(failure.value) + failure.value.details
    assert "right for half a minute" in failure.value.next_step


def test_a_wrong_password_that_is_kept_is_asked_for(two_factors: LabServer, connect_to: Connect) -> None:
    """PAM asks for the code also after a wrong password, so it is given once more; then the person is asked."""
    person = _Person([_code(0)], [_code(1)], [PASSWORD], [_code(2)])
    credentials = Credentials(password=Secret("wrong"), ask=person)
    assert connect_to(two_factors.as_server(key=""), credentials).is_alive()
    assert [asked.again for asked in person.asked] == [False, True, True, True]


def test_a_person_who_does_not_want_to_answer_ends_it(two_factors: LabServer) -> None:
    person = _Person(None)
    with pytest.raises(LogInUnanswered, match="was not answered"):
        connect(two_factors.as_server(key=""), Credentials(password=_PASSWORD, ask=person))
    assert len(person.asked) == 1


def test_where_nobody_can_be_asked_that_is_said_with_the_question(two_factors: LabServer) -> None:
    with pytest.raises(AuthenticationFailed, match="One-time password") as failure:
        connect(two_factors.as_server(key=""), Credentials(password=_PASSWORD))
    assert "in the window or on a terminal" in failure.value.next_step


def test_a_server_that_does_not_wait_for_the_answer_is_told_so(two_factors: LabServer) -> None:
    two_factors.stop_sshd()
    two_factors.start_sshd(*WITH_PAM, "LoginGraceTime 2")

    def slow(_questions: LogInQuestions) -> Sequence[Secret]:
        import time

        time.sleep(4)
        return [Secret("123456")]

    with pytest.raises(AuthenticationFailed) as failure:
        connect(two_factors.as_server(key=""), Credentials(password=_PASSWORD, ask=slow))
    assert "did not wait for the answer" in failure.value.next_step


def test_the_password_of_an_account_is_asked_for_where_that_is_wanted(
    other_server: LabServer, connect_to: Connect
) -> None:
    person = _Person(["wrong"], [PASSWORD])
    credentials = Credentials(ask=person, ask_password=True)
    assert connect_to(other_server.as_server(key=""), credentials).run(read_clock()).ok
    assert all(asked.password for asked in person.asked)
    with pytest.raises(AuthenticationFailed):
        connect(other_server.as_server(key=""), Credentials(ask=person))


@pytest.mark.lab
def test_several_questions_at_once_are_asked_together() -> None:
    person = _Person(["one", "two"], ["three"])
    with (
        asking([("First: ", False), ("Second: ", True)], [("Third: ", False)]) as (server, answers),
        pytest.raises(AuthenticationFailed),  # this server takes one right answer only
    ):
        connect(server, Credentials(password=_PASSWORD, ask=_Limited(person, 2)))
    assert answers[:2] == [["one", "two"], ["three"]]
    assert [prompt.shown for prompt in person.asked[0].prompts] == [False, True]
    assert person.asked[0].instruction == "Title Instruction"


class _Limited:
    """Only so many times; then nobody is there."""

    def __init__(self, person: _Person, times: int) -> None:
        self._person = person
        self._times = times

    def __call__(self, questions: LogInQuestions) -> Sequence[Secret] | None:
        self._times -= 1
        return self._person(questions) if self._times >= 0 else None


@pytest.mark.parametrize("count", [17, 100, 2**31])
def test_very_many_questions_end_the_log_in(count: int) -> None:
    message = paramiko.Message()
    for _ in range(3):
        message.add_string("")
    message.add_int(count)
    for _ in range(min(count, 100)):
        message.add_string("More? ")
        message.add_boolean(True)
    with pytest.raises(userauth.HungUp):
        userauth._questions(paramiko.Message(message.asbytes()))


def test_questions_are_made_safe_to_show() -> None:
    message = paramiko.Message()
    for text in ("\x1b[2J\x07title", "\u202einstruction\n" * 500, "en"):
        message.add_string(text)
    message.add_int(1)
    message.add_string(b"Code\x1b]0;x\x07\xff\r\n?" + b"x" * 100_000)
    message.add_boolean(False)
    instruction, (prompt,) = userauth._questions(paramiko.Message(message.asbytes()))
    assert instruction.isprintable() and prompt.text.isprintable()
    assert len(prompt.text) <= 200 and len(instruction) < 1300
    assert prompt.text.startswith("Code\\x1b]0;x\\x07")


def test_an_endless_server_of_questions_is_left(connect_to: Connect) -> None:
    person = _Person(*[["x"]] * 100)
    with asking(*[[("Again? ", True)]] * 50) as (server, _answers), pytest.raises(AuthenticationFailed):
        connect(server, Credentials(ask=person))
    assert len(person.asked) <= 30
