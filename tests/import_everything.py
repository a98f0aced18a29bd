"""Imports every module of the package as on Windows: without the modules and the names that only POSIX systems have.

The packages of others are imported first, as on this system. Run by test_systems.py in a process of its own; it prints
the number of modules as JSON.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pkgutil
import signal
import sys
import types

import ei_toolkit

POSIX_MODULES = ("fcntl", "termios", "tty", "pty", "pwd", "grp", "resource", "posix")
POSIX_NAMES = {
    os: ("fork", "setsid", "killpg", "getuid", "geteuid", "getegid", "nice", "sysconf", "pread", "pwrite", "getpgid",
         "posix_spawn", "POSIX_SPAWN_OPEN", "WNOHANG", "O_CLOEXEC", "O_PATH", "sched_getaffinity", "mkfifo", "statvfs"),
    signal: ("SIGKILL", "SIGCONT", "SIGHUP", "SIGUSR1", "SIGALRM", "SIGSTOP", "SIGWINCH"),
}  # fmt: skip


def import_all() -> int:
    names = [
        found.name
        for found in pkgutil.walk_packages(ei_toolkit.__path__, "ei_toolkit.")
        if not found.name.endswith(("__main__", "system.posix", "system.windows"))
    ]
    for name in names:
        importlib.import_module(name)
    return len(names)


def become_windows() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "ei_toolkit"]:
        del sys.modules[name]
    for name in POSIX_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # an import raises ImportError
    for module, names in POSIX_NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    os.O_BINARY = 0x8000  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = types.ModuleType("msvcrt")
    ctypes.WinDLL = None  # type: ignore[attr-defined]
    sys.platform = "win32"


if __name__ == "__main__":
    before = import_all()
    become_windows()
    print(json.dumps({"before": before, "as_on_windows": import_all()}))
    sys.stdout.flush()
    os._exit(0)  # the functions that libraries registered for the end find no POSIX system any more
