"""Everything a studio stores: one SQLite database with one class per table, and files (blobs and packs)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.studio.store.artifacts import Artifacts
from ei_toolkit.studio.store.blobs import Blobs
from ei_toolkit.studio.store.blocks import Blocks
from ei_toolkit.studio.store.database import Database
from ei_toolkit.studio.store.devices import StoredDevices
from ei_toolkit.studio.store.jobs import Jobs
from ei_toolkit.studio.store.keys import Keys
from ei_toolkit.studio.store.originals import Originals, Recording
from ei_toolkit.studio.store.packs import ByteRange, Packs
from ei_toolkit.studio.store.projects import Projects
from ei_toolkit.studio.store.samples import Sample, Samples
from ei_toolkit.studio.store.versions import Versions


@dataclass(frozen=True)
class Store:
    """The database and the files of one data folder. The server and each job process open their own store."""

    database: Database
    blobs: Blobs
    packs: Packs
    projects: Projects
    keys: Keys
    samples: Samples
    originals: Originals
    blocks: Blocks
    jobs: Jobs
    artifacts: Artifacts
    devices: StoredDevices
    versions: Versions

    @classmethod
    def open(cls, data: Path) -> Store:
        """Open the store in a data folder; create it if the folder has none."""
        database, blobs = Database(data / "studio.sqlite"), Blobs(data)
        return cls(
            database, blobs, Packs(data / "packs", blobs.incoming), Projects(database), Keys(database),
            Samples(database), Originals(database), Blocks(database), Jobs(database), Artifacts(database),
            StoredDevices(database), Versions(database),
        )  # fmt: skip

    def byte_range(self, recording: Sample | Recording) -> ByteRange:
        """Return where the bytes of a recording are stored: in a pack or, for samples of old versions, in a blob."""
        path = self.packs.path(recording.pack) if recording.pack else self.blobs.path(recording.sha256)
        return ByteRange(path, recording.start, recording.size, recording.sha256)

    def close(self) -> None:
        """Close the database."""
        self.database.close()
