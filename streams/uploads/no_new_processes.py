"""Forbids this process to start processes and programs, but not threads, which the decoder of HEIC needs.

RLIMIT_NPROC cannot tell them apart, and does not bind root. A filter of system calls can (seccomp(2), Linux).
"""

import ctypes
import errno
import platform
import struct
from typing import Final, NamedTuple


class _Machine(NamedTuple):
    """The kernel's numbers: of the architecture (linux/audit.h) and of its system calls (asm/unistd.h)."""

    architecture: int
    clone: int
    forbidden: tuple[int, ...]


_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, clone=56, forbidden=(57, 58, 59, 322)),  # fork, vfork, execve, execveat
    "aarch64": _Machine(0xC00000B7, clone=220, forbidden=(221, 281)),  # execve, execveat
}
#: Its flags lie in memory, where a filter cannot look; without it, the C library takes `clone`.
_CLONE3: Final = 435
_CLONE_THREAD: Final = 0x10000
#: x86-64 counts the calls of its 32-bit variant from here.
_OTHER_ABI: Final = 0x40000000
_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FLAGS_AT = 0, 4, 16
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000

_Step = tuple[int, int, int, int]


def forbid_new_processes() -> bool:
    """Forbid them from now on, for ever; False where the system cannot do it."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    steps = _program(machine)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    if prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return int(prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(program), 0, 0)) == 0


def _program(machine: _Machine) -> list[_Step]:
    """Instructions of a filter: code, how many to skip if true, if false, and an operand."""
    refuse = (_RETURN, 0, 0, _FAIL | errno.EPERM)
    forbidden = [step for call in machine.forbidden for step in ((_EQUAL, 0, 1, call), refuse)]
    return [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, machine.architecture),
        refuse,
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _OTHER_ABI),
        refuse,
        *forbidden,
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        (_EQUAL, 0, 3, machine.clone),
        (_LOAD, 0, 0, _FLAGS_AT),
        (_HAS_BITS, 1, 0, _CLONE_THREAD),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
