"""How one studio is run: its options, the files of its data folder, and the record of its running server."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit import __version__
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.project import STUDIO_LOCK_NAME

API_PORT, INGESTION_PORT, REMOTE_MANAGEMENT_PORT = 4800, 4810, 4802  # where the official clients expect a local studio
ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses to listen on that are not addresses to connect to, and the loopback address for each."""


@dataclass(frozen=True)
class Options:
    """Options of `eitk studio serve`. `idle_s` = 0: the studio does not stop by itself.

    Without `remote_management_port` it is REMOTE_MANAGEMENT_PORT, or a free port where the API has another one as well.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = API_PORT
    ingestion_port: int = INGESTION_PORT
    jobs_per_project: int = 1
    job_limit_s: float = 3600.0
    allow_scripts: bool = False
    idle_s: float = 0.0
    remote_management_port: int | None = None

    @property
    def port_of_devices(self) -> int:
        """The port of the remote management to bind; 0 means a free one."""
        if self.remote_management_port is not None:
            return self.remote_management_port
        return REMOTE_MANAGEMENT_PORT if self.port == API_PORT else 0

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "studio.sqlite"

    @property
    def logs(self) -> Path:
        """The folder of job logs."""
        return self.data / "logs"

    @property
    def log(self) -> Path:
        """The log of the server process."""
        return self.data / "server.log"

    @property
    def running(self) -> Path:
        """The record of the process that serves this folder, a `RunningServer`."""
        return self.data / "server.json"

    @property
    def lock(self) -> Path:
        """The lock file of the process that serves this folder."""
        return self.data / STUDIO_LOCK_NAME


@dataclass(frozen=True)
class RunningServer:
    """The process that serves a data folder, as `server.json` records it.

    `remote_management_port` is 0 in the record of a version that had no remote management.
    """

    pid: int
    host: str
    port: int
    ingestion_port: int
    version: str = __version__
    remote_management_port: int = 0

    @classmethod
    def read(cls, data: Path) -> RunningServer | None:
        """Return the record in a data folder; None if there is none, or it is invalid. A killed server leaves it."""
        try:
            record = json.loads(Options(data).running.read_text(encoding="utf-8"))
            found = cls(
                int(record["pid"]),
                str(record["host"]),
                int(record["port"]),
                int(record["ingestion_port"]),
                str(record["version"]),
                int(record.get("remote_management_port", 0)),
            )
        except (OSError, ValueError, LookupError, TypeError, OverflowError):
            return None
        return found if found.pid > 0 else None  # os.kill sends a signal to a whole process group for other numbers

    def write(self, data: Path) -> None:
        """Write the record into a data folder."""
        write_text(Options(data).running, json.dumps(asdict(self)))

    @property
    def api_url(self) -> str:
        """Address of the API, which ends in /v1."""
        return f"http://{self._url_host}:{self.port}/v1"

    @property
    def web_url(self) -> str:
        """Address of the studio's pages for browsers."""
        return f"http://{self._url_host}:{self.port}/studio"

    @property
    def ingestion_url(self) -> str:
        """Address of the ingestion service, a host root."""
        return f"http://{self._url_host}:{self.ingestion_port}"

    @property
    def remote_management_url(self) -> str:
        """Address of the WebSocket of devices."""
        return f"ws://{self._url_host}:{self.remote_management_port}"

    @property
    def _url_host(self) -> str:
        host = ALL_ADDRESSES.get(self.host, self.host)
        return f"[{host}]" if ":" in host else host
