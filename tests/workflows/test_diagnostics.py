"""What is handed to those who help holds nothing that is nobody else's business."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kronkers_studio.deployment.proof import token
from kronkers_studio.domain.changes import ModelRegistered, ReleaseRecorded, ServerAdded
from kronkers_studio.domain.errors import AlreadyExists, FileUnwritable, InvalidInput, SourceUnavailable, WrongKey
from kronkers_studio.domain.models import ContentRef, Framework, ModelFacts, ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.configuration import ImageRegistry, change_settings, load_settings
from kronkers_studio.settings.logs import log_failure
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.storage.recovery_key import new_recovery_key
from kronkers_studio.workflows.browsing import show_commit
from kronkers_studio.workflows.diagnostics import Part, collect_diagnostics, write_diagnostics
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace

_PASSPHRASE = "correct horse battery"
_SSH_PASSWORD, _KEY_PASSPHRASE = "ssh-pass-77", "key pass phrase 88"
_REGISTRY_PASSWORD = "regi-stry-99"
_NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("logged")


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A workspace with something of everything that has a name or a secret, and a log that knew all of them."""
    monkeypatch.setenv("KRONKERS_SERVER_PASSWORD", _SSH_PASSWORD)
    monkeypatch.setenv("KRONKERS_SERVER_KEY_PASSPHRASE", _KEY_PASSPHRASE)
    folder = tmp_path / "OneDrive - Nordwind" / "Payroll 2026"
    folder.mkdir(parents=True)
    (folder / "salaries of all.csv").write_text("name,pay\nAda Lovelace,3600\n", encoding="utf-8")
    change_settings(author="Grace Hopper", image_registries=(ImageRegistry(host="harbor.corp.example", user="svc-kr"),))
    made, _ = create_workspace(tmp_path / "workspace", passphrase=Secret(_PASSPHRASE), key_file=tmp_path / "key")
    with made as session:
        migrate_folder(session, folder)
        server = Server(
            "factory-7", "hall3.corp.example", 2222, "deployer", "ssh-ed25519 AAAA", "/home/ada/.ssh/id_hall3"
        )
        session.workspace.ledger.record(ServerAdded(server), author="Grace Hopper")
        version = ModelVersion(
            "churn-score",
            1,
            ContentRef("Payroll 2026", show_commit(session, "Payroll 2026").id, "salaries of all.csv"),
            ModelFacts(Framework.SKLEARN, "1.9.1", "joblib"),
            _NOW,
            "Grace Hopper",
        )
        session.workspace.ledger.record(ModelRegistered(version), author="Grace Hopper")
        release = Release(
            "churn-score", THIS_COMPUTER, 1, 1, "sha256:0", ReleaseState.LIVE, _NOW, _NOW, "Grace Hopper",
            endpoint={"port": 1, "nonce": "11" * 16},
        )  # fmt: skip
        session.workspace.ledger.record(ReleaseRecorded(release), author="Grace Hopper")
        session.workspace.ledger.record(
            ReleaseRecorded(replace(release, place="factory-7", number=2)), author="Grace Hopper"
        )
        yield session


def _secrets(session: Session) -> dict[str, str]:
    """One of each kind that the product knows."""
    (release, *_) = session.workspace.ledger.releases("churn-score", THIS_COMPUTER)
    service = session.release_secret(release)
    return {
        "the workspace's passphrase": _PASSPHRASE,
        "a recovery key": new_recovery_key()[1],
        "what the keyring holds of the workspace": os.urandom(32).hex(),
        "a server's password": _SSH_PASSWORD,
        "a key's passphrase": _KEY_PASSPHRASE,
        "a registry's password": _REGISTRY_PASSWORD,
        "a service's secret": service.hex(),
        "a service's key": token(service),
        "a private key": "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ",
    }


_NAMES = (
    *("Grace Hopper", "harbor.corp.example", "svc-kr", "factory-7", "hall3.corp.example", "deployer", "id_hall3"),
    *("Payroll", "Nordwind", "salaries", "churn-score", "Ada", "Lovelace", "3600"),
)


def _plant(session: Session, secrets: dict[str, str]) -> None:
    """Have the log told of each, in the ways in which programs tell."""
    log = logging.getLogger("kronkers_studio.somewhere")
    log.warning("opened with passphrase=%s", secrets["the workspace's passphrase"])
    log.warning("typed %s", secrets["a recovery key"])
    log.warning("the keyring gave %s", secrets["what the keyring holds of the workspace"])
    log.warning("sshpass -p: password: %s for deployer@hall3.corp.example", secrets["a server's password"])
    log.warning("key of /home/ada/.ssh/id_hall3", extra={"details": f"passphrase='{_KEY_PASSPHRASE}'"})
    log.warning("GET https://svc-kr:%s@harbor.corp.example/v2/ 401", secrets["a registry's password"])
    log.warning("secret %s", secrets["a service's secret"])
    log.warning("POST 127.0.0.1:41234/predict Authorization: Bearer %s", secrets["a service's key"])
    pem = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{secrets['a private key']}\n-----END OPENSSH PRIVATE KEY-----"
    log.warning("read", extra={"details": pem})
    folder = session.directory.parent / "OneDrive - Nordwind" / "Payroll 2026"
    log_failure("Bringing in “Payroll 2026”", SourceUnavailable(f"There is no folder {folder}."))
    log_failure("Looking", SourceUnavailable(f"{folder / 'salaries of all.csv'} cannot be read."))
    log.warning("churn-score r2 on factory-7 does not answer: hall3.corp.example refused")
    try:
        float(_cell())
    except ValueError as bug:
        logging.getLogger("kronkers_studio").error("unexpected error", exc_info=bug)


