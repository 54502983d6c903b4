"""What can be done about an error in this window, where the command line names a command."""

from __future__ import annotations

from collections.abc import Callable

from kronkers_studio.desktop.destinations import AllowCode, CleanServer, LogIn, ReachImageRegistry, TakeLockAway
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import (
    AuthenticationFailed,
    CodeNotAllowed,
    RegistryLoginRefused,
    RegistryUntrusted,
    ServerBusy,
    ServerFull,
    StudioError,
)

Action = tuple[str, Callable[[], object]]


def remedy_of(studio: Studio, error: StudioError) -> Action | None:
    """A button's words and what it does; None when there is nothing to be done here."""
    server, registry, model = error.server, error.image_registry, error.model
    if registry and isinstance(error, RegistryLoginRefused | RegistryUntrusted):
        words = tr("Log in to it …") if isinstance(error, RegistryLoginRefused) else tr("Choose its CA file …")
        return words, lambda: studio.go.emit(ReachImageRegistry(registry))
    if not server:
        may = bool(model) and isinstance(error, CodeNotAllowed)
        return (tr("Allow its code …"), lambda: studio.go.emit(AllowCode(model))) if may else None
    if isinstance(error, AuthenticationFailed):
        return tr("Log in again …"), lambda: studio.go.emit(LogIn(server))
    if isinstance(error, ServerBusy):
        return tr("Take the lock away …"), lambda: studio.go.emit(TakeLockAway(server))
    if isinstance(error, ServerFull):
        return tr("Clean up …"), lambda: studio.go.emit(CleanServer(server))
    return None
