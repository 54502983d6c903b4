"""The commands for servers, as a script on a computer without a keyring uses them, on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.deployment import deploy_lock as lock_module
from kronkers_studio.deployment.commands import release_lock, take_lock
from kronkers_studio.deployment.deploy_lock import deploy_lock, read_deploy_lock
from kronkers_studio.deployment.ssh import Connection, connect
from kronkers_studio.settings.paths import data_folder
from tests.cli.shell import Shell
from tests.lab.servers import CODE_KEY, PASSWORD, WITH_PAM, LabServer


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A workspace of its own, and no agent."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shell = Shell(tmp_path)
    shell.init()
    return shell


@pytest.fixture
def with_server(shell: Shell, lab_server: LabServer) -> Shell:
    """It has the server "factory", which the plain key lets in."""
    shell.run("server", "add", "factory", *_address(lab_server), "--identity", str(lab_server.lab.key("plain")))
    return shell


@pytest.fixture
def connection(lab_server: LabServer) -> Iterator[Connection]:
    connection = connect(lab_server.as_server())
    yield connection
    connection.close()


def _held_by(connection: Connection) -> str:
    """The token of the lock that is there; "" for none."""
    found = read_deploy_lock(connection)
    return found.token if found is not None else ""


def _address(server: LabServer) -> tuple[str, ...]:
    from kronkers_studio.workflows.credentials import host_key_fingerprint

    return (f"ssh://analyst@{server.host}", "--fingerprint", host_key_fingerprint(server.host_key))


def test_a_script_without_a_keyring_uses_a_server_with_a_password(
    shell: Shell, lab_server: LabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = shell.run("server", "add", "factory", *_address(lab_server), expect=1)
    assert "did not let “analyst” in" in refused.err
    shell.environment["KRONKERS_SERVER_PASSWORD"] = PASSWORD
    shell.run("server", "add", "factory", *_address(lab_server))
    assert shell.json("server", "unlock", "factory") == {"unlocked": False}
    del shell.environment["KRONKERS_SERVER_PASSWORD"]
    said = shell.run("server", "unlock", "factory", expect=1)
    assert "kronkers server login factory --ask-password" in said.err
    assert PASSWORD not in said.err + refused.err + said.out


def test_on_another_computer_the_host_key_is_confirmed_once_before_a_variables_password_is_sent(
    shell: Shell, lab_server: LabServer
) -> None:
    shell.environment["KRONKERS_SERVER_PASSWORD"] = PASSWORD
    shell.run("server", "add", "factory", *_address(lab_server))
    (data_folder() / "confirmed-servers").unlink()  # as on another computer
    log = lab_server.folder / "sshd.log"
    before = log.stat().st_size
    shell.run("server", "unlock", "factory", expect=1)
    assert "password for analyst" not in log.read_text(encoding="utf-8")[before:]
    asked = shell.run("server", "login", "factory", expect=1)
    assert "--fingerprint" in asked.err
    shell.run("server", "login", "factory", "--fingerprint", "SHA256:wrong", expect=1)
    shell.run("server", "login", "factory", *_address(lab_server)[1:])
    assert shell.json("server", "unlock", "factory") == {"unlocked": False}


def test_unlock_shows_who_has_the_lock_asks_breaks_exactly_that_one_and_writes_it_down(
    with_server: Shell, connection: Connection
) -> None:
    owner = replace(lock_module._new_owner("start churn r1"), user="ada", computer="elsewhere", computer_id="other")
    assert connection.run(take_lock(owner.token, lock_module._line(owner))).ok
    shown = with_server.run("server", "unlock", "factory", expect=2)
    assert f"factory is being changed by ada on elsewhere: start churn r1, since {owner.since}" in shown.err
    assert "last heard of them" in shown.err
    assert "--yes" in shown.err
    assert _held_by(connection) == owner.token
    said = json.loads(with_server.run("server", "unlock", "factory", "--yes", "--json").out)
    assert said["unlocked"] is True
    assert said["lock"]["user"] == "ada"
    assert read_deploy_lock(connection) is None
    last = with_server.json("server", "log", "factory", "--last", "1")[0]
    about = last["about"]
    assert (last["action"], about["held_by"], about["purpose"]) == ("unlock", "ada on elsewhere", "start churn r1")
    assert "held by ada on elsewhere" in with_server.run("server", "log", "factory").out


def test_unlock_leaves_a_lock_alone_that_another_took_meanwhile(
    with_server: Shell, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kronkers_studio.workflows import servers

    owner = replace(lock_module._new_owner("old"), computer_id="other")
    assert connection.run(take_lock(owner.token, lock_module._line(owner))).ok
    unlock = servers.unlock_server

    def late(session: object, name: str, seen: object) -> bool:
        assert connection.run(release_lock(owner.token)).ok
        with deploy_lock(connection, "new") as new:
            broken = unlock(session, name, seen)  # type: ignore[arg-type]
            assert _held_by(connection) == new.token
        return broken

    monkeypatch.setattr(servers, "unlock_server", late)
    assert "has given the lock back meanwhile" in with_server.run("server", "unlock", "factory", "--yes").out


@pytest.fixture
def behind_gate(shell: Shell, lab_server: LabServer, other_server: LabServer, own_home: Path) -> tuple[str, str]:
    """The fingerprints of "gate" and of "plant", which lies behind it, by the SSH configuration."""
    from kronkers_studio.workflows.credentials import host_key_fingerprint

    (own_home / ".ssh").mkdir()
    (own_home / ".ssh" / "config").write_text(
        f"Match exec true\n Port 9\nHost plant\n HostName {lab_server.host}\n ProxyJump gate\n"
        f"Host gate\n HostName {other_server.host}\n"
        f"Host *\n User analyst\n IdentityFile {lab_server.lab.key('plain')}\n",
        encoding="utf-8",
    )
    return host_key_fingerprint(other_server.host_key), host_key_fingerprint(lab_server.host_key)


def test_an_alias_behind_a_jump_host_is_added_by_a_script_with_the_fingerprints_of_both(
    shell: Shell, behind_gate: tuple[str, str], lab_server: LabServer, other_server: LabServer
) -> None:
    gate, plant = behind_gate
    asked = shell.run("server", "add", "factory", "plant", expect=1)
    assert f"The jump host {other_server.host} shows the host key {gate}" in asked.err
    assert "“Match exec” of your SSH configuration was left out: its command is never run" in asked.err
    asked = shell.run("server", "add", "factory", "plant", "--fingerprint", plant, expect=1)
    assert gate in asked.err
    added = shell.run("server", "add", "factory", "plant", "--fingerprint", gate, "--fingerprint", plant)
    way = f"ssh://analyst@{lab_server.host} through analyst@{other_server.host}"
    assert f"factory is added: {way}" in added.out
    assert way in shell.run("server", "list").out
    assert shell.json("server", "unlock", "factory") == {"unlocked": False}
    (data_folder() / "confirmed-servers").unlink()  # as on another computer
    asked = shell.run("server", "login", "factory", expect=1)
    assert gate in asked.err and "before that of the server behind it" in asked.err
    shell.run("server", "login", "factory", "--fingerprint", gate, "--fingerprint", plant)


def test_an_address_that_is_neither_one_nor_a_name_is_told_so(shell: Shell) -> None:
    said = shell.run("server", "add", "factory", "nowhere-known", expect=2)
    assert "neither a server's address nor a name in your SSH configuration" in said.err


def test_on_a_terminal_a_one_time_code_is_asked_for_and_nowhere_else(shell: Shell, other_server: LabServer) -> None:
    import subprocess

    other_server.ask_for_codes()
    other_server.stop_sshd()
    other_server.start_sshd(*WITH_PAM)
    shell.environment["KRONKERS_SERVER_PASSWORD"] = PASSWORD
    address = _address(other_server)
    refused = shell.run("server", "add", "factory", *address, expect=1)
    assert "One-time password" in refused.err and "on a terminal" in refused.err
    command = ["oathtool", "--hotp", "--counter=0", CODE_KEY]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    said = _at_a_terminal(shell, ("server", "add", "factory", *address), "analyst'", code)
    assert f"factory (analyst@{other_server.host}) asks:" in said
    assert "factory is added" in said
    assert code not in said  # nothing that is typed is shown


def _at_a_terminal(shell: Shell, arguments: tuple[str, ...], prompt: str, typed: str) -> str:
    """What a person sees who runs the command on a terminal, and types ``typed`` once ``prompt`` is there. What is
    typed before the program listens without showing it is lost, as everywhere; then a person types again."""
    import os
    import pty
    import select
    import subprocess
    import sys
    import time

    ours, theirs = pty.openpty()
    environment = {**os.environ, **shell.environment, "TERM": "dumb"}
    command = [sys.executable, "-c", "from kronkers_studio.app import command; command()", *arguments]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    said, deadline = b"", time.monotonic() + 120
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 3)[0]:
                if said.rstrip().endswith(b":") and prompt.encode() in said:
                    os.write(ours, typed.encode() + b"\n")
                continue
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            said += piece
        process.wait(60)
    finally:
        process.kill()  # does nothing to one that has ended
        process.wait()
        os.close(ours)
    assert process.returncode == 0, said.decode()
    return said.decode()
