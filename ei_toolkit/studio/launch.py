"""A studio on demand: find the one that serves a folder, or start it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ei_toolkit import __version__
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.errors import ConfigurationError, MissingToolError
from ei_toolkit.studio.lock import alone
from ei_toolkit.studio.own_key import own_key
from ei_toolkit.studio.running import Silent, Status, said, settled, status, stop

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
    with usable(data), alone(data / "launch.lock"):
        running = settled(data)
        if isinstance(running, Silent):
            raise ConfigurationError(
                "the local studio cannot be used", why=str(running), hint="eitk studio stop ends it"
            )
        if running is not None and running.version != __version__:  # an update came between
            stop(data)
            running = None
        key = own_key(data, project_name)  # the first to open the store: brings it up to date
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
