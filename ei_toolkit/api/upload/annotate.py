"""Metadata that a batch cannot share: where in its clip a window starts and how it was altered, added afterwards.

The headers of a request speak for all of its files, and windows of one clip share everything but these. So a clip's
windows go together, and what is left is told to all windows that are alike in it, whatever their clip.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from ei_toolkit.api.project import Studio
from ei_toolkit.api.samples import BATCH_IDS, Sample, add_metadata
from ei_toolkit.api.upload.ledger import Entry, Ledger
from ei_toolkit.dataset.manifest import Manifest, Window

AT_ONCE = 4  # requests
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(-\d+(\.\d+)?)?")


def own_metadata(window: Window) -> Mapping[str, str]:
    """A window's start, and the kind of its alteration; the manifest has the exact values, by the window's hash."""
    kind = NUMBER.sub("", window.recipe).strip()
    return {"start_ms": str(window.start_ms), **({"recipe": kind} if kind else {})}


def is_annotated(window: Window, sample: Sample) -> bool:
    """Whether the server has a window's own metadata."""
    return own_metadata(window).items() <= dict(sample.metadata).items()


def annotate(studio: Studio, manifest: Manifest, ledger: Ledger) -> int:
    """Tell the studio each window's own metadata; returns how many windows were told. Safe to repeat.

    Raises CredentialError where the key may upload but not change samples; the windows are there all the same.
    """
    entries = ledger.entries()
    open_entries: list[Entry] = []
    alike: dict[tuple[str, str, str], list[int]] = {}
    for window in manifest.windows:
        entry = entries.get(window.sha256)
        if entry is None or entry.state != "done" or entry.sample is None or entry.annotated:
            continue
        open_entries.append(entry)
        for key, value in own_metadata(window).items():
            alike.setdefault((window.split, key, value), []).append(entry.sample)
    _tell_all(studio, alike)
    ledger.record(Entry(e.sha256, e.file, "done", e.sample, "", True) for e in open_entries)
    return len(open_entries)


def _tell_all(studio: Studio, alike: Mapping[tuple[str, str, str], Sequence[int]]) -> None:
    """Key by key, so that no sample is changed by two requests at once."""
    with ThreadPoolExecutor(AT_ONCE, "annotate") as pool:
        for wanted in dict.fromkeys(key for _, key, _ in alike):
            asked = [
                pool.submit(add_metadata, studio, category, samples[start : start + BATCH_IDS], key, value)
                for (category, key, value), samples in alike.items()
                if key == wanted
                for start in range(0, len(samples), BATCH_IDS)
            ]
            for future in as_completed(asked):
                future.result()
