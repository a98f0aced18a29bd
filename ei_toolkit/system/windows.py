"""Windows. `ei_toolkit.system` gives these functions, or those of `posix` with the same names.

The functions that only virtual boards and the local studio use raise MissingToolError.
"""

from __future__ import annotations

import ctypes
import msvcrt
import os
import re
import sys
from collections.abc import Callable
from ctypes import wintypes

from ei_toolkit.errors import MissingToolError

assert sys.platform == "win32"

O_BINARY = os.O_BINARY
COM_PORT = re.compile(r"(\\\\\.\\)?COM[1-9]\d*", re.IGNORECASE)
LOCKFILE_FAIL_IMMEDIATELY = 1  # flag of LockFileEx; without LOCKFILE_EXCLUSIVE_LOCK the lock is a shared one
ERROR_LOCK_VIOLATION = 33
OVERLAPPED_BYTES = 32
BELOW_NORMAL_PRIORITY_CLASS = 0x4000
THIS_PROCESS = -1


def require_posix(what: str) -> None:
    """Raise MissingToolError for a part of eitk that runs on Linux and macOS only, such as a virtual board."""
    raise _posix_only(what)


def use_utf8_output() -> None:
    """Write UTF-8 to pipes and files. The default is a code page, which lacks most letters; a console has Unicode."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.isatty() and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")


def is_serial_device(name: str) -> bool:
    """Whether a serial port can have this name, such as COM3. One that does not exist fails when it is opened."""
    return COM_PORT.fullmatch(name) is not None


def probe_lock(descriptor: int) -> None:
    """Take a shared lock of an open file without waiting. Closing the file releases it.

    Raises BlockingIOError where another open file has the exclusive lock that `filelock` takes.
    """
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    handle = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor))
    overlapped = ctypes.create_string_buffer(OVERLAPPED_BYTES)  # the lock is of the first byte, as that of filelock
    if not kernel.LockFileEx(handle, LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, ctypes.byref(overlapped)):
        number = ctypes.get_last_error()
        if number == ERROR_LOCK_VIOLATION:
            raise BlockingIOError("the file is locked by another process")
        raise ctypes.WinError(number)


def lower_priority(niceness: int) -> None:
    """Give this process the priority below the normal one, for every `niceness`."""
    kernel = ctypes.WinDLL("kernel32")
    kernel.SetPriorityClass(wintypes.HANDLE(THIS_PROCESS), BELOW_NORMAL_PRIORITY_CLASS)


def limit_memory(added: int) -> None:
    """Do nothing: Windows limits the memory of a process only in a job object."""


def limit_process(largest_file_bytes: int, most_open_files: int) -> None:
    """Do nothing, as `limit_memory`."""


def raise_descriptor_limit(wanted: int) -> int | None:
    """Return None: Windows has no limit of open files that matters here."""
    return None


def read_at(descriptor: int, size: int, at: int) -> bytes:
    """Read up to `size` bytes at an offset of a file, and move the position of the file."""
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.read(descriptor, size)


def write_at(descriptor: int, data: bytes | memoryview, at: int) -> int:
    """Write bytes at an offset of a file, and move the position of the file; return how many were written."""
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.write(descriptor, data)


def release_range(descriptor: int, start: int, size: int) -> bool:
    """Return False: the disk space of a byte range is not released."""
    return False


def start_in_session(command: list[str], output: int) -> int:
    """Raise MissingToolError: there is no local studio."""
    raise _posix_only("this process")


def has_child_ended(pid: int) -> bool:
    """Raise MissingToolError: there is no local studio."""
    raise _posix_only("this process")


def continue_in_session() -> int | None:
    """Raise MissingToolError: there are no virtual boards."""
    raise _posix_only("this process")


def succeeds_in_child(action: Callable[[], None]) -> bool:
    """Raise MissingToolError: there is no local studio."""
    raise _posix_only("this process")


def signal_process(pid: int, *, kill: bool = False) -> None:
    """Raise MissingToolError: there are no virtual boards and no local studio."""
    raise _posix_only("this process")


def signal_group(leader: int, *, kill: bool = False) -> None:
    """Raise MissingToolError: there is no local studio."""
    raise _posix_only("this process")


def was_killed(exit_code: int) -> bool:
    """Return False: exit codes do not show who ended a process."""
    return False


def end_with_parent() -> None:
    """Raise MissingToolError: there are no virtual boards."""
    raise _posix_only("this process")


def _posix_only(what: str) -> MissingToolError:
    return MissingToolError(
        f"{what} does not run on Windows",
        why="it needs process groups, sockets and signals of POSIX",
        hint="Run eitk in the Windows Subsystem for Linux (wsl --install), or use the cloud and a board on USB.",
    )
