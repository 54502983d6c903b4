"""How a service's program is kept from opening connections: a seccomp filter that it gets before it starts.

A container can reach the server that it runs on by the address of the bridge that its port is published through, and
Docker has no means against that which leaves the published port alone (docs/decisions/0013-releases-that-end.md). A
model service only ever answers; so before the program starts, a line of Python takes from it, and from whatever it
starts, the system calls that open connections. They fail with "Permission denied". Listening, accepting and answering
stay.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06  # of classic BPF
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13  # EACCES

_NUMBER, _MACHINE = 0, 4
"""Where the system call's number and the machine's kind stand in what a filter sees."""

_FAST_OPEN = 0x20000000  # MSG_FASTOPEN: connects by sending
_UNIX, _INTERNET, _INTERNET_6 = 1, 2, 10
_STREAM, _KIND_OF_SOCKET, _TCP = 1, 0xF, 6
_OTHER_TABLE = 0x40000000  # from here on: x86-64's second table of system calls

# the machine's kind for the kernel's audit, then: connect, sendto, sendmsg, sendmmsg, socket
_CALLS = {"x86_64": (0xC000003E, 42, 44, 46, 307, 41), "aarch64": (0xC00000B7, 203, 206, 211, 269, 198)}

# refused altogether: io_uring_setup, whose requests no filter sees; and pidfd_getfd, ptrace, process_vm_writev, for a
# process becomes another one by them, and what the engine starts to look after the health may connect
_REFUSED = {"x86_64": (425, 438, 101, 311), "aarch64": (425, 438, 117, 271)}

_START = """import ctypes,os,struct,sys
f=bytes.fromhex({filters!r}.get(os.uname().machine,''))
b=ctypes.create_string_buffer(f,len(f)+1)
p=ctypes.c_char_p(struct.pack('=H6xQ',len(f)//8,ctypes.addressof(b)))
l=ctypes.CDLL(None)
c=l.prctl
if not f or c(38,1,0,0,0):sys.exit('cannot give up privileges')
r=l.syscall(444,struct.pack('=Q',2048),ctypes.c_size_t(8),0)
if r>=0:l.syscall(446,r,0);os.close(r)
if c(22,2,p,0,0):sys.exit('cannot give up privileges')
os.execvp(sys.argv[1],sys.argv[1:])
"""
# 38: PR_SET_NO_NEW_PRIVS, without which no filter is allowed; 22: PR_SET_SECCOMP. 444, 446: Landlock, where the kernel
# and the engine have it. What it takes away (2048: making block devices) nobody has; but who is in it reaches into the
# memory of nobody outside (/proc/<pid>/mem), which no filter of calls can see.


def start_program() -> str:
    """A Python program that starts its arguments without new privileges and without the means to open connections."""
    return _START.format(filters={machine: connection_filter(machine).hex() for machine in _CALLS})


def connection_filter(machine: str) -> bytes:
    """The filter for ``machine`` ("x86_64", "aarch64"), in the kernel's form."""
    kind, connect, sendto, sendmsg, sendmmsg, socket = _CALLS[machine]
    return _assembled(
        [
            (_LOAD, _MACHINE),
            (_EQUAL, kind, "", "refuse"),
            (_LOAD, _NUMBER),
            (_AT_LEAST, _OTHER_TABLE, "refuse", ""),
            (_EQUAL, connect, "refuse", ""),
            *((_EQUAL, number, "refuse", "") for number in _REFUSED[machine]),
            (_EQUAL, sendmsg, "flags third", ""),
            (_EQUAL, sendto, "flags fourth", ""),
            (_EQUAL, sendmmsg, "flags fourth", ""),
            (_EQUAL, socket, "", "allow"),
            (_LOAD, _argument(0)),
            (_EQUAL, _UNIX, "allow", ""),
            (_EQUAL, _INTERNET, "stream", ""),
            (_EQUAL, _INTERNET_6, "stream", "refuse"),
            ("stream",),  # no datagrams, which need no connection; no protocol that connects in other ways
            (_LOAD, _argument(1)),
            (_AND, _KIND_OF_SOCKET),
            (_EQUAL, _STREAM, "", "refuse"),
            (_LOAD, _argument(2)),
            (_EQUAL, 0, "allow", ""),
            (_EQUAL, _TCP, "allow", "refuse"),
            ("flags third",),
            (_LOAD, _argument(2)),
            (_ANY_BIT, _FAST_OPEN, "refuse", "allow"),
            ("flags fourth",),
            (_LOAD, _argument(3)),
            (_ANY_BIT, _FAST_OPEN, "refuse", "allow"),
            ("allow",),
            (_RETURN, _ALLOW),
            ("refuse",),
            (_RETURN, _REFUSE),
        ]
    )


def _argument(position: int) -> int:
    """Where the lower half of a system call's argument stands."""
    return 16 + 8 * position


def _assembled(lines: Sequence[tuple[str | int, ...]]) -> bytes:
    """``(label,)`` names the next instruction; a jump names where to go if so and if not, "" being the next one."""
    labels: dict[str, int] = {}
    instructions: list[tuple[str | int, ...]] = []
    for line in lines:
        if isinstance(line[0], str):
            labels[line[0]] = len(instructions)
        else:
            instructions.append(line)
    code = b""
    for position, (operation, value, *targets) in enumerate(instructions):
        jumps = [labels[str(target)] - position - 1 if target else 0 for target in targets] or [0, 0]
        code += struct.pack("=HBBI", operation, *jumps, value)
    return code
