"""A studio on demand: find the one that serves a folder, or start it, and stop it."""

from __future__ import annotations

import fcntl
import json
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
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.errors import ConfigurationError, MissingToolError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import new_secret

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
    after `idle_s` seconds without a request and without a job.
    """
    require_engine()
    data = paths.studio
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(data / "launch.lock"):
        key = _prepare(data, project_name)
        running = status(data)
        if running is not None and running.version != __version__:  # an update came between
            stop(data)
            running = None
        if running is None:
            running = _start(data, idle_s, allow_scripts)
    return LocalStudio(running.api_url, running.ingestion_url, key, running.pid)


@dataclass(frozen=True)
class Status:
    """A running server."""

    pid: int
    api_url: str
    ingestion_url: str
    version: str


def status(data: Path) -> Status | None:
    """The server of a data folder if one runs and answers."""
    try:
        said = json.loads((data / "server.json").read_text(encoding="utf-8"))
        host = f"[{said['host']}]" if ":" in said["host"] else said["host"]
        host = "127.0.0.1" if host == "0.0.0.0" else host
        found = Status(
            int(said["pid"]),
            f"http://{host}:{said['port']}/v1",
            f"http://{host}:{said['ingestion_port']}",
            said["version"],
        )
    except (OSError, ValueError, KeyError):
        return None
    return found if _answers(found.api_url) else None


def stop(data: Path, *, wait_s: float = 20.0) -> bool:
    """Stop the server of a data folder; False if none runs."""
    running = status(data)
    if running is None:
        return False
    os.kill(running.pid, signal.SIGTERM)
    until = time.monotonic() + wait_s
    while _is_held(data / "server.lock") and time.monotonic() < until:
        time.sleep(0.02)
    return True


def _prepare(data: Path, project_name: str) -> str:
    """Make the project and its key if they are not there; the key's file is written before the key is stored."""
    file = secret_file(data)
    if not file.exists():
        write_secret(file, new_secret())
    secret = file.read_text(encoding="utf-8").strip()
    store = Store.open(data)
    try:
        key = store.keys.find(secret)
        if key is None:
            project = store.projects.create(project_name)
            store.keys.add(project.id, "eitk", "admin", secret, development=True)
            return secret
        project = store.projects.get(key.project)
        if project.name != project_name:
            store.projects.update(
                project.id, name=project_name, description=project.description, settings=project.settings
            )
        return secret
    finally:
        store.close()


def secret_file(data: Path) -> Path:
    """Where the admin key of a data folder's first project is kept, for its owner alone."""
    return data / "key"


def write_secret(file: Path, secret: str) -> None:
    """Write a key into a file that only its owner can read."""
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(secret)
    part.replace(file)


def _start(data: Path, idle_s: float, allow_scripts: bool) -> Status:
    flags = ["--port", "0", "--ingestion-port", "0", "--idle", str(idle_s)]
    flags += ["--allow-scripts"] if allow_scripts else []
    pid = spawn_server(data, flags)
    until = time.monotonic() + START_S
    while time.monotonic() < until and os.waitpid(pid, os.WNOHANG) == (0, 0):
        if running := status(data):
            return running
        time.sleep(0.05)
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


def _answers(api_url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
    try:
        with opener.open(f"{api_url}/api/projects/api-key-info", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False


def _last_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _is_held(lock: Path) -> bool:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
