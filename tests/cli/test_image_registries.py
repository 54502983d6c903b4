"""The commands for image registries, as a script and as a person use them, with a registry over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from tests.cli.shell import ProcessShell, Shell
from tests.lab.secret_service import SecretService
from tests.packaging.registry_servers import Registry, let_svc_in, make_certificate, own_registry


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def registry(certificate: tuple[Path, Path]) -> Iterator[Registry]:
    with own_registry(*certificate) as running:
        let_svc_in(running)
        yield running


def test_a_password_comes_on_standard_input_and_goes_to_the_keyring(
    tmp_path: Path, secret_service: SecretService, registry: Registry, certificate: tuple[Path, Path]
) -> None:
    shell = ProcessShell(tmp_path)
    shell.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.SecretService.Keyring"
    host, ca_file = registry.host, str(certificate[0])
    login = ("image-registry", "login", host, "--user", "svc", "--password-stdin")

    assert "certificate" in shell.json(*login, given="correct horse\n", expect=1)["error"]["message"]
    refused = shell.run(*login, "--ca-file", ca_file, given="hunter2\n", expect=1)
    assert f"{host} does not accept the password of “svc”." in refused.err
    assert f"`kronkers image-registry login {host} --user NAME`" in refused.err
    assert "hunter2" not in refused.err
    done = shell.json(*login, "--ca-file", ca_file, given="correct horse\n")

    assert done == {"host": host, "user": "svc", "ca_file": ca_file}
    assert keyring.get_password("Kronkers Studio", f"image registry {host}, user svc") == "correct horse"
    assert shell.json("image-registry", "list")[1:] == [done]
    assert shell.json("image-registry", "forget", host) == {"forgotten": done}
    assert keyring.get_password("Kronkers Studio", f"image registry {host}, user svc") is None
    assert "Neither a login nor a CA file" in shell.run("image-registry", "forget", host, expect=2).err


def test_a_script_without_a_keyring_gives_the_password_by_a_variable(
    tmp_path: Path, registry: Registry, certificate: tuple[Path, Path]
) -> None:
    shell, host = Shell(tmp_path), registry.host
    shell.run("image-registry", "trust", host, "--ca-file", str(certificate[0]))
    login = ("image-registry", "login", host, "--user", "svc")
    assert "KRONKERS_REGISTRY_PASSWORD" in shell.run(*login, expect=1).err  # nobody can be asked
    assert "holds no password" in shell.run(*login, "--password-stdin", expect=2).err
    assert "holds no password" in shell.run(*login, "--password-stdin", given="a\nb\n", expect=2).err

    shell.environment["KRONKERS_REGISTRY_PASSWORD"] = "correct horse"
    said = shell.run(*login).out

    assert f"Logged in to {host} as svc" in said
    assert str(certificate[0]) in said
    assert "svc" in shell.run("image-registry", "list").out


def test_nothing_is_refreshed_where_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shell = Shell(tmp_path)

    assert shell.json("image-registry", "refresh") == []
    assert "No base image of a registry is kept here" in shell.run("image-registry", "refresh").out


def test_who_gets_the_password_is_told_before_it_is_asked_for(tmp_path: Path) -> None:
    """Seen to fail with the registry asked for as it was typed."""
    shell = Shell(tmp_path)
    login = ("image-registry", "login")
    assert "is one of docker.io" in shell.run(*login, "harbor", "--user", "svc", expect=2).err
    asked = shell.run(*login, "Index.Docker.io", "--user", "svc", expect=1).err
    assert asked.startswith("Password of svc at docker.io: it is needed")
