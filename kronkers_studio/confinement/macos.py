"""A sandbox profile, which macOS applies before the program starts, and limits. ``sandbox-exec`` is called deprecated
and is what browsers and build tools confine their helpers with. Standard library only: ``launcher`` loads this file.
"""

from __future__ import annotations

_SYSTEM = ("/System", "/Library", "/usr", "/bin", "/sbin", "/opt", "/private/etc", "/private/var/db", "/dev", "/nix")


class Unconfinable(Exception):
    """The system does not do what it is asked for; the text is a clause for people."""


def profile(readable: list[str], writable: list[str]) -> str:
    """What is denied: all of a person's files but those, writing elsewhere, programs, connections, signals."""
    read = "".join(f"\n  (subpath {_quoted(path)})" for path in (*_SYSTEM, *readable, *writable))
    write = "".join(f"\n  (subpath {_quoted(path)})" for path in writable)
    return (
        "(version 1)\n(allow default)\n"
        "(deny file-read-data)\n"
        f'(allow file-read-data\n  (literal "/"){read})\n'
        "(deny file-write*)\n"
        f'(allow file-write*\n  (literal "/dev/null"){write})\n'
        "(deny file-link file-mknod)\n"
        "(deny process-exec*)\n(deny process-fork)\n"
        "(deny network*)\n(allow network-inbound (local tcp))\n"
        "(deny signal)\n(allow signal (target self))\n"
        "(deny mach-lookup)\n(deny mach-priv*)\n(deny iokit-open)\n(deny ipc-posix*)\n(deny ipc-sysv*)\n"
        "(deny job-creation)\n(deny system-socket)\n(deny sysctl-write)\n"
    )


def confine(
    *,
    readable: list[str],
    writable: list[str],
    memory: int,
    file_size: int,
    open_files: int,
    cpu_seconds: int | None,
    files: bool = True,
) -> None:
    """Set the limits; the profile is in force already. ``memory`` cannot be limited: macOS ignores that limit."""
    import resource

    del readable, writable, memory, files
    wanted = {resource.RLIMIT_FSIZE: file_size, resource.RLIMIT_NOFILE: open_files, resource.RLIMIT_CORE: 0}
    if cpu_seconds is not None:
        wanted[resource.RLIMIT_CPU] = cpu_seconds
    for kind, value in wanted.items():
        most = resource.getrlimit(kind)[1]
        bound = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (bound, bound))


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
