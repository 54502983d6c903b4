"""Connecting to real servers: keys, passwords, agents, changed host keys, cut links."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from kronkers_studio.deployment import command_sessions, handshake, ssh
from kronkers_studio.deployment.commands import Command, read_clock
from kronkers_studio.deployment.credentials import Credentials
from kronkers_studio.deployment.signing import string
from kronkers_studio.deployment.ssh import Connection, connect, fetch_host_key
from kronkers_studio.deployment.streams import send_all
from kronkers_studio.domain.errors import (
    AuthenticationFailed,
    HostKeyChanged,
    HostKeyUnknown,
    ServerUnreachable,
    ShellUnusable,
)
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.secrets import Secret
from tests.deployment.conftest import Connect
from tests.lab.servers import PASSPHRASE, PASSWORD, LabServer
from tests.own_time import own_time


@pytest.fixture
def agent(lab_server: LabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An SSH agent that has the plain key."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as process:
        for _ in range(100):
            if path.exists():
                break
            time.sleep(0.02)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        subprocess.run(["ssh-add", "-q", str(lab_server.lab.key("plain"))], check=True)
        yield
        process.terminate()


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def test_the_host_key_shown_is_the_servers_with_the_fingerprint_that_ssh_keygen_gives(lab_server: LabServer) -> None:
    shown = fetch_host_key(lab_server.host, lab_server.port)
    assert shown.key == lab_server.host_key
    file = str(lab_server.folder / "ssh" / "host_key.pub")
    told = subprocess.run(["ssh-keygen", "-lf", file], capture_output=True, text=True, check=True).stdout
    assert shown.fingerprint == told.split()[1]


@pytest.mark.parametrize(
    ("key", "credentials"),
    [
        ("plain", Credentials()),
        ("plain", Credentials(passphrase=Secret("not needed"))),
        ("locked", Credentials(passphrase=Secret(PASSPHRASE))),
        ("", Credentials(password=Secret(PASSWORD))),
        ("stranger", Credentials(password=Secret(PASSWORD))),
    ],
    ids=["key file", "key file and a needless passphrase", "locked key file", "password", "strange key, then password"],
)
def test_logging_in_works_with(lab_server: LabServer, connect_to: Connect, key: str, credentials: Credentials) -> None:
    connection = connect_to(lab_server.as_server(key=key), credentials)
    assert connection.is_alive()
    assert connection.run(Command(("id", "-un"))).output == "analyst\n"


@pytest.mark.usefixtures("agent")
def test_the_agents_key_needs_no_file(lab_server: LabServer, connect_to: Connect) -> None:
    assert connect_to(lab_server.as_server(key="")).run(read_clock()).ok


@pytest.mark.usefixtures("agent")
def test_of_the_agents_keys_only_the_one_named_is_offered(lab_server: LabServer) -> None:
    with pytest.raises(AuthenticationFailed) as failure:
        connect(lab_server.as_server(key="stranger"))
    assert "agent" not in failure.value.message


@pytest.mark.parametrize(
    ("key", "credentials", "tried", "advice"),
    [
        ("", Credentials(), "nothing", "administrator"),
        ("stranger", Credentials(), "stranger", "add your public key"),
        ("locked", Credentials(), "locked (not usable)", "is locked: give its passphrase"),
        ("locked", Credentials(passphrase=Secret("wrong")), "locked (not usable)", "passphrase does not open"),
        ("missing", Credentials(password=Secret("wrong")), "the password", "does not exist"),
        ("plain.pub", Credentials(), "plain.pub (not usable)", "not a private key"),
    ],
)
def test_what_was_tried_is_named_and_no_secret(
    lab_server: LabServer, key: str, credentials: Credentials, tried: str, advice: str
) -> None:
    with pytest.raises(AuthenticationFailed) as failure:
        connect(lab_server.as_server(key=key), credentials)
    assert tried in failure.value.message
    assert advice in failure.value.next_step
    assert "wrong" not in str(failure.value)


def test_a_changed_host_key_is_a_hard_stop_before_anything_secret_is_sent(other_server: LabServer) -> None:
    confirmed = other_server.as_server(key="")
    other_server.renew_host_key()
    with pytest.raises(HostKeyChanged) as stop:
        connect(confirmed, Credentials(password=Secret(PASSWORD)))
    assert fetch_host_key(other_server.host).fingerprint in stop.value.message
    log = (other_server.folder / "sshd.log").read_text(encoding="utf-8")
    assert "Accepted" not in log
    assert "Failed password" not in log


def test_a_server_with_several_host_keys_is_asked_for_the_confirmed_one(
    other_server: LabServer, connect_to: Connect
) -> None:
    rsa = other_server.folder / "ssh" / "rsa"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(rsa)], check=True)
    other_server.stop_sshd()
    other_server.start_sshd(f"HostKey {rsa}")
    public = " ".join(Path(f"{rsa}.pub").read_text(encoding="utf-8").split()[:2])
    assert connect_to(replace(other_server.as_server(), host_key=public)).is_alive()
    assert connect_to(other_server.as_server()).is_alive()


def test_without_a_confirmed_host_key_there_is_no_connection(lab_server: LabServer) -> None:
    with pytest.raises(HostKeyUnknown) as stop:
        connect(replace(lab_server.as_server(), host_key=""))
    assert stop.value.fingerprint == fetch_host_key(lab_server.host).fingerprint


@pytest.mark.lab
@pytest.mark.parametrize(
    ("where", "message", "next_step"),
    [
        ("nowhere.invalid", "no computer called", "Check the spelling"),
        ("closed", "refuses connections", "that the SSH server runs there"),
        ("mute", "not as an SSH server", "that an up-to-date SSH server runs there"),
    ],
)
def test_what_is_wrong_with_the_address_is_said(
    lab_server: LabServer, where: str, message: str, next_step: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host, port = {
            "nowhere.invalid": (where, 22),
            "closed": (lab_server.host, 9),
            "mute": ("127.0.0.1", mute.getsockname()[1]),
        }[where]
        with pytest.raises(ServerUnreachable) as failure:
            fetch_host_key(host, port, timeout=1)
    assert message in failure.value.message
    assert next_step in failure.value.next_step


def test_a_server_that_does_not_answer_is_given_up_after_the_timeout(other_server: LabServer) -> None:
    with other_server.link_cut():
        start = own_time()
        with pytest.raises(ServerUnreachable):
            connect(other_server.as_server(), timeout=1)
        assert own_time() - start < 5


def test_a_command_gets_its_input_and_gives_output_error_and_status(connection: Connection) -> None:
    result = connection.run(Command(("sh", "-c", "cat; echo bad >&2; exit 7")), input="grün\n".encode())
    assert (result.output, result.error, result.status, result.ok) == ("grün\n", "bad\n", 7, False)


def test_a_command_that_ends_before_its_input_came_keeps_the_connection(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy computer is slow to send it. Seen to fail: “The connection to srv1 was lost.”"""

    def late(*arguments: Any) -> None:
        time.sleep(0.5)
        send_all(*arguments)

    monkeypatch.setattr(command_sessions, "send_all", late)
    result = connection.run(Command(("sh", "-c", "echo said; exit 3")), input=b"never read")
    assert (result.output, result.status) == ("said\n", 3)
    assert connection.run(read_clock()).ok


