"""Who gets a server's password: the real keyring, and what real and hostile SSH servers see."""

from __future__ import annotations

import gc
import socket
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)

from kronkers_studio.domain.changes import ServerAdded
from kronkers_studio.domain.errors import (
    AlreadyExists,
    AuthenticationFailed,
    HostKeyUnknown,
    InvalidInput,
    KeyUnavailable,
)
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.credentials import host_key_fingerprint, stored_credentials
from kronkers_studio.workflows.server_addresses import parse_address
from kronkers_studio.workflows.servers import (
    add_server,
    check_server,
    log_in_anew,
    remove_server,
    show_host_key,
)
from kronkers_studio.workflows.session import Session, create_workspace
from tests.lab.secret_service import SecretService
from tests.lab.servers import PASSPHRASE, PASSWORD, LabServer
from tests.lab.ssh_peer import serve_each_connection


class _Listening(paramiko.ServerInterface):
    """Lets nobody in, and remembers every password."""

    def __init__(self, seen: list[str]) -> None:
        self._seen = seen

    def get_allowed_auths(self, username: str) -> str:
        return "password,keyboard-interactive,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        self._seen.append(password)
        return paramiko.common.AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> int | paramiko.server.InteractiveQuery:
        return paramiko.server.InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self._seen.extend(responses)
        return paramiko.common.AUTH_FAILED


class HostileServer:
    """An SSH server of an attacker, with whichever host key."""

    def __init__(self) -> None:
        self.passwords: list[str] = []
        self.logins = 0
        self._key = paramiko.ECDSAKey(vals=_pair())
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.host_key = f"{self._key.get_name()} {self._key.get_base64()}"
        self._transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        def make_server() -> _Listening:
            self.logins += 1
            return _Listening(self.passwords)

        serve_each_connection(self._socket, self._key, make_server, self._transports)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for transport in self._transports:
            transport.close()
        self._thread.join(10)


def _pair() -> tuple[EllipticCurvePrivateKey, EllipticCurvePublicKey]:
    key = generate_private_key(SECP256R1())
    return key, key.public_key()


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    server = HostileServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with _workspace(tmp_path / "mine") as session:
        yield session


def _workspace(folder: Path) -> Session:
    folder.mkdir(parents=True)
    return create_workspace(folder / "workspace", key_file=folder / "key")[0]


def _add(session: Session, server: LabServer, name: str = "factory", *, password: str = PASSWORD) -> Server:
    address = f"ssh://analyst@{server.host}:{server.port}"
    fingerprint = show_host_key(address).fingerprint
    return add_server(session, name, address, fingerprint=fingerprint, password=Secret(password) if password else None)


def _written_by_another(session: Session, server: Server) -> Server:
    """``server`` in the ledger as whoever made the workspace likes it, without having asked anybody."""
    session.workspace.ledger.record(ServerAdded(server), author="mallory")
    return server


def test_a_kept_password_logs_in_again_and_again(
    secret_service: SecretService, session: Session, lab_server: LabServer
) -> None:
    _add(session, lab_server)
    session.forget_connection("factory")
    assert check_server(session, "factory").checks[0].verdict == "ok"


@pytest.mark.parametrize("copied_id", [False, True], ids=["another id", "my workspace's id"])
def test_a_workspace_of_somebody_else_with_a_server_of_the_same_name_sends_no_password_there(
    secret_service: SecretService,
    session: Session,
    lab_server: LabServer,
    hostile: HostileServer,
    tmp_path: Path,
    copied_id: bool,
) -> None:
    mine = _add(session, lab_server)
    with _workspace(tmp_path / "theirs") as theirs:
        if copied_id:
            theirs.workspace._master.workspace_id = session.workspace.id
        _written_by_another(
            theirs, replace(mine, host="127.0.0.1", port=hostile.port, host_key=hostile.host_key, identity_file="")
        )
        with pytest.raises(AuthenticationFailed):
            check_server(theirs, "factory")
    assert hostile.logins > 0
    assert hostile.passwords == []


def test_a_copied_id_and_the_very_account_find_nothing_with_another_host_key(
    secret_service: SecretService, session: Session, lab_server: LabServer, hostile: HostileServer
) -> None:
    mine = _add(session, lab_server)
    same = stored_credentials(session.workspace.id, mine)
    assert same.password is not None
    assert same.password.reveal() == PASSWORD
    for other in (
        replace(mine, host_key=hostile.host_key),
        replace(mine, host_key=""),
        replace(mine, host_key=mine.host_key.split()[0]),
        replace(mine, host_key=f"{mine.host_key.split()[0]} AAAA{mine.host_key.split()[1]}"),
        replace(mine, user="root"),
        replace(mine, host="elsewhere"),
        replace(mine, port=2222),
    ):
        assert stored_credentials(session.workspace.id, other).password is None
    assert stored_credentials("0" * 32, mine).password is None


def test_removing_and_adding_a_server_leave_another_workspaces_password_alone(
    secret_service: SecretService, session: Session, lab_server: LabServer, tmp_path: Path
) -> None:
    mine = _add(session, lab_server)
    with _workspace(tmp_path / "theirs") as theirs:
        same = _add(theirs, lab_server)
        assert stored_credentials(theirs.workspace.id, same).password is not None
        remove_server(theirs, "factory")
        assert stored_credentials(theirs.workspace.id, same).password is None
        kept = stored_credentials(session.workspace.id, mine).password
        assert kept is not None
        assert kept.reveal() == PASSWORD


def test_two_servers_of_one_account_keep_their_own(
    secret_service: SecretService, session: Session, lab_server: LabServer
) -> None:
    first, _second = _add(session, lab_server, "first"), _add(session, lab_server, "second")
    remove_server(session, "second")
    assert stored_credentials(session.workspace.id, first).password is not None


