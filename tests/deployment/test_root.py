"""Commands as root on a real server, by what its sudo allows."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from kronkers_studio.deployment.commands import Command
from kronkers_studio.deployment.root import run_as_root
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import RootObstacle, RootUnavailable
from kronkers_studio.settings.secrets import Secret
from tests.deployment.conftest import Connect
from tests.lab.servers import PASSWORD, LabServer

_WHO = Command(("sh", "-c", 'id -un; echo "it\'s $0" >&2; exit 3', "a b"))
_RIGHT = Secret(PASSWORD)


@pytest.fixture
def as_analyst(other_server: LabServer, connect_to: Connect) -> Connection:
    other_server.allow_sudo()
    return connect_to(other_server.as_server())


def test_root_needs_no_sudo(other_server: LabServer, connect_to: Connect) -> None:
    keys = (other_server.folder / "home" / "analyst" / ".ssh" / "authorized_keys").read_text(encoding="utf-8")
    keys_of_root = other_server.folder / "ssh" / "root_keys"
    keys_of_root.write_text(keys, encoding="utf-8")
    other_server.stop_sshd()
    other_server.start_sshd("PermitRootLogin yes", f"AuthorizedKeysFile {keys_of_root}")
    done = run_as_root(connect_to(other_server.as_server(user="root")), _WHO)
    assert (done.output, done.error, done.status) == ("root\n", "it's a b\n", 3)


@pytest.mark.parametrize("password", [None, _RIGHT])
def test_sudo_without_a_password(other_server: LabServer, as_analyst: Connection, password: Secret | None) -> None:
    other_server.allow_sudo("analyst ALL=(ALL) NOPASSWD: ALL")
    done = run_as_root(as_analyst, _WHO, password)
    assert (done.output, done.error, done.status) == ("root\n", "it's a b\n", 3)
    assert run_as_root(as_analyst, Command(("cat",)), password).output == ""  # nor is there a password in its input


def test_sudo_with_a_password_which_no_command_and_no_other_account_gets_to_see(
    other_server: LabServer, as_analyst: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    other_server.allow_sudo("analyst ALL=(ALL) ALL")
    seen: list[str] = []
    running = threading.Event()

    def watch() -> None:
        while not running.is_set():
            seen.append(other_server.root("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '", check=False))

    thread = threading.Thread(target=watch)
    thread.start()
    done = run_as_root(as_analyst, _WHO, _RIGHT)
    everything = run_as_root(as_analyst, Command(("cat",)), _RIGHT)
    slow = run_as_root(as_analyst, Command(("sh", "-c", "sleep 1; id -u")), _RIGHT)
    running.set()
    thread.join()
    assert (done.output, done.status) == ("root\n", 3)
    assert done.error.endswith("it's a b\n") and "kronkers-" not in done.error
    assert (everything.output, everything.status, slow.output) == ("", 0, "0\n")
    assert any("sudo" in each for each in seen)
    assert not any(PASSWORD in each for each in seen)
    assert PASSWORD not in caplog.text


def test_a_rule_for_one_command_is_enough_for_that_one(other_server: LabServer, as_analyst: Connection) -> None:
    other_server.allow_sudo("analyst ALL=(ALL) NOPASSWD: /usr/bin/id -un")
    assert run_as_root(as_analyst, Command(("/usr/bin/id", "-un"))).output == "root\n"
    with pytest.raises(RootUnavailable) as refusal:
        run_as_root(as_analyst, _WHO, _RIGHT)
    assert refusal.value.obstacle is RootObstacle.NOT_ALLOWED


@pytest.mark.parametrize(("rule", "password"), [("NOPASSWD: ALL", None), ("ALL", _RIGHT)])
def test_sudo_that_insists_on_a_terminal_gets_one(
    other_server: LabServer, as_analyst: Connection, rule: str, password: Secret | None
) -> None:
    other_server.allow_sudo("Defaults requiretty", f"analyst ALL=(ALL) {rule}")
    done = run_as_root(as_analyst, _WHO, password)
    assert done.status == 3
    assert done.output.endswith("root\nit's a b\n")
    assert PASSWORD not in done.output and "kronkers-" not in done.output


def test_what_sudo_remembers_does_not_put_the_password_into_a_commands_input(
    other_server: LabServer, as_analyst: Connection
) -> None:
    other_server.allow_sudo("Defaults timestamp_type=global", "analyst ALL=(ALL) ALL")
    for _ in range(2):
        assert run_as_root(as_analyst, Command(("cat",)), _RIGHT).output == ""


@pytest.mark.parametrize(
    ("rules", "password", "obstacle"),
    [
        (["analyst ALL=(ALL) ALL"], None, RootObstacle.PASSWORD_NEEDED),
        (["Defaults requiretty", "analyst ALL=(ALL) ALL"], None, RootObstacle.PASSWORD_NEEDED),
        (["analyst ALL=(ALL) ALL"], Secret("wrong"), RootObstacle.PASSWORD_REFUSED),
        (["Defaults requiretty", "analyst ALL=(ALL) ALL"], Secret("wrong"), RootObstacle.PASSWORD_REFUSED),
        (["root ALL=(ALL) ALL"], _RIGHT, RootObstacle.NOT_ALLOWED),
        (["analyst ALL=(ALL) NOPASSWD: /usr/bin/true"], None, RootObstacle.NOT_ALLOWED),
    ],
)
def test_who_may_not_is_told_why_and_what_to_hand_to_the_administrator(
    other_server: LabServer,
    as_analyst: Connection,
    rules: list[str],
    password: Secret | None,
    obstacle: RootObstacle,
) -> None:
    other_server.allow_sudo(*rules)
    command = Command(("apt-get", "install", "it's docker.io"))
    start = time.monotonic()
    with pytest.raises(RootUnavailable) as refusal:
        run_as_root(as_analyst, command, password)
    assert refusal.value.obstacle is obstacle
    assert refusal.value.commands == ("""apt-get install 'it'"'"'s docker.io'""",)
    assert refusal.value.commands[0] in refusal.value.next_step
    assert time.monotonic() - start < 25
    assert as_analyst.is_alive()


def test_a_server_without_sudo_is_said_to_have_none(other_server: LabServer, connect_to: Connect) -> None:
    other_server.hide("sudo")
    with pytest.raises(RootUnavailable, match="no sudo there") as refusal:
        run_as_root(connect_to(other_server.as_server()), _WHO)
    assert refusal.value.obstacle is RootObstacle.NO_SUDO
    assert refusal.value.next_step.startswith("Let the server's administrator run this there as root: sh -c")
