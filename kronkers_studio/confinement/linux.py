"""Landlock, seccomp and limits, through the kernel's own interface. Standard library only, Python 3.10 and newer:
``launcher`` also loads this file into the Python of a model, where nothing else of Kronkers Studio is.

Landlock (kernel 5.13 and newer) confines what is opened by path. It does not know of changes of mode, owner and time,
nor of sockets that are no TCP, so seccomp forbids those calls altogether, with everything else that reaches beyond the
process. Numbers: linux/landlock.h, linux/seccomp.h, asm/unistd.h. Sources: landlock(7), seccomp(2), and the notes on
what Landlock leaves open in the kernel's Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import struct
import sys

_NO_NEW_PRIVILEGES = 38  # prctl
_SET_SECCOMP, _FILTER = 22, 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REG = 1 << 5, 1 << 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_KNOWN_FS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE  # plain files: no folders, links, devices, sockets
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV  # the rights that a single file can carry
_TCP = 3  # bind and connect
_SCOPES = 3  # abstract unix sockets and signals

SYSTEM = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/locale"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage"),
    *("/dev/urandom", "/dev/random", "/dev/zero"),
)
"""What libraries read of a system. None of it belongs to a person."""

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_NEWEST_CALL = 450  # of Linux 5.16; newer ones answer "no such call", for which every C library has another way

# Calls that reach beyond the process, by number on x86-64 and on 64-bit ARM (-1: not there).
_FORBIDDEN = {
    # connections: what the process serves on is handed to it open
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    # programs and processes
    "fork": (57, -1),
    "vfork": (58, -1),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    # owners, modes, times and lengths of files, which Landlock does not confine; and what is no plain file
    "chmod": (90, -1),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "utime": (132, -1),
    "utimes": (235, -1),
    "futimesat": (261, -1),
    "utimensat": (280, 88),
    "truncate": (76, 45),
    "mkdir": (83, -1),
    "mkdirat": (258, 34),
    "link": (86, -1),
    "linkat": (265, 37),
    "symlink": (88, -1),
    "symlinkat": (266, 36),
    "mknod": (133, -1),
    "mknodat": (259, 33),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    # memory that no limit counts, and memory shared with others
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # keys, mounts, name spaces, the kernel and its clocks; and io_uring, whose requests no filter sees
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, -1),
    "ioperm": (173, -1),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "personality": (135, 92),
    "modify_ldt": (154, -1),
    "lookup_dcookie": (212, 18),
    "sync": (162, 81),
    "syncfs": (306, 267),
    # what others wait for or share: locks, what an account or the computer has few of; and room on the disk that no
    # limit of a file's size counts
    "flock": (73, 32),
    "inotify_init": (253, -1),
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
    "io_setup": (206, 0),
    "io_submit": (209, 2),
    "fallocate": (285, 47),
    # this process's own limits, and whose it is
    "setrlimit": (160, 164),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setgroups": (116, 159),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "capset": (126, 91),
}
_CLONE, _CLONE3, _OPENAT2 = (56, 220), (435, 435), (437, 437)
_OPEN, _OPENAT, _MMAP, _SOCKETPAIR = (2, -1), (257, 56), (9, 222), (53, 199)
_ON_ITSELF = {  # allowed on this process only, which is their first argument
    "kill": (62, 129),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}
_SCHED_SETAFFINITY, _PRLIMIT = (203, 122), (302, 261)
_CLONE_THREAD, _NEW_NAME_SPACES = 0x00010000, 0x7E020000
_TRUNCATING, _ACCESS_MODE = 0o1000, 0o3
_SENDING = {
    "sendto": ((44, 206), 3),
    "sendmsg": ((46, 211), 2),
    "sendmmsg": ((307, 269), 3),
}  # and where their flags are
_FAST_OPEN = 0x20000000
_SHARED, _ANONYMOUS, _GROWS_DOWN = 0x1, 0x20, 0x100  # mmap
_FCNTL, _HARMLESS_FCNTL = (72, 25), (0, 1, 2, 3, 4, 1030)
"""Copies of a descriptor and its flags. The others lock files, or have the kernel signal other processes."""
_IOCTL, _HARMLESS_IOCTL = (16, 29), (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""Whether it is a terminal and how wide; how much there is to read; waiting or not; closed for programs or not."""

_KEPT_CAPABILITIES = 1 << 1 | 1 << 2  # of root: to read what others own, where Landlock lets it
_CAPABILITIES_VERSION = 0x20080522
_ADDRESS_SPACE = 64 << 30
_MOST_STACK, _MOST_SIGNALS = 64 << 20, 1024

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06  # classic BPF
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


class Unconfinable(Exception):
    """The kernel does not do what it is asked for; the text is a clause for people."""


def landlock_version() -> int:
    """The version of Landlock's interface; 0 where the kernel has none, or it is switched off."""
    version = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    return max(0, int(version))


