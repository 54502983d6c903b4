"""Logging in with what people have: agents with many keys or one that cannot sign, key files, a second factor."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kronkers_studio.deployment import userauth
from kronkers_studio.deployment.commands import read_clock
from kronkers_studio.deployment.credentials import Credentials
from kronkers_studio.deployment.signing import string
from kronkers_studio.deployment.ssh import connect
from kronkers_studio.domain.errors import AuthenticationFailed
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.secrets import Secret
from tests.deployment.conftest import Connect
from tests.lab.servers import PASSPHRASE, PASSWORD, LabServer
from tests.lab.ssh_peer import serve_each_connection

_RIGHT = Credentials(password=Secret(PASSWORD))


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


pytestmark = pytest.mark.lab


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A real SSH agent without keys; called with a key file and options of ssh-add, it has that key."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as process:
        _wait_for(path)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))

        def add(key: Path, *options: str) -> None:
            subprocess.run(["ssh-add", "-q", *options, str(key)], check=True, capture_output=True)

        yield add
        process.terminate()


def _wait_for(path: Path) -> None:
    """Until an agent listens there: its socket is seen before."""
    for _ in range(1500):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.02)
    raise TimeoutError(f"no agent listens at {path}")


def _new_key(folder: Path, name: str, *options: str) -> Path:
    key = folder / name
    kind = options or ("-t", "ed25519")
    subprocess.run(["ssh-keygen", "-q", *kind, "-N", "", "-C", name, "-f", str(key)], check=True)
    return key


def _let_in(server: LabServer, public: str) -> None:
    """The analyst's account also accepts that key."""
    file = server.folder / "home" / "analyst" / ".ssh" / "authorized_keys"
    file.write_text(file.read_text(encoding="utf-8") + public.strip() + "\n", encoding="utf-8")


def _restart(server: LabServer, *options: str) -> None:
    server.stop_sshd()
    server.start_sshd(*options)


# Agents


def test_an_agent_key_that_does_not_sign_is_no_obstacle_to_the_key_file(
    lab_server: LabServer, agent: Callable[..., None], connect_to: Connect
) -> None:
    agent(lab_server.lab.key("plain"), "-c")  # asks for a confirmation that nobody can give here
    assert connect_to(lab_server.as_server(key="plain")).run(read_clock()).ok


def test_an_agent_key_that_does_not_sign_is_no_obstacle_to_the_password(
    lab_server: LabServer, agent: Callable[..., None], connect_to: Connect
) -> None:
    agent(lab_server.lab.key("plain"), "-c")
    assert connect_to(lab_server.as_server(key=""), _RIGHT).run(read_clock()).ok
    with pytest.raises(AuthenticationFailed, match=r"“plain” \(the agent did not sign with it\)"):
        connect(lab_server.as_server(key=""))


def test_the_agents_last_key_is_tried_too_and_the_server_connected_to_again_when_it_has_enough(
    other_server: LabServer, agent: Callable[..., None], connect_to: Connect, tmp_path: Path
) -> None:
    for number in range(8):
        agent(_new_key(tmp_path, f"unknown{number}"))
    agent(other_server.lab.key("plain"))
    assert connect_to(other_server.as_server(key="")).run(read_clock()).ok
    log = (other_server.folder / "sshd.log").read_text(encoding="utf-8")
    assert log.count("Too many authentication failures") == 1


def test_with_very_many_agent_keys_the_password_is_still_given(
    other_server: LabServer, agent: Callable[..., None], connect_to: Connect, tmp_path: Path
) -> None:
    for number in range(20):
        agent(_new_key(tmp_path, f"unknown{number}"))
    assert connect_to(other_server.as_server(key=""), _RIGHT).run(read_clock()).ok
    with pytest.raises(AuthenticationFailed, match="unknown12") as failure:
        connect(other_server.as_server(key=""), Credentials(password=Secret("wrong")))
    assert "the password" in failure.value.message


