"""Who holds a lock file: whether anybody does, and which process."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ei_toolkit.errors import ConfigurationError

LOCKS = Path("/proc/locks")  # Linux; elsewhere nobody tells who holds a lock


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock; a shared one is tried, so that two who ask are not in each other's way."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigurationError(
            f"{lock} cannot be read",
            why=error.strerror or str(error),
            hint="it belongs to the user who serves the folder",
        ) from error


def holder_of(lock: Path) -> int | None:
    """The process that holds a lock; None if nobody does, or if the system does not tell who (no LOCKS)."""
    if not LOCKS.exists() or not is_held(lock):
        return None
    return next((pid for pid in _owners(lock.stat().st_ino) if _has_open(pid, lock)), None)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold a lock, waiting for it; released at the end, or with the process."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _owners(inode: int) -> Iterator[int]:
    """Processes with an exclusive lock on a file of this number, on any file system."""
    for line in LOCKS.read_text(encoding="ascii").splitlines():
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
    except OSError:  # it was closed meanwhile
        return False
