"""The server of a data folder: whether one runs, and whether it answers; and how to stop it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.studio import lock

ANSWER_S = 5.0
SETTLE_S = 5.0  # a server that just begins or ends holds its folder and does not answer
STOP_S = 20.0
KILL_S = 5.0


@dataclass(frozen=True)
class Status:
    """A running server."""

    pid: int
    api_url: str
    ingestion_url: str
    version: str


@dataclass(frozen=True)
class Silent:
    """A process that holds a data folder and does not answer; `pid` is None where the system does not tell it."""

    data: Path
    pid: int | None

    def __str__(self) -> str:
        who = "a process" if self.pid is None else f"pid {self.pid}"
        return f"{who} holds {self.data} but does not answer"


def look(data: Path) -> Status | Silent | None:
    """What serves a data folder: a server that answers, one that does not, or none."""
    return status(data) or (Silent(data, holder(data)) if lock.is_held(_lock(data)) else None)


def settled(data: Path) -> Status | Silent | None:
    """The same, once a server that just begins or ends has had the time for it."""
    until = time.monotonic() + SETTLE_S
    while isinstance(found := look(data), Silent) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def status(data: Path) -> Status | None:
    """The server of a data folder if one runs and answers.

    Another folder's server may have got the port of one that was killed: only the holder of the lock counts.
    """
    found = said(data)
    if found is None or not _answers(found.api_url) or not lock.is_held(_lock(data)):
        return None
    return found if holder(data) in (None, found.pid) else None


def holder(data: Path) -> int | None:
    """The process that holds a data folder's lock; None if nobody does, or if the system does not tell who."""
    if lock.LOCKS.exists():
        return lock.holder_of(_lock(data))
    found = said(data)
    return found.pid if found and lock.is_held(_lock(data)) else None


def stop(data: Path, *, wait_s: float = STOP_S) -> bool:
    """Stop the server of a data folder, whether or not it answers; False if none runs.

    One that has not ended after `wait_s` seconds is killed. Raises ConfigurationError if it cannot be stopped.
    """
    if not lock.is_held(_lock(data)):
        return False
    pid = holder(data)
    _signal(data, pid, signal.SIGTERM)
    _signal(data, pid, signal.SIGCONT)  # a suspended process hears nothing else
    if not _let_go(data, wait_s) and holder(data) == pid:
        _signal(data, pid, signal.SIGKILL)
        if not _let_go(data, KILL_S):
            raise _unstoppable(Silent(data, pid), "it did not end when it was killed")
    return True


def said(data: Path) -> Status | None:
    """What server.json says, which a killed server leaves behind; None if it cannot be read."""
    try:
        told = json.loads((data / "server.json").read_text(encoding="utf-8"))
        host = f"[{told['host']}]" if ":" in told["host"] else told["host"]
        host = "127.0.0.1" if host == "0.0.0.0" else host
        found = Status(
            int(told["pid"]),
            f"http://{host}:{int(told['port'])}/v1",
            f"http://{host}:{int(told['ingestion_port'])}",
            str(told["version"]),
        )
    except (OSError, ValueError, LookupError, TypeError, OverflowError):
        return None
    return found if found.pid > 0 else None  # to kill, others are whole groups


def _signal(data: Path, pid: int | None, number: signal.Signals) -> None:
    if pid is None:
        if lock.is_held(_lock(data)):
            raise _unstoppable(Silent(data, pid), "the system does not tell which process it is")
        return
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except OSError as error:
        raise _unstoppable(Silent(data, pid), error.strerror or str(error)) from error


def _unstoppable(silent: Silent, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the studio of {silent.data} cannot be stopped",
        why=f"{f'pid {silent.pid}: ' if silent.pid else ''}{why}",
        hint="stop it where it was started, as the user who started it",
    )


def _let_go(data: Path, wait_s: float) -> bool:
    until = time.monotonic() + wait_s
    while held := lock.is_held(_lock(data)):
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    return not held


def _answers(api_url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
    try:
        with opener.open(f"{api_url}/api/projects/api-key-info", timeout=ANSWER_S):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except (OSError, ValueError, http.client.HTTPException):  # nobody, no address, something that speaks no http
        return False


def _lock(data: Path) -> Path:
    return data / "server.lock"
