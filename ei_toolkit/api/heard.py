"""Which clips a training hears: asked of the server, for its samples are what a model is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ei_toolkit.api.project import Studio
from ei_toolkit.api.samples import Sample
from ei_toolkit.api.upload.ledger import slug
from ei_toolkit.api.upload.plan import misplaced, removable
from ei_toolkit.config import ProjectPaths
from ei_toolkit.dataset.heard import Heard, read_heard, write_heard
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.errors import DataError

SHOWN = 20  # ids in a hint


def heard_file(studio: Studio, paths: ProjectPaths, impulse: int) -> Path:
    """Where it is kept which clips the model of an impulse was trained on, until a build takes it along."""
    return paths.state / "heard" / f"{slug(studio.transport.endpoint.name)}.{studio.project}.{impulse}.json"


def expect_heard(file: Path, heard: Heard) -> None:
    """Before a training: until it has succeeded, a build may hold the model before it as well as the new one."""
    write_heard(file, (read_heard(file) or heard) | heard)


def heard_samples(manifest: Manifest, samples: Sequence[Sample]) -> Heard:
    """The clips and artists of the training samples, by the manifest or else by their metadata.

    Raises DataError where a sample is on the other side of the split than its clip in the manifest.
    """
    _check_sides(manifest, misplaced(manifest, samples))
    windows = {Path(window.file).stem: window for window in manifest.windows}
    origins = [_origin(sample, windows) for sample in samples if sample.category == "training"]
    return Heard(frozenset(clip for clip, _ in origins if clip), frozenset(group for _, group in origins if group))


def _origin(sample: Sample, windows: Mapping[str, Window]) -> tuple[str, str]:
    """Hash of a sample's clip, and its group; empty where nothing tells."""
    if window := windows.get(sample.name):
        return window.clip_sha256, window.group
    metadata = dict(sample.metadata)
    return metadata.get("clip_sha256", ""), metadata.get("artist", "")


def _check_sides(manifest: Manifest, wrong: Sequence[Sample]) -> None:
    if not wrong:
        return
    names = {Path(window.file).stem for window in manifest.windows}
    ours = removable(manifest, wrong)
    others = [str(sample.id) for sample in wrong if sample.name not in names and sample not in ours]
    more = " ..." if len(others) > SHOWN else ""
    delete = f", then eitk samples delete {' '.join(others[:SHOWN])}{more}" if others else ""
    raise DataError(
        f"{len(wrong)} samples on the server are on the other side of the split than their clips in the manifest",
        why=f"a clip would be trained on and tested; the first is sample {wrong[0].id} in {wrong[0].category}",
        hint=f"eitk upload{delete}",
    )
