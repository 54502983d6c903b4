"""Every command that is run on a server, as data. They are built here and run in `ssh`; quoting happens in one place.

Servers need a POSIX `sh` and the usual small programs, nothing of ours; the account's own shell may be any that can
start `sh`. Relative paths are below the user's home, where a command starts.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

STATE_FOLDER = ".kronkers"
"""Below the user's home on the server: the deploy lock and the audit log."""

LOCK_EXISTS = 75
"""The exit status of ``take_lock`` when somebody has it, and of ``break_lock`` when another one than named has it."""

GUARD_BUSY = 76
"""The exit status of what changes the lock when another such command did not end within ten seconds."""

_LOCK = f"{STATE_FOLDER}/deploy.lock"
_SIGN = f"{STATE_FOLDER}/deploy.sign"
"""Of each holder, followed by its token: when the server last heard of it."""

_GUARD = f"{STATE_FOLDER}/deploy.guard"
_AUDIT = f"{STATE_FOLDER}/audit.log"
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+@-")

_NOW = 'now="$(cat /proc/sys/kernel/random/boot_id) $(cut -d" " -f1 /proc/uptime)"'
"""The server's monotonic clock: nobody can set it, but it begins anew with each start."""

_READ_HOLDER = f'holder=""; [ -f {_LOCK} ] && read -r holder < {_LOCK}; [ ! -d {_LOCK} ] || holder=folder'
"""The holder's token. An earlier version made a folder, which has none."""

