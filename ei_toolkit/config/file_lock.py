"""Lock files between processes: take one with or without waiting, ask whether one is held, and by which process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.system import probe_lock

PROC_LOCKS = Path("/proc/locks")  # Linux only; other systems do not list the owners of locks
PRIVATE = 0o600


@contextmanager
def acquire_lock(file: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of `file` for the block; it is released at the end of the block or of the process.

    The file is created where it does not exist. Raises BlockingIOError where another process, or another block of this
    process, holds the lock, unless `wait` is set.
    """
    lock = FileLock(file, timeout=-1 if wait else 0, mode=PRIVATE)
    try:
        lock.acquire()
    except Timeout:
        raise BlockingIOError(f"{file} is locked by another process") from None
    try:
        yield
    finally:
        lock.release()


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock of `file`. A file that does not exist is not locked, and is not created.

    filelock has exclusive locks only. Here a shared one is tried, so two processes that ask at once do not take each
    other for the owner. Raises ConfigurationError where the file cannot be read.
    """
    try:
        with file.open("rb") as stream:
            probe_lock(stream.fileno())
            return False
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read",
            why=error.strerror or str(error),
            hint="Run the command as the user who started the process that uses this folder.",
        ) from error


def lock_owner(file: Path) -> int | None:
    """The process that holds the lock of `file`; None if no process does, or if the system does not list the owner."""
    if not PROC_LOCKS.exists() or not is_locked(file):
        return None
    return next((pid for pid in _exclusive_owners(file.stat().st_ino) if _has_open(pid, file)), None)


def _exclusive_owners(inode: int) -> Iterator[int]:
    """Processes with an exclusive lock on a file with this inode number, on any file system."""
    for line in PROC_LOCKS.read_text(encoding="ascii").splitlines():
        fields = line.split()  # 1: FLOCK ADVISORY WRITE pid device:inode from to
        if fields[3] == "WRITE" and fields[5].endswith(f":{inode}"):
            yield int(fields[4])


def _has_open(pid: int, file: Path) -> bool:
    try:
        return any(_is_same(descriptor, file) for descriptor in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _is_same(descriptor: Path, file: Path) -> bool:
    try:
        return descriptor.samefile(file)
    except OSError:  # the descriptor was closed in the meantime
        return False
