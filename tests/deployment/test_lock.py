"""The deploy lock and the audit log on a real server."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace

import pytest

from kronkers_studio.deployment import lock
from kronkers_studio.deployment.commands import Command, take_lock
from kronkers_studio.deployment.lock import break_deploy_lock, deploy_lock, lock_owner, read_changes, record_change
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerBusy, ServerError
from tests.deployment.conftest import Connect
from tests.lab.servers import LabServer


def _somebody(connection: Connection, **other: object) -> None:
    """Make the lock as somebody else would have."""
    owner = replace(lock._new_owner("a rollout"), **{"user": "ada", "computer": "elsewhere", **other})  # type: ignore[arg-type]
    assert connection.run(take_lock(lock._line(owner))).ok


def test_the_lock_names_its_owner_and_is_gone_afterwards(connection: Connection) -> None:
    with deploy_lock(connection, "a test") as owner:
        assert lock_owner(connection) == owner
        assert owner.purpose == "a test"
        with pytest.raises(ServerBusy, match="a test"), deploy_lock(connection, "another"):
            pass
    assert lock_owner(connection) is None


def test_of_many_who_want_it_at_once_one_gets_it(lab_server: LabServer, connect_to: Connect) -> None:
    everybody = threading.Barrier(4)
    won, lost = [], []

    def want(connection: Connection) -> None:
        everybody.wait()
        try:
            with deploy_lock(connection, "a race"):
                won.append(1)
                together.wait(timeout=20)
        except ServerBusy:
            lost.append(1)
            together.wait(timeout=20)

    together = threading.Barrier(4)
    threads = [threading.Thread(target=want, args=(connect_to(lab_server.as_server()),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 3)


def test_somebody_elses_lock_holds_until_it_expires(connection: Connection) -> None:
    _somebody(connection)
    with pytest.raises(ServerBusy, match="ada on elsewhere"), deploy_lock(connection, "a test"):
        pass
    connection.run(Command(("touch", "-d", "20 minutes ago", ".kronkers/deploy.lock")))
    with deploy_lock(connection, "a test") as owner:
        assert lock_owner(connection) == owner


def test_a_lock_that_was_forgotten_here_does_not_hinder(connection: Connection) -> None:
    own = asdict(lock._new_owner("a crash"))
    _somebody(connection, user=own["user"], computer=own["computer"], process=2**22 + 1)
    with deploy_lock(connection, "after the crash"):
        pass
    assert lock_owner(connection) is None


def test_a_lock_can_be_broken_by_hand_and_its_owner_does_not_remove_the_next_ones(connection: Connection) -> None:
    with deploy_lock(connection, "slow"):
        break_deploy_lock(connection)
        _somebody(connection)
    remaining = lock_owner(connection)
    assert remaining is not None
    assert remaining.user == "ada"
    break_deploy_lock(connection)
    break_deploy_lock(connection)
    assert lock_owner(connection) is None


def test_changes_are_written_down_on_the_server_for_its_owner_only(
    lab_server: LabServer, connection: Connection
) -> None:
    record_change(connection, "start", release="churn r1", note='"quoted" $HOME `id` grün')
    last = read_changes(connection)[-1]
    assert (last["action"], last["release"], last["note"]) == ("start", "churn r1", '"quoted" $HOME `id` grün')
    assert {"at", "user", "computer"} <= set(last)
    assert lab_server.root("stat -c '%a %U' /home/analyst/.kronkers/audit.log") == "600 analyst\n"


def test_a_home_folder_that_cannot_be_written_to_is_named(other_server: LabServer, connect_to: Connect) -> None:
    other_server.root("chown root /home/analyst")
    connection = connect_to(other_server.as_server())
    with pytest.raises(ServerError, match="cannot write to the home folder"), deploy_lock(connection, "a test"):
        pass
    with pytest.raises(ServerError, match="cannot write to the home folder"):
        record_change(connection, "start")