def test_a_command_that_takes_too_long_is_given_up(connection: Connection) -> None:
    start = own_time()
    with pytest.raises(ServerUnreachable, match=r"answers, but a command there did not end within 1 seconds"):
        connection.run(Command(("sleep", "60")), timeout=0.5, longest=1)
    assert own_time() - start < 30
    assert connection.is_alive()


def test_a_server_that_is_slow_is_told_from_one_that_is_dead(connection: Connection) -> None:
    """Its command says nothing for longer than a dead server is waited for. Seen to fail when the time was one for
    both: a disk that many write to made a release fail, "did not answer within 30 seconds"."""
    assert connection.run(Command(("sh", "-c", "sleep 5; echo done")), timeout=2).output == "done\n"


def test_a_server_that_is_cut_off_while_it_runs_a_command_is_given_up(
    other_server: LabServer, connect_to: Connect
) -> None:
    connection = connect_to(other_server.as_server())
    threading.Timer(0.5, other_server.cut).start()
    start = own_time()
    with pytest.raises(ServerUnreachable, match="did not answer within 3 seconds"):
        connection.run(Command(("sleep", "60")), timeout=3)
    assert own_time() - start < 15  # and not the two minutes that a slow one has


def test_encryption_is_aes_gcm(connection: Connection) -> None:
    assert vars(connection._transport)["remote_cipher"] == "aes128-gcm@openssh.com"


def test_streams_reach_tcp_ports_and_unix_sockets_of_the_server(connection: Connection) -> None:
    tcp = connection.open_tcp("127.0.0.1", 22)
    assert tcp.recv(4) == b"SSH-"
    tcp.close()
    unix = connection.open_unix("/var/run/docker.sock")
    unix.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
    file = unix.makefile("rb")
    unix.close()  # as with a socket, a file made of it keeps it open
    assert file.read().endswith(b"OK")
    file.close()


