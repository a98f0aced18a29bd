"""Who holds a lock file: whether anybody does, and which process."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ei_toolkit import __version__
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.file_lock import PROC_LOCKS, acquire_lock, is_locked, lock_owner
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.errors import ConfigurationError, CredentialError, MissingToolError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import new_secret
from ei_toolkit.studio.store.projects import Project

log = logging.getLogger("ei_toolkit.studio")


def ensure_own_key(data: Path, project_name: str) -> str:
    """The admin key of the project, both made if they are not there.

    A key that is lost or revoked is replaced by a new one of the same project. The key's file is written before the
    key is stored. Raises CredentialError if several projects could be meant.
    """
    file = secret_file(data)
    secret = read_secret(file)
    store = Store.open(data)
    try:
        key = store.keys.find(secret)
        if key is None:
            project, secret = _project_without_key(store, data, project_name), new_secret()
            write_secret(file, secret)
            store.keys.add(project.id, "eitk", "admin", secret, development=True)
        else:
            project = store.projects.get(key.project)
        _rename(store, project, project_name)
        return secret
    finally:
        store.close()


def _project_without_key(store: Store, data: Path, name: str) -> Project:
    """The project that a new key is for: the one of that name, else the only one, else a new one."""
    projects = store.projects.all()
    for candidates in ([project for project in projects if project.name == name], projects):
        if len(candidates) == 1:
            log.warning("the key in %s is lost or revoked: made a new one for project %d", data, candidates[0].id)
            return candidates[0]
    if projects:
        raise CredentialError(
            f"eitk has no key of its own in {data}, and {len(projects)} projects could be meant",
            hint=f"choose one of eitk studio projects: eitk studio keys add --project ID > {secret_file(data)}",
        )
    return store.projects.create(name)


def _rename(store: Store, project: Project, name: str) -> None:
    if project.name != name:
        store.projects.update(project.id, name=name, description=project.description, settings=project.settings)


def secret_file(data: Path) -> Path:
    """Where the admin key of a data folder's first project is kept, for its owner alone."""
    return data / "key"


def read_secret(file: Path) -> str:
    """The key in a file; empty if there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""


def write_secret(file: Path, secret: str) -> None:
    """Write a key into a file that only its owner can read."""
    write_bytes(file, secret.encode(), mode=0o600)


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
    return status(data) or (Silent(data, holder(data)) if is_locked(_lock(data)) else None)


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
    if found is None or not _answers(found.api_url) or not is_locked(_lock(data)):
        return None
    return found if holder(data) in (None, found.pid) else None


def holder(data: Path) -> int | None:
    """The process that holds a data folder's lock; None if nobody does, or if the system does not tell who."""
    if PROC_LOCKS.exists():
        return lock_owner(_lock(data))
    found = said(data)
    return found.pid if found and is_locked(_lock(data)) else None


def stop(data: Path, *, wait_s: float = STOP_S) -> bool:
    """Stop the server of a data folder, whether or not it answers; False if none runs.

    One that has not ended after `wait_s` seconds is killed. Raises ConfigurationError if it cannot be stopped.
    """
    if not is_locked(_lock(data)):
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
        if is_locked(_lock(data)):
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
    while held := is_locked(_lock(data)):
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


IDLE_S = 15 * 60.0
START_S = 60.0


@dataclass(frozen=True)
class LocalStudio:
    """How to reach a running studio. `api_url` ends in /v1, `ingestion_url` is a host root, as in the cloud."""

    api_url: str
    ingestion_url: str
    key: str = field(repr=False)
    pid: int


def ensure(
    paths: ProjectPaths, project_name: str, *, idle_s: float = IDLE_S, allow_scripts: bool = True
) -> LocalStudio:
    """The studio of a project's folder, running; its one project is called `project_name`.

    Its data is in `.eitk/studio/`, its admin key in a file there that only its owner can read. It ends by itself
    after `idle_s` seconds without a request and without a job. Raises ConfigurationError if the folder cannot be used
    or is held by a process that does not answer, CredentialError if the key is lost and cannot be replaced.
    """
    require_engine()
    data = paths.studio
    with usable(data), acquire_lock(data / "launch.lock", wait=True):
        running = settled(data)
        if isinstance(running, Silent):
            raise ConfigurationError(
                "the local studio cannot be used", why=str(running), hint="eitk studio stop ends it"
            )
        if running is not None and running.version != __version__:  # an update came between
            stop(data)
            running = None
        key = ensure_own_key(data, project_name)  # the first to open the store: brings it up to date
        if running is None:
            running = _start(data, idle_s, allow_scripts)
    return LocalStudio(running.api_url, running.ingestion_url, key, running.pid)


@contextmanager
def usable(data: Path) -> Iterator[None]:
    """Make a data folder that is not there; raises ConfigurationError for what the system refuses to do in it."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{data} cannot be used as a data folder",
            why=error.strerror or str(error),
            hint="it has to be a folder that you may write to",
        ) from error


def _start(data: Path, idle_s: float, allow_scripts: bool) -> Status:
    flags = ["--port", "0", "--ingestion-port", "0", "--idle", str(idle_s)]
    flags += ["--allow-scripts"] if allow_scripts else []
    pid = spawn_server(data, flags)
    until = time.monotonic() + START_S
    while time.monotonic() < until and os.waitpid(pid, os.WNOHANG) == (0, 0):
        told = said(data)  # an older file may still be there
        if told and told.pid == pid and (running := status(data)):
            return running
        time.sleep(0.05)
    if running := status(data):  # somebody else's server was faster
        return running
    raise ConfigurationError(
        "the local studio could not be started",
        why=_last_line(data / "server.log") or "it did not answer in time",
        hint=f"see {data / 'server.log'}",
    )


def spawn_server(data: Path, flags: list[str]) -> int:
    """Start a server process in a session of its own, its output in `server.log`; returns its pid."""
    log = os.open(data / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    command = [sys.executable, "-P", "-m", "ei_toolkit.studio.server", str(data.resolve()), *flags]
    try:
        outputs = [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), *outputs]
        return os.posix_spawn(sys.executable, command, os.environ, file_actions=actions, setsid=True)
    finally:
        os.close(log)


def require_engine() -> None:
    """Raise MissingToolError where the packages of the extra `local` are not installed."""
    from importlib.util import find_spec

    missing = [name for name in ("fastapi", "uvicorn", "python_multipart", "tensorflow") if find_spec(name) is None]
    if missing:
        raise MissingToolError(
            "the local studio is not installed",
            why=f"missing: {', '.join(missing)}",
            hint="pip install 'eitk[local]', or set [studio] url and EI_API_KEY to use the cloud",
        )


def _last_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
