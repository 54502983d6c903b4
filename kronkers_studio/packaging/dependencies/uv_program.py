"""Running uv, which resolves and installs Python libraries, and saying plainly what went wrong with it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.packaging.folder_removal import NO_OTHERS
from kronkers_studio.packaging.recorded_facts import checked_python
from kronkers_studio.settings.paths import uv_program

_POLL_SECONDS = 0.2
_SHOWN_LINES = 8


def run_uv(arguments: Sequence[str], *, folder: Path, offline: bool = False, cancel: CancelToken = NEVER) -> str:
    """Run uv in ``folder``; its standard output.

    ``offline``: uv uses only what it downloaded before. Raises ``DoesNotResolve`` when the requirements cannot be met,
    ``PackagingFailed`` for everything else that fails, ``Cancelled``.
    """
    command = [_program(), *arguments, "--no-progress", "--color", "never"]
    if arguments[0] != "python":  # which says nothing at all when it is to be quiet
        command.append("--quiet")
    if offline:
        command.append("--offline")
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "UV_OFFLINE")}
    process = subprocess.Popen(  # noqa: S603 — a list of arguments, no shell
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        umask=NO_OTHERS,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    output, problem = _finish(process, cancel)
    cancel.check()  # it may have been quicker than the looks
    if process.returncode:
        raise _translated(problem, offline=offline)
    return output


class DoesNotResolve(PackagingFailed):
    """The requirements contradict each other, or no published version meets them."""


class IndexUnavailable(PackagingFailed):
    """The package index cannot be reached, or is not to be: what is wanted was not downloaded before."""


_found_pythons: dict[str, Path] = {}


def find_python(version: str) -> Path | None:
    """An interpreter of ``version`` ("3.11") on this computer: the running one's if it is of that version, else one
    that uv finds; None when there is none. Nothing is downloaded. Raises ``ForeignEntry`` for what is no version.

    What was found is remembered as long as it is there; what was missing is looked for again, for people install it.
    """
    known = _found_pythons.get(version)
    if known is not None and known.is_file():
        return known
    found = _look_for_python(checked_python(version))
    if found is not None:
        _found_pythons[version] = found
    return found


def _look_for_python(version: str) -> Path | None:
    if not getattr(sys, "frozen", False) and version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        own = Path(getattr(sys, "_base_executable", "") or sys.executable)  # not a virtual environment's
        if own.is_file():
            return own
    try:
        found = run_uv(
            ["python", "find", version, "--no-project", "--system", "--no-python-downloads"], folder=Path.home()
        )
    except PackagingFailed:
        return None
    path = Path(found.strip())
    return path if path.is_file() else None


def any_python(oldest: tuple[int, int]) -> str | None:
    """The version ("3.12") of some interpreter on this computer, ``oldest`` or newer, the running one first."""
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if sys.version_info[:2] >= oldest and find_python(running) is not None:
        return running
    wanted = f">={oldest[0]}.{oldest[1]}"
    try:
        found = run_uv(
            ["python", "find", wanted, "--show-version", "--no-project", "--system", "--no-python-downloads"],
            folder=Path.home(),
        )
    except PackagingFailed:
        return None
    version = re.match(r"\d+\.\d+", found.strip())
    return version[0] if version else None


def _program() -> str:
    try:
        return str(uv_program())
    except FileNotFoundError:
        found = shutil.which("uv")
    if not found:
        raise PackagingFailed(
            "The program uv, which gets the model's libraries, is missing.",
            next_step="Install Kronkers Studio again, or install uv so that it is found in the PATH.",
        )
    return found


def _finish(process: subprocess.Popen[str], cancel: CancelToken) -> tuple[str, str]:
    """The outputs of ``process`` once it has ended; it is killed when cancelled."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_POLL_SECONDS)
        try:
            cancel.check()
        except BaseException:
            process.kill()
            process.communicate()
            raise


_NO_NETWORK = re.compile(
    r"dns error|error sending request|failed to fetch|connection (?:refused|reset)|timed out|tcp connect|unreachable",
    re.IGNORECASE,
)
_NOT_CACHED = re.compile(r"network was disabled|--offline|not (?:found )?in the cache", re.IGNORECASE)
_NO_SOLUTION = re.compile(
    r"no solution found|not found in the package registry|no matching distribution", re.IGNORECASE
)
_NO_WHEEL = re.compile(
    r"no (?:binary|usable|compatible) wheels?|building source distributions|no wheels", re.IGNORECASE
)
_DISK_FULL = re.compile(r"no space left|os error 28|os error 112", re.IGNORECASE)


def _translated(problem: str, *, offline: bool) -> PackagingFailed:
    """What uv said, as an error that says what to do. ``details`` keeps uv's last lines."""
    lines = [line.rstrip() for line in problem.splitlines() if line.strip()]
    details = "\n".join(lines[-_SHOWN_LINES:])
    if _DISK_FULL.search(problem):
        return PackagingFailed("The disk is full.", next_step="Make room and package again.", details=details)
    if offline and _NOT_CACHED.search(problem):
        return IndexUnavailable(
            "The model's libraries were not downloaded before, and the studio is set to work offline.",
            next_step="Package once with a network, or bring what is missing with `kronkers cache import`.",
            details=details,
        )
    if _NO_NETWORK.search(problem) and not _NO_SOLUTION.search(problem):
        return IndexUnavailable(
            "The model's libraries cannot be downloaded: the package index cannot be reached.",
            next_step="Check the network (or the proxy settings) and package again.",
            details=details,
        )
    if _NO_WHEEL.search(problem):
        return DoesNotResolve(
            f"A library that the model needs is not published for its Python or platform. {_because(lines)}".strip(),
            next_step="Put the right Python version into a .python-version file beside the model and migrate again.",
            details=details,
        )
    if _NO_SOLUTION.search(problem):
        return DoesNotResolve(
            f"The libraries that the model needs do not fit together. {_because(lines)}".strip(),
            next_step="Choose other versions for it (`kronkers model dependencies`), or correct them in "
            "requirements.txt beside the model and migrate again.",
            details=details,
        )
    return PackagingFailed(
        f"The model's libraries could not be got. {lines[-1] if lines else ''}".strip(),
        next_step="The details hold what uv said.",
        details=details,
    )


def _because(lines: list[str]) -> str:
    """uv's own reason in one sentence, without the drawing around it."""
    text = " ".join(line.strip(" ×╰─▶│├") for line in lines)
    start = text.find("Because")
    if start < 0:
        return ""
    reason = text[start:].split(" hint:")[0].strip()
    return reason if len(reason) <= 400 else f"{reason[:400]}…"