def test_with_one_attempt_for_each_connection_key_after_key_is_tried(
    other_server: LabServer, agent: Callable[..., None], connect_to: Connect, tmp_path: Path
) -> None:
    _restart(other_server, "MaxAuthTries 1")
    agent(_new_key(tmp_path, "unknown"))
    agent(other_server.lab.key("plain"))
    assert connect_to(other_server.as_server(key="")).run(read_clock()).ok


def test_the_agent_and_the_key_files_of_the_configuration_are_used_in_place_of_the_usual_ones(
    other_server: LabServer,
    agent: Callable[..., None],
    connect_to: Connect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent(other_server.lab.key("plain"))
    socket_path = os.environ["SSH_AUTH_SOCK"]
    monkeypatch.delenv("SSH_AUTH_SOCK")
    server = other_server.as_server(key="")
    assert connect_to(server, Credentials(agent=socket_path)).run(read_clock()).ok
    monkeypatch.setenv("SSH_AUTH_SOCK", socket_path)
    for credentials in (Credentials(agent="none"), Credentials(agent=str(tmp_path / "nothing"))):
        with pytest.raises(AuthenticationFailed, match="Tried: nothing"):
            connect(server, credentials)
    files = (str(tmp_path / "missing"), str(_new_key(tmp_path, "unknown")), str(other_server.lab.key("plain")))
    assert connect_to(server, Credentials(agent="none", identity_files=files)).run(read_clock()).ok
    with pytest.raises(AuthenticationFailed, match="unknown") as failure:
        connect(server, Credentials(identity_files=files[1:2], only_identity_files=True))
    assert "the agent's key" not in failure.value.message
    assert connect_to(server, Credentials(identity_files=files[1:2])).run(read_clock()).ok  # the agent's, after it


def test_key_files_that_ssh_tries_by_itself_are_tried_and_locked_ones_left_out(
    other_server: LabServer, connect_to: Connect, own_home: Path
) -> None:
    folder = own_home / ".ssh"
    folder.mkdir()
    (folder / "id_ed25519").write_bytes(other_server.lab.key("locked").read_bytes())
    server = other_server.as_server(key="")
    with pytest.raises(AuthenticationFailed, match="Tried: nothing"):
        connect(server)
    (folder / "id_rsa").write_bytes(other_server.lab.key("plain").read_bytes())
    assert connect_to(server).run(read_clock()).ok
    with pytest.raises(AuthenticationFailed):
        connect(server, Credentials(identity_files=()))  # the configuration says: none


def test_a_locked_key_file_is_used_through_the_agent_also_without_its_public_file(
    lab_server: LabServer, agent: Callable[..., None], connect_to: Connect, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.write_bytes(lab_server.lab.key("locked").read_bytes())
    alone.chmod(0o600)
    environment = {**os.environ, "SSH_ASKPASS": str(_answering(tmp_path)), "SSH_ASKPASS_REQUIRE": "force"}
    agent(_new_key(tmp_path, "unknown"))
    subprocess.run(["ssh-add", "-q", str(alone)], check=True, env=environment, capture_output=True)
    server = replace(lab_server.as_server(), identity_file=str(alone))
    assert connect_to(server).run(read_clock()).ok


def _answering(folder: Path) -> Path:
    program = folder / "askpass"
    program.write_text(f"#!/bin/sh\necho '{PASSPHRASE}'\n", encoding="utf-8")
    program.chmod(0o700)
    return program


def test_a_certificate_in_the_agent_and_beside_the_key_file_lets_in(
    other_server: LabServer, agent: Callable[..., None], connect_to: Connect, tmp_path: Path
) -> None:
    authority = _new_key(tmp_path, "authority")
    trusted = other_server.folder / "ssh" / "authority.pub"  # where the server sees it
    trusted.write_bytes(Path(f"{authority}.pub").read_bytes())
    _restart(other_server, f"TrustedUserCAKeys {trusted}")
    for name, kind in (("ed", ("-t", "ed25519")), ("rsa", ("-t", "rsa", "-b", "2048"))):
        key = _new_key(tmp_path, name, *kind)
        sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", "analyst", f"{key}.pub"]
        subprocess.run(sign, check=True, capture_output=True)
        assert connect_to(replace(other_server.as_server(), identity_file=str(key))).run(read_clock()).ok
        agent(key)
        assert connect_to(other_server.as_server(key="")).run(read_clock()).ok
        subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True)


@pytest.mark.parametrize(
    "answers",
    [b"", b"\0", struct.pack(">IB", 1, 5), struct.pack(">I", 2**31), b"HTTP/1.0 400 Bad\r\n\r\n" * 40]
    + [struct.pack(">IBI", 5 + len(rest), 12, 2**31) + rest for rest in (b"", string(b"") * 2, string(b"\xff" * 9))],
    ids=["nothing", "a byte", "failure", "an answer of 2 GB", "HTTP", "no keys", "empty keys", "keys of no type"],
)
def test_what_is_no_agent_is_left_out(
    lab_server: LabServer, connect_to: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "odd"))
        listening.listen()

        def answer() -> None:
            with contextlib.suppress(OSError):
                stream, _ = listening.accept()
                stream.recv(100)
                stream.sendall(answers)
                stream.close()

        thread = threading.Thread(target=answer)
        thread.start()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "odd"))
        assert connect_to(lab_server.as_server()).run(read_clock()).ok
        thread.join()


