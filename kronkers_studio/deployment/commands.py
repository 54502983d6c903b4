"""Every command that is run on a server, as data. They are built here and run in `ssh`; quoting happens in one place.

Servers need a POSIX shell and the usual small programs, nothing of ours. Relative paths are below the user's home,
where a command starts.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

STATE_FOLDER = ".kronkers"
"""Below the user's home on the server: the deploy lock and the audit log."""

LOCK_EXISTS = 75
"""The exit status of ``take_lock`` when somebody has it."""

_LOCK = f"{STATE_FOLDER}/deploy.lock"
_AUDIT = f"{STATE_FOLDER}/audit.log"


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, to be run on a server by the user's shell there."""

    argv: tuple[str, ...]

    @property
    def line(self) -> str:
        """The command as one line for a POSIX shell."""
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command said. ``status`` is its exit status."""

    status: int
    output: str
    error: str

    @property
    def ok(self) -> bool:
        return self.status == 0


def find_engine() -> Command:
    """Say, one ``name=value`` per line, where the engine's socket may be and whether this user may use it.

    ``host``: DOCKER_HOST of the user's environment · ``usable``/``forbidden``: a socket that exists · ``program``: the
    path of an installed docker program · ``user``: who asks · ``groups``: of which groups.
    """
    return _script(
        'echo "host=${DOCKER_HOST-}"',
        'own="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"',
        'case "${DOCKER_HOST-}" in unix://*) own="${DOCKER_HOST#unix://} $own" ;; esac',
        "for socket in $own /var/run/docker.sock; do"
        ' if [ -S "$socket" ] && [ -w "$socket" ]; then echo "usable=$socket";'
        ' elif [ -S "$socket" ]; then echo "forbidden=$socket"; fi; done',
        'for program in dockerd docker; do echo "program=$(command -v "$program")"; done',
        'echo "user=$(id -un)"',
        'echo "groups=$(id -Gn)"',
    )


def read_system() -> Command:
    """The operating system's own description of itself (``NAME=value`` lines)."""
    return Command(("cat", "/etc/os-release"))


def read_clock() -> Command:
    """Seconds since the epoch by the server's clock."""
    return Command(("date", "+%s"))


def read_memory() -> Command:
    return Command(("cat", "/proc/meminfo"))


def read_disk(path: str) -> Command:
    """The file system that holds ``path``, in KiB: POSIX format, two lines."""
    return Command(("df", "-Pk", path))


def read_listening_ports() -> Command:
    """The kernel's tables of TCP sockets."""
    return _script("cat /proc/net/tcp /proc/net/tcp6 2>/dev/null")


def read_process_status(process: int) -> Command:
    return Command(("cat", f"/proc/{process}/status"))


def take_lock(owner: str) -> Command:
    """Make the lock folder, which only one can; then say in it who has it. Exits with ``LOCK_EXISTS`` when it exists.

    ``owner`` is one line of JSON.
    """
    return _script(
        "umask 077",
        f"mkdir -p {STATE_FOLDER} || exit 73",
        f"mkdir {_LOCK} 2>/dev/null || exit {LOCK_EXISTS}",
        f'printf "%s\\n" "$1" > {_LOCK}/owner',
        arguments=(owner,),
    )


def read_lock() -> Command:
    """The lock's age in seconds by the server's clock, then its owner's line. Fails when there is no lock."""
    return _script(
        f"made=$(stat -c %Y {_LOCK}) || exit 1",
        "echo $(( $(date +%s) - made ))",
        f"cat {_LOCK}/owner 2>/dev/null || true",
    )


def release_lock(owner: str) -> Command:
    """Remove the lock if it is still ``owner``'s."""
    return _script(
        f'if [ "$(cat {_LOCK}/owner 2>/dev/null)" = "$1" ]; then rm -rf {_LOCK}; fi',
        arguments=(owner,),
    )


def break_lock() -> Command:
    """Remove the lock, whoever has it. Renaming it first lets one of several that break it at once win."""
    return _script(f"mv {_LOCK} {_LOCK}.broken.$$ 2>/dev/null && rm -rf {_LOCK}.broken.$$ || true")


def append_audit_line() -> Command:
    """Append standard input to the server's audit log."""
    return _script("umask 077", f"mkdir -p {STATE_FOLDER} || exit 73", f"cat >> {_AUDIT}")


def read_audit_log(lines: int) -> Command:
    return _script(f'tail -n "$1" {_AUDIT} 2>/dev/null || true', arguments=(str(lines),))


def _script(*lines: str, arguments: tuple[str, ...] = ()) -> Command:
    """A short script for `sh`, whatever the user's own shell is; ``arguments`` are its $1, $2 …"""
    return Command(("sh", "-c", "\n".join(lines), "kronkers", *arguments))
