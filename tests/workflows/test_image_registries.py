"""Logging in to image registries and trusting their own authorities: a real registry, a real keyring, real files."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest

from kronkers_studio import packaging
from kronkers_studio.domain.errors import (
    BaseImageUnavailable,
    InvalidInput,
    KeyUnavailable,
    RegistryLoginRefused,
    RegistryUntrusted,
)
from kronkers_studio.packaging import base_from_registry, parse_reference, registry_host, users_layer_cache
from kronkers_studio.settings.configuration import change_settings, load_settings
from kronkers_studio.settings.paths import settings_file
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.image_registries import (
    PASSWORD_VARIABLE,
    RegistryAccess,
    access_to,
    forget_registry,
    list_registries,
    log_in_to_registry,
    refresh_base_images,
    trust_registry,
)
from tests.lab.secret_service import SecretService
from tests.packaging.image_files import SmallImage, tar_of
from tests.packaging.registry_servers import Registry, debian_registry, make_certificate, own_registry, push

USER, PASSWORD = "svc", "correct horse €"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def real_registry(certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[str]:
    """Debian's, which lets only ``USER`` in."""
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed")
    (tmp_path / "registry").mkdir()
    with debian_registry(tmp_path / "registry", *certificate, login=(USER, PASSWORD)) as host:
        yield host


@pytest.fixture
def registry(certificate: tuple[Path, Path]) -> Iterator[Registry]:
    with own_registry(*certificate) as running:
        yield running


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def kept(host: str, user: str = USER) -> str | None:
    """The password in the keyring."""
    return keyring.get_password("Kronkers Studio", f"image registry {host}, user {user}")


@pytest.mark.lab
def test_a_login_is_tried_and_then_kept_in_the_keyring_alone(
    secret_service: SecretService, real_registry: str, certificate: tuple[Path, Path]
) -> None:
    access = log_in_to_registry(f"https://{real_registry}/", USER, Secret(PASSWORD), ca_file=certificate[0])

    assert access == RegistryAccess(real_registry, USER, str(certificate[0]))
    assert kept(real_registry) == PASSWORD
    assert PASSWORD not in settings_file().read_text(encoding="utf-8")
    credentials, ca_file = access_to(real_registry, load_settings())
    assert credentials is not None
    assert (credentials.user, credentials.password.reveal(), ca_file) == (USER, PASSWORD, certificate[0])
    assert PASSWORD not in repr(credentials)


