"""What a process gives up before it looks at a hostile document: memory, time, files, and nearly all system calls.

Linux on x86-64 and ARM64 only. A call that is not on the list fails with EPERM (seccomp(2), SECCOMP_RET_ERRNO), so that
a library which tries one is told so, like a file that is not there.
"""

from __future__ import annotations

import ctypes
import platform
import resource
import signal
import struct
from math import ceil

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_ALLOW, _DENY, _KILL = 0x7FFF_0000, 0x0005_0001, 0x8000_0000
"""SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with EPERM, SECCOMP_RET_KILL_PROCESS."""
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
"""Classic BPF: load a word of `struct seccomp_data`, jump on equality, return."""

# read, write, close, fstat, lseek, mmap, mprotect, munmap, brk, rt_sigaction, rt_sigprocmask, rt_sigreturn, pread64,
# mremap, madvise, futex, exit, exit_group, clock_gettime, getrandom: each by its number in the tables of the kernel.
_CALLS = {
    "x86_64": (0xC000_003E, (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 25, 28, 202, 60, 231, 228, 318)),
    "aarch64": (
        0xC000_00B7,
        (63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 67, 216, 233, 98, 93, 94, 113, 278),
    ),
}
"""AUDIT_ARCH and the calls that are left, by machine."""

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent() -> None:
    """This process is killed when the one that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def give_up(*, memory_bytes_max: int, seconds_max: float) -> None:
    """From here on: no new file, socket, process or program; only what is open. Raises `OSError` if that fails."""
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes_max),
        (resource.RLIMIT_CPU, ceil(seconds_max)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    architecture, calls = _CALLS[platform.machine()]
    program = _filter(architecture, calls)
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header, len(header)))


def _filter(architecture: int, calls: tuple[int, ...]) -> bytes:
    """The calls by number, of this architecture only: x86-64 kernels know others' numbers as well."""
    checks = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        *((_JUMP_EQUAL, len(calls) - place, 0, number) for place, number in enumerate(calls)),
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *check) for check in checks)


def _prctl(option: int, *values: object) -> None:
    given = [*values, *[0] * (4 - len(values))]
    if _libc.prctl(option, *(ctypes.c_ulong(each) if isinstance(each, int) else each for each in given)) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
