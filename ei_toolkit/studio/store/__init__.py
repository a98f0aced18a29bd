"""All state of a studio: one database, two kinds of files, one object a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.studio.store.artifacts import Artifacts
from ei_toolkit.studio.store.blobs import Blobs
from ei_toolkit.studio.store.blocks import Blocks
from ei_toolkit.studio.store.database import Database
from ei_toolkit.studio.store.jobs import Jobs
from ei_toolkit.studio.store.keys import Keys
from ei_toolkit.studio.store.packs import Packs, Place
from ei_toolkit.studio.store.projects import Projects
from ei_toolkit.studio.store.samples import Sample, Samples


@dataclass(frozen=True)
class Store:
    """Everything that is kept. The server and each job process open their own."""

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
        """The store in a data folder, made if it is not there."""
        database, blobs = Database(data / "studio.sqlite"), Blobs(data)
        return cls(
            database, blobs, Packs(data / "packs", blobs.incoming), Projects(database), Keys(database),
            Samples(database), Blocks(database), Jobs(database), Artifacts(database),
        )  # fmt: skip

    def place(self, sample: Sample) -> Place:
        """Where the bytes of a sample lie: in a pack, or, in the first studios, in a blob of their own."""
        path = self.packs.path(sample.pack) if sample.pack else self.blobs.path(sample.sha256)
        return Place(path, sample.start, sample.size, sample.sha256)

    def close(self) -> None:
        """Close the database."""
        self.database.close()
