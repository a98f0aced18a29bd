"""Know a run of `eitk slice` that would do again what the last one did."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit import audio
from ei_toolkit.audio.wav import HEADER_BYTES
from ei_toolkit.config import Settings, SliceSettings
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.manifest import MANIFEST_NAME, Manifest
from ei_toolkit.dataset.plan import Skipped, clips_root, groups_file
from ei_toolkit.errors import DataError

STATE = "slice.json"


@dataclass(frozen=True)
class LastRun:
    """What the last run reported beside its manifest."""

    skipped: tuple[Skipped, ...]
    duplicates: int


def fingerprint(settings: Settings, project: Path) -> str:
    """A hash of all that decides the windows: settings, program, and every input file's name, size and time."""
    root = clips_root(settings.dataset, project)
    files = [clip.path for clip in find_clips(root, settings.project.labels)]
    if own := groups_file(settings.dataset, project):
        files.append(own)
    if settings.slice.augment.noise_files:
        files += sorted(
            path
            for path in (project / Path(settings.slice.augment.noise_files).expanduser()).rglob("*")
            if path.is_file()
        )
    chosen = [_program(), asdict(settings.slice), asdict(settings.dataset), settings.project.labels]
    seen = [(str(path), (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files if path.exists()]
    return hashlib.sha256(json.dumps([chosen, seen]).encode()).hexdigest()


def _program() -> str:
    """A hash of the code that makes windows: another version of it may make others."""
    folder = Path(audio.__file__).parent
    code = sorted(
        [*folder.glob("*.py"), folder.parent / "dataset" / "cutting.py", folder.parent / "dataset" / "split.py"]
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()


def last_report(out: Path, mark: str, settings: SliceSettings) -> LastRun | None:
    """The last run's report, if it had the same fingerprint, and its manifest and all of its windows are whole."""
    try:
        state = json.loads((out / STATE).read_text(encoding="utf-8"))
        skipped = tuple(Skipped(**item) for item in state["skipped"])
        if state["fingerprint"] != mark or state["manifest"] != _manifest_hash(out):
            return None
        windows = Manifest.read(out / MANIFEST_NAME).windows
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(out)}
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return None
    # by size alone: hashing every window in every run would cost too much, so a flipped bit stays
    size = HEADER_BYTES + 2 * (settings.sample_rate * settings.window_ms // 1000)
    whole = all(sizes.get(window.file) == size for window in windows)
    return LastRun(skipped, state["duplicates"]) if whole else None


def remember(out: Path, mark: str, skipped: tuple[Skipped, ...], duplicates: int) -> None:
    """Keep this run's fingerprint, and that of the manifest in `out`, for the next."""
    part = out / f"{STATE}.part"
    report = {"skipped": [asdict(item) for item in skipped], "duplicates": duplicates}
    state = {"fingerprint": mark, "manifest": _manifest_hash(out), **report}
    part.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
    part.replace(out / STATE)


def _manifest_hash(out: Path) -> str:
    return hashlib.sha256((out / MANIFEST_NAME).read_bytes()).hexdigest()
