"""Cut clips into windows, and skip a run that would repeat the last one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import compress
from pathlib import Path

from ei_toolkit import audio
from ei_toolkit.audio.wav import HEADER_BYTES
from ei_toolkit.audio.window import samples_in
from ei_toolkit.compute import map_items
from ei_toolkit.config import Settings, SliceSettings
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.cutting import Cut, CutGroup, cut_group, first_occurrences, groups_of, locate_noise
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.manifest import MANIFEST_NAME, Manifest, Window, manifest_hash
from ei_toolkit.dataset.plan import Plan, Skipped, clips_root, groups_file, plan_slices
from ei_toolkit.dataset.repeats import Repeat, repeats_of
from ei_toolkit.dataset.window_store import WindowStore, store_of
from ei_toolkit.errors import DataError, EitkError

STATE = "slice.json"


@dataclass(frozen=True)
class Warned:
    """A clip that was read, and what is wrong with it."""

    clip: str
    warning: str


@dataclass(frozen=True)
class LastRun:
    """What the last run reported beside its manifest."""

    skipped: tuple[Skipped, ...]
    duplicates: int
    padded: int
    warned: tuple[Warned, ...]


def fingerprint(settings: Settings, project: Path) -> str:
    """Hash what determines the windows: settings, program, the layout, and every input file's name, size and time."""
    root = clips_root(settings.dataset, project)
    clips = find_clips(root, settings.project.labels, settings.dataset)
    files = [clip.path for clip in clips]
    layout = [(clip.name, clip.label, clip.split, clip.group, clip.fold, clip.is_rerecorded) for clip in clips]
    if own := groups_file(settings.dataset, project):
        files.append(own)
    if settings.slice.augment.profile:
        files.append(project / Path(settings.slice.augment.profile).expanduser())
    if settings.slice.augment.noise_files:
        files += sorted(
            path
            for path in (project / Path(settings.slice.augment.noise_files).expanduser()).rglob("*")
            if path.is_file()
        )
    chosen = [_program(), asdict(settings.slice), asdict(settings.dataset), settings.project.labels]
    chosen.append(asdict(settings.store))
    seen = [(str(path), (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files if path.exists()]
    return hashlib.sha256(json.dumps([chosen, layout, seen]).encode()).hexdigest()


def _program() -> str:
    """A hash of the code that makes windows: another version of it may make others."""
    folder = Path(audio.__file__).parent
    code = sorted(
        [*folder.rglob("*.py"), *(folder.parent / "dataset" / name for name in ("cutting.py", "groups.py", "split.py"))]
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()


def last_report(out: Path, mark: str, settings: SliceSettings, store: WindowStore) -> LastRun | None:
    """The last run's report, if it had the same fingerprint, and its manifest and all of its windows are whole."""
    try:
        state = read_json((out / STATE).read_text(encoding="utf-8"))
        skipped = tuple(Skipped(**item) for item in state["skipped"])
        warned = tuple(Warned(**item) for item in state["warned"])
        if state["fingerprint"] != mark or state["manifest"] != manifest_hash(out / MANIFEST_NAME):
            return None
        windows = Manifest.read(out / MANIFEST_NAME).windows
        whole = store.has_all(windows, HEADER_BYTES + 2 * samples_in(settings.window_ms, settings.sample_rate))
    except (OSError, ValueError, KeyError, TypeError, EitkError):
        return None
    return LastRun(skipped, state["duplicates"], state["padded"], warned) if whole else None


def remember(out: Path, mark: str, report: SliceReport) -> None:
    """Keep this run's fingerprint, and that of the manifest in `out`, for the next."""
    last = LastRun(report.skipped, report.duplicates, report.padded, report.warned)
    state = {"fingerprint": mark, "manifest": manifest_hash(out / MANIFEST_NAME), **asdict(last)}
    write_text(out / STATE, json.dumps(state, ensure_ascii=False))


Progress = Callable[[float, str], None]
Show = Callable[[Plan], None]
SHOWN = 3  # clips that an error names


@dataclass(frozen=True)
class SliceReport:
    """The result of a slicing. `duplicates` counts windows that were left out because another has the same samples.

    `padded` counts clips that were shorter than a window and padded. `repeats` are the clips with duplicates.
    """

    windows: tuple[Window, ...]
    skipped: tuple[Skipped, ...]
    duplicates: int = 0
    reused: bool = False
    warned: tuple[Warned, ...] = ()
    padded: int = 0
    repeats: tuple[Repeat, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Count the clips that were read, converted to windows, padded, warned of and skipped."""
        converted = len({window.clip for window in self.windows})
        warned = len({one.clip for one in self.warned})
        return {
            "read": converted + len(self.skipped) + len(self._repeated_whole()), "converted": converted,
            "padded": self.padded, "warned": warned, "skipped": len(self.skipped),
        }  # fmt: skip

    def _repeated_whole(self) -> set[str]:
        return {repeat.clip for repeat in self.repeats} - {window.clip for window in self.windows}


def slice_clips(
    settings: Settings, project: Path, out: Path, jobs: int, progress: Progress, show: Show = lambda _plan: None
) -> SliceReport:
    """Cut the project's clips into windows in `out`, or in the store of the settings, and write `out`/manifest.csv.

    The files are the same for any number of `jobs`. Where neither settings nor clips have changed since the last run
    nothing is done. `progress` is called with the clips done and the name of the last, `show` with the plan before
    anything is written. Raises ConfigurationError, and DataError if a label has no window in one split.
    """
    mark, store = fingerprint(settings, project), store_of(settings.store, project, out)
    if kept := last_report(out, mark, settings.slice, store):
        windows = Manifest.read(out / MANIFEST_NAME).windows
        return SliceReport(windows, kept.skipped, kept.duplicates, True, kept.warned, kept.padded)
    try:
        report, shards = _cut_until_complete(settings, project, store, jobs, progress, show)
        shards = store.keep_only(shards, report.windows)
        out.mkdir(parents=True, exist_ok=True)
        Manifest(report.windows).write(out / MANIFEST_NAME)
        store.finish(out / MANIFEST_NAME, shards, report.windows)
        remember(out, mark, report)
    except OSError as error:
        raise DataError(f"windows cannot be written to {store.location}", why=error.strerror or str(error)) from None
    return report


def _cut_until_complete(
    settings: Settings, project: Path, store: WindowStore, jobs: int, progress: Progress, show: Show
) -> tuple[SliceReport, list[str]]:
    """Cut; if clips that cannot be decoded leave a split empty, split again without them.

    Return the report and the names of the Parquet files.
    """
    sliced, scheduler = locate_noise(settings.slice, project), settings.compute.scheduler
    cut, noise = partial(cut_group, settings=sliced, store=store), sliced.augment.noise_files
    bad: tuple[Skipped, ...] = ()
    while True:
        plan = plan_slices(settings, project, jobs, bad)
        if not bad:
            show(plan)
            _check_splits(plan, settings.dataset.split)
        store.create()
        reach = [*store.folders, *(task.known.clip.path for task in plan.tasks[:1]), *([Path(noise)] if noise else [])]
        groups = groups_of(plan.tasks, sliced, store)
        done = list(_with_progress(plan, map_items(cut, groups, jobs, scheduler, reach), progress))
        report = _report(plan, [cut for group in done for cut in group.cuts], settings.slice.window_ms)
        missing = _missing_side(plan, {(window.label, window.split) for window in report.windows})
        if not missing:
            return report, [name for group in done for name in group.shards]
        if len(report.skipped) == len(plan.skipped):
            raise _incomplete(*missing, report)
        bad = report.skipped


def _with_progress(plan: Plan, groups: Iterator[CutGroup], progress: Progress) -> Iterator[CutGroup]:
    done = 0
    for group in groups:
        done += len(group.cuts)
        progress(done, plan.tasks[done - 1].known.clip.name)
        yield group


def _report(plan: Plan, cuts: Sequence[Cut], window_ms: int) -> SliceReport:
    found = [window for cut in cuts for window in cut.windows]
    firsts = first_occurrences(window.sha256 for window in found)
    distinct = tuple(compress(found, firsts))
    pairs = list(zip(plan.tasks, cuts, strict=True))
    failed = [Skipped(task.known.clip.name, cut.reason) for task, cut in pairs if cut.reason]
    skipped = tuple(sorted([*plan.skipped, *failed], key=lambda s: s.clip))
    repeats = repeats_of(found, firsts)
    warned = [Warned(task.known.clip.name, text) for task, cut in pairs for text in cut.warnings]
    warned += [Warned(repeat.clip, repeat.warning) for repeat in repeats if repeat.label != repeat.of_label]
    padded = sum(bool(cut.windows) and task.seconds * 1000 < window_ms for task, cut in pairs)
    return SliceReport(distinct, skipped, len(found) - len(distinct), False, tuple(warned), padded, tuple(repeats))


def _check_splits(plan: Plan, split: str) -> None:
    """Raise DataError, before clips are cut, where a label has no clip in a split for another reason than its files."""
    missing = _missing_side(plan, {(task.known.clip.label, task.split) for task in plan.tasks})
    if missing and not plan.skipped:
        raise DataError(
            f"the label {missing[0]} has no {missing[1]} clip",
            why=f'[dataset] split = "{split}" leaves that split empty',
            hint="Add clips, or choose another split, such as: eitk config set dataset.split artist",
        )


def _missing_side(plan: Plan, there: Collection[tuple[str, str]]) -> tuple[str, str] | None:
    """Return a label and a split of the plan that are not among those that are `there`."""
    labels = sorted({task.known.clip.label for task in plan.tasks})
    wanted = [(label, split) for label in labels for split in ("training", "testing")]
    return next((cell for cell in wanted if cell not in there), None)


def _incomplete(label: str, split: str, report: SliceReport) -> DataError:
    what = f"the label {label} has no {split} window"
    if repeats := [repeat for repeat in report.repeats if (repeat.label, repeat.split) == (label, split)]:
        named = "; ".join(f"{repeat.clip} repeats {repeat.of_clip}" for repeat in repeats[:SHOWN])
        return DataError(
            what, why=f"all of its windows there are duplicates: {named}",
            hint="Remove the clips that repeat others, or add clips.",
        )  # fmt: skip
    reasons = "; ".join(f"{one.clip}: {one.reason}" for one in report.skipped[:SHOWN])
    hint = "Add clips, or choose another [dataset] split or seed."
    return DataError(what, why=reasons, hint=hint)
