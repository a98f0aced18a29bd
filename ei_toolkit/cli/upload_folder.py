"""`eitk upload FOLDER`: convert whole files and upload what the studio lacks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.cli.outcomes import FileOutcome
from ei_toolkit.cli.upload import UploadRun, failures_of, lines_of, plan_data
from ei_toolkit.client.project import Studio
from ei_toolkit.client.upload.ledger import Ledger, ledger_path
from ei_toolkit.client.upload.plan import Difference, difference, visible_samples
from ei_toolkit.client.upload.run import Report, check_complete
from ei_toolkit.client.upload.run import upload as run_upload
from ei_toolkit.compute import cores
from ei_toolkit.dataset.conversion import ConversionSettings, Converted, convert_files
from ei_toolkit.dataset.manifest import MANIFEST_NAME, Manifest
from ei_toolkit.dataset.recorded import metadata_of_files
from ei_toolkit.dataset.recordings import Recordings, find_recordings
from ei_toolkit.errors import DataError

FEW_FILES = 16  # converted in this process: starting others takes longer


@dataclass(frozen=True)
class _Conversion:
    """The converted files of a folder, which lie in `out` beside their manifest."""

    folder: Path
    found: Recordings
    files: Sequence[Converted]
    out: Path

    @property
    def manifest(self) -> Manifest:
        return Manifest(tuple(file.window for file in self.files if file.window))

    @property
    def outcomes(self) -> list[FileOutcome]:
        """Files that were skipped or warned of."""
        skipped = [FileOutcome(one.name, "skipped", one.reason) for one in self.found.left_out]
        skipped += [FileOutcome(file.name, "skipped", file.reason) for file in self.files if file.reason]
        return [*skipped, *(FileOutcome(file.name, "warned", text) for file in self.files for text in file.warnings)]

    @property
    def counts(self) -> dict[str, int]:
        return {
            "read": len(self.files) + len(self.found.left_out),
            "converted": sum(file.converted for file in self.files if file.window),
            "warned": sum(bool(file.warnings) for file in self.files),
            "skipped": sum(bool(file.reason) for file in self.files) + len(self.found.left_out),
        }


def upload_folder(run: UploadRun, folder: Path, label: str, settings: ConversionSettings, jobs: int | None) -> None:
    """Upload the files of a folder and show the result. Raises what `send_folder` raises."""
    data, text = send_folder(run, folder, label, settings, jobs)
    run.env.console.result(data, text)
    if not run.dry_run:
        note_next_step(run.env, "upload")


def send_folder(
    run: UploadRun, folder: Path, label: str, settings: ConversionSettings, jobs: int | None
) -> tuple[dict[str, Any], str]:
    """Convert the files of a folder, show their labels and splits, then upload what the studio lacks.

    Returns the counts, and a sentence with them. Raises DataError if a file could not be converted, ApiError if the
    studio rejected one, after all others were sent.
    """
    conversion = _convert(run, folder, label, settings, jobs)
    manifest, outcomes, counts = conversion.manifest, conversion.outcomes, conversion.counts
    if not manifest.windows:
        run.show(outcomes, Report(0))
        raise DataError(f"none of the {counts['read']} files in {folder} can be uploaded", why=outcomes[0].reason)
    run.env.console.note(f"labels: {conversion.found.layout.labels_from.words}")
    run.env.console.note("\n".join(_split_lines(manifest)))
    manifest.write(conversion.out / MANIFEST_NAME)
    studio = connect(run.env, run.config, creates=not run.dry_run)
    plan = difference(manifest, visible_samples(studio) or [])
    if run.dry_run:
        run.show(outcomes, Report(0))
        data = {**plan_data(plan), **counts}
        return {"dry_run": True, **data}, lines_of(data)
    done = _send(run, studio, plan, conversion)
    clips = {window.file: window.clip for window in manifest.windows}
    failed = [FileOutcome(clips[one.path], one.outcome, one.reason) for one in failures_of(done)]
    run.show([*outcomes, *failed], done)
    summary = ", ".join(f"{count} {name}" for name, count in counts.items())
    result = {**done.data(), **counts}, f"{summary}\n{done.sentence()}"
    if done.failures or counts["skipped"]:
        run.env.console.result(*result)
    check_complete(done)
    if counts["skipped"]:
        first = f"{outcomes[0].path}: {outcomes[0].reason}"
        raise DataError(f"{counts['skipped']} of {counts['read']} files were not uploaded", why=first)
    return result


def _convert(run: UploadRun, folder: Path, label: str, settings: ConversionSettings, jobs: int | None) -> _Conversion:
    found = find_recordings(folder, run.config.settings.dataset, label)
    processes = jobs or (cores() if len(found.clips) > FEW_FILES else 1)
    out = run.config.paths.converted / f"{folder.name}.{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    with run.env.console.progress("converting files", len(found.clips)) as progress:
        return _Conversion(folder, found, convert_files(found.clips, settings, out, processes, progress.to), out)


def _send(run: UploadRun, studio: Studio, plan: Difference, conversion: _Conversion) -> Report:
    ledger_file = ledger_path(conversion.out / MANIFEST_NAME, studio.transport.endpoint.name, studio.project)
    ranges = {file.window.file: file.ranges for file in conversion.files if file.window and file.ranges}
    described = metadata_of_files(conversion.folder)
    metadata = {one.file: described.get(one.clip, {}) for one in conversion.manifest.windows}
    total = len(conversion.manifest.windows)
    with Ledger(ledger_file) as ledger, run.env.console.progress("uploading files", total) as progress:
        done = run_upload(studio, plan, conversion.out, ledger, run.options, progress.to, ranges, metadata)
    done.noun = "files"
    return done


def _split_lines(manifest: Manifest) -> Iterator[str]:
    """The number of files of each label and split."""
    counts = Counter((window.label, window.split) for window in manifest.windows)
    yield from (f"  {label}, {split}: {number}" for (label, split), number in sorted(counts.items()))
