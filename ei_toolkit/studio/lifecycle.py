"""Start, find and stop the server of a data folder, and keep the key that eitk itself uses."""

from __future__ import annotations

import http.client
import json
import logging
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

from ei_toolkit import __version__
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.file_lock import PROC_LOCKS, acquire_lock, is_locked, lock_owner
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.errors import ConfigurationError, CredentialError, MissingToolError
from ei_toolkit.studio.options import Options, RunningServer
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import new_secret
from ei_toolkit.studio.store.projects import Project
from ei_toolkit.system import has_child_ended, require_posix, signal_process, start_in_session

log = logging.getLogger("ei_toolkit.studio")
RESPONSE_TIMEOUT_S = 5.0
TRANSITION_TIMEOUT_S = 5.0  # a server that starts or stops holds the lock of its folder and does not respond
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
KILL_TIMEOUT_S = 5.0
IDLE_TIMEOUT_S = 15 * 60.0


@dataclass(frozen=True)
class LocalStudio:
    """How to reach a running studio. `api_url` ends in /v1, the other addresses are host roots, as in the cloud."""

    api_url: str
    ingestion_url: str
    key: str = field(repr=False)
    pid: int
    remote_management_url: str = ""


@dataclass(frozen=True)
class UnresponsiveServer:
    """A process that holds the lock of a data folder and does not respond; `pid` is None if it is not known."""

    data: Path
    pid: int | None

    def __str__(self) -> str:
        process = "a process" if self.pid is None else f"pid {self.pid}"
        return f"{process} holds the lock of {self.data} but does not respond"


def ensure(
    paths: ProjectPaths, project_name: str, *, idle_s: float = IDLE_TIMEOUT_S, allow_scripts: bool = True
) -> LocalStudio:
    """Return the running studio of a project's folder, and start it if none runs.

    The data is in `.eitk/studio/`, with the admin key of the project `project_name` in a file that only its owner can
    read. The studio stops after `idle_s` seconds without a request and without a job. Raises ConfigurationError if the
    folder cannot be used, or if the process that serves it does not respond, and CredentialError if the key is lost and
    cannot be replaced.
    """
    require_engine()
    data = paths.studio
    with data_folder(data), acquire_lock(data / "launch.lock", wait=True):
        running = find_server(data, wait_s=TRANSITION_TIMEOUT_S)
        if isinstance(running, UnresponsiveServer):
            raise ConfigurationError(
                "the local studio cannot be used", why=str(running), hint="stop it with eitk studio stop"
            )
        if running is not None and running.version != __version__:  # eitk was updated while the studio was running
            stop(data)
            running = None
        key = ensure_own_key(data, project_name)  # it opens the store first, which migrates the database
        if running is None:
            running = _start(data, idle_s, allow_scripts)
    return LocalStudio(
        running.api_url, running.ingestion_url, key, running.pid, running.remote_management_url
    )  # fmt: skip


def find_server(data: Path, *, wait_s: float = 0.0) -> RunningServer | UnresponsiveServer | None:
    """Return the server of a data folder, whether it responds or not; None if none runs.

    A server that starts or stops does not respond: wait up to `wait_s` seconds until it does or has stopped.
    """
    until = time.monotonic() + wait_s
    while True:
        if found := status(data):
            return found
        if not is_locked(Options(data).lock):
            return None
        if time.monotonic() >= until:
            return UnresponsiveServer(data, server_pid(data))
        time.sleep(0.1)


def status(data: Path) -> RunningServer | None:
    """Return the server of a data folder if one runs and responds.

    The server of another folder may use the port of a server that was killed, so the owner of the lock is compared.
    """
    found = RunningServer.read(data)
    if found is None or not _responds(found.api_url) or not is_locked(Options(data).lock):
        return None
    return found if server_pid(data) in (None, found.pid) else None


def sign_in_url(running: RunningServer, secret: str, settings: str = "") -> str:
    """Return the address of the studio's pages that signs a browser in, once and within a minute.

    The token is behind `#`, so that it is in no request and in no log. `settings` are the project's as JSON, for the
    pages (`browser_settings`). Raises CredentialError for a key that the studio
    does not accept, and ConfigurationError if the studio does not respond.
    """
    address = f"{running.api_url.removesuffix('/v1')}/session/tokens"
    request = urllib.request.Request(address, method="POST", headers={"x-api-key": secret})
    try:
        with _opener().open(request, timeout=RESPONSE_TIMEOUT_S) as response:
            token = json.load(response)["token"]
    except urllib.error.HTTPError as error:
        raise CredentialError(
            "the studio does not accept the key", why=f"status {error.code}", hint="add one with eitk studio keys add"
        ) from error
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        raise ConfigurationError(
            "the studio does not respond", why=str(error), hint="see eitk studio status"
        ) from error
    return f"{running.web_url}#{urlencode({'token': token} | ({'settings': settings} if settings else {}))}"


def server_pid(data: Path) -> int | None:
    """Return the process that holds the lock of a data folder; None if there is none or the system does not list it."""
    lock = Options(data).lock
    if PROC_LOCKS.exists():
        return lock_owner(lock)
    found = RunningServer.read(data)
    return found.pid if found and is_locked(lock) else None