def _cell() -> str:
    return "Ada Lovelace"


def test_no_secret_of_any_kind_is_in_the_diagnostics_nor_in_the_log_itself(session: Session, tmp_path: Path) -> None:
    """Seen to fail with ``redacted`` giving its text back."""
    secrets = _secrets(session)
    held = [Secret(_PASSPHRASE)]
    _plant(session, secrets)
    for names in (False, True):
        file = write_diagnostics(collect_diagnostics(load_settings(), session, names=names), tmp_path / f"{names}.zip")
        text = _all_text(file)
        assert {kind for kind, secret in secrets.items() if secret in text} == set()
    from kronkers_studio.settings.logs import log_file

    logged = log_file().read_text(encoding="utf-8")
    assert {kind for kind, secret in secrets.items() if secret in logged} == set()
    assert held
    with log_file().open("a", encoding="utf-8") as stream:  # such as an earlier version may have written
        stream.writelines(f"password={_REGISTRY_PASSWORD} {secret}\n" for secret in secrets.values())
    text = _all_text(write_diagnostics(collect_diagnostics(load_settings(), session), tmp_path / "again.zip"))
    assert {kind for kind, secret in secrets.items() if secret in text} == {"a registry's password"}, (
        "unnamed, it is a word"
    )


def test_no_name_is_in_the_diagnostics_unless_it_is_wanted(session: Session, tmp_path: Path) -> None:
    """Seen to fail with the mask left out."""
    _plant(session, _secrets(session))
    masked = _all_text(write_diagnostics(collect_diagnostics(load_settings(), session), tmp_path / "a.zip"))
    assert [name for name in _NAMES if name.lower() in masked.lower()] == []
    assert str(Path.home()) not in masked
    assert str(tmp_path) not in masked
    named = _all_text(write_diagnostics(collect_diagnostics(load_settings(), session, names=True), tmp_path / "b.zip"))
    assert [name for name in _NAMES if name not in named] == ["Ada", "Lovelace", "3600"], "no row, even then"


def test_it_has_what_is_needed_to_help(session: Session) -> None:
    parts = {part.name: part.text for part in collect_diagnostics(load_settings(), session)}
    figures = json.loads(parts["workspace.json"])
    assert (figures["projects"], figures["files"], figures["servers"]) == (1, 1, 1)
    assert figures["releases_by_state"] == {"live": 2}
    assert figures["bytes"]["packs"] > 0
    assert json.loads(parts["versions.json"])["libraries"]["cryptography"]
    assert json.loads(parts["computer.json"])["processors"] == os.cpu_count()
    assert json.loads(parts["settings.json"])["scrape_seconds"] == 2.0
    assert "KRONKERS_SERVER_PASSWORD" in json.loads(parts["computer.json"])["variables_set"]
    assert all(name in parts["README.txt"] for name in parts if name != "README.txt")


def test_without_a_workspace_it_says_why(session: Session) -> None:
    parts = {part.name: part.text for part in collect_diagnostics(load_settings(), why_closed="It is locked.")}
    assert json.loads(parts["workspace.json"]) == {"open": False, "why": "It is locked."}


def test_a_file_is_there_whole_or_not_at_all_and_for_its_owner_only(tmp_path: Path) -> None:
    parts = [Part("a.txt", "It is a.", "ä")]
    file = write_diagnostics(parts, tmp_path / "d.zip")
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(AlreadyExists):
        write_diagnostics([], file)
    assert file.read_bytes() == before
    write_diagnostics([Part("b.txt", "", "")], file, overwrite=True)
    assert zipfile.ZipFile(file).namelist() == ["b.txt"]
    with pytest.raises(InvalidInput):
        write_diagnostics(parts, tmp_path / "d.txt")
    with pytest.raises(FileUnwritable):
        write_diagnostics(parts, tmp_path / "none" / "d.zip")
    assert [each.name for each in tmp_path.iterdir()] == ["d.zip"]


def test_the_command_lists_what_is_in_it_and_works_where_the_workspace_does_not_open(
    session: Session, tmp_path: Path
) -> None:
    session.close()
    (tmp_path / "key").unlink()
    file = tmp_path / "d.zip"
    command = [sys.executable, "-c", "from kronkers_studio.app import command; command()", "diagnostics", str(file)]
    environment = os.environ | {"KRONKERS_WORKSPACE": str(session.directory)}

    def run(option: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, option], env=environment, capture_output=True, text=True, check=True, timeout=60
        )

    ran = run("--dry-run")
    assert "log.txt" in ran.stdout and "Nothing was written." in ran.stdout
    assert not file.exists()
    ran = run("--json")
    assert json.loads(ran.stdout)["file"] == str(file)
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("workspace.json"))["open"] is False
        assert "without its figures" in ran.stderr
    with pytest.raises(WrongKey):
        open_workspace(session.directory, passphrase=Secret("wrong"))


def _all_text(file: Path) -> str:
    with zipfile.ZipFile(file) as archive:
        return "\n".join(archive.read(name).decode("utf-8") for name in archive.namelist())
