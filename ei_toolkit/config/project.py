"""Where a project keeps what eitk writes: everything but eitk.toml and eitk.lock lives in `.eitk/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.errors import EitkError

STUDIO_LOCK_NAME = "server.lock"  # in the data folder of a studio, locked while its server runs


@dataclass(frozen=True)
class ProjectPaths:
    """Paths of one project, from the folder that holds eitk.toml."""

    root: Path

    @property
    def state(self) -> Path:
        """Folder of everything that can be made again."""
        return self.root / ".eitk"

    @property
    def windows(self) -> Path:
        """Window files and `manifest.csv`, written by `eitk slice`."""
        return self.state / "windows"

    @property
    def compressed(self) -> Path:
        """The variants of a compressed network."""
        return self.state / "compressed"

    @property
    def converted(self) -> Path:
        """Whole files that `eitk upload FOLDER` converts, one folder for each folder of files."""
        return self.state / "converted"

    @property
    def unpacked(self) -> Path:
        """Data sets that were unpacked from archives."""
        return self.state / "unpacked"

    @property
    def copied(self) -> Path:
        """Data sets that were copied from object stores."""
        return self.state / "copied"

    @property
    def manifest(self) -> Path:
        """The window manifest."""
        return self.windows / "manifest.csv"

    @property
    def studio(self) -> Path:
        """Data of the local studio that commands start on demand."""
        return self.state / "studio"

    @property
    def studio_lock(self) -> Path:
        """The lock file of the local studio, which is held while it runs."""
        return self.studio / STUDIO_LOCK_NAME

    @property
    def builds(self) -> Path:
        """Downloaded deployments, one folder a version."""
        return self.state / "builds"

    @property
    def logs(self) -> Path:
        """Values of each epoch of trainings, written by `eitk train --log`."""
        return self.state / "logs"

    @property
    def provenance(self) -> Path:
        """Training provenance of each impulse, copied into the folder of a build."""
        return self.state / "provenance"

    @property
    def boards(self) -> Path:
        """State of emulated and host boards, one folder a name."""
        return self.state / "boards"

    @property
    def runs(self) -> Path:
        """Database of runs."""
        return self.state / "runs.sqlite"

    @property
    def folds(self) -> Path:
        """Trained folds of an evaluation that was interrupted."""
        return self.state / "folds"

    @property
    def tuner(self) -> Path:
        """Folder of the search of `eitk tune`."""
        return self.state / "tune"

    @property
    def tuner_search(self) -> Path:
        """Trials of the search."""
        return self.tuner / "search.sqlite"

    @property
    def tuner_features(self) -> Path:
        """Features that the trials of the search share."""
        return self.tuner / "features"

    @property
    def features(self) -> Path:
        """Summary features of clips, by the hash of the clip and the settings."""
        return self.state / "features"

    @property
    def schema(self) -> Path:
        """JSON Schema of eitk.toml for editors."""
        return self.state / "eitk.schema.json"

    @property
    def suite(self) -> Path:
        """Results of the last suite that was evaluated."""
        return self.state / "suite.json"

    @property
    def suite_trainings(self) -> Path:
        """Scores of the networks of a suite, so that an evaluation that was interrupted continues."""
        return self.state / "suite"

    @property
    def classifier(self) -> Path:
        """The classifier of summary features that `eitk train` wrote."""
        return self.state / "classifier.npz"

    @property
    def lock(self) -> Path:
        """The pinned deployment: version, engine, hashes."""
        return self.root / "eitk.lock"


PACKAGE = Path(__file__).resolve().parents[1]


def bundled(name: str) -> Path:
    """The folder `firmware` or `datasets` that this installation carries.

    Raises EitkError where the installation is incomplete.
    """
    for folder in (PACKAGE / "_bundled" / name, PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise EitkError(
        f"this installation of eitk has no {name}", hint="Install it again: pip install --force-reinstall eitk"
    )
