"""Everything a studio stores: one SQLite database with one class per table, and files (blobs and packs)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.studio.store.artifacts import Artifacts
from ei_toolkit.studio.store.blobs import Blobs
from ei_toolkit.studio.store.blocks import Blocks
from ei_toolkit.studio.store.database import Database
from ei_toolkit.studio.store.jobs import Jobs
from ei_toolkit.studio.store.keys import Keys
from ei_toolkit.studio.store.packs import ByteRange, Packs
from ei_toolkit.studio.store.projects import Projects
from ei_toolkit.studio.store.samples import Sample, Samples


@dataclass(frozen=True)
class Store:
    """The database and the files of one data folder. The server and each job process open their own store."""

    database: Database
    blobs: Blobs
    packs: Packs
    projects: Projects
    keys: Keys
    samples: Samples
    blocks: Blocks
    jobs: Jobs
    artifacts: Artifacts

    @classmethod
    def open(cls, data: Path) -> Store:
        """Open the store in a data folder; create it if the folder has none."""
        database, blobs = Database(data / "studio.sqlite"), Blobs(data)
        return cls(
            database, blobs, Packs(data / "packs", blobs.incoming), Projects(database), Keys(database),
            Samples(database), Blocks(database), Jobs(database), Artifacts(database),
        )  # fmt: skip

    def byte_range(self, sample: Sample) -> ByteRange:
        """Return where the bytes of a sample are stored: in a pack or, for samples of old versions, in a blob."""
        path = self.packs.path(sample.pack) if sample.pack else self.blobs.path(sample.sha256)
        return ByteRange(path, sample.start, sample.size, sample.sha256)

    def close(self) -> None:
        """Close the database."""
        self.database.close()