@pytest.mark.lab
def test_a_wrong_password_changes_nothing_and_is_not_told(
    secret_service: SecretService,
    real_registry: str,
    certificate: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    log_in_to_registry(real_registry, USER, Secret(PASSWORD), ca_file=certificate[0])
    before = load_settings().image_registries

    for user in (USER, "somebody"):
        with pytest.raises(RegistryLoginRefused, match=f"does not accept the password of “{user}”") as refused:
            log_in_to_registry(real_registry, user, Secret("hunter2 and more"))
        assert "hunter2" not in f"{refused.value} {refused.value.details} {refused.value!r}"
        assert refused.value.image_registry == real_registry

    assert load_settings().image_registries == before
    assert (kept(real_registry), kept(real_registry, "somebody")) == (PASSWORD, None)
    assert "hunter2" not in caplog.text


@pytest.mark.lab
def test_a_certificate_is_not_trusted_without_its_own_authority(
    secret_service: SecretService, real_registry: str, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")[0]
    not_pem = tmp_path / "no.pem"
    not_pem.write_text("no certificate", encoding="utf-8")
    for file, said in (
        (None, "is not trusted"),
        (other, "is not trusted"),
        (tmp_path / "gone.pem", "cannot be read"),
        (not_pem, "holds no certificate"),
    ):
        with pytest.raises(RegistryUntrusted, match=said):
            log_in_to_registry(real_registry, USER, Secret(PASSWORD), ca_file=file)
        if file is not None:
            with pytest.raises(RegistryUntrusted, match=said):
                trust_registry(real_registry, file)
    assert load_settings().image_registries == ()
    assert kept(real_registry) is None

    assert trust_registry(real_registry, certificate[0]) == RegistryAccess(real_registry, "", str(certificate[0]))
    log_in_to_registry(real_registry, USER, Secret(PASSWORD))  # the CA file is remembered
    assert list_registries(load_settings())[1:] == [RegistryAccess(real_registry, USER, str(certificate[0]))]


def test_a_redirect_to_another_host_does_not_get_the_password(
    registry: Registry, certificate: tuple[Path, Path]
) -> None:
    elsewhere = f"https://127.0.0.1:{registry.port}/elsewhere"
    asks = {"WWW-Authenticate": 'Basic realm="here"'}
    registry.answers["/v2/"] = lambda headers: (
        (307, {"Location": elsewhere}, b"") if headers.get("Authorization") else (401, asks, b"")
    )
    registry.answers["/elsewhere"] = (200, {}, b"{}")

    log_in_to_registry(registry.host, USER, Secret(PASSWORD), ca_file=certificate[0], kept=False)

    seen = dict(registry.requests)
    assert "Authorization" in seen["/v2/"]
    assert "Authorization" not in seen["/elsewhere"]


def test_a_token_server_elsewhere_does_not_get_the_password(registry: Registry, certificate: tuple[Path, Path]) -> None:
    realm = f"https://127.0.0.1:{registry.port}/token"
    registry.answers["/v2/"] = (401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}, b"")
    registry.answers["/token"] = (200, {}, b'{"token": "for anybody"}')

    with pytest.raises(RegistryLoginRefused):
        log_in_to_registry(registry.host, USER, Secret(PASSWORD), ca_file=certificate[0], kept=False)

    assert "/token" in dict(registry.requests)
    assert all("Basic" not in headers.get("Authorization", "") for _path, headers in registry.requests)
    assert load_settings().image_registries == ()


def test_a_token_server_is_asked_with_the_login(registry: Registry, certificate: tuple[Path, Path]) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="https://{registry.host}/token",service="here"'}
    registry.answers["/v2/"] = lambda headers: (
        (200, {}, b"{}") if headers.get("Authorization") == "Bearer t" else (401, challenge, b"")
    )
    registry.answers["/token?service=here"] = lambda headers: (
        (200, {}, b'{"token": "t"}') if headers.get("Authorization", "").startswith("Basic ") else (401, {}, b"")
    )

    assert log_in_to_registry(registry.host, USER, Secret("x"), ca_file=certificate[0], kept=False).user == USER


def test_what_is_no_registry_is_told(registry: Registry, certificate: tuple[Path, Path]) -> None:
    with pytest.raises(BaseImageUnavailable, match="not as an image registry does"):
        trust_registry(registry.host, certificate[0])
    for host in ("", "a/b", "http://here", "anna:secret@here", "-", "here:port"):
        with pytest.raises(InvalidInput, match="is not the address of an image registry"):
            trust_registry(host, certificate[0])
    for user, password in (("", "x"), ("a:b", "x"), ("anna", "")):
        with pytest.raises(InvalidInput, match="A login is a user name without a colon, and a password"):
            log_in_to_registry(registry.host, user, Secret(password), ca_file=certificate[0])


@pytest.mark.parametrize("host", ["harbor", "HARBOR", "https://harbor/", " harbor ", "a" * 300])
def test_a_name_alone_is_not_taken_for_the_usual_registry(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image "harbor/team/base" is one of docker.io, by everybody's rules. Seen to fail with the password for the
    company's own registry sent to docker.io."""
    monkeypatch.setattr(packaging, "require_access", lambda *_, **__: pytest.fail("somebody was asked"))
    verbs: list[Callable[[], object]] = [
        lambda: log_in_to_registry(host, USER, Secret(PASSWORD)),
        lambda: trust_registry(host, None),
        lambda: forget_registry(host),
    ]
    for verb in verbs:
        with pytest.raises(InvalidInput, match=r"is one of docker\.io") as refused:
            verb()
        assert ":443" in refused.value.next_step


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("Docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("localhost", "localhost"),
        ("harbor:443", "harbor:443"),
        ("https://Harbor.example.org/", "harbor.example.org"),
        ("[::1]:5000", "[::1]:5000"),
        ("[FE80::1]", "[fe80::1]"),
        ("10.0.0.9:5000", "10.0.0.9:5000"),
    ],
)
def test_a_registry_is_told_by_its_address(host: str, meant: str) -> None:
    assert registry_host(host) == meant
    assert parse_reference(f"{meant}/team/base:1").host == meant


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_ca_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """As a shell's `--ca-file <(cat a b)` gives it. Seen to fail with the pipe opened."""
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(RegistryUntrusted, match="cannot be read: it is not a file"):
            trust_registry("localhost:9", file)


@pytest.mark.lab
def test_a_registry_can_be_forgotten_with_its_password(
    secret_service: SecretService, real_registry: str, certificate: tuple[Path, Path]
) -> None:
    log_in_to_registry(real_registry, USER, Secret(PASSWORD), ca_file=certificate[0])

    assert forget_registry(real_registry) == RegistryAccess(real_registry, USER, str(certificate[0]))

    assert load_settings().image_registries == ()
    assert kept(real_registry) is None
    with pytest.raises(InvalidInput, match="Neither a login nor a CA file"):
        forget_registry(real_registry)


def test_without_a_keyring_the_variable_logs_in_and_nothing_is_kept(
    registry: Registry, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.answers["/v2/"] = (200, {}, b"{}")
    with pytest.raises(KeyUnavailable) as refused:
        log_in_to_registry(registry.host, USER, Secret(PASSWORD), ca_file=certificate[0])
    assert PASSWORD_VARIABLE in refused.value.next_step
    assert load_settings().image_registries == ()

    log_in_to_registry(registry.host, USER, Secret(PASSWORD), ca_file=certificate[0], kept=False)

    with pytest.raises(KeyUnavailable, match=PASSWORD_VARIABLE):
        access_to(registry.host, load_settings())
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    credentials, _ = access_to(registry.host.upper(), load_settings())
    assert credentials is not None
    assert credentials.password.reveal() == PASSWORD
    assert access_to("registry.example.org", load_settings()) == (None, None)  # it was not logged in to here


@pytest.mark.lab
def test_another_user_takes_the_place_of_the_one_before(
    secret_service: SecretService, registry: Registry, certificate: tuple[Path, Path]
) -> None:
    registry.answers["/v2/"] = (200, {}, b"{}")
    log_in_to_registry(registry.host, "anna", Secret("a"), ca_file=certificate[0])
    log_in_to_registry(registry.host, "bert", Secret("b"))

    assert (kept(registry.host, "anna"), kept(registry.host, "bert")) == (None, "b")
    assert list_registries(load_settings())[1:] == [RegistryAccess(registry.host, "bert", str(certificate[0]))]


@pytest.mark.lab
def test_a_password_that_is_given_each_time_takes_the_place_of_the_kept_one(
    secret_service: SecretService,
    registry: Registry,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry.answers["/v2/"] = (200, {}, b"{}")
    log_in_to_registry(registry.host, USER, Secret("old"), ca_file=certificate[0])
    log_in_to_registry(registry.host, USER, Secret("new"), kept=False)
    monkeypatch.setenv(PASSWORD_VARIABLE, "new")

    credentials, _ = access_to(registry.host, load_settings())

    assert credentials is not None
    assert credentials.password.reveal() == "new"


@pytest.mark.parametrize(
    ("base", "first"),
    [
        ("docker.io/library/python:{python}-slim", "docker.io"),
        ("Registry.example.org:5000/team/python:3", "registry.example.org:5000"),
        ("engine:python", ""),
        ("/tmp/base.tar", ""),
        ("no image at all", ""),
    ],
)
def test_the_registry_of_the_base_image_is_listed_first(base: str, first: str) -> None:
    change_settings(base_image=base, image_registries=[{"host": "a.example.org", "user": "anna"}])

    found = [each.host for each in list_registries(load_settings())]

    assert found == ([first, "a.example.org"] if first else ["a.example.org"])


@pytest.mark.lab
def test_refreshing_gets_what_a_tag_means_by_now(
    secret_service: SecretService, real_registry: str, certificate: tuple[Path, Path], own_cache: None
) -> None:
    old, new = (SmallImage(layers=[tar_of({"bin/python3": data})]) for data in (b"1", b"2"))
    login = (USER, PASSWORD.encode())
    log_in_to_registry(real_registry, USER, Secret(PASSWORD), ca_file=certificate[0])
    credentials, ca_file = access_to(real_registry, load_settings())
    for tag in ("1", "2"):
        push(real_registry, "team/base", tag, [old], str(certificate[0]), login)
        base_from_registry(
            f"{real_registry}/team/base:{tag}",
            "linux/amd64",
            users_layer_cache(),
            credentials=credentials,
            ca_file=ca_file,
        )
    push(real_registry, "team/base", "1", [new], str(certificate[0]), login)

    moved, same = refresh_base_images(load_settings())

    assert (moved.image, moved.platform, moved.changed) == (f"{real_registry}/team/base:1", "linux/amd64", True)
    assert (same.image, same.changed, same.before) == (f"{real_registry}/team/base:2", False, moved.before)
    now = base_from_registry(f"{real_registry}/team/base:1", "linux/amd64", users_layer_cache())
    assert now.reference == moved.after != moved.before


def test_a_refresh_tells_which_registry_refused(
    registry: Registry, certificate: tuple[Path, Path], own_cache: None
) -> None:
    image = SmallImage(layers=[tar_of({"bin/python3": b"1"})])
    for tag in ("1", "2"):
        registry.serve(image, tag=tag)
        reference = f"{registry.host}/team/base:{tag}"
        base_from_registry(reference, "linux/amd64", users_layer_cache(), ca_file=certificate[0])
    change_settings(image_registries=[{"host": registry.host, "ca_file": str(certificate[0])}])
    del registry.answers["/v2/team/base/manifests/2"]

    first, second = refresh_base_images(load_settings())

    assert (first.problem, second.changed) == ("", False)
    assert "has no image team/base:2" in second.problem
    del registry.answers["/v2/team/base/manifests/1"]
    with pytest.raises(BaseImageUnavailable, match="has no image team/base:1"):
        refresh_base_images(load_settings())
    with pytest.raises(InvalidInput, match="set to work offline"):
        refresh_base_images(change_settings(offline=True))
