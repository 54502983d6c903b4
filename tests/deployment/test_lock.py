"""The deploy lock and the audit log on a real server."""

from __future__ import annotations

import getpass
import json
import socket
import threading
import time
from dataclasses import replace
from datetime import datetime

import pytest

from kronkers_studio.deployment import deploy_lock as lock_module
from kronkers_studio.deployment.commands import Command, append_audit_line, renew_lock, take_lock
from kronkers_studio.deployment.deploy_lock import (
    LockOwner,
    break_deploy_lock,
    deploy_lock,
    read_changes,
    read_deploy_lock,
    record_change,
)
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerBusy, ServerError
from tests.deployment.conftest import Connect
from tests.lab.servers import LabServer

_STATE = "/home/analyst/.kronkers"


def _somebody(connection: Connection, **other: object) -> LockOwner:
    """Make the lock as somebody else would have."""
    fields = {"user": "ada", "computer": "elsewhere", "computer_id": "another", **other}
    owner = replace(lock_module._new_owner("a rollout"), **fields)  # type: ignore[arg-type]
    assert connection.run(take_lock(owner.token, lock_module._line(owner))).ok
    return owner


def _silent_for(connection: Connection, seconds: float) -> None:
    """Let the server have heard of the holder that long ago by its own monotonic clock."""
    script = (
        "now=$(cut -d. -f1 /proc/uptime); boot=$(cat /proc/sys/kernel/random/boot_id); for sign in .kronkers/*.sign.*;"
        f' do printf "%-80s\\n" "$boot $((now - {int(seconds)}))" > "$sign"; done'
    )
    assert connection.run(Command(("sh", "-c", script))).ok


def _held_by(connection: Connection) -> str:
    """The token of the lock that is there; "" for none."""
    found = read_deploy_lock(connection)
    return found.token if found is not None else ""


def _remaining(server: LabServer) -> set[str]:
    return set(server.root(f"ls {_STATE}").split()) - {"audit.log", "deploy.guard"}


def test_the_lock_names_its_owner_and_is_gone_afterwards(lab_server: LabServer, connection: Connection) -> None:
    with deploy_lock(connection, "a test") as owner:
        assert _held_by(connection) == owner.token
        assert owner.purpose == "a test"
        seen = read_deploy_lock(connection)
        assert seen is not None
        assert seen.holder == f"{owner.user} on {owner.computer}"
        assert seen.silent_seconds is not None
        assert seen.silent_seconds < 10
        with pytest.raises(ServerBusy, match="a test"), deploy_lock(connection, "another"):
            pass
    assert read_deploy_lock(connection) is None
    assert _remaining(lab_server) == set()


