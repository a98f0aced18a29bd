"""How one studio is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

API_PORT, INGESTION_PORT = 4800, 4810  # where the official clients look for a local studio


@dataclass(frozen=True)
class Options:
    """What `eitk studio serve` was asked for. `idle_s` = 0 means never stop by itself."""

    data: Path
    host: str = "127.0.0.1"
    port: int = API_PORT
    ingestion_port: int = INGESTION_PORT
    jobs_per_project: int = 1
    job_limit_s: float = 3600.0
    allow_scripts: bool = False
    idle_s: float = 0.0

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "studio.sqlite"

    @property
    def logs(self) -> Path:
        """Folder of job logs."""
        return self.data / "logs"

    @property
    def running(self) -> Path:
        """Who serves this folder now: pid, addresses, version."""
        return self.data / "server.json"

    @property
    def lock(self) -> Path:
        """Held by the one process that serves this folder."""
        return self.data / "server.lock"
