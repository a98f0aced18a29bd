"""Linux and macOS. `ei_toolkit.system` gives these functions, or those of `windows` with the same names."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

assert sys.platform != "win32"

O_BINARY = 0
PR_SET_PDEATHSIG = 1  # option of prctl(2)
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2  # linux/falloc.h


def require_posix(what: str) -> None:
    """Do nothing: every part of eitk runs on Linux and macOS. On Windows this raises MissingToolError."""


def use_utf8_output() -> None:
    """Do nothing: the standard output has the encoding of the locale, or UTF-8 in the locale C."""


def is_serial_device(name: str) -> bool:
    """Whether a serial port can have this name: the path of an existing file, such as /dev/ttyACM0."""
    return Path(name).exists()


def probe_lock(descriptor: int) -> None:
    """Take a shared lock of an open file without waiting. Closing the file releases it.

    Raises BlockingIOError where another open file has the exclusive lock that `filelock` takes.
    """
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def lower_priority(niceness: int) -> None:
    """Add `niceness` (1 to 19) to the one of this process, which gives it a lower priority."""
    os.nice(niceness)


def limit_memory(added: int) -> None:
    """Limit the memory that this process may have in addition to its present one, in bytes. macOS has no such limit."""
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        present = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = present + added if hard == resource.RLIM_INFINITY else min(present + added, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def limit_process(largest_file_bytes: int, most_open_files: int) -> None:
    """Limit this process for ever: its files, no core file, and the memory that the machine has, as far as allowed."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, largest_file_bytes),
        (resource.RLIMIT_NOFILE, most_open_files),
        (resource.RLIMIT_DATA, memory),
    ):
        _, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (value, value))


def raise_descriptor_limit(wanted: int) -> int | None:
    """Raise the limit of open files to `wanted` as far as allowed; return the limit, None if there is none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return None if soft == resource.RLIM_INFINITY else soft


def read_at(descriptor: int, size: int, at: int) -> bytes:
    """Read up to `size` bytes at an offset of a file."""
    return os.pread(descriptor, size, at)


def write_at(descriptor: int, data: bytes | memoryview, at: int) -> int:
    """Write bytes at an offset of a file; return how many were written."""
    return os.pwrite(descriptor, data, at)


def release_range(descriptor: int, start: int, size: int) -> bool:
    """Release the disk space of a byte range, which then reads as zeros; False if the system does not support it."""
    # The C library of a 32-bit system has 64-bit offsets in another function.
    name = "fallocate" if ctypes.sizeof(ctypes.c_long) == 8 else "fallocate64"
    fallocate = getattr(ctypes.CDLL(None), name, None)  # macOS has none
    mode, offset = ctypes.c_int(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE), ctypes.c_int64(start)
    return fallocate is not None and fallocate(ctypes.c_int(descriptor), mode, offset, ctypes.c_int64(size)) == 0


def start_in_session(command: list[str], output: int) -> int:
    """Start a program in a session of its own, with its output in the file descriptor `output`; return its pid.

    The program continues to run when this process and its terminal end.
    """
    outputs = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), *outputs]
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)


def has_child_ended(pid: int) -> bool:
    """Whether a process that this one has started has ended. Its exit code is lost."""
    return os.waitpid(pid, os.WNOHANG) != (0, 0)


def continue_in_session() -> int | None:
    """Split this process: return None in the child, which has a session of its own, and its pid in the parent."""
    if child := os.fork():
        return child
    os.setsid()
    return None


def succeeds_in_child(action: Callable[[], None]) -> bool:
    """Return whether an action succeeds, by doing it in a child process. Only for processes with one thread."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def signal_process(pid: int, *, kill: bool = False) -> None:
    """Request a process to end, or kill it. A suspended process is continued, since it handles no other signal.

    Raises ProcessLookupError if there is no such process, and PermissionError if it is another user's.
    """
    for number in (signal.SIGKILL,) if kill else (signal.SIGTERM, signal.SIGCONT):
        os.kill(pid, number)


def signal_group(leader: int, *, kill: bool = False) -> None:
    """Request all processes of a process group to end, or kill them; do nothing if there are none."""
    try:
        os.killpg(leader, signal.SIGKILL if kill else signal.SIGTERM)
    except ProcessLookupError:
        return


def was_killed(exit_code: int) -> bool:
    """Whether the exit code is that of a process which was killed, for example because memory ran out."""
    return exit_code == -signal.SIGKILL


def end_with_parent() -> None:
    """Let Linux kill this process when its parent ends, however it ends. macOS has no such request."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
