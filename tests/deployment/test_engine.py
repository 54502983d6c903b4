"""Finding the engine of real servers, and saying why it cannot be used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kronkers_studio.deployment.engine import engine_errors, open_engine
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import EngineUnavailable, ServerError
from tests.deployment.conftest import Connect
from tests.lab.servers import USER, VISITOR, Lab, LabServer


def test_the_engine_answers_through_the_ssh_connection(lab_server: LabServer, connection: Connection) -> None:
    engine = open_engine(connection)
    assert engine.info()["Name"] == lab_server.name
    assert engine.api >= (1, 41)
    assert open_engine(connection) is engine


def test_users_who_may_not_use_it_are_told_what_the_administrator_must_do(
    lab_server: LabServer, connect_to: Connect
) -> None:
    with pytest.raises(EngineUnavailable) as failure:
        open_engine(connect_to(lab_server.as_server(user=VISITOR)))
    assert f"“{VISITOR}” may not use" in failure.value.message
    assert f"usermod -aG docker {VISITOR}" in failure.value.next_step
    assert "root" in failure.value.next_step


def test_a_server_where_docker_was_never_installed(lab: Lab, connect_to: Connect) -> None:
    bare = lab.server(engine=False, installed=False)
    with pytest.raises(EngineUnavailable) as failure:
        open_engine(connect_to(bare.as_server()))
    assert "not installed" in failure.value.message
    assert "install Docker Engine" in failure.value.next_step
    bare.stop()


def test_a_server_whose_engine_does_not_run(other_server: LabServer, connect_to: Connect) -> None:
    connection = connect_to(other_server.as_server())
    with pytest.raises(EngineUnavailable, match="does not run"):
        open_engine(connection)
    other_server.start_engine()
    assert open_engine(connection).ping()  # it may start later


def test_an_engine_that_stops_while_in_use_is_told_from_a_lost_connection(
    spare_server: LabServer, connect_to: Connect
) -> None:
    connection = connect_to(spare_server.as_server())
    engine = open_engine(connection)
    spare_server.stop_engine()
    with pytest.raises(EngineUnavailable, match="stopped answering"), engine_errors(connection, "asking"):
        engine.info()
    assert connection.is_alive()
    spare_server.start_engine()
    assert engine.ping()


def test_the_socket_of_a_rootless_engine_is_found(other_server: LabServer, connect_to: Connect) -> None:
    other_server.root(f"install -d -o {USER} -m 700 /run/user/4201")
    other_server.start_engine(socket_path="/run/user/4201/docker.sock")
    other_server.root(f"chown {USER} /run/user/4201/docker.sock")
    assert open_engine(connect_to(other_server.as_server())).ping()


def test_the_socket_that_docker_host_names_is_used(other_server: LabServer, connect_to: Connect) -> None:
    other_server.stop_sshd()
    other_server.start_sshd("SetEnv DOCKER_HOST=unix:///run/elsewhere.sock")
    other_server.start_engine(socket_path="/run/elsewhere.sock")
    assert open_engine(connect_to(other_server.as_server())).ping()


def test_what_the_engine_refuses_is_an_error_with_its_words(connection: Connection) -> None:
    with (
        pytest.raises(ServerError, match=r"refused removing the thing: .*No such"),
        engine_errors(connection, "removing the thing"),
    ):
        open_engine(connection).remove_container("no-such-thing")


def test_importing_the_room_does_not_import_the_docker_sdk() -> None:
    script = "import sys, kronkers_studio.deployment; sys.exit('docker' in sys.modules or 'paramiko' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
