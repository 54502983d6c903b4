"""What confines a process on this system, and what it cannot give."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from kronkers_studio.confinement import linux
from kronkers_studio.confinement.policy import Level, Means, Policy

_NOTHING = "A model could read, change and send whatever you can."
_NO_FILES = "A model could read and change files that you can."


def means_here(platform: str = sys.platform) -> Means:
    """What this system can give a program that ``confined_command`` starts. Asked anew each time: it may change."""
    if platform == "linux":
        return _on_linux()
    if platform == "darwin" and Path("/usr/bin/sandbox-exec").exists():
        return Means(Level.PARTIAL, "sandbox-exec", ("Its memory is not limited.",))
    if platform == "win32":
        from kronkers_studio.confinement import windows

        return windows.means()
    return Means(Level.NONE, missing=(_NOTHING,))


def confine_process(policy: Policy) -> Means:
    """Give up everything but ``policy``, for good, in this very process, which must have no threads yet; what is in
    force then. Where the system offers that to a new program only (Windows, macOS, bubblewrap), limits are set and
    ``confined_command`` does the rest before.
    """
    if sys.platform == "win32":
        from kronkers_studio.confinement import windows

        windows.confine(**plain_policy(policy))
        return windows.means()
    if sys.platform == "darwin":
        from kronkers_studio.confinement import macos

        macos.confine(**plain_policy(policy))
        return means_here()
    if sys.platform != "linux":
        return Means(Level.NONE, missing=(_NOTHING,))
    files = linux.landlock_version() > 0
    arguments = plain_policy(policy)
    if linux.has_seccomp():
        linux.confine(**arguments, files=files)
        return Means(Level.FULL, "landlock") if files else Means(Level.PARTIAL, "seccomp", (_NO_FILES,))
    linux.limit(**{name: arguments[name] for name in ("memory", "file_size", "open_files", "cpu_seconds")})
    return Means(Level.NONE, missing=(_NOTHING,))


def _on_linux() -> Means:
    if not linux.has_seccomp():
        return Means(Level.NONE, missing=(_NOTHING,))
    if linux.landlock_version() > 0:
        return Means(Level.FULL, "landlock")
    if shutil.which("bwrap"):
        return Means(Level.FULL, "bubblewrap")
    return Means(Level.NONE, missing=(_NO_FILES,))


def plain_policy(policy: Policy) -> dict[str, Any]:
    """The arguments of the systems' ``confine``, which are plain so that they can go to another Python as JSON."""
    return {
        "readable": [str(path.absolute()) for path in policy.readable],
        "writable": [str(path.absolute()) for path in policy.writable],
        "memory": policy.memory,
        "file_size": policy.file_size,
        "open_files": policy.open_files,
        "cpu_seconds": policy.cpu_seconds,
    }
