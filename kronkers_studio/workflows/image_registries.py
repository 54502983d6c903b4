"""The image registries that base images come from: how each is reached, and what its tags mean by now.

A registry's user name and CA file are settings of this user on this computer; its password is in the keyring, under the
name of the registry and the user, and goes to that registry alone. A computer without a keyring gives it by a variable,
which goes only to registries that this user has logged in to on it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import Cancelled, InvalidInput, KeyUnavailable, StudioError
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.settings.configuration import ImageRegistry, Settings, change_settings, load_settings
from kronkers_studio.settings.paths import from_home
from kronkers_studio.settings.secrets import Secret, delete_secret, get_secret, set_secret

if TYPE_CHECKING:
    from kronkers_studio.packaging.registries.registry_login import RegistryCredentials

PASSWORD_VARIABLE = "KRONKERS_REGISTRY_PASSWORD"  # noqa: S105  # its name


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How the image registry at ``host`` is reached: logged in as ``user`` ("" as anybody), and with the authorities in
    ``ca_file`` besides the usual ones ("" with these alone)."""

    host: str
    user: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class RefreshedBase:
    """What came of asking for ``image`` ("docker.io/library/python:3.11-slim") again: what it was, and what it is.

    ``problem`` says why it could not be asked for; it is then still what it was.
    """

    image: str
    platform: str
    before: str
    after: str
    changed: bool
    problem: str = ""


def list_registries(settings: Settings) -> list[RegistryAccess]:
    """The registries that something was chosen for, and the one that the base image of the settings comes from."""
    own = base_registry(settings)
    hosts = {found.host for found in settings.image_registries} | ({own} if own else set())
    return [_access(_chosen(settings, host)) for host in sorted(hosts, key=lambda host: (host != own, host))]


def base_registry(settings: Settings) -> str:
    """The registry that the base image of the settings comes from; "" when it comes from elsewhere, or has no name."""
    from kronkers_studio.packaging import BaseKind, parse_base, parse_reference

    try:
        kind, name = parse_base(settings.base_image, "3")
        return parse_reference(name).host.lower() if kind is BaseKind.REGISTRY else ""
    except InvalidInput:
        return ""


def registry_address(text: str) -> str:
    """The registry that ``text`` means, as images' names begin with it. Raises ``InvalidInput``."""
    from kronkers_studio.packaging import registry_host

    return registry_host(text)


def log_in_to_registry(
    host: str,
    user: str,
    password: Secret,
    *,
    ca_file: Path | None = None,
    kept: bool = True,
    cancel: CancelToken = NEVER,
) -> RegistryAccess:
    """Try the login at the registry; then use it for base images from now on.

    ``ca_file`` is trusted for it from now on, if it is given. The password goes into the keyring unless it is not to be
    ``kept``. Raises ``RegistryLoginRefused``, ``RegistryUntrusted``, ``BaseImageUnavailable``, ``InvalidInput``,
    ``KeyUnavailable``; then everything is as before.
    """
    from kronkers_studio.packaging import require_access
    from kronkers_studio.packaging.registries.registry_login import RegistryCredentials

    host, user = registry_address(host), user.strip()
    if not user or ":" in user or not password:
        raise InvalidInput(
            "A login is a user name without a colon, and a password.",
            next_step="Where a registry gives access tokens, the token is the password.",
        )
    before = _chosen(load_settings(), host)
    after = ImageRegistry(host=host, user=user, ca_file=_absolute(ca_file) or before.ca_file)
    require_access(host, credentials=RegistryCredentials(user, password), ca_file=after.ca_file, cancel=cancel)
    if kept:
        _keep_password(host, user, password)
    try:
        _keep(after)
    except InvalidInput:
        if kept and before.user != user:
            delete_secret(_name(host, user))
        raise
    if before.user and (before.user != user or not kept):  # it would go before what is given each time
        _forget_password(host, before.user)
    return _access(after)


def trust_registry(host: str, ca_file: Path | None, *, cancel: CancelToken = NEVER) -> RegistryAccess:
    """Trust the authorities in ``ca_file`` (PEM) for the registry from now on, once it is reached with them.

    None trusts the usual ones alone again.

    Raises ``RegistryUntrusted`` when they did not sign its certificate or the file is none, ``BaseImageUnavailable``.
    """
    from kronkers_studio.packaging import require_access

    host = registry_address(host)
    before = _chosen(load_settings(), host)
    after = ImageRegistry(host=host, user=before.user, ca_file=_absolute(ca_file))
    require_access(host, credentials=None, ca_file=after.ca_file, cancel=cancel)
    _keep(after)
    return _access(after)