# Key files


_PRIVATE = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "ECDSA 256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ECDSA 384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ECDSA 521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH])
@pytest.mark.parametrize("locked", [False, True], ids=["plain", "locked"])
@pytest.mark.parametrize("type_", list(_PRIVATE))
def test_keys_of_all_usual_types_and_forms_let_in(
    other_server: LabServer, connect_to: Connect, tmp_path: Path, type_: str, form: PrivateFormat, locked: bool
) -> None:
    if form is PrivateFormat.TraditionalOpenSSL and type_ == "Ed25519":
        return  # there is no such form
    key: Any = _PRIVATE[type_]()
    encryption = BestAvailableEncryption(PASSPHRASE.encode("utf-8")) if locked else NoEncryption()
    file = tmp_path / "key"
    file.write_bytes(key.private_bytes(Encoding.PEM, form, encryption))
    _let_in(other_server, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii"))
    server = replace(other_server.as_server(), identity_file=str(file))
    assert connect_to(server, Credentials(passphrase=Secret(PASSPHRASE))).run(read_clock()).ok
    if locked:
        with pytest.raises(AuthenticationFailed, match="not usable") as failure:
            connect(server)
        assert "is locked: give its passphrase" in failure.value.next_step
        with pytest.raises(AuthenticationFailed, match="not usable") as failure:
            connect(server, Credentials(passphrase=Secret("no")))
        assert "passphrase does not open" in failure.value.next_step


def _openssh_file(type_: bytes) -> bytes:
    public = string(type_) + string(b"\0" * 32) + string(b"ssh:")
    body = b"openssh-key-v1\0" + string(b"none") * 2 + string(b"") + struct.pack(">I", 1) + string(public)
    body += string(struct.pack(">II", 7, 7) + public + b"\1\2\3")
    text = base64.encodebytes(body)
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + text + b"-----END OPENSSH PRIVATE KEY-----\n"


_ODD_FILES = {
    "security key": (_openssh_file(b"sk-ssh-ed25519@openssh.com"), "lies on a security key. Load it into"),
    "security key, ECDSA": (_openssh_file(b"sk-ecdsa-sha2-nistp256@openssh.com"), "lies on a security key"),
    "DSA": (_openssh_file(b"ssh-dss"), "is a DSA key"),
    "a type of the future": (_openssh_file(b"ssh-mldsa"), "Make a new one|not a private key"),
    "PuTTY": (b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "in PuTTY's own form"),
    "public": (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me\n", "without .pub"),
    "public, PEM": (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "without .pub"),
    "certificate of a web server": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a private"),
    "empty": (b"", "not a private key"),
    "cut off": (_openssh_file(b"ssh-ed25519")[:90], "not a private key"),
    "not base64": (b"-----BEGIN OPENSSH PRIVATE KEY-----\n!!!\n-----END OPENSSH PRIVATE KEY-----\n", "not a private"),
    "binary": (bytes(range(256)) * 4, "not a private key"),
    "very large": (b"-----BEGIN PRIVATE KEY-----\n" * 40_000, "not a private key"),
    "Ed448": (
        ed448.Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "Make a new one",
    ),
}


@pytest.mark.parametrize("kind", list(_ODD_FILES))
@pytest.mark.parametrize("passphrase", [None, Secret("x")], ids=["", "with a passphrase"])
def test_a_file_that_gives_no_key_is_told_by_what_it_is_and_the_password_still_lets_in(
    lab_server: LabServer, connect_to: Connect, tmp_path: Path, kind: str, passphrase: Secret | None
) -> None:
    content, sentence = _ODD_FILES[kind]
    file = tmp_path / "key"
    file.write_bytes(content)
    server = replace(lab_server.as_server(), identity_file=str(file))
    with pytest.raises(AuthenticationFailed) as failure:
        connect(server, Credentials(passphrase=passphrase))
    assert any(part in failure.value.next_step for part in sentence.split("|"))
    assert connect_to(server, replace(_RIGHT, passphrase=passphrase)).is_alive()


def test_a_real_dsa_key_and_a_folder_are_told_by_what_they_are(lab_server: LabServer, tmp_path: Path) -> None:
    dsa = _new_key(tmp_path, "dsa", "-t", "dsa")
    for file, sentence in ((dsa, "is a DSA key"), (tmp_path, "is not a file"), (Path("/dev/zero"), "is not a file")):
        with pytest.raises(AuthenticationFailed) as failure:
            connect(replace(lab_server.as_server(), identity_file=str(file)))
        assert sentence in failure.value.next_step


@pytest.mark.parametrize("name", ["//evil.example/share/key", "\\\\evil.example\\share\\key"])
def test_a_key_file_on_another_computer_is_not_even_looked_for(
    lab_server: LabServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    stat = Path.stat
    monkeypatch.setattr(Path, "stat", lambda path, **options: looked.append(str(path)) or stat(path, **options))
    with pytest.raises(AuthenticationFailed) as failure:
        connect(replace(lab_server.as_server(), identity_file=name))
    assert "is on another computer" in failure.value.next_step
    assert not [path for path in looked if "evil" in path]


# More than one factor, questions, and what hostile servers do


@pytest.mark.parametrize(
    ("order", "key", "credentials"),
    [("publickey,password", "plain", _RIGHT), ("password,publickey", "plain", _RIGHT)],
)
def test_two_factors_that_are_there_let_in_whatever_their_order(
    other_server: LabServer, connect_to: Connect, order: str, key: str, credentials: Credentials
) -> None:
    _restart(other_server, f"AuthenticationMethods {order}")
    assert connect_to(other_server.as_server(key=key), credentials).run(read_clock()).ok


def test_a_missing_second_factor_is_named_with_what_was_accepted(other_server: LabServer) -> None:
    _restart(other_server, "AuthenticationMethods publickey,password")
    with pytest.raises(AuthenticationFailed) as failure:
        connect(other_server.as_server())
    assert f"accepted the key file {other_server.lab.key('plain')}" in failure.value.message
    assert "wants the account's password as well" in failure.value.message
    assert "add your public key" not in failure.value.next_step


class _Asking(paramiko.ServerInterface):
    """Asks the questions of ``rounds`` one after the other; ``key_first`` lets a key count for half."""

    def __init__(self, rounds: list[list[tuple[str, bool]]], answers: list[list[str]], key_first: bool) -> None:
        self._rounds = rounds
        self._answers = answers
        self._key_first = key_first
        self.half = not key_first

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive" if self.half else "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.half = True
        return paramiko.common.AUTH_PARTIALLY_SUCCESSFUL

    def check_auth_interactive(self, username: str, submethods: str) -> int | paramiko.server.InteractiveQuery:
        return paramiko.server.InteractiveQuery("Title", "Instruction", *self._rounds[0])

    def check_auth_interactive_response(self, responses: list[str]) -> int | paramiko.server.InteractiveQuery:
        self._answers.append(responses)
        if len(self._answers) < len(self._rounds):
            return paramiko.server.InteractiveQuery("", "", *self._rounds[len(self._answers)])
        given = [answer for answers in self._answers for answer in answers]
        return paramiko.common.AUTH_SUCCESSFUL if given == [PASSWORD] else paramiko.common.AUTH_FAILED


@contextlib.contextmanager
def asking(*rounds: list[tuple[str, bool]], key_first: bool = False) -> Iterator[tuple[Server, list[list[str]]]]:
    private = ec.generate_private_key(ec.SECP256R1())
    key = paramiko.ECDSAKey(vals=(private, private.public_key()))
    answers: list[list[str]] = []
    transports: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        arguments = (listening, key, lambda: _Asking(list(rounds), answers, key_first), transports)
        thread = threading.Thread(target=serve_each_connection, args=arguments, daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        yield Server("asking", "127.0.0.1", port, "analyst", f"{key.get_name()} {key.get_base64()}"), answers
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    for transport in transports:
        transport.close()


def test_one_hidden_question_is_answered_with_the_password(connect_to: Connect) -> None:
    with asking([("Password: ", False)]) as (server, answers):
        assert connect_to(server, _RIGHT).is_alive()
        assert answers == [[PASSWORD]]
    with asking([], [("Password: ", False)], []) as (server, answers):  # as PAM asks: notices around it
        assert connect_to(server, _RIGHT).is_alive()


@pytest.mark.parametrize(
    "rounds",
    [
        [[("Password: ", False)], [("Verification code: ", False)]],
        [[("Password: ", False), ("Verification code: ", False)]],
        [[("Verification code: ", True)]],
    ],
)
def test_a_question_that_is_not_the_password_is_quoted_and_gets_no_answer(rounds: list[list[tuple[str, bool]]]) -> None:
    with (
        asking(*rounds) as (server, answers),
        pytest.raises(AuthenticationFailed, match="Verification code") as failure,
    ):
        connect(server, _RIGHT)
    assert "Nobody can be asked here" in failure.value.next_step
    assert answers in ([], [[PASSWORD]])


def test_after_an_accepted_key_the_question_that_is_still_asked_is_quoted(lab_server: LabServer) -> None:
    with asking([("Code: ", True)], key_first=True) as (server, _answers):
        with_key = replace(server, identity_file=str(lab_server.lab.key("plain")))
        with pytest.raises(AuthenticationFailed) as failure:
            connect(with_key, _RIGHT)
    assert "It accepted the key file" in failure.value.message
    assert "“Code:”" in failure.value.message


def test_a_server_that_only_takes_keys_is_given_no_password(other_server: LabServer) -> None:
    _restart(other_server, "PasswordAuthentication no")
    with pytest.raises(AuthenticationFailed, match="Tried: nothing"):
        connect(other_server.as_server(key=""), _RIGHT)


def test_a_server_that_says_nothing_after_its_greeting_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Asking, "check_auth_interactive", lambda *_: time.sleep(6) or paramiko.common.AUTH_FAILED)
    with asking([("Password: ", False)]) as (server, _answers):
        start = time.monotonic()
        with pytest.raises(AuthenticationFailed, match="the password") as failure:
            connect(server, _RIGHT, timeout=1)
        assert "hung up" in failure.value.next_step
        assert time.monotonic() - start < 5


def test_very_many_questions_are_not_listened_to() -> None:
    message = paramiko.Message()
    for _ in range(3):
        message.add_string("")
    message.add_int(2**31)
    with pytest.raises(userauth.HungUp):
        userauth._questions(paramiko.Message(message.asbytes()))