_BEGIN = 'printf "\\n%s\\n" "$1"; printf "\\n%s\\n" "$1" >&2; (eval "$(printf %b "$0")")'
_END = 'printf "\\n%s %s\\n" "$1" "$?"'
_READ_REST = 'set -- "$1" "$?"; cat > /dev/null; (exit "$2")'
"""Reads what a command has left of its input, and keeps its exit status."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, to be run on a server by `sh`."""

    argv: tuple[str, ...]

    @property
    def line(self) -> str:
        """The command as one line for a POSIX shell."""
        return shlex.join(self.argv)

    def line_between(self, mark: str, *, fed: bool = False) -> str:
        """The command as one line for any shell (POSIX, fish, csh).

        Quoted is only what no shell changes between single quotes: letters, digits, some signs, and all else as octal
        numbers, which `sh` turns back. Before its output and its errors it says ``mark``, after its output ``mark`` and
        its exit status, each on a line of its own: what the account's start files print lies outside.

        What gets input is ``fed`` and lasts until the input's end, though the command may not read it: an end of input
        that crosses the end of the command makes sshd drop the connection.
        """
        script = f"{_BEGIN}; {_READ_REST}; {_END}" if fed else f"{_BEGIN}; {_END}"
        return f"sh -c '{script}' '{_octal(self.line)}' {mark}"


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
    path of an installed docker program · ``podman``: of Podman's · ``user``: who asks · ``groups``: of which groups.
    """
    return _script(
        'echo "host=${DOCKER_HOST-}"',
        'own="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"',
        'case "${DOCKER_HOST-}" in unix://*) own="${DOCKER_HOST#unix://} $own" ;; esac',
        "for socket in $own /var/run/docker.sock; do"
        ' if [ -S "$socket" ] && [ -w "$socket" ]; then echo "usable=$socket";'
        ' elif [ -S "$socket" ]; then echo "forbidden=$socket"; fi; done',
        'for program in dockerd docker; do echo "program=$(command -v "$program")"; done',
        'echo "podman=$(command -v podman)"',
        'echo "user=$(id -un)"',
        'echo "groups=$(id -Gn)"',
    )


def find_sudo() -> Command:
    """Say "root" when the account is root, else fail where there is no sudo."""
    return _script('if [ "$(id -u)" = 0 ]; then echo root; else command -v sudo > /dev/null; fi')


def ask_sudo(command: Command, prompt: str) -> Command:
    """Succeed where sudo would run ``command``; it asks for a password by ``prompt``, on its standard input."""
    return Command(("sudo", "-k", "-S", "-p", prompt, "-l", "--", *command.argv))


def by_sudo(command: Command, prompt: str = "") -> Command:
    """Run ``command`` as root; without a ``prompt`` no password is asked for, and the command has no input."""
    if prompt:
        return Command(("sudo", "-k", "-S", "-p", prompt, "--", *command.argv))
    return _script('exec sudo -n -- "$@" < /dev/null', arguments=command.argv)


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


def take_lock(token: str, owner: str) -> Command:
    """Make the lock, whole or not at all: a file that says ``token`` (letters and digits) and, on its second line,
    ``owner``. Exits with ``LOCK_EXISTS`` when somebody has it, with 73 when the home folder cannot be written to."""
    draft = f'"{_LOCK}.$1"'
    return _guarded(
        f"[ ! -d {_LOCK} ] || exit {LOCK_EXISTS}",
        f'trap \'rm -f {draft}; [ "$holder" = "$1" ] || rm -f "{_SIGN}.$1"\' EXIT',
        _NOW,
        f'printf "%-80s\\n" "$now" > "{_SIGN}.$1" || exit 73',
        f'printf "%s\\n%s\\n" "$1" "$2" > {draft} || exit 73',
        f'[ "$(cat {draft})" = "$(printf "%s\\n%s" "$1" "$2")" ] || exit 73',
        f"if ! ln {draft} {_LOCK} 2>/dev/null && (set -C; : > {_LOCK}) 2>/dev/null; then"  # no hard links there
        f" cat {draft} > {_LOCK} || {{ rm -f {_LOCK}; exit 73; }}; fi",
        _READ_HOLDER,
        f'[ "$holder" = "$1" ] || {{ [ -e {_LOCK} ] && exit {LOCK_EXISTS}; exit 73; }}',
        f'for left in {_SIGN}.* {_LOCK}.*; do [ "$left" = "{_SIGN}.$1" ] || rm -rf "$left"; done',
        arguments=(token, owner),
    )


def read_lock() -> Command:
    """Four lines: the holder's token, the server's monotonic clock now, the same when the server last heard of the
    holder (may be empty), and what the holder said of itself. Fails when there is no lock."""
    return _script(
        f"[ -e {_LOCK} ] || exit 1",
        _READ_HOLDER,
        _NOW,
        f'printf "%s\\n%s\\n%s\\n" "$holder" "$now" "$(head -n 1 "{_SIGN}.$holder" 2>/dev/null)"',
        f"if [ -d {_LOCK} ]; then cat {_LOCK}/owner; else sed -n 2p {_LOCK}; fi 2>/dev/null | head -c 4000",
    )


def renew_lock(token: str) -> Command:
    """Note that the server has heard of the holder. Exits with ``LOCK_EXISTS`` when ``token`` no longer has the lock.

    The note is written over in place, which works on a full disk as well.
    """
    return _script(
        _READ_HOLDER,
        f'[ "$holder" = "$1" ] || exit {LOCK_EXISTS}',
        _NOW,
        f'printf "%-80s\\n" "$now" 1<> "{_SIGN}.$1"',
        arguments=(token,),
    )


def release_lock(token: str) -> Command:
    """Remove the lock if ``token`` still has it."""
    return _guarded(
        _READ_HOLDER,
        f'if [ "$holder" = "$1" ]; then rm -f {_LOCK}; fi',
        f'rm -f "{_SIGN}.$1"',
        arguments=(token,),
    )


def break_lock(token: str) -> Command:
    """Remove the lock if ``token`` has it; else exit with ``LOCK_EXISTS``.

    It is renamed, looked at again and put back when it is another's: that is for servers without `flock`.
    """
    moved = f"{_LOCK}.broken.$$"
    return _guarded(
        _READ_HOLDER,
        f'[ "$holder" = "$1" ] && mv {_LOCK} {moved} 2>/dev/null || exit {LOCK_EXISTS}',
        f"{_READ_HOLDER}".replace(_LOCK, moved),
        f'if [ "$holder" != "$1" ]; then ln {moved} {_LOCK} 2>/dev/null; rm -f {moved}; exit {LOCK_EXISTS}; fi',
        f'rm -rf {moved} "{_SIGN}.$1"',
        arguments=(token,),
    )


def append_audit_line() -> Command:
    """Append standard input to the server's audit log."""
    return _script("umask 077", f"mkdir -p {STATE_FOLDER} || exit 73", f"cat >> {_AUDIT}")


def read_audit_log(lines: int) -> Command:
    """Nothing where nothing was ever changed; it fails where there is a log that cannot be read."""
    return _script(
        f"test -e {STATE_FOLDER} || exit 0",
        f"test -x {STATE_FOLDER} || echo {STATE_FOLDER} cannot be entered >&2",
        f"test -x {STATE_FOLDER} || exit 1",
        f"test -e {_AUDIT} || exit 0",
        f'tail -n "$1" {_AUDIT}',
        arguments=(str(lines),),
    )


def _script(*lines: str, arguments: tuple[str, ...] = ()) -> Command:
    """A short script for `sh`; ``arguments`` are its $1, $2 …"""
    return Command(("sh", "-c", "\n".join(lines), "kronkers", *arguments))


def _guarded(*lines: str, arguments: tuple[str, ...] = ()) -> Command:
    """A script of which one at a time runs for this home folder, where the server has `flock` (all but a few have)."""
    return _script(
        "umask 077",
        f"mkdir -p {STATE_FOLDER} || exit 73",
        "{",
        f"if command -v flock >/dev/null; then flock -w 10 9 || exit {GUARD_BUSY}; fi",
        *lines,
        f"}} 9>> {_GUARD}",
        arguments=arguments,
    )


def _octal(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in text.encode("utf-8"))
