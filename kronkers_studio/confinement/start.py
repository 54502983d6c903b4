"""How to start a Python module that is confined before its first line runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kronkers_studio.confinement.means import plain_policy
from kronkers_studio.confinement.policy import Level, Means, Policy

_LAUNCHER = Path(__file__).with_name("launcher.py")


def confined_command(
    python: Path,
    module: str,
    arguments: Sequence[str],
    *,
    python_path: Sequence[Path],
    policy: Policy,
    means: Means,
) -> list[str]:
    """The command that runs ``module`` with ``python`` and ``python_path`` under ``policy``, by ``means`` (those of
    ``means_here``; with none, it runs freely: ask the person before).

    The program ends at once, with a sentence on standard error, when it cannot be confined after all.
    """
    modules = [path.absolute() for path in python_path]
    described = plain_policy(policy)
    policy = replace(policy, readable=(*policy.readable, *modules))
    described = {
        **plain_policy(policy),
        "files": means.by != "bubblewrap",
        "python_path": [str(path) for path in modules],
        "by": means.by if means.level is not Level.NONE else "",
    }
    options = ("-I", "-S", "-B", "-X", "utf8")
    command = [str(python), *options, str(_LAUNCHER), json.dumps(described), module, *arguments]
    return [*_before(policy, python, means), *command]


def confined_program(command: Sequence[str], *, python_path: Sequence[Path], policy: Policy, means: Means) -> list[str]:
    """The command of a program that calls ``confine_process`` before anything else, with what has to stand before it on
    this system. ``python_path``: the folders of its modules."""
    readable = (*policy.readable, *(path.absolute() for path in python_path))
    return [*_before(replace(policy, readable=readable), Path(command[0]), means), *command]


def _before(policy: Policy, python: Path, means: Means) -> list[str]:
    if means.by == "bubblewrap":
        from kronkers_studio.confinement import bubblewrap

        return bubblewrap.prefix(policy, python, [_LAUNCHER.parent])
    if means.by == "sandbox-exec":
        from kronkers_studio.confinement import macos

        plain = plain_policy(replace(policy, readable=(*policy.readable, _LAUNCHER.parent, *_of(python))))
        return ["/usr/bin/sandbox-exec", "-p", macos.profile(plain["readable"], plain["writable"])]
    return []


def _of(python: Path) -> list[Path]:
    """The folders of a Python: the installed one's, wherever links lead."""
    return [python.parent.parent, python.resolve().parent.parent]