def test_streams_that_nobody_answers_are_refused(connection: Connection) -> None:
    with pytest.raises(ConnectionRefusedError):
        connection.open_tcp("127.0.0.1", 9)
    with pytest.raises(ConnectionRefusedError):
        connection.open_unix("/nowhere")
    assert connection.is_alive()


def test_paramiko_is_the_version_that_the_streamlocal_channel_was_made_for() -> None:
    assert paramiko.__version__.startswith("5.1.")


def test_many_threads_share_one_connection(connection: Connection) -> None:
    results: list[str] = []

    def ask(number: int) -> None:
        for _ in range(3):
            results.append(connection.run(Command(("echo", str(number)))).output.strip())

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(3 * [str(number) for number in range(12)])


def test_a_link_cut_in_the_middle_of_a_command_is_noticed(
    other_server: LabServer, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "_DEAD_AFTER_SECONDS", 2)
    monkeypatch.setattr(ssh, "_KEEPALIVE_SECONDS", 1)
    connection = connect_to(other_server.as_server())
    threading.Timer(0.5, other_server.cut).start()
    start = own_time()
    with pytest.raises(ServerUnreachable, match="was lost"):
        connection.run(Command(("sleep", "60")), timeout=30)
    assert own_time() - start < 10
    assert not connection.is_alive()
    other_server.mend()
    assert connect_to(other_server.as_server()).run(read_clock()).ok


def test_a_server_that_goes_down_ends_the_connection_with_a_clear_error(
    other_server: LabServer, connect_to: Connect
) -> None:
    connection = connect_to(other_server.as_server())
    other_server.stop()
    with pytest.raises(ServerUnreachable) as failure:
        connection.run(read_clock(), timeout=3)
    assert other_server.name in failure.value.message
    assert os.linesep not in failure.value.message


@pytest.mark.parametrize(
    "options",
    [
        ("KexAlgorithms curve25519-sha256",),
        ("KexAlgorithms curve25519-sha256@libssh.org", "Ciphers aes256-gcm@openssh.com"),
        ("KexAlgorithms diffie-hellman-group16-sha512", "Ciphers aes256-ctr", "MACs hmac-sha2-512-etm@openssh.com"),
    ],
)
def test_hardened_servers_are_understood(other_server: LabServer, connect_to: Connect, options: tuple[str]) -> None:
    other_server.stop_sshd()
    other_server.start_sshd(*options)
    assert connect_to(other_server.as_server()).run(read_clock()).ok


@pytest.mark.parametrize(
    ("option", "offered", "allow"),
    [
        ("KexAlgorithms sntrup761x25519-sha512@openssh.com", "no key exchange in common", "KexAlgorithms"),
        ("Ciphers chacha20-poly1305@openssh.com", "no encryption in common", "Ciphers"),
        ("MACs umac-128-etm@openssh.com", "no integrity check in common", "MACs"),
    ],
)
def test_without_an_algorithm_in_common_both_sides_are_named(
    other_server: LabServer, option: str, offered: str, allow: str
) -> None:
    other_server.stop_sshd()
    other_server.start_sshd(option)
    with pytest.raises(ServerUnreachable) as failure:
        fetch_host_key(other_server.host)
    assert offered in failure.value.message
    assert option.split()[1] in failure.value.message
    assert f"({allow} in sshd_config)" in failure.value.next_step
    assert any(name in failure.value.next_step for name in ("curve25519-sha256", "aes256-gcm", "hmac-sha2-512"))


@pytest.mark.parametrize("host", ["a" * 64, "a..b", "host\x00", "ho st", "\udcff", ".", "x" * 300 + ".example"])
def test_what_is_no_host_name_is_said_to_be_none(host: str) -> None:
    with pytest.raises(ServerUnreachable):
        fetch_host_key(host, timeout=1)
    with pytest.raises(ServerUnreachable):
        fetch_host_key("127.0.0.1", 65536 + 22, timeout=1)


_HELLO = b"SSH-2.0-OpenSSH_9.9\r\n"