def test_a_secret_kept_by_an_earlier_version_is_not_sent_and_can_be_given_anew(
    secret_service: SecretService, session: Session, lab_server: LabServer
) -> None:
    server = _add(session, lab_server)
    remove_server(session, "factory")
    _written_by_another(session, server)
    keyring.set_password("Kronkers Studio", "server factory password", PASSWORD)
    with pytest.raises(AuthenticationFailed) as failure:
        check_server(session, "factory")
    assert "Tried: nothing" in failure.value.message
    assert "kronkers server login factory --ask-password" in failure.value.typed_step
    with pytest.raises(AuthenticationFailed):
        log_in_anew(session, "factory", password=Secret("wrong"))
    assert stored_credentials(session.workspace.id, server).password is None
    log_in_anew(session, "factory", password=Secret(PASSWORD))
    assert check_server(session, "factory").checks[0].verdict == "ok"


def test_without_a_keyring_the_variables_log_in_and_nothing_is_kept(
    session: Session, lab_server: LabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyUnavailable) as failure:
        _add(session, lab_server)
    assert "KRONKERS_SERVER_PASSWORD" in failure.value.next_step
    monkeypatch.setenv("KRONKERS_SERVER_PASSWORD", PASSWORD)
    _add(session, lab_server, password="")
    session.forget_connection("factory")
    assert check_server(session, "factory").checks[0].verdict == "ok"


def test_without_a_keyring_a_locked_key_is_opened_by_its_variable(
    session: Session, lab_server: LabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRONKERS_SERVER_KEY_PASSPHRASE", PASSPHRASE)
    address = f"ssh://analyst@{lab_server.host}"
    add_server(
        session,
        "factory",
        address,
        fingerprint=show_host_key(address).fingerprint,
        identity_file=lab_server.lab.key("locked"),
    )
    session.forget_connection("factory")
    assert check_server(session, "factory").checks[0].verdict == "ok"


def test_the_variables_password_goes_to_no_server_that_this_user_has_not_confirmed_here(
    session: Session, hostile: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRONKERS_SERVER_PASSWORD", PASSWORD)
    server = Server("factory", "127.0.0.1", hostile.port, "analyst", hostile.host_key)
    _written_by_another(session, server)
    with pytest.raises(AuthenticationFailed):
        check_server(session, "factory")
    with pytest.raises(HostKeyUnknown) as failure:
        log_in_anew(session, "factory")
    assert failure.value.fingerprint == host_key_fingerprint(hostile.host_key)
    assert hostile.passwords == []
    with pytest.raises(AuthenticationFailed):
        log_in_anew(session, "factory", fingerprints=[failure.value.fingerprint])
    assert hostile.passwords == [PASSWORD]  # now it was confirmed


def test_a_keyring_that_fails_midway_keeps_neither_server_nor_secret(
    secret_service: SecretService, session: Session, lab_server: LabServer
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # keyring leaves its connection open when it is locked
        secret_service.lock()
        with pytest.raises(KeyUnavailable):
            _add(session, lab_server)
        gc.collect()
    assert session.workspace.ledger.servers() == []
    secret_service.unlock()
    _add(session, lab_server)
    with pytest.raises(AlreadyExists):
        _add(session, lab_server)


def test_a_fingerprint_is_what_ssh_keygen_says(lab_server: LabServer) -> None:
    assert host_key_fingerprint(lab_server.host_key) == show_host_key(f"ssh://a@{lab_server.host}").fingerprint
    for nothing in ("", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 !!!", "ssh-ed25519 ä"):
        assert host_key_fingerprint(nothing) == ""


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("ada@factory", ("ada", "factory", 22)),
        ("ssh://ada@factory.example.com:2222", ("ada", "factory.example.com", 2222)),
        ("ssh://ada@factory/", ("ada", "factory", 22)),
        ("ssh://ada@[::1]:2222", ("ada", "::1", 2222)),
        ("ssh://ada@[fe80::1%eth0]", ("ada", "fe80::1%eth0", 22)),
        ("ssh://ada@company.com@factory", ("ada@company.com", "factory", 22)),
        ("ssh://COMPANY\\ada@10.0.0.1", ("COMPANY\\ada", "10.0.0.1", 22)),
        ("ssh://jürgen@müller.example", ("jürgen", "müller.example", 22)),
        ("ssh://svc-app_1$@factory", ("svc-app_1$", "factory", 22)),
    ],
)
def test_addresses_are_read(address: str, parts: tuple[str, str, int]) -> None:
    assert parse_address(address) == parts


@pytest.mark.parametrize(
    "address",
    [
        "ssh://u@ho st",
        "ssh://u@host/path",
        "ssh://u@host?x",
        "ssh://u@host#x",
        "ssh://u@host:0",
        "ssh://u@host:",
        "ssh://u@host:65536",
        "ssh://u@host:-1",
        "ssh://u@host:22x",
        "ssh://u@host:²2",
        "ssh://u@-oProxyCommand=touch",
        "-oProxyCommand=x@host",
        "ssh://-l@host",
        "ssh://u@host\n",
        "ssh://u@ho\tst",
        "ssh://u@ho\x00st",
        "ssh://u@ho\x1b[31mst",
        "ssh://u@host\u202e",
        "ssh://u:secret@host",
        "ssh://@host",
        "ssh://u@",
        "ssh://u@a..b",
        "ssh://u@" + "a" * 64,
        "ssh://u@[::1",
        "ssh://u@[nonsense]",
        "ssh://u@host;id",
        "ssh://u@$(id)",
        "ssh://u;id@host",
        "ssh://u%0a@host",
        "http://u@host",
        "file:///etc/passwd",
        "host",
        "",
    ],
)
def test_odd_addresses_are_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        parse_address(address)
