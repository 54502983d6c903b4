"""Platforms by the name that OCI images use ("linux/amd64"): this computer's, and uv's word for each."""

from __future__ import annotations

import platform as _platform

from kronkers_studio.domain.errors import PackagingFailed

_UV = {
    "linux/amd64": "x86_64-manylinux_2_28",  # the C library of Debian 10 and RHEL 8, and of all that is newer
    "linux/arm64": "aarch64-manylinux_2_28",
    "darwin/amd64": "x86_64-apple-darwin",
    "darwin/arm64": "aarch64-apple-darwin",
    "windows/amd64": "x86_64-pc-windows-msvc",
    "windows/arm64": "aarch64-pc-windows-msvc",
}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def this_platform() -> str:
    """The platform of this computer. Raises ``PackagingFailed`` when models cannot run on it."""
    system, machine = _platform.system().lower(), _platform.machine().lower()
    found = f"{system}/{_MACHINES.get(machine, machine)}"
    uv_platform(found)
    return found


def uv_platform(platform: str) -> str:
    """uv's name for ``platform``. Raises ``PackagingFailed`` for one that packages cannot be built for."""
    try:
        return _UV[platform]
    except KeyError:
        raise PackagingFailed(
            f"Packages cannot be built for “{platform}”.", next_step=f"Choose one of {', '.join(sorted(_UV))}."
        ) from None