def stop(data: Path, *, wait_s: float = STOP_TIMEOUT_S) -> bool:
    """Stop the server of a data folder, whether or not it responds; False if none runs.

    A server that has not stopped after `wait_s` seconds is killed. Raises ConfigurationError if it cannot be stopped.
    """
    if not is_locked(Options(data).lock):
        return False
    pid = server_pid(data)
    _signal(data, pid)
    if not _is_unlocked(data, wait_s) and server_pid(data) == pid:
        _signal(data, pid, kill=True)
        if not _is_unlocked(data, KILL_TIMEOUT_S):
            raise _stop_error(data, pid, "the process still runs after SIGKILL")
    return True


@contextmanager
def data_folder(data: Path) -> Iterator[None]:
    """Create a data folder if it does not exist. Raises ConfigurationError for an OSError of the block."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{data} cannot be used as a data folder",
            why=error.strerror or str(error),
            hint="name a folder that you may write to",
        ) from error


def spawn_server(data: Path, flags: list[str]) -> int:
    """Start a server process in a new session with its output in `server.log`; return its pid."""
    log_file = os.open(Options(data).log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    command = [sys.executable, "-P", "-m", "ei_toolkit.studio.server", str(data.resolve()), *flags]
    try:
        return start_in_session(command, log_file)
    finally:
        os.close(log_file)


def require_engine() -> None:
    """Raise MissingToolError on Windows, or if a package of the extra `local` is not installed."""
    require_posix("the local studio")
    packages = ("fastapi", "pydantic", "uvicorn", "python_multipart", "tensorflow")
    if missing := [name for name in packages if find_spec(name) is None]:
        raise MissingToolError(
            "the local studio is not installed",
            why=f"missing: {', '.join(missing)}",
            hint="pip install 'eitk[local]', or set [studio] url and EI_API_KEY to use the cloud",
        )


def ensure_own_key(data: Path, project_name: str) -> str:
    """Return the admin key of the project, and create key and project if they do not exist.

    A key that is lost or revoked is replaced by a new one of the same project. The file of the key is written before
    the key is stored. Raises CredentialError if it is not clear which project the new key is for.
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
        if project.name != project_name:
            store.projects.update(
                project.id, name=project_name, description=project.description, settings=project.settings
            )
        return secret
    finally:
        store.close()


def secret_file(data: Path) -> Path:
    """Return the file of the admin key that eitk uses; only its owner can read it."""
    return data / "key"


def read_secret(file: Path) -> str:
    """Return the key in a file; an empty text if there is no file."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""


def write_secret(file: Path, secret: str) -> None:
    """Write a key into a file that only its owner can read."""
    write_bytes(file, secret.encode(), mode=0o600)


def _start(data: Path, idle_s: float, allow_scripts: bool) -> RunningServer:
    flags = ["--port", "0", "--ingestion-port", "0", "--idle", str(idle_s)]
    flags += ["--allow-scripts"] if allow_scripts else []
    pid = spawn_server(data, flags)
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until and not has_child_ended(pid):
        record = RunningServer.read(data)  # an earlier server may have left one
        if record and record.pid == pid and (running := status(data)):
            return running
        time.sleep(0.05)
    if running := status(data):  # another process has started a server in the meantime
        return running
    raise ConfigurationError(
        "the local studio could not be started",
        why=_last_line(Options(data).log) or f"it did not respond within {START_TIMEOUT_S:.0f} s",
        hint=f"see {Options(data).log}",
    )


def _last_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _responds(api_url: str) -> bool:
    try:
        with _opener().open(f"{api_url}/api/projects/api-key-info", timeout=RESPONSE_TIMEOUT_S):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except (OSError, ValueError, http.client.HTTPException):  # no server, an invalid address, or not HTTP
        return False


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy for the loopback address


def _signal(data: Path, pid: int | None, *, kill: bool = False) -> None:
    if pid is None:
        if is_locked(Options(data).lock):
            raise _stop_error(data, pid, "the system does not list the process that holds its lock")
        return
    try:
        signal_process(pid, kill=kill)
    except ProcessLookupError:
        return
    except OSError as error:
        raise _stop_error(data, pid, error.strerror or str(error)) from error


def _stop_error(data: Path, pid: int | None, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the studio of {data} cannot be stopped",
        why=f"pid {pid}: {why}" if pid else why,
        hint="stop it as the user who started it",
    )


def _is_unlocked(data: Path, wait_s: float) -> bool:
    """Wait up to `wait_s` seconds until the lock of a data folder is released."""
    until = time.monotonic() + wait_s
    while locked := is_locked(Options(data).lock):
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    return not locked


def _project_without_key(store: Store, data: Path, name: str) -> Project:
    """Return the project that a new key is for: the one with that name, else the only one, else a new one."""
    projects = store.projects.all()
    for candidates in ([project for project in projects if project.name == name], projects):
        if len(candidates) == 1:
            log.warning("the key in %s is lost or revoked: added a new one for project %d", data, candidates[0].id)
            return candidates[0]
    if projects:
        raise CredentialError(
            f"{data} has no key for eitk, and {len(projects)} projects but none named {name!r}",
            hint=f"choose one of eitk studio projects: eitk studio keys add --project ID > {secret_file(data)}",
        )
    return store.projects.create(name)
