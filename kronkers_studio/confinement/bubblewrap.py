"""Where the kernel has no Landlock: bubblewrap shows the process a file system of what it may read, and no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kronkers_studio.confinement import linux
from kronkers_studio.confinement.policy import Policy


def prefix(policy: Policy, program: Path, modules: Sequence[Path]) -> list[str]:
    """What stands before the command: name spaces of its own, the libraries, ``program`` and ``modules`` to read."""
    shown = [
        "bwrap",
        *("--unshare-user-try", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
        *("--unshare-cgroup-try", "--new-session", "--proc", "/proc"),
        *(
            part
            for device in ("null", "urandom", "random")
            for part in ("--dev-bind", f"/dev/{device}", f"/dev/{device}")
        ),
    ]
    system = [path for path in linux.SYSTEM if not path.startswith(("/proc", "/dev"))]
    readable = [*system, *_around(program), *map(str, (*modules, *(path.absolute() for path in policy.readable)))]
    for path in dict.fromkeys(readable):
        shown += ["--ro-bind-try", path, path]
    for folder in policy.writable:
        shown += ["--bind", str(folder.absolute()), str(folder.absolute())]
    return [*shown, "--remount-ro", "/", "--"]  # else files could be made there, in memory that no limit counts


def _around(program: Path) -> list[str]:
    """The program, what it links to, and the Python that it belongs to."""
    real = program.resolve()
    return [str(program), str(real), str(real.parent.parent / "lib"), str(program.parent.parent / "pyvenv.cfg")]
