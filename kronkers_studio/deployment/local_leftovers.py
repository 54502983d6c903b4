"""Ending what a crash left running of a release on this computer, before its number was known to anybody."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from kronkers_studio.deployment.local_service import process_noted
from kronkers_studio.deployment.processes import end

_PROGRAM = "kronkers_studio."


def end_processes_of(folder: Path) -> None:
    """End the service that was started in ``folder``, and every process of this account that runs a program of ours
    with a file in there as an argument."""
    noted = process_noted(folder)
    if noted is not None:
        end(noted, timeout=0)
    inside = (f"{folder.absolute()}/", f"{folder.absolute()}\\")
    for process in psutil.process_iter(["pid", "cmdline"]):
        arguments = process.info["cmdline"] or ()  # None: somebody else's
        ours = any(_PROGRAM in argument for argument in arguments) and process.info["pid"] != os.getpid()
        if ours and any(argument.startswith(inside) for argument in arguments):
            end(process, timeout=0)
