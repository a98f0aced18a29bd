"""`eitk upload`: Upload windows, or whole files of a folder, to the studio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.api.training import plan_upload, upload_windows
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.cli.options import (
    ChannelOption,
    FloatRangeOption,
    GroupFromOption,
    GroupPatternOption,
    LabelsFromOption,
    SplitFromOption,
)
from ei_toolkit.cli.outcomes import show_outcomes, write_outcomes
from ei_toolkit.client.upload.plan import Difference
from ei_toolkit.client.upload.run import Options, Report, check_complete, write_failures
from ei_toolkit.config import Config
from ei_toolkit.config.settings import Category, TimeUnit
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.manifest import MANIFEST_NAME, Manifest
from ei_toolkit.dataset.unpacked import unpacked
from ei_toolkit.dataset.window_store import WindowReader, reader_of
from ei_toolkit.errors import UsageError
from ei_toolkit.report.file_outcomes import FileOutcome

SourceArgument = Annotated[
    Path | None,
    typer.Argument(help="Manifest of windows, or folder or zip of files to upload whole; default: the windows."),
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write what failed or was warned of, with reasons, as CSV."),
]
CategoryOption = Annotated[
    Category | None,
    typer.Option(
        help="Category of the files of a folder; split: by content, four of five for training; auto (default): the"
        " splits of the folder, else split."
    ),
]
RateOption = Annotated[
    int | None, typer.Option(min=1000, help="Sample rate of converted sounds in Hz; default: that of [slice].")
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Processes that convert; default: the number of cores.")
]
TimestampUnitOption = Annotated[
    TimeUnit | None,
    typer.Option(help="Unit of the timestamps in CSV files; default: by the name of the column."),
]
IntervalOption = Annotated[
    float | None, typer.Option(min=1e-6, help="Interval of the rows of CSV files, in place of their timestamps.")
]


def upload(
    context: typer.Context,
    source: SourceArgument = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Number of concurrent requests.")] = 4,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Largest number of files in one request.")] = 256,
    failures: Annotated[Path | None, typer.Option(help="Also write the windows that failed to this CSV.")] = None,
    report: ReportOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would be sent.")] = False,
    category: CategoryOption = None,
    label: Annotated[str | None, typer.Option(help="Label of all files of a folder.")] = None,
    rate: RateOption = None,
    jobs: JobsOption = None,
    timestamp_unit: TimestampUnitOption = None,
    interval_ms: IntervalOption = None,
    channel: ChannelOption = None,
    float_range: FloatRangeOption = None,
    labels_from: LabelsFromOption = None,
    split_from: SplitFromOption = None,
    group_from: GroupFromOption = None,
    group_pattern: GroupPatternOption = None,
) -> None:
    """Upload windows, or whole files of a folder, to the studio.

    An upload that was interrupted resumes, and nothing is sent twice. Of a folder, sounds of any format are converted
    to 16-bit mono WAV and CSV time series to data acquisition files, with the labels of the folder's layout; a file
    that cannot be converted does not stop the others, and the exit code is not 0.
    """
    env = Environment.of(context)
    config = env.config(
        slice__channel=channel, slice__float_range=float_range, slice__sample_rate=rate,
        dataset__labels_from=labels_from, dataset__split_from=split_from, dataset__group_from=group_from,
        dataset__group_pattern=group_pattern,
    )  # fmt: skip
    run = UploadRun(env, config, Options(concurrency, batch), failures, report, dry_run)
    folder = _folder(run, source)
    if folder is not None:
        _upload_whole(run, folder, label or "", category or "auto", timestamp_unit, interval_ms, jobs)
        return
    given = [category, label, rate, jobs, timestamp_unit, interval_ms, channel, float_range]
    if any(value is not None for value in [*given, labels_from, split_from, group_from, group_pattern]):
        raise UsageError("options for whole files, but no folder of files", hint="Name it: eitk upload FOLDER")
    _upload_windows(run, _manifest_file(run, source))


@dataclass(frozen=True)
class UploadRun:
    """One invocation: where it takes place, and the options that windows and whole files share."""

    env: Environment
    config: Config
    options: Options
    failures: Path | None
    report: Path | None
    dry_run: bool

    def show(self, outcomes: Sequence[FileOutcome], done: Report) -> None:
        """Print and write what failed or was warned of."""
        show_outcomes(self.env, outcomes)
        write_outcomes(self.env, self.report, outcomes)
        if self.failures is not None:
            write_failures(self.env.cwd / self.failures, done.failures)


def plan_data(plan: Difference) -> dict[str, int]:
    """Return what an upload would do, for --dry-run."""
    return {"would_send": len(plan.missing), "would_move": len(plan.moved), "present": len(plan.present)}


def lines_of(data: dict[str, int]) -> str:
    """Return names and numbers as lines of text."""
    return "\n".join(f"{name:<12}{value}" for name, value in data.items())


def failures_of(done: Report) -> list[FileOutcome]:
    """Return the files that the studio has not accepted."""
    return [FileOutcome(failure.file, "not uploaded", failure.reason) for failure in done.failures]


def _folder(run: UploadRun, source: Path | None) -> Path | None:
    """The folder of files to upload whole; None for a manifest, or a folder with one."""
    if source is None:
        return None
    path = (run.env.cwd / source).resolve()
    if path.suffix.lower() == ".zip" and path.is_file():
        return unpacked(path, run.config.paths)
    return path if path.is_dir() and not (path / MANIFEST_NAME).is_file() else None


def _upload_whole(
    run: UploadRun, folder: Path, label: str, category: Category, unit: TimeUnit | None, interval_ms: float | None,
    jobs: int | None,
) -> None:  # fmt: skip
    # The decoder takes a third of a second to import, which an upload of windows does not need.
    from ei_toolkit.cli.upload_folder import upload_folder
    from ei_toolkit.dataset.conversion import ConversionSettings
    from ei_toolkit.dataset.time_series import SeriesOptions

    settings = run.config.settings.slice
    series = SeriesOptions(unit, interval_ms)
    conversion = ConversionSettings(settings.sample_rate, settings.reading, series, category)
    upload_folder(run, folder, label, conversion, jobs)


def _manifest_file(run: UploadRun, source: Path | None) -> Path:
    """The manifest of windows. Raises UsageError for a file of another kind."""
    manifest = run.env.cwd / source if source else run.config.paths.manifest
    if manifest.is_file() and manifest.suffix.lower() != ".csv":
        raise UsageError(
            f"{manifest} is neither a manifest of windows nor a folder or zip of files",
            hint=f"Name the folder of files: eitk upload {manifest.parent} --label NAME",
        )
    return manifest / MANIFEST_NAME if manifest.is_dir() else manifest


def _upload_windows(run: UploadRun, file: Path) -> None:
    windows = Manifest.read(file)
    plan = plan_upload(connect(run.env, run.config, creates=not run.dry_run), file, windows)
    if run.dry_run:
        data = {**plan_data(plan.difference), "would_remove": plan.misplaced, "foreign": plan.foreign}
        run.env.console.result({"dry_run": True, **data}, lines_of(data))
        return
    with run.env.console.progress("uploading windows", len(windows.windows)) as progress:
        own = file == run.config.paths.manifest
        reader = reader_of(run.config) if own else WindowReader(file.parent)
        done, foreign = upload_windows(plan, reader, run.options, progress.to)
    if foreign:
        run.env.console.warn(
            f"{counted(foreign, 'sample')} in the studio would be trained on without being in the manifest;"
            " see eitk samples diff"
        )
    run.show(failures_of(done), done)
    run.env.console.result(done.data(), done.sentence())
    check_complete(done)
    note_next_step(run.env, "upload")