def test_of_many_who_want_it_at_once_one_gets_it(lab_server: LabServer, connect_to: Connect) -> None:
    everybody = threading.Barrier(4)
    won: list[int] = []
    lost: list[int] = []

    def want(connection: Connection) -> None:
        everybody.wait()
        try:
            with deploy_lock(connection, "a race"):
                won.append(1)
                together.wait(timeout=60)
        except ServerBusy:
            lost.append(1)
            together.wait(timeout=60)

    together = threading.Barrier(4)
    threads = [threading.Thread(target=want, args=(connect_to(lab_server.as_server()),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 3)


def test_somebody_elses_lock_holds_until_nothing_was_heard_of_them_for_the_expiry(connection: Connection) -> None:
    _somebody(connection)
    _silent_for(connection, lock_module.EXPIRY_SECONDS - 20)
    with pytest.raises(ServerBusy, match="ada on elsewhere"), deploy_lock(connection, "a test"):
        pass
    _silent_for(connection, lock_module.EXPIRY_SECONDS + 20)
    with deploy_lock(connection, "a test") as owner:
        assert _held_by(connection) == owner.token


def test_a_holder_who_gives_signs_keeps_the_lock_longer_than_the_expiry(
    lab_server: LabServer, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "_SIGN_SECONDS", 0.2)
    monkeypatch.setattr(lock_module, "_is_forgotten", lambda _owner: False)
    one, other = connect_to(lab_server.as_server()), connect_to(lab_server.as_server())
    with deploy_lock(one, "long"):
        time.sleep(2.5)
        with pytest.raises(ServerBusy), deploy_lock(other, "impatient", expiry=2):
            pass
    monkeypatch.setattr(lock_module, "_SIGN_SECONDS", 60)
    with deploy_lock(one, "silent"):
        time.sleep(2.5)
        with deploy_lock(other, "patient", expiry=2) as owner:
            assert _held_by(one) == owner.token


def test_a_clock_that_is_set_neither_breaks_nor_prolongs_a_lock(connection: Connection) -> None:
    owner = _somebody(connection, since="1999-01-01T00:00:00+00:00")
    every = Command(("sh", "-c", "touch -d 1999-01-01 .kronkers/deploy.*"))
    assert connection.run(every).ok
    with pytest.raises(ServerBusy), deploy_lock(connection, "a test"):
        pass
    assert _held_by(connection) == owner.token
    assert connection.run(Command(("sh", "-c", "touch -d 2099-01-01 .kronkers/deploy.*"))).ok
    _silent_for(connection, lock_module.EXPIRY_SECONDS + 1)
    with deploy_lock(connection, "a test"):
        pass


def test_after_a_restart_of_the_server_a_lock_counts_as_silent_since_then() -> None:
    assert lock_module._silent_seconds(["boot2", "300.5"], ["boot1", "90000.1"]) == 300.5
    assert lock_module._silent_seconds(["boot1", "300.5"], ["boot1", "200.5"]) == 100
    assert lock_module._silent_seconds(["boot1", "300.5"], []) is None
    assert lock_module._silent_seconds(["boot1", "nan"], ["boot1", "1"]) is None
    assert lock_module._silent_seconds(["boot1", "1e999"], ["boot1", "1"]) is None


def test_a_lock_that_was_forgotten_here_does_not_hinder(connection: Connection) -> None:
    own = lock_module._new_owner("a crash")
    _somebody(connection, computer_id=own.computer_id, process=2**22 + 1)
    with deploy_lock(connection, "after the crash"):
        pass
    assert read_deploy_lock(connection) is None


@pytest.mark.parametrize("other", ["start", "computer_id"])
def test_a_copy_of_this_computer_does_not_break_its_living_lock(connection: Connection, other: str) -> None:
    own = lock_module._new_owner("a crash")
    same = {"user": own.user, "computer": own.computer, "computer_id": own.computer_id, "process": 2**22 + 1}
    owner = _somebody(connection, **{**same, other: "of the copy"})
    with pytest.raises(ServerBusy), deploy_lock(connection, "a test"):
        pass
    seen = read_deploy_lock(connection)
    assert seen is not None
    assert seen.token == owner.token
    assert break_deploy_lock(connection, seen)


def test_of_two_who_break_the_same_expired_lock_one_gets_it(
    lab_server: LabServer, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second breaks only after the first has taken it: what it read is no longer true."""
    first, second = connect_to(lab_server.as_server()), connect_to(lab_server.as_server())
    _somebody(first)
    _silent_for(first, lock_module.EXPIRY_SECONDS + 1)
    first_has_it, second_has_read = threading.Event(), threading.Event()
    break_ = lock_module._break

    def breaks(connection: Connection, token: str) -> bool:
        if connection is second:
            second_has_read.set()
            assert first_has_it.wait(20)
        else:
            assert second_has_read.wait(20)
        return break_(connection, token)

    monkeypatch.setattr(lock_module, "_break", breaks)
    outcomes: dict[str, object] = {}

    def late() -> None:
        try:
            with deploy_lock(second, "the second") as owner:
                outcomes["second"] = owner
        except ServerBusy as busy:
            outcomes["second"] = busy

    thread = threading.Thread(target=late)
    thread.start()
    with deploy_lock(first, "the first") as owner:
        first_has_it.set()
        thread.join()
        assert isinstance(outcomes["second"], ServerBusy)
        assert _held_by(first) == owner.token
    assert _remaining(lab_server) == set()


def test_a_lock_is_broken_only_when_it_is_the_one_that_was_seen(lab_server: LabServer, connection: Connection) -> None:
    owner = _somebody(connection)
    found = read_deploy_lock(connection)
    assert found is not None
    made = lab_server.root(f"stat -c %i-%z {_STATE}/deploy.lock")
    assert not break_deploy_lock(connection, replace(found, token="0" * 32))
    assert lab_server.root(f"stat -c %i-%z {_STATE}/deploy.lock") == made  # not even moved for a moment
    assert _held_by(connection) == owner.token
    assert break_deploy_lock(connection, found)


def test_without_flock_a_lock_taken_between_looking_and_breaking_is_put_back(
    other_server: LabServer, connect_to: Connect
) -> None:
    """The server's `mv` is one before which somebody else breaks the lock and takes it."""
    other_server.hide("flock")
    programs = other_server.folder / "home" / "bin"
    programs.mkdir()
    taken = "printf 'another\\n{}\\n' > .kronkers/deploy.lock"
    programs.joinpath("mv").write_text(f'#!/bin/sh\nrm .kronkers/deploy.lock\n{taken}\nexec /bin/mv "$@"\n', "utf-8")
    programs.joinpath("mv").chmod(0o755)
    other_server.stop_sshd()
    other_server.start_sshd("SetEnv PATH=/home/bin:/usr/bin:/bin")
    connection = connect_to(other_server.as_server())
    _somebody(connection)
    found = read_deploy_lock(connection)
    assert found is not None
    assert not break_deploy_lock(connection, found)
    left = read_deploy_lock(connection)
    assert left is not None
    assert left.token == "another"
    programs.joinpath("mv").unlink()
    assert break_deploy_lock(connection, left)
    with deploy_lock(connection, "as always") as own:
        assert _held_by(connection) == own.token
    assert _remaining(other_server) == set()


def test_a_lock_can_be_broken_by_hand_and_its_owner_does_not_remove_the_next_ones(connection: Connection) -> None:
    with deploy_lock(connection, "slow"):
        seen = read_deploy_lock(connection)
        assert seen is not None
        assert break_deploy_lock(connection, seen)
        _somebody(connection)
        assert not break_deploy_lock(connection, seen)
    remaining = read_deploy_lock(connection)
    assert remaining is not None
    assert remaining.user == "ada"
    assert break_deploy_lock(connection, remaining)
    assert not break_deploy_lock(connection, remaining)
    assert read_deploy_lock(connection) is None


def test_a_full_home_folder_leaves_no_lock_behind(other_server: LabServer, connect_to: Connect) -> None:
    other_server.root(
        "mount -t tmpfs -o size=64k,mode=755,uid=4201 tmpfs /mnt && cp -a /home/analyst/. /mnt/ && chown 4201 /mnt && "
        "mount --bind /mnt /home/analyst && mkdir -m 700 /home/analyst/.kronkers && chown 4201 /home/analyst/.kronkers "
        "&& touch /home/analyst/.kronkers/deploy.guard && chown 4201 /home/analyst/.kronkers/deploy.guard && "
        "cat /dev/zero > /home/analyst/filler; true"
    )
    connection = connect_to(other_server.as_server())
    with pytest.raises(ServerError, match="cannot write to the home folder"), deploy_lock(connection, "a test"):
        pass
    assert _remaining(other_server) == set()
    other_server.root("rm /home/analyst/filler")
    with deploy_lock(connection, "with room"):
        other_server.root("cat /dev/zero > /home/analyst/filler; true")
        sign = connection.run(Command(("sh", "-c", "cat .kronkers/deploy.sign.*"))).output
        time.sleep(0.1)
        owner = read_deploy_lock(connection)
        assert owner is not None
        assert connection.run(renew_lock(owner.token)).ok
        assert connection.run(Command(("sh", "-c", "cat .kronkers/deploy.sign.*"))).output > sign
    assert _remaining(other_server) == set()


def test_a_lock_of_an_earlier_version_is_respected_and_can_be_broken_by_hand(
    lab_server: LabServer, connection: Connection
) -> None:
    connection.run(
        Command(
            ("sh", "-c", 'mkdir -p .kronkers/deploy.lock && echo \'{"user": "ada"}\' > .kronkers/deploy.lock/owner')
        )
    )
    with pytest.raises(ServerBusy, match="kronkers server unlock srv1") as busy, deploy_lock(connection, "a test"):
        pass
    assert "server unlock" in str(busy.value)
    seen = read_deploy_lock(connection)
    assert seen is not None
    assert break_deploy_lock(connection, seen)
    assert _remaining(lab_server) == set()


@pytest.mark.parametrize(
    "line",
    ["", "[" * 4000, "{}", '{"user": 1}', "null", '{"user": "' + "x" * 10000, '{"process": 1e400}', "\x00\x1b[31m"],
)
def test_nonsense_where_the_owner_should_be_is_somebody_unknown(connection: Connection, line: str) -> None:
    text = line.encode("utf-8")
    connection.run(
        Command(("sh", "-c", "umask 077; mkdir -p .kronkers; cat > .kronkers/deploy.lock")), input=b"t\n" + text
    )
    try:
        with pytest.raises(ServerBusy, match="somebody else"), deploy_lock(connection, "a test"):
            pass
        seen = read_deploy_lock(connection)
        assert seen is not None
        assert seen.holder == "somebody on an unknown computer"
    finally:
        connection.run(Command(("rm", "-f", ".kronkers/deploy.lock")))


def test_strange_numbers_of_processes_are_no_processes_here(connection: Connection) -> None:
    own = json.loads(lock_module._line(lock_module._new_owner("x")))
    for strange in (2**70, -1, "12", None, 1.5, True):
        owner = lock_module._owner(json.dumps({**own, "process": strange}), "t")
        assert owner is not None
        lock_module._is_forgotten(owner)


def test_changes_are_written_down_on_the_server_for_its_owner_only(
    lab_server: LabServer, connection: Connection
) -> None:
    record_change(connection, "start", release="churn r1", note='"quoted" $HOME `id` grün')
    last = read_changes(connection)[-1]
    assert (last.action, last.release, last.more) == ("start", "churn r1", 'note "quoted" $HOME `id` grün')
    assert datetime.fromisoformat(last.at).tzinfo is not None
    assert last.who == f"{getpass.getuser()} on {socket.gethostname()}"
    assert lab_server.root("stat -c '%a %U' /home/analyst/.kronkers/audit.log") == "600 analyst\n"


@pytest.mark.parametrize(
    "harm",
    ["chown root {log} && chmod 600 {log}", "rm -f {log} && mkdir {log}", "chown root {folder} && chmod 700 {folder}"],
    ids=["somebody else's", "a folder", "in a closed folder"],
)
def test_an_audit_log_that_cannot_be_read_is_not_an_empty_one(
    other_server: LabServer, connect_to: Connect, harm: str
) -> None:
    """Seen to fail with what cannot be read taken for nothing."""
    connection = connect_to(other_server.as_server())
    folder = "/home/analyst/.kronkers"
    assert read_changes(connection) == []
    record_change(connection, "start")
    assert [change.action for change in read_changes(connection)] == ["start"]
    other_server.root(harm.format(folder=folder, log=f"{folder}/audit.log"))
    try:
        with pytest.raises(ServerError, match="cannot read the log of changes") as refused:
            read_changes(connection)
    finally:
        other_server.root(f"rm -rf {folder}")
    assert "belongs to the account" in refused.value.next_step
    assert ".kronkers" in refused.value.details


def test_half_written_lines_of_the_audit_log_are_left_out(other_server: LabServer, connect_to: Connect) -> None:
    connection = connect_to(other_server.as_server())
    record_change(connection, "start")
    connection.run(append_audit_line(), input=b'{"action": "cut o\n[1]\n{"a": ' + b"[" * 5000 + b"\n")
    odd = {"at": 1, "action": ["x"] * 1000, **{f"fact {number}": "long" * 1000 for number in range(1000)}}
    connection.run(append_audit_line(), input=json.dumps(odd).encode() + b"\n")
    strange = read_changes(connection)[-1]
    assert (strange.at, strange.user, len(strange.action)) == ("1", "", 200)
    assert sum(map(len, strange.about.values())) <= 20 * 200
    other_server.root("sed -i '$d' /home/analyst/.kronkers/audit.log")
    record_change(connection, "stop")
    assert [change.action for change in read_changes(connection)] == ["start", "stop"]


def test_a_home_folder_that_cannot_be_written_to_is_named(other_server: LabServer, connect_to: Connect) -> None:
    other_server.root("chown root /home/analyst")
    connection = connect_to(other_server.as_server())
    with pytest.raises(ServerError, match="cannot write to the home folder"), deploy_lock(connection, "a test"):
        pass
    with pytest.raises(ServerError, match="cannot write to the home folder"):
        record_change(connection, "start")
