"""Which workspace is meant, and by which key it opens, where neither is typed: settings and environment say it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

from kronkers_studio.domain.errors import KeyUnavailable, WorkspaceError
from kronkers_studio.settings.secrets import Secret

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

Opened = TypeVar("Opened")
HOW_TO_GIVE_A_KEY = "Give it as KRONKERS_PASSPHRASE, KRONKERS_KEY_FILE or KRONKERS_RECOVERY_KEY."


class Key(TypedDict, total=False):
    """One or more ways of opening a workspace; without any, what is known of it on this computer is tried."""

    passphrase: Secret | None
    recovery_key: Secret | None
    key_file: Path | None


def chosen_workspace() -> Path:
    """The workspace that ``KRONKERS_WORKSPACE`` or the settings name, else the platform's own."""
    from kronkers_studio.settings.configuration import load_settings

    folder = load_settings().workspace
    try:
        return folder.expanduser()
    except RuntimeError:
        raise WorkspaceError(
            "This account has no home folder to look for a workspace in.",
            next_step="Name one with --workspace DIR.",
        ) from None


def environment_passphrase() -> Secret | None:
    text = os.environ.get("KRONKERS_PASSPHRASE", "")
    return Secret(text) if text else None


def with_environment_key(open_: Callable[[Key], Opened]) -> Opened:
    """What ``open_`` gives with the passphrase and the key file that the environment names, else with the recovery key
    from there. Raises ``KeyUnavailable``, which says how a key is given, and what ``open_`` does."""
    key_file = os.environ.get("KRONKERS_KEY_FILE")
    try:
        return open_(Key(passphrase=environment_passphrase(), key_file=Path(key_file) if key_file else None))
    except KeyUnavailable:
        recovery_key = os.environ.get("KRONKERS_RECOVERY_KEY")
        if not recovery_key:
            raise
    return open_(Key(recovery_key=Secret(recovery_key)))


def open_chosen(
    folder: str | os.PathLike[str] | None = None,
    *,
    passphrase: str | Callable[[], str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
) -> Session:
    """Open ``folder``, else the chosen workspace, with what is given, else as the environment or the keyring say.

    ``passphrase`` may be a function, which is asked only where nothing else opens it. Raises as ``open_workspace``.
    """
    from kronkers_studio.workflows.session import open_workspace

    directory = chosen_workspace() if folder is None else Path(folder)
    if isinstance(passphrase, str) or key_file is not None:
        secret = Secret(passphrase) if isinstance(passphrase, str) else None
        return open_workspace(directory, passphrase=secret, key_file=Path(key_file) if key_file is not None else None)
    try:
        return with_environment_key(lambda key: open_workspace(directory, **key))
    except KeyUnavailable as problem:
        if passphrase is None:
            problem.next_step = f"{problem.next_step} {HOW_TO_GIVE_A_KEY}".strip()
            raise
    return open_workspace(directory, passphrase=Secret(passphrase()))