def has_seccomp() -> bool:
    """Whether calls can be filtered: on this architecture, by this kernel."""
    if platform.machine() not in _ARCHITECTURES:
        return False
    _libc().prctl(_SET_SECCOMP, _FILTER, None, 0, 0)  # a filter that is none: EFAULT where there are filters
    return ctypes.get_errno() == errno.EFAULT


def limit(*, memory: int, file_size: int, open_files: int, cpu_seconds: int | None) -> None:
    """Bound what this process uses; never more than was allowed before."""
    import resource

    wanted = {
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NOFILE: open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        # What an account has for all of its programs: some is left to the others.
        resource.RLIMIT_SIGPENDING: _MOST_SIGNALS,
        resource.RLIMIT_NPROC: _most_threads(resource.getrlimit(resource.RLIMIT_NPROC)[0]),
        # Memory that RLIMIT_DATA does not count: the stack, and the tables of pages that nothing was written to.
        resource.RLIMIT_STACK: _MOST_STACK,
        resource.RLIMIT_AS: memory + _ADDRESS_SPACE,
    }
    if cpu_seconds is not None:
        wanted[resource.RLIMIT_CPU] = cpu_seconds
    for kind, value in wanted.items():
        bounds = [bound for bound in (value, *resource.getrlimit(kind)) if bound != resource.RLIM_INFINITY]
        resource.setrlimit(kind, (min(bounds, default=resource.RLIM_INFINITY),) * 2)


def _most_threads(allowed: int) -> int:
    """Half of what the account may have: threads count as its processes, and others of its programs need some."""
    return allowed if allowed < 2 else allowed // 2


def give_up_privileges() -> None:
    """No program that this process starts gains more than it has: what the two below need first. Run by root, it may do
    from now on what others may, and read their files."""
    failed = _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    about = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITIES_VERSION, 0))
    sets = ctypes.create_string_buffer(24)
    failed = failed or _libc().capget(about, sets)
    effective, permitted = struct.unpack("=II4x4x4x4x", sets.raw)
    kept = struct.pack("=6I", effective & _KEPT_CAPABILITIES, permitted & _KEPT_CAPABILITIES, 0, 0, 0, 0)
    if failed or _libc().capset(about, kept):
        raise Unconfinable(f"privileges cannot be given up ({os.strerror(ctypes.get_errno())})")


def restrict_files(readable: list[str], writable: list[str]) -> None:
    """Open nothing but what lies in these, and the libraries. Raises ``Unconfinable``."""
    version = landlock_version()
    if version < 1:
        raise Unconfinable("the kernel has no Landlock")
    handled = _KNOWN_FS[min(version, 5)]
    attributes = [handled] + [_TCP] * (version >= 4) + [_SCOPES] * (version >= 6)
    ruleset = _checked(
        _libc().syscall(
            _CREATE_RULESET,
            struct.pack(f"={len(attributes)}Q", *attributes),
            ctypes.c_size_t(8 * len(attributes)),
            0,
        )
    )
    try:
        for path in (*SYSTEM, *_of_python(), *readable):
            _allow(ruleset, path, _READ & handled)
        _allow(ruleset, os.devnull, (_READ_FILE | _WRITE_FILE) & handled)
        for path in writable:
            _allow(ruleset, path, _WRITE & handled)
        _checked(_libc().syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def restrict_calls() -> None:
    """Make no call that reaches beyond this process: ``PermissionError`` instead. Raises ``Unconfinable``."""
    if platform.machine() not in _ARCHITECTURES:
        raise Unconfinable(f"calls cannot be filtered on {platform.machine()}")
    program = call_filter(*_ARCHITECTURES[platform.machine()], os.getpid())
    content = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(content))
    _checked(_libc().prctl(_SET_SECCOMP, _FILTER, ctypes.create_string_buffer(described, len(described)), 0, 0))


