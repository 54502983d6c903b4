"""A job and a token of low integrity without privileges, which the process takes on itself. Standard library only:
``launcher`` loads this file.

Low integrity keeps the process from writing to what belongs to its user and from touching the user's other programs;
the job from starting programs and from taking more memory. What the user can read it can read as well, and it can open
connections: only an app container would prevent that, which a Python in the user's own folder does not start in.
Sources: "Mandatory Integrity Control" and "Job Objects" in the Windows documentation.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kronkers_studio.confinement.policy import Means

_LOW = "S-1-16-4096"
_LOW_FOLDER = "S:(ML;OICI;NW;;;LW)"  # SDDL: a mandatory label, inherited, no writing up, low
_TOKEN_ADJUST = 0x0080 | 0x0020 | 0x0008  # default, privileges, query
_TOKEN_PRIVILEGES, _TOKEN_INTEGRITY = 3, 25
_PRIVILEGE_REMOVED, _GROUP_INTEGRITY = 0x4, 0x20
_FILE_OBJECT, _LABEL_INFORMATION = 1, 0x10
_EXTENDED_LIMITS, _UI_RESTRICTIONS = 9, 4
_ACTIVE_PROCESSES, _PROCESS_MEMORY, _PROCESS_TIME, _DIE_ON_FAULT = 0x8, 0x100, 0x2, 0x400
_ALL_UI = 0xFF


class Unconfinable(Exception):
    """The system does not do what it is asked for; the text is a clause for people."""


def means() -> Means:
    """What ``confine`` gives."""
    from kronkers_studio.confinement.policy import Level, Means

    return Means(
        Level.PARTIAL,
        "low integrity",
        ("A model could read files that you can read.", "A model could open connections to other computers."),
    )


class _Basic(ctypes.Structure):
    _fields_ = (
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("least_working_set", ctypes.c_size_t),
        ("most_working_set", ctypes.c_size_t),
        ("processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    )


class _Extended(ctypes.Structure):
    _fields_ = (
        ("basic", _Basic),
        ("counters", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


class _SidAndAttributes(ctypes.Structure):
    _fields_ = (("sid", ctypes.c_void_p), ("attributes", ctypes.c_uint32))


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
    """Take the job and the token on. Raises ``Unconfinable``."""
    del readable, file_size, open_files, files
    load = getattr(ctypes, "WinDLL", None)
    if load is None:
        raise Unconfinable("this is not Windows")
    kernel, advanced = (load(name, use_last_error=True) for name in ("kernel32", "advapi32"))
    for folder in writable:
        _lower_folder(advanced, kernel, folder)
    _enter_job(kernel, memory, cpu_seconds)
    _lower_token(advanced, kernel)


def _enter_job(kernel: Any, memory: int, cpu_seconds: int | None) -> None:
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
    limits = _Extended()
    limits.basic.flags = _ACTIVE_PROCESSES | _PROCESS_MEMORY | _DIE_ON_FAULT
    limits.basic.processes = 1
    limits.process_memory = memory
    if cpu_seconds is not None:
        limits.basic.flags |= _PROCESS_TIME
        limits.basic.process_time = cpu_seconds * 10_000_000  # 100 ns
    ui = ctypes.c_uint32(_ALL_UI)
    _checked(kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)))
    _checked(kernel.SetInformationJobObject(job, _UI_RESTRICTIONS, ctypes.byref(ui), ctypes.sizeof(ui)))
    _checked(kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess())))
    # The handle stays open: a job without handles is gone only with its last process anyway.


def _lower_token(advanced: Any, kernel: Any) -> None:
    token, sid = ctypes.c_void_p(), ctypes.c_void_p()
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    _checked(advanced.OpenProcessToken(process, _TOKEN_ADJUST, ctypes.byref(token)))
    try:
        size = ctypes.c_uint32()
        advanced.GetTokenInformation(token, _TOKEN_PRIVILEGES, None, 0, ctypes.byref(size))
        privileges = ctypes.create_string_buffer(max(4, size.value))
        _checked(advanced.GetTokenInformation(token, _TOKEN_PRIVILEGES, privileges, size, ctypes.byref(size)))
        count = ctypes.c_uint32.from_buffer(privileges).value
        for number in range(count):  # each is a LUID of 8 bytes and attributes of 4
            ctypes.c_uint32.from_buffer(privileges, 4 + 12 * number + 8).value = _PRIVILEGE_REMOVED
        _checked(advanced.AdjustTokenPrivileges(token, False, privileges, 0, None, None))
        _checked(advanced.ConvertStringSidToSidW(_LOW, ctypes.byref(sid)))
        label = _SidAndAttributes(sid, _GROUP_INTEGRITY)
        _checked(advanced.SetTokenInformation(token, _TOKEN_INTEGRITY, ctypes.byref(label), ctypes.sizeof(label)))
    finally:
        kernel.LocalFree(sid)
        kernel.CloseHandle(token)


def _lower_folder(advanced: Any, kernel: Any, folder: str) -> None:
    """Let a process of low integrity write into ``folder``."""
    descriptor, sacl = ctypes.c_void_p(), ctypes.c_void_p()
    there, by_default = ctypes.c_int(), ctypes.c_int()
    text = ctypes.c_wchar_p(_LOW_FOLDER)
    _checked(advanced.ConvertStringSecurityDescriptorToSecurityDescriptorW(text, 1, ctypes.byref(descriptor), None))
    try:
        _checked(
            advanced.GetSecurityDescriptorSacl(
                descriptor, ctypes.byref(there), ctypes.byref(sacl), ctypes.byref(by_default)
            )
        )
        name = ctypes.c_wchar_p(folder)
        failed = advanced.SetNamedSecurityInfoW(name, _FILE_OBJECT, _LABEL_INFORMATION, None, None, None, sacl)
        if failed:
            raise Unconfinable(f"its folder cannot be opened to it (error {failed})")
    finally:
        kernel.LocalFree(descriptor)


def _checked(succeeded: int) -> None:
    if not succeeded:
        last_error = getattr(ctypes, "get_last_error", int)  # the type stubs know it on Windows only
        raise Unconfinable(f"Windows refuses it (error {last_error()})")