def _packet(payload: bytes) -> bytes:
    padding = 16 - (len(payload) + 5) % 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"x" * 1_000_000,
        b"x\n" * 1_000_000,
        b"SSH-2.0",
        b"SSH-1.5-old\r\n",
        b"\xff\xfe\r\n" * 3,
        _HELLO + struct.pack(">IB", 2**32 - 1, 4) + bytes(1000),
        _HELLO + struct.pack(">IB", 0, 0) + bytes(1000),
        _HELLO + _packet(b"\x14" + bytes(16) + (string(b"\xff\xfe,\xff") * 10) + bytes(5)),
        _HELLO + _packet(b"\x14" + bytes(16) + struct.pack(">I", 2**31)),
        _HELLO + _packet(b"\x14"),
        _HELLO + _packet(b"\x01" + bytes(4) + string(b"go away") + string(b"")),
        _HELLO + _packet(b"\x07" + struct.pack(">I", 2**32 - 1)),
        _HELLO + random.Random(7).randbytes(4096),  # the same in each process
    ],
    ids=[
        "nothing",
        "HTTP",
        "no line",
        "lines",
        "half a greeting",
        "version 1",
        "no text",
        "a packet of 4 GB",
        "an empty packet",
        "names that are no text",
        "a list that is cut off",
        "an empty offer",
        "goodbye",
        "endless extensions",
        "noise",
    ],
)
def test_what_is_no_ssh_server_whatever_it_says_is_called_so(said: bytes, request: pytest.FixtureRequest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def say() -> None:
            with contextlib.suppress(OSError):
                stream, _ = listening.accept()
                with stream:
                    stream.sendall(said)
                    stream.settimeout(5)
                    while stream.recv(4096):
                        pass

        thread = threading.Thread(target=say)
        thread.start()
        start = own_time()
        with pytest.raises(ServerUnreachable) as failure:
            fetch_host_key("127.0.0.1", listening.getsockname()[1], timeout=2)
        assert own_time() - start < 10
        offers_nothing = request.node.callspec.id in ("version 1", "a list that is cut off", "an empty offer")
        advice = "Ask the server's administrator to allow one of" if offers_nothing else "Check the port, and that an"
        assert failure.value.next_step.startswith(advice)
        thread.join()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (_HELLO + struct.pack(">IB", 2**31 + 4, 4), bytes(1 << 20)),
        (b"", b"hello " * 200_000),
        (b"", b"hello\n" * 200_000),
    ],
    ids=["a packet of 2 GB", "a line without end", "lines without end"],
)
def test_a_server_that_goes_on_and_on_before_it_has_shown_its_key_is_not_listened_to(first: bytes, then: bytes) -> None:
    sent = 0
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def say() -> None:
            nonlocal sent
            with contextlib.suppress(OSError), listening.accept()[0] as stream:
                stream.sendall(first)
                while sent < 500_000_000:
                    stream.sendall(then)
                    sent += len(then)

        thread = threading.Thread(target=say)
        thread.start()
        start = own_time()
        with pytest.raises(ServerUnreachable):
            fetch_host_key("127.0.0.1", listening.getsockname()[1], timeout=10)
        assert own_time() - start < 5
        thread.join()
    assert sent < 30_000_000


class _Flooding(paramiko.ServerInterface):
    """Lets everybody in."""

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.silent:
            time.sleep(3)
        return False

    silent = False


@contextlib.contextmanager
def _connected(server: _Flooding) -> Iterator[tuple[Connection, paramiko.Transport]]:
    """A connection to a server that does what it wants, and the server's end of it."""
    private = generate_private_key(SECP256R1())
    key = paramiko.ECDSAKey(vals=(private, private.public_key()))
    ends = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            ends.append(paramiko.Transport(listening.accept()[0]))
            ends[0].add_server_key(key)
            ends[0].start_server(server=server)

        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        known = Server("s", "127.0.0.1", port, "ada", f"{key.get_name()} {key.get_base64()}")
        connection = connect(known, Credentials(password=Secret("x")))
        thread.join()
    try:
        yield connection, ends[0]
    finally:
        connection.close()
        ends[0].close()


@pytest.mark.parametrize("to_stderr", [False, True])
def test_a_server_that_sends_more_than_it_may_is_cut_off(to_stderr: bool) -> None:
    with _connected(_Flooding()) as (connection, end):
        unread = connection._transport.open_session()
        channel: Any = end.accept(10)
        sent = 0
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            while sent < 64_000_000:
                channel.out_window_size = 2**30
                sent += (channel.send_stderr if to_stderr else channel.send)(bytes(32_000))
        assert not connection.is_alive()
        assert len(unread.in_buffer) + len(unread.in_stderr_buffer) < 5_000_000
        assert sent < 60_000_000


def test_a_server_that_says_neither_yes_nor_no_to_a_command_is_given_up() -> None:
    server = _Flooding()
    server.silent = True
    with _connected(server) as (connection, _end):
        start = own_time()
        with pytest.raises(ServerUnreachable, match="did not answer within 1 seconds"):
            connection.run(read_clock(), timeout=1)
        assert own_time() - start < 2.5


def test_a_server_that_refuses_commands_is_said_to_run_none() -> None:
    with _connected(_Flooding()) as (connection, _end), pytest.raises(ShellUnusable, match="not run commands there"):
        connection.run(read_clock(), timeout=5)
