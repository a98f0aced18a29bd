"""Upload whole files of a folder: convert them to what the studio takes, then send what it lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.api.progress import OnProgress, progress_of
from ei_toolkit.api.results import Result
from ei_toolkit.client.project import Studio
from ei_toolkit.client.upload.ledger import Ledger, ledger_path
from ei_toolkit.client.upload.plan import Difference, difference, visible_samples
from ei_toolkit.client.upload.run import Options, Report, check_complete
from ei_toolkit.client.upload.run import upload as run_upload
from ei_toolkit.compute import cores
from ei_toolkit.config import Config
from ei_toolkit.config.settings import Category
from ei_toolkit.dataset.conversion import ConversionSettings, Converted, convert_files
from ei_toolkit.dataset.manifest import MANIFEST_NAME, Manifest
from ei_toolkit.dataset.recorded import metadata_of_files
from ei_toolkit.dataset.recordings import Recordings, find_recordings
from ei_toolkit.dataset.window_store import WindowReader
from ei_toolkit.errors import DataError
from ei_toolkit.report.file_outcomes import FileOutcome
from ei_toolkit.report.tables import Cell

Show = Callable[[float, str], None]
FEW_FILES = 16  # converted in this process: starting others takes longer


@dataclass(frozen=True)
class FolderUpload(Result):
    """The upload of the files of a folder.

    Of `read` files, `skipped` could not be converted, and `done` are in the studio now, of which `sent` were sent.
    `outcomes` are the files that were skipped or warned of, with the reasons.
    """

    read: int
    converted: int
    warned: int
    skipped: int
    done: int
    sent: int
    duplicates: int
    seconds: float
    outcomes: tuple[FileOutcome, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, the time in seconds, and the files that were skipped or warned of."""
        return asdict(self)

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each file that was skipped or warned of: its path, what happened, and the reason."""
        return [asdict(one) for one in self.outcomes]


@dataclass(frozen=True)
class Conversion:
    """The converted files of a folder, which lie in `out` beside their manifest."""

    folder: Path
    found: Recordings
    files: Sequence[Converted]
    out: Path

    @property
    def manifest(self) -> Manifest:
        """The files that can be uploaded."""
        return Manifest(tuple(file.window for file in self.files if file.window))

    @property
    def outcomes(self) -> list[FileOutcome]:
        """Files that were skipped or warned of."""
        skipped = [FileOutcome(one.name, "skipped", one.reason) for one in self.found.left_out]
        skipped += [FileOutcome(file.name, "skipped", file.reason) for file in self.files if file.reason]
        return [*skipped, *(FileOutcome(file.name, "warned", text) for file in self.files for text in file.warnings)]

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of files that were read, converted, warned of and skipped."""
        return {
            "read": len(self.files) + len(self.found.left_out),
            "converted": sum(file.converted for file in self.files if file.window),
            "warned": sum(bool(file.warnings) for file in self.files),
            "skipped": sum(bool(file.reason) for file in self.files) + len(self.found.left_out),
        }

    def check_any(self) -> None:
        """Raise DataError if no file can be uploaded."""
        if not self.manifest.windows:
            raise DataError(
                f"none of the {self.counts['read']} files in {self.folder} can be uploaded", why=self.outcomes[0].reason
            )

    def check_all(self) -> None:
        """Raise DataError if a file could not be converted."""
        if skipped := self.counts["skipped"]:
            first = self.outcomes[0]
            raise DataError(
                f"{skipped} of {self.counts['read']} files were not uploaded", why=f"{first.path}: {first.reason}"
            )


def convert_found(
    config: Config, folder: Path, found: Recordings, settings: ConversionSettings, jobs: int | None, show: Show
) -> Conversion:
    """Convert the files that were found in a folder. `jobs` is the number of processes; None: as many as are useful."""
    processes = jobs or (cores() if len(found.clips) > FEW_FILES else 1)
    out = config.paths.converted / f"{folder.name}.{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    return Conversion(folder, found, convert_files(found.clips, settings, out, processes, show), out)


def send_files(studio: Studio, plan: Difference, conversion: Conversion, options: Options, show: Show) -> Report:
    """Send what the studio lacks of the converted files, with the metadata that `info.labels` has for them."""
    manifest = conversion.manifest
    ledger_file = ledger_path(conversion.out / MANIFEST_NAME, studio.transport.endpoint.name, studio.project)
    ranges = {file.window.file: file.ranges for file in conversion.files if file.window and file.ranges}
    described = metadata_of_files(conversion.folder)
    metadata = {one.file: described.get(one.clip, {}) for one in manifest.windows}
    with Ledger(ledger_file) as ledger:
        done = run_upload(studio, plan, WindowReader(conversion.out), ledger, options, show, ranges, metadata)
    done.noun = "files"
    return done


def upload_folder_of(
    studio: Studio,
    config: Config,
    folder: Path,
    label: str,
    category: Category,
    options: Options,
    jobs: int | None,
    on_progress: OnProgress,
) -> FolderUpload:
    """Convert the files of a folder and upload what the studio lacks. Raises as `StudioClient.upload_folder` does."""
    found = find_recordings(folder, config.settings.dataset, label)
    settings = ConversionSettings(config.settings.slice.sample_rate, config.settings.slice.reading, category=category)
    progress = progress_of("converting files", len(found.clips), on_progress)
    conversion = convert_found(config, folder, found, settings, jobs, progress)
    conversion.check_any()
    manifest = conversion.manifest
    manifest.write(conversion.out / MANIFEST_NAME)
    plan = difference(manifest, visible_samples(studio) or [])
    progress = progress_of("uploading files", len(manifest.windows), on_progress)
    done = send_files(studio, plan, conversion, options, progress)
    check_complete(done)
    return FolderUpload(
        **conversion.counts, done=done.done, sent=done.sent, duplicates=done.duplicates, seconds=done.seconds,
        outcomes=tuple(conversion.outcomes),
    )  # fmt: skip
