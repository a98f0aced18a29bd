"""`eitk upload FOLDER`: convert whole files and upload what the studio lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ei_toolkit.api.whole_files import convert_found, send_files
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.cli.upload import UploadRun, failures_of, lines_of, plan_data
from ei_toolkit.client.upload.plan import difference, visible_samples
from ei_toolkit.client.upload.run import Report, check_complete
from ei_toolkit.dataset.conversion import ConversionSettings
from ei_toolkit.dataset.manifest import MANIFEST_NAME, Manifest
from ei_toolkit.dataset.recordings import find_recordings
from ei_toolkit.report.file_outcomes import FileOutcome


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
    found = find_recordings(folder, run.config.settings.dataset, label)
    with run.env.console.progress("converting files", len(found.clips)) as progress:
        conversion = convert_found(run.config, folder, found, settings, jobs, progress.to)
    manifest, outcomes, counts = conversion.manifest, conversion.outcomes, conversion.counts
    if not manifest.windows:
        run.show(outcomes, Report(0))
    conversion.check_any()
    run.env.console.note(f"labels: {conversion.found.layout.labels_from.words}")
    run.env.console.note("\n".join(_split_lines(manifest)))
    manifest.write(conversion.out / MANIFEST_NAME)
    studio = connect(run.env, run.config, creates=not run.dry_run)
    plan = difference(manifest, visible_samples(studio) or [])
    if run.dry_run:
        run.show(outcomes, Report(0))
        data = {**plan_data(plan), **counts}
        return {"dry_run": True, **data}, lines_of(data)
    with run.env.console.progress("uploading files", len(manifest.windows)) as progress:
        done = send_files(studio, plan, conversion, run.options, progress.to)
    clips = {window.file: window.clip for window in manifest.windows}
    failed = [FileOutcome(clips[one.path], one.outcome, one.reason) for one in failures_of(done)]
    run.show([*outcomes, *failed], done)
    summary = ", ".join(f"{count} {name}" for name, count in counts.items())
    result = {**done.data(), **counts}, f"{summary}\n{done.sentence()}"
    if done.failures or counts["skipped"]:
        run.env.console.result(*result)
    check_complete(done)
    conversion.check_all()
    return result


def _split_lines(manifest: Manifest) -> Iterator[str]:
    """The number of files of each label and split."""
    counts = Counter((window.label, window.split) for window in manifest.windows)
    yield from (f"  {label}, {split}: {number}" for (label, split), number in sorted(counts.items()))
