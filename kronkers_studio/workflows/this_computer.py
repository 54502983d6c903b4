"""What this computer keeps a model from, and starting again at each log-in what ran here: off until a person wants
it."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from kronkers_studio.domain.errors import Refused
from kronkers_studio.workflows.session import Session

_LETTERS = 12


def not_prevented() -> tuple[str, ...]:
    """What this computer cannot keep a model that runs on it from, as sentences; empty when it keeps it from all."""
    from kronkers_studio.confinement import means_here

    return means_here().missing


def autostart_enabled(session: Session) -> bool:
    """Whether what ran on this computer is started again at log-in."""
    from kronkers_studio.deployment.autostart import is_autostart_set

    return is_autostart_set(_name(session))


def enable_autostart(session: Session) -> None:
    """Start it again at each log-in. Raises ``Refused`` when the workspace does not open by itself: somebody would
    have to type its passphrase; ``AutostartUnavailable``."""
    from kronkers_studio.deployment.autostart import set_autostart

    if not any(slot.kind in ("keyring", "key-file") for slot in session.workspace.keys.slots()):
        raise Refused(
            "This workspace opens only when somebody types its passphrase, so nothing in it can start by itself.",
            next_step="Add the keyring or a key file first: `kronkers key add`.",
        )
    command = [*_program(), "start", "--all", "--workspace", str(session.directory)]
    set_autostart(_name(session), "Kronkers Studio: models on this computer", command)


def disable_autostart(session: Session) -> None:
    """Start nothing at log-in. Raises ``AutostartUnavailable``."""
    from kronkers_studio.deployment.autostart import clear_autostart

    clear_autostart(_name(session))


def _name(session: Session) -> str:
    """The workspace's entry: its folder decides, so that a copy of the workspace has its own."""
    return "start-" + hashlib.sha256(str(session.directory).encode("utf-8", "surrogateescape")).hexdigest()[:_LETTERS]


def _program() -> list[str]:
    """How the command line is started, by this installation."""
    if getattr(sys, "frozen", False):
        program = Path(sys.executable)
        return [str(program.with_name("kronkers" + program.suffix))]
    return [sys.executable, "-P", "-c", "from kronkers_studio.app import command; command()"]
