"""Servers behind jump hosts: real ones, whose traffic goes through real channels."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from kronkers_studio.deployment import ssh
from kronkers_studio.deployment.commands import Command, read_clock
from kronkers_studio.deployment.credentials import Credentials
from kronkers_studio.deployment.engine import open_engine
from kronkers_studio.deployment.jump_hosts import JumpHosts
from kronkers_studio.deployment.ssh import Connection, fetch_host_key
from kronkers_studio.domain.errors import AuthenticationFailed, HostKeyChanged, ServerError, ServerUnreachable
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.secrets import Secret
from tests.lab.servers import HAS_IPV6, PASSWORD, LabServer
from tests.lab.ssh_peer import serve_each_connection
from tests.own_time import own_time

Reach = Callable[..., Connection]


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def jump_hosts() -> Iterator[JumpHosts]:
    hosts = JumpHosts(lambda _server: Credentials())
    yield hosts
    hosts.close()


@pytest.fixture
def reach(jump_hosts: JumpHosts) -> Iterator[Reach]:
    """A connection through ``jump_hosts``, closed after the test."""
    connections = []

    def reach(server: Server, *jumps: Server, **options: Any) -> Connection:
        connections.append(jump_hosts.connect(replace(server, jumps=jumps), Credentials(), **options))
        return connections[-1]

    yield reach
    for connection in connections:
        connection.close()


def _logins(server: LabServer) -> int:
    return (server.folder / "sshd.log").read_text(encoding="utf-8").count("Accepted ")


def _came_from(connection: Connection) -> str:
    return connection.run(Command(("sh", "-c", "echo $SSH_CONNECTION"))).output.split()[0]


def test_everything_goes_through_the_jump_host(lab_server: LabServer, other_server: LabServer, reach: Reach) -> None:
    connection = reach(lab_server.as_server(), other_server.as_server())
    assert _came_from(connection) == other_server.host
    assert connection.run(Command(("cat",)), input=b"x" * 300_000).output == "x" * 300_000
    tcp = connection.open_tcp("127.0.0.1", 22)
    assert tcp.recv(4) == b"SSH-"
    tcp.close()
    assert open_engine(connection).info()["ServerVersion"]


@pytest.mark.skipif(not HAS_IPV6, reason="lab: this kernel has no IPv6")
def test_servers_with_addresses_of_ipv6_are_reached_with_and_without_a_jump_host(
    lab_server: LabServer, other_server: LabServer, reach: Reach
) -> None:
    far, near = (replace(each.as_server(), host=each.host6) for each in (lab_server, other_server))
    assert _came_from(reach(far)).startswith("fd77:")
    assert _came_from(reach(far, near)) == other_server.host6
    assert far.address == f"ssh://analyst@[{lab_server.host6}]"
    assert fetch_host_key(lab_server.host6).key == lab_server.host_key


def test_one_jump_host_after_another(lab_server: LabServer, other_server: LabServer, lab: Any, reach: Reach) -> None:
    third = lab.server(engine=False)
    try:
        connection = reach(lab_server.as_server(), other_server.as_server(), third.as_server())
        assert _came_from(connection) == third.host
        assert other_server.host in third.root("ss -H -tn state established sport = :22")
    finally:
        third.stop()


@pytest.mark.parametrize("shell", ["/usr/bin/fish", "/bin/tcsh", "/bin/csh", "/bin/zsh"])
def test_any_login_shell_and_what_its_start_files_print_work_through_it(
    lab_server: LabServer, other_server: LabServer, reach: Reach, shell: str
) -> None:
    accounts = other_server.folder / "etc" / "passwd"
    accounts.write_text(accounts.read_text(encoding="utf-8").replace("/analyst:/bin/sh", f"/analyst:{shell}"), "utf-8")
    for file in (".bashrc", ".cshrc", ".zshenv"):
        other_server.root(f"echo 'echo hello from a start file' > /home/analyst/{file}")
    banner = other_server.folder / "ssh" / "banner"
    banner.write_text("Authorised use only.\n" * 200, encoding="utf-8")
    other_server.stop_sshd()
    other_server.start_sshd(f"Banner {banner}")
    connection = reach(other_server.as_server(), lab_server.as_server())
    said = connection.run(Command(("sh", "-c", 'printf "%s\n" "$0" "it\'s"; exit 3', "a b")))
    assert (said.output, said.status) == ("a b\nit's\n", 3)


def test_servers_behind_one_jump_host_share_its_connection_which_is_closed_with_the_last(
    lab_server: LabServer, other_server: LabServer, jump_hosts: JumpHosts
) -> None:
    server = replace(lab_server.as_server(), jumps=(other_server.as_server(),))
    opened: list[Connection] = []
    threads = [
        threading.Thread(target=lambda: opened.append(jump_hosts.connect(server, Credentials()))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6
    assert _logins(other_server) == 1
    jump = jump_hosts.last_of(server.jumps, "x")
    assert jump is not None and jump.has_hops
    for connection in opened[1:]:
        connection.close()
    jump_hosts.close_unused()
    assert jump.is_alive() and opened[0].run(read_clock()).ok
    opened[0].close()
    jump_hosts.close_unused()
    assert not jump.is_alive()
    assert jump_hosts.connect(server, Credentials()).run(read_clock()).ok
    assert _logins(other_server) == 2
    jump_hosts.close()


def test_another_host_key_of_the_jump_host_stops_everything_before_a_secret(
    lab_server: LabServer, other_server: LabServer
) -> None:
    known = replace(other_server.as_server(key=""), name="gate")
    other_server.renew_host_key()
    log = other_server.folder / "sshd.log"
    before = log.stat().st_size
    target_before = (lab_server.folder / "sshd.log").stat().st_size
    hosts = JumpHosts(lambda _server: Credentials(password=Secret(PASSWORD)))
    with pytest.raises(HostKeyChanged, match="At a jump host, on the way to srv1: gate") as stop:
        hosts.connect(replace(lab_server.as_server(), jumps=(known,)), Credentials())
    assert "Nothing was sent" in stop.value.next_step
    assert "analyst" not in log.read_text(encoding="utf-8")[before:]
    assert (lab_server.folder / "sshd.log").stat().st_size == target_before


def test_another_host_key_behind_the_jump_host_stops_everything_too(
    lab_server: LabServer, other_server: LabServer, reach: Reach
) -> None:
    wrong = replace(lab_server.as_server(), host_key=other_server.host_key)
    with pytest.raises(HostKeyChanged, match="srv1"):
        reach(wrong, other_server.as_server())


def test_the_key_of_a_server_behind_a_jump_host_is_shown_through_it(
    lab_server: LabServer, other_server: LabServer, jump_hosts: JumpHosts
) -> None:
    via = jump_hosts.last_of((other_server.as_server(),), "srv1")
    assert fetch_host_key(lab_server.host, via=via).key == lab_server.host_key


def test_each_jump_host_has_a_log_in_of_its_own_and_an_error_says_which_one_failed(
    lab_server: LabServer, other_server: LabServer
) -> None:
    jump = replace(other_server.as_server(key="", user="visitor"), name="gate")
    server = replace(lab_server.as_server(), jumps=(jump,))
    asked: list[str] = []

    def right(jump: Server) -> Credentials:
        asked.append(jump.account)
        return Credentials(password=Secret(PASSWORD))

    hosts = JumpHosts(right)
    connection = hosts.connect(server, Credentials())
    assert connection.run(Command(("id", "-un"))).output == "analyst\n"
    assert asked == [f"visitor@{other_server.host}"]
    connection.close()
    hosts.close()
    with pytest.raises(AuthenticationFailed) as failure:
        JumpHosts(lambda _jump: Credentials(password=Secret("wrong"))).connect(server, Credentials())
    assert failure.value.message.startswith(
        f"At a jump host, on the way to srv1: {other_server.host} did not let “visitor”"
    )
    hosts = JumpHosts(right)
    with pytest.raises(AuthenticationFailed) as failure:
        hosts.connect(replace(server, identity_file=""), Credentials(password=Secret("wrong")))
    assert failure.value.message.startswith(f"{lab_server.host} did not let “analyst” in")
    hosts.close()


def test_a_jump_host_that_may_not_or_cannot_pass_on_is_named_with_what_to_do(
    lab_server: LabServer, other_server: LabServer, reach: Reach
) -> None:
    nobody = replace(lab_server.as_server(), port=9)
    with pytest.raises(ServerUnreachable, match=rf"srv\d+ cannot reach {lab_server.host} on port 9"):
        reach(nobody, other_server.as_server())
    with pytest.raises(ServerUnreachable, match=r"cannot reach nowhere\.invalid"):
        reach(replace(nobody, host="nowhere.invalid"), other_server.as_server())
    other_server.stop_sshd()
    other_server.start_sshd("AllowTcpForwarding no")
    with pytest.raises(ServerUnreachable, match="does not let connections through") as failure:
        reach(lab_server.as_server(), other_server.as_server())
    assert "AllowTcpForwarding" in failure.value.next_step


def test_a_jump_host_that_goes_takes_what_lies_behind_with_it_and_both_come_back(
    lab_server: LabServer, other_server: LabServer, reach: Reach
) -> None:
    connection = reach(lab_server.as_server(), other_server.as_server())
    assert connection.run(read_clock()).ok
    other_server.stop_sshd()
    with pytest.raises(ServerUnreachable):
        connection.run(read_clock(), timeout=5)
    _until(lambda: not connection.is_alive())
    with pytest.raises(ServerUnreachable, match="At a jump host, on the way to srv1"):
        reach(lab_server.as_server(), other_server.as_server())
    other_server.start_sshd()
    assert reach(lab_server.as_server(), other_server.as_server()).run(read_clock()).ok


def test_a_server_that_vanishes_behind_a_living_jump_host_is_noticed(
    lab_server: LabServer, other_server: LabServer, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "_KEEPALIVE_SECONDS", 0.5)
    connection = reach(other_server.as_server(), lab_server.as_server())
    time.sleep(3)  # asked again and again, and each time it answers
    assert connection.is_alive()
    with other_server.link_cut():
        start = own_time()
        _until(lambda: not connection.is_alive())
        assert own_time() - start < 10


def _until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.9\r\n" + b"\xff" * 5000, b"\0" * 200_000]
)
def test_garbage_in_place_of_the_server_behind_it_is_called_so(
    other_server: LabServer, lab_server: LabServer, reach: Reach, said: bytes
) -> None:
    """The jump host connects to this machine, where somebody answers who is no SSH server."""
    with socket.create_server((lab_server.lab.gateway, 0)) as listening:

        def say() -> None:
            with contextlib.suppress(OSError), listening.accept()[0] as stream:
                stream.sendall(said)
                stream.settimeout(5)
                while stream.recv(4096):
                    pass

        thread = threading.Thread(target=say)
        thread.start()
        odd = replace(lab_server.as_server(), host=lab_server.lab.gateway, port=listening.getsockname()[1])
        with pytest.raises(ServerUnreachable, match="not as an SSH server"):
            reach(odd, other_server.as_server(), timeout=2)
        thread.join()


class _Mute(paramiko.ServerInterface):
    """A jump host that lets everybody in, and says nothing when it is to pass on."""

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def check_channel_direct_tcpip_request(self, chanid: int, origin: Any, destination: Any) -> int:
        time.sleep(4)
        return paramiko.common.OPEN_FAILED_CONNECT_FAILED


@pytest.mark.lab
def test_a_jump_host_that_says_nothing_when_it_is_to_pass_on_is_given_up(lab_server: LabServer) -> None:
    private = generate_private_key(SECP256R1())
    key = paramiko.ECDSAKey(vals=(private, private.public_key()))
    transports: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve_each_connection, args=(listening, key, _Mute, transports))
        thread.start()
        jump = Server("gate", "127.0.0.1", listening.getsockname()[1], "ada", f"{key.get_name()} {key.get_base64()}")
        hosts = JumpHosts(lambda _jump: Credentials(password=Secret("x")))
        start = own_time()
        with pytest.raises(ServerUnreachable, match="gate"):
            hosts.connect(replace(lab_server.as_server(), jumps=(jump,)), Credentials(), timeout=1)
        assert own_time() - start < 4
        hosts.close()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for transport in transports:
        transport.close()


def test_a_way_of_very_many_jump_hosts_is_not_taken(lab_server: LabServer, reach: Reach) -> None:
    with pytest.raises(ServerError, match="behind 200 jump hosts"):
        reach(lab_server.as_server(), *[lab_server.as_server()] * 200)


def test_more_servers_than_a_connection_has_channels_are_reached_through_one_jump_host(
    lab_server: LabServer, other_server: LabServer, reach: Reach
) -> None:
    for _ in range(12):
        assert reach(lab_server.as_server(), other_server.as_server()).is_alive()
    assert len(re.findall("Accepted ", (other_server.folder / "sshd.log").read_text(encoding="utf-8"))) == 1