def forget_registry(host: str) -> RegistryAccess:
    """Reach the registry as anybody does from now on: its login and its CA file are forgotten, and the password is
    removed from the keyring. What it was. Raises ``InvalidInput`` when nothing was chosen for it."""
    host = registry_address(host)
    before = _chosen(load_settings(), host)
    if before == ImageRegistry(host=host):
        raise InvalidInput(
            f"Neither a login nor a CA file is kept for {host}.",
            next_step="`kronkers image-registry list` shows what is kept.",
        )
    if before.user:
        _forget_password(host, before.user)
    _keep(ImageRegistry(host=host))
    return _access(before)


def access_to(host: str, settings: Settings) -> tuple[RegistryCredentials | None, Path | None]:
    """The login for the registry, if there is one, and its CA file, if it has one of its own.

    Raises ``KeyUnavailable`` when the password can neither be had from the keyring nor from the variable.
    """
    from kronkers_studio.packaging.registries.registry_login import RegistryCredentials

    found = _chosen(settings, host.lower())
    password = _password(found.host, found.user) if found.user else None
    return (RegistryCredentials(found.user, password) if password else None), found.ca_file


def environment_password() -> Secret | None:
    """What the variable ``KRONKERS_REGISTRY_PASSWORD`` gives."""
    text = os.environ.get(PASSWORD_VARIABLE)
    return Secret(text) if text else None


def refresh_base_images(
    settings: Settings, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> list[RefreshedBase]:
    """Ask the registries whether the base images that are kept here mean other ones by now, and get those.

    Packages that are built from then on stand on them; those built before stay as they are. What one registry refuses
    is said in its line; when none gives anything, the first reason is raised. Raises ``InvalidInput`` when the studio
    is set to work offline, ``Cancelled``.
    """
    from kronkers_studio.packaging import base_from_registry, kept_from_registries, users_layer_cache

    if settings.offline:
        raise InvalidInput(
            "The studio is set to work offline.", next_step="Turn “Work offline” off in the settings, then try again."
        )
    cache = users_layer_cache()
    found: list[RefreshedBase] = []
    problems: list[StudioError] = []
    for image, base in kept_from_registries(cache):
        platform, before = base.platform, base.reference
        same = RefreshedBase(str(image), platform, before, before, changed=False)
        try:
            credentials, ca_file = access_to(image.host, settings)
            after = base_from_registry(
                str(image),
                platform,
                cache,
                credentials=credentials,
                ca_file=ca_file,
                refresh=True,
                progress=progress,
                cancel=cancel,
            ).reference
        except Cancelled:
            raise
        except StudioError as problem:
            problems.append(problem)
            found.append(replace(same, problem=f"{problem.message} {problem.next_step}"))
        else:
            found.append(replace(same, after=after, changed=after != before))
    if problems and len(problems) == len(found):
        raise problems[0]
    return found


def _chosen(settings: Settings, host: str) -> ImageRegistry:
    """What was chosen for ``host``; nothing at all by default."""
    return next((found for found in settings.image_registries if found.host == host), ImageRegistry(host=host))


def _access(found: ImageRegistry) -> RegistryAccess:
    return RegistryAccess(found.host, found.user, str(found.ca_file) if found.ca_file else "")


def _absolute(file: Path | None) -> Path | None:
    return from_home(file).absolute() if file is not None else None


def _keep(chosen: ImageRegistry) -> None:
    """Keep what was chosen for a registry in the settings; it is not named there when that is nothing."""
    others = [found for found in load_settings().image_registries if found.host != chosen.host]
    kept = [*others, chosen] if chosen != ImageRegistry(host=chosen.host) else others
    change_settings(image_registries=tuple(kept))


def _password(host: str, user: str) -> Secret | None:
    try:
        return get_secret(_name(host, user)) or environment_password()
    except KeyUnavailable as problem:
        given = environment_password()
        if given is None:
            problem.next_step = f"Give the password for {host} as {PASSWORD_VARIABLE}, or unlock the keyring."
            raise
        return given


def _keep_password(host: str, user: str, password: Secret) -> None:
    try:
        set_secret(_name(host, user), password)
    except KeyUnavailable as problem:
        problem.next_step = f"Give the password each time as {PASSWORD_VARIABLE}, or unlock the keyring."
        raise


def _forget_password(host: str, user: str) -> None:
    try:
        delete_secret(_name(host, user))
    except KeyUnavailable:  # it is not used any more: the settings no longer name its user
        return


def _name(host: str, user: str) -> str:
    return f"image registry {host}, user {user}"
