"""Confines job processes and the compute worker, which read foreign data and, if scripts are allowed, run foreign code.

`python -m ei_toolkit.studio.jobs.confinement WRITABLE SCRATCH COMMAND...` confines itself and becomes COMMAND. It
writes only below WRITABLE and SCRATCH, has no network, gains no rights, sends no signals to other processes, and has
limits of memory, file size and open files. SCRATCH is its temporary folder; both may be empty. It can read all files.

All of this works without special rights, but depends on the system: file and signal rules on Landlock (Linux 5.13 with
the security module enabled), the missing network on network namespaces or, for TCP only, on Landlock of Linux 6.7. What
is not available is left out; `eitk doctor` shows it.

Only the standard library and `ei_toolkit.system` are imported, so that no thread exists that the rules would not
apply to.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ei_toolkit.system import limit_process, succeeds_in_child

LARGEST_FILE_BYTES = 16 * 2**30
MOST_OPEN_FILES = 4096
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")  # files outside of the folders that may be written to
O_PATH = 0o10000000  # open(2)
PR_SET_NO_NEW_PRIVS = 38  # prctl(2)
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # unshare(2)
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls of landlock(7), equal on all architectures
RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
WRITES = WRITE_FILE | sum(1 << bit for bit in range(4, 13))  # remove and make files and folders of every kind
REFER = 1 << 13  # move between folders; since version 2
TCP, LANDLOCK_WITH_TCP = 0b11, 4  # bind and connect; the version that knows them
SCOPES = 0b11  # abstract UNIX sockets and signals; since version 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confined_command(command: Sequence[str], *, writable: Path | None = None, scratch: Path | None = None) -> list[str]:
    """Return the command that runs another one confined."""
    folders = [str(folder) if folder else "" for folder in (writable, scratch)]
    return [sys.executable, "-P", "-m", "ei_toolkit.studio.jobs.confinement", *folders, *command]


def landlock_version() -> int:
    """Return the version of Landlock that the system has; 0 if it has none."""
    found = 0
    if sys.platform == "linux":
        found = int(_libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), RULESET_VERSION))
    return max(0, found)


def network_can_be_removed() -> bool:
    """Return whether this user may create a network namespace; tried in another process."""
    program = "from ei_toolkit.studio.jobs.confinement import _enter_network_namespace as enter; enter()"
    command = [sys.executable, "-P", "-c", program]
    return sys.platform == "linux" and subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def confine(writable: Sequence[Path]) -> None:
    """Confine this process, as far as the system allows, for ever."""
    limit_process(LARGEST_FILE_BYTES, MOST_OPEN_FILES)
    if sys.platform == "linux":
        _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if succeeds_in_child(_enter_network_namespace):  # a half-entered user namespace could create no files
            with suppress(OSError):
                _enter_network_namespace()
        with suppress(OSError):
            _restrict_files(writable, landlock_version())


def _enter_network_namespace() -> None:
    """Leave the network. Raises OSError. Other users than root need a user namespace, in which they keep their id."""
    if sys.platform == "linux":
        user, group = os.geteuid(), os.getegid()
        if user == 0:
            _check(_libc().unshare(CLONE_NEWNET))
            return
        _check(_libc().unshare(CLONE_NEWUSER | CLONE_NEWNET))
        for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path("/proc/self", name).write_text(line, encoding="ascii")


def _restrict_files(writable: Sequence[Path], version: int) -> None:
    """Allow writing below the folders only; newer versions also exclude TCP and signals to others. Raises OSError."""
    if not version:
        return
    writes = WRITES | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    ruleset = _Ruleset(writes, TCP if version >= LANDLOCK_WITH_TCP else 0, SCOPES if version >= 6 else 0)
    size = 8 if version < LANDLOCK_WITH_TCP else 16 if version < 6 else 24
    rules = _check(_libc().syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0))
    try:
        of_file = WRITE_FILE | (writes & TRUNCATE)
        for path, allowed in (*((p, writes) for p in writable), *((Path(d), of_file) for d in DEVICES)):
            if path.exists():
                with _opened(path) as parent:
                    rule = _PathBeneath(allowed, parent)
                    _check(_libc().syscall(ADD_RULE, rules, RULE_PATH_BENEATH, ctypes.byref(rule), 0))
        _check(_libc().syscall(RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, O_PATH)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def main(arguments: list[str]) -> None:
    """Confine this process and become the command."""
    writable, scratch = (Path(folder) if folder else None for folder in arguments[:2])
    if scratch is not None:
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["TMPDIR"] = str(scratch)
    confine([folder for folder in (writable, scratch) if folder is not None])
    os.execv(arguments[2], arguments[2:])


if __name__ == "__main__":
    main(sys.argv[1:])