def call_filter(architecture: int, column: int, process: int) -> bytes:
    """The filter program: classic BPF, eight bytes an instruction."""
    lines = [
        _line(_LOAD, 4),
        _line(_EQUAL, architecture, 1, 0),
        _line(_RETURN, _KILL),
        _line(_LOAD, 0),
        *_when(_AT_LEAST, 0x40000000, errno.EPERM),  # the 32-bit calls of x86-64
        *_when(_AT_LEAST, _NEWEST_CALL + 1, errno.ENOSYS),
        *_when(_EQUAL, _CLONE3[column], errno.ENOSYS),  # C libraries then use clone, whose flags a filter can see
        *_when(_EQUAL, _OPENAT2[column], errno.ENOSYS),
    ]
    for numbers in _FORBIDDEN.values():
        if numbers[column] >= 0:
            lines += _when(_EQUAL, numbers[column], errno.EPERM)
    refuse, allow = _line(_RETURN, _ERRNO | errno.EPERM), _line(_RETURN, _ALLOW)
    for numbers in _ON_ITSELF.values():
        lines += _block(numbers[column], [_argument(0), _line(_EQUAL, process, 0, 1), allow, refuse])
    own = [_argument(0), _line(_EQUAL, 0, 1, 0), _line(_EQUAL, process, 0, 1)]
    lines += _block(_SCHED_SETAFFINITY[column], [*own, allow, refuse])
    # limits are told, not set: the new one has to be a null pointer
    told = [_argument(2), _line(_EQUAL, 0, 0, 3), _line(_LOAD, 16 + 8 * 2 + 4), _line(_EQUAL, 0, 0, 1)]
    own = [_argument(0), _line(_EQUAL, 0, 1, 0), _line(_EQUAL, process, 0, 1 + len(told))]
    lines += _block(_PRLIMIT[column], [*own, *told, allow, refuse])
    # unix sockets in pairs and as streams: datagrams can be sent to others than the other end
    pair = [_argument(0), _line(_EQUAL, 1, 0, 4), _argument(1), _line(_AND, 0xF), _line(_EQUAL, 1, 0, 1)]
    lines += _block(_SOCKETPAIR[column], [*pair, allow, refuse])
    # connecting by sending, which a listening socket that was shut down can
    for numbers, at in _SENDING.values():
        lines += _block(numbers[column], [_argument(at), _line(_ANY_BIT, _FAST_OPEN, 0, 1), refuse, allow])
    threads = [_line(_ANY_BIT, _CLONE_THREAD, 0, 2), _line(_ANY_BIT, _NEW_NAME_SPACES, 1, 0)]
    lines += _block(_CLONE[column], [_argument(0), *threads, allow, refuse])
    # Old Landlock lets a file be emptied by opening it to read; and to open one neither to read nor to write, which
    # empties it as well and lets a device be spoken to, is no question to any.
    for numbers, at in ((_OPEN, 1), (_OPENAT, 2)):
        if numbers[column] >= 0:
            neither = [_argument(at), _line(_AND, _ACCESS_MODE), _line(_EQUAL, _ACCESS_MODE, 3, 0)]
            emptying = [_line(_EQUAL, 0, 0, 3), _argument(at), _line(_ANY_BIT, _TRUNCATING, 0, 1)]
            lines += _block(numbers[column], [*neither, *emptying, refuse, allow])
    # memory that no limit counts: shared and of no file, or a stack that grows
    uncounted = [_line(_ANY_BIT, _GROWS_DOWN, 2, 0), _line(_ANY_BIT, _ANONYMOUS, 0, 2), _line(_ANY_BIT, _SHARED, 0, 1)]
    lines += _block(_MMAP[column], [_argument(3), *uncounted, refuse, allow])
    lines += _block(_FCNTL[column], _only(1, _HARMLESS_FCNTL, errno.EPERM))
    lines += _block(_IOCTL[column], _only(1, _HARMLESS_IOCTL, errno.ENOTTY))
    return b"".join([*lines, allow])


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
    """Everything above, for good. ``files`` False: something else confines what is opened.

    Raises ``Unconfinable``, also when this process has threads already: they would stay as they are.
    """
    with os.scandir("/proc/self/task") as threads:
        alone = len(list(threads)) == 1
    if not alone:
        raise Unconfinable("the process has threads already")
    limit(memory=memory, file_size=file_size, open_files=open_files, cpu_seconds=cpu_seconds)
    give_up_privileges()
    if files:
        restrict_files(readable, writable)
    restrict_calls()


def _of_python() -> list[str]:
    """Where this Python's modules lie; the folder of a frozen program too."""
    return [path for path in (*sys.path, getattr(sys, "_MEIPASS", "")) if path]


def _allow(ruleset: int, path: str, rights: int) -> None:
    """``path`` and what lies in it; nothing when it does not exist."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, opened), 12)
        _checked(_libc().syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(opened)


def _checked(result: int) -> int:
    if result < 0:
        raise Unconfinable(f"the kernel refuses it ({os.strerror(ctypes.get_errno())})")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _line(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, when_true, when_false, value)


def _argument(position: int) -> bytes:
    return _line(_LOAD, 16 + 8 * position)  # its lower half; both architectures are little-endian


def _when(comparison: int, value: int, error: int) -> list[bytes]:
    return [_line(comparison, value, 0, 1), _line(_RETURN, _ERRNO | error)]


def _only(position: int, values: tuple[int, ...], error: int) -> list[bytes]:
    """Allowed with these values of an argument."""
    tests = [_line(_EQUAL, value, len(values) - at, 0) for at, value in enumerate(values)]
    return [_argument(position), *tests, _line(_RETURN, _ERRNO | error), _line(_RETURN, _ALLOW)]


def _block(number: int, lines: list[bytes]) -> list[bytes]:
    """``lines``, which end in a verdict, for the call ``number``; the others pass by."""
    return [_line(_EQUAL, number, 0, len(lines)), *lines]
